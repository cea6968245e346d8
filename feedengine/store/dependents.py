"""Later changes that depend on what a run changed: why it cannot be undone (H2).

What has been undone itself depends on nothing any more. Each check takes a page of the objects that
the run changed, all of one entity, and yields what stands in the way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from feedengine.catalogue.asof import LINK
from feedengine.catalogue.objects import from_json, link_ends, link_id
from feedengine.model.entities import kinds, links_to
from feedengine.store.images import OF_RUN, changed_by
from feedengine.store.ledger import live
from feedengine.store.load import known_ids
from feedengine.store.pages import among, asked
from feedengine.store.standing import LINKS
from feedengine.store.statements import rows_in, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from feedengine.store.images import Image, Span


class Dependent(NamedTuple):
    """An object, the later change of it (None: a package that made no difference), its run."""

    entity: str
    entity_id: str
    seq: int | None
    run: int
    why: str


_BY_OTHERS = (
    "SELECT c.entity_id, c.seq, p.feed_run_id FROM change c JOIN package_run p"
    " ON p.id = c.package_id JOIN feed_run r ON r.id = p.feed_run_id"
    f" WHERE c.entity = ? AND r.id <> ? AND {live('r')}"
)


def changed_later(connection: Connection, span: Span, page: Sequence[Image]) -> Iterator[Dependent]:
    """A later run has changed the same object."""
    first = {one.entity_id: one.seq for one in page}
    text = f"{_BY_OTHERS} AND c.seq > ? AND {among(connection, 'c.entity_id')} ORDER BY c.seq"
    ids = statements(connection).ids(first)
    entity = page[0].entity
    for name, seq, run in asked(connection, text, entity, span.run, min(first.values()), ids):
        if seq > first.get(name, seq):
            del first[name]  # the first such change is told, not all of them
            yield Dependent(entity, name, seq, run, "it was changed later")


def refers_to_it(connection: Connection, span: Span, page: Sequence[Image]) -> Iterator[Dependent]:
    """An object that the run did not change refers to one that it created."""
    target = page[0].entity
    doomed = statements(connection).ids([one.entity_id for one in page if one.vanishes])
    untouched = f"NOT EXISTS (SELECT 1 FROM change c {OF_RUN} WHERE c.entity = ? AND c.entity_id ="
    asking = [
        (kind.name, one.table.name, one.owner_column, one.columns[0])
        for kind, one in links_to(target)
    ]
    for kind in kinds().values():
        ones = (kind.columns[at] for at, pointed in kind.ones.values() if pointed == target)
        asking += [(kind.name, kind.table.name, "id", column) for column in ones]
    for entity, table, owner, column in asking:
        text = (
            f"SELECT t.{owner}, t.{column} FROM {table} t WHERE {among(connection, f't.{column}')}"
            f" AND {untouched} t.{owner})"
        )
        for name, other in asked(connection, text, doomed, span.run, entity):
            yield _last(connection, entity, name, f"it refers to {target} {other}")
    if target in {"release", "track"}:
        text = (
            "SELECT t.release_id, t.track_id FROM release_track t"
            f" WHERE {among(connection, f't.{target}_id')} AND {untouched} {_LINK_ID})"
        )
        values = (doomed, span.run, LINK, *_ESCAPED, *_ESCAPED)
        for release, track in asked(connection, text, *values):
            name = link_id(release, track)
            yield _last(connection, LINK, name, f"it links the {target} that would go")


_ESCAPED = ("%", "%25", "/", "%2F")
_LINK_ID = " || '/' || ".join(
    f"replace(replace(t.{end}_id, ?, ?), ?, ?)" for end in ("release", "track")
)
"""SQL: `link_id` of a row of ``release_track``."""


def _last(connection: Connection, entity: str, name: str, why: str) -> Dependent:
    text = (
        "SELECT c.seq, p.feed_run_id FROM change c JOIN package_run p ON p.id = c.package_id"
        " WHERE c.entity = ? AND c.entity_id = ? ORDER BY c.seq DESC LIMIT 1"
    )
    seq, run = next(asked(connection, text, entity, name))
    return Dependent(entity, name, seq, run, why)


def lacks_what_it_needs(
    connection: Connection, span: Span, page: Sequence[Image]
) -> Iterator[Dependent]:
    """What a document that would come back refers to has been deleted since."""
    needed: dict[tuple[str, str], list[Image]] = {}
    for one in page:
        if one.returns:
            for key in _references(one):
                needed.setdefault(key, []).append(one)
    for kind in kinds().values():
        ids = {name for entity, name in needed if entity == kind.name}
        gone = ids - known_ids(connection, kind.table, ids) if ids else set()
        for name in sorted(gone - changed_by(connection, span, kind.name, gone)):
            for one in needed[kind.name, name]:
                why = f"it refers to {kind.name} {name}, which was deleted later"
                last = _last(connection, kind.name, name, why)
                yield last._replace(entity=one.entity, entity_id=one.entity_id)


def _references(one: Image) -> Iterator[tuple[str, str]]:
    """The objects that the document before refers to."""
    if one.entity == LINK:
        yield from zip(("release", "track"), link_ends(one.entity_id), strict=True)
        return
    kind = kinds()[one.entity]
    thing = from_json(kind, str(one.before))
    for listed in kind.lists:
        if listed.is_link:
            for item in thing.lists[listed.index]:
                yield str(listed.listed.target), str(item)
    for index, target in kind.ones.values():
        if thing.row[index] is not None:
            yield target, str(thing.row[index])


def position_taken(
    connection: Connection, span: Span, page: Sequence[Image]
) -> Iterator[Dependent]:
    """Another track has taken the place on the release where a link would come back."""
    wanted: dict[tuple[str, int], str] = {}
    for one in page:
        if one.entity == LINK and one.returns:
            place = json.loads(str(one.before))["position"]
            wanted[link_ends(one.entity_id)[0], place] = one.entity_id
    columns = ("release_id", "track_id", "position")
    releases = {release for release, _ in wanted}
    taken: dict[str, str] = {}
    for release, track, position in rows_in(connection, LINKS, columns, "release_id", releases):
        name = wanted.get((release, position))
        other = link_id(release, track)
        if name is not None and other != name:
            taken[other] = name
    for other in sorted(taken.keys() - changed_by(connection, span, LINK, taken)):
        yield _last(connection, LINK, other, f"it took the place of {taken[other]}")


def says_the_same(connection: Connection, span: Span) -> Iterator[Dependent]:
    """A later package was about the same object, and made no difference for what the run did."""
    text = (
        "SELECT p.entity, p.entity_id, r.id, p.path FROM package_run p"
        " JOIN feed_run r ON r.id = p.feed_run_id"
        " WHERE p.id > (SELECT min(o.id) FROM package_run o WHERE o.feed_run_id = ?)"
        " AND p.feed_run_id <> ? AND p.status = 'applied' AND p.entity_id IS NOT NULL"
        f" AND {live('r')}"
        " AND EXISTS (SELECT 1 FROM change c CROSS JOIN package_run q WHERE q.id = c.package_id"
        " AND c.entity = p.entity AND c.entity_id = p.entity_id AND q.feed_run_id = ?"
        " AND q.id < p.id)"
        " AND NOT EXISTS (SELECT 1 FROM change d WHERE d.package_id = p.id"
        " AND d.entity = p.entity AND d.entity_id = p.entity_id)"
        " ORDER BY p.id"
    )
    for entity, name, run, path in asked(connection, text, span.run, span.run, span.run):
        yield Dependent(entity, name, None, run, f"{path} said of it what was there already")


CHECKS: tuple[Callable[[Connection, Span, Sequence[Image]], Iterator[Dependent]], ...] = (
    changed_later,
    refers_to_it,
    lacks_what_it_needs,
    position_taken,
)
"""What is asked of each page."""
