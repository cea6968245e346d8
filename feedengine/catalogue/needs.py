"""What has to be loaded before a batch can be decided: every object that its changes name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from feedengine.feeds import changes
from feedengine.feeds.changes import SHARED, Change, GenreList, Request, TerritoryView

if TYPE_CHECKING:
    from feedengine.catalogue.objects import Key

_TERRITORY_EDITS = (changes.PushTerritory, changes.PullTerritory)


@dataclass(slots=True)
class Needs:
    """Keys by how much of an object is needed.

    ``whole``: it may change, or is shown. ``known``: whether it exists. ``tracks``, ``releases``:
    ids whose links are needed, from the track's or the release's side. ``gone``: it may be deleted,
    so whoever links to it is needed whole. ``begun``: tracks that may begin a territory list, so
    their releases are needed. ``sets``: objects whose territory list is edited or shown.
    ``seen``: models from files that were asked, by their places in memory.
    """

    whole: set[Key] = field(default_factory=set)
    known: set[Key] = field(default_factory=set)
    tracks: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    gone: set[Key] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    sets: set[Key] = field(default_factory=set)
    seen: dict[int, Change] = field(default_factory=dict)


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
    return needs


def _add(needs: Needs, change: Change) -> None:
    key = (change.kind.name, change.id)
    if change.source is not None and _asked_before(needs, change):
        return
    (needs.known if change.action == "refer" else needs.whole).add(key)
    if change.action in {"delete", "pull"} and not change.setting:
        needs.gone.add(key)
    if change.action in {"delete", "view"}:
        _links(needs, key)
    if change.action == "view":
        needs.sets.add(key)
    for step in change.steps:
        if isinstance(step, changes.ReplaceLinks):
            for model in step.models:
                _linked(needs, key, step.list, model)
            if step.list == SHARED:
                _links(needs, key)
        elif isinstance(step, changes.PushLink):
            _linked(needs, key, step.list, step.model)
        elif isinstance(step, changes.PullLink):
            if step.list == SHARED:
                _links(needs, key)
        elif isinstance(step, changes.PointAt):
            if step.model is not None:
                _add(needs, step.model)
        elif isinstance(step, _TERRITORY_EDITS):
            needs.sets.add(key)
            if key[0] == "track":
                needs.begun.add(key[1])


def _asked_before(needs: Needs, change: Change) -> bool:
    """Whether a model from a file was dealt with; where it is bare, its file has the rest (P42)."""
    if id(change) in needs.seen:
        return True
    needs.seen[id(change)] = change
    whole = change.source.change if change.source is not None else None
    if whole is not None and whole is not change:
        _add(needs, whole)
    return False


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
            needs.releases.add(model.id)
