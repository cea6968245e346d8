"""What the ledger keeps of old runs and nobody needs any more (retention).

What was applied stays: exactly-once (P9), history and undo need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedengine.store.ledger import FEED_RUN, FINDING, PACKAGE_RUN
from feedengine.store.pages import PAGE, asked
from feedengine.store.statements import statements, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from feedengine.model.shapes import Table

_OLD = "r.finished_at < ? AND r.filed_at IS NOT NULL AND r.undoes IS NULL"
"""SQL: a run has ended before, and nothing is left to be done for it."""

_RETRIED = (
    "SELECT 1 FROM feed_run w WHERE w.feed_path = r.feed_path AND w.retry_of = r.id"
    " AND w.status IN ('held', 'running')"
)
_DUE = (
    f"{_OLD} AND (r.pruned_at IS NULL OR r.pruned_at = r.finished_at) AND NOT EXISTS ({_RETRIED})"
)
"""… retention is not through with it (begun, its ``pruned_at`` is its own end), and no retry waits
that has to know what failed."""

RUNS_AT_ONCE = 100


class OldRun(NamedTuple):
    """An old run."""

    id: int
    feed_path: str | None
    started_at: str
    finished_at: str


_COLUMNS = ", ".join(f"r.{name}" for name in OldRun._fields)
_NEXT = f" AND r.id > ? ORDER BY r.id LIMIT {RUNS_AT_ONCE}"


def runs_due(connection: Connection, before: str, after: int) -> list[OldRun]:
    """The next runs behind ``after`` that ended before an instant and are to be pruned."""
    text = f"SELECT {_COLUMNS} FROM feed_run r WHERE {_DUE}{_NEXT}"
    return [OldRun(*row) for row in asked(connection, text, before, after)]


def runs_between(connection: Connection, since: str, before: str, after: int) -> list[OldRun]:
    """The next runs behind ``after`` that ended between two instants."""
    text = f"SELECT {_COLUMNS} FROM feed_run r WHERE {_OLD} AND r.finished_at >= ?{_NEXT}"
    return [OldRun(*row) for row in asked(connection, text, before, since, after)]


def count_due(connection: Connection, before: str) -> tuple[int, int, int]:
    """Runs, findings and packages that are to be pruned."""
    findings_of = "JOIN finding f ON f.feed_run_id = r.id"
    packages_of = "JOIN package_run p ON p.feed_run_id = r.id AND p.status <> 'applied'"
    runs, findings, packages = (
        next(asked(connection, f"SELECT count(*) FROM feed_run r {joined} WHERE {_DUE}", before))[0]
        for joined in ("", findings_of, packages_of)
    )
    return runs, findings, packages


def prune_some(connection: Connection, run: OldRun, now: str, most: int) -> tuple[int, int, bool]:
    """Remove at most ``most`` rows of a run: findings, packages, and whether none is left."""
    findings = _remove(connection, FINDING, "1 = 1", run.id, most)
    packages = 0
    if findings < most:
        packages = _remove(connection, PACKAGE_RUN, "status <> 'applied'", run.id, most - findings)
    done = findings + packages < most
    text = statements(connection).update(FEED_RUN, ("pruned_at",), ("id",))
    write(connection, text, [(now if done else run.finished_at, run.id)])
    return findings, packages, done


def _remove(connection: Connection, table: Table, where: str, run: int, most: int) -> int:
    text = f"SELECT id FROM {table.name} WHERE feed_run_id = ? AND {where} ORDER BY id LIMIT {most}"
    found = list(asked(connection, text, run))
    write(connection, statements(connection).delete(table, ("id",)), found)
    return len(found)


def package_paths(connection: Connection, run: int) -> Iterator[str]:
    """The packages of a run, page by page."""
    text = (
        "SELECT id, path FROM package_run WHERE feed_run_id = ? AND id > ?"
        f" ORDER BY id LIMIT {PAGE}"
    )
    last = 0
    while page := list(asked(connection, text, run, last)):
        last = page[-1][0]
        yield from (row[1] for row in page)
