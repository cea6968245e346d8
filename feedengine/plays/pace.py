"""No more than so many requests in any window of a second, wherever one looks from.

Counted is from when a request was *answered*: it has arrived by then. Whoever counts from the
sending lets eleven arrive within a second as soon as one of them was slow on its way.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

REQUESTS, SECONDS = 10, 1.0


class Pace:
    """A sliding window over the answers of one sender."""

    def __init__(
        self,
        requests: int = REQUESTS,
        seconds: float = SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """At most ``requests`` in any ``seconds``."""
        self.seconds = seconds
        self._answered: deque[float] = deque(maxlen=requests)
        self._clock, self._sleep = clock, sleep

    def wait(self) -> None:
        """Wait until one more may be sent."""
        if len(self._answered) == self._answered.maxlen:
            while (left := self._answered[0] + self.seconds - self._clock()) >= 0:
                self._sleep(left + 0.001)

    def answered(self) -> None:
        """A request was answered, or given up."""
        self._answered.append(self._clock())

    def full(self) -> None:
        """As if all requests had been answered just now: another process may have sent them."""
        for _ in range(self._answered.maxlen or 0):
            self.answered()
