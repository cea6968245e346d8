"""Trying again, where a failure is likely to pass by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from feedengine.errors import PassingError

Answer = TypeVar("Answer")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0


def patiently(
    attempt: Callable[[], Answer],
    seconds: float,
    done: Callable[[], object],
    said: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Answer:
    """What ``attempt`` answers, tried again for ``seconds`` while it raises `PassingError`.

    The seconds begin anew whenever something was ``done`` (its value is another one) since the
    last failure; ``said`` hears of the first failure of each such spell, and the last one is
    raised. Waits grow, with some chance in them, so that many who wait do not come at once;
    ``pause`` waits them out, and may raise to end it.
    """
    import tenacity  # half as long to import as the command's own start

    spell = _Spell(seconds, done, said)
    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(PassingError),
        sleep=pause,
        stop=lambda _: spell.over(),
        wait=tenacity.wait_random_exponential(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS),
        before_sleep=lambda state: spell.say(state.outcome.exception() if state.outcome else None),
        reraise=True,
    )
    return trying(attempt)


class _Spell:
    """Failures with nothing done between them."""

    def __init__(
        self, seconds: float, done: Callable[[], object], said: Callable[[str], None]
    ) -> None:
        self.seconds = seconds
        self.done = done
        self.said = said
        self.began: float | None = None
        self.mark: object = None
        self.told = False

    def over(self) -> bool:
        """Whether a failure, just now, is the last one to be borne."""
        now, mark = time.monotonic(), self.done()
        if self.began is None or mark != self.mark:
            self.began, self.mark, self.told = now, mark, False
        return now - self.began >= self.seconds

    def say(self, error: BaseException | None) -> None:
        """Tell of the first failure."""
        if not self.told:
            self.told = True
            self.said(f"{error}; trying again for {self.seconds:.0f} seconds")
