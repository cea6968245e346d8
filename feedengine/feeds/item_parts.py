"""What may stand in items of lists and in territories, and what it does there.

All follow from the declarations. What is not here needs a second look, right or wrong.
"""

from __future__ import annotations

from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from feedengine.feeds import rules
from feedengine.feeds.draft import Draft
from feedengine.feeds.markup import Attributes, Automaton, Do, Part, Takes
from feedengine.feeds.reading import BLANK
from feedengine.feeds.rows import ListDraft, Rows
from feedengine.model.entities import validity_list
from feedengine.model.instants import InvalidValueError, Remarks
from feedengine.model.scalars import COUNTRY

if TYPE_CHECKING:
    from feedengine.model.entities import Leaf, ListKind, Node
    from feedengine.model.scalars import Value


def word_in(attributes: Attributes) -> str | None:
    """P12: the action in lower case; None where there is none, ``?`` where it is in doubt."""
    words = {
        value.strip(BLANK).lower() if value.isascii() else rules.UNKNOWN
        for name, value in attributes.items()
        if name in rules.ACTION_ATTRIBUTES
    }
    if not words:
        return None
    return words.pop() if len(words) == 1 and words <= rules.WORDS else rules.UNKNOWN


def taking(leaf: Leaf, attributes: Attributes, *, required: bool) -> Takes | None:
    """How the text of a leaf is read (P16); None where its unit is none of its own."""
    unit = attributes.get("type")
    if unit is not None and unit not in leaf.scalar.units:
        return None
    read = None if leaf.plain else leaf.scalar.read
    return Takes(leaf.index, read, unit, required)


def edit_in(attributes: Attributes, *, edits: bool) -> str | None:
    """The sub-action of an item; ``?`` where it may not stand."""
    word = word_in(attributes)
    allowed = attributes.keys() <= rules.ACTION_ATTRIBUTES
    return word if allowed and (edits or word is None) else rules.UNKNOWN


# Items


def named_item(kind: ListKind, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """An item whose element's name is its own (P15); edits of such need a second look."""
    known = kind.node.attributes
    if edits or not attributes.keys() <= known.keys():
        return None
    row: list[Value | None] = [None] * len(kind.columns)
    row[kind.columns.index("name")] = name
    for given, text in attributes.items():
        row[known[given].index] = text.strip(BLANK) or None
    begin, end = (Rows.begin_named, tuple(row)), (Rows.end_item, kind)
    return Part(begin=(begin,), end=(end,), takes=Takes(kind.columns.index("value")))


_ITEM_ENDS = MappingProxyType(
    {None: Draft.end_item, "push": Draft.push_item, "pull": Draft.pull_item}
)
"""A sub-action → what the end of an item does (P32, P33)."""


def item(kind: ListKind, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """An item of a list."""
    end = _ITEM_ENDS.get(edit_in(attributes, edits=edits))
    if name != kind.listed.item or end is None:
        return None
    begin = ((Rows.begin_item, kind),)
    return Part(partial(_inside_item, kind.node), begin=begin, end=((end, kind),))


def _inside_item(node: Node, name: str, attributes: Attributes) -> Part | None:
    """An element of an item: a leaf, or what holds leaves."""
    below = node.children.get(name)
    if below is None:
        return None
    filled = [
        (leaf, attributes[given]) for given, leaf in below.attributes.items() if given in attributes
    ]
    others = {given: text for given, text in attributes.items() if given not in below.attributes}
    begin: list[Do] = [(Rows.begin_group, None)] if below.leaf is None else []
    for leaf, text in filled:
        value = _attribute(leaf, text)
        if value is None:
            return None
        begin.append((Rows.put_attribute, (leaf.index, value)))
    if below.leaf is None:
        return None if others else Part(partial(_inside_item, below), begin=tuple(begin))
    takes = taking(below.leaf, others, required=True)
    if takes is None or not others.keys() <= {"type"}:
        return None
    return Part(begin=tuple(begin), takes=takes)


def _attribute(leaf: Leaf, text: str) -> Value | None:
    """The value of an attribute that fills a column; None where there is any doubt."""
    remarks: Remarks = []
    trimmed = text.strip(BLANK)
    try:
        value = leaf.scalar.read(trimmed, None, remarks) if trimmed else None
    except InvalidValueError:
        return None
    return None if remarks else value


# Territories


def _list() -> Part:
    """In what a territory list stands."""

    def whole(name: str, attributes: Attributes) -> Part | None:
        return Part(_territory) if name == "Territories" and not attributes else None

    return Part(whole)


_BEGIN_TERRITORY: Do = (Rows.begin_territory, None)
_END_TERRITORY: Do = (ListDraft.end_territory, None)
_COUNTRY = Takes(0, COUNTRY.read)


def _territory(name: str, attributes: Attributes) -> Part | None:
    """A territory, or a country without validities."""
    inside = _in_territory if name == "Territory" else None
    if attributes or (inside is None and name != "Country"):
        return None
    takes = _COUNTRY if inside is None else None
    return Part(inside, begin=(_BEGIN_TERRITORY,), end=(_END_TERRITORY,), takes=takes)


def _country(name: str, attributes: Attributes) -> Part | None:
    if name != "Country" or attributes:
        return None
    return Part(begin=((Rows.at_country, None),), takes=_COUNTRY)


def _in_territory(name: str, attributes: Attributes) -> Part | None:
    kind = validity_list()
    if name != kind.listed.plural or attributes:
        return _country(name, attributes)
    begin, end = (Rows.begin_validities, None), (Rows.end_validities, None)
    return Part(partial(item, kind, edits=False), begin=(begin,), end=(end,), empty=())


ANNOUNCED: MappingProxyType[str | None, str] = MappingProxyType(
    {"placement": "Country", "update": "Territory", "transform": "Territory"}
)
"""P30: which children of a territory list a word announces sub-actions on."""


def edited(wanted: str, name: str, attributes: Attributes) -> Part | None:
    """A territory, or a country, that is pushed or pulled."""
    word = edit_in(attributes, edits=True)
    if name != wanted or word not in rules.HOLDING:
        return None
    end: Do = (Draft.push_territory if word == "push" else Draft.pull_territory, None)
    if wanted == "Country":
        return Part(begin=(_BEGIN_TERRITORY,), end=(end,), takes=_COUNTRY)
    inside = _in_territory if word == "push" else _country
    return Part(inside, begin=(_BEGIN_TERRITORY,), end=(end,))


@cache
def territory_lists() -> Automaton:
    """What is known of the markup of territory lists."""
    return Automaton(_list)
