"""Small feeds that follow each other on the Stack, saved by one commit (P3, P7, P9).

Each keeps its own run, logs and entry, and its packages are applied in their order, each seeing
what those before it left: what comes of it is what would come of one feed after the other. Many
share what a feed of one package mostly costs: a transaction with its pages, and syncing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from feedengine.applying import FeedApplier
from feedengine.config import Settings
from feedengine.errors import PassingError, ServiceError
from feedengine.feeds.entries import StackEntry
from feedengine.feeds.folder import MOST_KEPT_OPEN
from feedengine.lateness import Newest
from feedengine.opening import Ready
from feedengine.packages import Filling, Read
from feedengine.retrying import released
from feedengine.store.database import reading
from feedengine.store.earlier import Earlier, earlier_of
from feedengine.store.ledger import Outcome, Run
from feedengine.telling import Steps
from feedengine.turn import Turn

MOST_PACKAGES = 20
"""A feed of more packages is no small one: it has a transaction of its own."""

MOST_FEEDS = 64
"""In one transaction; each has up to 17 folders open meanwhile, and three as a rule."""

MOST_FOLDERS = 256

LONGEST_SECONDS = 0.2
"""So long may opening them take until they are saved; more only where feeds lie far away."""


class SmallFeed:
    """A feed that is read, saved and logged in steps of their own, since others come between."""

    def __init__(self, entry: StackEntry, found: Ready, applier: FeedApplier) -> None:
        """The feed of ``entry``, as it was ``found``; ``applier`` carries it out."""
        self.entry = entry
        self.found = found
        self.applier = applier
        self.batch: list[Read] = []
        self._outcomes: list[Outcome] = []
        self._steps = Steps(0.0, 0.0, 0.0)

    @property
    def run(self) -> Run:
        """Its run, as it stands by now."""
        return self.applier.run

    @property
    def folders(self) -> int:
        """How many it may hold open: each package's when it is read, and one above them."""
        return self.found.folder.held_open + min(len(self.found.packages) + 1, MOST_KEPT_OPEN)

    def read(self) -> bool:
        """Read its packages; False when they are more than one batch, or the stop came."""
        began = time.perf_counter()
        self.batch, last = next(self.applier.batches(iter(self.found.packages)), ([], False))
        self._steps = Steps(time.perf_counter() - began, 0.0, 0.0)
        return last and bool(self.batch)

    def save(self) -> None:
        """Save it in the transaction that the turn is in (`Turn.together`)."""
        began = time.perf_counter()
        self._outcomes = self.applier.save(self.batch)
        self.batch = []
        self._steps = self._steps._replace(save=time.perf_counter() - began)

    def log(self) -> int:
        """P8: write its logs, now that it is committed; how many could not be written."""
        began = time.perf_counter()
        self.applier.log(self._outcomes)
        self._steps = self._steps._replace(logs=time.perf_counter() - began)
        return self.applier.unlogged

    def tell(self) -> None:
        """Let the listener know of it."""
        listener = self.applier.listener
        listener.begun(self.run, len(self._outcomes))
        listener.batch(self.run, self._outcomes, self._steps)


class Settled(NamedTuple):
    """Feeds that are saved and now to be logged and filed; or not, and each to be taken alone."""

    feeds: Sequence[SmallFeed]
    saved: bool


class Gathered:
    """Small feeds that follow each other, in the order of their entries, until they are saved."""

    def __init__(self, turn: Turn, newest: Newest, stop: threading.Event) -> None:
        """None yet; they are to be saved while it is this process's ``turn``, until ``stop``."""
        self.feeds: list[SmallFeed] = []
        self._turn = turn
        self._newest = newest
        self._stop = stop
        self._packages = 0
        self._folders = 0
        self._paths: set[str] = set()
        self._began = time.monotonic()

    def has(self, feed_path: str) -> bool:
        """Whether this feed is among them: a second run of it must know of the first."""
        return feed_path in self._paths

    def add(self, feed: SmallFeed, most: int) -> bool:
        """Take in a feed; whether they are to be saved now, at latest with ``most`` packages."""
        if not self.feeds:
            self._began = time.monotonic()
        self.feeds.append(feed)
        self._paths.add(feed.entry.feed_path)
        self._packages += len(feed.found.packages)
        self._folders += feed.folders
        return (
            self._packages >= most
            or len(self.feeds) >= MOST_FEEDS
            or self._folders >= MOST_FOLDERS
            or time.monotonic() - self._began > LONGEST_SECONDS
        )

    def settled(
        self, settings: Settings, waits: Callable[[StackEntry], object]
    ) -> Iterator[Settled]:
        """Read and save them in their order, as many at once as may be.

        Whoever gets some of them files them, or takes them alone, before asking for the next:
        ``waits`` says whether an entry has to wait by then. What is unusual is to be taken alone.
        """
        if not self.feeds:
            return
        with reading(self._turn.database) as connection:
            known = {(run.stack_entry, run.feed_path) for run in released(connection)}
            earlier = earlier_of(connection, self._paths)
        ready: list[SmallFeed] = []
        filling = Filling(settings)
        for feed in self.feeds:
            if self._stop.is_set():
                break
            entry = feed.entry
            feed.applier.earlier = earlier.get(entry.feed_path) or Earlier()
            alone = (entry.name, entry.feed_path) in known or waits(entry) or not feed.read()
            if not alone:
                ready.append(feed)
            if alone or filling.add_all(feed.batch):
                yield from self._saved(ready)
                ready, filling = [], Filling(settings)
            if alone:
                yield Settled([feed], saved=False)
        yield from self._saved(ready)

    def _saved(self, feeds: Sequence[SmallFeed]) -> Iterator[Settled]:
        if feeds:
            yield Settled(feeds, saved=self._save(feeds))

    def _save(self, feeds: Sequence[SmallFeed]) -> bool:
        """P9: in one transaction; False when nothing of it was kept, but may be one by one."""
        try:
            with self._turn.together() as connection:
                for feed in feeds:
                    feed.applier.late = self._newest.is_late(connection, feed.run)
                    feed.save()
        except PassingError:
            raise
        except ServiceError:
            return False
        return True

    def close(self) -> None:
        """Close their folders."""
        for feed in self.feeds:
            feed.found.folder.close()
