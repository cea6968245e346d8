"""One entry of the Stack, from its feed's folder to where it is filed (P4–P9, G1).

An entry leaves the Stack only after the database has committed what became of it; a run that a
crash cut short is finished first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext, suppress

from feedengine.applying import FeedApplier, feed_log, finished, milliseconds_of
from feedengine.config import Settings
from feedengine.errors import Fault, Finding
from feedengine.feeds.descriptors import sync_file_system
from feedengine.feeds.document import file_findings
from feedengine.feeds.entries import Manifest, Signature, StackEntry, parse_manifest
from feedengine.feeds.folder import MANIFEST, FeedFolder, FeedPathError, MissingError
from feedengine.feeds.frozen import FrozenPaths
from feedengine.feeds.stack import Finished, Stack
from feedengine.gathering import MOST_PACKAGES, Gathered, SmallFeed
from feedengine.guards import hold, mass_deletion, put_aside
from feedengine.lateness import Newest
from feedengine.opening import MANIFEST_BYTES, Lacking, Ready, opened
from feedengine.packages import now_text
from feedengine.recovery import logs_again
from feedengine.retrying import known_run, let_through, packages_to_take
from feedengine.store import ledger
from feedengine.store.database import reading
from feedengine.store.earlier import Earlier
from feedengine.store.ledger import Run
from feedengine.telling import Listener, Waiting
from feedengine.turn import Turn

UNFILED = 100
"""So many filed runs are marked in one transaction; a crash before only files them again."""

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
        self._newest = Newest()
        self._gathered = self._none_gathered()
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
        at, counts = now_text(), (0, 0, 0, 0)
        return Run(0, name, signature.mark, path, client, at, None, "running", *counts, None, None)

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
            run = ledger.kept(connection, run)
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
        run = known_run(self.database, entry) or self._blank(entry.name, entry.signature, entry)
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
        applier = FeedApplier(settings, self.turn, run, found.folder, self.listener, self.stop)
        if self._gathered.add(SmallFeed(entry, found, applier), settings.batch_packages):
            self.settle()
        return True

    def _none_gathered(self) -> Gathered:
        return Gathered(self.turn, self._newest, self.stop)

    def settle(self) -> None:
        """Save what was gathered, and file it; what has to wait after all is `postponed`."""
        gathered, self._gathered = self._gathered, self._none_gathered()
        with closing(gathered):
            for feeds, saved in gathered.settled(self.settings, self._wait_for):
                if saved:
                    self._file_all(feeds)
                else:
                    for feed in feeds:
                        self._take_one(feed)

    def _take_one(self, feed: SmallFeed) -> None:
        waits = self._wait_for(feed.entry) or self._take_alone(feed.entry, feed.found)
        if waits is not None:
            self.postponed.append(waits)

    def _file_all(self, feeds: Sequence[SmallFeed]) -> None:
        """P8, P5: the logs, and then the entries leave the Stack."""
        for feed in feeds:
            self.unlogged += feed.log()
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
        self._gathered = self._none_gathered()

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
                run, found = hold(self.turn, run, message)
                self._ended(put_aside(self.turn, self.stack, run, entry.signature), found)
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
            applier.late = self._newest.is_late(connection, run)
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
            signature = Signature.marked(run.entry_signature)
            if run.status == "held":
                put_aside(self.turn, self.stack, run, signature)
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
