"""Attempts at feeds: which one is the last word on a feed, and what of it still fails (retries).

An attempt is *whole* or a retry, which takes again what failed in the whole attempt before it
(``retry_of``). An attempt that failed as a whole (`WHOLE`) leaves no packages to choose from: its
retry takes all of them, and is a whole attempt itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine.store.ledger import RUN_COLUMNS, live, run_of, runs_where
from feedengine.store.pages import PAGE, among, asked
from feedengine.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from feedengine.store.ledger import Run

_WHOLE = (
    "({0}.packages = 0 OR {0}.pruned_at IS NOT NULL OR EXISTS (SELECT 1 FROM finding of_{0}"
    " WHERE of_{0}.feed_run_id = {0}.id AND of_{0}.package_run_id IS NULL"
    " AND of_{0}.severity = 'error' AND of_{0}.code <> 'feed-held'))"
)
"""SQL: an attempt failed as a whole, or its failures are not known any more (retention)."""

_ATTEMPT = (
    "(r.retry_of IS NULL OR EXISTS"
    f" (SELECT 1 FROM feed_run o WHERE o.id = r.retry_of AND {_WHOLE.format('o')}))"
)
"""SQL: the run ``r`` takes its feed whole."""

_LATER = (
    "SELECT 1 FROM feed_run l WHERE l.feed_path = r.feed_path AND l.id > r.id"
    " AND l.undoes IS NULL AND NOT (l.status = 'held' AND l.retry_of = r.id)"
    " AND (l.retry_of IS NULL OR EXISTS"
    f" (SELECT 1 FROM feed_run lo WHERE lo.id = l.retry_of AND {_WHOLE.format('lo')}))"
)
"""SQL: another attempt has taken the feed of ``r`` whole since; a retry that waits has not yet."""

_LAST_WORD = f"r.feed_path IS NOT NULL AND {live('r')} AND {_ATTEMPT} AND NOT EXISTS ({_LATER})"

AT_ONCE = 20
"""Attempts that are looked at in one transaction."""


def refused_attempts(connection: Connection, after: int, client: str | None = None) -> list[Run]:
    """The next whole attempts behind the run ``after`` that did not succeed whole.

    Those that are the last word on their feeds, a few at a time: what a retry begins with.
    """
    columns = ", ".join(f"r.{name}" for name in RUN_COLUMNS)
    whose, values = ("", ()) if client is None else (" AND r.client = ?", (client,))
    text = (
        f"SELECT {columns} FROM feed_run r WHERE r.id > ? AND r.status IN ('failed', 'partial')"
        f"{whose} AND {_LAST_WORD} ORDER BY r.id LIMIT {AT_ONCE}"
    )
    return [run_of(row) for row in asked(connection, text, after, *values)]


def refused_entries(connection: Connection, after: int, client: str | None = None) -> list[Run]:
    """The next runs behind ``after`` that failed because their entry could not be read (P2)."""
    if client is not None:
        return []
    where = "feed_path IS NULL AND undoes IS NULL AND status = 'failed' AND id > ?"
    return runs_where(connection, where, after, order=f"id LIMIT {AT_ONCE}")


def attempt_of(connection: Connection, run: Run) -> Run | None:
    """The whole attempt that ``run`` belongs to; None when that is not its feed's last word."""
    columns = ", ".join(f"r.{name}" for name in RUN_COLUMNS)
    text = (
        f"SELECT {columns} FROM feed_run r WHERE r.id IN (?, ?)"
        f" AND r.status IN ('failed', 'partial') AND {_LAST_WORD} ORDER BY r.id"
    )
    found = [run_of(row) for row in asked(connection, text, run.id, run.retry_of or run.id)]
    return found[-1] if found else None


def retries_of(connection: Connection, attempt: Run) -> list[Run]:
    """The retries of an attempt, the first first."""
    return runs_where(connection, "feed_path = ? AND retry_of = ?", attempt.feed_path, attempt.id)


def failed_whole(connection: Connection, attempt: Run, code: str | None = None) -> bool:
    """Whether an attempt failed as a whole; with ``code``, because of that."""
    text = f"SELECT 1 FROM feed_run r WHERE r.id = ? AND {_WHOLE.format('r')}"
    if next(asked(connection, text, attempt.id), None) is None:
        return False
    if code is None:
        return True
    text = (
        "SELECT 1 FROM finding WHERE feed_run_id = ? AND package_run_id IS NULL AND code = ?"
        " AND severity = 'error'"
    )
    return next(asked(connection, text, attempt.id, code), None) is not None


def still_failing(
    connection: Connection, attempt: Run, retries: Sequence[Run], code: str | None = None
) -> set[str]:
    """The packages (`storable`) that failed in an attempt, or again in the last of its retries.

    With ``code`` those alone whose last failure was that. What a retry was to take and did not find
    has left the feed, and fails no longer.
    """
    failing = dict(_failures(connection, attempt))
    for retry in retries:
        if retry.status not in {"succeeded", "partial", "failed"} or (
            retry.status == "failed" and not retry.packages
        ):
            continue
        for path in _with_code(connection, failing, retry.retry_code):
            del failing[path]
        failing.update(_failures(connection, retry))
    return set(_with_code(connection, failing, code))


def _failures(connection: Connection, run: Run) -> Iterator[tuple[str, int]]:
    """Path and number of each package that failed in a run."""
    text = "SELECT path, id FROM package_run WHERE feed_run_id = ? AND status = 'failed'"
    for row in asked(connection, text, run.id):
        yield row[0], row[1]


def _with_code(connection: Connection, failing: dict[str, int], code: str | None) -> list[str]:
    """Those of the failures that have this error; None: all of them."""
    if code is None or not failing:
        return list(failing)
    text = (
        "SELECT DISTINCT package_run_id FROM finding"
        " WHERE code || '' = ? AND severity = 'error' AND "  # by the package, not by the code
        + among(connection, "package_run_id")
    )
    numbers = list(failing.values())
    found: set[int] = set()
    for start in range(0, len(numbers), PAGE):
        ids = statements(connection).ids(numbers[start : start + PAGE])
        found.update(row[0] for row in asked(connection, text, code, ids))
    return [path for path, number in failing.items() if number in found]


def chosen_packages(connection: Connection, run: Run) -> set[str] | None:
    """The packages (`storable`) that a run takes, of a retry those it is about; None: all."""
    if run.retry_of is None:
        return None
    attempt = runs_where(connection, "id = ?", run.retry_of)[0]
    if failed_whole(connection, attempt):
        return None
    before = [retry for retry in retries_of(connection, attempt) if retry.id < run.id]
    return still_failing(connection, attempt, before, run.retry_code)


def was_let_through(connection: Connection, run: Run) -> bool:
    """G1: whether an operator has released this run, or the one it retries, after it was held."""
    text = (
        "SELECT 1 FROM feed_run r JOIN finding f ON f.feed_run_id = r.id AND f.code = 'feed-held'"
        " WHERE r.id IN (?, ?) AND r.released_at IS NOT NULL"
    )
    return next(asked(connection, text, run.id, run.retry_of or run.id), None) is not None
