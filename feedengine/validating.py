"""Packages, feeds and Stack entries judged, and nothing applied (the command ``validate``).

Without a catalogue no site is needed: what is there is read and parsed as the engine would. Against
a catalogue it is the engine's own walk: load, decide in memory, package after package, each seeing
what the one before left. Of more than one batch those before are saved in a transaction that is
always rolled back, so that memory stays bounded and the catalogue as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from lxml import etree

from feedengine.applying import FeedApplier, Filling, Read, feed_order, now_text
from feedengine.catalogue.needs import needs_of
from feedengine.catalogue.objects import Object, as_document, link_id
from feedengine.config import Settings
from feedengine.errors import Fault, Finding, quoted
from feedengine.feeds.document import finding
from feedengine.feeds.encodings import undeclared
from feedengine.feeds.folder import MANIFEST
from feedengine.feeds.parse import parse
from feedengine.feeds.places import WHOLE, path_of, spots, unwound
from feedengine.feeds.places import Path as IndexPath
from feedengine.feeds.validator import explain
from feedengine.guards import mass_deletion
from feedengine.store import ledger
from feedengine.store.database import reading, writing
from feedengine.store.earlier import Earlier
from feedengine.store.ledger import Run
from feedengine.store.load import load
from feedengine.turn import Turn
from feedengine.walk import Feed, Kind, absolute, steps

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from feedengine.catalogue.hand import Touched
    from feedengine.engine import Engine
    from feedengine.feeds.tree import SourceFile
    from feedengine.store.ledger import Outcome


class Validated(NamedTuple):
    """What was found in one package, feed or Stack entry.

    ``path`` is what was asked for, or a package below it; ``plan`` what the package would change in
    the catalogue, a line each (``create release r1``, ``update track t2: title``).
    """

    path: str
    kind: Kind
    findings: list[Finding]
    plan: list[str]


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
    """All of `validated` at once."""
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
    ``against`` the findings of its catalogue are among them, and a plan; of more than one batch the
    catalogue's only writer is this walk until the last result is taken. Raises `UsageError` for a
    path where nothing is.
    """
    if settings is None:
        settings = against.settings if against else Settings(root=Path())
    walk = _Walk(settings, None if against is None else against.database, strict=strict)
    chunks = walk.chunks(paths)
    if against is not None:
        return _decided(walk, chunks, against.database)
    return chain.from_iterable(map(_alone, chunks))


def _alone(chunk: Validated | _Batch) -> Iterator[Validated]:
    """The results of a chunk, no catalogue asked."""
    if isinstance(chunk, Validated):
        yield chunk
        return
    for shown, read in zip(chunk.shown, chunk.reads, strict=True):
        yield Validated(shown, "package", read.findings(), [])


def _decided(
    walk: _Walk, chunks: Iterator[Validated | _Batch], database: Database
) -> Iterator[Validated]:
    """The results of all chunks; a single batch needs no lock."""
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


