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
    from feedengine.feeds.rules import Mode
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


def edit_in(attributes: Attributes, held: str | None, *, edits: bool) -> str | None:
    """The sub-action of an item, its own or its list's; ``?`` where it may not stand."""
    word = word_in(attributes)
    if not attributes.keys() <= rules.ACTION_ATTRIBUTES or (held and word not in {None, held}):
        return rules.UNKNOWN
    word = word or held
    return word if edits or word is None else rules.UNKNOWN


# Items


_ITEM_ENDS = MappingProxyType(
    {None: Draft.end_item, "push": Draft.push_item, "pull": Draft.pull_item}
)
"""A sub-action → what the end of an item does (P32, P33)."""

_BARE_ENDS = MappingProxyType(
    {None: Draft.end_bare, "push": Draft.push_bare, "pull": Draft.pull_bare}
)
"""The same of an item without its collection (P15)."""


def named_item(
    kind: ListKind, name: str, attributes: Attributes, *, mode: Mode, held: str | None = None
) -> Part | None:
    """An item whose element's name is its own (P15)."""
    known = kind.node.attributes
    others = {given: text for given, text in attributes.items() if given not in known}
    word = edit_in(others, held, edits=mode == "update")
    end = _ITEM_ENDS.get(word)
    if end is None:
        return None
    row: list[Value | None] = [None] * len(kind.columns)
    row[kind.columns.index("name")] = name
    for given, leaf in known.items():
        row[leaf.index] = attributes.get(given, "").strip(BLANK) or None
    begin: tuple[Do, ...] = ((Rows.begin_named, tuple(row)),)
    ends: tuple[Do, ...] = ((end, kind),)
    takes = Takes(kind.columns.index("value"), required=word != "pull")
    return Part(begin=begin, end=ends, takes=takes, empty=begin + ends if word == "pull" else None)


def item(
    kind: ListKind, name: str, attributes: Attributes, *, mode: Mode, held: str | None = None
) -> Part | None:
    """An item of a list."""
    end = _ITEM_ENDS.get(edit_in(attributes, held, edits=mode == "update"))
    if name != kind.listed.item or end is None:
        return None
    begin = ((Rows.begin_item, kind),)
    return Part(partial(_inside_item, kind.node), begin=begin, end=((end, kind),))


def bare_item(kind: ListKind, attributes: Attributes, *, mode: Mode) -> Part | None:
    """An item without its collection (P15)."""
    end = _BARE_ENDS.get(edit_in(attributes, None, edits=mode == "update"))
    if end is None:
        return None
    begin = ((Draft.begin_bare, None), (Rows.begin_item, kind))
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
    required = below.leaf.required or bool(filled)
    takes = taking(below.leaf, others, required=required)
    if takes is None or not others.keys() <= {"type"}:
        return None
    empty = None if required or others else ((Rows.put_void, below.leaf.index),)
    return Part(begin=tuple(begin), takes=takes, empty=empty)


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
    return Part(partial(item, kind, mode="create"), begin=(begin,), end=(end,), empty=())


EITHER = frozenset({"Country", "Territory"})
_COUNTRIES, _TERRITORIES = frozenset({"Country"}), frozenset({"Territory"})

ANNOUNCED: MappingProxyType[str | None, frozenset[str]] = MappingProxyType(
    {
        "placement": _COUNTRIES,
        "update": _TERRITORIES,
        "transform": _TERRITORIES,
        "push": EITHER,
        "pull": EITHER,
    }
)
"""P30: which children of a territory list a word announces sub-actions on, or holds for."""


def edited(
    wanted: frozenset[str], held: str | None, name: str, attributes: Attributes
) -> Part | None:
    """A territory, or a country, that is pushed or pulled."""
    word = edit_in(attributes, held, edits=True)
    if name not in wanted or word not in rules.HOLDING:
        return None
    end: Do = (Draft.push_territory if word == "push" else Draft.pull_territory, None)
    if name == "Country":
        return Part(begin=(_BEGIN_TERRITORY,), end=(end,), takes=_COUNTRY)
    inside = _in_territory if word == "push" else _country
    return Part(inside, begin=(_BEGIN_TERRITORY,), end=(end,))


@cache
def territory_lists() -> Automaton:
    """What is known of the markup of territory lists."""
    return Automaton(_list)
