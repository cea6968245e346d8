"""Packages, feeds and Stack entries judged, and nothing applied (the command ``validate``).

Without a catalogue no site is needed: what is there is read and parsed as the engine would. What a
catalogue makes of it is said by `feedengine.planning`, which is imported when one is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lxml import etree

from feedengine.config import Settings
from feedengine.errors import Fault, Finding
from feedengine.feeds.document import Loader, finding
from feedengine.feeds.encodings import undeclared
from feedengine.feeds.parse import parse
from feedengine.feeds.places import WHOLE, path_of, spots, unwound
from feedengine.feeds.places import Path as IndexPath
from feedengine.feeds.validator import explain
from feedengine.packages import Filling, Read, limits_of, now_text
from feedengine.walk import Feed, Kind, steps

if TYPE_CHECKING:
    from feedengine.engine import Engine
    from feedengine.feeds.tree import SourceFile


class Validated(NamedTuple):
    """What was found in one package, feed or Stack entry.

    ``path`` is what was asked for, or a package below it; ``plan`` what the package would change in
    the catalogue, a line each (``create release r1``, ``update track t2: title``).
    """

    path: str
    kind: Kind
    findings: list[Finding]
    plan: list[str]


class Reader(Protocol):
    """Who reads the packages of one feed, and how strictly."""

    @property
    def loader(self) -> Loader:
        """Reads documents."""

    @property
    def strict(self) -> bool:
        """Whether what is else read leniently is refused."""


class _Alone(NamedTuple):
    """Who reads where no catalogue is asked."""

    loader: Loader
    strict: bool


class Batch(NamedTuple):
    """Packages of one feed, read; each with what is shown for it."""

    reader: Reader
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
    if against is not None:
        from feedengine.planning import planned  # brings the store and all that decides

        return planned(paths, settings, against.database, strict=strict)
    return chain.from_iterable(map(_alone, Walk(settings, strict=strict).chunks(paths)))


def _alone(chunk: Validated | Batch) -> Iterator[Validated]:
    """The results of a chunk, no catalogue asked."""
    if isinstance(chunk, Validated):
        yield chunk
        return
    for shown, read in zip(chunk.shown, chunk.reads, strict=True):
        yield Validated(shown, "package", read.findings(), [])


class Walk:
    """From paths to packages read, and from there to results."""

    def __init__(self, settings: Settings, *, strict: bool) -> None:
        """Read as ``settings`` say, and strictly whoever sends where it is ``strict``."""
        self.settings = settings
        self.strict = strict

    def chunks(self, paths: Sequence[Path]) -> Iterator[Validated | Batch]:
        """Results that need no decision, and batches of packages, in order."""
        found: Validated | None = None
        for step in steps(paths, self.settings):
            if isinstance(step, Feed):
                reader = self.reader(step)
                if found is not None:
                    yield found._replace(findings=[*found.findings, *self.held(step)])
                    found = None
                yield from self._batches(reader, step)
                continue
            if found is not None:
                yield found
            found = Validated(step.path, step.kind, step.findings, [])
        if found is not None:
            yield found

    def reader(self, feed: Feed) -> Reader:
        """Who reads the packages of a feed."""
        strict = self.strict or self.settings.strict_for(feed.client)
        return _Alone(Loader(feed.folder, limits_of(self.settings)), strict)

    def held(self, feed: Feed) -> list[Finding]:
        """G1: what would keep the engine from taking the feed; without a catalogue nothing."""
        del feed
        return []

    def _batches(self, reader: Reader, feed: Feed) -> Iterator[Batch]:
        """As many packages at a time as the engine would take."""
        batch, filling = Batch(reader, [], []), Filling(self.settings)
        for package in feed.packages:
            read = _read(reader, package)
            batch.shown.append(feed.name(package))
            batch.reads.append(read)
            if filling.add(read):
                yield batch
                batch, filling = Batch(reader, [], []), Filling(self.settings)
        if batch.reads:
            yield batch


def _read(reader: Reader, package: str) -> Read:
    """A package, with every reason where the schema alone rejects it."""
    started = now_text()
    document = reader.loader.load(package)
    parsed = parse(document, strict=reader.strict)
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
