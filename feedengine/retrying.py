"""Retries: a feed that failed is taken again, its failed packages alone (P5, P9).

A retry is opened in the ledger first (a run that is held and let through, `retry_of`), and then its
entry is put back on the Stack, where whoever takes entries finds both. A crash between the two
leaves a run without an entry: asked for once more, the retry gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedengine.errors import RefusedError
from feedengine.feeds.author import entry_xml
from feedengine.feeds.entries import Signature
from feedengine.feeds.frozen import FrozenPaths
from feedengine.feeds.returning import is_waiting, put_back
from feedengine.feeds.stack import Stack
from feedengine.packages import now_text
from feedengine.store import attempts, ledger
from feedengine.store.database import reading, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from feedengine.config import Settings
    from feedengine.feeds.entries import StackEntry
    from feedengine.store.ledger import Run

NO_SIGNATURE = "0:0:0"
"""The mark of an entry that the engine has not met yet."""


class Retried(NamedTuple):
    """What came of a retry.

    ``retry_of`` is the attempt that failed, ``run`` the retry's own number (None: the entry alone
    is put back, or nothing), ``packages`` how many it is to take (None: all of the feed).
    ``state``: queued; waiting (it, or another entry of its name, is on the Stack already); held
    (the guard against mass deletion holds it); running; gone (the entry is no longer there).
    """

    retry_of: int
    run: int | None
    feed_path: str | None
    stack_entry: str
    client: str | None
    packages: int | None
    state: str


class _Planned(NamedTuple):
    """A retry that has been opened, and what puts its entry back."""

    retried: Retried
    signature: Signature | None
    data: bytes | None


def retry(
    settings: Settings,
    database: Engine,
    numbers: Sequence[int] = (),
    *,
    code: str | None = None,
    client: str | None = None,
) -> Iterator[Retried]:
    """Retry these runs, or without any every feed whose last attempt failed in part or whole.

    With ``code`` only what failed with that. What has nothing to retry is passed over, but raises
    `RefusedError` where its run was asked for by number.
    """
    stack = Stack(settings.stack)
    if not numbers:
        yield from _all(database, stack, code, client)
        return
    for number in numbers:
        with writing(database) as connection:
            attempt = _named(connection, number)
            planned = _plan(connection, stack, attempt, code)
        if planned is None:
            what = "failed" if code is None else f"failed with {code}"
            raise RefusedError(
                f"nothing of run {number} {what}, or all of it has been applied since",
                f"see `feedengine findings --run {number}`",
            )
        yield _put_back(stack, planned)


def _all(database: Engine, stack: Stack, code: str | None, client: str | None) -> Iterator[Retried]:
    """Every feed, a few in one transaction; their entries come back in the order of their runs."""
    for listed in (attempts.refused_attempts, attempts.refused_entries):
        last: int | None = 0
        while last is not None:
            with writing(database) as connection:
                found = listed(connection, last, client)
                plans = [_plan(connection, stack, attempt, code) for attempt in found]
            last = found[-1].id if found else None
            for planned in plans:
                if planned is not None:
                    retried = _put_back(stack, planned)
                    if retried.state != "gone":
                        yield retried


def _put_back(stack: Stack, planned: _Planned) -> Retried:
    retried, signature, data = planned
    if retried.state != "queued":
        return retried
    state = put_back(stack, retried.stack_entry, signature, data)
    return retried._replace(state=state)


def _named(connection: Connection, number: int) -> Run:
    """The attempt that a run belongs to; raises `RefusedError` where it cannot be retried."""
    found = ledger.runs_where(connection, "id = ?", number)
    if not found:
        raise RefusedError(f"there is no run {number}", "see `feedengine feeds`")
    run = found[0]
    if run.status in {"succeeded", "held", "running"} and run.retry_of is None:
        what = {"succeeded": "succeeded", "held": "is held", "running": "is still running"}
        hint = {
            "succeeded": "see `feedengine feeds --status failed`, or partial",
            "held": f"let it through with `feedengine feed release {number}`",
            "running": "wait for its end",
        }
        raise RefusedError(f"run {number} {what[run.status]}", hint[run.status])
    if run.feed_path is None:
        return run
    attempt = attempts.attempt_of(connection, run)
    if attempt is None:
        raise RefusedError(
            f"run {number} is not the last word on its feed: it was undone, or taken again",
            f"see `feedengine feeds`; to take {run.feed_path} anew, write its Stack entry again",
        )
    return attempt


def _plan(connection: Connection, stack: Stack, attempt: Run, code: str | None) -> _Planned | None:
    """Open a retry of an attempt; None where nothing of it is left to retry."""
    if attempt.feed_path is None:
        return _entry_alone(connection, stack, attempt, code)
    retries = attempts.retries_of(connection, attempt)
    found = Retried(
        attempt.id, None, attempt.feed_path, attempt.stack_entry, attempt.client, None, "running"
    )
    if any(one.status == "running" for one in (attempt, *retries)):
        return _Planned(found, None, None)
    waiting = next((one for one in retries if one.status == "held"), None)
    last = next((one for one in reversed(retries) if one is not waiting), attempt)
    if waiting is not None:
        return _planned_already(connection, stack, found, waiting, last)
    packages = None
    if not attempts.failed_whole(connection, attempt, code):
        packages = len(attempts.still_failing(connection, attempt, retries, code))
        if not packages:
            return None
    found = found._replace(stack_entry=last.stack_entry, packages=packages, state="waiting")
    if is_waiting(stack, found.stack_entry):
        return _Planned(found, None, None)
    opened = ledger.open_run(connection, _opened(attempt, last, code))
    return _to_put_back(found._replace(run=opened.id), last)


def _planned_already(
    connection: Connection, stack: Stack, found: Retried, waiting: Run, last: Run
) -> _Planned:
    """A retry that was opened before: it waits, or is held, or gets the entry that it lacks."""
    chosen = attempts.chosen_packages(connection, waiting)
    packages = None if chosen is None else len(chosen)
    found = found._replace(
        run=waiting.id, stack_entry=waiting.stack_entry, packages=packages, state="held"
    )
    if waiting.released_at is None:
        return _Planned(found, None, None)
    if is_waiting(stack, waiting.stack_entry):
        return _Planned(found._replace(state="waiting"), None, None)
    return _to_put_back(found, last)


def _to_put_back(found: Retried, last: Run) -> _Planned:
    data = entry_xml(str(found.client), str(found.feed_path))
    return _Planned(found._replace(state="queued"), Signature.marked(last.entry_signature), data)


def _opened(attempt: Run, last: Run, code: str | None) -> Run:
    return attempt._replace(
        id=0,
        stack_entry=last.stack_entry,
        entry_signature=NO_SIGNATURE,
        started_at=now_text(),
        finished_at=None,
        status="held",
        packages=0,
        applied=0,
        failed=0,
        skipped=0,
        released_at=now_text(),
        filed_at=None,
        retry_of=attempt.id,
        retry_code=code,
        pruned_at=None,
    )


def _entry_alone(
    connection: Connection, stack: Stack, run: Run, code: str | None
) -> _Planned | None:
    """P2: an entry that could not be read names no feed; it is put back as it is."""
    if code is not None and not attempts.failed_whole(connection, run, code):
        return None
    state = "waiting" if is_waiting(stack, run.stack_entry) else "queued"
    found = Retried(run.id, None, None, run.stack_entry, None, None, state)
    return _Planned(found, Signature.marked(run.entry_signature), None)


def packages_to_take(database: Engine, run: Run, packages: FrozenPaths) -> FrozenPaths:
    """The packages of its feed that a run takes: all, or of a retry those that failed."""
    if run.retry_of is None:
        return packages
    with reading(database) as connection:
        chosen = attempts.chosen_packages(connection, run)
    if chosen is None:
        return packages
    return FrozenPaths(path for path in packages if ledger.storable(path) in chosen)


def let_through(database: Engine, run: Run) -> bool:
    """G1: whether a run that is taken has been looked at by an operator; a retry alone has not."""
    if run.released_at is None or run.retry_of is None:
        return run.released_at is not None
    with reading(database) as connection:
        return attempts.was_let_through(connection, run)


_RELEASED = "status = 'held' AND filed_at IS NULL AND released_at IS NOT NULL"


def released(connection: Connection) -> list[Run]:
    """G1: the runs that were let through, and retries; their entries are on the Stack again."""
    return ledger.runs_where(connection, _RELEASED)


def known_run(database: Engine, entry: StackEntry) -> Run | None:
    """A held run of this very entry that has been released (G1), or a retry that waits."""
    with reading(database) as connection:
        found = [
            run
            for run in released(connection)
            if (run.stack_entry, run.feed_path) == (entry.name, entry.feed_path)
        ]
    if not found:
        return None
    at = found[-1].started_at if found[-1].retry_of is None else now_text()
    return found[-1]._replace(
        stack_entry=entry.name,
        entry_signature=entry.signature.mark,
        started_at=at,
        status="running",
    )
