"""A new object that its steps do no more than fill: most are so, and need no draft.

Whatever else a step may do, such as creating a nested model, it is carried out by
`feedengine.catalogue.edits`; what is done here comes to the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.catalogue.edits import FEW_VALIDITIES
from feedengine.catalogue.objects import Item, Object
from feedengine.feeds import changes
from feedengine.feeds.changes import SHARED, UNSET, Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedengine.catalogue.hand import Hand
    from feedengine.model.scalars import Value


class _Filling:
    """The row and the lists of an object that is being made."""

    __slots__ = ("hand", "kind", "lists", "row")

    def __init__(self, hand: Hand, change: Change) -> None:
        """With the fields that are given."""
        self.hand = hand
        self.kind = change.kind
        self.row: list[Value | None] = [None if asked is UNSET else asked for asked in change.asked]
        self.lists: list[tuple[Item, ...]] = [()] * len(change.kind.lists)


def filled(hand: Hand, change: Change, client: str) -> Object | None:
    """The new object without its release–track links; None where a step does more than fill it."""
    filling = _Filling(hand, change)
    filling.row[change.kind.position["client"]] = client
    for step in change.steps:
        fill = _FILLS.get(type(step))
        if fill is None or not fill(filling, step):
            return None
    return Object(change.kind, tuple(filling.row), tuple(filling.lists))


def _replace(filling: _Filling, step: changes.Replace) -> bool:
    """A list of more items than `FEW_VALIDITIES` may be too much (P11): looked at elsewhere."""
    filling.lists[step.list] = step.items
    return len(step.items) <= FEW_VALIDITIES


def _replace_links(filling: _Filling, step: changes.ReplaceLinks) -> bool:
    """P43: where all that is referred to exists, the ids are the list."""
    exists = filling.hand.exists
    ids = []
    for model in step.models:
        if model.action != "refer" or not exists((model.kind.name, model.id)):
            return False
        ids.append(model.id)
    if step.list != SHARED:
        filling.lists[step.list] = tuple(ids)
    return True


def _point_at(filling: _Filling, step: changes.PointAt) -> bool:
    model = step.model
    if model is None:
        filling.row[step.column] = None
        return True
    filling.row[step.column] = model.id
    return model.action == "refer" and filling.hand.exists((model.kind.name, model.id))


def _replace_territories(filling: _Filling, step: changes.ReplaceTerritories) -> bool:
    declared = filling.hand.keep_set(step.territories)
    filling.row[filling.kind.position["territory_set_id"]] = declared
    return True


_FILLS: dict[type, Callable[[_Filling, Any], bool]] = {
    changes.Replace: _replace,
    changes.ReplaceLinks: _replace_links,
    changes.PointAt: _point_at,
    changes.ReplaceTerritories: _replace_territories,
}
"""How a step fills an object; False where it does more, or may be refused."""
