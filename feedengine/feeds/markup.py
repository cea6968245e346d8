"""What the markup between two values does: an automaton, made as documents are met.

A document is taken apart at its values: ``…<ID`` *t1* ``ID>…<Title`` *Hello* ``Title>…``. What
stands between two of them is the same text in one package after the other, so its meaning is
looked up: which elements end and begin (`Part`), what that does to the `Draft`, which column takes
the value that follows (`Step`). Markup that was never met is read by a strict grammar of what is
well-formed and what the declarations allow; everything else is `REFUSED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from feedengine.feeds import rules
from feedengine.feeds.draft import Amount, Draft, ListDraft, Rows, UnusualError
from feedengine.feeds.models import Slot, slots
from feedengine.feeds.reading import BLANK
from feedengine.model.entities import by_element, kinds, validity_list
from feedengine.model.instants import InvalidValueError, Remarks
from feedengine.model.scalars import COUNTRY

if TYPE_CHECKING:
    from feedengine.model.entities import Kind, Leaf, ListKind, Node
    from feedengine.model.scalars import Value

Attributes: TypeAlias = Mapping[str, str]
Do: TypeAlias = tuple[Callable[..., None], Any]
"""A method of the draft, and what it is told."""

Reader: TypeAlias = "Callable[[str, str | None, Remarks], Value]"

LONGEST_MARKUP = 1_000
MOST_MARKUP = 10_000
DEEPEST = 16
"""Elements within one another; what is nested deeper is read from its tree."""


class Takes(NamedTuple):
    """The column that takes an element's text, and how it is read; none reads plain text.

    ``required``: it may not be empty.
    """

    column: int
    read: Reader | None = None
    unit: str | None = None
    required: bool = True


class Part:
    """An element in its place: what it does, and which parts may stand inside.

    ``empty`` is what ``<Element/>`` does; None: that needs a second look.
    """

    __slots__ = ("_known", "begin", "empty", "end", "inside", "name", "takes")

    def __init__(
        self,
        inside: Callable[[str, Attributes], Part | None] | None = None,
        *,
        begin: tuple[Do, ...] = (),
        end: tuple[Do, ...] = (),
        empty: tuple[Do, ...] | None = None,
        takes: Takes | None = None,
    ) -> None:
        """Nothing has been met inside yet."""
        self.inside = inside
        self.begin = begin
        self.end = end
        self.empty = empty
        self.takes = takes
        self.name = ""
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], Part | None] = {}

    def part(self, name: str, attributes: Attributes) -> Part | None:
        """The part that an element inside is; the same for the same element."""
        if self.inside is None:
            return None
        mark = (name, tuple(sorted(attributes.items())))
        if mark not in self._known:
            found = self._known[mark] = self.inside(name, attributes)
            if found is not None:
                found.name = name
        return self._known[mark]


class Step(NamedTuple):
    """What a piece of markup does: to the draft, and with the value behind it.

    ``column`` is -1 where no value may stand.
    """

    then: State
    does: tuple[Do, ...]
    column: int
    read: Reader | None
    unit: str | None
    required: bool


class State(dict[str, Step]):
    """The elements that are open; markup → what it does there."""

    __slots__ = ("automaton", "parts")

    def __init__(self, automaton: Automaton, parts: tuple[Part, ...]) -> None:
        """No markup met yet."""
        super().__init__()
        self.automaton = automaton
        self.parts = parts

    def __missing__(self, markup: str) -> Step:
        """Learn what the markup does."""
        known = len(markup) <= LONGEST_MARKUP
        found = self._learnt(markup) if known else None
        step = found or Step(self, _REFUSED, -1, None, None, required=True)
        if known:
            self[markup] = step
            self.automaton.size += 1
        return step

    def _learnt(self, markup: str) -> Step | None:
        """P10, P15: what is well-formed and declared; None where it is anything else."""
        parts, does = list(self.parts), []
        ended, tags = _tags(markup, first=self is self.automaton.start)
        if tags is None or (ended and (not parts or parts[-1].name != ended)):
            return None
        if ended:
            does += parts.pop().end
        elif self is not self.automaton.start:
            return None
        here = parts[-1] if parts else self.automaton.frame if not ended else None
        for name, attributes, closed in tags:
            part = None if here is None else here.part(name, attributes)
            if part is None or (closed and part.empty is None):
                return None
            does += (part.empty or ()) if closed else part.begin
            if not closed:
                parts.append(part)
                here = part
        if len(parts) > DEEPEST:
            return None
        takes = here.takes if here is not None and tags and not tags[-1].closed else None
        column, read, unit, required = takes or _NO_VALUE
        return Step(self.automaton.state(tuple(parts)), tuple(does), column, read, unit, required)


class Automaton:
    """All that is known of the markup of packages, or of territory lists.

    Hostile documents have ever new markup: when too much is known, all is forgotten.
    """

    def __init__(self, frame: Callable[[], Part]) -> None:
        """Nothing is known yet; ``frame`` makes the part in which a document stands."""
        self._frame = frame
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.size = 0
        self.frame = self._frame()
        self.states: dict[tuple[Part, ...], State] = {}
        self.start = State(self, ())

    def begin(self) -> State:
        """The state in which nothing has been read."""
        if self.size > MOST_MARKUP:
            self.forget()
        return self.start

    def state(self, parts: tuple[Part, ...]) -> State:
        """The state in which these parts are open."""
        found = self.states.get(parts)
        if found is None:
            found = self.states[parts] = State(self, parts)
        return found


def _refuse(_draft: Rows, _nothing: None) -> None:
    raise UnusualError


_REFUSED: tuple[Do, ...] = ((_refuse, None),)
_NO_VALUE = Takes(-1)


# The grammar of markup


class _Tag(NamedTuple):
    name: str
    attributes: Attributes
    closed: bool


_VALUE = r"""(?:"[^"<>&\t\n]*"|'[^'<>&\t\n]*')"""
_PROLOG = re.compile(
    r"""(?:<\?xml version=(["'])1\.0\1(?: encoding=(["'])[Uu][Tt][Ff]-8\2)?[ \t\n]*\?>)?[ \t\n]*"""
)
_ENDED = re.compile(r"([A-Za-z]+)>[ \t\n]*")
_TAG = re.compile(rf"<([A-Za-z]+)((?:[ \t\n]+[A-Za-z]+={_VALUE})*)[ \t\n]*(/?)>[ \t\n]*")
_ATTRIBUTE = re.compile(rf"([A-Za-z]+)=({_VALUE})")


