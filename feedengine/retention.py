"""Retention: what is old enough is removed, by the settings ``keep_…_days`` (default: nothing).

In small transactions with a pause between them, so that whoever applies feeds is not held up;
ended at any point and begun anew, it goes on.
"""

from __future__ import annotations

import os
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from feedengine.applying import milliseconds_of
from feedengine.feeds.folder import MANIFEST, FeedFolder, FeedPathError
from feedengine.feeds.oldlogs import remove_entries, remove_entry_logs, remove_logs
from feedengine.model.instants import instant_text
from feedengine.store.database import reading, writing
from feedengine.store.ledger import named
from feedengine.store.old import count_due, package_paths, prune_some, runs_between, runs_due

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from feedengine.config import Settings
    from feedengine.store.old import OldRun

ROWS_AT_ONCE = 1_000
"""Rows that are removed in one transaction."""

PAUSE_SECONDS = 0.01
"""Between two transactions; SQLite's writers do not queue, so others need a gap."""

MARK = ".logs-pruned"
"""The file in the Stack that says until when logs are removed."""

BEGINNING = "0001-01-01T00:00:00.000000Z"

OVERLAP = timedelta(days=1)
"""So far before that mark it is looked again: clocks are set back."""


class Pruned(NamedTuple):
    """How much was removed, or would be; ``unremoved``: feeds whose logs could not be."""

    runs: int = 0
    findings: int = 0
    packages: int = 0
    logs: int = 0
    entries: int = 0
    unremoved: int = 0


def prune(
    settings: Settings, database: Engine, *, dry: bool = False, now: datetime | None = None
) -> Pruned:
    """Remove what the settings say is old; with ``dry`` only count it (logs: at most so many).

    Findings, and packages that were not applied, of old runs; logs beside packages, and beside bad
    entries; entries in ``Stack/processed``. Logs go at the latest with the findings they tell,
    since their packages are found by the ledger.
    """
    at = now or datetime.now(UTC)
    found = Pruned()
    days = [settings.keep_logs_days, settings.keep_findings_days]
    if settings.keep_logs_days is not None:
        before = at - timedelta(days=min(one for one in days if one is not None))
        found = _logs(settings, database, before, dry=dry)
    if settings.keep_findings_days is not None:
        before = at - timedelta(days=settings.keep_findings_days)
        runs, findings, packages = _rows(database, before, at, dry=dry)
        found = found._replace(runs=runs, findings=findings, packages=packages)
    if settings.keep_entries_days is not None:
        oldest = (at - timedelta(days=settings.keep_entries_days)).timestamp()
        entries = remove_entries(settings.stack / "processed", oldest, dry=dry)
        found = found._replace(entries=entries)
    return found


def _rows(database: Engine, before: datetime, now: datetime, *, dry: bool) -> tuple[int, int, int]:
    """Findings and packages of old runs."""
    limit = instant_text(before)
    if dry:
        with reading(database) as connection:
            return count_due(connection, limit)
    last = runs = findings = packages = 0
    while True:
        with reading(database) as connection:
            due = deque(runs_due(connection, limit, last))
        if not due:
            return runs, findings, packages
        last = due[-1].id
        while due:
            with writing(database) as connection:
                left = ROWS_AT_ONCE
                while due and left > 0:
                    some = prune_some(connection, due[0], instant_text(now), left)
                    findings, packages = findings + some[0], packages + some[1]
                    left -= some[0] + some[1] + 1
                    if some[2]:
                        due.popleft()
                        runs += 1
            time.sleep(PAUSE_SECONDS)


def _logs(settings: Settings, database: Engine, before: datetime, *, dry: bool) -> Pruned:
    """Logs of the runs that have become old since the last time."""
    until = milliseconds_of(instant_text(before))
    logs = remove_entry_logs(settings.stack / "failed", until, dry=dry)
    unremoved = 0
    for run in _old_runs(database, _mark(settings.stack), before):
        try:
            logs += _logs_of(settings, database, run, until, dry=dry)
        except FeedPathError:
            continue  # the feed has been deleted, and its logs with it
        except OSError:
            unremoved += 1
    if not dry and not unremoved:
        _set_mark(settings.stack, before)
    return Pruned(logs=logs, unremoved=unremoved)


def _old_runs(database: Engine, since: str, before: datetime) -> Iterator[OldRun]:
    last = 0
    while True:
        with reading(database) as connection:
            found = runs_between(connection, since, instant_text(before), last)
        if not found:
            return
        last = found[-1].id
        yield from (run for run in found if run.feed_path is not None)


def _logs_of(settings: Settings, database: Engine, run: OldRun, until: int, *, dry: bool) -> int:
    """The logs beside a run's manifest and beside its packages, each folder once."""
    since, removed, done = milliseconds_of(run.started_at), 0, ""
    with FeedFolder.open(settings.feeds, str(run.feed_path)) as folder:
        removed += remove_logs(folder, MANIFEST, since, until, dry=dry)
        with reading(database) as connection:
            for path in map(named, package_paths(connection, run.id)):
                parent = path.rpartition("/")[0]
                if parent != done:
                    done = parent
                    try:
                        removed += remove_logs(folder, path, since, until, dry=dry)
                    except FeedPathError:
                        continue
    return removed


def _mark(stack: Path) -> str:
    """From when on logs are still there: everything from the beginning where nothing says so."""
    try:
        said = datetime.fromisoformat((stack / MARK).read_text("ascii").strip())
        return instant_text(said - OVERLAP)
    except (OSError, ValueError, OverflowError, TypeError):
        return BEGINNING


def _set_mark(stack: Path, before: datetime) -> None:
    aside = stack / f"{MARK}.{os.getpid()}.tmp"
    aside.write_text(instant_text(before) + "\n", "ascii")
    aside.replace(stack / MARK)
