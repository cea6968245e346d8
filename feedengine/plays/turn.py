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
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

DELIVERER_LOCK, DELIVERER_FILE = 0x706C6179, ".lock"
ROUND_LOCK, ROUND_FILE = 0x706C6180, ".round.lock"
WAIT_SECONDS = 0.2


def delivering(
    folder: Path,
    database: Engine,
    said: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> AbstractContextManager[None]:
    """Wait for the turn to record and send, and hold it; ``said`` hears once that another has it.

    ``pause`` waits, and may raise to end the waiting.
    """
    what = "delivering plays"
    return _turn(folder / DELIVERER_FILE, database, DELIVERER_LOCK, _Waiting(what, said, pause))


def going_round(
    folder: Path,
    database: Engine,
    said: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> AbstractContextManager[None]:
    """As `delivering`: the turn to take logs out of the inbox, round the other one."""
    what = "taking plays from the inbox"
    return _turn(folder / ROUND_FILE, database, ROUND_LOCK, _Waiting(what, said, pause))


class _Waiting(NamedTuple):
    what: str
    said: Callable[[str], None]
    pause: Callable[[float], None]

    def until(self, come: Callable[[], bool]) -> None:
        """Ask until the answer is yes."""
        if come():
            return
        self.said(f"another feedengine is {self.what}; waiting for it")
        while not come():
            self.pause(WAIT_SECONDS)


@contextmanager
def _turn(file: Path, database: Engine, lock: int, waiting: _Waiting) -> Iterator[None]:
    if database.dialect.name == "postgresql":
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            waiting.until(lambda: _session_lock(session, lock))
            try:
                yield
            finally:
                with suppress(DBAPIError):  # then the session has ended, and the lock with it
                    session.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        waiting.until(lambda: _file_lock(descriptor))
        yield
    finally:
        os.close(descriptor)


def _session_lock(session: Connection, lock: int) -> bool:
    text = f"SELECT pg_try_advisory_lock({lock})"
    return bool(session.exec_driver_sql(text).scalar())


def _file_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
