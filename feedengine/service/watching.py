"""The loop: takes the turn, walks through the Stack, rests until something calls, for ever (P2-P4).

An attempt lasts from one trouble to the next. Each opens the catalogue anew, waits for its turn,
and first finishes what the last one left (P9).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from feedengine.config import Settings
from feedengine.engine import Engine
from feedengine.errors import FeedengineError, Finding, ServiceError
from feedengine.runner import Look, Runner
from feedengine.service.courier import Courier
from feedengine.service.hearing import Everyone, ServiceListener
from feedengine.service.housekeeping import Housekeeping
from feedengine.service.patience import Spell
from feedengine.service.pulse import Pulse
from feedengine.service.reloading import compared
from feedengine.service.waking import Eyes
from feedengine.store.ledger import Outcome, Run
from feedengine.telling import Steps, Waiting
from feedengine.turn import Turn, turn_of

LOOK_AGAIN_SECONDS = 0.25
"""While something waits that may come any moment (P4)."""

RESTS = 3
"""So many times as long as a walk took is the rest after it, unless something calls."""

LONG_WALK_SECONDS = 0.03
GATHER_SECONDS = 0.03

BREATH_SECONDS = 0.5
"""The longest wait at a stretch, and the shortest after trouble."""


class _Called(threading.Event):
    """Set when whoever waits for the turn is wanted elsewhere; waiting on it keeps the pulse."""

    def __init__(self, pulse: Pulse, stop: threading.Event) -> None:
        """Set also while ``stop`` is."""
        super().__init__()
        self._pulse = pulse
        self._stop = stop

    def wait(self, timeout: float | None = None) -> bool:
        """As any event's."""
        self._pulse.beat()
        return super().wait(timeout) or self._stop.is_set()


class _Stop(threading.Event):
    """The stop, as the work asks for it, once a package: whoever asks goes on."""

    def __init__(self, pulse: Pulse, stop: threading.Event) -> None:
        """Set while ``stop`` is."""
        super().__init__()
        self._pulse = pulse
        self._stop = stop

    def is_set(self) -> bool:
        """As the other's."""
        self._pulse.beat()
        return self._stop.is_set()


