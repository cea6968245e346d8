"""The Stack, entry by entry: what waits, what is taken, in which order (P2–P4, G1).

The scan of the folder is the truth.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from feedengine.config import Settings
from feedengine.errors import Fault
from feedengine.feeds.entries import Signature, StackEntry, Unfinished
from feedengine.feeds.folder import MissingError
from feedengine.feeds.stack import settled
from feedengine.store import ledger
from feedengine.store.database import reading
from feedengine.store.ledger import Run
from feedengine.taking import HELD, Taker
from feedengine.telling import Listener, Waiting
from feedengine.turn import Turn

LOOK_AGAIN_SECONDS = 0.1


class Result(NamedTuple):
    """What one run of the Stack did."""

    runs: list[Run]
    waiting: list[Waiting]
    unlogged: int


class Look(NamedTuple):
    """What one walk through the Stack left: what waits, and whether waiting will help (P4)."""

    waiting: list[Waiting]
    patient: bool


class Runner:
    """Takes entries from the Stack for as long as it is this process's turn."""

    def __init__(
        self,
        settings: Settings,
        turn: Turn,
        listener: Listener,
        stop: threading.Event | None = None,
    ) -> None:
        """Work under ``settings``; ``listener`` hears of everything, ``stop`` ends it early."""
        self.settings = settings
        self.database = turn.database
        self.listener = listener
        self.stop = stop or threading.Event()
        self.taker = Taker(settings, turn, listener, self.stop)
        self.stack = self.taker.stack
        self._unfinished: tuple[str, Signature, float] | None = None
        self._left: dict[str, Waiting] = {}

    def use(self, settings: Settings) -> None:
        """Work under other settings from the next feed on; where things are stays."""
        self.settings = self.taker.settings = settings

    def run(self) -> Result:
        """Everything on the Stack, waiting for what is still being written (P4)."""
        self.taker.recover()
        while True:
            look = self.look()
            if not look.patient or self.stop.wait(LOOK_AGAIN_SECONDS):
                return Result(self.taker.runs, look.waiting, self.taker.unlogged)

    def look(self) -> Look:
        """One walk through the Stack, taking what can be taken."""
        held = self._held()
        blocked = self.taker.blocked = {str(run.client): HELD for run in held}
        names = self.stack.scan()
        self.listener.found(names, len(held))
        try:
            waiting = self._walk(names)
            self.taker.settle()
            waiting += self._postponed()
        finally:
            self.taker.leave()
        self.taker.mark_filed()
        self.listener.waits(waiting)
        unread = any(one.client is None for one in waiting)
        return Look(waiting, unread or any(reason != HELD for reason in blocked.values()))

    def _walk(self, names: Sequence[str]) -> list[Waiting]:
        """Take the entries one after the other; those that have to wait."""
        waiting: list[Waiting] = []
        blocked = self.taker.blocked
        known, self._left = self._left, {}
        for name in names:
            left = known.get(name)
            # Ten thousands may wait behind one: what has not changed costs no more than a glance.
            if left is None or blocked.get(left.client or "") != left.reason:
                if self.stop.is_set():
                    break
                left = self._step(name, None if left is None else left.client)
                waiting += self._postponed()
                if left is None:
                    continue
            waiting.append(left)
            if left.client is None:
                break  # it may be anybody's, so all behind it wait
            self._left[name] = left
        return waiting

    def _postponed(self) -> list[Waiting]:
        """What was gathered, and has to wait after all."""
        found, self.taker.postponed = self.taker.postponed, []
        self._left.update((one.name, one) for one in found)
        return found

    def _step(self, name: str, client: str | None) -> Waiting | None:
        """Take an entry, unless it has to wait; ``client`` is whose it was when it waited last."""
        blocked = self.taker.blocked
        if client is not None and client in blocked:
            return Waiting(name, client, blocked[client])
        found = self._entry(name)
        if not isinstance(found, StackEntry):
            return found
        if found.client in blocked:
            return Waiting(name, found.client, blocked[found.client])
        return self.taker.take(found)

    def _held(self) -> list[Run]:
        with reading(self.database) as connection:
            where = "status = 'held' AND filed_at IS NULL AND released_at IS NULL"
            return ledger.runs_where(connection, where)

    def _entry(self, name: str) -> StackEntry | Waiting | None:
        """The entry; None when it is gone, or has failed (P2, P4)."""
        try:
            found = self.stack.load(name)
        except MissingError:
            return None
        if isinstance(found, StackEntry):
            return found
        try:
            signature = self.stack.signature(name)
        except MissingError:
            return None
        if isinstance(found, Unfinished):
            now = time.monotonic()
            if self._unfinished is None or self._unfinished[:2] != (name, signature):
                self._unfinished = name, signature, now
            seen_for = now - self._unfinished[2]
            if not settled(signature, time.time(), seen_for, self.settings.settle_seconds):
                return Waiting(name, None, "it is still being written")
            faults: Sequence[Fault] = (found.fault,)
        else:
            faults = found
        self.taker.settle()
        self.taker.fail_entry(name, signature, faults)
        return None
