"""PostgreSQL stops, is killed, starts again, or cannot be used: told, and blamed on nobody (P7).

Its commits wait for the disk here, as they do where it counts.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
from servers import PostgresServer

from .mounts import mounted
from .proxy import Cut
from .shared import SharedSites, asked, database_of, ends_equal, goes_on, lease_over, plainly_told
from .violence import LONG, spread, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from databases import Postgres

    from .forking import Commands
    from .proxy import Message
    from .violence import State, Workers

pytestmark = pytest.mark.timeout(7200 if LONG else 300)

AWAY_SECONDS = 0.2
MOMENTS = 60 if LONG else 2
PASSWORD = "hunter2"  # noqa: S105 - of a server that lives for seconds


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[SharedSites]:
    """Sites on a server that these tests may do anything to."""
    server = PostgresServer(settings=("-c", "fsync=off"), like=postgres.server)
    yield SharedSites(tmp_path_factory.mktemp("own"), server)
    server.stop()


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_run_goes_on_when_its_server_is_back(
    workers: Workers, own: SharedSites, undisturbed: State, messages: list[Message], *, kill: bool
) -> None:
    """P9: at any moment, tidily or with -9; nothing is lost or applied twice."""

    def away() -> None:
        own.server.halt(kill=kill)
        threading.Timer(AWAY_SECONDS, own.server.start).start()

    def trial(commands: Commands, number: int) -> str:
        with own.behind(f"{kill}-{number}", Cut(number, "before"), away) as (root, _):
            wrong = goes_on(commands("run", root)) or ends_equal(commands, root, undisturbed)
        return f"{number}, {messages[number - 1]}: {wrong}" if wrong else ""

    with workers.one() as commands:  # one after the other, since they have one server
        trials = (trial(commands, number) for number in spread(range(1, len(messages)), MOMENTS))
        wrong = [said for said in trials if said]
    assert not wrong, told(wrong)


def test_a_server_that_stays_away_is_told_and_the_next_run_goes_on(
    workers: Workers, own: SharedSites, undisturbed: State, messages: list[Message]
) -> None:
    """After ``retry_seconds`` the run ends with 3; the entries are where they were."""
    middle = Cut(len(messages) // 2, "before")
    with (
        workers.one() as commands,
        own.behind("stays", middle, own.server.halt, "retry_seconds = 0.5\n") as (root, _),
    ):
        done = commands("run", root)
        waiting = list((root / "Stack").glob("*.xml"))
        at_once = commands("run", root)
        own.server.start()
        assert not plainly_told(done.err.partition("\n")[2], done.status), done
        assert "trying again for 0 seconds" in done.err.partition("\n")[0]
        assert waiting
        assert not plainly_told(at_once.err, at_once.status), at_once
        lease_over(root)
        assert not ends_equal(commands, root, undisturbed)


@pytest.mark.usefixtures("_mounts")
def test_a_server_whose_disk_is_full_is_told_and_the_next_run_goes_on(
    workers: Workers,
    undisturbed: State,
    messages: list[Message],
    postgres: Postgres,
    tmp_path: Path,
) -> None:
    """P7: it fills up in the midst of a run; exit 3, and no finding."""
    where = postgres.server.folder / "disk"  # where the server's user may go
    early = Cut(len(messages) // 4, "before")
    with mounted(where, "-t", "tmpfs", "-o", "size=300m,mode=777", "full"):
        server = PostgresServer(
            settings=("-c", "fsync=off"), like=postgres.server, data=where / "data"
        )
        sites = SharedSites(tmp_path, server)
        with workers.one() as commands, sites.behind("full", early, partial(_fill, where)) as site:
            done = commands("run", site.root)
            (where / "ballast").unlink()
            lease_over(site.root)
            wrong = ends_equal(commands, site.root, undisturbed)
        server.stop()
    assert "No space left on device" in done.err
    assert not plainly_told(done.err, done.status), done
    assert not wrong


def _fill(where: Path) -> None:
    """Leave no room."""
    with (where / "ballast").open("wb") as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(1 << 16))
            ballast.flush()


def _denied(own: SharedSites, root: Path) -> None:
    """The role may read, and no more."""
    database = database_of(root)
    asked(own.server, database, "CREATE ROLE reader LOGIN")
    asked(own.server, database, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    _instead(root, "postgres@", "reader@")


def _nothing(own: SharedSites, root: Path) -> None:
    """The role may do nothing."""
    asked(own.server, database_of(root), "CREATE ROLE nobody LOGIN")
    _instead(root, "postgres@", "nobody@")


def _wrong_password(own: SharedSites, root: Path) -> None:
    """The role has another password."""
    asked(own.server, "postgres", "CREATE ROLE guarded LOGIN PASSWORD 'another'")
    own.server.admit("local all guarded scram-sha-256")
    _instead(root, "postgres@", f"guarded:{PASSWORD}@")


def _no_database(_: SharedSites, root: Path) -> None:
    """There is no such database."""
    _instead(root, f"/{database_of(root)}?", "/elsewhere?")


def _no_host(_: SharedSites, root: Path) -> None:
    """There is no such host."""
    _instead(root, "postgres@/", f"postgres:{PASSWORD}@nowhere.invalid/")
    _instead(root, "?host=", "?application_name=")


def _closed(own: SharedSites, root: Path) -> None:
    """An operator has closed the database to writers."""
    database = database_of(root)
    asked(own.server, database, f"ALTER DATABASE {database} SET default_transaction_read_only = on")


def _crowded(own: SharedSites, root: Path) -> None:
    """Others have all the connections that the role may have."""
    asked(own.server, "postgres", "CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    _instead(root, "postgres@", "crowd@")


def _other_encoding(own: SharedSites, root: Path) -> None:
    """The database cannot keep every text."""
    made = "CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"
    asked(own.server, "postgres", made)
    _instead(root, f"/{database_of(root)}?", "/narrow?")


def _instead(root: Path, one: str, other: str) -> None:
    """Change the site's settings."""
    text = (root / "feedengine.toml").read_text()
    assert one in text
    (root / "feedengine.toml").write_text(text.replace(one, other))


UNUSABLE: dict[Callable[[SharedSites, Path], None], str] = {
    _denied: "permission denied",
    _nothing: "permission denied",
    _wrong_password: "password authentication failed",
    _no_database: 'database "elsewhere" does not exist',
    _no_host: "nowhere.invalid",
    _closed: "read-only transaction",
    _crowded: "too many connections",
    _other_encoding: "keeps text in LATIN1",
}


@pytest.mark.parametrize("spoil", UNUSABLE)
def test_a_server_that_cannot_be_used_is_told(
    workers: Workers, own: SharedSites, spoil: Callable[[SharedSites, Path], None]
) -> None:
    """P7: a plain message, no password in it, no traceback, and no entry is touched."""
    root = own.new(spoil.__name__)
    before = sorted(path.name for path in root.rglob("*"))
    spoil(own, root)
    with workers.one() as commands:
        done = commands("run", root)
    assert UNUSABLE[spoil] in done.err
    assert not plainly_told(done.err, done.status), done
    assert PASSWORD not in done.out + done.err
    assert sorted(path.name for path in root.rglob("*")) == before
