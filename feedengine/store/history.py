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
from feedengine.store.ledger import CHANGE_COLUMNS
from feedengine.store.pages import PAGE, given_ids
from feedengine.store.standing import Standing, set_documents
from feedengine.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection


class Last(NamedTuple):
    """The last change of an object or link up to some position; ``document`` None: it was deleted."""

    entity_id: str
    seq: int
    document: str | None


def seq_at(connection: Connection, instant: str) -> int:
    """The highest ``seq`` whose ``changed_at`` is at or before the instant; 0 when there is none.

    Found by halving, because ``changed_at`` never decreases; numbers may be missing (PostgreSQL).
    """
    mark = statements(connection).mark
    text = f"SELECT seq, changed_at FROM change WHERE seq <= {mark} ORDER BY seq DESC LIMIT 1"
    high = connection.exec_driver_sql("SELECT max(seq) FROM change").scalar() or 0
    found = low = 0
    while low < high:
        middle = (low + high + 1) // 2
        row = connection.exec_driver_sql(text, (middle,)).first()
        if row is None or row[0] <= low:  # a gap: no row behind low, up to the middle
            low = middle
        elif row[1] <= instant:
            found, low = row[0], middle
        else:
            high = row[0] - 1
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
    mark = statements(connection).mark
    text = (
        f"SELECT document FROM change WHERE entity = {mark} AND entity_id = {mark}"
        f" AND seq <= {mark} ORDER BY seq DESC LIMIT 1"
    )
    found = connection.exec_driver_sql(text, (kind_name, name, seq)).scalar()
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
    """Links of one release stand together in the index: their ids begin with its id and ``/``."""
    begin = link_id(release, "")
    where = "entity_id >= ? AND entity_id < ?"
    rows = _link_rows(connection, seq, where, begin, begin[:-1] + "0")
    return standing_after(rows).ordered_tracks(release)


def _releases_of(connection: Connection, track: str, seq: int) -> list[str]:
    """No index helps from the track's side: the index of all links is read through."""
    end = link_id("", track)
    where = f"substr(entity_id, length(entity_id) - {len(end) - 1}) = ?"
    return standing_after(_link_rows(connection, seq, where, end)).ordered_releases(track)


_LINKED: dict[str, tuple[str, Callable[[Connection, str, int], list[str]]]] = {
    "release": ("track", _tracks_of),
    "track": ("release", _releases_of),
}
"""Kind → the key of its links in a document as of an instant, and how they are found."""


def _link_rows(connection: Connection, seq: int, where: str, *values: str) -> list[Past]:
    text = (
        "SELECT seq, entity, entity_id, document FROM change"
        f" WHERE entity = ? AND seq <= ? AND {where} ORDER BY seq"
    ).replace("?", statements(connection).mark)
    rows = connection.exec_driver_sql(text, (LINK, seq, *values)).fetchall()
    return [Past(*row) for row in rows]


def history_of(connection: Connection, kind_name: str, name: str) -> list[dict[str, Any]]:
    """The changes of an object or link, the first first, as dictionaries of columns.

    ``document`` is a dictionary, or None where the object was deleted. A link (``release_track``)
    is asked for by ``release/track``.
    """
    made = statements(connection)
    text = (
        f"SELECT {made.names(CHANGE_COLUMNS)} FROM change"
        f" WHERE entity = {made.mark} AND entity_id = {made.mark} ORDER BY seq"
    )
    found = []
    for row in connection.exec_driver_sql(text, (kind_name, name)).fetchall():
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
    ).replace("?", statements(connection).mark)
    page = connection.exec_driver_sql(text, (entity, "", seq)).fetchall()
    while page:
        yield [Last(*row) for row in page]
        if len(page) < size:
            return
        page = connection.exec_driver_sql(text, (entity, page[-1][0], seq)).fetchall()


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
    """The links of a page of releases at a time: a link is in order by its release, then its track."""
    made = statements(connection)
    text = (
        "SELECT c.entity_id, c.seq, c.document FROM ("
        f"SELECT k.entity_id, max(k.seq) AS seq FROM {given_ids(connection)} r CROSS JOIN change k"
        f" WHERE k.entity = '{LINK}' AND k.seq <= {made.mark}"
        " AND k.entity_id >= r.value || '/' AND k.entity_id < r.value || '0'"
        " GROUP BY k.entity_id) m JOIN change c ON c.seq = m.seq WHERE c.document IS NOT NULL"
    )
    for releases in last_changes(connection, "release", seq):
        ids = [link_id(one.entity_id, "")[:-1] for one in releases if one.document is not None]
        rows = connection.exec_driver_sql(text, (made.ids(ids), seq)).fetchall()
        for row in sorted(rows, key=lambda row: link_ends(row[0])):
            yield Standing(LINK, row[0], row[2])
