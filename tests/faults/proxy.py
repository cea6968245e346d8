"""Stands between an engine and its PostgreSQL: counts the protocol's messages, and cuts.

A message is one of the wire protocol's, from either side, numbered over all connections in the
order in which they came by.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = ".s.PGSQL.5432"
CLIENT, SERVER = "client", "server"

WAYS = ("before", "after", "unnoticed")
"""How a connection is cut: before the message is passed on, or after; ``unnoticed`` is after too,
and the server hears nothing of it: its session stays as it is, with all that it has locked."""


class Message(NamedTuple):
    """Who sent it, its letter, and the beginning of what it says."""

    sender: str
    letter: str
    text: str


class Cut(NamedTuple):
    """The message of which number (from 1) is the last one, or the first that does not arrive.

    Only messages whose text begins with ``says`` are counted.
    """

    number: int
    way: str
    says: str = ""


class Proxy:
    """Listens in ``folder`` for the server whose socket is in ``server``; a context manager.

    ``act`` is called instead of cutting, before the message is passed on.
    """

    def __init__(
        self,
        folder: Path,
        server: Path,
        cut: Cut | None = None,
        act: Callable[[], None] | None = None,
    ) -> None:
        """Listen."""
        self.folder = folder
        self.messages: list[Message] = []
        self._server = server
        self._cut = cut
        self._act = act
        self._counted = 0
        self._guard = threading.Lock()
        self._links: list[_Link] = []
        folder.mkdir()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / NAME))
        self._listening.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        """The proxy itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more; all connections end."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for link in self._links:
            link.end()

    def _serve(self) -> None:
        while True:
            try:
                client = self._listening.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._server / NAME))
            except OSError:  # it is not there
                client.close()
                server.close()
                continue
            link = _Link(client, server)
            self._links.append(link)
            for sender in (CLIENT, SERVER):
                threading.Thread(target=self._pump, args=(link, sender), daemon=True).start()

    def _pump(self, link: _Link, sender: str) -> None:
        """Pass on what one side sends, until it ends or is cut."""
        here, there = link.sides(sender)
        for message, data in _messages(here, sender):
            way = self._passes(message)
            if way != "before":
                with suppress(OSError):  # that side is gone; the other may still say something
                    there.sendall(data)
            if way:
                link.cut(way)
        if not link.is_cut:
            link.end()

    def _passes(self, message: Message) -> str:
        """In which way the connection is cut at a message, if at all."""
        with self._guard:
            self.messages.append(message)
            if self._cut is None or not message.text.startswith(self._cut.says):
                return ""
            self._counted += 1
            if self._cut.number != self._counted:
                return ""
        if self._act is None:
            return self._cut.way
        self._act()
        return ""


class _Link:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.is_cut = False

    def sides(self, sender: str) -> tuple[socket.socket, socket.socket]:
        """Where the sender's messages come from, and where they go."""
        return (self.client, self.server) if sender == CLIENT else (self.server, self.client)

    def cut(self, way: str) -> None:
        """The client finds its connection gone; the server too, once it has dealt with all."""
        self.is_cut = True
        with suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)
        if way != "unnoticed":
            with suppress(OSError):
                self.server.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """End both."""
        for one in (self.client, self.server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _messages(source: socket.socket, sender: str) -> Iterator[tuple[Message, bytes]]:
    """What comes, message by message; a client's first has no letter."""
    waiting, begun = b"", sender == SERVER
    while True:
        try:
            came = source.recv(65536)
        except OSError:
            return
        if not came:
            return
        waiting += came
        while len(waiting) >= 4 + begun:
            size = struct.unpack_from("!i", waiting, begun)[0] + begun
            if len(waiting) < size:
                break
            data, waiting = waiting[:size], waiting[size:]
            letter = chr(data[0]) if begun else "startup"
            begun = True
            text = data[5:45].replace(b"\0", b" ").decode("ascii", "replace").strip()
            yield Message(sender, letter, text), data
