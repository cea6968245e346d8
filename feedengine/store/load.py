"""The objects that a batch names, by one query a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.catalogue.hand import Hand
from feedengine.catalogue.objects import Item, Key, Link, Object, from_json
from feedengine.catalogue.territories import Part, TerritorySet, Validity, from_parts
from feedengine.model.entities import Kind, ListKind, kinds, links_to, table_named
from feedengine.store.pages import among
from feedengine.store.statements import Wanted, rows_asked, rows_in, rows_in_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from feedengine.catalogue.needs import Needs

    Reader = Callable[[Connection, Kind, Iterable[str]], list[Object]]

LINKS = table_named("release_track")
LINK_COLUMNS = ("release_id", "track_id", "position", "linked_seq")


def load(connection: Connection, needs: Needs, objects: Reader | None = None) -> Hand:
    """Everything that ``needs`` names, as the catalogue holds it now.

    ``objects`` reads the objects themselves: `load_objects` from their tables unless given.
    """
    read = objects or load_objects
    hand = Hand()
    whole = set(needs.whole)
    for key in needs.gone:
        hand.referrers[key] = set()
    _load_referrers(connection, hand, needs.gone)
    for found in hand.referrers.values():
        whole |= found
    _load_links(connection, hand, "track_id", needs.tracks | needs.begun)
    _load_links(connection, hand, "release_id", needs.releases | _left(hand, needs))
    _load_ends(connection, hand, needs)
    for track in needs.begun:
        whole.update(("release", release) for release in hand.releases_of.get(track, ()))
    for name, kind in kinds().items():
        ids = [key[1] for key in whole if key[0] == name]
        if ids:
            hand.objects.update(dict.fromkeys(((name, one) for one in ids), None))
            for thing in read(connection, kind, ids):
                hand.objects[name, str(thing.value("id"))] = thing
    _load_known(connection, hand, needs.known - whole)
    _load_sets(connection, hand, needs.sets)
    return hand


def _load_known(connection: Connection, hand: Hand, keys: set[Key]) -> None:
    """Which of these are there; what an object in hand links to need not be looked for."""
    if not keys:
        return
    linked: set[Key] = set()
    for thing in hand.objects.values():
        if thing is not None:
            linked.update(thing.refers_to())
    hand.known = keys & linked
    unknown = keys - linked
    for name, kind in kinds().items():
        ids = [key[1] for key in unknown if key[0] == name]
        if ids:
            found = rows_in(connection, kind.table, ("id",), "id", ids)
            hand.known.update([(name, row[0]) for row in found])


def _left(hand: Hand, needs: Needs) -> set[str]:
    """The releases which a track may leave while another, or itself, may join them."""
    joined = {release for release, _ in needs.joins}
    return {
        release
        for track, stays in needs.loose.items()
        for release in hand.releases_of.get(track, ())
        if release in joined and release not in stays
    }


def _load_ends(connection: Connection, hand: Hand, needs: Needs) -> None:
    """Where the lists of releases end that tracks join, if no more is known of them."""
    joined = {release for release, track in needs.joins if (release, track) not in hand.links}
    joined -= needs.releases | _left(hand, needs)
    text = (
        "SELECT release_id, max(position) FROM release_track"
        f" WHERE {among(connection, 'release_id')} GROUP BY release_id"
    )
    for release, position in rows_asked(connection, text, joined):
        hand.seen_end(release, position)


def _load_referrers(connection: Connection, hand: Hand, gone: Iterable[Key]) -> None:
    """Whoever links to what may be deleted."""
    for target in {key[0] for key in gone}:
        ids = [key[1] for key in gone if key[0] == target]
        for kind, one in links_to(target):
            column = one.columns[0]
            rows = rows_in(connection, one.table, (column, one.owner_column), column, ids)
            for name, owner in rows:
                hand.referrers[target, name].add((kind.name, owner))
        for kind in kinds().values():
            for index, pointed in kind.ones.values():
                if pointed == target:
                    column = kind.columns[index]
                    for name, owner in rows_in(connection, kind.table, (column, "id"), column, ids):
                        hand.referrers[target, name].add((kind.name, owner))


def _load_links(connection: Connection, hand: Hand, side: str, ids: Iterable[str]) -> None:
    for release, track, position, seq in rows_in(connection, LINKS, LINK_COLUMNS, side, ids):
        hand.seen_link(release, track, Link(position, seq))


def load_objects(connection: Connection, kind: Kind, ids: Iterable[str]) -> list[Object]:
    """The objects of these ids that there are."""
    rows = rows_in(connection, kind.table, kind.columns, "id", ids)
    at = kind.position["id"]
    found = [row[at] for row in rows]
    lists = _load_lists(connection, kind.lists, found) if rows else []
    return [Object(kind, tuple(row), tuple(one.get(row[at], ()) for one in lists)) for row in rows]


def load_latest(connection: Connection, kind: Kind, ids: Iterable[str]) -> list[Object]:
    """The same objects by the last row that history has of each (H1): one row, not one a list.

    SQLite hands documents over as bytes: made into text, most would be made bytes again to be read.
    """
    array = connection.dialect.name == "postgresql"
    text = _LATEST_BY_ARRAY if array else _LATEST
    found = rows_asked(connection, text.format(entity=kind.name), ids)
    return [from_json(kind, document) for (document,) in found if document is not None]


_LATEST = (
    "SELECT CAST(c.document AS BLOB) FROM json_each(?) j CROSS JOIN change c WHERE c.seq ="
    " (SELECT seq FROM change WHERE entity = '{entity}' AND entity_id = j.value"
    " ORDER BY seq DESC LIMIT 1)"
)
_LATEST_BY_ARRAY = (
    "SELECT c.document FROM unnest(%s::text[]) j(value) CROSS JOIN LATERAL (SELECT document"
    " FROM change WHERE entity = '{entity}' AND entity_id = j.value ORDER BY seq DESC LIMIT 1) c"
)


def load_list(
    connection: Connection, one: ListKind, ids: Iterable[str]
) -> dict[str, tuple[Item, ...]]:
    """The items of one collection, by owner, in their order."""
    return _load_lists(connection, [one], ids)[0]


def _load_lists(
    connection: Connection, lists: Sequence[ListKind], ids: Iterable[str]
) -> list[dict[str, tuple[Item, ...]]]:
    wanted = [
        Wanted(
            one.table,
            (one.owner_column, *one.columns),
            one.owner_column,
            ids,
            (one.owner_column, "position"),
        )
        for one in lists
    ]
    made = []
    for one, rows in zip(lists, rows_in_each(connection, wanted), strict=True):
        found: dict[str, list[Any]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(row[1] if one.is_link else tuple(row[1:]))
        made.append({owner: tuple(items) for owner, items in found.items()})
    return made


def _load_sets(connection: Connection, hand: Hand, keys: Iterable[Key]) -> None:
    names = set()
    for key in keys:
        thing = hand.objects.get(key)
        if thing is not None and thing.kind.territory_index is not None:
            names.add(thing.row[thing.kind.territory_index])
    names.discard(None)
    hand.sets.update(load_sets(connection, [str(name) for name in names]))


_PARTS = table_named("territory_part")
_SETS = table_named("territory_set")
_MEMBERS = table_named("country_group_member")
_VALIDITIES = table_named("validity")


def load_sets(connection: Connection, names: Iterable[str]) -> dict[str, TerritorySet]:
    """Territory sets by their ids."""
    names = list(names)
    columns = ("territory_set_id", "country_group_id", "validity_set_id")
    sets, parts = rows_in_each(
        connection,
        [Wanted(_SETS, ("id",), "id", names), Wanted(_PARTS, columns, columns[0], names)],
    )
    members = ("country_group_id", "country")
    validity = ("validity_set_id", "name", "type", "starts_at", "ends_at")
    order = ("validity_set_id", "position")
    member_rows, validity_rows = rows_in_each(
        connection,
        [
            Wanted(_MEMBERS, members, members[0], {row[1] for row in parts}, members),
            Wanted(_VALIDITIES, validity, validity[0], {row[2] for row in parts}, order),
        ],
    )
    groups: dict[str, list[str]] = {}
    for name, country in member_rows:
        groups.setdefault(name, []).append(country)
    validities: dict[str, list[Validity]] = {}
    for row in validity_rows:
        validities.setdefault(row[0], []).append(Validity(*row[1:]))
    found: dict[str, list[Part]] = {row[0]: [] for row in sets}
    for name, group, held in parts:
        found[name].append(Part(tuple(groups[group]), tuple(validities.get(held, ()))))
    return {name: from_parts(own) for name, own in found.items()}


def known_ids(connection: Connection, table: Any, ids: Iterable[str]) -> set[str]:
    """Which of these ids the table has."""
    return {row[0] for row in rows_in(connection, table, ("id",), "id", ids)}
