"""The Stack, entry by entry: what waits, what is taken, in which order (P2–P4, G1).

The scan of the folder is the truth.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from feedengine.config import Settings
from feedengine.errors import Fault
from feedengine.feeds.entries import Signature, StackEntry, Unfinished
from feedengine.feeds.folder import MissingError
from feedengine.feeds.line import Line, ordered
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
        self._line = Line(settings.stack)
        self._left: dict[str, Waiting] = {}
        self._others: set[str] = set()
        self._reasons: dict[str | None, str] = {}
        self._listed: list[Waiting] | None = None

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
        new, gone = self._line.look()
        for name in gone:
            self._forget(name)
        self._others.difference_update(gone)
        self._others.update(new)
        self.listener.found(self._line.names, len(held))
        try:
            unread = self._walk()
            self.taker.settle()
            self._note(self.taker.postponed)
        finally:
            self.taker.leave()
        self.taker.mark_filed()
        waiting = self._waiting(unread)
        self.listener.waits(waiting)
        patient = unread is not None or any(reason != HELD for reason in blocked.values())
        return Look(waiting, patient)

    def _walk(self) -> str | None:
        """Take the entries one after the other, but not those that go on waiting.

        The name of one that is still being written, if it holds back all behind it.
        """
        blocked, left = self.taker.blocked, self._left
        for name in self._to_be_met(blocked):
            waits = left.get(name)
            if waits is None or blocked.get(waits.client or "") != waits.reason:
                if self.stop.is_set():
                    break
                self._forget(name)
                waits = self._step(name, None if waits is None else waits.client)
                self._note(self.taker.postponed)
                self._note([] if waits is None else [waits])
            if waits is not None and waits.client is None:
                return name  # it may be anybody's, so all behind it wait
        else:
            self._reasons = {who: self._reasons[who] for who in blocked if who in self._reasons}
        return None

    def _to_be_met(self, blocked: Mapping[str, str]) -> list[str]:
        """The entries without those that wait for what has not changed, in their order.

        A hundred thousand may wait behind a held feed; they cost nothing until it is let through.
        """
        reasons = self._reasons
        steady = {who for who in reasons if blocked.get(who or "") == reasons[who]}
        if len(steady) == len(reasons):
            return ordered(self._others)
        known = {name for name, one in self._left.items() if one.client in steady}
        return [name for name in self._line.names if name not in known]

    def _note(self, waiting: list[Waiting]) -> None:
        """Remember what has to wait; the list is emptied."""
        for one in waiting:
            self._left[one.name] = one
            self._others.discard(one.name)
            self._reasons[one.client] = one.reason
            self._listed = None
        waiting.clear()

    def _forget(self, name: str) -> None:
        if self._left.pop(name, None) is not None:
            self._others.add(name)
            self._listed = None

    def _waiting(self, unread: str | None) -> list[Waiting]:
        """What waits, in its order, as far as it has been looked at."""
        if self._listed is None or unread is not None:
            left = self._left
            self._listed = [left[name] for name in self._line.names if name in left]
        if unread is None:
            return self._listed
        last = next(at for at, one in enumerate(self._listed) if one.name == unread)
        return self._listed[: last + 1]

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
