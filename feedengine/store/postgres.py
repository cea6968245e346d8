"""PostgreSQL as the store sees it: the same canonical text as SQLite keeps, and rows by array.

Imported only for a catalogue that is on PostgreSQL.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import OperationalError
from psycopg.adapt import Loader
from sqlalchemy.exc import DisconnectionError

from feedengine.errors import UsageError
from feedengine.model.instants import canonical_instant
from feedengine.store.statements import driver_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from feedengine.model.scalars import Kept
    from feedengine.model.shapes import Table

_SESSION = (
    "SET TIME ZONE 'UTC'; SET DATESTYLE = 'ISO, YMD'; SET client_min_messages = warning;"
    " SET standard_conforming_strings = on; SET jit = off;"
    " SET statement_timeout = 0; SET lock_timeout = 0;"
    " SET idle_in_transaction_session_timeout = '5min';"
    " SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)
"""Whatever role and database have set: a batch takes as long as it takes, waiting for the writer's
lock included, and an entry may leave the Stack only when the disk has what became of it."""

logging.getLogger("psycopg").addHandler(logging.NullHandler())
"""Its warnings of broken pipelines would come out on standard error, beside what we say of them."""

ASK_AFTER_SECONDS = 0.05
"""So long a session may have been idle without being asked whether it is still there: a server may
end sessions that say nothing for a tenth of a second."""

_SINCE_17 = "; SET transaction_timeout = 0"


class _InstantLoader(Loader):
    """``TIMESTAMPTZ`` as canonical text."""

    def load(self, data: Any) -> str:
        return canonical_instant(bytes(data).decode("ascii"))


class _PlainLoader(Loader):
    """``DATE`` and ``NUMERIC`` as the server writes them, which is canonical already."""

    def load(self, data: Any) -> str:
        return bytes(data).decode("ascii")


def prepare(connection: Any, _record: Any) -> None:
    """Make a new session hand over canonical text (catalogue.md), in UTC."""
    connection.adapters.register_loader("timestamptz", _InstantLoader)
    for name in ("date", "numeric"):
        connection.adapters.register_loader(name, _PlainLoader)
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        hint = "make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        raise UsageError(f"the database keeps text in {encoding}, a catalogue needs UTF8", hint)
    newer = connection.info.server_version >= 17_00_00
    autocommit, connection.autocommit = connection.autocommit, True
    connection.execute(_SESSION + _SINCE_17 * newer)
    connection.autocommit = autocommit


def laid_aside(connection: Any, record: Any) -> None:
    """Let the next transaction write if the server's own default allows it.

    SQLAlchemy would say READ WRITE after a reader, and so overrule an operator who has closed the
    server to writers.
    """
    if connection is not None:  # else it broke
        connection.read_only = None
        record.info["idle_since"] = time.monotonic()


def taken_up(connection: Any, record: Any, _proxy: Any) -> None:
    """Let a session that has ended meanwhile be replaced by another.

    Asked only of one that was idle for a while: asking takes as long as a small query does.
    """
    idle_since = record.info.get("idle_since")
    if idle_since is None:
        return
    try:
        if connection.closed:
            raise DisconnectionError
        if time.monotonic() - idle_since > ASK_AFTER_SECONDS:
            connection.execute("")
            connection.rollback()
    except OperationalError as error:
        raise DisconnectionError from error


_ARRAYS: dict[Kept, str] = {
    "text": "text",
    "whole": "bigint",
    "decimal": "numeric",
    "date": "date",
    "instant": "timestamptz",
    "bytes": "bytea",
}


def array_of(table: Table, name: str) -> str:
    """A parameter that holds one value of a column for each row."""
    return f"%s::{_ARRAYS[table.column(name).kept]}[]"


def write_rows(connection: Connection, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement that takes its rows as arrays, one for each column."""
    driver_of(connection).execute(text, tuple(map(list, zip(*rows, strict=True))))


def copy_rows(
    connection: Connection, text: str, insert: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows by ``COPY``: a tenth of the time that statements take.

    ``insert`` does the same in a pipeline, where ``COPY`` cannot be.
    """
    driver = driver_of(connection)
    if driver.pgconn.pipeline_status:
        write_rows(connection, insert, rows)
        return
    with driver.cursor() as cursor, cursor.copy(text) as copy:
        for row in rows:
            copy.write_row(row)


def rows_of(connection: Connection, asked: Sequence[tuple[str, Any]]) -> list[list[Any]]:
    """The rows of several queries, each with its one parameter, asked for all at once.

    Over a network, and for small feeds anywhere, it is the way there and back that takes time.
    """
    driver = driver_of(connection)
    if len(asked) == 1:
        return [driver.execute(text, (given,)).fetchall() for text, given in asked]
    with pipeline(connection):
        cursors = [driver.execute(text, (given,)) for text, given in asked]
    return [cursor.fetchall() for cursor in cursors]


@contextmanager
def pipeline(connection: Connection) -> Iterator[None]:
    """Until its end, statements are sent without waiting for their answers.

    A session that ends meanwhile cannot leave the pipeline, and is closed: else nothing could be
    asked of it any more, not even to take back what was done. Raised is what ended it.
    """
    driver = driver_of(connection)
    try:
        with driver.pipeline():
            yield
    except OperationalError as error:
        ended = error.__context__
        if not driver.pgconn.pipeline_status:
            raise
        driver.close()
        raise ended if isinstance(ended, OperationalError) else error from None


def answers(connection: Connection, text: str) -> list[Any]:
    """The first row, or None, of each of several statements without parameters."""
    cursor = driver_of(connection).execute(text, prepare=False)
    found = [cursor.fetchone()]
    while cursor.nextset():
        found.append(cursor.fetchone())
    return found
