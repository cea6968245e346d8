"""The steps of a change, one function each, on a draft of the object (P30 to P36)."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from feedengine.catalogue import territories
from feedengine.catalogue.availability import too_many
from feedengine.catalogue.items import Items
from feedengine.catalogue.objects import Item, Key, Object
from feedengine.catalogue.territories import Validity
from feedengine.errors import Fault, Place, quoted
from feedengine.feeds import changes
from feedengine.feeds.changes import SHARED, Change
from feedengine.model.entities import links_to
from feedengine.model.scalars import LARGEST_DECIMAL, LARGEST_INTEGER, Value, decimal_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedengine.catalogue.decide import Decider
    from feedengine.catalogue.hand import Hand
    from feedengine.catalogue.territories import TerritorySet
    from feedengine.model.entities import Kind


FEW_VALIDITIES = 100
"""So many are never too many (`feedengine.catalogue.availability.too_many`)."""


class Draft:
    """An object while a package's steps are carried out; one for each object that changes.

    A model may be nested in itself: whoever changes an object works on the same draft. What it
    comes to is put back in hand when the package is through (`Decider.put_back`), so that a step
    costs what it touches and not what the object holds.
    """

    __slots__ = ("_lists", "_relisted", "_territories", "hand", "key", "kind", "row")

    def __init__(self, hand: Hand, key: Key) -> None:
        """Take the object up as it stands."""
        thing = hand.objects[key]
        if thing is None:
            raise LookupError(key)
        self.hand = hand
        self.key = key
        self.kind = thing.kind
        self.row: list[Value | None] = list(thing.row)
        self._lists: list[tuple[Item, ...] | Items] = list(thing.lists)
        self._relisted = False
        self._territories: TerritorySet | None = None

    def items(self, index: int) -> Items:
        """A list, to be edited."""
        found = self._lists[index]
        if isinstance(found, tuple):
            one = self.kind.lists[index]
            found = self._lists[index] = Items(() if one.is_link else one.key, found)
        return found

    def replace(self, index: int, items: tuple[Item, ...]) -> None:
        """A list now holds these."""
        self._lists[index] = items

    def put_back(self) -> None:
        """The object now stands like this."""
        if self._relisted:
            declared = self._territories
            index = self.kind.position["territory_set_id"]
            self.row[index] = None if declared is None else self.hand.keep_set(declared)
        lists = tuple([one if isinstance(one, tuple) else one.all() for one in self._lists])
        self.hand.put(self.key, Object(self.kind, tuple(self.row), lists))

    @property
    def crowded(self) -> bool:
        """Whether the object's own validities would open too many windows (A2, A4)."""
        own = _validities_of(self.kind)
        if own is None or len(found := self._lists[own]) <= FEW_VALIDITIES:
            return False
        items = found if isinstance(found, tuple) else found.all()
        return too_many([Validity(*item) for item in items])

    @property
    def declares(self) -> bool:
        """Whether a territory list is declared, be it an empty one."""
        if self._relisted:
            return self._territories is not None
        return self.row[self.kind.position["territory_set_id"]] is not None

    @property
    def territories(self) -> TerritorySet | None:
        """The declared territory list."""
        if self._relisted or not self.declares:
            return self._territories
        return self.hand.sets[str(self.row[self.kind.position["territory_set_id"]])]

    @territories.setter
    def territories(self, declared: TerritorySet | None) -> None:
        self._relisted = True
        self._territories = declared


@cache
def _validities_of(kind: Kind) -> int | None:
    """Which of an object's lists are its own validities."""
    return next((one.index for one in kind.lists if one.name == "validity"), None)


def _replace(_: Decider, draft: Draft, step: changes.Replace) -> None:
    """P21: the list is replaced whole."""
    draft.replace(step.list, step.items)


def _push(_: Decider, draft: Draft, step: changes.Push) -> None:
    """P32: in place of the item with the same key, or at the end."""
    draft.items(step.list).push(step.item)


def _pull(decider: Decider, draft: Draft, step: changes.Pull) -> None:
    """P33: every item that matches all scalars given goes."""
    if not draft.items(step.list).pull(step.match):
        item = draft.kind.lists[step.list].listed.item
        _no_match(decider, step.place, f"no {item} of the list matches")


def _no_match(decider: Decider, place: Place, message: str) -> None:
    strict = decider.terms.strict
    decider.fault(Fault("pull-no-match", "P33", place, message, refused=strict))


def _settled(decider: Decider, model: Change) -> bool:
    """Carry out a nested model; whether it can be linked now (P26, P43)."""
    if model.action == "refer" and decider.hand.exists((model.kind.name, model.id)):
        return True
    return decider.nested(model)


def _replace_links(decider: Decider, draft: Draft, step: changes.ReplaceLinks) -> None:
    """P21: the list of links is replaced whole."""
    if step.list == SHARED:
        replace_shared(decider, draft.key, step)
        return
    exists = decider.hand.exists
    linked = [
        model.id
        for model in step.models
        if (model.action == "refer" and exists((model.kind.name, model.id)))
        or decider.nested(model)
    ]
    draft.replace(step.list, tuple(linked))


