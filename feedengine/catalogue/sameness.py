"""Whether a change says what the catalogue holds already: then there is nothing to carry out.

Most of a delivery that is repeated is of this kind. Told are only steps that replace and refer; of
any other step nothing is said here, and the change is carried out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.feeds import changes
from feedengine.feeds.changes import SHARED, UNSET, Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedengine.catalogue.hand import Hand
    from feedengine.catalogue.objects import Object


def says_nothing_new(hand: Hand, change: Change, client: str) -> bool:
    """Whether an Update of an object in hand would leave it, and its links, just as they are."""
    thing = hand.objects[change.kind.name, change.id]
    if thing is None or thing.row[change.kind.position["client"]] != client:
        return False
    for asked, own in zip(change.asked, thing.row, strict=True):
        if asked is not UNSET and asked != own:
            return False
    for step in change.steps:
        same = _SAME.get(type(step))
        if same is None or not same(hand, thing, step):
            return False
    return True


def _replace(_: Hand, thing: Object, step: changes.Replace) -> bool:
    return thing.lists[step.list] == step.items


def _replace_links(hand: Hand, thing: Object, step: changes.ReplaceLinks) -> bool:
    """What is linked exists; whoever is only referred to is left as it is (P43)."""
    ids = tuple([model.id for model in step.models])
    own = str(thing.value("id"))
    if step.list != SHARED:
        same = thing.lists[step.list] == ids
    elif thing.kind.name == "release":
        tracks = hand.tracks_of.get(own, ())
        places = [(hand.links[own, track].position, track) for track in tracks]
        same = sorted(places) == list(enumerate(ids, 1))
    else:
        same = hand.releases_of.get(own, {}).keys() == set(ids)
    return same and _only_refers(step.models)


def _only_refers(models: tuple[Change, ...]) -> bool:
    return all(model.action == "refer" for model in models)


def _point_at(_: Hand, thing: Object, step: changes.PointAt) -> bool:
    if step.model is None:
        return thing.row[step.column] is None
    return thing.row[step.column] == step.model.id and step.model.action == "refer"


def _replace_territories(_: Hand, thing: Object, step: changes.ReplaceTerritories) -> bool:
    return thing.value("territory_set_id") == step.territories.id


_SAME: dict[type, Callable[[Hand, Object, Any], bool]] = {
    changes.Replace: _replace,
    changes.ReplaceLinks: _replace_links,
    changes.PointAt: _point_at,
    changes.ReplaceTerritories: _replace_territories,
}
"""How a step is known to change nothing."""
