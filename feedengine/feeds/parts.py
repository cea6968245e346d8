"""What may stand where in a usual package, and what it does there.

All follow from the declarations. What is not here needs a second look, right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from feedengine.feeds import rules
from feedengine.feeds.draft import Amount, Draft
from feedengine.feeds.item_parts import (
    ANNOUNCED,
    edit_in,
    edited,
    item,
    named_item,
    taking,
    word_in,
)
from feedengine.feeds.markup import Attributes, Automaton, Do, Part, Takes
from feedengine.feeds.models import Slot, slots
from feedengine.feeds.plain import OWN_ID
from feedengine.model.entities import by_element, kinds

if TYPE_CHECKING:
    from feedengine.model.entities import Kind, Leaf


def _frame() -> Part:
    """P10: in what the root element stands."""

    def root(name: str, attributes: Attributes) -> Part | None:
        known = name in rules.ROOTS and not attributes
        return Part(_schema, begin=((Draft.begin_frame, 0),)) if known else None

    return Part(root)


def _schema(name: str, attributes: Attributes) -> Part | None:
    if name != "Schema" or not attributes.keys() <= rules.SCHEMA_ATTRIBUTES:
        return None
    if attributes.get("version", "1.0") not in rules.SCHEMA_VERSIONS:
        return None
    inside = partial(_object, word_in(attributes))
    return Part(inside, begin=((Draft.begin_frame, 1),))


def _object(above: str | None, name: str, attributes: Attributes) -> Part | None:
    """P13: the package's object under its primary action."""
    kind, own = by_element().get(name), word_in(attributes)
    if kind is None or not attributes.keys() <= {*rules.ACTION_ATTRIBUTES, OWN_ID}:
        return None
    action = (own or above or "view") if own is None or above in {None, own} else rules.UNKNOWN
    begin = ((Draft.begin_object, kind), *_own_id(attributes))
    if action == "delete":
        inside: Callable[[str, Attributes], Part | None] = partial(_only_id, kind)
        return Part(inside, begin=begin, end=((Draft.end_deleted, kind),))
    if action not in rules.MODE_OF or action == "refer":
        return None
    inside = partial(_child, kind, edits=action == "update")
    return Part(inside, begin=begin, end=((Draft.end_object, action),))


def _own_id(attributes: Attributes) -> tuple[Do, ...]:
    """P14: what an ``id=`` does besides."""
    return ((Draft.own_id, None),) if OWN_ID in attributes else ()


def _only_id(kind: Kind, name: str, attributes: Attributes) -> Part | None:
    slot = slots(kind).get(name)
    if slot is None or slot.leaf is None or slot.leaf.column != "id" or attributes:
        return None
    return _field(slot.leaf, attributes, nullable=False)


def _child(kind: Kind, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """A field of a model, a collection in it, a nested model."""
    slot = slots(kind).get(name)
    if slot is None:
        return None
    if slot.leaf is not None:
        word = word_in(attributes)
        if word is None:
            return _field(slot.leaf, attributes, nullable=not slot.leaf.required)
        return _amount(slot.leaf, word, attributes) if edits else None
    made = _CHILDREN.get(slot.style)
    return None if made is None else made(slot, name, attributes, edits=edits)


def _field(leaf: Leaf, attributes: Attributes, *, nullable: bool) -> Part | None:
    takes = taking(leaf, attributes, required=not nullable)
    if takes is None or not attributes.keys() <= {"type"}:
        return None
    empty = ((Draft.put_null, leaf.index),) if nullable and not attributes else None
    return Part(takes=takes, empty=empty)


def _amount(leaf: Leaf, word: str, attributes: Attributes) -> Part | None:
    """P34: Increase and Decrease, of numbers."""
    sign = rules.COUNTING.get(word)
    if sign is None or not leaf.scalar.numeric or not attributes.keys() <= rules.ACTION_ATTRIBUTES:
        return None
    amount = Amount(leaf.index, sign)
    takes = Takes(0, leaf.scalar.read)
    begin, end = ((Draft.begin_amount, amount),), ((Draft.end_amount, amount),)
    return Part(begin=begin, end=end, takes=takes)


_ANNOUNCED = frozenset({"update", "transform"})
"""P30: the words that announce sub-actions on the models of a list."""


def _collection(
    name: str, end: Do, inside: Callable[..., Part | None], attributes: Attributes, *, edits: bool
) -> Part | None:
    """A collection; where its items have sub-actions, that may be announced (P30)."""
    begin = ((Draft.begin_list, name),)
    inside = partial(inside, edits=edits)
    if not attributes:
        return Part(inside, begin=begin, end=(end,), empty=(*begin, end))
    announced = attributes.keys() <= rules.ACTION_ATTRIBUTES and word_in(attributes) in _ANNOUNCED
    if not edits or not announced:
        return None
    return Part(inside, begin=begin, end=((Draft.end_edits, name),))


def _children(slot: Slot, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """A list of items that are no models."""
    kind = slot.list
    if kind is None:
        return None
    end = (Draft.end_list, kind.index)
    named = kind.listed.style == "named"
    inside = partial(named_item if named else item, kind)
    return _collection(name, end, inside, attributes, edits=edits and not named)


_LINK_ENDS = MappingProxyType(
    {None: Draft.end_link, "push": Draft.push_link, "pull": Draft.pull_link}
)
"""A sub-action → what the end of a model in a list does (P32, P33)."""


def _links(slot: Slot, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """A list of models."""
    end = (Draft.end_links, slot.at)
    return _collection(name, end, partial(_linked, slot), attributes, edits=edits)


def _linked(slot: Slot, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """A model in a list (P43)."""
    others = {given: text for given, text in attributes.items() if given != OWN_ID}
    end = _LINK_ENDS.get(edit_in(others, edits=edits))
    if name != slot.item or end is None:
        return None
    kind = kinds()[slot.target]
    begin = ((Draft.begin_model, kind), *_own_id(attributes))
    return Part(partial(_child, kind, edits=False), begin=begin, end=((end, slot.at),))


def _one(slot: Slot, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """A single nested model."""
    if not attributes.keys() <= {OWN_ID}:  # an edit has no place on it
        return None
    del edits
    kind = kinds()[slot.target]
    start: Do = (Draft.begin_list, name)
    return Part(
        partial(_child, kind, edits=False),
        begin=(start, (Draft.begin_one, kind), *_own_id(attributes)),
        end=((Draft.end_one, slot.at),),
        empty=(start, (Draft.point_nowhere, slot.at)),
    )


def _territories(_slot: Slot, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """A territory list: of a plain one only the tags are left here, it was read beforehand."""
    start: Do = (Draft.begin_list, name)
    if not attributes:
        empty = (start, (Draft.empty_territories, name))
        return Part(begin=(start,), end=((Draft.end_territories, name),), empty=empty)
    wanted = ANNOUNCED.get(word_in(attributes))
    if not edits or wanted is None or not attributes.keys() <= rules.ACTION_ATTRIBUTES:
        return None
    return Part(partial(edited, wanted), begin=(start,), end=((Draft.end_edits, name),))


_CHILDREN: MappingProxyType[str, Callable[..., Part | None]] = MappingProxyType(
    {"children": _children, "links": _links, "one": _one, "territories": _territories}
)
"""How each style of `feedengine.feeds.models.Slot` is read; others need a second look."""


@cache
def packages() -> Automaton:
    """What is known of the markup of packages."""
    return Automaton(_frame)
