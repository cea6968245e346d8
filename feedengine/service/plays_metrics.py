"""Numbers about plays, for Prometheus; what waits is as of the last round, not asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feedengine.plays.news import (
    Ending,
    Failure,
    Judgement,
    Kept,
    News,
    Sending,
    Standing,
)
from feedengine.service.hearing import ServiceListener
from feedengine.service.metrics import Maker

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from feedengine.plays.diary import Diary

OUTCOMES = ("accepted", "rejected", "already-delivered")
STANDINGS = Standing._fields


class PlaysMetrics(ServiceListener):
    """Counts and measures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Keep the numbers in ``registry``. Labels are rules and ways of this program's own."""
        made = Maker(registry)
        self._oldest: float | None = None
        self._lock = threading.Lock()
        self._files = made.gauge("inbox_files", "Play logs in the inbox")
        made.gauge("inbox_oldest_seconds", "Age of the oldest that can go").set_function(self._age)
        self._left = made.gauge("inbox_left_files", "Play logs that cannot go, of those")
        self._judged = made.counter("plays_judged", "Plays judged", "outcome", OUTCOMES)
        self._rules = made.counter("plays_rejected", "Broken rules of plays", "rule")
        self._delivered = made.counter("plays_delivered", "Plays delivered")
        self._refused = made.counter("plays_refused", "Plays that recipients did not take")
        self._standing = made.gauge("plays_undelivered", "As of the last round", "status")
        for name in STANDINGS:
            self._standing.labels(name)
        self._last = made.gauge("plays_last_round_timestamp_seconds", "When a round was done")
        self._trouble = made.gauge("plays_trouble", "1 while rounds fail and are made again")

    def _age(self) -> float:
        """Asked by a scrape, in a thread of its own."""
        with self._lock:
            oldest = self._oldest
        return 0.0 if oldest is None else max(0.0, time.time() - oldest)

    def inbox(self, files: int, oldest: float | None, left: Sequence[Kept]) -> None:
        """What lies there."""
        self._files.set(files)
        self._left.set(len(left))
        with self._lock:
            self._oldest = oldest

    def diary(self, diary: Diary) -> None:
        """Also what an earlier process has left."""
        self._stands(diary.standing)
        if diary.last is not None:
            self._last.set(diary.last.timestamp())

    def _stands(self, standing: Standing) -> None:
        for name, plays in standing._asdict().items():
            self._standing.labels(name).set(plays)

    def plays(self, news: News) -> None:
        """Whatever of it can be counted."""
        if isinstance(news, Judgement):
            for name in OUTCOMES:
                self._judged.labels(name).inc(getattr(news, name.replace("-", "_")))
            for rule, rows in news.reasons.items():
                self._rules.labels(rule).inc(rows)
        elif isinstance(news, Sending):
            self._delivered.inc(news.delivered)
            self._refused.inc(news.refused + news.too_old)
        elif isinstance(news, Standing):
            self._stands(news)
        elif isinstance(news, Failure):
            self._trouble.set(1)
        elif isinstance(news, Ending) and news.done:
            self._trouble.set(0)
