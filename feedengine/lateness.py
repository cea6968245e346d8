"""G2: a feed is late when its client has begun one with a later name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from feedengine.store import ledger

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from feedengine.store.ledger import Run

Order: TypeAlias = tuple[int, int, str]
"""A feed's place in time."""


def feed_order(path: str) -> Order:
    """A feed's place in time by its name: numbers by number, before others by text (P3, G2)."""
    name = path.rpartition("/")[2]
    return (0, int(name), "") if name.isascii() and name.isdecimal() else (1, 0, name)


class Newest:
    """The newest feed that each client has begun; asked of the ledger once a client.

    That is enough for as long as a turn lasts: nobody else begins feeds meanwhile. One that was not
    kept after all still counts: history is then asked for nothing, and answers as it is.
    """

    def __init__(self) -> None:
        """Nothing asked yet."""
        self._of: dict[str, Order] = {}

    def is_late(self, connection: Connection, run: Run) -> bool:
        """Whether a later feed of the client was begun before this one, which begins now."""
        client, own = run.client or "", feed_order(run.feed_path or "")
        newest = self._of.get(client)
        if newest is None:
            newest = max(map(feed_order, ledger.feed_paths_of(connection, client)), default=own)
        self._of[client] = max(newest, own)
        return newest > own