class Watcher:
    """Watches one site's Stack; `run` in one thread, everything else from any."""

    def __init__(
        self,
        settings: Settings,
        listeners: Sequence[ServiceListener] = (),
        *,
        stop: threading.Event | None = None,
        reread: Callable[[], Settings] | None = None,
        pulse: Pulse | None = None,
        broken: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        """Watch under ``settings`` until ``stop`` is set; `reload` asks ``reread`` for others."""
        self.settings = settings
        self.stop = stop or threading.Event()
        self.bell = threading.Event()
        self.pulse = pulse or Pulse()
        self.told: ServiceListener = Everyone((_Loop(self), *listeners), broken)
        self.runner: Runner | None = None
        self.taken = 0
        self._reread = reread or (lambda: settings)
        self._lock = threading.Lock()
        self._reload = False
        self._called = _Called(self.pulse, self.stop)
        self._spell = Spell(self.told)
        self._standing_by = False
        self._took = 0.0
        self._chores = Housekeeping(self.told)
        self._courier = Courier(lambda: self.settings, self.told)
        self._eyes = Eyes(
            settings.stack, self.bell, self.told.watches, poll_only=settings.poll_only
        )

    def end(self) -> None:
        """Stop after the batch in hand; from any thread."""
        self.stop.set()
        self._courier.end()
        self._called.set()
        self.bell.set()

    def reload(self) -> None:
        """Read the settings again before the next feed; from any thread."""
        with self._lock:
            self._reload = True
            self._called.set()
        self.bell.set()

    def run(self) -> None:
        """Watch until the stop. Raises `UsageError` where there never was a site to watch."""
        self.pulse.beat()
        try:
            with Engine(self.settings):
                pass
        except ServiceError:
            pass  # told, and waited for, by the first attempt
        self.told.starts(self.settings)
        try:
            self._eyes.open()
            self._courier.begin()
            while not self.stop.is_set():
                self._attempt()
        finally:
            self._courier.leave()
            self._eyes.close()
            self._chores.leave()
            self.told.stops()

    def _attempt(self) -> None:
        self.settle()
        try:
            with Engine(self.settings) as engine:
                turn = turn_of(self.settings.stack, engine.database)
                with turn.taken(self._called, self._stand_by) as mine:
                    if mine:
                        self._serve(turn)
        except Exception as error:  # noqa: BLE001 - told apart and told; nothing ends the service
            self._hold_off(self._spell.failed(error))

    def _stand_by(self, reason: str) -> None:
        """Another has the turn, so the database answers."""
        self._spell.over()
        if not self._standing_by:
            self._standing_by = True
            self.told.stands_by(reason)

    def _serve(self, turn: Turn) -> None:
        """Take entries for as long as it is this process's turn."""
        self._standing_by = False
        self.told.turn(taken=True)
        self.runner = Runner(self.settings, turn, self.told, _Stop(self.pulse, self.stop))
        try:
            self.runner.taker.recover()
            patient = True
            while not self.stop.is_set() and turn.kept():
                patient = self._look(self.runner, patient=patient)
            self.stop.wait(LOOK_AGAIN_SECONDS)  # else a turn that is never kept would never rest
        finally:
            self.runner = None
            self.told.turn(taken=False)

    def _look(self, runner: Runner, *, patient: bool) -> bool:
        """One walk and the rest after it; whether something waits that may come any moment."""
        called, before = self.bell.is_set(), self.taken
        if called:
            self._eyes.heard()
            # A file is made, written, renamed: one walk for all of it, where walks are long.
            if self._took > LONG_WALK_SECONDS:
                self.stop.wait(GATHER_SECONDS)
        self.bell.clear()
        self.settle()
        began = time.monotonic()
        look: Look = runner.look()
        self._took = time.monotonic() - began
        self._spell.over()
        self.told.looked(look.waiting)
        if not (called or patient) and self.taken > before:
            self._eyes.missed()
        self._eyes.open()
        self._chores.attend(self.settings)
        pause = min(LOOK_AGAIN_SECONDS, self._every) if look.patient else self._every
        self._rest(max(pause, RESTS * self._took))
        return look.patient

    @property
    def _every(self) -> float:
        return self.settings.poll_seconds

    def _rest(self, seconds: float) -> None:
        """Wait until the bell rings, but no longer than ``seconds``."""
        until = time.monotonic() + seconds
        while not self.stop.is_set():
            self.pulse.beat()
            left = until - time.monotonic()
            if left <= 0 or self.bell.wait(min(left, BREATH_SECONDS)):
                return

    def _hold_off(self, seconds: float) -> None:
        """Wait after trouble; a Stack that comes back, or a new entry, shortens it."""
        until = time.monotonic() + seconds
        self.bell.clear()
        while not self.stop.is_set():
            self.pulse.beat()
            left = until - time.monotonic()
            if left <= 0 or self.stop.wait(min(left, BREATH_SECONDS)):
                return
            if self._eyes.open() or self.bell.is_set():
                return

    def settle(self) -> None:
        """Read the settings again if that was asked for; called between two feeds."""
        with self._lock:
            wanted, self._reload = self._reload, False
            self._called.clear()
        if not wanted:
            return
        self.told.reloads()
        try:
            found = compared(self.settings, self._reread())
        except (FeedengineError, OSError) as error:
            self.told.kept(str(error))
            return
        self.settings = found.settings
        if self.runner is not None:
            self.runner.use(found.settings)
        self._courier.call()
        self.told.reloaded(*found)


class _Loop(ServiceListener):
    """What the loop itself has to do when a feed is under way or over."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def batch(self, run: Run, outcomes: Sequence[Outcome], steps: Steps) -> None:
        del run, outcomes, steps
        self._watcher.pulse.beat()

    def ended(self, run: Run, findings: Sequence[Finding]) -> None:
        """Settings change between feeds; runs are told, and not kept."""
        del run, findings
        watcher = self._watcher
        watcher.pulse.beat()
        watcher.taken += 1
        if watcher.runner is not None:
            watcher.runner.taker.runs.clear()
        watcher.settle()

    def waits(self, waiting: Sequence[Waiting]) -> None:
        del waiting
        self._watcher.pulse.beat()
