"""The difference between the objects as loaded and as left, written grouped by statement.

There is no second way to write a row of the catalogue: packages, rebuild, undo and copy all save
through `save_hand`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.catalogue.availability import track_windows, usage_of, windows
from feedengine.catalogue.hand import PROVISIONAL
from feedengine.catalogue.territories import (
    TerritorySet,
    Validity,
    group_id,
    parts,
    validity_set_id,
)
from feedengine.model.entities import Kind, ListKind, kinds, table_named
from feedengine.store.load import known_ids
from feedengine.store.statements import Statements, rows_in, statements, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from feedengine.catalogue.hand import Hand
    from feedengine.catalogue.objects import Object

LINKS = table_named("release_track")
_NEVER = "0001-01-01T00:00:00.000000Z"
"""Both ends of the empty window that stands for "never open"."""


class Rows:
    """Rows waiting to be written, grouped by statement; deletes, then inserts, then removals."""

    def __init__(self, made: Statements) -> None:
        """Nothing waits yet."""
        self.made = made
        self.cuts: dict[str, list[tuple[Any, ...]]] = {}
        self.objects: dict[str, list[tuple[Any, ...]]] = {}
        self.items: dict[str, list[tuple[Any, ...]]] = {}
        self.removals: dict[str, list[tuple[Any, ...]]] = {}
        self.usages: set[str] = set()
        self._added: dict[ListKind, list[tuple[Any, ...]]] = {}

    def added(self, one: ListKind) -> list[tuple[Any, ...]]:
        """The rows that a list gets, as owner, position and the item's own columns."""
        found = self._added.get(one)
        if found is None:
            text = self.made.insert(one.table, (one.owner_column, "position", *one.columns))
            found = self._added[one] = self.items.setdefault(text, [])
        return found

    def flush(self, connection: Connection) -> None:
        """Write everything, in an order that keeps every foreign key true."""
        for group in (self.cuts, self.objects, self.items):
            for text, rows in group.items():
                write(connection, text, rows)
        for text, rows in reversed(self.removals.items()):  # what refers before what is referred to
            write(connection, text, rows)
        save_usages(connection, self.usages)


def save_usages(connection: Connection, names: set[str]) -> None:
    """Usages that a validity names; the view of availability answers for each of them."""
    if names:
        for row in rows_in(connection, _USAGE, ("name",), "name", names):
            names.discard(row[0])
        text = statements(connection).insert(_USAGE, ("name",))
        write(connection, text, [(name,) for name in sorted(names)])


def save_hand(
    connection: Connection,
    hand: Hand,
    changed_at: Mapping[tuple[str, str], str],
    linked_seq: Mapping[int, int],
) -> None:
    """Write what differs between the beginning and the end of a batch.

    ``changed_at`` says for each object when it was last changed; ``linked_seq`` gives the number of
    the change that made a link, for each provisional order in hand.
    """
    save_sets(connection, hand.new_sets.values())
    rows = Rows(statements(connection))
    for kind in kinds().values():
        for key, before in hand.before.items():
            if key[0] == kind.name:
                after = hand.objects[key]
                changed = changed_at.get(key)
                if before != after or (after is not None and changed is not None):
                    _object(rows, kind, key[1], before, after, changed or "")
    _links(rows, hand, linked_seq)
    rows.flush(connection)


def _object(
    rows: Rows, kind: Kind, key: str, before: Object | None, after: Object | None, at: str
) -> None:
    none = ((),) * len(kind.lists)
    if after is None:
        text = rows.made.delete(kind.table, ("id",))
        rows.removals.setdefault(text, []).append((key,))
    elif before is None:
        text = rows.made.insert(kind.table, (*kind.columns, "changed_at"))
        rows.objects.setdefault(text, []).append((*after.row, at))
    else:
        _differing(rows, before, after, at)
    olds = none if before is None else before.lists
    news = none if after is None else after.lists
    if olds == news:
        return
    for one, old, new in zip(kind.lists, olds, news, strict=True):
        if old != new:
            _list(rows, one, key, old, new)
            if one.listed.name == "validity":
                _track_windows(rows, key, old, new)


def _differing(rows: Rows, before: Object, after: Object, at: str) -> None:
    """The columns that differ, and never the key: its indexes and referrers would be looked at."""
    kind, new, _ = after
    places: list[int] = []
    if not rows.made.sparse:
        places = [place for place, name in enumerate(kind.columns) if name != "id"]
    elif before.row != new:
        places = [place for place, old in enumerate(before.row) if old != new[place]]
    columns = (*[kind.columns[place] for place in places], "changed_at")
    text = rows.made.update(kind.table, columns, ("id",))
    values = (*[new[place] for place in places], at, new[kind.position["id"]])
    rows.objects.setdefault(text, []).append(values)


