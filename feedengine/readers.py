"""Packages read by other processes, beside the one that applies them.

What takes long to read is the worth of it: packages that are read from their trees, such as those
that name other files, or leave a warning each. Usual ones are read sooner than handed over.
"""

from __future__ import annotations

import gc
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from multiprocessing.connection import Connection
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple

from feedengine.beside import Beside, asked, beside, running
from feedengine.feeds.document import Limits, Loader
from feedengine.feeds.folder import FeedFolder
from feedengine.packages import Read, read_package

SAMPLE = 200
"""So many packages are read before it is known whether reading takes long."""

MANY = 2_000
"""So many must be left: a process costs some 0.2 s of CPU before it reads."""

CHUNK = 50
"""Packages that are asked for at once."""

AHEAD = 1_000
"""So many packages are asked for before they are needed: while a batch is written, there must be as
much to read."""

ASKED_CHARACTERS = 32 * 1024
"""Of paths that are asked for, at most: more may not fit between two processes."""

ANSWER_BYTES = 1 << 20
"""So many bytes of packages, about, are handed over at once."""

ANSWERS = 16
"""So many answers wait in a reader to be taken."""

_COMMAND = running("feedengine.readers")


class Reading(NamedTuple):
    """How packages are read."""

    limits: Limits
    strict: bool


class _Reader:
    """A process that reads; it ends by itself when this one does."""

    def __init__(self, folder: FeedFolder, reading: Reading) -> None:
        """Start it, for the feed of ``folder``."""
        self._beside = Beside(_COMMAND, [folder.descriptor])
        self._connection: Connection[Any, Any] = Connection(self._beside.socket.detach())
        self.ask(reading)

    def ask(self, what: Reading | Sequence[str]) -> None:
        """Say how to read, or ask for packages, which `answer` gives."""
        with suppress(ConnectionError):  # it has ended: so says its answer
            self._connection.send(what)

    def answer(self) -> list[Read] | OSError:
        """Some of the packages that were asked for, in their order, or what the machine lacks.

        Raises `EOFError`, or an `OSError`, where the process has ended.
        """
        found: list[Read] | OSError = self._connection.recv()
        return found

    def close(self) -> None:
        """Let it end."""
        self._connection.close()
        self._beside.close()


class Ahead:
    """Reads packages of a feed, maybe ahead of being asked for them, until it is closed.

    Where a reader ends before its time, such as for want of memory, what it has not given is read
    by this process.
    """

    def __init__(
        self,
        folder: FeedFolder,
        reading: Reading,
        here: Callable[[str], Read],
        processes: int | None = None,
    ) -> None:
        """Of the feed of ``folder``; ``here`` reads a package in this process.

        ``processes`` is how many others may read: one fewer than there are cores unless said.
        """
        self._folder, self._reading, self._here = folder, reading, here
        self._processes = processes
        self._readers: list[_Reader] = []

    def close(self) -> None:
        """Let the readers end."""
        for reader in self._readers:
            reader.close()
        self._readers.clear()

    def reads(self, paths: Iterator[str], many: int) -> Iterator[Read]:
        """The packages in their order, some ``many``. Raises as `read_package` does.

        Others read them where many are left, and most of the first ones were not read at a glance:
        then it takes longer to read one than to hand it over.
        """
        slow = 0
        for path in islice(paths, SAMPLE):
            found = self._here(path)
            slow += not found.document.unread
            yield found
        if slow > SAMPLE // 2 and many - SAMPLE >= MANY:
            self._start()
        yield from self._by_others(paths) if self._readers else map(self._here, paths)

    def _start(self) -> None:
        """As many readers as may be, and as there is room for."""
        with suppress(OSError):
            for _ in range(beside(self._processes)):
                self._readers.append(_Reader(self._folder, self._reading))

    def _by_others(self, paths: Iterator[str]) -> Iterator[Read]:
        asked: deque[tuple[_Reader, list[str]]] = deque()
        for reader in cycle(self._readers):
            chunk = list(islice(paths, CHUNK))
            if not chunk:
                break
            while asked and _are_many([*(paths for _, paths in asked), chunk]):
                yield from self._answers(*asked.popleft())
            reader.ask(chunk)
            asked.append((reader, chunk))
        while asked:
            yield from self._answers(*asked.popleft())

    def _answers(self, reader: _Reader, chunk: list[str]) -> Iterator[Read]:
        at = 0
        while at < len(chunk):
            try:
                found = reader.answer()
            except (EOFError, OSError):
                yield from map(self._here, chunk[at:])
                return
            if isinstance(found, OSError):
                raise found
            at += len(found)
            yield from found


def _are_many(chunks: Sequence[Sequence[str]]) -> bool:
    """Whether these are more than may be asked for before answers are taken."""
    characters = sum(len(path) for paths in chunks for path in paths)
    return len(chunks) * CHUNK > AHEAD or characters > ASKED_CHARACTERS


def _answered(paths: Sequence[str], read_one: Callable[[str], Read]) -> Iterator[bytes]:
    """The packages that are asked for, read and packed; an error of the machine ends them."""
    found: list[Read] = []
    size = 0
    for path in paths:
        try:
            found.append(read_one(path))
        except OSError as error:
            yield pickle.dumps(error)
            return
        size += sum(len(file.data) for file in found[-1].document.files.values())
        if size >= ANSWER_BYTES:
            yield pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
            found, size = [], 0
    if found:
        yield pickle.dumps(found, pickle.HIGHEST_PROTOCOL)


def _hand_over(connection: Connection[Any, Any], answers: Queue[bytes]) -> None:
    """Send answers as they are taken, while others are read; the process ends with its asker."""
    with suppress(ConnectionError):
        while True:
            connection.send_bytes(answers.get())
    os._exit(0)


def main() -> None:
    """What a reader does until nobody asks any more: the numbers of a socket and of a folder."""
    asker, (folder,) = asked()
    gc.disable()
    connection: Connection[Any, Any] = Connection(asker.detach())
    answers: Queue[bytes] = Queue(ANSWERS)
    Thread(target=_hand_over, args=(connection, answers), daemon=True).start()
    with suppress(EOFError, ConnectionError), FeedFolder(folder) as opened:
        reading: Reading = connection.recv()
        read_one = partial(read_package, Loader(opened, reading.limits), strict=reading.strict)
        while True:
            for answer in _answered(connection.recv(), read_one):
                answers.put(answer)
