"""How long to wait before the next attempt, and whether this failure has been told already."""

from __future__ import annotations

import random
import time

from feedengine.errors import FeedengineError
from feedengine.service.hearing import ServiceListener, Trouble

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 20.0
_DOUBLINGS = 6
"""After so many failures the wait grows no more."""


class Spell:
    """A time of failures: it begins with the first, and ends when all is well again."""

    def __init__(self, told: ServiceListener) -> None:
        """Tell of it to ``told``."""
        self._told = told
        self._tries = 0
        self._since = 0.0

    def failed(self, error: Exception) -> float:
        """An attempt failed; the seconds to wait before the next, longer each time.

        The wait varies by a fifth, so that several watchers do not come back all at once.
        """
        if not self._tries:
            self._since = time.monotonic()
        self._tries += 1
        wait = min(LONGEST_SECONDS, FIRST_SECONDS * (1 << min(self._tries - 1, _DOUBLINGS)))
        wait *= random.uniform(0.8, 1.0)  # noqa: S311 - no secret
        self._told.troubled(Trouble(kind_of(error), error, self._tries, wait))
        return wait

    def over(self) -> None:
        """All is well."""
        if self._tries:
            tries, self._tries = self._tries, 0
            self._told.recovered(tries, time.monotonic() - self._since)


def kind_of(error: Exception) -> str:
    """Whose fault it is: the ``environment``'s, or a ``defect`` of this program's.

    A `UsageError` is the environment's too: the Stack, or the catalogue, was there at the start.
    """
    return "environment" if isinstance(error, FeedengineError | OSError) else "defect"
