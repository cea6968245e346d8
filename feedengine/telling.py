"""Whoever wants to hear how a run goes: the command's progress bar, the service's logs and metrics.

Told is what has been committed; nothing that is told can fail a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from feedengine.errors import Finding
from feedengine.store.ledger import Outcome, Run


class Waiting(NamedTuple):
    """An entry that cannot be taken yet, and why."""

    name: str
    client: str | None
    reason: str


class Steps(NamedTuple):
    """Wall seconds that a batch spent: reading and parsing, the transaction, writing logs."""

    read: float
    save: float
    logs: float


class Listener:
    """Hears everything and does nothing; subclasses do what they need."""

    def found(self, names: Sequence[str], held: int) -> None:
        """A walk through the Stack begins: its entries in order, and how many feeds are held."""

    def begun(self, run: Run, packages: int) -> None:
        """A feed was opened: so many packages are to be dealt with."""

    def batch(self, run: Run, outcomes: Sequence[Outcome], steps: Steps) -> None:
        """A batch is committed and its logs are written."""

    def ended(self, run: Run, findings: Sequence[Finding]) -> None:
        """A feed has ended or is held, and its entry is filed; ``findings`` of it as a whole."""

    def waits(self, waiting: Sequence[Waiting]) -> None:
        """What could not be taken on this walk through the Stack."""

    def unlogged(self, run: Run, what: str, reason: str) -> None:
        """A log could not be written (P8); ``what`` is the package, or the feed's manifest."""


NOBODY = Listener()


@dataclass(slots=True)
class Progress(Listener):
    """How far a run is; whoever shows it gives a function to call."""

    feeds: int = 0
    packages: int = 0
    done: int = 0
    failed: int = 0
    feed: str = ""
    told: Callable[[Progress], None] = field(default=lambda _: None)

    def begun(self, run: Run, packages: int) -> None:
        """One more feed."""
        self.feeds += 1
        self.feed = run.feed_path or ""
        self.packages += packages

    def batch(self, run: Run, outcomes: Sequence[Outcome], steps: Steps) -> None:
        """Some packages are committed."""
        del run, steps
        self.done += len(outcomes)
        self.failed += sum(outcome.status == "failed" for outcome in outcomes)
        self.told(self)
