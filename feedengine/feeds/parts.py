"""What may stand where in a usual package, and what it does there.

All follow from the declarations. What is not here needs a second look, right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from feedengine.feeds import rules
from feedengine.feeds.draft import Amount, Draft
from feedengine.feeds.item_parts import (
    ANNOUNCED,
    EITHER,
    bare_item,
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
    from feedengine.feeds.rules import Mode
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
    made, own = _OBJECTS.get(name, _model_object), word_in(attributes)
    if not attributes.keys() <= {*rules.ACTION_ATTRIBUTES, OWN_ID}:
        return None
    action = (own or above or "view") if own is None or above in {None, own} else rules.UNKNOWN
    return made(action, name, attributes) if action in rules.PRIMARY else None


def _model_object(action: str, name: str, attributes: Attributes) -> Part | None:
    """A model as a package's object."""
    kind = by_element().get(name)
    if kind is None:
        return None
    begin = ((Draft.begin_object, kind), *_own_id(attributes))
    if action == "delete":
        return Part(partial(_only_id, kind), begin=begin, end=((Draft.end_deleted, False),))
    inside = partial(_child, kind, mode=rules.MODE_OF[action])
    return Part(inside, begin=begin, end=((Draft.end_object, action),))


def _setting(action: str, _name: str, attributes: Attributes) -> Part | None:
    """P44: the territories of the release with the same ID."""
    kind = kinds()["release"]
    begin = ((Draft.begin_object, kind), *_own_id(attributes))
    if action == "delete":
        return Part(partial(_only_id, kind), begin=begin, end=((Draft.end_deleted, True),))

    def inside(name: str, attributes: Attributes) -> Part | None:
        known = name == "Territories"
        mode = rules.MODE_OF[action]
        return (
            _child(kind, name, attributes, mode=mode) if known else _only_id(kind, name, attributes)
        )

    return Part(inside, begin=begin, end=((Draft.end_setting, action),))


_GENRE_ACTIONS: MappingProxyType[str, Mapping[str | None, str]] = MappingProxyType(
    {
        "create": {None: "create"},
        "upsert": {None: "upsert"},
        "view": {None: "view"},
        "update": {
            None: "upsert",
            "push": "upsert",
            "create": "create",
            "upsert": "upsert",
            "pull": "pull",
        },
    }
)
"""P44: what a list of genres does, and what stands on one of them → what becomes of that one."""


def _genres(action: str, _name: str, attributes: Attributes) -> Part | None:
    """P44: the genre list."""
    actions, kind = _GENRE_ACTIONS.get(action), kinds()["genre"]
    if actions is None or OWN_ID in attributes:
        return None

    def inside(name: str, attributes: Attributes) -> Part | None:
        own = actions.get(word_in(attributes))
        if name != "Genre" or own is None or not attributes.keys() <= _MODEL_ATTRIBUTES:
            return None
        begin = ((Draft.begin_model, kind), *_own_id(attributes))
        content = partial(_child, kind, mode="create")
        return Part(content, begin=begin, end=((Draft.end_genre, own),))

    begin, end = ((Draft.begin_genres, None),), ((Draft.end_genres, action),)
    return Part(inside, begin=begin, end=end)


def _listed_alone(action: str, _name: str, attributes: Attributes) -> Part | None:
    """P44: territories alone, which were read beforehand."""
    if action != "view" or attributes:
        return None
    return Part(begin=((Draft.begin_frame, 2),), end=((Draft.end_listed, None),))


_OBJECTS: MappingProxyType[str, Callable[[str, str, Attributes], Part | None]] = MappingProxyType(
    {"ReleaseSetting": _setting, "Genres": _genres, "Territories": _listed_alone}
)
"""What may be a package's object besides a model (P10)."""

_MODEL_ATTRIBUTES = frozenset({*rules.ACTION_ATTRIBUTES, OWN_ID})


def _own_id(attributes: Attributes) -> tuple[Do, ...]:
    """P14: what an ``id=`` does besides."""
    return ((Draft.own_id, None),) if OWN_ID in attributes else ()


def _only_id(kind: Kind, name: str, attributes: Attributes) -> Part | None:
    slot = slots(kind).get(name)
    if slot is None or slot.leaf is None or slot.leaf.column != "id" or attributes:
        return None
    return _field(slot.leaf, attributes, nullable=False)


