"""What holds of the ledger: legal words, and counts that agree (catalogue.md, "The ledger").

Each check yields a plain sentence for everything that does not hold (`feedengine.upkeep.check`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine.errors import quoted
from feedengine.model.codes import CODES
from feedengine.model.entities import kinds
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection


def words(connection: Connection) -> Iterator[str]:
    """Statuses, actions, entities and codes are those that there are."""
    legal = {
        ("feed_run", "status"): ("running", "succeeded", "partial", "failed", "held"),
        ("package_run", "status"): ("applied", "already-applied", "viewed", "failed"),
        ("package_run", "action"): ("create", "update", "upsert", "delete", "view"),
        ("package_run", "entity"): tuple(kinds()),
        ("finding", "severity"): ("error", "warning"),
        ("finding", "code"): tuple(code.name for code in CODES),
    }
    for (table, column), known in legal.items():
        marks = ", ".join("?" * len(known))
        text = f"SELECT id, {column} FROM {table} WHERE {column} NOT IN ({marks}) ORDER BY id"
        for number, word in asked(connection, text, *known):
            yield f"{table} {number} has the {column} {quoted(str(word))}, which there is not"


_COUNTED = (
    ("packages", "count(p.id)"),
    ("applied", "sum(CASE WHEN p.status IN ('applied', 'viewed') THEN 1 ELSE 0 END)"),
    ("failed", "sum(CASE WHEN p.status = 'failed' THEN 1 ELSE 0 END)"),
    ("skipped", "sum(CASE WHEN p.status = 'already-applied' THEN 1 ELSE 0 END)"),
)


def counts(connection: Connection) -> Iterator[str]:
    """A feed run counts its packages, and by their statuses; retention may have removed some."""
    for column, counted in _COUNTED:
        text = (
            f"SELECT f.id, f.{column}, {counted} FROM feed_run f"
            " LEFT JOIN package_run p ON p.feed_run_id = f.id"
            f" GROUP BY f.id, f.{column}, f.pruned_at HAVING f.{column} < {counted}"
            f" OR (f.{column} > {counted} AND f.pruned_at IS NULL) ORDER BY f.id"
        )
        for number, said, found in asked(connection, text):
            yield f"feed_run {number} says {column} {said}, but there are {found}"


_FAILED_WITHOUT_ERROR = (
    "(status = 'failed') <> EXISTS (SELECT 1 FROM finding f"
    " WHERE f.package_run_id = package_run.id AND f.severity = 'error') AND NOT EXISTS"
    " (SELECT 1 FROM feed_run r WHERE r.id = package_run.feed_run_id AND r.pruned_at IS NOT NULL)"
)
_OF_ANOTHER_RUN = (
    "package_run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM package_run p"
    " WHERE p.id = finding.package_run_id AND p.feed_run_id = finding.feed_run_id)"
)
_UNENDED = "(finished_at IS NULL) <> (status IN ('running', 'held'))"
_NOT_PARTIAL = "status = 'partial' AND (failed = 0 OR applied + skipped = 0)"
_NO_DIGEST = (
    "digest IS NULL AND status IN ('applied', 'already-applied') AND NOT EXISTS"
    " (SELECT 1 FROM feed_run r WHERE r.id = package_run.feed_run_id AND r.undoes IS NOT NULL)"
)

RULES = (
    ("feed_run", _UNENDED, "has ended, or has not, against its status"),
    ("feed_run", "status = 'succeeded' AND failed > 0", "succeeded with failed packages (P7)"),
    ("feed_run", _NOT_PARTIAL, "is partial with nothing failed, or nothing applied (P7)"),
    ("feed_run", "filed_at IS NOT NULL AND finished_at IS NULL", "was filed before its end (P5)"),
    ("package_run", _NO_DIGEST, "was applied without a digest (P9)"),
    ("package_run", _FAILED_WITHOUT_ERROR, "failed without an error, or has one and did not (P7)"),
    ("finding", _OF_ANOTHER_RUN, "names a package of another feed run"),
)
"""Table, SQL for a row that breaks the rule, and what is to be said of it."""


def rules(connection: Connection) -> Iterator[str]:
    """What rows of the ledger say of one another."""
    for table, broken, told in RULES:
        for (number,) in asked(connection, f"SELECT id FROM {table} WHERE {broken} ORDER BY id"):
            yield f"{table} {number} {told}"


def running(connection: Connection) -> Iterator[str]:
    """P9: no feed runs twice at once."""
    text = (
        "SELECT feed_path, count(*) FROM feed_run WHERE status = 'running'"
        " GROUP BY feed_path HAVING count(*) > 1 ORDER BY feed_path"
    )
    for path, count in asked(connection, text):
        yield f"the feed {quoted(str(path))} has {count} runs that are running"


LEDGER_CHECKS: tuple[Callable[[Connection], Iterator[str]], ...] = (words, counts, rules, running)
"""In the order in which they are told."""
