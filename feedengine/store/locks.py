"""The lock of the catalogue's single writer on PostgreSQL; it ends with its transaction.

Apart from the driver, so that a command on SQLite need not import that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

WRITER_LOCK = 0x66656564
"""The key of the advisory lock; it fits the lower half of that."""

BEGIN_WRITING = (
    f"SELECT pg_advisory_xact_lock({WRITER_LOCK}), set_config('enable_seqscan', 'off', true)"
)
"""Plans are kept from when the tables were empty; without the setting they read whole tables."""


def begin_writing(connection: Connection) -> None:
    """Wait until this transaction is the only writer's."""
    connection.exec_driver_sql(BEGIN_WRITING)


def try_writing(connection: Connection) -> bool:
    """Make this transaction the only writer's, unless there is another; nobody is waited for."""
    text = f"SELECT pg_try_advisory_xact_lock({WRITER_LOCK})"
    return bool(connection.exec_driver_sql(text).scalar())
