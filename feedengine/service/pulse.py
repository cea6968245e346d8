"""Whether the loop still lives: it has told so, or it is hard at work.

A loop that hangs must be noticed, and a long batch must not be taken for one. While nothing is
told, the loop's own thread has to use the processor: one that waits for ever uses none.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

PATIENCE_SECONDS = 60.0
"""So long may the loop be silent and idle; a locked database takes 30 seconds to say so."""

BUSY_SECONDS = 3600.0
"""So long may it be silent and busy: one endless loop would look the same."""

_SHARE = 0.001
"""The share of the processor that counts as work: reading from a slow share takes little more."""


class Pulse:
    """Felt by any thread, beaten by the loop's."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        """Alive from now on; silent and idle for more than ``patience`` seconds it is not."""
        self._patience = patience
        self._beaten = time.monotonic()
        self._clock: int | None = None
        self._felt = self._worked = 0.0

    def beat(self) -> None:
        """The loop's thread goes on."""
        if self._clock is None and hasattr(time, "pthread_getcpuclockid"):
            self._clock = time.pthread_getcpuclockid(threading.get_ident())
        self._beaten = time.monotonic()

    def beaten(self) -> float:
        """When it was beaten last, in seconds of `time.monotonic`."""
        return self._beaten

    def _work(self) -> float:
        """Seconds of the processor that the loop's thread has had; 0 when it is over."""
        with suppress(OSError):
            return 0.0 if self._clock is None else time.clock_gettime(self._clock)
        return 0.0

    def alive(self) -> bool:
        """Whether the loop goes on; asked by one thread, every now and then."""
        now = time.monotonic()
        worked = self._work()
        busy = worked - self._worked > _SHARE * (now - self._felt)
        self._felt, self._worked = now, worked
        silent = now - self._beaten
        return silent <= self._patience or (busy and silent <= BUSY_SECONDS)
