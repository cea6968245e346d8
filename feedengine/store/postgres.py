"""PostgreSQL as the store sees it: the same canonical text as SQLite keeps, and rows by array.

Imported only for a catalogue that is on PostgreSQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.adapt import Loader

from feedengine.model.sqltypes import canonical_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

WRITER_LOCK = 0x66656564
"""The advisory lock of the catalogue's single writer."""

_BEGIN_WRITING = (
    f"SELECT pg_advisory_xact_lock({WRITER_LOCK}), set_config('enable_seqscan', 'off', true)"
)
"""Plans are kept from when the tables were empty; without the setting they read whole tables."""

_SESSION = (
    "SET TIME ZONE 'UTC'; SET DATESTYLE = 'ISO, YMD'; SET client_min_messages = warning;"
    " SET idle_in_transaction_session_timeout = '5min'"
)


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
    autocommit, connection.autocommit = connection.autocommit, True
    connection.execute(_SESSION)
    connection.autocommit = autocommit


def begin_writing(connection: Connection) -> None:
    """Wait until this transaction is the only writer's."""
    connection.exec_driver_sql(_BEGIN_WRITING)


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