def _child(kind: Kind, name: str, attributes: Attributes, *, mode: Mode) -> Part | None:
    """A field of a model, a collection in it, a nested model."""
    slot = slots(kind).get(name)
    if slot is None:
        return None
    if slot.leaf is not None:
        word = word_in(attributes)
        if word is None:
            return _field(slot.leaf, attributes, nullable=not slot.leaf.required)
        return _amount(slot.leaf, word, attributes) if mode == "update" else None
    return _CHILDREN[slot.style](slot, name, attributes, mode=mode)


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
    name: str, end: Do, inside: Callable[..., Part | None], attributes: Attributes, *, mode: Mode
) -> Part | None:
    """A collection; where its items have sub-actions, that may be announced, or said once (P30)."""
    begin = ((Draft.begin_list, name),)
    inside = partial(inside, mode=mode)
    if not attributes:
        return Part(inside, begin=begin, end=(end,), empty=(*begin, end))
    word = word_in(attributes)
    if mode != "update" or not attributes.keys() <= rules.ACTION_ATTRIBUTES:
        return None
    if word in rules.HOLDING:
        inside = partial(inside, held=word)
    elif word not in _ANNOUNCED:
        return None
    return Part(inside, begin=begin, end=((Draft.end_edits, name),))


def _children(slot: Slot, name: str, attributes: Attributes, *, mode: Mode) -> Part | None:
    """A list of items that are no models."""
    kind = slot.list
    if kind is None:
        return None
    end = (Draft.end_list, kind.index)
    inside = named_item if kind.listed.style == "named" else item
    return _collection(name, end, partial(inside, kind), attributes, mode=mode)


def _bare(slot: Slot, _name: str, attributes: Attributes, *, mode: Mode) -> Part | None:
    """An item without its collection (P15)."""
    return None if slot.list is None else bare_item(slot.list, attributes, mode=mode)


_LINK_ENDS = MappingProxyType(
    {
        None: (Draft.end_link, ("create", "update", "view")),
        "push": (Draft.push_link, ("update",)),
        "pull": (Draft.pull_link, ("update",)),
        "create": (Draft.create_link, ("create", "update")),
        "upsert": (Draft.upsert_link, ("create", "update")),
    }
)
"""A sub-action → what the end of a model in a list does (P26, P32, P33), and under which modes."""


def _links(slot: Slot, name: str, attributes: Attributes, *, mode: Mode) -> Part | None:
    """A list of models."""
    end = (Draft.end_links, slot.at)
    return _collection(name, end, partial(_linked, slot), attributes, mode=mode)


def _linked(
    slot: Slot, name: str, attributes: Attributes, *, mode: Mode, held: str | None = None
) -> Part | None:
    """A model in a list (P43)."""
    word = word_in(attributes)
    end, modes = _LINK_ENDS.get(word or held, (None, ()))
    known = attributes.keys() <= _MODEL_ATTRIBUTES and (held is None or word in {None, held})
    if name != slot.item or end is None or mode not in modes or not known:
        return None
    kind = kinds()[slot.target]
    begin = ((Draft.begin_model, kind), *_own_id(attributes))
    return Part(partial(_child, kind, mode="create"), begin=begin, end=((end, slot.at),))


def _one(slot: Slot, name: str, attributes: Attributes, *, mode: Mode) -> Part | None:
    """A single nested model."""
    if not attributes.keys() <= {OWN_ID}:  # an edit has no place on it
        return None
    del mode
    kind = kinds()[slot.target]
    start: Do = (Draft.begin_list, name)
    return Part(
        partial(_child, kind, mode="create"),
        begin=(start, (Draft.begin_one, kind), *_own_id(attributes)),
        end=((Draft.end_one, slot.at),),
        empty=(start, (Draft.point_nowhere, slot.at)),
    )


def _territories(_slot: Slot, name: str, attributes: Attributes, *, mode: Mode) -> Part | None:
    """A territory list: of a plain one only the tags are left here, it was read beforehand."""
    start: Do = (Draft.begin_list, name)
    edits = mode == "update"
    if not attributes:
        empty = (start, (Draft.empty_territories, name))
        inside = partial(edited, EITHER, None) if edits else None
        return Part(inside, begin=(start,), end=((Draft.end_territories, name),), empty=empty)
    word = word_in(attributes)
    wanted = ANNOUNCED.get(word)
    if not edits or wanted is None or not attributes.keys() <= rules.ACTION_ATTRIBUTES:
        return None
    inside = partial(edited, wanted, word if word in rules.HOLDING else None)
    return Part(inside, begin=(start,), end=((Draft.end_edits, name),))


_CHILDREN: MappingProxyType[str, Callable[..., Part | None]] = MappingProxyType(
    {
        "bare": _bare,
        "children": _children,
        "links": _links,
        "one": _one,
        "territories": _territories,
    }
)
"""How each style of `feedengine.feeds.models.Slot` is read."""


@cache
def packages() -> Automaton:
    """What is known of the markup of packages."""
    return Automaton(_frame)