def _tags(markup: str, *, first: bool) -> tuple[str, list[_Tag] | None]:
    """The element that ends at the beginning of markup, and the tags behind it; None: refused.

    The bracket behind the last name was taken off with the value.
    """
    text = markup + ">"
    found = (_PROLOG if first else _ENDED).match(text)
    if found is None:
        return "", None
    at, ended = found.end(), "" if first else found[1]
    tags: list[_Tag] = []
    while at < len(text):
        tag = _TAG.match(text, at)
        if tag is None:
            return ended, None
        given = [(name, value[1:-1]) for name, value in _ATTRIBUTE.findall(tag[2])]
        attributes = dict(given)
        if len(attributes) < len(given):
            return ended, None
        tags.append(_Tag(tag[1], attributes, bool(tag[3])))
        at = tag.end()
    return ended, tags


# What may stand where


def _word(attributes: Attributes) -> str | None:
    """P12: the action in lower case; None where there is none, ``?`` where it is in doubt."""
    words = {
        value.strip(BLANK).lower() if value.isascii() else rules.UNKNOWN
        for name, value in attributes.items()
        if name in rules.ACTION_ATTRIBUTES
    }
    if len(words) > 1:
        return rules.UNKNOWN
    return words.pop() if words else None


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
    inside = partial(_object, _word(attributes))
    return Part(inside, begin=((Draft.begin_frame, 1),))


def _object(above: str | None, name: str, attributes: Attributes) -> Part | None:
    """P13: the package's object under its primary action."""
    kind, own = by_element().get(name), _word(attributes)
    if kind is None or not attributes.keys() <= rules.ACTION_ATTRIBUTES:
        return None
    action = (own or above or "view") if own is None or above in {None, own} else rules.UNKNOWN
    begin = ((Draft.begin_object, kind),)
    if action == "delete":
        inside: Callable[[str, Attributes], Part | None] = partial(_only_id, kind)
        return Part(inside, begin=begin, end=((Draft.end_deleted, kind),))
    if action not in rules.MODE_OF or action == "refer":
        return None
    inside = partial(_child, kind, edits=action == "update")
    return Part(inside, begin=begin, end=((Draft.end_object, action),))


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
        word = _word(attributes)
        if word is None:
            return _field(slot.leaf, attributes, nullable=not slot.leaf.required)
        return _amount(slot.leaf, word, attributes) if edits else None
    made = _CHILDREN.get(slot.style)
    return None if made is None else made(slot, name, attributes, edits)


def _field(leaf: Leaf, attributes: Attributes, *, nullable: bool) -> Part | None:
    takes = _takes(leaf, attributes, required=not nullable)
    if takes is None or not attributes.keys() <= {"type"}:
        return None
    empty = ((Draft.put_null, leaf.index),) if nullable and not attributes else None
    return Part(takes=takes, empty=empty)


def _takes(leaf: Leaf, attributes: Attributes, *, required: bool) -> Takes | None:
    """How the text of a leaf is read (P16); None where its unit is none of its own."""
    unit = attributes.get("type")
    if unit is not None and unit not in leaf.scalar.units:
        return None
    read = None if leaf.plain else leaf.scalar.read
    return Takes(leaf.index, read, unit, required)


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
    announced = attributes.keys() <= rules.ACTION_ATTRIBUTES and _word(attributes) in _ANNOUNCED
    if not edits or not announced:
        return None
    return Part(inside, begin=begin, end=((Draft.end_edits, name),))