def _list(rows: Rows, one: ListKind, key: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    """Only the places whose item differs are written again."""
    link = one.listed.style == "link"
    kept = min(len(old), len(new))
    if len(old) > kept:
        text = rows.made.delete(one.table, (one.owner_column,), beyond="position")
        rows.cuts.setdefault(text, []).append((key, kept))
    if kept and old[:kept] != new[:kept]:
        text = rows.made.update(one.table, one.columns, (one.owner_column, "position"))
        changed = rows.items.setdefault(text, [])
        for place in range(kept):
            if old[place] != new[place]:
                item = (new[place],) if link else new[place]
                changed.append((*item, key, place + 1))
    places = enumerate(new[kept:], kept + 1)
    if len(new) > kept:
        if link:
            rows.added(one).extend([(key, position, item) for position, item in places])
        else:
            rows.added(one).extend([(key, position, *item) for position, item in places])


_TRACK_WINDOWS = table_named("track_window")
_WINDOW_COLUMNS = ("usage", "position", "starts_at", "ends_at")


def _track_windows(rows: Rows, key: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    """A2: what the track's own validities leave open; no validities, no rows."""
    if old:
        text = rows.made.delete(_TRACK_WINDOWS, ("track_id",))
        rows.cuts.setdefault(text, []).append((key,))
    if new:
        text = rows.made.insert(_TRACK_WINDOWS, ("track_id", *_WINDOW_COLUMNS))
        found = [Validity(*item) for item in new]
        rows.usages.update(filter(None, (usage_of(one.name) for one in found)))
        opened = track_windows(found)
        rows.items.setdefault(text, []).extend(_window_rows(key, opened, closed=True))


def _window_rows(
    key: str, opened: Mapping[str, Iterable[tuple[str | None, str | None]]], *, closed: bool
) -> Iterable[tuple[Any, ...]]:
    for usage, found in opened.items():
        spans = list(found) or ([(_NEVER, _NEVER)] if closed else [])
        for position, (starts_at, ends_at) in enumerate(spans, 1):
            yield key, usage, position, starts_at, ends_at


def _links(rows: Rows, hand: Hand, linked_seq: Mapping[int, int]) -> None:
    made = rows.made
    keys = ("release_id", "track_id")
    for key, before in hand.links_before.items():
        after = hand.links.get(key)
        if before == after:
            continue
        if after is None:
            rows.cuts.setdefault(made.delete(LINKS, keys), []).append(key)
            continue
        order = linked_seq[after.order] if after.order >= PROVISIONAL else after.order
        if before is None:
            text = made.insert(LINKS, (*keys, "position", "linked_seq"))
            rows.items.setdefault(text, []).append((*key, after.position, order))
        else:
            text = made.update(LINKS, ("position", "linked_seq"), keys)
            rows.items.setdefault(text, []).append((after.position, order, *key))


_SET = table_named("territory_set")
_PART = table_named("territory_part")
_GROUP = table_named("country_group")
_MEMBER = table_named("country_group_member")
_VALIDITY_SET = table_named("validity_set")
_VALIDITY = table_named("validity")
_WINDOW = table_named("validity_window")
_USAGE = table_named("usage")


def save_sets(connection: Connection, sets: Iterable[TerritorySet]) -> None:
    """Write the territory sets that the catalogue does not have yet, in their two factors."""
    wanted = {one.id: one for one in sets}
    if not wanted:
        return
    for name in known_ids(connection, _SET, wanted):
        del wanted[name]
    made = statements(connection)
    groups: dict[str, tuple[str, ...]] = {}
    validities: dict[str, tuple[Validity, ...]] = {}
    part_rows = []
    for name, one in wanted.items():
        for part in parts(one):
            group, validity = group_id(part.countries), validity_set_id(part.validities)
            groups[group] = part.countries
            validities[validity] = part.validities
            part_rows.append((name, group, validity))
    _save_groups(connection, groups)
    _save_validities(connection, validities)
    write(connection, made.insert(_SET, ("id",)), [(name,) for name in wanted])
    columns = ("territory_set_id", "country_group_id", "validity_set_id")
    write(connection, made.insert(_PART, columns), part_rows)


def _save_groups(connection: Connection, groups: dict[str, tuple[str, ...]]) -> None:
    made = statements(connection)
    for name in known_ids(connection, _GROUP, groups):
        del groups[name]
    write(connection, made.insert(_GROUP, ("id",)), [(name,) for name in groups])
    members = [(name, country) for name, found in groups.items() for country in found]
    write(connection, made.insert(_MEMBER, ("country_group_id", "country")), members)


def _save_validities(connection: Connection, validities: dict[str, tuple[Validity, ...]]) -> None:
    made = statements(connection)
    for name in known_ids(connection, _VALIDITY_SET, validities):
        del validities[name]
    write(connection, made.insert(_VALIDITY_SET, ("id",)), [(name,) for name in validities])
    rows = [
        (name, position, *validity)
        for name, found in validities.items()
        for position, validity in enumerate(found, 1)
    ]
    columns = ("validity_set_id", "position", "name", "type", "starts_at", "ends_at")
    write(connection, made.insert(_VALIDITY, columns), rows)
    opened = [
        row
        for name, found in validities.items()
        for row in _window_rows(name, windows(found), closed=False)
    ]
    write(connection, made.insert(_WINDOW, ("validity_set_id", *_WINDOW_COLUMNS)), opened)
    named = {usage_of(one.name) for found in validities.values() for one in found}
    save_usages(connection, {name for name in named if name is not None})
