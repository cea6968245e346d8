"""Packages, feeds and Stack entries judged, and nothing applied (the command ``validate``).

Without a catalogue no site is needed: what is there is read and parsed as the engine would. Against
a catalogue it is the engine's own walk: load, decide in memory, package after package, each seeing
what the one before left. Of more than one batch those before are saved in a transaction that is
always rolled back, so that memory stays bounded and the catalogue as it was.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from feedengine.applying import FeedApplier, Progress, Read, feed_order, now_text
from feedengine.catalogue.decide import Terms
from feedengine.catalogue.needs import needs_of
from feedengine.catalogue.objects import Object, as_document, link_id
from feedengine.config import Settings
from feedengine.errors import Fault, Finding, UsageError, quoted
from feedengine.feeds.document import Document, file_findings, finding
from feedengine.feeds.encodings import undeclared
from feedengine.feeds.entries import LARGEST_FORM, Unfinished, entry_fault, parse_manifest
from feedengine.feeds.folder import MANIFEST, FeedFolder, FeedPathError, MissingError, OutsideError
from feedengine.feeds.parse import parse
from feedengine.feeds.places import WHOLE, Spot, path_of, spots
from feedengine.feeds.stack import (
    Manifest,
    Signature,
    Stack,
    StackEntry,
    client_mismatch,
    feed_missing,
    manifest_missing,
    no_packages,
)
from feedengine.feeds.validator import explain
from feedengine.runner import Runner
from feedengine.store import ledger
from feedengine.store.database import reading, writing
from feedengine.store.ledger import Run
from feedengine.store.load import load

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from feedengine.catalogue.hand import Touched
    from feedengine.engine import Engine
    from feedengine.store.ledger import Outcome

Kind: TypeAlias = Literal["package", "feed", "entry"]


class Validated(NamedTuple):
    """What was found in one package, feed or Stack entry.

    ``path`` is what was asked for, or a package below it; ``plan`` what the package would change in
    the catalogue, a line each (``create release r1``, ``update track t2: title``).
    """

    path: str
    kind: Kind
    findings: list[Finding]
    plan: list[str]


class _Feed(NamedTuple):
    """An open feed: how it is shown, who applies it, and its packages (what is shown, the path)."""

    applier: FeedApplier
    packages: Iterable[tuple[str, str]]


class _Batch(NamedTuple):
    """Packages of one feed, read; each with what is shown for it."""

    applier: FeedApplier
    shown: list[str]
    reads: list[Read]


def validate(
    paths: Sequence[Path],
    settings: Settings | None = None,
    *,
    strict: bool = False,
    against: Engine | None = None,
) -> list[Validated]:
    """All of `validated`, in the order of ``paths`` and of the packages of each feed."""
    return list(validated(paths, settings, strict=strict, against=against))


def validated(
    paths: Sequence[Path],
    settings: Settings | None = None,
    *,
    strict: bool = False,
    against: Engine | None = None,
) -> Iterator[Validated]:
    """Judge package files, feed folders and Stack entries, one result after the other.

    A feed gives a result of its own and one for each of its packages, an entry another before. With
    ``strict`` what is else read leniently is refused (else as ``settings`` say of the client). With
    ``against`` the findings of its catalogue are among them, and a plan; of more than one batch its
    writer's lock is held until the last result is taken. Raises `UsageError` for a path that is not
    there.
    """
    if settings is None:
        settings = against.settings if against is not None else Settings(root=Path())
    walk = _Walk(settings, None if against is None else against.database, strict=strict)
    chunks = walk.chunks(paths)
    if against is not None:
        return _against(walk, chunks, against.database)
    return chain.from_iterable(map(_alone, chunks))


def _alone(chunk: Validated | _Batch) -> Iterator[Validated]:
    """The results of a chunk, the catalogue unasked."""
    if isinstance(chunk, Validated):
        yield chunk
        return
    for shown, read in zip(chunk.shown, chunk.reads, strict=True):
        yield Validated(shown, "package", list(read.findings), [])


def _against(
    walk: _Walk, chunks: Iterator[Validated | _Batch], database: Database
) -> Iterator[Validated]:
    """The results of all chunks; what is one batch at most is decided without any lock."""
    head: list[Validated | _Batch] = []
    for chunk in chunks:
        head.append(chunk)
        if sum(isinstance(one, _Batch) for one in head) > 1:
            with _rolled_back(database) as connection:
                for one in chain(head, chunks):
                    yield from walk.decided(connection, one, keep=True)
            return
    with reading(database) as connection:
        found = [result for one in head for result in walk.decided(connection, one, keep=False)]
    yield from found


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing behind."""