def replace_shared(decider: Decider, key: Key, step: changes.ReplaceLinks) -> None:
    """The same for release–track links: others go, then each model is carried out and linked."""
    hand, (kind, own) = decider.hand, key
    named = {model.id for model in step.models}
    if kind == "release":
        for track in sorted(hand.tracks_of.get(own, ())):
            if track not in named:
                hand.put_link(own, track, None)
        for position, model in enumerate(step.models, 1):
            if _settled(decider, model):
                hand.put_link(own, model.id, position)
        return
    for release in sorted(hand.releases_of.get(own, ())):
        if release not in named:
            hand.put_link(release, own, None)
    for model in step.models:
        if _settled(decider, model):
            _link_at_end(hand, model.id, own)


def _link_at_end(hand: Hand, release: str, track: str) -> None:
    if (release, track) not in hand.links:
        hand.put_link(release, track, hand.end_position(release))


def _push_link(decider: Decider, draft: Draft, step: changes.PushLink) -> None:
    """P32: linked once, at the end where it was not linked before."""
    model = step.model
    if not _settled(decider, model):
        return
    if step.list != SHARED:
        draft.items(step.list).push(model.id)
        return
    kind, own = draft.key
    release, track = (own, model.id) if kind == "release" else (model.id, own)
    _link_at_end(decider.hand, release, track)


def _pull_link(decider: Decider, draft: Draft, step: changes.PullLink) -> None:
    """P33: the link to this ID goes."""
    if step.list == SHARED:
        kind, own = draft.key
        release, track = (own, step.id) if kind == "release" else (step.id, own)
        if (release, track) in decider.hand.links:
            decider.hand.put_link(release, track, None)
            return
    elif draft.items(step.list).discard(step.id):
        return
    _no_match(decider, step.place, f"{quoted(step.id)} is not in the list")


def _point_at(decider: Decider, draft: Draft, step: changes.PointAt) -> None:
    """A single nested model: its ID goes into the column."""
    if step.model is None:
        draft.row[step.column] = None
    elif _settled(decider, step.model):
        draft.row[step.column] = step.model.id


def _adjust(decider: Decider, draft: Draft, step: changes.Adjust) -> None:
    """P34: exact decimals, NULL counts as 0, nothing goes below 0."""
    name = draft.kind.columns[step.column]
    before = draft.row[step.column] or 0
    after = Decimal(before) + step.sign * Decimal(step.amount)
    if after < 0:
        message = f"{name} is {before}; it cannot be decreased by {step.amount}"
        decider.fault(Fault("below-zero", "P34", step.place, message))
        return
    whole = isinstance(step.amount, int)
    largest = LARGEST_INTEGER if whole else LARGEST_DECIMAL
    if after > largest:
        message = f"{name} would be larger than {largest}"
        decider.fault(Fault("value-invalid", "P34", step.place, message))
    else:
        draft.row[step.column] = int(after) if whole else decimal_text(after)


def _replace_territories(_: Decider, draft: Draft, step: changes.ReplaceTerritories) -> None:
    """P36: the list is declared, maybe empty."""
    draft.territories = step.territories


def _push_territory(decider: Decider, draft: Draft, step: changes.PushTerritory) -> None:
    """P32, P36: the country's entry; on a track this may begin a list that narrows."""
    declared, hand = draft.territories, decider.hand
    if declared is None and draft.key[0] == "track":
        releases = hand.releases_of.get(draft.key[1], ())
        if any(_declares(decider, release) for release in releases):
            message = "this begins a list on the track, beside that of its release"
            decider.fault(Fault("territory-list-begun", "P36", step.place, message))
    draft.territories = territories.push(declared, step.country, step.validities)


def _declares(decider: Decider, release: str) -> bool:
    draft = decider.drafts.get(("release", release))
    if draft is not None:
        return draft.declares
    thing = decider.hand.objects.get(("release", release))
    return thing is not None and thing.value("territory_set_id") is not None


def _pull_territory(decider: Decider, draft: Draft, step: changes.PullTerritory) -> None:
    """P36: the country's entry goes."""
    left, matched = territories.pull(draft.territories, step.country)
    if not matched:
        _no_match(decider, step.place, f"{step.country} is not in the list")
    draft.territories = left


def _undeclare(_: Decider, draft: Draft, _step: changes.Undeclare) -> None:
    """P44: the list is no longer declared."""
    draft.territories = None


def cut_links(decider: Decider, key: Key) -> None:
    """P23: every link to an object that goes, in the order of the owners' kinds and ids."""
    hand = decider.hand
    for owner in sorted(hand.referrers.get(key, ())):
        if not hand.exists(owner):
            continue
        hand.touch(owner)
        draft = decider.draft(owner)
        for kind, one in links_to(key[0]):
            if kind is draft.kind:
                draft.items(one.index).discard(key[1])
        for index, target in draft.kind.ones.values():
            if target == key[0] and draft.row[index] == key[1]:
                draft.row[index] = None


EDITS: dict[type, Callable[[Any, Draft, Any], None]] = {
    changes.Replace: _replace,
    changes.Push: _push,
    changes.Pull: _pull,
    changes.ReplaceLinks: _replace_links,
    changes.PushLink: _push_link,
    changes.PullLink: _pull_link,
    changes.PointAt: _point_at,
    changes.Adjust: _adjust,
    changes.ReplaceTerritories: _replace_territories,
    changes.PushTerritory: _push_territory,
    changes.PullTerritory: _pull_territory,
    changes.Undeclare: _undeclare,
}
"""How each step is carried out."""
