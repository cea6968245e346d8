"""The whole catalogue, written out: JSON Lines, a feed that rebuilds it, Parquet.

All of it streams: memory holds a page of objects, whatever the size of the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lxml import etree

from feedengine.catalogue.asof import LINK
from feedengine.catalogue.objects import Object, link_ends
from feedengine.errors import ServiceError
from feedengine.feeds.author import FeedWriter, new_feed, package_xml, territories_package
from feedengine.model.entities import kinds
from feedengine.store.database import reading
from feedengine.store.history import documents_at, seq_at
from feedengine.store.pages import pages
from feedengine.store.standing import (
    SET,
    Standing,
    catalogue_tables,
    documents_now,
    links_of,
    objects_of,
    set_documents,
    sets_of,
)
from feedengine.store.trail import changes_until, runs_until

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from feedengine.catalogue.territories import TerritorySet
    from feedengine.model.entities import Kind
    from feedengine.model.shapes import Table


class Sink(Protocol):
    """Whatever bytes can be written to: a file, standard output, a digest."""

    def write(self, data: bytes, /) -> object:
        """Take these bytes."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def export_jsonl(
    connection: Connection, out: Sink, *, at: str | None = None, history: bool = False
) -> None:
    """The catalogue as JSON Lines in canonical order, now or as of the instant ``at``.

    A line is ``{"document":…,"entity":…,"id":…}`` with sorted keys and no blanks, in UTF-8: first
    the territory sets in use (country → rows of name, type, start, end), then the objects, what
    others refer to first, then the release–track links; each by id, by code point. Columns of the
    engine's own are left out, and a link's ``position`` is its rank on the release, 1 to n, since
    only the order is meant: two equal catalogues give equal bytes on any database.

    Now is read from the tables, the past from history (H1): that both agree for this very instant
    is a check of either.

    ``history`` adds, without ids and instants, the changes up to then, and the runs begun by then
    with their packages and findings; a territory set that is no longer in use stands before the
    first change that names it.
    """
    seq = None if at is None else seq_at(connection, at)
    documents = documents_now(connection) if seq is None else documents_at(connection, seq)
    sets: set[str] = set()
    for entity, found in groupby(documents, attrgetter("entity")):
        for one in _ranked(found) if entity == LINK else found:
            if history and entity == SET.name:
                sets.add(one.id)
            out.write(_line(one))
    if history:
        _export_history(connection, out, seq, at, sets)


def _line(one: Standing) -> bytes:
    """A line of what stands; its document is canonical text already."""
    head = f'{{"document":{one.document},"entity":"{one.entity}","id":'
    return f"{head}{_encode(one.id)}}}\n".encode()


def _ranked(links: Iterable[Standing]) -> Iterator[Standing]:
    """Links with the rank on their release as position, release by release."""
    for _, found in groupby(links, lambda one: one.id.partition("/")[0]):
        own = [(one, json.loads(one.document)) for one in found]
        order = sorted((document["position"], link_ends(one.id)[1]) for one, document in own)
        ranks = {track: rank for rank, (_, track) in enumerate(order, 1)}
        for one, document in own:
            document["position"] = ranks[link_ends(one.id)[1]]
            yield one._replace(document=_encode(document))


def _export_history(
    connection: Connection, out: Sink, seq: int | None, at: str | None, sets: set[str]
) -> None:
    for entity, told in changes_until(connection, seq):
        named = told.get("document", {}).get("territory_set_id")
        if named is not None and named not in sets:
            sets.add(named)
            for one in set_documents(connection, [named]):
                out.write(_line(one))
        out.write(f"{_encode({'document': told, 'entity': entity})}\n".encode())
    for entity, told in runs_until(connection, at):
        out.write(f"{_encode({'document': told, 'entity': entity})}\n".encode())


PHASES = (("label", "genre"), ("artist",), ("track",), ("release",))
"""Kinds whose objects refer only to those of the phases before; a release brings its track list."""


def export_xml(engine: Engine, root: Path, client: str | None = None) -> list[FeedWriter]:
    """Feeds under ``root`` that rebuild the catalogue when an empty one applies them in order.

    Each object is upserted by a feed of its own ``client``, so a catalogue of one client gives one
    feed; of several, at most one for each client and phase (`PHASES`), so that nobody refers to
    what comes later. With ``client`` one feed brings everything in that name. Territory sets are
    files that the packages share. Stack entries are written last (P4); returned are the feeds in
    their order.

    What a feed cannot carry: instants of change and history, the positions of links beyond their
    order, the order of a track's releases, and territory sets that nobody uses.

    Raises `ServiceError` when the folder cannot be written, `UsageError` when a feed that is there
    already has the number of one of these.
    """
    feeds = _Feeds(root, client)
    try:
        with reading(engine) as connection:
            for phase in PHASES:
                feeds.begin()
                for name in phase:
                    for thing, territories, linked in _things(connection, kinds()[name]):
                        feeds.add(thing, territories, linked)
        for feed in feeds.made:
            feed.stack()
    except OSError as error:
        raise _unwritten(root, error) from error
    return feeds.made


