"""Plays, once a day: looks after the inbox, and has a child make the round when it is time.

In a thread of its own beside the loop: feeds are applied meanwhile, and trouble with one of them
is none of the other's.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import IO

from feedengine.config import Settings
from feedengine.plays.diary import begun
from feedengine.plays.inbox import inbox_of, look
from feedengine.plays.news import Ending, Failure, Kept, news_of
from feedengine.plays.outlets import delivers
from feedengine.plays.timetable import next_due, overdue
from feedengine.service.handing import written
from feedengine.service.hearing import ServiceListener

LOOK_SECONDS = 60.0
"""How often it looks into the inbox, at least."""

AGAIN_SECONDS, LONGEST_SECONDS = 60.0, 900.0
"""After a round that has to be made again: longer each time."""

END_SECONDS = 3.5
"""So long may a round take to end once that was asked for; then it is killed."""

FEEL_SECONDS = 0.1
"""How often it is looked whether a round is over, or the end was asked for."""

ERRAND = (sys.executable, "-P", "-m", "feedengine.service.errand")


class Courier:
    """Looks after one site's inbox, in a thread, from `begin` to `leave`."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        told: ServiceListener,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        errand: Sequence[str] = ERRAND,
    ) -> None:
        """``settings`` gives those that hold now; ``told`` hears of everything."""
        self._settings, self._told, self._now = settings, told, now
        self._command = list(errand)
        self._ended, self._bell = threading.Event(), threading.Event()
        self._called = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plays", daemon=True)
        self._tries = 0
        self._again: datetime | None = None
        self._troubled = False

    def begin(self) -> None:
        """From now on."""
        self._thread.start()

    def call(self) -> None:
        """Settings are others now: look again; what was refused may be taken."""
        self._called.set()
        self._bell.set()

    def end(self) -> None:
        """Stop soon, from any thread: a round is ended where nothing is under way."""
        self._ended.set()
        self._bell.set()

    def leave(self) -> None:
        """Stop, and wait for it."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join(END_SECONDS + 1)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._bell.clear()
            try:
                wait = self._step()
            except Exception as error:  # noqa: BLE001 - the thread has to live as long as the loop
                self._troubled = True
                self._told.plays(_failure(error))
                wait = LOOK_SECONDS
            self._bell.wait(wait)

    def _step(self) -> float:
        """Look, and make a round if it is time; seconds until the next step."""
        if self._called.is_set():
            self._called.clear()
            self._over()
        settings = self._settings()
        if settings.deliver_plays is False:
            return LOOK_SECONDS
        seen = look(settings)
        left = [Kept(one.name, one.because) for one in seen.left if not one.unfinished]
        self._told.inbox(seen.files, seen.oldest, left)
        if not delivers(settings):
            return LOOK_SECONDS
        inbox_of(settings).mkdir(parents=True, exist_ok=True)
        diary, now = begun(settings.plays, self._now()), self._now()
        self._told.diary(diary)
        due = overdue(settings.deliver_at, diary.done, now)
        if due is None:
            self._over()
            if self._troubled:
                self._troubled = False
                self._told.plays(Ending(done=True))
            ahead = next_due(settings.deliver_at, now) - now
            return min(LOOK_SECONDS, ahead.total_seconds())
        if self._again is None or now >= self._again:
            self._errand(settings, due)
            now = self._now()
            missed = overdue(settings.deliver_at, begun(settings.plays, now).done, now)
            self._again = now + self._after(done=missed is None)
        return min(LOOK_SECONDS, max(0.0, (self._again - self._now()).total_seconds()))

    def _over(self) -> None:
        """Nothing is to be waited for before the next round."""
        self._again, self._tries = None, 0

    def _after(self, *, done: bool) -> timedelta:
        """How long to wait after a round."""
        if done:
            return timedelta(0)
        wait = min(LONGEST_SECONDS, AGAIN_SECONDS * (1 << min(self._tries, 8)))
        self._tries += 1
        return timedelta(seconds=wait * random.uniform(0.8, 1.0))  # noqa: S311 - no secret

    def _errand(self, settings: Settings, due: datetime) -> None:
        """A round by a child, told as it goes; its diary says whether it was done."""
        self._told.round_begins(due)
        # A group of its own: Ctrl-C at a terminal is for the service, which then ends its child.
        with subprocess.Popen(  # noqa: S603 - our own program
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        ) as child:
            assert child.stdin is not None  # noqa: S101 - for mypy
            assert child.stdout is not None  # noqa: S101 - for mypy
            ear = threading.Thread(
                target=self._hear, args=(child.stdout,), name="round", daemon=True
            )
            ear.start()
            with suppress(BrokenPipeError):  # its exit status says why
                child.stdin.write(written(settings))
                child.stdin.flush()
            status = self._attended(child)
            ear.join()
        if status < 0 and not self._ended.is_set():
            self._told.plays(Failure("defect", f"the round ended by signal {-status}", _CRASHED))

    def _attended(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for a child; ends it when the end was asked for."""
        while (status := child.poll()) is None:
            if self._ended.wait(FEEL_SECONDS):
                child.terminate()
                try:
                    return child.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                    return child.wait()
        return status

    def _hear(self, lines: IO[bytes]) -> None:
        for line in lines:
            self._told.plays(news_of(line.decode("utf-8", "backslashreplace").rstrip("\n")))


_CRASHED = "nothing is lost; it is made again. Was it killed for want of memory?"


def _failure(error: Exception) -> Failure:
    if isinstance(error, OSError):
        return Failure("environment", str(error), "look at the disk and the folder of plays")
    return Failure("defect", f"{type(error).__name__}: {error}", "please report it")
