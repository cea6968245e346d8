"""Logs that a crash left unwritten, made again from the ledger (P8)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine

from feedengine.applying import answer_of, milliseconds_of, write_log
from feedengine.catalogue.decide import Decider, Terms
from feedengine.catalogue.needs import needs_of
from feedengine.config import Settings
from feedengine.errors import Finding
from feedengine.feeds.changes import Change
from feedengine.feeds.folder import FeedFolder, FeedPathError, MissingError
from feedengine.model.entities import kinds
from feedengine.store import ledger
from feedengine.store.database import reading
from feedengine.store.ledger import Outcome, Run
from feedengine.store.load import load

LONGEST_LOG = 64 * 1024 * 1024


def logs_again(settings: Settings, database: Engine, run: Run) -> int:
    """Write the logs that the ledger has and the feed's folder lacks; how many could not be."""
    unlogged = 0
    with reading(database) as connection:
        packages = ledger.packages_of(connection, run.id)
        findings = _by_package(ledger.findings_of(connection, run.id))
        try:
            with FeedFolder.open(settings.feeds, str(run.feed_path)) as folder:
                for row in packages:
                    if row["status"] != "already-applied":
                        outcome = _outcome(connection, row, findings.get(row["id"], []))
                        unlogged += not _log_again(folder, outcome)
        except FeedPathError:
            unlogged += len(packages)
    return unlogged


def _by_package(rows: list[dict[str, Any]]) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for row in rows:
        if row["package_run_id"] is not None:
            values = [row[name] for name in ledger.FINDING_COLUMNS[3:]]
            found.setdefault(row["package_run_id"], []).append(Finding(*values))
    return found


def _outcome(connection: Connection, row: dict[str, Any], found: list[Finding]) -> Outcome:
    kept = [row[name] for name in ledger.PACKAGE_COLUMNS[2:]]
    answer = _answer(connection, row) if row["status"] == "viewed" else ""
    return Outcome._make([*kept, found, (), answer])


def _answer(connection: Connection, row: dict[str, Any]) -> str:
    """What a View answers, of the object as it stands now."""
    if row["entity"] is None or row["entity_id"] is None:
        return ""
    view = Change("view", kinds()[row["entity"]], row["entity_id"], (), (), (), (None, ""))
    hand = load(connection, needs_of([view]))
    return answer_of(Decider(hand, Terms("")).request(view).viewed)


def _log_again(folder: FeedFolder, outcome: Outcome) -> bool:
    """Write one log unless it is there; False when it cannot be written."""
    kind = "error" if outcome.status == "failed" else "success"
    above = outcome.path.rpartition("/")[0]
    name = f"{milliseconds_of(outcome.finished_at)}.{kind}.log"
    try:
        folder.read(f"{above}/{name}" if above else name, LONGEST_LOG)
    except MissingError:
        try:
            write_log(folder, outcome)
        except (OSError, FeedPathError):
            return False
    except FeedPathError:
        return False
    return True
