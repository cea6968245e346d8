"""What has to be loaded before a batch can be decided: every object that its changes name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feedengine.feeds import changes
from feedengine.feeds.changes import SHARED, Change, GenreList, Request, TerritoryView

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedengine.catalogue.hand import LinkKey
    from feedengine.catalogue.objects import Key


@dataclass(slots=True)
class Needs:
    """Keys by how much of an object is needed.

    ``whole``: it may change, or is shown. ``known``: whether it exists. ``tracks``, ``releases``:
    ids whose links are needed, from the track's or the release's side. ``gone``: it may be deleted,
    so whoever links to it is needed whole. ``begun``: tracks that may begin a territory list, so
    their releases are needed. ``sets``: objects whose territory list is edited or shown.
    ``seen``: models from files that were asked, by their places in memory.

    ``joins``: links that tracks ask for: where one is not there yet, the end of the release's list
    is needed. ``loose``: tracks that may leave releases, and the releases that they stay on for
    certain; where one may leave, all links of a release are needed to know its end.
    """

    whole: set[Key] = field(default_factory=set)
    known: set[Key] = field(default_factory=set)
    tracks: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    gone: set[Key] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    sets: set[Key] = field(default_factory=set)
    seen: dict[int, Change] = field(default_factory=dict)
    joins: set[LinkKey] = field(default_factory=set)
    loose: dict[str, frozenset[str]] = field(default_factory=dict)


def needs_of(requests: list[Request]) -> Needs:
    """What a batch of packages needs.

    Models from files may stand in several places and name each other in circles: each is asked
    once.
    """
    needs = Needs()
    for request in requests:
        if isinstance(request, GenreList):
            for member in request.members:
                _add(needs, member)
        elif not isinstance(request, TerritoryView):
            _add(needs, request)
    if needs.begun:  # whether a release declares a list matters, also of one linked on the way
        needs.whole.update(("release", release) for release in needs.releases)
        needs.whole.update(("release", release) for release, _ in needs.joins)
    return needs


def _add(needs: Needs, change: Change) -> None:
    key = (change.kind.name, change.id)
    if change.source is not None and _asked_before(needs, change):
        return
    if change.action == "refer":
        needs.known.add(key)
    else:
        needs.whole.add(key)
        if change.action in _SHOWN_OR_GONE:
            _whole(needs, change, key)
    for step in change.steps:
        asks = _ASKS.get(type(step))
        if asks is not None:
            asks(needs, key, step)


_SHOWN_OR_GONE = frozenset({"delete", "pull", "view"})


def _whole(needs: Needs, change: Change, key: Key) -> None:
    """What a Delete, a genre's Pull and a View need besides the object."""
    if change.action == "view":
        needs.sets.add(key)
    elif not change.setting:
        needs.gone.add(key)
    if change.action != "pull":
        _links(needs, key)
    if change.action == "delete" and key[0] == "track":
        needs.loose[key[1]] = _NOWHERE


def _asked_before(needs: Needs, change: Change) -> bool:
    """Whether a model from a file was dealt with; where it is bare, its file has the rest (P42)."""
    if id(change) in needs.seen:
        return True
    needs.seen[id(change)] = change
    whole = change.source.change if change.source is not None else None
    if whole is not None and whole is not change:
        _add(needs, whole)
    return False


_NOWHERE: frozenset[str] = frozenset()


def _links(needs: Needs, key: Key) -> None:
    if key[0] == "release":
        needs.releases.add(key[1])
    elif key[0] == "track":
        needs.tracks.add(key[1])


def _linked(needs: Needs, owner: Key, at: int, model: Change) -> None:
    """A nested model; where it is linked to a release, the end of that release's list matters."""
    _add(needs, model)
    if at == SHARED:
        _links(needs, owner)
        if model.kind.name == "release":
            needs.joins.add((model.id, owner[1]))


def _replace_links(needs: Needs, key: Key, step: changes.ReplaceLinks) -> None:
    for model in step.models:
        _linked(needs, key, step.list, model)
    if step.list == SHARED:
        _links(needs, key)
        if key[0] == "track":
            stays = frozenset([model.id for model in step.models])
            needs.loose[key[1]] = needs.loose.get(key[1], stays) & stays


def _push_link(needs: Needs, key: Key, step: changes.PushLink) -> None:
    _linked(needs, key, step.list, step.model)


def _pull_link(needs: Needs, key: Key, step: changes.PullLink) -> None:
    if step.list == SHARED:
        _links(needs, key)
        if key[0] == "track":
            needs.releases.add(step.id)


def _point_at(needs: Needs, _key: Key, step: changes.PointAt) -> None:
    if step.model is not None:
        _add(needs, step.model)


def _edit_territories(needs: Needs, key: Key, _step: changes.Step) -> None:
    needs.sets.add(key)
    if key[0] == "track":
        needs.begun.add(key[1])


_ASKS: dict[type, Callable[[Needs, Key, Any], None]] = {
    changes.ReplaceLinks: _replace_links,
    changes.PushLink: _push_link,
    changes.PullLink: _pull_link,
    changes.PointAt: _point_at,
    changes.PushTerritory: _edit_territories,
    changes.PullTerritory: _edit_territories,
}
"""What each kind of step needs besides the object itself."""
