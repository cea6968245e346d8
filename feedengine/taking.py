"""One entry of the Stack, from its feed's folder to where it is filed (P4–P9, G1).

An entry leaves the Stack only after the database has committed what became of it; a run that a
crash cut short is finished first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from feedengine.applying import FeedApplier, feed_log, feed_order, finished, milliseconds_of
from feedengine.config import Settings
from feedengine.errors import Fault, Finding, PassingError, ServiceError
from feedengine.feeds.descriptors import sync_file_system
from feedengine.feeds.document import file_findings
from feedengine.feeds.entries import Manifest, Signature, StackEntry, parse_manifest
from feedengine.feeds.folder import MANIFEST, FeedFolder, FeedPathError, MissingError
from feedengine.feeds.frozen import FrozenPaths
from feedengine.feeds.stack import Finished, Stack
from feedengine.gathering import MOST_PACKAGES, Gathered, SmallFeed
from feedengine.guards import mass_deletion
from feedengine.opening import MANIFEST_BYTES, Lacking, Ready, opened
from feedengine.packages import Filling, now_text
from feedengine.recovery import logs_again
from feedengine.retrying import let_through, packages_to_take
from feedengine.store import ledger
from feedengine.store.database import reading
from feedengine.store.earlier import Earlier
from feedengine.store.ledger import Run
from feedengine.store.pages import among
from feedengine.store.statements import statements
from feedengine.telling import Listener, Waiting
from feedengine.turn import Turn

if TYPE_CHECKING:
    from sqlalchemy import Connection

UNFILED = 100
"""So many filed runs are marked in one transaction; a crash before only files them again."""

_RELEASED = "status = 'held' AND filed_at IS NULL AND released_at IS NOT NULL"

HELD = "an earlier feed of its client is held"


class Taker:
    """Takes one entry after the other, and remembers what it has filed.

    One of them serves as long as a turn lasts: meanwhile nobody else opens runs of feeds.
    """

    def __init__(
        self, settings: Settings, turn: Turn, listener: Listener, stop: threading.Event
    ) -> None:
        """Work under ``settings`` while it is this process's ``turn``, until ``stop`` is set."""
        self.settings = settings
        self.turn = turn
        self.database = turn.database
        self.listener = listener
        self.stop = stop
        self.stack = Stack(settings.stack)
        self.runs: list[Run] = []
        self.unlogged = 0
        self._missing_since: dict[str, float] = {}
        self._filed: list[Run] = []
        self._newest: dict[str, tuple[int, int, str]] = {}
        self._gathered = Gathered()
        self.blocked: dict[str, str] = {}
        self.postponed: list[Waiting] = []

    def fail_entry(self, name: str, signature: Signature, faults: Sequence[Fault]) -> None:
        """P2, P4: an entry that is none: told, and filed under ``failed/``."""
        try:
            data = self.stack.read(name)[0]
        except FeedPathError:
            data = b""
        run = self._blank(name, signature)
        self._fail(run, file_findings(faults, data), None, signature)

    @staticmethod
    def _blank(name: str, signature: Signature, entry: StackEntry | None = None) -> Run:
        path, client = (None, None) if entry is None else (entry.feed_path, entry.client)
        at = now_text()
        mark = ":".join(str(part) for part in signature)
        return Run(0, name, mark, path, client, at, None, "running", 0, 0, 0, 0, None, None)

    def _fail(
        self,
        run: Run,
        findings: Sequence[Finding],
        folder: FeedFolder | None,
        signature: Signature,
    ) -> None:
        """A feed that fails as a whole: ledger first, then the log, then the entry goes."""
        run = run._replace(status="failed", finished_at=now_text())
        with self.turn.writing() as connection:
            if run.id:
                ledger.save_run(connection, run)
            else:
                run = ledger.open_run(connection, run)
            ledger.save_findings(connection, run, findings)
        self._write_feed_log(run, findings, folder)
        self._file(run, signature, findings)

    def _write_feed_log(
        self, run: Run, findings: Sequence[Finding], folder: FeedFolder | None
    ) -> None:
        """P8: beside the manifest, or for a bad entry beside it in ``failed/``."""
        text = feed_log(run, findings)
        at = milliseconds_of(run.finished_at or run.started_at)
        self.turn.check()
        try:
            if folder is None:
                self.stack.write_log(at, text)
            else:
                folder.write_log(MANIFEST, at, "error", text)
        except (OSError, FeedPathError) as error:
            self.unlogged += 1
            self.listener.unlogged(run, MANIFEST, str(error))

    def _file(self, run: Run, signature: Signature, findings: Sequence[Finding] = ()) -> None:
        """P5: the entry leaves the Stack, now that the database has committed."""
        self.turn.check()
        # Missing: somebody took it away, or put another in its place, and that is a new entry.
        with suppress(MissingError):
            self.stack.move(run.stack_entry, _way(run), signature)
        self._is_filed(run, findings)

    def _is_filed(self, run: Run, findings: Sequence[Finding] = ()) -> None:
        """The entry has left the Stack."""
        self._filed.append(run)
        self._ended(run, findings)
        if len(self._filed) >= UNFILED or run.packages > UNFILED:
            self.mark_filed()

    def _ended(self, run: Run, findings: Sequence[Finding]) -> None:
        self.runs.append(run)
        self.listener.ended(run, findings)

    def mark_filed(self) -> None:
        """Let the ledger know which entries have left the Stack.

        P8: from then on nobody looks for their logs again, so these have to be on the disk.
        """
        if self._filed:
            for folder in (self.settings.feeds, self.settings.stack):
                sync_file_system(folder)
            with self.turn.writing() as connection:
                ledger.mark_filed(connection, self._filed, now_text())
            self._filed.clear()

    def take(self, entry: StackEntry) -> Waiting | None:
        """Run one feed; or why it has to wait. A small one is read, and saved by `settle`."""
        found = opened(self.settings, entry)
        if isinstance(found, Ready) and self._gathers(entry, found):
            return None
        with found.folder or nullcontext():
            self.settle()
            return self._wait_for(entry) or self._take_alone(entry, found)

    def _wait_for(self, entry: StackEntry) -> Waiting | None:
        """Why an entry waits before it is even looked at: its client's feeds are held back."""
        reason = self.blocked.get(entry.client)
        return None if reason is None else Waiting(entry.name, entry.client, reason)

    def _take_alone(self, entry: StackEntry, found: Ready | Lacking) -> Waiting | None:
        """Run a feed in transactions of its own; a held one has gone, and does not wait."""
        run = self._known_run(entry) or self._blank(entry.name, entry.signature, entry)
        if isinstance(found, Lacking):
            reason = self._patience(run, entry, found)
        else:
            self._missing_since.pop(entry.name, None)
            reason = self._apply(run, entry, *found)
        if reason is not None:
            self.blocked[entry.client] = reason
        return None if reason in {None, HELD} else self._wait_for(entry)

    def _gathers(self, entry: StackEntry, found: Ready) -> bool:
        """Keep a feed to be saved together with others, if it is small and nothing is unusual."""
        settings = self.settings
        most = min(MOST_PACKAGES, settings.hold_count, settings.batch_packages)
        if len(found.packages) > most or entry.name in self._missing_since:
            return False
        try:
            if self._gathered.has(entry.feed_path):
                self.settle()
            if entry.client in self.blocked:
                return False
        except BaseException:
            found.folder.close()
            raise
        run = self._blank(entry.name, entry.signature, entry)
        feed = SmallFeed(settings, self.turn, run, found, self.listener, self.stop, entry=entry)
        if self._gathered.add(feed, settings.batch_packages):
            self.settle()
        return True

    def settle(self) -> None:
        """Read what was gathered, save it, write its logs, and file its entries.

        What is unusual after all is taken alone, in its place; what has to wait is `postponed`.
        """
        feeds, self._gathered = self._gathered, Gathered()
        if not feeds:
            return
        try:
            with reading(self.database) as connection:
                released = {(run.stack_entry, run.feed_path) for run in _released(connection)}
                earlier = _runs_of(connection, {one.entry.feed_path for one in feeds})
            ready: list[SmallFeed] = []
            filling = Filling(self.settings)
            for feed in feeds:
                if self.stop.is_set():
                    break
                feed.earlier = Earlier(earlier.get(feed.entry.feed_path, ()))
                known = (feed.entry.name, feed.entry.feed_path) in released
                if known or self._wait_for(feed.entry) or not feed.read():
                    self._save_all(ready)
                    self._take_one(feed)
                    continue
                ready.append(feed)
                if filling.add_all(feed.batch):
                    self._save_all(ready)
                    filling = Filling(self.settings)
            self._save_all(ready)
        finally:
            feeds.close()

    def _take_one(self, feed: SmallFeed) -> None:
        waits = self._wait_for(feed.entry) or self._take_alone(
            feed.entry, Ready(feed.folder, feed.packages)
        )
        if waits is not None:
            self.postponed.append(waits)

    def _save_all(self, feeds: list[SmallFeed]) -> None:
        """P9: in one transaction, or one by one where the database refuses it; empties the list."""
        if feeds and self._save(feeds):
            self._file_all(feeds)
        else:
            for feed in feeds:
                self._take_one(feed)
        feeds.clear()

    def _save(self, feeds: Sequence[SmallFeed]) -> bool:
        """False when nothing of it was kept, but may be one by one."""
        newest = dict(self._newest)
        try:
            with self.turn.together() as connection:
                for feed in feeds:
                    feed.late = self._is_late(connection, feed.run)
                    feed.save()
        except PassingError:
            raise
        except ServiceError:
            self._newest = newest
            return False
        return True

    def _file_all(self, feeds: Sequence[SmallFeed]) -> None:
        """P8, P5: the logs, and then the entries leave the Stack."""
        for feed in feeds:
            feed.log()
            self.unlogged += feed.unlogged
        self.turn.check()
        ways: dict[Finished, list[tuple[str, Signature]]] = {}
        for feed in feeds:
            ways.setdefault(_way(feed.run), []).append((feed.entry.name, feed.entry.signature))
        for to, entries in ways.items():
            self.stack.move_all(entries, to)
        for feed in feeds:
            feed.tell()
            self._is_filed(feed.run)

    def leave(self) -> None:
        """Let go of what was gathered and not saved; it is still on the Stack."""
        self._gathered.close()
        self._gathered = Gathered()

    def _known_run(self, entry: StackEntry) -> Run | None:
        """A held run of this very entry that has been released (G1), or a retry that waits."""
        with reading(self.database) as connection:
            found = [
                run
                for run in _released(connection)
                if (run.stack_entry, run.feed_path) == (entry.name, entry.feed_path)
            ]
        if not found:
            return None
        mark = ":".join(str(part) for part in entry.signature)
        at = found[-1].started_at if found[-1].retry_of is None else now_text()
        return found[-1]._replace(
            stack_entry=entry.name, entry_signature=mark, started_at=at, status="running"
        )

    def _patience(self, run: Run, entry: StackEntry, found: Lacking) -> str | None:
        """P4: what a feed lacks is waited for, for a time of grace; else it fails."""
        if found.reason:
            since = self._missing_since.setdefault(entry.name, time.monotonic())
            if time.monotonic() - since < self.settings.grace_seconds:
                return found.reason
        self._missing_since.pop(entry.name, None)
        self._fail(run, file_findings(found.faults, found.data), found.folder, entry.signature)
        return None

    def _apply(
        self, run: Run, entry: StackEntry, folder: FeedFolder, packages: FrozenPaths
    ) -> str | None:
        packages = packages_to_take(self.database, run, packages)
        looked_at = let_through(self.database, run)
        if not looked_at and len(packages) > self.settings.hold_count:
            message = mass_deletion(self.settings, self.database, folder, packages)
            if message is not None:
                self._hold(run, entry, message)
                return HELD
        self._finish(run, folder, packages, entry.signature)
        return None

    def _finish(
        self, run: Run, folder: FeedFolder, packages: FrozenPaths, signature: Signature
    ) -> None:
        """Apply what the run has not dealt with yet, then file it, unless it was stopped."""
        applier = FeedApplier(self.settings, self.turn, run, folder, self.listener, self.stop)
        with reading(self.database) as connection:
            same = "feed_path = ? AND id <> ?"
            runs = ledger.runs_where(connection, same, run.feed_path, run.id)
            applier.earlier = Earlier(runs)
            applier.late = self._is_late(connection, run)
            done = ledger.paths_of(connection, run) if run.id else set()
        left = len(packages) - len(done)
        self.listener.begun(run, left)
        try:
            result = applier.apply((path for path in packages if path not in done), left)
        finally:
            self.unlogged += applier.unlogged
        if result.status == "running":
            if self.stop.is_set():
                return
            result = finished(result)
            with self.turn.writing() as connection:
                ledger.save_run(connection, result)
        self._file(result, signature)

    def _is_late(self, connection: Connection, run: Run) -> bool:
        """G2: whether a later feed of the client has been begun already.

        Asked of the ledger once a client: nobody else begins feeds while it is our turn.
        """
        client, own = run.client or "", feed_order(run.feed_path or "")
        newest = self._newest.get(client)
        if newest is None:
            paths = ledger.feed_paths_of(connection, client)
            newest = max(map(feed_order, paths), default=own)
        self._newest[client] = max(newest, own)
        return newest > own

    def _hold(self, run: Run, entry: StackEntry, message: str) -> None:
        """G1: nothing of it is applied; its entry waits in ``held/``."""
        fault = Fault("feed-held", "G1", (None, entry.name), message)
        with self.turn.writing() as connection:
            run = run._replace(status="held", released_at=None)
            if run.id:
                ledger.save_run(connection, run)
            else:
                run = ledger.open_run(connection, run)
            release = f"if it is meant: `feedengine feed release {run.id}`"
            found = file_findings([fault._replace(hint=release)], b"")
            ledger.save_findings(connection, run, found)
        self._ended(self._move_held(run, entry.signature), found)

    def _move_held(self, run: Run, signature: Signature) -> Run:
        self.turn.check()
        with suppress(MissingError):  # taken away meanwhile; the run stays held
            held = self.stack.move(run.stack_entry, "held", signature)
            if held != run.stack_entry:
                run = run._replace(stack_entry=held)
                with self.turn.writing() as connection:
                    ledger.save_run(connection, run)
        return run

    def recover(self) -> None:
        """P8, P9, G1: finish what a crash cut short; file, or hold, what was not moved yet.

        Asked under the writer's lock: a commit whose answer was lost with its connection may still
        be under way, and has ended by then.
        """
        with self.turn.writing() as connection:
            unfiled = "filed_at IS NULL AND (status <> 'held' OR released_at IS NULL)"
            runs = ledger.runs_where(connection, unfiled)
        for run in runs:
            if self.stop.is_set():
                return
            signature = Signature(*(int(part) for part in run.entry_signature.split(":")))
            if run.status == "held":
                self._move_held(run, signature)
                continue
            if run.status == "running":
                self._resume(run, signature)
                continue
            self.unlogged += logs_again(self.settings, self.database, run)
            self._file(run, signature)

    def _resume(self, run: Run, signature: Signature) -> None:
        try:
            with FeedFolder.open(self.settings.feeds, str(run.feed_path)) as folder:
                manifest = parse_manifest(folder.read(MANIFEST, MANIFEST_BYTES))
                glob = manifest.glob if isinstance(manifest, Manifest) else ""
                frozen = FrozenPaths(folder.packages(glob) if glob else ())
                packages = packages_to_take(self.database, run, frozen)
                self.unlogged += logs_again(self.settings, self.database, run)
                self._finish(run, folder, packages, signature)
        except FeedPathError:
            message = "the feed is gone; what was applied of it before the crash stays"
            fault = Fault("feed-missing", "P4", (None, str(run.feed_path)), message)
            self._fail(run, file_findings([fault], b""), None, signature)


def _way(run: Run) -> Finished:
    """P5: where the entry of a run goes."""
    return "processed" if run.status == "succeeded" else "failed"


def _released(connection: Connection) -> list[Run]:
    """G1: the runs that were let through, and retries; their entries are on the Stack again."""
    return ledger.runs_where(connection, _RELEASED)


def _runs_of(connection: Connection, paths: Collection[str]) -> dict[str | None, list[Run]]:
    """The runs of these feeds, by feed."""
    found: dict[str | None, list[Run]] = {}
    ids = statements(connection).ids(paths)
    for run in ledger.runs_where(connection, among(connection, "feed_path"), ids):
        found.setdefault(run.feed_path, []).append(run)
    return found
