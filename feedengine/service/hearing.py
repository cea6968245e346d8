"""What the watcher tells beside what a run tells (`feedengine.telling.Listener`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from feedengine.telling import Listener, Waiting

if TYPE_CHECKING:
    from datetime import datetime

    from feedengine.config import Settings
    from feedengine.plays.diary import Diary
    from feedengine.plays.news import Kept, News
    from feedengine.retention import Pruned


class Trouble(NamedTuple):
    """Why an attempt ended: ``kind`` is ``environment`` or ``defect``; tries count from 1."""

    kind: str
    error: Exception
    tries: int
    again_in: float


class ServiceListener(Listener):
    """Hears everything that a watcher does, and does nothing; called by one thread at a time.

    By the loop's own, but for what concerns plays: that is told from beside the loop.
    """

    def starts(self, settings: Settings) -> None:
        """The watcher begins."""

    def watches(self, way: str, reason: str) -> None:
        """How the loop is woken from now on: ``events`` or ``polling``, and why."""

    def stands_by(self, reason: str) -> None:
        """Another process takes entries; told once, until the turn comes."""

    def turn(self, *, taken: bool) -> None:
        """From now on the watcher takes entries; or no longer."""

    def looked(self, waiting: Sequence[Waiting]) -> None:
        """A walk through the Stack has ended without trouble."""

    def troubled(self, trouble: Trouble) -> None:
        """An attempt ended; it is made again after a while."""

    def recovered(self, tries: int, seconds: float) -> None:
        """All is well again after so many attempts that failed."""

    def pruned(self, found: Pruned | Exception) -> None:
        """What was old has been removed; or why it could not be."""

    def inbox(self, files: int, oldest: float | None, left: Sequence[Kept]) -> None:
        """A look into the inbox of plays: its files, the mtime of the oldest, what cannot go."""

    def diary(self, diary: Diary) -> None:
        """What the last round of plays has left, as far as it is known."""

    def round_begins(self, due: datetime) -> None:
        """A round of plays, which was due then."""

    def plays(self, news: News) -> None:
        """What a round of plays tells."""

    def reloads(self) -> None:
        """Settings are about to be read again."""

    def reloaded(self, settings: Settings, changed: Sequence[str], fixed: Sequence[str]) -> None:
        """New settings hold; those in ``fixed`` differ too, and wait for the next start."""

    def kept(self, reason: str) -> None:
        """Settings could not be read again; the old ones hold."""

    def stops(self) -> None:
        """The watcher ends."""


class Everyone(ServiceListener):
    """Passes everything on to several listeners; what one of them breaks, the others still hear."""

    def __init__(
        self, listeners: Sequence[ServiceListener], broken: Callable[[Exception], None]
    ) -> None:
        """Tell ``listeners`` in this order; ``broken`` hears of the first that raises."""
        self._listeners = tuple(listeners)
        self._lock = threading.RLock()
        self._broken: Callable[[Exception], None] | None = broken

    def __getattribute__(self, name: str) -> Any:
        """Every method of a listener is one call of that method of them all."""
        if name.startswith("_"):
            return super().__getattribute__(name)
        return partial(self._all, name)

    def _all(self, name: str, *values: Any, **named: Any) -> None:
        """Nothing that is told can fail a run."""
        with self._lock:
            for listener in self._listeners:
                try:
                    getattr(listener, name)(*values, **named)
                except Exception as error:  # noqa: BLE001 - whatever a listener raises
                    broken, self._broken = self._broken, None
                    if broken is not None:
                        broken(error)
