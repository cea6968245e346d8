"""Engines that are broken on purpose, each by one mistake that only a shared database shows.

A mutant is a function that breaks the engine of the process it is called in.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection


def no_fence() -> None:
    """A write does not ask whether the lease is still its process's own."""
    from feedengine.store import lease

    begin = lease.begin
    lease.begin = lambda connection, fence: begin(connection, fence) or True


def lease_outside_the_lock() -> None:
    """The lease changes hands while the last holder may be writing."""
    from feedengine.store import lease

    lease.try_writing = lambda _connection: True


def recovers_outside_the_lock() -> None:
    """What a crash has left is read while a commit may still be under way."""
    from feedengine.store.database import reading
    from feedengine.taking import Taker

    recover = Taker.recover

    def recovered(taker: Taker) -> None:
        @contextmanager
        def looking() -> Iterator[Connection]:
            del taker.turn.writing
            with reading(taker.database) as connection:
                yield connection

        taker.turn.writing = looking  # type: ignore[method-assign]
        recover(taker)

    Taker.recover = recovered  # type: ignore[method-assign]


def tries_batches_again() -> None:
    """A batch whose commit was not answered is applied again."""
    from feedengine.applying import FeedApplier
    from feedengine.errors import PassingError

    transaction = FeedApplier._transaction

    def tried(applier: FeedApplier, *given: Any, **named: Any) -> Any:
        try:
            return transaction(applier, *given, **named)
        except PassingError:
            return transaction(applier, *given, **named)

    FeedApplier._transaction = tried  # type: ignore[method-assign]


def ends_no_sessions() -> None:
    """Whoever froze, or lost its connection, with the writer's lock keeps it."""
    from feedengine.store import lease

    lease._END_SESSIONS = "SELECT %s"


def asks_its_own_clock() -> None:
    """The lease runs by the clocks of its holders."""
    from feedengine.store import lease

    texts = {name: getattr(lease, name) for name in ("_FREE", "_TAKE", "_RENEW", "_GIVE_BACK")}

    def by_own_clock(real: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any) -> Any:
            now = datetime.fromtimestamp(time.time(), UTC).isoformat()
            for name, text in texts.items():
                setattr(lease, name, text.replace("clock_timestamp()", f"'{now}'::timestamptz"))
            return real(*given)

        return asked

    for name in ("acquire", "renew", "give_back"):
        setattr(lease, name, by_own_clock(getattr(lease, name)))


def clock_is_ahead() -> None:
    """No mutant: the machine's clock is an hour ahead, which must not matter."""
    right = time.time_ns
    time.time_ns = lambda: right() + 3600 * 10**9
    time.time = lambda: time.time_ns() / 10**9


SHARED = {
    one.__name__: one
    for one in (
        no_fence,
        lease_outside_the_lock,
        recovers_outside_the_lock,
        tries_batches_again,
        ends_no_sessions,
        asks_its_own_clock,
        clock_is_ahead,
    )
}
