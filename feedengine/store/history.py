"""Reading history: the catalogue as of an instant, and what happened to an object (H1).

A position in history is a ``seq``: everything up to and with it has happened, 0 is before the first
change. Instants are canonical text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from feedengine.catalogue.asof import LINK, Past, set_named, standing_after
from feedengine.catalogue.objects import link_ends, link_id
from feedengine.model.entities import kinds
from feedengine.store.ledger import CHANGE_COLUMNS, numbers
from feedengine.store.load import load_sets
from feedengine.store.pages import PAGE, among, asked, given_ids
from feedengine.store.standing import Standing, set_documents
from feedengine.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sqlalchemy import Connection

    from feedengine.catalogue.hand import Hand
    from feedengine.catalogue.needs import Needs


class Last(NamedTuple):
    """The last change of an object or link up to a position; ``document`` None: it was deleted."""

    entity_id: str
    seq: int
    document: str | None


def seq_at(connection: Connection, instant: str) -> int:
    """The highest ``seq`` whose ``changed_at`` is at or before the instant; 0 when there is none.

    Found by halving, because ``changed_at`` never decreases; numbers may be missing (PostgreSQL).
    """
    text = "SELECT seq, changed_at FROM change WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
    found, low, high = 0, 0, numbers(connection).seq
    while low < high:
        middle = (low + high + 1) // 2
        seq, at = next(asked(connection, text, middle), (0, ""))
        if seq <= low:  # a gap: no row behind low, up to the middle
            low = middle
        elif at <= instant:
            found, low = seq, middle
        else:
            high = seq - 1
    return found


def object_at(
    connection: Connection, kind_name: str, name: str, instant: str
) -> dict[str, Any] | None:
    """An object's document as of an instant; None when there was no such object.

    Of a release with ``track``, its tracks' ids in their order; of a track with ``release``, its
    releases' ids, the first linked first. An empty list is left out. A link (``release_track``) is
    asked for by ``release/track``.
    """
    seq = seq_at(connection, instant)
    text = (
        "SELECT document FROM change WHERE entity = ? AND entity_id = ? AND seq <= ?"
        " ORDER BY seq DESC LIMIT 1"
    )
    (found,) = next(asked(connection, text, kind_name, name, seq), (None,))
    if found is None:
        return None
    document: dict[str, Any] = json.loads(found)
    if kind_name in _LINKED:
        other, linked = _LINKED[kind_name]
        ids = linked(connection, name, seq)
        if ids:
            document[other] = ids
    return dict(sorted(document.items()))


def _tracks_of(connection: Connection, release: str, seq: int) -> list[str]:
    return standing_after(_links_of_release(connection, release, seq)).ordered_tracks(release)


def _releases_of(connection: Connection, track: str, seq: int) -> list[str]:
    return standing_after(_links_of_track(connection, track, seq)).ordered_releases(track)


def _links_of_release(connection: Connection, release: str, seq: int) -> list[Past]:
    """Links of one release stand together in the index: their ids begin with its id and ``/``."""
    begin = link_id(release, "")
    where = "entity_id >= ? AND entity_id < ?"
    return _link_rows(connection, seq, where, begin, begin[:-1] + "0")


def _links_of_track(connection: Connection, track: str, seq: int) -> list[Past]:
    """No index helps from the track's side: the index of all links is read through."""
    end = link_id("", track)
    where = f"substr(entity_id, length(entity_id) - {len(end) - 1}) = ?"
    return _link_rows(connection, seq, where, end)


_LINKED: dict[str, tuple[str, Callable[[Connection, str, int], list[str]]]] = {
    "release": ("track", _tracks_of),
    "track": ("release", _releases_of),
}
"""Kind → the key of its links in a document as of an instant, and how they are found."""


def _link_rows(connection: Connection, seq: int, where: str, *values: str) -> list[Past]:
    text = (
        "SELECT seq, entity, entity_id, document FROM change"
        f" WHERE entity = ? AND seq <= ? AND {where} ORDER BY seq"
    )
    return [Past(*row) for row in asked(connection, text, LINK, seq, *values)]


def standing_before(connection: Connection, needs: Needs, package: int) -> Hand:
    """What ``needs`` names, as a package of that number has found it."""
    text = "SELECT seq FROM change WHERE package_id < ? ORDER BY seq DESC LIMIT 1"
    (seq,) = next(asked(connection, text, package), (0,))
    last = (
        "SELECT seq, entity, entity_id, document FROM change"
        " WHERE entity = ? AND entity_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
    )
    rows = {Past(*row) for key in needs.whole for row in asked(connection, last, *key, seq)}
    for release in needs.releases:
        rows.update(_links_of_release(connection, release, seq))
    for track in needs.tracks:
        rows.update(_links_of_track(connection, track, seq))
    hand = standing_after(sorted(rows))
    names = {set_named(row.document) for row in rows if row.document is not None}
    hand.sets.update(load_sets(connection, [name for name in names if name is not None]))
    return hand


