"""Opening a catalogue's database: SQLite embedded, PostgreSQL shared.

One writer at a time (``BEGIN IMMEDIATE``; an advisory lock on PostgreSQL), so that what a batch has
loaded is still true when it is saved.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from feedengine.errors import PassingError, ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL

BUSY_MILLISECONDS = 30_000
"""How long a second process waits for the writer before it gives up."""

READER_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA cache_size = -16384",
    "PRAGMA temp_store = MEMORY",
)
"""What every session sets."""

_PRAGMAS = (
    *READER_PRAGMAS,
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
"""FULL: a success log must never be on the disk before its commit is (house.md, measured)."""


CONNECT_SECONDS = 5
"""How long PostgreSQL may take to answer at all."""


def session_name() -> str:
    """A name that no other process has, on any machine; PostgreSQL keeps 63 characters of it."""
    import secrets  # wanted for PostgreSQL alone
    import socket

    host = "".join(c if c.isascii() and c.isprintable() else "?" for c in socket.gethostname())
    return f"feedengine {host[:30]}:{os.getpid()}:{secrets.token_hex(4)}"


def open_database(url: str) -> Engine:
    """The engine for ``url``; raises `UsageError` for a URL that names no database."""
    from sqlalchemy.engine import make_url  # SQLAlchemy is imported by whoever opens a database
    from sqlalchemy.exc import ArgumentError

    with suppress(ArgumentError, ImportError, LookupError, ValueError):
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind == "sqlite":
            return _sqlite(parsed)
        if kind == "postgresql" and "@" not in (parsed.host or ""):
            return _postgresql(parsed)
        if kind == "postgresql":  # what is taken for the host ends the password, so nothing is told
            raise UsageError("database_url has an @ too many", "in a password, write @ as %40")
    raise UsageError(
        "database_url names no database that can hold a catalogue",
        "use sqlite:///PATH or postgresql://USER@HOST/NAME",
    )


def _sqlite(url: URL) -> Engine:
    from sqlalchemy import create_engine, event

    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL) -> Engine:
    """SQLAlchemy's psycopg 3; whatever driver the URL names, that is the one there is."""
    from sqlalchemy import create_engine, event

    from feedengine.store import postgres

    url = url.set(drivername="postgresql+psycopg").difference_update_query(_OURS)
    said = {"connect_timeout": CONNECT_SECONDS, **_KEEPALIVE}
    arguments = {key: value for key, value in said.items() if key not in url.query}
    ours = {"application_name": session_name(), "client_encoding": "utf8"}
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        connect_args={**arguments, **ours},
    )
    event.listen(engine, "connect", postgres.prepare)
    event.listen(engine, "checkin", postgres.laid_aside)
    event.listen(engine, "checkout", postgres.taken_up)
    return engine


_OURS = ("application_name", "client_encoding")
"""What no URL may set: sessions are known by their name, and text that a client's encoding lacks
would be taken for a package's fault."""

_KEEPALIVE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A server that has vanished is noticed within seconds, not hours (milliseconds, the last)."""


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """The driver must not begin transactions by itself, or DDL escapes them."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writer", False)
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction of the catalogue's only writer; committed at the end, or not at all.

    Raises `ServiceError` when the database cannot be reached, is locked, or is full.
    """
    with transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            from feedengine.store.locks import begin_writing

            begin_writing(connection)
        yield connection


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes; on PostgreSQL it is nobody's turn by that alone."""
    with (
        _told(),
        engine.connect().execution_options(writer=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent view of the catalogue, never in a writer's way.

    Raises `ServiceError` when the database cannot be reached.
    """
    options: Any = {}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with (
        _told(),
        engine.connect().execution_options(**options) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """Statements beside the writer's, each a transaction: for what is not the catalogue's.

    A process that freezes between two of them leaves nothing locked.
    """
    options: Any = {"isolation_level": "AUTOCOMMIT"}
    with _told(), engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def _told() -> Iterator[None]:
    """The database's failures as the operator's: what failed, and what to do."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        failed(error.orig or error)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in {"psycopg", "sqlite3"}:
            raise
        failed(error)  # of rows, which go past SQLAlchemy


def failed(error: BaseException) -> NoReturn:
    """Tell a driver's failure as the operator's; raises `ServiceError`."""
    reason = str(error).strip().splitlines()
    message = f"the database failed: {reason[0] if reason else 'no answer'}"
    hint = "see `feedengine config` for database_url; nothing of the transaction was kept"
    kind = PassingError if _passes(error) else ServiceError
    raise kind(message, hint) from error


_PASSING = ("08", "40", "53300", "57P", "25P03")
"""PostgreSQL's codes, or how they begin: no connection, a transaction that lost against another,
too many sessions, a server that shuts down or starts, a session that was idle for too long."""


def _passes(error: BaseException) -> bool:
    """Whether trying again within seconds may help; never on SQLite, which waits by itself."""
    if type(error).__module__.partition(".")[0] != "psycopg":
        return False
    code: str | None = getattr(error, "sqlstate", None)
    if code is None:  # the driver's own: the connection could not be made, or broke
        return type(error).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}
    return code.startswith(_PASSING)