@contextmanager
def _rolled_back(database: Database) -> Iterator[Connection]:
    """A transaction of the catalogue's writer that is never committed."""
    with suppress(_UndoneError), writing(database) as connection:
        yield connection
        _undo()


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing behind."""


def _undo() -> NoReturn:
    raise _UndoneError


class _Walk:
    """From paths to packages read, and from there to results."""

    def __init__(self, settings: Settings, database: Database | None, *, strict: bool) -> None:
        self.settings = settings
        self.database = database
        self.strict = strict

    def chunks(self, paths: Sequence[Path]) -> Iterator[Validated | _Batch]:
        """Results that need no decision, and batches of packages, in order."""
        found: Validated | None = None
        for step in steps(paths, self.settings):
            if isinstance(step, Feed):
                applier = self._applier(step)
                if found is not None:
                    yield found._replace(findings=[*found.findings, *self._held(step)])
                    found = None
                yield from self._batches(applier, step)
                continue
            if found is not None:
                yield found
            found = Validated(step.path, step.kind, step.findings, [])
        if found is not None:
            yield found

    def _applier(self, feed: Feed) -> FeedApplier:
        """Who would apply the feed, with what the ledger knows of it (P9, G2)."""
        feeds = absolute(self.settings.feeds)
        inside = feed.place != feeds and feed.place.is_relative_to(feeds)
        path = feed.place.relative_to(feeds).as_posix() if inside else None
        run = Run(0, "", "", path, feed.client, now_text(), None, "running", *(0,) * 4, None, None)
        turn = Turn(self.settings.stack, self.database)  # type: ignore[arg-type]
        applier = FeedApplier(self.settings, turn, run, feed.folder)
        applier.strict = applier.strict or self.strict
        if self.database is not None and path is not None:
            with reading(self.database) as connection:
                runs = ledger.runs_where(connection, "feed_path = ?", path)
                applier.earlier = Earlier(runs)
                others = ledger.feed_paths_of(connection, feed.client)
            applier.late = any(feed_order(one) > feed_order(path) for one in others)
        return applier

    def _held(self, feed: Feed) -> list[Finding]:
        """G1: whether the engine would hold the feed."""
        if self.database is None or len(feed.packages) <= self.settings.hold_count:
            return []
        message = mass_deletion(self.settings, self.database, feed.folder, feed.packages)
        return [] if message is None else [finding(_HELD._replace(message=message), MANIFEST)]

    def _batches(self, applier: FeedApplier, feed: Feed) -> Iterator[_Batch]:
        """As many packages at a time as the engine would take."""
        batch, filling = _Batch(applier, [], []), Filling(self.settings)
        for package in feed.packages:
            read = _read(applier, package)
            batch.shown.append(feed.name(package))
            batch.reads.append(read)
            if filling.add(read):
                yield batch
                batch, filling = _Batch(applier, [], []), Filling(self.settings)
        if batch.reads:
            yield batch

    def decided(
        self, connection: Connection, chunk: Validated | _Batch, *, keep: bool
    ) -> Iterator[Validated]:
        """The results of a chunk; with ``keep`` its changes are saved for those behind it."""
        if isinstance(chunk, Validated):
            yield chunk
            return
        applier, names, reads = chunk
        done = applier.earlier.applied(connection, [read.path for read in reads])
        known = [done.get((read.path, read.document.digest)) for read in reads]
        fresh = [read for read, old in zip(reads, known, strict=True) if old is None]
        requests = [read.request for read in fresh if read.request is not None]
        hand = load(connection, needs_of(requests))
        newer = applier._newer(connection, requests) if applier.late else set()
        terms = applier.terms(connection, hand, newer)
        outcomes = [
            applier._decide(read, hand, terms, newer, None)
            if old is None
            else applier._unchanged(read, old)
            for read, old in zip(reads, known, strict=True)
        ]
        if keep:
            if not applier.run.id:
                applier.run = ledger.open_run(connection, applier.run)
            ledger.save_batch(connection, applier.run, applier.client, outcomes, hand)
        for name, outcome in zip(names, outcomes, strict=True):
            yield Validated(name, "package", list(outcome.findings), plan_of(outcome))


_HELD = Fault("feed-held", "G1", (None, MANIFEST), "")


def _read(applier: FeedApplier, package: str) -> Read:
    """A package, with every reason where the schema alone rejects it."""
    started = now_text()
    document = applier.loader.load(package)
    parsed = parse(document, strict=applier.strict)
    reasons: list[Finding] = []
    if any(fault.code == "schema-invalid" for fault in parsed.faults):
        alone = set(document.violations(document.files)).intersection(parsed.faults)
        for file in sorted({unwound(fault.place)[0] for fault in alone}):
            reasons += _reasons(document.files[file])
    document.let_go()
    return Read(package, document, parsed.request, parsed.asked, parsed.faults, started, reasons)


def _reasons(found: SourceFile) -> list[Finding]:
    """All that the second schema processor has against a file, with line, column and XPath."""
    where: dict[str, IndexPath] = {}
    reasons = explain(undeclared(found.data))
    for xpath, _ in reasons:
        where[xpath] = _path(found, xpath)
    spot = spots(found.data, {path for path in where.values() if path})
    made = []
    for xpath, reason in reasons:
        line, column, _ = spot.get(where[xpath], WHOLE)
        fault = Fault("schema-invalid", "P10", (None, found.path), reason)
        made.append(finding(fault, found.path, line, column, xpath))
    return made


def _path(found: SourceFile, xpath: str) -> IndexPath:
    """The place of the element at an XPath; nothing where there is none."""
    if found.root is None or not xpath:
        return ()
    try:
        elements = found.root.xpath(xpath)
    except etree.XPathError:
        return ()
    return path_of(elements[0]) if isinstance(elements, list) and elements else ()


def plan_of(outcome: Outcome) -> list[str]:
    """What a package would change, in the order of first touch."""
    if outcome.status == "already-applied":
        return ["skip it: it was applied before, and is unchanged"]
    return [_line(touched) for touched in outcome.touched]


def _line(touched: Touched) -> str:
    kind, name, before, after = touched
    shown = quoted(name if isinstance(name, str) else link_id(*name))[1:-1]
    if before is None or after is None:
        return f"{'create' if before is None else 'delete'} {kind} {shown}"
    fields = ["position"]
    if isinstance(before, Object) and isinstance(after, Object):
        old, new = as_document(before), as_document(after)
        fields = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return f"update {kind} {shown}: {', '.join(fields)}"
