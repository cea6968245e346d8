"""PostgreSQL as the store sees it: the same canonical text as SQLite keeps, and rows by array.

Imported only for a catalogue that is on PostgreSQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.adapt import Loader

from feedengine.errors import UsageError
from feedengine.model.sqltypes import canonical_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

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


def forget_read_only(connection: Any, _record: Any) -> None:
    """Let the next transaction write if the server's own default allows it.

    SQLAlchemy would say READ WRITE after a reader, and so overrule an operator who has closed the
    server to writers.
    """
    if connection is not None:  # else it broke
        connection.read_only = None


def array_of(table: Table, name: str) -> str:
    """A parameter that holds one value of a column for each row."""
    kind = {
        "CanonicalText": "text",
        "CanonicalInstant": "timestamptz",
        "CanonicalDate": "date",
        "CanonicalDecimal": "numeric",
    }.get(type(table.columns[name].type).__name__, "bigint")
    return f"%s::{kind}[]"


def copy_rows(connection: Connection, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows by ``COPY``: a tenth of the time that statements take."""
    driver: Any = connection.connection
    with driver.cursor() as cursor, cursor.copy(text) as copy:
        for row in rows:
            copy.write_row(row)
