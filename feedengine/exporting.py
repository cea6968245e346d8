"""The whole catalogue, written out: JSON Lines, a feed that rebuilds it, Parquet.

All of it streams: memory holds a page of objects, whatever the size of the catalogue.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from lxml import etree

from feedengine.catalogue.asof import LINK, set_named
from feedengine.catalogue.objects import Object, link_ends
from feedengine.errors import ServiceError
from feedengine.feeds.author import FeedWriter, new_feed, package_xml, territories_package
from feedengine.model import ledger
from feedengine.model.entities import kinds, table_of
from feedengine.model.scalars import SCALARS
from feedengine.model.sqltypes import CanonicalInstant
from feedengine.store.database import reading
from feedengine.store.history import documents_at, seq_at
from feedengine.store.pages import pages
from feedengine.store.standing import (
    Standing,
    catalogue_tables,
    documents_now,
    links_of,
    objects_of,
    set_documents,
    sets_of,
)
from feedengine.store.statements import rows_in, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table

    from feedengine.model.entities import Kind


class Sink(Protocol):
    """Whatever bytes can be written to: a file, standard output, a digest."""

    def write(self, data: bytes, /) -> object:
        """Take these bytes."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def export_jsonl(
    connection: Connection, out: Sink, *, at: str | None = None, history: bool = False
) -> None:
    """The catalogue as JSON Lines in canonical order, now or as of the instant ``at``.

    A line is ``{"document":…,"entity":…,"id":…}`` with sorted keys and no blanks, in UTF-8: first the
    territory sets in use (country → rows of name, type, start, end), then the objects, what others
    refer to first, then the release–track links; each by id, by code point. Columns of the engine's
    own are left out, and a link's ``position`` is its rank on the release, 1 to n, since only the
    order is meant: two equal catalogues give equal bytes on any database.

    Now is read from the tables, the past from history (H1); that both agree for this very instant
    is a check of either. ``history`` adds all changes up to then, and the ledger: see
    `_history_lines`.
    """
    seq = None if at is None else seq_at(connection, at)
    documents = documents_now(connection) if seq is None else documents_at(connection, seq)
    sets: set[str] = set()
    for entity, found in groupby(documents, attrgetter("entity")):
        for one in _ranked(found) if entity == LINK else found:
            if history and entity == "territory_set":
                sets.add(one.id)
            out.write(_line(one))
    if history:
        for line in _history_lines(connection, seq, at, sets):
            out.write(line)


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


_CHANGE = table_of(ledger.Change)
_FEED_RUN = table_of(ledger.FeedRun)
_PACKAGE_RUN = table_of(ledger.PackageRun)
_FINDING = table_of(ledger.FindingRow)
_NOT_TOLD = frozenset(
    {"id", "seq", "package_id", "feed_run_id", "package_run_id", "entry_signature"}
)
"""Numbers that count rows, and what only this machine's Stack knows."""


def _row_line(table: Table, names: Iterable[str], row: Iterable[Any]) -> bytes:
    """A row of history or ledger as a line: without numbers and instants, NULLs left out."""
    document = {
        name: value
        for name, value in zip(names, row, strict=True)
        if value is not None
        and name not in _NOT_TOLD
        and not isinstance(table.columns[name].type, CanonicalInstant)
    }
    if table is _CHANGE and "document" in document:
        document["document"] = json.loads(document["document"])
    return f"{_encode({'document': document, 'entity': table.name})}\n".encode()


def _columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


def _history_lines(
    connection: Connection, seq: int | None, at: str | None, sets: set[str]
) -> Iterator[bytes]:
    """Changes up to ``seq``, then the runs begun by ``at`` (all, where these are None).

    A territory set that is used no longer stands before the first change that names it. After each
    feed run come its own findings, then its packages, each followed by its findings.
    """
    names = _columns(_CHANGE)
    document, number = names.index("document"), names.index("seq")
    for page in pages(connection, _CHANGE):
        for row in page:
            if seq is not None and row[number] > seq:
                break
            named = None if row[document] is None else set_named(row[document])
            if named is not None and named not in sets:
                sets.add(named)
                yield from map(_line, set_documents(connection, [named]))
            yield _row_line(_CHANGE, names, row)
    columns = _columns(_FEED_RUN)
    started = columns.index("started_at")
    for page in pages(connection, _FEED_RUN):
        for row in page:
            if at is None or row[started] <= at:
                yield _row_line(_FEED_RUN, columns, row)
                yield from _package_lines(connection, row[columns.index("id")])


def _package_lines(connection: Connection, run: int) -> Iterator[bytes]:
    """What became of a feed run's packages, and what was found."""
    made = statements(connection)
    packages, found = _columns(_PACKAGE_RUN), _columns(_FINDING)
    text = (
        f"SELECT {made.names(found)} FROM finding WHERE feed_run_id = {made.mark}"
        " AND package_run_id IS NULL ORDER BY id"
    )
    for row in connection.exec_driver_sql(text, (run,)).fetchall():
        yield _row_line(_FINDING, found, row)
    text = (
        f"SELECT {made.names(packages)} FROM package_run WHERE feed_run_id = {made.mark}"
        f" AND id > {made.mark} ORDER BY id LIMIT 1000"
    )
    last = 0
    while page := connection.exec_driver_sql(text, (run, last)).fetchall():
        ids = [row[0] for row in page]
        last = ids[-1]
        findings: dict[int, list[bytes]] = {}
        own = rows_in(connection, _FINDING, found, "package_run_id", ids, ("id",))
        for row in own:
            line = _row_line(_FINDING, found, row)
            findings.setdefault(row[found.index("package_run_id")], []).append(line)
        for row in page:
            yield _row_line(_PACKAGE_RUN, packages, row)
            yield from findings.get(row[0], ())