def history_of(connection: Connection, kind_name: str, name: str) -> list[dict[str, Any]]:
    """The changes of an object or link, the first first, as dictionaries of columns.

    ``document`` is a dictionary, or None where the object was deleted. A link (``release_track``)
    is asked for by ``release/track``.
    """
    columns = ", ".join(CHANGE_COLUMNS)
    text = f"SELECT {columns} FROM change WHERE entity = ? AND entity_id = ? ORDER BY seq"
    found = []
    for row in asked(connection, text, kind_name, name):
        change = dict(zip(CHANGE_COLUMNS, row, strict=True))
        if change["document"] is not None:
            change["document"] = json.loads(change["document"])
        found.append(change)
    return found


def last_changes(
    connection: Connection, entity: str, seq: int, *, size: int = PAGE
) -> Iterator[list[Last]]:
    """The last change of each object of an entity up to ``seq``, by id, page by page."""
    text = (
        "SELECT c.entity_id, c.seq, c.document FROM ("
        "SELECT entity_id, max(seq) AS seq FROM change"
        " WHERE entity = ? AND entity_id > ? AND seq <= ?"
        f" GROUP BY entity_id ORDER BY entity_id LIMIT {size}"
        ") m JOIN change c ON c.seq = m.seq ORDER BY c.entity_id"
    )
    page = list(asked(connection, text, entity, "", seq))
    while page:
        yield [Last(*row) for row in page]
        if len(page) < size:
            return
        page = list(asked(connection, text, entity, page[-1][0], seq))


def changes_of(
    connection: Connection, entity: str, names: Collection[str]
) -> dict[str, tuple[int, str | None, str, int | None]]:
    """Of each of these objects the last change: its ``seq``, document and instant.

    The fourth is the ``seq`` of the change that made it, or made it anew after it was deleted.
    """
    text = (
        "SELECT c.entity_id, c.seq, c.document, c.changed_at, m.made FROM ("
        "SELECT entity_id, max(seq) AS seq, max(CASE WHEN action = 'create' THEN seq END) AS made"
        f" FROM change WHERE entity = ? AND {among(connection, 'entity_id')} GROUP BY entity_id"
        ") m JOIN change c ON c.seq = m.seq"
    )
    ids = statements(connection).ids(names)
    return {
        row[0]: (row[1], row[2], row[3], row[4]) for row in asked(connection, text, entity, ids)
    }


def _standing(connection: Connection, entity: str, seq: int) -> Iterator[Standing]:
    for page in last_changes(connection, entity, seq):
        for one in page:
            if one.document is not None:
                yield Standing(entity, one.entity_id, one.document)


def documents_at(connection: Connection, seq: int) -> Iterator[Standing]:
    """Everything as it stood after ``seq``, in canonical order (see `Standing`).

    Memory holds a page, and the ids of the territory sets in use then (some 100 bytes each).
    """
    names: set[str] = set()
    for kind in kinds().values():
        if kind.territory_index is not None:
            for one in _standing(connection, kind.name, seq):
                declared = set_named(one.document)
                if declared is not None:
                    names.add(declared)
    yield from set_documents(connection, sorted(names))
    for entity in kinds():
        yield from _standing(connection, entity, seq)
    yield from _links_at(connection, seq)


def _links_at(connection: Connection, seq: int) -> Iterator[Standing]:
    """By the ids of both ends, as links are in order; so a page of releases at a time."""
    text = (
        "SELECT c.entity_id, c.document FROM ("
        f"SELECT k.entity_id, max(k.seq) AS seq FROM {given_ids(connection)} r CROSS JOIN change k"
        " WHERE k.entity = ? AND k.seq <= ?"
        " AND k.entity_id >= r.value || '/' AND k.entity_id < r.value || '0'"
        " GROUP BY k.entity_id) m JOIN change c ON c.seq = m.seq WHERE c.document IS NOT NULL"
    )
    for releases in last_changes(connection, "release", seq):
        begun = [link_id(one.entity_id, "")[:-1] for one in releases if one.document is not None]
        rows = asked(connection, text, statements(connection).ids(begun), LINK, seq)
        for name, document in sorted(rows, key=lambda row: link_ends(row[0])):
            yield Standing(LINK, name, document)
