"""One feed, from its Stack entry to its logs: the eight steps of a package, in batches.

``open → load → parse → decide → save → write the logs``; the ledger stands in the same transaction
as the changes (P9). Errors of the environment pass upwards and are never blamed on a package.
"""

from __future__ import annotations

import gc
import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from feedengine.catalogue.decide import Decider, Terms, Viewed
from feedengine.catalogue.hand import Hand
from feedengine.catalogue.needs import needs_of
from feedengine.catalogue.objects import Key
from feedengine.config import Settings
from feedengine.errors import Finding, ServiceError
from feedengine.feeds.author import genres_package, package_xml, territories_package
from feedengine.feeds.changes import Change, Request, TerritoryView
from feedengine.feeds.document import Document, Loader
from feedengine.feeds.folder import FeedFolder, FeedPathError
from feedengine.feeds.outcome import Kind, first_line, log_text
from feedengine.lateness import feed_order
from feedengine.model.faults import Faults
from feedengine.packages import Filling, Read, limits_of, now_text, read_package
from feedengine.readers import Ahead, Reading
from feedengine.store import ledger
from feedengine.store.database import reading
from feedengine.store.earlier import Earlier, Known
from feedengine.store.ledger import Outcome, Run
from feedengine.store.load import load, load_latest
from feedengine.store.statements import FEW_ROWS, together
from feedengine.telling import NOBODY, Listener, Steps
from feedengine.turn import Turn

if TYPE_CHECKING:
    from sqlalchemy import Connection

COLLECT_EVERY = 50
"""Batches between two collections of garbage; almost nothing here is in a cycle."""


def address_of(request: Request | None) -> tuple[str | None, str | None, str | None]:
    """Entity, entity's id and action for the ledger."""
    if isinstance(request, TerritoryView) or request is None:
        return None, None, None if request is None else "view"
    action = request.action if request.action != "refer" else None  # refused, and told so
    if isinstance(request, Change):
        return request.kind.name, request.id, action
    ids = {member.id for member in request.members}
    return "genre", ids.pop() if len(ids) == 1 else None, action


def answer_of(viewed: Sequence[Viewed]) -> str:
    """What the log of a View shows: packages in the protocol's own XML (P24)."""
    if len(viewed) != 1:
        return genres_package([one.thing for one in viewed if one.thing is not None])
    one = viewed[0]
    if one.thing is None:
        return "" if one.territories is None else territories_package(one.territories)
    return package_xml(one.thing, one.territories, one.linked, setting=one.setting)


