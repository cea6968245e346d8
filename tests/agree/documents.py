"""Documents for those who must be of one mind about them: drawn from the declarations, then spoilt.

A document is a tree of `Tag`. `documents` draws one that the declarations allow and puts up to
three mistakes into it. Nothing here lists fields: what stands where comes from the declarations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st
from lxml import etree

from feedengine.model.entities import Kind, ListKind, Node, kinds, validity_list
from feedengine.model.scalars import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

    from feedengine.model.scalars import Scalar
    from feedengine.model.shapes import Listed

T = TypeVar("T")

DEEPEST = 3
"""Levels of models inside one another."""

WORDS = ("Create", "Update", "Upsert", "Delete", "View")
EDITS = ("Push", "Pull", "push", " PULL ")
ANNOUNCED = (None, "Update", "Transform", "Placement", "Push")
BLANKS = (("", ""), ("", ""), (" ", "\n\t"), ("", "\r\n  "))

VALUES: dict[str, tuple[tuple[str | None, str], ...]] = {
    "Identifier": ((None, "1234"), (None, "Hello"), (None, "x" * 255), (None, "é/ %😀")),
    "Integer": ((None, "0"), (None, "+14"), (None, "9223372036854775807")),
    "Decimal": ((None, "0.2"), (None, ".5"), (None, "7."), (None, "0")),
    "Duration": (("seconds", "226"), (None, "226"), (None, "PT3M46S"), (None, "P1DT1.0S")),
    "Date": (("ISO-YMD", "1992-01-01"), (None, "2004-02-29"), ("unixtime", "-1.5")),
    "Permission": ((None, "Allow"), (None, "Deny")),
    "Country": ((None, "US"), (None, "gb"), (None, "WW"), (None, "Worldwide")),
}
_INSTANTS = (
    ("unixtimestamp", "1614859461"),
    ("unixtime", "1614859461000"),
    ("ISO-YMD", "2022-10-30"),
    ("ISO-2023A12", "2022-10-30T11:12:00:0400"),
    (None, "2022-10-30T11:12:00.1234567+04:00"),
    (None, "2022-10-30T11:12Z"),
    (None, "2022-10-30"),
)
_TEXTS = ((None, "Adele"), (None, "a & <b>"), (None, "© 2003  \u2003x"), (None, "[x]"))

ODD = (
    *("-1", "1e3", "0x1", "12 3", "٣", "1" * 20, "P", "PT", "P1Y", "30/10/2022", "1" * 16),
    *("2022-10-30 11:12:00", "2022-10-30T11:12:00+4", "1992-1-1", "allow", "USA", "U", "ﬁ"),
    *("x" * 256, "US US", ".", "+", "\u00a01", "1\u2003", "1.2.3", "+-1", "\u0085"),
)
"""Texts that are no values of most types."""

NAMES = ("Titel", "title", "Foo", "Item", "Heigth", "Country", "Schema", "xml", "é", "ID", "Genres")
ATTRIBUTES = ("id", "src", "ref", "type", "action", "operator", "version", "mimeType", "Action")
ATTRIBUTE_VALUES = ("", "1", "push", "Remove", "seconds", "unixtime", "2.0", " view ", "puﬀ", "ſ")


@dataclass(slots=True)
class Tag:
    """An element: its children with their tails, its text before the first of them."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Tag] = field(default_factory=list)
    tail: str = ""
    namespace: str = ""

    def walk(self) -> Iterator[Tag]:
        """The element and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def copy(self) -> Tag:
        """The same again, sharing nothing."""
        return replace(
            self,
            attributes=dict(self.attributes),
            children=[child.copy() for child in self.children],
        )

    def element(self) -> etree._Element:
        """As lxml has it."""
        name = f"{{{self.namespace}}}{self.name}" if self.namespace else self.name
        made = etree.Element(name, self.attributes)
        made.text = self.text or None
        made.extend([child.element() for child in self.children])
        made.tail = self.tail or None
        return made


def values(scalar: Scalar) -> tuple[tuple[str | None, str], ...]:
    """Units and texts that the parser takes for ``scalar``."""
    instant = "unixtimestamp" in scalar.units and "ISO-2023A12" in scalar.units
    return VALUES.get(scalar.name, _INSTANTS if instant else _TEXTS)


# What the declarations allow


@cache
def _texts(scalar: Scalar, *, empty: bool) -> SearchStrategy[tuple[str | None, str]]:
    """Unit and text of a value, with blanks around it; also what the pattern alone allows."""
    found = [(unit, first + text + last) for unit, text in values(scalar) for first, last in BLANKS]
    if empty:
        found += [(None, ""), (None, " \n")]
    good = st.sampled_from(found)
    if scalar.pattern is None:
        return good
    letters = st.characters(codec="ascii")
    any_form = st.from_regex(scalar.pattern, fullmatch=True, alphabet=letters)
    return st.one_of(*[good] * 11, any_form.map(lambda text: (None, text)))


def _value(draw: DrawFn, name: str, scalar: Scalar, *, empty: bool = True) -> Tag:
    unit, text = draw(_texts(scalar, empty=empty))
    return Tag(name, {} if unit is None else {"type": unit}, text)


def _some(draw: DrawFn, things: list[T], most: int = 6) -> list[T]:
    """Some of ``things``, in any order."""
    if not things:
        return []
    found = draw(st.lists(st.integers(0, len(things) - 1), max_size=most, unique=True))
    return [things[at] for at in found]


def _filled(draw: DrawFn, node: Node, *, whole: bool = False) -> list[Tag]:
    """Elements of ``node``, each at most once and under one of its names, in any order."""
    leaves = {name: child.leaf for name, child in node.children.items() if child.leaf is not None}
    wanted = [name for name, leaf in leaves.items() if whole and leaf.required]
    found: list[tuple[Node, Tag]] = []
    for name in [*_some(draw, list(node.children)), *wanted]:
        child = node.children[name]
        if any(child is other for other, _ in found):
            continue
        if child.leaf is None:
            found.append((child, Tag(name, children=_filled(draw, child))))
            continue
        tag = _value(draw, name, child.leaf.scalar, empty=not (whole and child.leaf.required))
        tag.attributes |= dict.fromkeys(_some(draw, list(child.attributes)), "image/*")
        found.append((child, tag))
    return [tag for _, tag in found]


def _marked(tags: list[Tag], draw: DrawFn, *, edits: bool) -> list[Tag]:
    """The tags, each with a sub-action where the list is edited."""
    for tag in tags:
        if edits:
            name = draw(st.sampled_from(("action", "operator")))
            tag.attributes[name] = draw(st.sampled_from(EDITS))
    return tags


def _listed(draw: DrawFn, name: str, tags: list[Tag], *, edits: bool) -> Tag:
    """A collection; where it is edited it may announce that."""
    made = Tag(name, children=_marked(tags, draw, edits=edits))
    word = draw(st.sampled_from(ANNOUNCED)) if edits else None
    if word is not None:
        made.attributes["operator"] = word
    return made


def _item(draw: DrawFn, one: ListKind) -> Tag:
    if one.listed.style == "named":
        name = draw(st.sampled_from(("BirthDay", "Résumé", "ID", "x.y-z_1")))
        attributes = dict.fromkeys(_some(draw, list(one.node.attributes)), "ISO-YMD")
        return Tag(name, attributes, draw(st.sampled_from(("1980-03-22", "", "a\nb"))))
    inner = one.listed.transparent
    children = _filled(draw, one.node, whole=draw(st.integers(0, 3)) < 3)
    if inner is not None and draw(st.integers(0, 3)) == 0:
        return Tag(one.listed.item, children=[Tag(inner, children=children)])
    return Tag(one.listed.item, children=children)


def _items(draw: DrawFn, one: ListKind) -> list[Tag]:
    return [_item(draw, one) for _ in range(draw(st.integers(0, 2)))]


def _nested(draw: DrawFn, name: str, kind: Kind, depth: int) -> Tag:
    if draw(st.integers(0, 4)) == 0:
        return Tag(name, {"src": f"{kind.name}.xml"} | draw(st.sampled_from(({}, {"ref": "1"}))))
    return _model(draw, name, kind, depth, edits=False)


def _territory(draw: DrawFn) -> Tag:
    country = next(scalar for scalar in SCALARS if scalar.name == "Country")
    form = draw(st.sampled_from(("src", "bare", "whole", "whole")))
    if form == "src":
        return Tag("Territory", {"src": "territories.xml", "ref": "US"})
    tag = _value(draw, "Country", country, empty=False)
    if form == "bare":
        return tag
    one = validity_list()
    lists = [Tag(one.listed.plural, children=_items(draw, one))][: draw(st.integers(0, 1))]
    return Tag("Territory", children=draw(st.permutations([tag, *lists])))


def _territory_list(draw: DrawFn, *, edits: bool) -> Tag:
    if draw(st.integers(0, 5)) == 0:
        return Tag("Territories", {"src": "territories.xml"})
    tags = [_territory(draw) for _ in range(draw(st.integers(0, 2)))]
    return _listed(draw, "Territories", tags, edits=edits)


def _collection(
    draw: DrawFn, listed: Listed, one: ListKind | None, depth: int, *, edits: bool
) -> list[Tag]:
    """A collection, or its items bare."""
    if one is not None and not one.is_link:
        tags = _items(draw, one)
    else:
        target = kinds()[str(listed.target)]
        most = 2 if depth < DEEPEST else 0
        number = draw(st.integers(0, most))
        tags = [_nested(draw, listed.item, target, depth + 1) for _ in range(number)]
    if listed.bare and draw(st.booleans()):
        return _marked(tags, draw, edits=edits)
    return [_listed(draw, listed.plural, tags, edits=edits)]


def _others(draw: DrawFn, kind: Kind, depth: int, *, edits: bool) -> list[Tag]:
    """Collections and nested models."""
    found = []
    for name, (_, target) in _some(draw, list(kind.ones.items())):
        found.append(_nested(draw, name, kinds()[target], depth + 1))
    lists: list[tuple[Listed, ListKind | None]] = [(one.listed, one) for one in kind.lists]
    lists += [(listed, None) for listed in kind.shared]
    for listed, one in _some(draw, lists, 3):
        marked = edits and draw(st.booleans())
        found += _collection(draw, listed, one, depth, edits=marked)
    if kind.territory_index is not None and draw(st.booleans()):
        found.append(_territory_list(draw, edits=edits and draw(st.booleans())))
    return found


def _model(draw: DrawFn, name: str, kind: Kind, depth: int, *, edits: bool) -> Tag:
    own = next(leaf.element for leaf in kind.leaves if leaf.column == "id")
    children = _filled(draw, kind.node, whole=True)
    numbers = {leaf.element for leaf in kind.leaves if leaf.scalar.numeric}
    for tag in [tag for tag in children if edits and tag.name in numbers]:
        tag.attributes["operator"] = draw(st.sampled_from(("Increase", "decrease")))
        children.append(tag.copy())
    attributes = {}
    if draw(st.booleans()):
        attributes["id"] = next(tag.text for tag in children if tag.name == own).strip()
        children = [tag for tag in children if tag.name != own]
    children += _others(draw, kind, depth, edits=edits)
    return Tag(name, attributes, children=draw(st.permutations(children)))


def _object(draw: DrawFn, *, edits: bool) -> Tag:
    by_name = {kind.element: kind for kind in kinds().values()}
    name = draw(st.sampled_from([*by_name, *_OBJECTS, "Release", "Track", "Artist"]))
    if name in by_name:
        return _model(draw, name, by_name[name], 1, edits=edits)
    return _OBJECTS[name](draw, edits=edits)


def _setting(draw: DrawFn, *, edits: bool) -> Tag:
    return Tag("ReleaseSetting", {"id": "1"}, children=[_territory_list(draw, edits=edits)])


def _genres(draw: DrawFn, *, edits: bool) -> Tag:
    tags = [_nested(draw, "Genre", kinds()["genre"], 1) for _ in range(draw(st.integers(0, 2)))]
    return Tag("Genres", children=_marked(tags, draw, edits=edits))


def _one_territory(draw: DrawFn, *, edits: bool) -> Tag:
    del edits
    tag = _territory(draw)
    tag.attributes.clear()
    return tag if tag.name == "Territory" else Tag("Territory", children=[tag])


def _territories(draw: DrawFn, *, edits: bool) -> Tag:
    tag = _territory_list(draw, edits=edits)
    tag.attributes.pop("src", None)
    return tag


_OBJECTS: dict[str, Callable[..., Tag]] = {
    "ReleaseSetting": _setting,
    "Genres": _genres,
    "Territory": _one_territory,
    "Territories": _territories,
}


def _root(draw: DrawFn) -> Tag:
    word = draw(st.sampled_from((None, *WORDS)))
    made = _object(draw, edits=word == "Update")
    schema = Tag("Schema", draw(st.sampled_from(({}, {"version": "1.0"}, {"version": " 1.0 "}))))
    if word is not None:
        holder = draw(st.sampled_from((schema, made)))
        name = draw(st.sampled_from(("action", "operator")))
        holder.attributes[name] = draw(st.sampled_from((word, word.upper(), f" {word.lower()}")))
    schema.children.append(made)
    return Tag(draw(st.sampled_from(("xml", "Package"))), children=[schema])


# Mistakes


def _any_of(draw: DrawFn, root: Tag) -> Tag:
    return draw(st.sampled_from(list(root.walk())))


def _parent(draw: DrawFn, root: Tag) -> Tag:
    return draw(st.sampled_from([tag for tag in root.walk() if tag.children]))


def _insert(draw: DrawFn, where: Tag, tag: Tag) -> None:
    where.children.insert(draw(st.integers(0, len(where.children))), tag)


def _unknown_element(draw: DrawFn, root: Tag) -> None:
    _insert(draw, _any_of(draw, root), Tag(draw(st.sampled_from(NAMES)), text="1"))


def _renamed(draw: DrawFn, root: Tag) -> None:
    names = [*NAMES, *(tag.name for tag in root.walk())]
    _any_of(draw, root).name = draw(st.sampled_from(names))


def _moved(draw: DrawFn, root: Tag) -> None:
    """A copy of something where something else belongs."""
    copied = _any_of(draw, root).copy()
    _insert(draw, _any_of(draw, root), copied)


def _twice(draw: DrawFn, root: Tag) -> None:
    parent = _parent(draw, root)
    _insert(draw, parent, draw(st.sampled_from(parent.children)).copy())


def _lost(draw: DrawFn, root: Tag) -> None:
    parent = _parent(draw, root)
    parent.children.remove(draw(st.sampled_from(parent.children)))


def _unwrapped(draw: DrawFn, root: Tag) -> None:
    """The children of something in its place: no Schema, items without their collection."""
    parent = _parent(draw, root)
    at = draw(st.integers(0, len(parent.children) - 1))
    parent.children[at : at + 1] = parent.children[at].children


def _attribute(draw: DrawFn, root: Tag) -> None:
    name = draw(st.sampled_from(ATTRIBUTES))
    _any_of(draw, root).attributes[name] = draw(st.sampled_from(ATTRIBUTE_VALUES))


def _text_in(draw: DrawFn, root: Tag) -> None:
    """Another value, or text where elements belong."""
    letters = st.characters(categories=("L", "N", "P", "S"))
    text = st.sampled_from(ODD) | st.text(st.one_of(letters, st.just(" ")), max_size=20)
    tag = _any_of(draw, root)
    tag.text = draw(text)
    if tag.children and not tag.text.strip():
        tag.text = "stray"


def _text_after(draw: DrawFn, root: Tag) -> None:
    parent = _parent(draw, root)
    draw(st.sampled_from(parent.children)).tail = draw(st.sampled_from(("stray", "0", " ]", "\n ")))


def _foreign(draw: DrawFn, root: Tag) -> None:
    _any_of(draw, root).namespace = "http://example.org/other"


def _wrong_root(draw: DrawFn, root: Tag) -> None:
    root.name = draw(st.sampled_from(("Feed", "package", "XML", "Schema")))


def _second_object(draw: DrawFn, root: Tag) -> None:
    _insert(draw, root.children[0], _object(draw, edits=False))


MISTAKES: dict[str, Callable[[DrawFn, Tag], None]] = {
    "unknown element": _unknown_element,
    "renamed element": _renamed,
    "misplaced copy": _moved,
    "element twice": _twice,
    "element lost": _lost,
    "wrapper lost": _unwrapped,
    "attribute": _attribute,
    "text": _text_in,
    "text between": _text_after,
    "foreign namespace": _foreign,
    "wrong root": _wrong_root,
    "second object": _second_object,
}
UNSPOILT = "as declared"
"""The description of a document without mistakes."""


@st.composite
def _documents(draw: DrawFn) -> tuple[bytes, str]:
    root = _root(draw)
    told = []
    number = draw(st.sampled_from((1, 0, 2, 1, 0, 3)))
    for _ in range(number):
        name = draw(st.sampled_from(sorted(MISTAKES)))
        if root.children or name in {"unknown element", "renamed element", "attribute", "text"}:
            MISTAKES[name](draw, root)
            told.append(name)
    data = etree.tostring(root.element(), encoding="utf-8")
    return data, ", ".join(told) or UNSPOILT


def documents() -> SearchStrategy[tuple[bytes, str]]:
    """Documents as bytes, and what was done to them: ``as declared``, or the mistakes put in.

    A document as declared is valid by the schema; the parser may still have something to say about
    it (a Pull that names nothing, an action that may not stand there). All are well-formed, without
    comments, processing instructions or a DOCTYPE. Files that ``src`` names do not exist.
    """
    return _documents()
