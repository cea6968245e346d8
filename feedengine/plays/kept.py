"""The catalogue's arrays as a snapshot keeps them, for whichever process opens it."""

from __future__ import annotations

from dataclasses import dataclass

from feedengine.plays.looking import Looker
from feedengine.plays.snapshot import Snapshot
from feedengine.plays.verdicts import Terms


@dataclass(frozen=True, slots=True)
class Kept:
    """How a catalogue is looked up that a snapshot keeps (`job.Opened`)."""

    snapshot: Snapshot
    terms: Terms
    threshold: int

    def __call__(self) -> Looker | None:
        """The catalogue; None when the snapshot is there no more."""
        facts = self.snapshot.facts()
        return None if facts is None else Looker(facts, self.terms, self.threshold)
