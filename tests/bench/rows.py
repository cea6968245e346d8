"""What packages leave behind: the rows of catalogue, history and ledger, batch by batch.

Written down by hand and apart from the engine, for two uses: the floor writes these rows by bare
driver calls, and catalogues of a million tracks are filled with them. A test holds them equal to
what the engine writes. So a faster engine cannot move its own floor.

A statement is ``(verb, table, columns, keys)``: ``insert`` takes rows of ``columns``; ``update``
sets ``columns`` where ``keys`` are; ``delete`` removes where the first key is equal and the second
one greater. A row has the columns' values first, then the keys'.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeAlias

from bench.packages import Package
from bench.world import (
    ARTIST_TRACKS,
    CLIENT,
    GENRES,
    LABEL_TRACKS,
    RELEASE_TRACKS,
    Document,
    Territories,
    Thing,
    digest,
)

Statement: TypeAlias = tuple[str, str, tuple[str, ...], tuple[str, ...]]
Rows: TypeAlias = dict[Statement, list[tuple[Any, ...]]]

_COMMON = ("territory_set_id", "id", "client", "created_at", "changed_at")
OBJECTS: dict[str, tuple[str, ...]] = {
    "label": (*_COMMON[1:], "name"),
    "genre": (*_COMMON[1:], "name", "source"),
    "artist": (*_COMMON, "name", "unique_name", "popularity", "view", "update_count"),
    "release": (
        *_COMMON,
        *("title", "sub_title", "track_count", "popularity", "c_line", "p_line", "disc_number"),
        *("duration_seconds", "explicit_type", "grid", "ispn", "isrc", "product_number", "gtin14"),
        *("release_date", "label_id", "view", "update_count"),
    ),
    "track": (
        *_COMMON,
        *("title", "sub_title", "c_line", "p_line", "disc_number", "track_number"),
        *("duration_seconds", "explicit_type", "grid", "ispn", "isrc", "popularity", "view"),
        "update_count",
    ),
}
"""Columns by table, what others refer to first."""

_LISTS: dict[str, tuple[str, ...]] = {
    "artist": ("artist_id",),
    "genre": ("genre_id",),
    "image": ("source", "value", "resource", "resource_type", "mime_type", "width", "height"),
    "metadata": ("name", "type", "value"),
    "reference": ("provider", "ref_id"),
    "resource": ("source", "type", "value"),
}
_LINKS = {"artist", "genre"}

_CHANGE = ("seq package_id entity entity_id action client changed_at document").split()
_PACKAGE = (
    "id feed_run_id path digest entity entity_id action status started_at finished_at"
).split()
_RUN = (
    "id stack_entry entry_signature feed_path client started_at finished_at status packages"
    " applied failed skipped released_at filed_at"
).split()

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _insert(table: str, *columns: str) -> Statement:
    return "insert", table, columns, ()


_FIRST = (
    _insert("territory_set", "id"),
    _insert("country_group", "id"),
    _insert("validity_set", "id"),
    _insert("country_group_member", "country_group_id", "country"),
    _insert("validity", "validity_set_id", "position", "name", "type", "starts_at", "ends_at"),
    _insert("validity_window", "validity_set_id", "usage", "position", "starts_at", "ends_at"),
    _insert("territory_part", "territory_set_id", "country_group_id", "validity_set_id"),
    _insert("package_run", *_PACKAGE),
)
_SET, _GROUP, _VALIDITIES, _MEMBER, _VALIDITY, _WINDOW, _PART, _PACKAGE_RUN = _FIRST
_LINK = _insert("release_track", "release_id", "track_id", "position", "linked_seq")
_HISTORY = _insert("change", *_CHANGE)
_EVERY_RUN = _insert("feed_run", *_RUN)


FILLED = 10_000
"""Packages in a run of those that a catalogue is filled by."""

_START, _STEP = datetime(2025, 1, 1, tzinfo=UTC), timedelta(milliseconds=5)


class Ledger:
    """The numbers that rows get: where history and ledger stand, and which sets are known."""

    def __init__(self, tracks: int = 0) -> None:
        """Where they stand once the first ``tracks`` and what they refer to were created."""
        self.package = things(tracks)
        self.seq = self.package + tracks
        self.run = -(-self.package // FILLED)
        self.known: set[str] = set()

    @staticmethod
    def at(package: int) -> str:
        """When a package was applied, canonical."""
        return f"{_START + package * _STEP:%Y-%m-%dT%H:%M:%S.%fZ}"


def things(tracks: int) -> int:
    """How many things `World.things` has up to a track, the first of a label."""
    if not tracks:
        return 0
    return (
        GENRES
        + tracks
        + tracks // LABEL_TRACKS
        + tracks // ARTIST_TRACKS
        + tracks // RELEASE_TRACKS
    )


def batch(ledger: Ledger, packages: Iterable[tuple[str, Package]]) -> Rows:
    """The rows of packages, given with their paths, in the order in which they can be written."""
    rows: Rows = {statement: [] for statement in _FIRST}
    cuts: Rows = {}
    objects: Rows = {}
    items: Rows = {_LINK: []}
    history: list[tuple[Any, ...]] = []
    for path, package in packages:
        ledger.package += 1
        at, after = ledger.at(ledger.package), package.after
        name = after.document["id"]
        asked = (after.kind, name, package.action, "applied", at, at)
        found = sha256(package.xml.encode()).hexdigest()
        rows[_PACKAGE_RUN].append((ledger.package, ledger.run, path, found, *asked))
        if package.before == after:
            continue
        if after.territories is not None:
            _territories(rows, ledger, after.territories)
        _object(objects, cuts, items, package, at)
        done = "create" if package.before is None else "update"
        ledger.seq += 1
        written = (done, CLIENT, at)
        text = _encode(after.document)
        history.append((ledger.seq, ledger.package, after.kind, name, *written, text))
        if package.before is None and after.release is not None:
            _linked(ledger, items, history, after, written)
    ordered = {statement: objects[statement] for statement in sorted(objects, key=_object_order)}
    return {**rows, **cuts, **ordered, **items, _HISTORY: history}


def _object_order(statement: Statement) -> int:
    return list(OBJECTS).index(statement[1])


def _linked(
    ledger: Ledger, items: Rows, history: list[Any], track: Thing, written: tuple[str, str, str]
) -> None:
    """The link of a new track to its release, which stands in history by itself."""
    ledger.seq += 1
    release, name = track.release, track.document["id"]
    text = _encode({"position": track.place, "release_id": release, "track_id": name})
    entity = ("release_track", f"{release}/{name}")
    history.append((ledger.seq, ledger.package, *entity, *written, text))
    items[_LINK].append((release, name, track.place, ledger.seq))


def _object(objects: Rows, cuts: Rows, items: Rows, package: Package, at: str) -> None:
    before, after = package.before, package.after
    old: Document = {} if before is None else before.document
    new, name = {**after.document, "changed_at": at}, after.document["id"]
    if before is None:
        columns = OBJECTS[after.kind]
        values = [tuple(map(new.get, columns))]
        objects.setdefault(_insert(after.kind, *columns), []).extend(values)
    else:
        columns = tuple(c for c in OBJECTS[after.kind] if new.get(c) != old.get(c))
        statement = ("update", after.kind, columns, ("id",))
        objects.setdefault(statement, []).append((*map(new.get, columns), name))
    for suffix in _LISTS:
        was, now = old.get(suffix, ()), new.get(suffix, ())
        if was != now:
            _list(cuts, items, after, suffix, _same(was, now), len(was))


def _same(was: Iterable[Any], now: Iterable[Any]) -> int:
    """How many items at the beginning are equal."""
    same = 0
    for left, right in zip(was, now, strict=False):
        if left != right:
            break
        same += 1
    return same


def _list(cuts: Rows, items: Rows, thing: Thing, suffix: str, same: int, were: int) -> None:
    """Items behind the first difference are written again."""
    table, owner, name = f"{thing.kind}_{suffix}", f"{thing.kind}_id", thing.document["id"]
    if were > same:
        cuts.setdefault(("delete", table, (), (owner, "position")), []).append((name, same))
    columns = _LISTS[suffix]
    added = items.setdefault(_insert(table, owner, "position", *columns), [])
    for position, item in enumerate(thing.document[suffix][same:], same + 1):
        values = (item,) if suffix in _LINKS else tuple(map(item.get, columns))
        added.append((name, position, *values))


def _territories(rows: Rows, ledger: Ledger, one: Territories) -> None:
    if one.id in ledger.known:
        return
    group, own = digest(one.countries), digest(one.validities)
    for name in {one.id, group, own} - ledger.known:
        if name == one.id:
            rows[_SET].append((name,))
            rows[_PART].append((name, group, own))
        elif name == group:
            rows[_GROUP].append((name,))
            rows[_MEMBER].extend((name, country) for country in one.countries)
        else:
            rows[_VALIDITIES].append((name,))
            for position, (kind, allow, start, end) in enumerate(one.validities, 1):
                rows[_VALIDITY].append((name, position, kind, allow, start, end))
                usage = kind.removesuffix("Validity").lower()
                rows[_WINDOW].append((name, usage, 1, start, end))
            if not one.validities:
                rows[_WINDOW].append((name, "*", 1, None, None))
    ledger.known |= {one.id, group, own}


def run_row(ledger: Ledger, path: str, packages: int) -> Rows:
    """A feed run in which so many packages were applied, and none failed; it is the next one."""
    ledger.run += 1
    begun, ended = ledger.at(ledger.package + 1), ledger.at(ledger.package + packages)
    name = f"{path.rpartition('/')[2]}.xml"
    counts = (packages, packages, 0, 0)
    row = (ledger.run, name, "0:0:0", path, CLIENT, begun, ended, "succeeded", *counts, None, ended)
    return {_EVERY_RUN: [row]}