class FeedApplier:
    """Applies the packages of one feed run."""

    def __init__(
        self,
        settings: Settings,
        turn: Turn,
        run: Run,
        folder: FeedFolder,
        listener: Listener = NOBODY,
        stop: threading.Event | None = None,
    ) -> None:
        """Work for ``run`` on what lies in ``folder`` until ``stop`` is set."""
        self.settings = settings
        self.turn = turn
        self.run = run
        self.folder = folder
        self.listener = listener
        self.stop = stop or threading.Event()
        self.client = run.client or ""
        self.strict = settings.strict_for(self.client)
        self.loader = Loader(folder, limits_of(settings))
        self.earlier = Earlier()
        self.late = False
        self.unlogged = 0
        self.many = 0

    def apply(self, packages: Iterator[str], many: int = 0) -> Run:
        """Apply all packages, batch by batch; the run is left running when it was stopped.

        ``many`` is how many there are, as far as it is known.
        """
        self.many = many
        collecting = gc.isenabled()
        gc.disable()  # a batch makes much and frees it all at once: 10 % and more
        began = time.perf_counter()
        try:
            for number, (batch, last) in enumerate(self.batches(packages), 1):
                read = time.perf_counter()
                outcomes = self._batch(batch, last=last)
                saved = time.perf_counter()
                self.log(outcomes)
                logged = time.perf_counter()
                steps = Steps(read - began, saved - read, logged - saved)
                self.listener.batch(self.run, outcomes, steps)
                if number % COLLECT_EVERY == 0:
                    gc.collect()
                began = time.perf_counter()
        finally:
            if collecting:
                gc.enable()
        return self.run

    def batches(self, packages: Iterator[str]) -> Iterator[tuple[list[Read], bool]]:
        """Packages read and parsed, until a batch is full; the last one is marked.

        What was read when the stop comes is left for the next time.
        """
        batch: list[Read] = []
        filling = Filling(self.settings)
        reads = self._reads(packages)
        following = next(reads, None)
        while following is not None:
            if self.stop.is_set():
                return
            batch.append(following)
            following = next(reads, None)
            if filling.add(batch[-1]) or following is None:
                yield batch, following is None
                batch, filling = [], Filling(self.settings)
        if not self.run.packages:
            yield [], True

    def _read(self, path: str) -> Read:
        return read_package(self.loader, path, strict=self.strict)

    def _reads(self, packages: Iterator[str]) -> Iterator[Read]:
        """The packages in their order; of a new feed maybe ahead of being asked for."""
        if self.earlier:
            yield from (self._repeated(path) or self._read(path) for path in packages)
            return
        settings = self.settings
        reading = Reading(limits_of(settings), strict=self.strict)
        with closing(Ahead(self.folder, reading, self._read, settings.readers)) as ahead:
            yield from ahead.reads(packages, self.many)

    def _batch(self, batch: list[Read], *, last: bool) -> list[Outcome]:
        """One transaction; when the database refuses a batch it is run again one by one (P7)."""
        try:
            return self._transaction(batch, last=last)
        except ServiceError as error:
            if not _is_data(error.__cause__):
                raise
            if len(batch) <= 1:
                return self._transaction(batch, last=last, refused=error.message)
        outcomes = []
        for index, read in enumerate(batch):
            outcomes += self._batch([read], last=last and index == len(batch) - 1)
        return outcomes

    def _transaction(
        self, batch: list[Read], *, last: bool, refused: str | None = None
    ) -> list[Outcome]:
        run = self.run
        with self.turn.writing() as connection:
            if not run.id:
                run = ledger.open_run(connection, run)
            done = self._done(connection, batch)
            batch = [self._whole(read, done) for read in batch]
            fresh = [
                read.request
                for read in batch
                if read.request is not None and (read.path, read.document.digest) not in done
            ]
            hand = load(connection, needs_of(fresh), load_latest)
            newer = self._newer(connection, fresh) if self.late else set()
            terms = self.terms(connection, hand, newer)
            outcomes = [
                self._unchanged(read, done[read.path, read.document.digest])
                if (read.path, read.document.digest) in done
                else self._decide(read, hand, terms, newer, refused)
                for read in batch
            ]
            run = _counted(run, outcomes)
            if last:
                run = finished(run)
            with together(connection, few=len(batch) <= FEW_ROWS):
                # The run first: its page may have left the cache by the end, and SQLite would then
                # read all that it has written since once more, for their checksums.
                ledger.save_run(connection, run)
                ledger.save_batch(connection, run, self.client, outcomes, hand)
        self.run = run
        if self.earlier:
            self.earlier.forget([read.path for read in batch])
        return outcomes

    def _done(self, connection: Connection, batch: list[Read]) -> dict[tuple[str, str], Known]:
        """P9: what of a batch an earlier run has applied, by path and digest."""
        if not self.earlier:
            return {}
        return self.earlier.applied(connection, [read.path for read in batch])

    def _repeated(self, path: str) -> Read | None:
        """P9: a package that was applied as it is by an earlier run; it need not be parsed again.

        Only one that reads no other file is known by its own bytes. The transaction asks again.
        """
        if not self.earlier:
            return None
        started = now_text()
        if self.earlier.unread(path):
            with reading(self.turn.database) as connection:
                self.earlier.read(connection, [path])
        if not self.earlier.digests(path):
            return None
        try:
            data = self.folder.read(path, self.settings.max_package_bytes)
        except FeedPathError:
            return None
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self.earlier.digests(path):
            return None
        return Read(
            path, Document(path, {}, digest, self.loader.limits), None, None, Faults(), started
        )

    def _whole(self, read: Read, done: dict[tuple[str, str], Known]) -> Read:
        """A package that was passed over, read after all where it no longer counts as applied."""
        if read.document.files or (read.path, read.document.digest) in done:
            return read
        return self._read(read.path)

    def terms(self, connection: Connection, hand: Hand, newer: set[Key]) -> Terms:
        """The terms for a batch; all its packages are of one client, so they hold throughout."""
        refuse_stale = self.settings.late_feeds == "refuse"
        foreign = self._foreign(connection, hand) if self.settings.ownership else set()
        most, levels = self.settings.max_findings, self.settings.max_source_levels
        return Terms(self.client, self.strict, newer, refuse_stale, foreign, most, levels)

    def _foreign(self, connection: Connection, hand: Hand) -> set[Key]:
        """G3: the objects in hand that another client created, be it long ago."""
        there = {key: thing for key, thing in hand.objects.items() if thing is not None}
        made_by = ledger.creators(connection, there)
        return {
            key
            for key, thing in there.items()
            if made_by.get(key, thing.value("client")) != self.client
        }

    def _newer(self, connection: Connection, requests: list[Request]) -> set[tuple[str, str]]:
        """G2: the objects that a later feed of this client has changed already."""
        keys = needs_of(requests).whole
        feeds = ledger.last_feeds(connection, self.client, keys)
        own = feed_order(self.run.feed_path or "")
        return {key for key, path in feeds.items() if path and feed_order(path) > own}

    @staticmethod
    def _unchanged(read: Read, known: Known) -> Outcome:
        """P9: applied by an earlier run of this feed, and unchanged since."""
        at = (read.started_at, now_text())
        return Outcome(read.path, *known, "already-applied", *at, (), ())

    def _decide(
        self, read: Read, hand: Hand, terms: Terms, newer: set[Key], refused: str | None
    ) -> Outcome:
        """One package: it succeeds whole, or everything stands as it found it (P7)."""
        if read.request is not None:
            faults, viewed = Decider(hand, terms).request(read.request)
        else:
            faults, viewed = Faults(), ()
        findings = read.findings(faults)
        if refused is not None:
            findings.append(_refused(read.path, refused))
        failed = read.request is None or any(f.severity == "error" for f in findings)
        if failed:
            hand.take_back()
        touched = () if failed else hand.settle()
        if newer:
            newer.difference_update([(one.kind, str(one.id)) for one in touched])
        entity, name, action = address_of(read.asked)
        status = "failed" if failed else "viewed" if action == "view" else "applied"
        return Outcome(
            read.path,
            read.document.digest or None,
            entity,
            name,
            action,
            status,
            read.started_at,
            now_text(),
            findings,
            touched,
            answer_of(viewed) if status == "viewed" else "",
        )

    def save(self, batch: list[Read]) -> list[Outcome]:
        """Save the feed's last batch at once, or not at all; whoever calls tries again (P7)."""
        return self._transaction(batch, last=True)

    def log(self, outcomes: Sequence[Outcome]) -> None:
        """P8: write the logs of what is committed by now."""
        self._write_logs(outcomes)

    def _write_logs(self, outcomes: Sequence[Outcome]) -> None:
        """P8: after the commit; a folder that cannot be written is counted, and told once."""
        for outcome in outcomes:
            if outcome.status != "already-applied":
                self.turn.check()
                try:
                    write_log(self.folder, outcome)
                except (OSError, FeedPathError) as error:
                    self.unlogged += 1
                    self.listener.unlogged(self.run, outcome.path, str(error))


