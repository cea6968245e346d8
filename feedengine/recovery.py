"""Logs that a crash left unwritten, made again from the ledger (P8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from feedengine.applying import answer_of, feed_log, log_of, milliseconds_of, write_log
from feedengine.catalogue.decide import Decider, Terms
from feedengine.catalogue.needs import needs_of
from feedengine.config import Settings
from feedengine.errors import Finding
from feedengine.feeds.document import Limits, Loader
from feedengine.feeds.folder import MANIFEST, FeedFolder, FeedPathError
from feedengine.feeds.parse import parse
from feedengine.feeds.stack import Stack
from feedengine.store import ledger
from feedengine.store.database import reading
from feedengine.store.history import standing_before
from feedengine.store.ledger import Outcome, Run

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_Findings: TypeAlias = "dict[int | None, list[Finding]]"


def logs_again(settings: Settings, database: Engine, run: Run) -> int:
    """Write the logs that the ledger has and the folders lack; how many could not be.

    A log is known by its first line, since of packages that lie side by side and end in the same
    millisecond the names do not tell whose log it is. What a crash left half-written goes.
    """
    with reading(database) as connection:
        rows = ledger.packages_of(connection, run.id)
        findings = _by_package(ledger.findings_of(connection, run.id))
        wanted = [row for row in rows if row["status"] != "already-applied"]
        unlogged = _packages_again(settings, connection, run, wanted, findings) if wanted else 0
    whole = [one for one in findings.get(None, ()) if one.code != "feed-held"]
    if run.status == "failed" and whole:
        unlogged += not _whole_again(settings, run, feed_log(run, whole))
    return unlogged


def _by_package(rows: list[dict[str, Any]]) -> _Findings:
    """Findings by the number of their package; those of the feed as a whole by None."""
    found: _Findings = {}
    for row in rows:
        values = [row[name] for name in ledger.FINDING_COLUMNS[3:]]
        found.setdefault(row["package_run_id"], []).append(Finding(*values))
    return found


def _packages_again(
    settings: Settings,
    connection: Connection,
    run: Run,
    rows: Sequence[dict[str, Any]],
    findings: _Findings,
) -> int:
    unlogged = 0
    try:
        with FeedFolder.open(settings.feeds, str(run.feed_path)) as folder:
            there = _Logs(folder.logs)
            loader = Loader(folder, Limits(settings.max_package_bytes, settings.max_depth))
            for row in rows:
                kept = [row[name] for name in ledger.PACKAGE_COLUMNS[2:]]
                outcome = Outcome._make([*kept, findings.get(row["id"], ()), (), ""])
                unlogged += not _package_again(
                    connection, folder, there, row["id"], outcome, loader
                )
    except FeedPathError:
        return len(rows)
    return unlogged


def _package_again(
    connection: Connection,
    folder: FeedFolder,
    there: _Logs,
    number: int,
    outcome: Outcome,
    loader: Loader,
) -> bool:
    """Write one log unless it is there; False when it cannot be written."""
    try:
        if there.has(outcome.path, milliseconds_of(outcome.finished_at), *log_of(outcome)):
            return True
    except FeedPathError:
        return False
    if outcome.status == "viewed":
        outcome = outcome._replace(answer=_answer(connection, number, outcome, loader))
    try:
        write_log(folder, outcome)
    except (OSError, FeedPathError):
        return False
    return True


def _answer(connection: Connection, number: int, outcome: Outcome, loader: Loader) -> str:
    """What a View answers, of what stood when it was asked; nothing when it was rewritten since."""
    document = loader.load(outcome.path)
    request = parse(document).request
    if request is None or document.digest != outcome.digest:
        return ""
    hand = standing_before(connection, needs_of([request]), number)
    return answer_of(Decider(hand, Terms("")).request(request).viewed)


def _whole_again(settings: Settings, run: Run, text: bytes) -> bool:
    """Write the log of a feed or entry that failed as a whole; False when it cannot be written."""
    stack = Stack(settings.stack)
    at = milliseconds_of(run.finished_at or run.started_at)
    with ExitStack() as opened:
        folder = None
        if run.feed_path is not None:
            with suppress(FeedPathError):
                folder = opened.enter_context(FeedFolder.open(settings.feeds, run.feed_path))
        there = _Logs(stack.logs if folder is None else folder.logs)
        if there.has(MANIFEST, at, "error", text):
            return True
        try:
            if folder is None:
                stack.write_log(at, text)
            else:
                folder.write_log(MANIFEST, at, "error", text)
        except (OSError, FeedPathError):
            return False
    return True


class _Logs:
    """The logs that are there, by folder; each stands for one outcome."""

    def __init__(self, look: Callable[[str], Iterable[tuple[int, str, bytes]]]) -> None:
        self._look = look
        self._there: dict[str, dict[tuple[str, bytes], list[int]]] = {}

    def has(self, path: str, at: int, kind: str, text: bytes) -> bool:
        """Whether a log with the first line of ``text`` is beside ``path``, named ``at`` or later.

        It is the nearest; a later one is of another attempt.
        """
        above = path.rpartition("/")[0]
        if above not in self._there:
            self._there[above] = {}
            for named, outcome, line in sorted(self._look(above)):
                self._there[above].setdefault((outcome, line), []).append(named)
        names = self._there[above].get((kind, text.partition(b"\n")[0]), [])
        nearest = next((named for named in names if named >= at), None)
        if nearest is not None:
            names.remove(nearest)
        return nearest is not None
