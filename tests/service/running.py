"""The real command as a process of its own, and feeds to drop before it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from feedengine.feeds.author import FeedWriter, new_feed

COMMAND = (sys.executable, "-c", "from feedengine.cli.main import main; main()")

DAY = 1_700_000_000_000

LIMIT_SECONDS = float(os.environ.get("LIM", "60"))
"""Generous: a machine may be busy. Nothing waits for so long unless it fails."""

T = TypeVar("T")


def until(asked: Callable[[], T], what: object = "") -> T:
    """Wait until ``asked`` gives something true, and give that."""
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        found = asked()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"in vain: {what or asked}")


def track(number: int, action: str = "Create", more: str = "<Title>T</Title>") -> str:
    """A package about one track."""
    return f'<xml><Schema action="{action}"><Track><ID>t{number}</ID>{more}</Track></Schema></xml>'


def feed(root: Path, number: int, *packages: str, client: str = "A") -> FeedWriter:
    """Write a feed, without its entry."""
    made = new_feed(root, client, milliseconds=DAY + number)
    for package in packages:
        made.add(package)
    return made


def drop(root: Path, number: int, *packages: str, client: str = "A") -> FeedWriter:
    """Write a feed and its entry."""
    made = feed(root, number, *packages, client=client)
    made.stack()
    return made


class Service:
    """``feedengine watch`` on a site; a context manager that leaves nothing running."""

    def __init__(self, root: Path, *flags: str, **environment: str) -> None:
        """Start it; what it logs goes to a file beside the site."""
        self.root = root
        self.errors = root.parent / f"{root.name}-{time.monotonic_ns()}.log"
        clean = {key: one for key, one in os.environ.items() if not key.startswith("FEEDENGINE_")}
        with self.errors.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "watch", str(root), *flags], stderr=log, env={**clean, **environment}
            )

    def __enter__(self) -> Self:
        """The service itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def text(self) -> str:
        """Its log as it stands."""
        return self.errors.read_text("utf-8")

    def lines(self, event: str = "", **values: Any) -> list[dict[str, Any]]:
        """The complete lines of the log that have this event and these values."""
        whole, _, _ = self.text.rpartition("\n")
        made = [json.loads(line) for line in whole.split("\n") if line]
        return [
            one
            for one in made
            if (not event or one["event"] == event)
            and all(one.get(key) == value for key, value in values.items())
        ]

    def says(self, event: str, **values: Any) -> dict[str, Any]:
        """Wait for such a line, and give the first."""
        return until(lambda: self._alive().lines(event, **values), (event, values, self))[0]

    def _alive(self) -> Service:
        if self.process.poll() is not None and not self.lines("stopped"):
            raise AssertionError(f"it has ended: {self.text}")
        return self

    def __repr__(self) -> str:
        """Its log."""
        return self.text

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit status."""
        self.tell(number)
        return self.process.wait(LIMIT_SECONDS)
