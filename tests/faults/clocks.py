"""Clocks that jump: each breaks the time of the process it is called in."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def _told_by(jump: Callable[[int], int]) -> None:
    """Let the process ask a clock that is ``jump(n)`` nanoseconds off at the nth look."""
    right, asked = time.time_ns, count()

    def time_ns() -> int:
        return right() + jump(next(asked))

    time.time_ns = time_ns
    time.time = lambda: time_ns() / SECOND


def clock_runs_backwards() -> None:
    """Every look at it is a second earlier than the one before."""
    _told_by(lambda number: -number * SECOND)


def clock_is_set_back() -> None:
    """It is two days ahead, and then a day behind."""
    _told_by(lambda number: 2 * DAY if number < 40 else -DAY)


def clock_jumps_both_ways() -> None:
    """It jumps by up to a week, forwards and backwards."""
    _told_by(lambda number: (number * 7919 % 15 - 7) * DAY)


CLOCKS = {
    one.__name__: one for one in (clock_runs_backwards, clock_is_set_back, clock_jumps_both_ways)
}