@contextmanager
def _rolled_back(database: Database) -> Iterator[Connection]:
    """A transaction of the catalogue's writer that is never committed."""
    try:
        with writing(database) as connection:
            yield connection
            raise _UndoneError
    except _UndoneError:
        return


class _Walk:
    """From paths to packages read, and from there to results."""

    def __init__(self, settings: Settings, database: Database | None, *, strict: bool) -> None:
        self.settings = settings
        self.database = database
        self.strict = strict

    def chunks(self, paths: Sequence[Path]) -> Iterator[Validated | _Batch]:
        """Results that need no catalogue, and batches of packages, in order."""
        for step in self._steps(paths):
            if isinstance(step, Validated):
                yield step
            else:
                yield from self._batches(step)

    def _batches(self, feed: _Feed) -> Iterator[_Batch]:
        """As many packages at a time as the engine would take."""
        batch, size = _Batch(feed.applier, [], []), 0
        for shown, path in feed.packages:
            read = _read(feed.applier, path)
            batch.shown.append(shown)
            batch.reads.append(read)
            size += sum(len(found.data) for found in read.document.files.values())
            if len(batch.reads) >= self.settings.batch_packages or size >= self.settings.batch_bytes:
                yield batch
                batch, size = _Batch(feed.applier, [], []), 0
        if batch.reads:
            yield batch

    def _steps(self, paths: Sequence[Path]) -> Iterator[Validated | _Feed]:
        """Each path as what it is; package files of one feed that follow each other together."""
        packages: list[Path] = []
        above: Path | None = None
        for path in paths:
            kind = _kind_of(path, self.settings.stack)
            folder = _feed_of(path) if kind == "package" else None
            if packages and folder != above:
                yield from self._packages(packages, above or Path())
                packages = []
            if kind == "package":
                packages.append(path)
                above = folder
            elif kind == "feed":
                yield from self._feed(str(path), path if path.is_dir() else path.parent, None)
            else:
                yield from self._entry(path)
        if packages:
            yield from self._packages(packages, above or Path())

    def _packages(self, paths: list[Path], above: Path) -> Iterator[_Feed]:
        """Package files of one feed; who sends it is looked up in its manifest."""
        with _opened(above) as folder:
            try:
                manifest = parse_manifest(folder.read(MANIFEST, LARGEST_FORM))
            except FeedPathError:
                manifest = []
            client = manifest.client if isinstance(manifest, Manifest) else ""
            shown = [(str(path), _absolute(path).relative_to(above).as_posix()) for path in paths]
            yield _Feed(self._applier(folder, client, self._feed_path(above)), shown)

    def _entry(self, path: Path) -> Iterator[Validated | _Feed]:
        """P2: a Stack entry, and the feed that it names."""
        stack = path.parent.parent if path.parent.name in _SIDE_FOLDERS else path.parent
        data, faults, entry = b"", [], None
        try:
            data, _ = Stack(path.parent).read(path.name)
            found = Stack(path.parent).load(path.name)
        except FeedPathError as error:
            found = [entry_fault(path.name, f"The entry {error.reason}")]
        if isinstance(found, StackEntry):
            entry = found
        else:
            faults = [found.fault] if isinstance(found, Unfinished) else found
        feeds = self.settings.feeds if self._is_ours(stack) else stack.parent / "Feeds"
        if entry is not None:
            try:
                FeedFolder.open(feeds, entry.feed_path).close()
            except (MissingError, FileNotFoundError):
                faults = [feed_missing(entry)]
            except (FeedPathError, NotADirectoryError):
                message = "the feed's path leads through a symbolic link, or is no folder"
                faults = [entry_fault(entry.name, message)]
        yield Validated(str(path), "entry", file_findings(faults, data), [])
        if entry is not None and not faults:
            yield from self._feed(str(feeds / entry.feed_path), feeds / entry.feed_path, entry)

    def _is_ours(self, stack: Path) -> bool:
        return self.settings.stack.is_dir() and stack.resolve() == self.settings.stack.resolve()

    def _feed(
        self, shown: str, path: Path, entry: StackEntry | None
    ) -> Iterator[Validated | _Feed]:
        """P6: a feed's manifest, and every package that it names."""
        above = _absolute(path)
        with _opened(above) as folder:
            manifest, packages, findings = _manifest(folder, entry or _no_entry(above.name))
            client = manifest.client if manifest is not None else ""
            applier = self._applier(folder, client, self._feed_path(above))
            if self.database is not None and len(packages) > self.settings.hold_count:
                runner = Runner(self.settings, self.database, Progress())
                message = runner._mass_deletion(folder, packages)
                if message is not None:
                    fault = Fault("feed-held", "G1", (None, MANIFEST), message)
                    findings += file_findings([fault], b"")
            yield Validated(shown, "feed", findings, [])
            named = ((f"{shown.rstrip('/')}/{package}", package) for package in packages)
            yield _Feed(applier, named)

    def _feed_path(self, folder: Path) -> str | None:
        """The feed's path below ``Feeds/``; None for one that lies elsewhere."""
        feeds = _absolute(self.settings.feeds)
        inside = folder != feeds and folder.is_relative_to(feeds)
        return folder.relative_to(feeds).as_posix() if inside else None

    def _applier(self, folder: FeedFolder, client: str, path: str | None) -> FeedApplier:
        run = Run(0, "", "", path, client, now_text(), None, "running", 0, 0, 0, 0, None, None)
        applier = FeedApplier(self.settings, self.database, run, folder)  # type: ignore[arg-type]
        applier.strict = applier.strict or self.strict
        if self.database is not None and path is not None:
            with reading(self.database) as connection:
                applier.earlier = ledger.runs_where(connection, "feed_path = ?", path)
                others = ledger.runs_where(connection, "client = ?", client)
            own = feed_order(path)
            applier.late = any(feed_order(one.feed_path or "") > own for one in others)
        return applier

    def decided(
        self, connection: Connection, chunk: Validated | _Batch, *, keep: bool
    ) -> Iterator[Validated]:
        """The results of a chunk; with ``keep`` its changes are saved for those behind it."""
        if isinstance(chunk, Validated):
            yield chunk
            return
        applier, _, reads = chunk
        paths = [read.path for read in reads]
        done = ledger.applied_before(connection, applier.earlier, paths)
        fresh = [read for read in reads if (read.path, read.document.digest) not in done]
        requests = [read.request for read in fresh if read.request is not None]
        hand = load(connection, needs_of(requests))
        newer = applier._newer(connection, requests) if applier.late else frozenset()
        refuse = self.settings.late_feeds == "refuse"
        terms = Terms(applier.client, applier.strict, newer, refuse_stale=refuse)
        outcomes = [
            applier._decide(read, hand, terms, None)
            if (read.path, read.document.digest) not in done
            else applier._unchanged(read)
            for read in reads
        ]
        if keep:
            if not applier.run.id:
                applier.run = ledger.open_run(connection, applier.run)
            ledger.save_batch(connection, applier.run, applier.client, outcomes, hand)
        for shown, outcome in zip(chunk.shown, outcomes, strict=True):
            yield Validated(shown, "package", list(outcome.findings), plan_of(outcome))
