"""The objects that a batch names, by one query a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.catalogue.hand import Hand
from feedengine.catalogue.objects import Item, Key, Link, Object
from feedengine.catalogue.territories import Part, TerritorySet, Validity, from_parts
from feedengine.model.entities import Kind, ListKind, kinds, links_to, table_named
from feedengine.store.statements import Wanted, rows_in, rows_in_each

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from feedengine.catalogue.needs import Needs

LINKS = table_named("release_track")
LINK_COLUMNS = ("release_id", "track_id", "position", "linked_seq")


def load(connection: Connection, needs: Needs) -> Hand:
    """Everything that ``needs`` names, as the catalogue holds it now."""
    hand = Hand()
    whole = set(needs.whole)
    for key in needs.gone:
        hand.referrers[key] = set()
    _load_referrers(connection, hand, needs.gone)
    for found in hand.referrers.values():
        whole |= found
    _load_links(connection, hand, "track_id", needs.tracks | needs.begun)
    _load_links(connection, hand, "release_id", needs.releases)
    for track in needs.begun:
        whole.update(("release", release) for release in hand.releases_of.get(track, ()))
    for name, kind in kinds().items():
        ids = [key[1] for key in whole if key[0] == name]
        if ids:
            hand.objects.update(dict.fromkeys(((name, one) for one in ids), None))
            for thing in load_objects(connection, kind, ids):
                hand.objects[name, str(thing.value("id"))] = thing
        others = [key[1] for key in needs.known if key[0] == name and key not in whole]
        if others:
            found_rows = rows_in(connection, kind.table, ("id",), "id", others)
            hand.known.update((name, row[0]) for row in found_rows)
    _load_sets(connection, hand, needs.sets)
    return hand


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
