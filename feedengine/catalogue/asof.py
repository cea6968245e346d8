"""Objects from history: what stands after a number of changes (H1, H2).

A row of ``change`` says of one object or link how it stands from then on. Carried out in the order
of ``seq``, beginning with nothing, all rows up to a number give the catalogue as it stood then.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from feedengine.catalogue.hand import PROVISIONAL, Hand
from feedengine.catalogue.objects import Key, from_json, link_ends
from feedengine.model.entities import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

LINK = "release_track"
"""The ``entity`` of a release–track link, which has rows of its own (H1)."""


class Past(NamedTuple):
    """What a row of ``change`` says: how the object or link stands; None: it is gone."""

    seq: int
    entity: str
    entity_id: str
    document: str | None


class Replay:
    """Carries rows of history out on a hand.

    ``linked`` gives for each link made on the way the ``seq`` that made it (the link's first row,
    or the first after it was gone), by the link's provisional order in the hand.
    """

    def __init__(self, hand: Hand) -> None:
        """Go on from ``hand``, which holds everything that the rows to come name."""
        self.hand = hand
        self.linked: dict[int, int] = {}

    def step(self, past: Past) -> None:
        """Carry out the next row; raises `KeyError` or `ValueError` for a row that is damaged."""
        if past.entity == LINK:
            self._link(past)
        else:
            kind = kinds()[past.entity]
            key: Key = (past.entity, past.entity_id)
            self.hand.put(key, None if past.document is None else from_json(kind, past.document))
        # Row by row: a link that goes and comes back in two rows is a new link.
        self.hand.settle()

    def _link(self, past: Past) -> None:
        release, track = link_ends(past.entity_id)
        if past.document is None:
            self.hand.put_link(release, track, None)
            return
        self.hand.put_link(release, track, json.loads(past.document)["position"])
        order = self.hand.links[release, track].order
        if order >= PROVISIONAL:
            self.linked.setdefault(order, past.seq)


def standing_after(rows: Iterable[Past]) -> Hand:
    """What stands after these rows, which begin with nothing and are in the order of ``seq``.

    They may be the rows of a few objects or links alone: then it is those that stand in the hand.
    """
    replay = Replay(Hand())
    for past in rows:
        replay.step(past)
    return replay.hand


def set_named(document: str) -> str | None:
    """The id of the territory set that an object's document points at, or None."""
    found = json.loads(document).get("territory_set_id")
    return None if found is None else str(found)
