"""Opening a catalogue's database: SQLite embedded, PostgreSQL shared.

One writer at a time (``BEGIN IMMEDIATE``; an advisory lock on PostgreSQL), so that what a batch has
loaded is still true when it is saved.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from feedengine.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_MILLISECONDS = 30_000
"""How long a second process waits for the writer before it gives up."""

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16384",
    "PRAGMA temp_store = MEMORY",
)
"""FULL: a success log must never be on the disk before its commit is (house.md, measured)."""


def open_database(url: str) -> Engine:
    """The engine for ``url``; raises `UsageError` for a URL that names no database."""
    try:
        parsed = make_url(url)
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, ImportError, LookupError) as error:
        raise UsageError(
            f"database_url names no database: {type(error).__name__}",
            "use sqlite:///PATH or postgresql://USER@HOST/NAME",
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """The driver must not begin transactions by itself, or DDL escapes them."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


WRITER_LOCK = 0x66656564
"""The advisory lock of the catalogue's single writer on PostgreSQL."""


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction of the catalogue's only writer; committed at the end, or not at all.

    Raises `ServiceError` when the database cannot be reached, is locked, or is full.
    """
    with (
        _told(),
        engine.connect().execution_options(writer=True) as connection,
        connection.begin(),
    ):
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent view of the catalogue."""
    with _told(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def _told() -> Iterator[None]:
    """The database's failures as the operator's: what failed, and what to do."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0] if error.orig is not None else "no answer"
        hint = "see `feedengine config` for database_url; nothing of the transaction was kept"
        raise ServiceError(f"the database failed: {reason}", hint) from error
