"""The lease on a Stack, kept in PostgreSQL by its own clock: one holder at a time.

It changes hands only under the writer's lock. So whatever the last holder was writing has ended by
then, and whatever it writes later finds another's fence.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from feedengine.errors import ServiceError
from feedengine.store.database import changing, reading, transaction
from feedengine.store.locks import BEGIN_WRITING, WRITER_LOCK, try_writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LASTS_SECONDS = 6.0
"""How long a lease lasts when it is not renewed; another holder follows within ten seconds."""

_FENCE = "SELECT fence FROM stack_lease WHERE id = 1"

_FREE = """
SELECT expires_at < clock_timestamp() OR fence = %s, holder FROM stack_lease WHERE id = 1
"""

_TAKE = f"""
INSERT INTO stack_lease (id, holder, fence, taken_at, expires_at)
VALUES (1, %s, 1, clock_timestamp(), clock_timestamp() + interval '{LASTS_SECONDS} s')
ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, fence = stack_lease.fence + 1,
    taken_at = excluded.taken_at, expires_at = excluded.expires_at
WHERE stack_lease.expires_at < clock_timestamp() OR stack_lease.fence = %s
RETURNING fence
"""

_RENEW = f"""
UPDATE stack_lease SET expires_at = clock_timestamp() + interval '{LASTS_SECONDS} s'
WHERE id = 1 AND fence = %s
"""

_GIVE_BACK = "UPDATE stack_lease SET expires_at = clock_timestamp() WHERE id = 1 AND fence = %s"

_END_SESSIONS = f"""
SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = {WRITER_LOCK}
AND a.datname = current_database() AND a.application_name = %s AND a.pid <> pg_backend_pid()
"""


def acquire(engine: Engine, last: int) -> int | None:
    """Take the lease when it is free; its fence, or None while another holds it.

    ``last`` is the fence of the lease that this process had last: that one it need not wait for,
    though it could not be given back. The last holder may be frozen in the middle of a transaction,
    or the server may not know yet that its connection is gone: its sessions that have, or wait for,
    the writer's lock are ended. A holder is called what its sessions are (`session_name`).
    """
    with reading(engine) as connection:
        name = connection.exec_driver_sql("SELECT current_setting('application_name')").scalar()
        row = connection.exec_driver_sql(_FREE, (last,)).first()
    if row is not None:
        if not row[0]:
            return None
        with suppress(ServiceError), changing(engine) as connection:  # it may be another role's
            connection.exec_driver_sql(_END_SESSIONS, (row[1],))
    with transaction(engine) as connection:
        if not try_writing(connection):
            return None
        taken: int | None = connection.exec_driver_sql(_TAKE, (name, last)).scalar()
        return taken


def renew(engine: Engine, fence: int) -> bool:
    """Keep the lease for another while; False when it is another's now."""
    return _changed(engine, _RENEW, fence)


def give_back(engine: Engine, fence: int) -> None:
    """Let the next one have it at once."""
    _changed(engine, _GIVE_BACK, fence)


def _changed(engine: Engine, text: str, fence: int) -> bool:
    """Not under the writer's lock, which a long batch may hold."""
    with changing(engine) as connection:
        return connection.exec_driver_sql(text, (fence,)).rowcount == 1


def holder(connection: Connection) -> tuple[str, str, str] | None:
    """Who has the lease, since when and until when; None while it is free."""
    text = (
        "SELECT holder, taken_at, expires_at FROM stack_lease"
        " WHERE id = 1 AND expires_at >= clock_timestamp()"
    )
    found = connection.exec_driver_sql(text).first()
    return None if found is None else (found[0], found[1], found[2])


def begin(connection: Connection, fence: int) -> bool:
    """Wait until this transaction is the only writer's; whether the lease has this fence still.

    Both are sent at once, and still the second is carried out when the first is, and sees what was
    committed until then.
    """
    from feedengine.store.postgres import answers

    _, found = answers(connection, f"{BEGIN_WRITING}; {_FENCE}")
    return found is not None and found[0] == fence