def _unwritten(folder: Path, error: OSError) -> ServiceError:
    reason = f"cannot write to {folder}: {error.strerror or error}"
    return ServiceError(reason, "name a folder that can be written, on a disk with room")


def _things(
    connection: Connection, kind: Kind
) -> Iterator[tuple[Object, TerritorySet | None, list[str]]]:
    """All objects of a kind with their territories and, of a release, its tracks in their order."""
    index = kind.territory_index
    for page in objects_of(connection, kind):
        names = {thing.row[index] for thing in page} - {None} if index is not None else set()
        sets = sets_of(connection, [str(name) for name in names])
        ids = [str(thing.value("id")) for thing in page] if kind.name == "release" else []
        tracks: dict[str, list[tuple[int, str]]] = {}
        for release, track, position in links_of(connection, ids):
            tracks.setdefault(release, []).append((position, track))
        for thing in page:
            declared = None if index is None else sets.get(str(thing.row[index]))
            own = sorted(tracks.get(str(thing.value("id")), ()))
            yield thing, declared, [track for _, track in own]


class _Feeds:
    """The feeds being written: one for each client, numbered so that no phase comes too early."""

    def __init__(self, root: Path, client: str | None) -> None:
        self.root = root
        self.client = client
        self.made: list[FeedWriter] = []
        self.open: dict[str, FeedWriter] = {}
        self.packages: dict[str, int] = {}

    def begin(self) -> None:
        """A new phase: only the newest feed may go on, since everything before has its place."""
        self.open = {feed.client: feed for feed in self.made[-1:]}

    def add(self, thing: Object, territories: TerritorySet | None, linked: list[str]) -> None:
        feed = self._feed(self.client or str(thing.value("client")))
        xml = package_xml(thing, None, linked)
        if territories is not None:
            source = f"territories/{territories.id}.xml"
            if not (feed.folder / source).exists():
                feed.add(territories_package(territories), source)
            xml = _with_territories(xml, source)
        number = self.packages[feed.path] = self.packages.get(feed.path, 0) + 1
        feed.add(xml, f"packages/{number}/package.xml")

    def _feed(self, client: str) -> FeedWriter:
        found = self.open.get(client)
        if found is None:
            last = int(self.made[-1].path.rpartition("/")[2]) + 1 if self.made else None
            found = self.open[client] = new_feed(self.root, client, milliseconds=last)
            self.made.append(found)
        return found


def _with_territories(xml: str, source: str) -> str:
    """The package with a territory list that stands in a file of the feed (P40)."""
    root = etree.fromstring(xml)
    etree.SubElement(root[0][0], "Territories", src=source)
    return etree.tostring(root, encoding="unicode")


ROW_GROUP = 20_000
"""Rows that are put into Parquet at a time."""


def export_parquet(connection: Connection, folder: Path) -> list[Path]:
    """The tables of the catalogue as they stand, one Parquet file each; history and ledger not.

    Arrow types are those that the declarations name: instants are microseconds in UTC, decimals
    exact text. Returned are the files. Raises `ServiceError` when they cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table in catalogue_tables():
            target = folder / f"{table.name}.parquet"
            aside = target.with_name(f".{target.name}.part")
            schema = _schema(table, pa)
            with parquet.ParquetWriter(aside, schema, compression="zstd") as writer:
                for page in pages(connection, table, size=ROW_GROUP):
                    values = zip(schema.types, zip(*page, strict=True), strict=True)
                    arrays = [pa.array(column).cast(kind) for kind, column in values]
                    writer.write_batch(pa.record_batch(arrays, schema=schema))
            aside.replace(target)
            made.append(target)
    except OSError as error:
        raise _unwritten(folder, error) from error
    return made


def _schema(table: Table, pa: Any) -> Any:
    """The Arrow schema of a table, by what its columns' scalars declare."""
    kinds_of = {
        "string": pa.string(),
        "int64": pa.int64(),
        "date32": pa.date32(),
        "timestamp[us, UTC]": pa.timestamp("us", "UTC"),
    }
    fields = []
    for column in table.columns:
        assert column.scalar is not None  # noqa: S101 - the catalogue's tables keep no bytes
        kind = kinds_of[column.scalar.arrow]
        fields.append(pa.field(column.name, kind, nullable=column.nullable))
    return pa.schema(fields)
