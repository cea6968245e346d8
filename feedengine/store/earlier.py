"""P9: what earlier runs of a feed have applied, looked up while the feed is taken again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedengine.store.ledger import live, named, runs_where
from feedengine.store.pages import PAGE, among, asked
from feedengine.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

    from feedengine.store.ledger import Run


class Known(NamedTuple):
    """A package in the ledger; ``digest`` is None where it was not applied."""

    digest: str | None
    entity: str | None
    entity_id: str | None
    action: str | None


_ROWS = (
    "SELECT id, path, CASE WHEN status = 'applied' THEN digest END, entity, entity_id, action"
    f" FROM package_run WHERE feed_run_id = ? AND id > ? ORDER BY id LIMIT {PAGE}"
)
_LIVE = f"SELECT 1 FROM feed_run r WHERE r.id = ? AND {live('r')}"


class Earlier:
    """The packages of earlier runs, each row read once, and only as far as packages are asked for.

    A feed's packages are taken in the same order every time, so that memory holds little more than
    a page; all of a run only where a package is new, or came in another order.
    """

    def __init__(self, runs: Sequence[Run] = ()) -> None:
        """Of these runs; nothing is read yet."""
        self._rows: dict[int, dict[str, Known]] = {run.id: {} for run in runs}
        self._last = {run.id: 0 for run in runs}

    def __bool__(self) -> bool:
        """Whether there are earlier runs at all."""
        return bool(self._rows)

    def applied(
        self, connection: Connection, paths: Collection[str]
    ) -> dict[tuple[str, str], Known]:
        """Which packages, by path and digest, were applied, and what they were about.

        What was undone counts no longer (H2), and therefore neither does that a later run skipped
        it.
        """
        found: dict[tuple[str, str], Known] = {}
        self.read(connection, paths)
        for run, rows in self._rows.items():
            if next(asked(connection, _LIVE, run), None) is not None:
                for path in paths:
                    known = rows.get(path)
                    if known is not None and known.digest is not None:
                        found[path, known.digest] = known
        return found

    def forget(self, paths: Iterable[str]) -> None:
        """These packages will not be asked for again."""
        for path in paths:
            for rows in self._rows.values():
                rows.pop(path, None)

    def unread(self, path: str) -> bool:
        """Whether rows must be read before `digests` is sure to know the package."""
        return any(path not in self._rows[run] for run in self._last)

    def digests(self, path: str) -> set[str | None]:
        """The digests with which the package was applied, as far as rows were read."""
        return {rows[path].digest for rows in self._rows.values() if path in rows} - {None}

    def read(self, connection: Connection, paths: Collection[str]) -> None:
        """Read on until these packages were met, or the runs have no more."""
        for run, rows in self._rows.items():
            while run in self._last and not all(path in rows for path in paths):
                page = list(asked(connection, _ROWS, run, self._last[run]))
                for number, path, *known in page:
                    rows[named(path)] = Known(*known)
                    self._last[run] = number
                if len(page) < PAGE:
                    del self._last[run]


def earlier_of(connection: Connection, paths: Collection[str]) -> dict[str, Earlier]:
    """What earlier runs there are of these feeds, by feed; a feed without any is left out."""
    found: dict[str, list[Run]] = {}
    ids = statements(connection).ids(paths)
    for run in runs_where(connection, among(connection, "feed_path"), ids):
        found.setdefault(str(run.feed_path), []).append(run)
    return {path: Earlier(runs) for path, runs in found.items()}
