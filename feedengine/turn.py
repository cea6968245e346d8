"""Whose turn it is to take entries from a Stack: one process at a time (P3, P9).

On SQLite a lock on a file in the Stack, which the kernel lets go of when its holder dies. On
PostgreSQL, where holders may be on several machines, a lease in the database: it runs out unless
it is renewed, and every write shows that its lease is still its own, so that a process that was
frozen, or cut off, can do no harm when it wakes up again.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from feedengine.errors import PassingError, ServiceError, UsageError
from feedengine.store import lease
from feedengine.store.database import transaction, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

WAIT_SECONDS = 0.5
"""How often a process that waits for its turn looks again."""

RENEW_SECONDS = 1.5
"""How often a lease is renewed; it lasts for `lease.LASTS_SECONDS`."""


class LostTurnError(PassingError):
    """Another process has taken over, because this one did not answer for too long."""


class Turn:
    """The turn on a Stack whose catalogue is on SQLite: a lock on ``Stack/.lock``."""

    def __init__(self, stack: os.PathLike[str], database: Engine) -> None:
        """Of the Stack at ``stack``, for writes to ``database``; `taken` begins it."""
        self.stack = stack
        self.database = database
        self._lock: os.stat_result | None = None
        self._shared: Connection | None = None

    @property
    def _path(self) -> str:
        return os.path.join(self.stack, ".lock")  # noqa: PTH118 - the Stack may be any path

    @contextmanager
    def taken(self, stop: threading.Event, said: Callable[[str], None]) -> Iterator[bool]:
        """Wait for the turn, and hold it; False when ``stop`` was set before it came.

        ``said`` hears once that another process has it. Raises `UsageError` when there is no Stack.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            raise UsageError("there is no Stack folder", "make it with `feedengine init`") from None
        try:
            self._lock = os.fstat(descriptor)
            yield _patiently(lambda: _locked(descriptor), stop, said)
        finally:
            os.close(descriptor)

    def kept(self) -> bool:
        """Whether it can still be nobody else's; asked before each walk through the Stack.

        A Stack that was unmounted or made anew has another lock, or none.
        """
        try:
            there = os.stat(self._path)  # noqa: PTH116 - the Stack may be any path
        except FileNotFoundError:
            return False
        return self._lock is not None and os.path.samestat(there, self._lock)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write of the process whose turn it is (`feedengine.store.database.writing`).

        Raises `LostTurnError` when the turn is another's, or the Stack is another one by now.
        Inside `together` it is a part of that transaction; whoever fails there ends all of it.
        """
        if self._shared is None:
            with self._written() as connection:
                yield connection
        else:
            yield self._shared

    @contextmanager
    def together(self) -> Iterator[Connection]:
        """One transaction for every `writing` inside: all of them are committed, or none."""
        with self.writing() as connection:
            self._shared = connection
            try:
                yield connection
            finally:
                self._shared = None

    @contextmanager
    def _written(self) -> Iterator[Connection]:
        """A transaction that shows whose turn it is."""
        with writing(self.database) as connection:
            if not self.kept():
                raise _replaced()
            yield connection

    def check(self) -> None:
        """Raise `LostTurnError` when the turn may be another's; asked before files are touched."""


class LeasedTurn(Turn):
    """The turn on a Stack whose catalogue is on PostgreSQL: a lease with a fence."""

    def __init__(self, stack: os.PathLike[str], database: Engine) -> None:
        """As `Turn`; the lease is taken by `taken`."""
        super().__init__(stack, database)
        self._fence = 0
        self._good_until = 0.0

    @contextmanager
    def taken(self, stop: threading.Event, said: Callable[[str], None]) -> Iterator[bool]:
        """Wait for the turn, and hold it; False when ``stop`` was set before it came."""
        if not os.path.isdir(self.stack):  # noqa: PTH112 - the Stack may be any path
            raise UsageError("there is no Stack folder", "make it with `feedengine init`")
        if not _patiently(self._acquired, stop, said):
            yield False
            return
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(ended,), name="lease", daemon=True)
        renewing.start()
        try:
            yield True
        finally:
            ended.set()
            renewing.join()
            with suppress(ServiceError):  # then it runs out by itself
                lease.give_back(self.database, self._fence)

    def kept(self) -> bool:
        """Whether the lease was renewed in time."""
        return _now() < self._good_until

    def _acquired(self) -> bool:
        asked = _now()
        fence = lease.acquire(self.database, self._fence)
        if fence is None:
            return False
        self._fence, self._good_until = fence, asked + lease.LASTS_SECONDS
        return True

    def _renew(self, ended: threading.Event) -> None:
        """Renew the lease until it ends, is lost, or its time is over."""
        while not ended.wait(RENEW_SECONDS):
            asked = _now()
            try:
                if not lease.renew(self.database, self._fence):
                    self._good_until = 0.0
                    return
            except Exception:  # noqa: BLE001, S112 - whatever it is: the next time may be better
                continue  # meanwhile the lease grows older
            self._good_until = asked + lease.LASTS_SECONDS

    @contextmanager
    def _written(self) -> Iterator[Connection]:
        """A transaction, if the lease is still this process's; raises `LostTurnError`."""
        with transaction(self.database) as connection:
            if not lease.begin(connection, self._fence):
                raise _lost()
            yield connection

    def check(self) -> None:
        """Raise `LostTurnError` once the lease was not renewed for as long as it lasts."""
        if not self.kept():
            raise _lost()


class Holder(NamedTuple):
    """Whose turn it is: what a lease says of its holder; a lock says no more than that it is held.

    Instants are canonical text.
    """

    holder: str | None
    since: str | None
    expires: str | None


def holder_of(stack: os.PathLike[str], connection: Connection) -> Holder | None:
    """Who takes entries from the Stack right now, also from another machine; None: nobody."""
    if connection.dialect.name == "postgresql":
        found = lease.holder(connection)
        return None if found is None else Holder(*found)
    return Holder(None, None, None) if _is_locked(stack) else None


def _is_locked(stack: os.PathLike[str]) -> bool:
    try:
        path = os.path.join(stack, ".lock")  # noqa: PTH118 - the Stack may be any path
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask do not take each other for a run.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def turn_of(stack: os.PathLike[str], database: Engine) -> Turn:
    """The turn on a Stack, as its catalogue's database allows."""
    kind = LeasedTurn if database.dialect.name == "postgresql" else Turn
    return kind(stack, database)


def _lost() -> LostTurnError:
    message = "another feedengine has taken over the Stack: this one did not answer for too long"
    return LostTurnError(message, "nothing was lost; a watcher goes on when its turn comes again")


def _replaced() -> LostTurnError:
    message = "the Stack is gone, or is another folder by now"
    return LostTurnError(message, "nothing was lost; look whether it is mounted")


def _now() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _patiently(
    come: Callable[[], bool], stop: threading.Event, said: Callable[[str], None]
) -> bool:
    if come():
        return True
    said("another feedengine is taking entries from this Stack; waiting for it")
    while not stop.wait(WAIT_SECONDS):
        if come():
            return True
    return False
