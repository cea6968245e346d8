"""Small feeds that follow each other on the Stack, saved by one commit (P3, P7, P9).

Each keeps its own run, logs and entry, and its packages are applied in their order, each seeing
what those before it left: what comes of it is what would come of one feed after the other. Many
share what a feed of one package mostly costs: a transaction with its pages, and syncing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from feedengine.applying import FeedApplier
from feedengine.config import Settings
from feedengine.feeds.entries import StackEntry
from feedengine.feeds.folder import MOST_KEPT_OPEN
from feedengine.opening import Ready
from feedengine.packages import Read
from feedengine.store.ledger import Outcome, Run
from feedengine.telling import Listener, Steps
from feedengine.turn import Turn

MOST_PACKAGES = 20
"""A feed of more packages is no small one: it has a transaction of its own."""

MOST_FEEDS = 64
"""In one transaction; each has up to 17 folders open meanwhile, and three as a rule."""

MOST_FOLDERS = 256

LONGEST_SECONDS = 0.2
"""So long may opening them take until they are saved; more only where feeds lie far away."""


class SmallFeed(FeedApplier):
    """A feed that is read, saved and logged in steps of their own, since others come between."""

    def __init__(
        self,
        settings: Settings,
        turn: Turn,
        run: Run,
        found: Ready,
        listener: Listener,
        stop: threading.Event,
        *,
        entry: StackEntry,
    ) -> None:
        """As any feed's, for the run that ``entry`` asks for."""
        super().__init__(settings, turn, run, found.folder, listener, stop)
        self.entry = entry
        self.packages = found.packages
        self.batch: list[Read] = []
        self._outcomes: list[Outcome] = []
        self._steps = Steps(0.0, 0.0, 0.0)

    def read(self) -> bool:
        """Read its packages; False when they are more than one batch, or the stop came."""
        began = time.perf_counter()
        self.batch, last = next(self._batches(iter(self.packages)), ([], False))
        self._steps = Steps(time.perf_counter() - began, 0.0, 0.0)
        return last and bool(self.batch)

    def save(self) -> None:
        """Save it in the transaction that the turn is in (`Turn.together`)."""
        began = time.perf_counter()
        self._outcomes = self._transaction(self.batch, last=True)
        self.batch = []
        self._steps = self._steps._replace(save=time.perf_counter() - began)

    def log(self) -> None:
        """P8: write its logs, now that it is committed."""
        began = time.perf_counter()
        self._write_logs(self._outcomes)
        self._steps = self._steps._replace(logs=time.perf_counter() - began)

    def tell(self) -> None:
        """Let the listener know of it."""
        self.listener.begun(self.run, len(self._outcomes))
        self.listener.batch(self.run, self._outcomes, self._steps)


class Gathered:
    """Small feeds that follow each other, in the order of their entries, until they are saved."""

    def __init__(self) -> None:
        """None yet."""
        self.feeds: list[SmallFeed] = []
        self._packages = 0
        self._folders = 0
        self._paths: set[str | None] = set()
        self._began = time.monotonic()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.feeds)

    def __iter__(self) -> Iterator[SmallFeed]:
        """The feeds in their order."""
        return iter(self.feeds)

    def has(self, feed_path: str) -> bool:
        """Whether this feed is among them: a second run of it must know of the first."""
        return feed_path in self._paths

    def add(self, feed: SmallFeed, most: int) -> bool:
        """Take in a feed; whether they are to be saved now, at the latest with ``most`` packages.

        A feed that is read may open a folder for each package and one above them.
        """
        if not self.feeds:
            self._began = time.monotonic()
        self.feeds.append(feed)
        self._paths.add(feed.run.feed_path)
        self._packages += len(feed.packages)
        self._folders += feed.folder.held_open + min(len(feed.packages) + 1, MOST_KEPT_OPEN)
        return (
            self._packages >= most
            or len(self.feeds) >= MOST_FEEDS
            or self._folders >= MOST_FOLDERS
            or time.monotonic() - self._began > LONGEST_SECONDS
        )

    def close(self) -> None:
        """Close their folders."""
        for feed in self.feeds:
            feed.folder.close()