def _children(slot: Slot, name: str, attributes: Attributes, edits: bool) -> Part | None:  # noqa: FBT001
    """A list of items that are no models."""
    kind = slot.list
    if kind is None:
        return None
    end = (Draft.end_list, kind.index)
    named = kind.listed.style == "named"
    inside = partial(_named if named else _item, kind)
    return _collection(name, end, inside, attributes, edits=edits and not named)


_ITEM_ENDS = MappingProxyType(
    {None: Draft.end_item, "push": Draft.push_item, "pull": Draft.pull_item}
)
_LINK_ENDS = MappingProxyType(
    {None: Draft.end_link, "push": Draft.push_link, "pull": Draft.pull_link}
)
"""A sub-action → what the end of an item, or of a model in a list, does (P32, P33)."""


def _edit(attributes: Attributes, *, edits: bool) -> str | None:
    """The sub-action of an item; ``?`` where it may not stand."""
    word = _word(attributes)
    allowed = attributes.keys() <= rules.ACTION_ATTRIBUTES
    return word if allowed and (edits or word is None) else rules.UNKNOWN


def _named(kind: ListKind, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
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


def _item(kind: ListKind, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """An item of a list."""
    end = _ITEM_ENDS.get(_edit(attributes, edits=edits))
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
    takes = _takes(below.leaf, others, required=True)
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


def _links(slot: Slot, name: str, attributes: Attributes, edits: bool) -> Part | None:  # noqa: FBT001
    """A list of models."""
    end = (Draft.end_links, slot.at)
    return _collection(name, end, partial(_linked, slot), attributes, edits=edits)


def _linked(slot: Slot, name: str, attributes: Attributes, *, edits: bool) -> Part | None:
    """A model in a list (P43)."""
    end = _LINK_ENDS.get(_edit(attributes, edits=edits))
    if name != slot.item or end is None:
        return None
    kind = kinds()[slot.target]
    begin = ((Draft.begin_model, kind),)
    return Part(partial(_child, kind, edits=False), begin=begin, end=((end, slot.at),))


def _one(slot: Slot, name: str, attributes: Attributes, _edits: bool) -> Part | None:  # noqa: FBT001
    """A single nested model."""
    if attributes:
        return None
    kind = kinds()[slot.target]
    start: Do = (Draft.begin_list, name)
    return Part(
        partial(_child, kind, edits=False),
        begin=(start, (Draft.begin_one, kind)),
        end=((Draft.end_one, slot.at),),
        empty=(start, (Draft.point_nowhere, slot.at)),
    )


def _territories(_slot: Slot, name: str, attributes: Attributes, edits: bool) -> Part | None:  # noqa: FBT001
    """A territory list: of a plain one only the tags are left here, it was read beforehand."""
    start: Do = (Draft.begin_list, name)
    if not attributes:
        empty = (start, (Draft.empty_territories, name))
        return Part(begin=(start,), end=((Draft.end_territories, name),), empty=empty)
    item = _ANNOUNCED_TERRITORIES.get(_word(attributes))
    if not edits or item is None or not attributes.keys() <= rules.ACTION_ATTRIBUTES:
        return None
    return Part(partial(_edited, item), begin=(start,), end=((Draft.end_edits, name),))


_ANNOUNCED_TERRITORIES: MappingProxyType[str | None, str] = MappingProxyType(
    {"placement": "Country", "update": "Territory", "transform": "Territory"}
)
"""P30: which children of a territory list a word announces sub-actions on."""


def _edited(item: str, name: str, attributes: Attributes) -> Part | None:
    """A territory, or a country, that is pushed or pulled."""
    word = _edit(attributes, edits=True)
    if name != item or word not in rules.HOLDING:
        return None
    end: Do = (Draft.push_territory if word == "push" else Draft.pull_territory, None)
    if item == "Country":
        return Part(begin=(_BEGIN_TERRITORY,), end=(end,), takes=_COUNTRY)
    inside = _in_territory if word == "push" else _country
    return Part(inside, begin=(_BEGIN_TERRITORY,), end=(end,))


_CHILDREN: MappingProxyType[str, Callable[[Slot, str, Attributes, bool], Part | None]] = (
    MappingProxyType(
        {"children": _children, "links": _links, "one": _one, "territories": _territories}
    )
)
"""How each style of `feedengine.feeds.models.Slot` is read; others need a second look."""


# Territory lists


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
    return Part(partial(_item, kind, edits=False), begin=(begin,), end=(end,), empty=())


@cache
def packages() -> Automaton:
    """What is known of the markup of packages."""
    return Automaton(_frame)


@cache
def territory_lists() -> Automaton:
    """What is known of the markup of territory lists."""
    return Automaton(_list)
