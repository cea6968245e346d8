"""What the watcher does, as lines of its log."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feedengine import __version__
from feedengine.config import masked
from feedengine.errors import FeedengineError
from feedengine.service.hearing import ServiceListener, Trouble

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.errors import Finding
    from feedengine.retention import Pruned
    from feedengine.service.logs import Log
    from feedengine.store.ledger import Outcome, Run
    from feedengine.telling import Steps, Waiting

MOST_PACKAGES = 20
"""So many failing packages of a feed have a line each; how many more there are has one."""

COUNT_SECONDS = 1.0
"""How often what waits is counted; there may be very many of it."""


class Reporter(ServiceListener):
    """Writes the log."""

    def __init__(self, log: Log, settings: Settings) -> None:
        """Write to ``log``; ``settings`` say what the time of grace is."""
        self._log = log
        self._grace = settings.grace_seconds
        self._began: float | None = None
        self._failing = 0
        self._spent = 0.0
        self._unlogged: tuple[int, str] | None = None
        self._waiting: dict[tuple[str | None, str], float] = {}
        self._counted = 0.0
        self._trouble: str | None = None

    def starts(self, settings: Settings) -> None:
        """The first line: which site, by which version."""
        self._log.write(
            "info",
            "started",
            version=__version__,
            pid=os.getpid(),
            root=str(settings.root),
            database=masked(settings.database),
        )

    def watches(self, way: str, reason: str) -> None:
        """How it is woken."""
        self._log.write("info", "watching the Stack", by=way, because=reason)

    def stands_by(self, reason: str) -> None:
        """It will take over."""
        self._log.write("info", "standing by", because=reason)

    def turn(self, *, taken: bool) -> None:
        """Whose turn it is."""
        self._log.write("info", "this process takes entries" if taken else "the turn is over")

    def begun(self, run: Run, packages: int) -> None:
        """Only when somebody wants to know all."""
        self._began, self._failing, self._spent = time.monotonic(), 0, 0.0
        self._log.write(
            "debug", "feed begun", feed=run.feed_path, client=run.client, packages=packages
        )

    def batch(self, run: Run, outcomes: Sequence[Outcome], steps: Steps) -> None:
        """Each package that failed, up to a number."""
        self._spent += sum(steps)
        for outcome in outcomes:
            if outcome.status == "failed":
                self._failing += 1
                if self._failing <= MOST_PACKAGES:
                    self._package(run, outcome)

    def _package(self, run: Run, outcome: Outcome) -> None:
        first = next((one for one in outcome.findings if one.severity == "error"), None)
        self._log.write(
            "warning",
            "package failed",
            feed=run.feed_path,
            package=outcome.path,
            client=run.client,
            run=run.id,
            code=first and first.code,
            rule=first and first.rule,
            line=first and first.line,
            message=first and first.message,
        )

    def ended(self, run: Run, findings: Sequence[Finding]) -> None:
        """What became of a feed."""
        lasted = 0.0 if self._began is None else time.monotonic() - self._began
        self._began = None
        spent, self._spent = self._spent, 0.0
        more, self._failing = self._failing - MOST_PACKAGES, 0
        named = {"feed": run.feed_path, "client": run.client, "run": run.id}
        if more > 0:
            self._log.write("warning", "more packages failed", **named, packages=more)
        for one in findings:
            self._log.write(
                "warning",
                "feed refused",
                **named,
                code=one.code,
                rule=one.rule,
                message=one.message,
            )
        self._log.write(
            "info" if run.status == "succeeded" else "warning",
            "feed held" if run.status == "held" else "feed ended",
            **named,
            entry=run.stack_entry,
            status=run.status,
            packages=run.packages,
            applied=run.applied,
            failed=run.failed,
            skipped=run.skipped,
            seconds=round(max(lasted, spent), 3),  # of a small feed it is told at its end
        )

    def unlogged(self, run: Run, what: str, reason: str) -> None:
        """P8: once for each feed."""
        if self._unlogged != (run.id, run.stack_entry):
            self._unlogged = run.id, run.stack_entry
            self._log.write(
                "warning",
                "logs cannot be written; the ledger has all that they would say",
                feed=run.feed_path,
                package=what,
                because=reason,
            )

    def looked(self, waiting: Sequence[Waiting]) -> None:
        """What waits for longer than the time of grace: once for each client and reason."""
        now = time.monotonic()
        if waiting and now - self._counted < COUNT_SECONDS:
            return
        self._counted = now
        counted = Counter((one.client, one.reason) for one in waiting)
        known = self._waiting
        self._waiting = {key: known.get(key, now) for key in counted}
        for key, since in self._waiting.items():
            if now - since > self._grace:
                self._waiting[key] = float("inf")
                self._log.write(
                    "warning", "entries wait", client=key[0], because=key[1], entries=counted[key]
                )

    def troubled(self, trouble: Trouble) -> None:
        """The first of a spell, and each that is of another kind than the last."""
        error = trouble.error
        kind = type(error).__name__
        told, self._trouble = self._trouble, f"{kind} {getattr(error, 'errno', '')}"
        if trouble.kind == "defect":
            if told != self._trouble:
                self._log.defect("a defect of feedengine; trying again", error)
            return
        level = "debug" if told == self._trouble else "error"
        hint = error.hint if isinstance(error, FeedengineError) else "look at disk and permissions"
        self._log.write(level, "trying again", error=str(error), kind=kind, hint=hint)

    def recovered(self, tries: int, seconds: float) -> None:
        """The end of a spell."""
        self._trouble = None
        self._log.write("info", "all is well again", tries=tries, seconds=round(seconds, 1))

    def pruned(self, found: Pruned | Exception) -> None:
        """What is gone by the settings ``keep_…_days``."""
        if isinstance(found, Exception):
            self._log.write("warning", "old things not removed", error=str(found))
        else:
            self._log.write("info", "old things removed", **found._asdict())

    def reloaded(self, settings: Settings, changed: Sequence[str], fixed: Sequence[str]) -> None:
        """What is different now, and what cannot be."""
        self._log.level, self._grace = settings.log_level, settings.grace_seconds
        self._log.write("info", "settings read again", changed=list(changed))
        if fixed:
            self._log.write("warning", "settings that hold from the next start", names=list(fixed))

    def kept(self, reason: str) -> None:
        """What is wrong with the new ones."""
        self._log.write("error", "settings not read again; the old ones hold", because=reason)

    def stops(self) -> None:
        """The last line but for what goes wrong at the very end."""
        self._log.write("info", "stopped")
