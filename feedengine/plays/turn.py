"""One deliverer at a time: who finds a parcel half sent knows that nobody else is sending it.

On SQLite a lock on a file, which the kernel lets go of when its holder dies; on PostgreSQL a lock
of a session, which the server lets go of when the session ends. A holder that has lost its session
without noticing does no harm: every parcel changes hands by a comparison in the ledger.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

DELIVERER_LOCK = 0x706C6179
WAIT_SECONDS = 0.2


@contextmanager
def delivering(folder: Path, database: Engine, said: Callable[[str], None]) -> Iterator[None]:
    """Wait for the turn, and hold it; ``said`` hears once that another process has it."""
    if database.dialect.name == "postgresql":
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            _wait(lambda: _session_lock(session), said)
            try:
                yield
            finally:
                with suppress(DBAPIError):  # then the session has ended, and the lock with it
                    session.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        return
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _wait(lambda: _file_lock(descriptor), said)
        yield
    finally:
        os.close(descriptor)


def _session_lock(session: Connection) -> bool:
    text = f"SELECT pg_try_advisory_lock({DELIVERER_LOCK})"
    return bool(session.exec_driver_sql(text).scalar())


def _file_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(come: Callable[[], bool], said: Callable[[str], None]) -> None:
    if come():
        return
    said("another feedengine is delivering plays; waiting for it")
    while not come():
        time.sleep(WAIT_SECONDS)
