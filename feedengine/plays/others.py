"""Other processes that read and judge portions of plays; they write nothing.

What one of them finds is taken in its order. It goes on meanwhile until so many batches wait, so
memory does not grow with its portions.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import pyarrow as pa

from feedengine.beside import Beside, asked, running
from feedengine.handing import hand, is_there, take
from feedengine.plays.alone import alone
from feedengine.plays.handed import Handed, handed, to_count
from feedengine.plays.job import Job, from_another
from feedengine.plays.portions import Portion, numbered_portion
from feedengine.plays.seen import Numbers, Seen
from feedengine.plays.sources import Meter
from feedengine.plays.texts import Words

WHOLE_MOST, COUNTED_MOST = 4, 32
"""So many batches wait, of up to 32,768 rows each: of 240 bytes a row, or of 50 where none is
written.
"""

_COMMAND = running("feedengine.plays.others")


class Order(NamedTuple):
    """What another process is told first; ``rows`` says whether rows are needed as a whole."""

    job: Job
    rows: bool


class Given(NamedTuple):
    """A batch, and the ids that were made in it, as if nothing were before its portion.

    ``read`` bytes were read for it (`Meter`).
    """

    batch: Handed
    ids: tuple[Words, Words]
    read: int


class Other:
    """Another process; the portions that it is asked for it gives in their order."""

    def __init__(self, order: Order) -> None:
        """Start it. Raises `OSError`."""
        self._process = Beside(_COMMAND)
        self._socket = self._process.socket
        self._is_begun = False
        self._say(order)

    def close(self) -> None:
        """Let it end."""
        self._process.close()

    def is_ready(self) -> bool:
        """Whether it can read by now, or has ended, which asking it will tell."""
        return is_there(self._socket)

    def ask(self, portions: Sequence[Portion]) -> None:
        """Let it read these, once."""
        self._say(portions)

    def given(self) -> Iterator[Given]:
        """What it finds in the next portion. Raises `EOFError` or `OSError` where it has ended."""
        if not self._is_begun:
            take(self._socket)
            self._is_begun = True
        while (found := take(self._socket)) is not None:
            with suppress(OSError):  # it may have ended after the last one
                self._socket.send(b".")
            yield found

    def _say(self, what: object) -> None:
        with suppress(OSError):  # it has ended: so says what is taken from it
            hand(self._socket, what)


class _Asker:
    """Who asked, as seen from the other process."""

    def __init__(self, to: socket.socket, most: int) -> None:
        self._socket, self._most, self._waiting = to, most, 0

    def hand(self, given: Given) -> None:
        """Hand over a batch, when there is room for it."""
        while self._waiting >= self._most or (self._waiting and is_there(self._socket)):
            taken = self._socket.recv(self._most)
            if not taken:
                raise EOFError
            self._waiting -= len(taken)
        hand(self._socket, given)
        self._waiting += 1


def _give(asker: _Asker, portion: Portion, order: Order) -> None:
    meter, before = Meter([]), 0
    with Seen() as names:
        for one in numbered_portion(portion, order.job, meter, Numbers(names)):
            found = alone(one, order.job)
            batch = handed(found if order.rows else to_count(found))
            asker.hand(Given(batch, (one.made.high, one.made.low), meter.done - before))
            before = meter.done


def work(to: socket.socket) -> None:
    """Read and judge what is asked for, once. Raises whatever goes wrong."""
    order: Order = take(to)
    job = from_another(order.job)
    if job is None:
        return
    hand(to, None)
    asker = _Asker(to, WHOLE_MOST if order.rows else COUNTED_MOST)
    for portion in take(to):
        _give(asker, portion, order._replace(job=job))
        hand(to, None)


def main() -> None:
    """What another process does."""
    to, _ = asked()
    pa.set_memory_pool(pa.system_memory_pool())
    # What fails here fails again, in its place, in the process that asked.
    with suppress(Exception):
        work(to)
