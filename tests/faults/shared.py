"""Sites whose catalogue is on a PostgreSQL behind a proxy, and what a disturbed run may say."""

from __future__ import annotations

import shutil
import tomllib
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from databases import name_of

from .proxy import CLIENT, Proxy
from .scenario import SETTINGS, written
from .violence import finished, unlike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from servers import PostgresServer

    from .forking import Commands, Done
    from .proxy import Cut, Message
    from .violence import State

MAY_SAY = (
    "the database failed: ",
    "another feedengine is taking entries",
    "another feedengine has taken over",
)
"""How lines begin that a run that goes on by itself may write on standard error."""


class Behind(NamedTuple):
    """A site and the proxy before its catalogue."""

    root: Path
    proxy: Proxy


class SharedSites:
    """Makes equal sites on a server, each used once."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        """Make them below ``folder``."""
        self.folder = folder
        self.server = server
        self._template = folder / "template"
        self._database = server.new_database()
        written(self._template, self._database)

    def new(self, name: object, socket: Path | None = None, settings: str = "") -> Path:
        """A site on which everything is announced and nothing applied."""
        root = self.folder / f"site-{name}"
        shutil.copytree(self._template, root)
        url = self.server.new_database(name_of(self._database))
        if socket is not None:
            url = url.replace(str(self.server.folder), str(socket))
        (root / "feedengine.toml").write_text(f'{SETTINGS}{settings}database_url = "{url}"\n')
        return root

    @contextmanager
    def behind(
        self,
        name: object,
        cut: Cut | None = None,
        act: Callable[[], None] | None = None,
        settings: str = "",
    ) -> Iterator[Behind]:
        """A site behind a proxy; it is used up."""
        socket = self.folder / f"s-{name}"
        with Proxy(socket, self.server.folder, cut, act) as proxy:
            root = self.new(name, socket, settings)
            yield Behind(root, proxy)
            shutil.rmtree(root)


COMMIT = "COMMIT"
"""How a message of either side begins by which something is committed."""


def committing(messages: Sequence[Message]) -> list[int]:
    """The numbers of the messages that commit what a run writes."""
    found, reads = [], False
    for number, message in enumerate(messages, 1):
        if message.sender == CLIENT and message.text.startswith("BEGIN"):
            reads = "REPEATABLE" in message.text
        if message.sender == CLIENT and message.text.startswith(COMMIT) and not reads:
            found.append(number)
    return found


def database_of(root: Path) -> str:
    """The database of a site."""
    return name_of(tomllib.loads((root / "feedengine.toml").read_text())["database_url"])


def asked(server: PostgresServer, database: str, *statements: str) -> None:
    """Let a session of the server's administrator say something."""
    with closing(psycopg.connect(server.url(database), autocommit=True)) as session:
        for statement in statements:
            session.execute(statement.encode())


def lease_over(root: Path) -> None:
    """Let the seconds pass that the lease of a process lasts that has died."""
    url = tomllib.loads((root / "feedengine.toml").read_text())["database_url"]
    with closing(psycopg.connect(url, autocommit=True)) as session:
        session.execute("UPDATE stack_lease SET expires_at = clock_timestamp()")


def goes_on(done: Done) -> str:
    """What is wrong with how a run has ended that should have gone on by itself."""
    lines = [line for line in done.err.splitlines() if not line.startswith(MAY_SAY)]
    if done.status not in {0, 1} or lines:
        return f"did not go on: {done.status} {done.err}"
    return ""


def ends_equal(commands: Commands, root: Path, wanted: State) -> str:
    """What is wrong once everything has been run to its end."""
    try:
        return unlike(finished(commands, root), wanted)
    except (AssertionError, OSError) as error:
        return str(error)


def plainly_told(said: str, status: int) -> str:
    """What is wrong with how a command has told that its database cannot be used."""
    lines = said.splitlines()
    plain = len(lines) == 2 and lines[0].startswith("error: ") and lines[1].startswith("hint: ")
    return "" if plain and status in {2, 3} else f"not told plainly: {status} {said}"
