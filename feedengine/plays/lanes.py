"""Several batches at once, on several cores: what comes out is in the order of what goes in.

Threads: numpy and Arrow let others run while they go through a column.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from feedengine.cores import cores

Item = TypeVar("Item")
Done = TypeVar("Done")

MOST = 2
"""So many threads unless more are wanted: Python itself runs in one of them at a time."""

NAMED = "feedengine-plays"
"""How the threads are called."""


def lanes() -> int:
    """How many threads are of use: as many as the cores that this process may use, up to `MOST`."""
    return min(cores(), MOST)


def in_order(work: Callable[[Item], Done], items: Iterable[Item], threads: int) -> Iterator[Done]:
    """``work`` of each item, in their order, on so many threads; this one takes the items.

    No more than ``threads`` items are on their way. What fails fails where it would in a loop: what
    was before it is given first. Nothing is running any more when this ends, in whatever way.
    """
    if threads == 1:
        yield from map(work, items)
        return
    coming, waiting = iter(items), deque[Future[Done]]()
    failure: Exception | None = None
    with ThreadPoolExecutor(threads - 1, NAMED) as pool:
        try:
            while True:
                try:
                    item = next(coming)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised below, behind what was before it
                    failure = error
                    break
                waiting.append(pool.submit(work, item))
                if len(waiting) == threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
    if failure is not None:
        raise failure
