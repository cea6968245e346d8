"""What holds between runs: whose changes they are, retries, undos, and exactly once.

Each check yields a plain sentence for everything that does not hold (`feedengine.upkeep.check`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine.errors import quoted
from feedengine.model.codes import codes
from feedengine.store.ledger import live
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

_NO_SUCH_FEED = (
    "NOT EXISTS (SELECT 1 FROM feed_run o WHERE o.id = r.{0} AND o.id < r.id"
    " AND o.feed_path = r.feed_path AND o.client = r.client AND o.undoes IS NULL)"
)
_APPLIED_NOTHING = (
    "NOT EXISTS (SELECT 1 FROM package_run p WHERE p.feed_run_id = r.undoes"
    " AND p.status = 'applied')"
)

RUNS = (
    (
        "(r.feed_path IS NULL) <> (r.client IS NULL) OR (r.feed_path IS NULL AND r.packages > 0)",
        "has a client without a feed, or packages without either (P2)",
    ),
    ("r.status = 'held' AND r.packages > 0", "is held, but has applied something (G1)"),
    (f"r.retry_of IS NOT NULL AND {_NO_SUCH_FEED.format('retry_of')}", "retries no earlier run"),
    ("r.retry_code IS NOT NULL AND r.retry_of IS NULL", "has a retry_code, but retries no run"),
    (f"r.undoes IS NOT NULL AND {_NO_SUCH_FEED.format('undoes')}", "undoes no earlier run (H2)"),
    (f"r.undoes IS NOT NULL AND {_APPLIED_NOTHING}", "undoes what applied nothing (H2)"),
    (
        "r.undoes IS NOT NULL AND r.status <> 'succeeded' AND r.status IS NOT NULL",
        "undoes a run, but not all of it (H2)",
    ),
    (
        "EXISTS (SELECT 1 FROM feed_run o WHERE o.undoes = r.undoes AND o.id < r.id)",
        "undoes a run that was undone before (H2)",
    ),
    (
        "r.pruned_at IS NOT NULL AND (r.filed_at IS NULL OR r.undoes IS NOT NULL)",
        "was pruned before it was filed, or is an undo",
    ),
)
"""SQL for a run ``r`` that breaks a rule, and what is to be said of it."""


def runs(connection: Connection) -> Iterator[str]:
    """G1, H2: what runs say of one another."""
    for broken, told in RUNS:
        text = f"SELECT r.id FROM feed_run r WHERE {broken} ORDER BY r.id"
        for (number,) in asked(connection, text):
            yield f"feed_run {number} {told}"
    text = "SELECT id, retry_code FROM feed_run WHERE retry_code IS NOT NULL ORDER BY id"
    for number, code in asked(connection, text):
        if code not in codes():
            yield f"feed_run {number} has the retry_code {quoted(code)}, which there is not"


def packages(connection: Connection) -> Iterator[str]:
    """P9: a package stands once in a run, and says what it was about when it was applied."""
    text = (
        "SELECT feed_run_id, path FROM package_run GROUP BY feed_run_id, path"
        " HAVING count(*) > 1 ORDER BY feed_run_id, path"
    )
    for run, path in asked(connection, text):
        yield f"feed_run {run} has the package {quoted(path)} more than once"
    text = (
        "SELECT p.id FROM package_run p JOIN feed_run r ON r.id = p.feed_run_id"
        " WHERE r.undoes IS NULL AND p.status = 'applied' AND (p.entity IS NULL"
        " OR p.action IS NULL OR (p.entity_id IS NULL AND p.entity <> 'genre')) ORDER BY p.id"
    )
    for (number,) in asked(connection, text):
        yield f"package_run {number} was applied without an object or an action"


def once(connection: Connection) -> Iterator[str]:
    """P9: no package of a feed was applied twice unchanged, unless it was undone between."""
    text = (
        "SELECT r.feed_path, p.path FROM package_run p JOIN feed_run r ON r.id = p.feed_run_id"
        f" WHERE p.status = 'applied' AND {live('r')}"
        " GROUP BY r.feed_path, p.path, p.digest HAVING count(*) > 1 ORDER BY r.feed_path, p.path"
    )
    for feed, path in asked(connection, text):
        yield f"the package {quoted(path)} of the feed {quoted(str(feed))} was applied twice (P9)"


def clients(connection: Connection) -> Iterator[str]:
    """H1: a change bears the client of its run."""
    text = (
        "SELECT c.seq, c.client, r.client FROM change c JOIN package_run p ON p.id = c.package_id"
        " JOIN feed_run r ON r.id = p.feed_run_id"
        " WHERE r.client IS NULL OR r.client <> c.client ORDER BY c.seq"
    )
    for seq, said, client in asked(connection, text):
        whose = "nobody's" if client is None else f"that of {quoted(client)}"
        yield f"change {seq} is said to be of {quoted(said)}, but its run is {whose}"


RUN_CHECKS: tuple[Callable[[Connection], Iterator[str]], ...] = (runs, packages, once, clients)
"""In the order in which they are told."""
