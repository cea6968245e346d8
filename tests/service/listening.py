"""A watcher in a thread of this process, and what it tells."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from feedengine.config import Settings
from feedengine.service.hearing import ServiceListener, Trouble
from feedengine.service.watching import Watcher
from feedengine.store.ledger import Run

from .running import LIMIT_SECONDS


class Ear(ServiceListener):
    """Remembers what the loop tells."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.told: list[tuple[Any, ...]] = []

    def ended(self, run: Run, findings: object) -> None:
        """A feed."""
        del findings
        self.told.append(("ended", run.stack_entry, run.status))

    def troubled(self, trouble: Trouble) -> None:
        """An attempt that failed."""
        self.told.append(("troubled", trouble.kind, trouble.tries, str(trouble.error)))

    def recovered(self, tries: int, seconds: float) -> None:
        """The end of a spell."""
        del seconds
        self.told.append(("recovered", tries))

    def watches(self, way: str, reason: str) -> None:
        """How."""
        self.told.append(("watches", way, reason))

    def pruned(self, found: object) -> None:
        """What was old."""
        self.told.append(("pruned", found))

    def turn(self, *, taken: bool) -> None:
        """Whose turn."""
        self.told.append(("turn", taken))

    def stands_by(self, reason: str) -> None:
        """Another's."""
        self.told.append(("stands by", reason))

    def looked(self, waiting: Sequence[object]) -> None:
        """A walk."""
        self.told.append(("looked", len(waiting)))

    def heard(self, *what: Any) -> bool:
        """Whether something was told that begins like this."""
        return any(one[: len(what)] == what for one in self.told)


@contextmanager
def watched(found: Settings, **more: Any) -> Iterator[tuple[Watcher, Ear]]:
    """A watcher at work in a thread, until the end."""
    ear = Ear()
    watcher = Watcher(found, (ear, *more.pop("others", ())), **more)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        yield watcher, ear
    finally:
        watcher.end()
        thread.join(LIMIT_SECONDS)
        assert not thread.is_alive()
