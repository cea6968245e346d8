"""What is old is removed once a day, beside the loop (`feedengine.retention`)."""

from __future__ import annotations

import threading
import time

from feedengine.config import Settings
from feedengine.engine import Engine
from feedengine.errors import FeedengineError
from feedengine.retention import Pruned
from feedengine.service.hearing import ServiceListener

FIRST_SECONDS = 300.0
"""After the start, so that what waits on the Stack comes first."""

EVERY_SECONDS = 24 * 3600.0
AGAIN_SECONDS = 3600.0
"""After it failed."""

LEAVE_SECONDS = 1.0
"""So long is it waited for at the end. It may be ended at any point, and goes on another day."""


class Housekeeping:
    """Asked at every walk whether it is time; works in a thread of its own."""

    def __init__(self, told: ServiceListener) -> None:
        """Tell ``told`` what was removed."""
        self._told = told
        self._due = time.monotonic() + FIRST_SECONDS
        self._thread: threading.Thread | None = None
        self._done: Pruned | Exception | None = None

    def attend(self, settings: Settings) -> None:
        """Begin when it is time; tell of it when it is over."""
        if self._thread is None:
            if time.monotonic() >= self._due and _wanted(settings):
                self._thread = threading.Thread(
                    target=self._work, args=(settings,), name="housekeeping", daemon=True
                )
                self._thread.start()
        elif not self._thread.is_alive():
            self._thread = None
            failed = isinstance(self._done, Exception)
            self._due = time.monotonic() + (AGAIN_SECONDS if failed else EVERY_SECONDS)
            if self._done is not None:
                self._told.pruned(self._done)

    def leave(self) -> None:
        """The watcher ends."""
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS)

    def _work(self, settings: Settings) -> None:
        try:
            with Engine(settings) as engine:
                self._done = engine.prune()
        except (FeedengineError, OSError) as error:
            self._done = error


def _wanted(settings: Settings) -> bool:
    days = (settings.keep_findings_days, settings.keep_logs_days, settings.keep_entries_days)
    return any(one is not None for one in days)
