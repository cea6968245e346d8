"""What a run changed, as it was before and as it stands now: what an undo begins with (H2).

Everything is read from history, page by page, so that runs of any size can be undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedengine.catalogue.asof import LINK
from feedengine.store.history import changes_of
from feedengine.store.pages import PAGE, among, asked
from feedengine.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

OF_RUN = "JOIN package_run p ON p.id = c.package_id AND p.feed_run_id = ?"
"""SQL: of the ``change`` called ``c``, that a run made it."""


class Span(NamedTuple):
    """The first and the last change of a run; others may stand between them."""

    run: int
    first: int
    last: int


class Image(NamedTuple):
    """An object or link that a run changed.

    ``seq`` is the run's first change of it, ``before`` the document until then, ``now`` the one
    that stands; None: there was, or is, none.
    """

    entity: str
    entity_id: str
    seq: int
    before: str | None
    now: str | None

    @property
    def vanishes(self) -> bool:
        """Whether an undo deletes it."""
        return self.before is None and self.now is not None

    @property
    def returns(self) -> bool:
        """Whether an undo brings a document of it back."""
        return self.before is not None and self.before != self.now


def span_of(connection: Connection, run: int) -> Span:
    """Where a run's changes stand in history; nothing between 0 and 0 when it made none."""
    text = f"SELECT min(c.seq), max(c.seq) FROM change c {OF_RUN}"
    first, last = next(asked(connection, text, run))
    return Span(run, first or 0, last or 0)


_FIRSTS = (
    "SELECT c.seq, c.entity_id, b.document FROM change c CROSS JOIN package_run p"
    " LEFT JOIN change b ON b.seq = (SELECT max(x.seq) FROM change x"
    " WHERE x.entity = c.entity AND x.entity_id = c.entity_id AND x.seq < c.seq)"
    " WHERE p.id = c.package_id AND p.feed_run_id = ? AND c.entity || '' = ?"
    " AND c.seq > ? AND c.seq <= ?"
    " AND NOT EXISTS (SELECT 1 FROM change e JOIN package_run q ON q.id = e.package_id"
    " WHERE e.entity = c.entity AND e.entity_id = c.entity_id AND e.seq < c.seq"
    " AND q.feed_run_id = p.feed_run_id)"
    f" ORDER BY c.seq LIMIT {PAGE}"
)
"""The first change of each object in a run. CROSS JOIN and ``|| ''``: SQLite is to walk along
``seq``, page after page, and not to begin each time with all changes of an entity."""


def images(connection: Connection, span: Span, entity: str) -> Iterator[list[Image]]:
    """All objects of an entity that a run changed, in the order in which it came to them."""
    last = span.first - 1
    while page := list(asked(connection, _FIRSTS, span.run, entity, last, span.last)):
        last = page[-1][0]
        now = changes_of(connection, entity, [row[1] for row in page])
        yield [Image(entity, name, seq, before, now[name][1]) for seq, name, before in page]


def changed_by(connection: Connection, span: Span, entity: str, names: Collection[str]) -> set[str]:
    """Which of these objects a run changed."""
    text = (
        f"SELECT DISTINCT c.entity_id FROM change c {OF_RUN}"
        f" WHERE c.entity = ? AND {among(connection, 'c.entity_id')}"
    )
    ids = statements(connection).ids(names)
    return {row[0] for row in asked(connection, text, span.run, entity, ids)}


def made_before(connection: Connection, span: Span, names: Collection[str]) -> dict[str, int]:
    """The change that had made each of these links before a run came to it."""
    text = (
        "SELECT c.entity_id, max(c.seq) FROM change c WHERE c.entity = ? AND c.seq < ?"
        f" AND c.action = 'create' AND {among(connection, 'c.entity_id')} GROUP BY c.entity_id"
    )
    ids = statements(connection).ids(names)
    return {row[0]: row[1] for row in asked(connection, text, LINK, span.first, ids)}
