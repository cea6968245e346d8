"""Feeds on the disk: packages, manifest, Stack entry; and beside them the rows for the floor."""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench import rows
from bench.packages import Package, created, repeated, updates
from bench.world import CLIENT, World

BATCH = 1000
"""Packages in a transaction, as is the engine's default."""

KINDS = ("create", "update", "repeat")
"""New things; a mix of Updates of known things; known things once more, as they stand."""

UNUSUAL = "unusual"
"""New things, each package with a namespace that it does not use: read from its tree."""

MILLISECONDS = {
    "create": 1_750_000_000_000,
    "update": 1_751_000_000_000,
    "repeat": 1_752_000_000_000,
    UNUSUAL: 1_753_000_000_000,
}
"""The feeds' names, later than those that the catalogue was filled by."""


class Feed(NamedTuple):
    """A feed on the disk; ``rows`` is the file for the floor, ``bytes`` of packages."""

    root: Path
    path: str
    packages: int
    bytes: int

    @property
    def folder(self) -> Path:
        """Where the feed lies."""
        return self.root / "Feeds" / self.path

    @property
    def rows(self) -> Path:
        """What the floor writes."""
        return self.root / "rows.marshal"


def packages_of(kind: str, world: World, tracks: int, many: int) -> Iterator[Package]:
    """So many packages for a catalogue that has the first ``tracks`` already."""
    if kind in {"create", UNUSUAL}:
        made = islice(map(created, world.things(tracks, tracks + many)), many)
        return made if kind == "create" else map(_unusual, made)
    if kind == "update":
        return updates(world, tracks, many)
    return map(repeated, islice(world.things(0, tracks), many))


def _unusual(package: Package) -> Package:
    return package._replace(xml=package.xml.replace("<xml>", _UNUSED, 1))


_UNUSED = '<xml xmlns:unused="urn:unused">'


def numbered(packages: Iterator[Package]) -> Iterator[tuple[str, Package]]:
    """Packages with their paths below the feed."""
    for number, package in enumerate(packages, 1):
        yield f"packages/{number:06}/package.xml", package


def make(root: Path, kind: str, world: World, tracks: int, many: int) -> Feed:
    """Write a feed and what the floor writes of it."""
    feed_path = path_of(MILLISECONDS[kind] + many)
    folder = root / "Feeds" / feed_path
    written, size = 0, 0
    ledger = rows.Ledger(tracks)
    stream = numbered(packages_of(kind, world, tracks, many))
    root.mkdir(parents=True, exist_ok=True)
    with (root / "rows.marshal").open("wb") as file:
        marshal.dump(list(rows.run_row(ledger, feed_path, many).items()), file)
        while batch := list(islice(stream, BATCH)):
            for path, package in batch:
                target = folder / path
                target.parent.mkdir(parents=True)
                data = package.xml.encode()
                target.write_bytes(data)
                size += len(data)
            written += len(batch)
            marshal.dump(list(rows.batch(ledger, batch).items()), file)
    (folder / "manifest.xml").write_text(_MANIFEST)
    (root / _NOTE).write_text(json.dumps({"packages": written, "bytes": size}))
    return Feed(root, feed_path, written, size)


_NOTE = "feed.json"
_MANIFEST = f'<xml>\n<Client>{CLIENT}</Client>\n<Packages path="packages/*/package.xml"/>\n</xml>\n'


def queue(root: Path, world: World, many: int) -> None:
    """Feeds of one Create each, in the order in which they can be applied, and their entries."""
    packages = packages_of("create", world, 0, many)
    for number, package in enumerate(packages):
        feed_path = path_of(MILLISECONDS["create"] + number)
        target = root / "Feeds" / feed_path / "packages" / "1" / "package.xml"
        target.parent.mkdir(parents=True)
        target.write_text(package.xml)
        (root / "Feeds" / feed_path / "manifest.xml").write_text(_MANIFEST)
        entry(root / "Stack", feed_path)


def known(root: Path, kind: str, many: int) -> Feed:
    """A feed that was made before."""
    return Feed(root, path_of(MILLISECONDS[kind] + many), **json.loads((root / _NOTE).read_text()))


def path_of(milliseconds: int) -> str:
    """The usual path of a feed with this name."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y/%m/%d}/{milliseconds}"


def entry(stack: Path, path: str) -> None:
    """Announce a feed."""
    stack.mkdir(parents=True, exist_ok=True)
    (stack / f"{path.rpartition('/')[2]}.xml").write_text(
        f"<xml>\n<Version>1.0</Version>\n<Client>{CLIENT}</Client>\n"
        f'<Feed path="/{path}"/>\n</xml>\n'
    )
