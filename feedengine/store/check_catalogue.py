"""What holds of objects, links and territory sets: they are what history says, and windows follow.

Each check yields a plain sentence for everything that does not hold (`feedengine.upkeep.check`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.catalogue.asof import LINK
from feedengine.catalogue.availability import track_windows, usage_of, windows
from feedengine.catalogue.objects import link_document, link_ends, link_id, to_json
from feedengine.catalogue.territories import (
    Validity,
    group_id,
    parts,
    territory_set,
    validity_set_id,
)
from feedengine.errors import quoted
from feedengine.model.entities import DERIVATIONS, kinds, table_named, validity_list
from feedengine.store.history import changes_of, last_changes
from feedengine.store.ledger import numbers
from feedengine.store.load import known_ids, load_list, load_sets
from feedengine.store.pages import asked, ids_of, pages
from feedengine.store.standing import LINKS, SETS_AT_ONCE, objects_of
from feedengine.store.statements import rows_in
from feedengine.store.upgrade import ALWAYS_USAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from feedengine.catalogue.objects import Object
    from feedengine.model.entities import Kind
    from feedengine.model.shapes import Table


def objects(connection: Connection) -> Iterator[str]:
    """H1: every object is what its last change says, and was changed when that says."""
    for kind in kinds().values():
        for page in objects_of(connection, kind):
            ids = [str(thing.value("id")) for thing in page]
            last = changes_of(connection, kind.name, ids)
            at = dict(rows_in(connection, kind.table, ("id", "changed_at"), "id", ids))
            for name, thing in zip(ids, page, strict=True):
                who = f"{kind.name} {quoted(name)}"
                yield from _against(who, _document(thing), last.get(name), at[name])
                yield from _derived(who, thing)


def _against(
    who: str, document: str, last: tuple[int, str | None, str, int | None] | None, at: str | None
) -> Iterator[str]:
    """What stands against the last change of it."""
    if last is None:
        yield f"{who} has no history"
        return
    seq, said, changed_at, _ = last
    if said is None:
        yield f"{who} is there, though change {seq} deleted it"
    elif said != document:
        yield f"{who} is not what change {seq}, its last, says"
    if at is not None and at != changed_at:
        yield f"{who} has another changed_at than change {seq}, its last"


def _document(thing: Object) -> str:
    """The canonical document; of values that are none, a text that no history holds."""
    try:
        return to_json(thing)
    except TypeError:
        return ""


def _derived(who: str, thing: Object) -> Iterator[str]:
    """P18: a column that is computed from another one, such as ``gtin14``."""
    for index, source, name in thing.kind.derived:
        given = thing.row[source]
        if thing.row[index] != (None if given is None else DERIVATIONS[name](str(given))):
            yield f"{who} has a {name} that does not follow from {thing.kind.columns[source]}"


def links(connection: Connection) -> Iterator[str]:
    """H1: every link is what its last change says, and ordered by the one that made it."""
    for page in pages(connection, LINKS, ("release_id", "track_id", "position", "linked_seq")):
        names = [link_id(str(release), str(track)) for release, track, *_ in page]
        last = changes_of(connection, LINK, names)
        for name, (release, track, position, seq) in zip(names, page, strict=True):
            who = f"{LINK} {quoted(name)}"
            own = last.get(name)
            yield from _against(who, link_document(release, track, position), own, None)
            if own is not None and own[1] is not None and own[3] != seq:
                yield f"{who} has linked_seq {seq}, but change {own[3]} made it"


def vanished(connection: Connection) -> Iterator[str]:
    """H1: nothing is lacking that history has left standing."""
    now = numbers(connection).seq
    for entity in (*kinds(), LINK):
        for page in last_changes(connection, entity, now):
            left = {one.entity_id: one.seq for one in page if one.document is not None}
            there = _there(connection, kinds().get(entity), left)
            for name in sorted(left.keys() - there):
                who = f"{entity} {quoted(name)}"
                yield f"{who} is not there, though change {left[name]} left it standing"


def _there(connection: Connection, kind: Kind | None, names: Iterable[str]) -> set[str]:
    """Which of these objects, or links, the tables have."""
    if kind is not None:
        return known_ids(connection, kind.table, names)
    releases = {link_ends(name)[0] for name in names if name.count("/") == 1}
    ends = ("release_id", "track_id")
    return {link_id(*row) for row in rows_in(connection, LINKS, ends, "release_id", releases)}


_GROUP = table_named("country_group")
_MEMBER = table_named("country_group_member")
_SET = table_named("territory_set")
_PART = table_named("territory_part")
_VALIDITY_SET = table_named("validity_set")
_VALIDITY = table_named("validity")
_WINDOW = table_named("validity_window")
_TRACK_WINDOW = table_named("track_window")
_LASTING = ("starts_at", "ends_at")


def territory_sets(connection: Connection) -> Iterator[str]:
    """P36: territory sets hold what their ids are made of, in their two factors."""
    for ids in ids_of(connection, _GROUP):
        found = _grouped(connection, _MEMBER, "country_group_id", ("country",), ids)
        for name in ids:
            if group_id(country for (country,) in found.get(name, ())) != name:
                yield f"country_group {quoted(name)} does not hold what its id is made of"
    columns = ("country_group_id", "validity_set_id")
    for ids in ids_of(connection, _SET, size=SETS_AT_ONCE):
        rows = _grouped(connection, _PART, "territory_set_id", columns, ids)
        groups = {group for own in rows.values() for group, _ in own}
        members = {row[0] for row in rows_in(connection, _MEMBER, columns[:1], columns[0], groups)}
        whole = [name for name in ids if all(row[0] in members for row in rows.get(name, ()))]
        sets = load_sets(connection, whole)
        for name in ids:
            one = sets.get(name)
            if one is None or one.id != name:
                yield f"territory_set {quoted(name)} does not hold what its id is made of"
                continue
            wanted = {(group_id(p.countries), validity_set_id(p.validities)) for p in parts(one)}
            if wanted != set(rows.get(name, ())):
                yield f"territory_set {quoted(name)} is not divided as it should be"


def _grouped(
    connection: Connection, table: Table, owner: str, columns: tuple[str, ...], ids: Iterable[str]
) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each owner, in the order of the table's key."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, *row in rows_in(connection, table, (owner, *columns), owner, ids, table.key):
        found.setdefault(name, []).append(tuple(row))
    return found


def validity_sets(connection: Connection) -> Iterator[str]:
    """A1: the validities of a set are what its id is made of, and its windows follow from them."""
    for ids in ids_of(connection, _VALIDITY_SET):
        columns = ("name", "type", *_LASTING)
        rows = _grouped(connection, _VALIDITY, "validity_set_id", columns, ids)
        kept = _grouped(connection, _WINDOW, "validity_set_id", ("usage", *_LASTING), ids)
        for name in ids:
            found = tuple(Validity(*row) for row in rows.get(name, ()))
            who = f"validity_set {quoted(name)}"
            # `territory_set` is what brings validities into their canonical order.
            in_order = territory_set([("WW", found)]).entries[0][1] == found
            if not in_order or validity_set_id(found) != name:
                yield f"{who} does not hold what its id is made of"
            elif _by_usage(kept.get(name, ())) != _plain(windows(found)):
                yield f"{who} has windows that do not follow from its validities (A1)"


def own_windows(connection: Connection) -> Iterator[str]:
    """A2: a track's windows follow from its own validities; no validities, no windows."""
    track = kinds()["track"]
    for ids in ids_of(connection, track.table):
        rows = load_list(connection, validity_list(), ids)
        kept = _grouped(connection, _TRACK_WINDOW, "track_id", ("usage", *_LASTING), ids)
        for name in ids:
            found = [Validity(*item) for item in rows.get(name, ())]
            wanted = _plain(track_windows(found)) if found else {}
            if _by_usage(kept.get(name, ())) != wanted:
                who = f"track {quoted(name)}"
                yield f"{who} has windows that do not follow from its validities (A2)"


def _plain(opened: Mapping[str, Iterable[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    return {usage: [tuple(window) for window in found] for usage, found in opened.items()}


def _by_usage(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    """Windows by usage; the empty one that stands for "never open" leaves its usage alone."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for usage, starts_at, ends_at in rows:
        own = found.setdefault(usage, [])
        if starts_at is None or starts_at != ends_at:
            own.append((starts_at, ends_at))
    return found


def usages(connection: Connection) -> Iterator[str]:
    """A4: every usage that a validity names is known, and so answered for."""
    known = {row[0] for row in asked(connection, "SELECT name FROM usage")}
    wanted: set[str] = set(ALWAYS_USAGES)
    for table in ("validity", "track_validity"):
        names = (str(row[0]) for row in asked(connection, f"SELECT DISTINCT name FROM {table}"))
        wanted.update(usage for name in names if (usage := usage_of(name)) is not None)
    for name in sorted(wanted - known):
        yield f"usage lacks {quoted(name)}, which a validity names"


CATALOGUE_CHECKS: tuple[Callable[[Connection], Iterator[str]], ...] = (
    objects,
    links,
    vanished,
    territory_sets,
    validity_sets,
    own_windows,
    usages,
)
"""In the order in which they are told."""
