"""What the catalogue holds now, as documents read from its tables."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from feedengine.catalogue.asof import LINK
from feedengine.catalogue.objects import link_document, link_id, to_json
from feedengine.errors import ServiceError, quoted
from feedengine.model.entities import kinds, table_named
from feedengine.model.generated import TABLES
from feedengine.store.load import load_objects, load_sets
from feedengine.store.pages import PAGE, asked, ids_of
from feedengine.store.statements import rows_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import Connection

    from feedengine.catalogue.objects import Object
    from feedengine.catalogue.territories import TerritorySet
    from feedengine.model.entities import Kind
    from feedengine.model.shapes import Table

SET = table_named("territory_set")
LINKS = table_named("release_track")
SETS_AT_ONCE = 200
"""Territory sets in memory at a time: each may name every country."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Standing(NamedTuple):
    """An object, link or territory set and its canonical document.

    The canonical order of everything: territory sets, then the objects (what others refer to
    first), then the links; each by id, a link by its release's id and then its track's; ids by code
    point.
    """

    entity: str
    id: str
    document: str


def catalogue_tables() -> list[Table]:
    """The tables of the catalogue, without history and ledger; what others refer to first."""
    return [table for table in TABLES if table.part == "catalogue"]


def set_document(territories: TerritorySet) -> str:
    """A territory set as canonical JSON: country → rows of name, type, start and end."""
    return _encode(dict(territories.entries))


def set_documents(connection: Connection, names: Iterable[str]) -> Iterator[Standing]:
    """Territory sets by their ids, in the order given.

    Raises `ServiceError` when one is not there: sets are never deleted, so that is damage.
    """
    left = iter(names)
    while chunk := list(islice(left, SETS_AT_ONCE)):
        found = sets_of(connection, chunk)
        for name in chunk:
            yield Standing(SET.name, name, set_document(found[name]))


def sets_of(connection: Connection, names: Collection[str]) -> dict[str, TerritorySet]:
    """Territory sets by their ids; raises `ServiceError` when one is not there whole."""
    try:
        found = load_sets(connection, names)
        lacking = [name for name in names if name not in found]
    except KeyError as error:
        lacking = [str(error.args[0])]
    if lacking:
        message = f"the catalogue is damaged: {quoted(lacking[0])} of its territory sets is lacking"
        raise ServiceError(message, "see `feedengine db check`")
    return found


def sets_in_use(connection: Connection) -> Iterator[str]:
    """The ids of the territory sets that some object points at, in order."""
    owners = (name for name, kind in kinds().items() if kind.territory_index is not None)
    used = " OR ".join(
        f"EXISTS (SELECT 1 FROM {owner} o WHERE o.territory_set_id = s.id)" for owner in owners
    )
    text = (
        f"SELECT s.id FROM territory_set s WHERE s.id > ? AND ({used}) ORDER BY s.id LIMIT {PAGE}"
    )
    last = ""
    while rows := list(asked(connection, text, last)):
        yield from (row[0] for row in rows)
        last = rows[-1][0]


def objects_of(connection: Connection, kind: Kind) -> Iterator[list[Object]]:
    """All objects of a kind, by id, page by page."""
    for ids in ids_of(connection, kind.table):
        found = load_objects(connection, kind, ids)
        yield sorted(found, key=lambda thing: str(thing.value("id")))


def links_of(connection: Connection, releases: Iterable[str]) -> list[tuple[str, str, int]]:
    """The links of these releases as ``(release, track, position)``, ordered by both ids."""
    names = ("release_id", "track_id", "position")
    found = rows_in(connection, LINKS, names, "release_id", releases)
    return sorted((row[0], row[1], row[2]) for row in found)


def documents_now(connection: Connection) -> Iterator[Standing]:
    """Everything that stands, read from the tables, in canonical order (see `Standing`)."""
    yield from set_documents(connection, sets_in_use(connection))
    for name, kind in kinds().items():
        for page in objects_of(connection, kind):
            for thing in page:
                yield Standing(name, str(thing.value("id")), to_json(thing))
    for ids in ids_of(connection, kinds()["release"].table):
        for release, track, position in links_of(connection, ids):
            document = link_document(release, track, position)
            yield Standing(LINK, link_id(release, track), document)