def write_log(folder: FeedFolder, outcome: Outcome) -> None:
    """Write one package's log, named by the millisecond in which it was finished."""
    at = milliseconds_of(outcome.finished_at)
    folder.write_log(outcome.path, at, *log_of(outcome))


def log_of(outcome: Outcome) -> tuple[Kind, bytes]:
    """Which log a package gets, and its text."""
    o = outcome
    first = first_line(o.path, o.status, o.action, o.entity, o.entity_id)
    kind: Kind = "error" if o.status == "failed" else "success"
    return kind, log_text(first, o.findings, o.answer)


def feed_log(run: Run, findings: Sequence[Finding]) -> bytes:
    """The text of the log of a feed, or an entry, that failed as a whole."""
    return log_text(f"{run.feed_path or run.stack_entry} {run.status}", findings)


def milliseconds_of(instant: str) -> int:
    """The unix milliseconds of a canonical instant."""
    return int(datetime.fromisoformat(instant).timestamp() * 1000)


def _counted(run: Run, outcomes: Sequence[Outcome]) -> Run:
    """The run with a batch counted in; viewed packages count as applied (P5)."""
    applied = sum(outcome.status in {"applied", "viewed"} for outcome in outcomes)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    skipped = len(outcomes) - applied - failed
    return run._replace(
        packages=run.packages + len(outcomes),
        applied=run.applied + applied,
        failed=run.failed + failed,
        skipped=run.skipped + skipped,
    )


def finished(run: Run) -> Run:
    """P7: succeeded, partial, or failed when nothing succeeded."""
    succeeded = run.applied + run.skipped
    status = "succeeded" if not run.failed else "partial" if succeeded else "failed"
    return run._replace(status=status, finished_at=now_text())


def _refused(path: str, reason: str) -> Finding:
    message = f"the database refused the package: {reason}"
    return Finding("error", "schema-invalid", "P7", path, 0, 0, "", message, "tell the operator")


_TOO_MUCH = "54"
"""PostgreSQL's code for what is beyond its limits, such as an indexed value of many kilobytes."""


def _is_data(error: BaseException | None) -> bool:
    """Whether the database refused the data, and not the connection, the disk or a lock."""
    if str(getattr(error, "sqlstate", None)).startswith(_TOO_MUCH):
        return True
    return any(kind.__name__ in {"IntegrityError", "DataError"} for kind in type(error).__mro__)
