"""XML Schemas of the three documents, made from the declarations (house.md, "One declaration").

No field is listed here: objects, collections and leaves come from `feedengine.model.entities`,
values from `feedengine.model.scalars`. What is written out is the frame around them: roots,
actions, territories. The schemas never refuse what the protocol allows; what they cannot see (which
action may stand where, what a complete object has) is the parser's.

Three habits keep the two validators, libxml2 and the library ``xmlschema``, of one mind, and fast:

* Blanks around a value belong to its pattern (the ID alone is an ``xs:token``, for its length):
  ``xmlschema`` collapses what Unicode calls white space, XML knows four characters.
* Each alternative of a scalar's pattern is a pattern of its own. In libxml2 the counters of one
  leak into the other: ``a{4}|b{1,15}`` takes sixteen b.
* No ``xs:unique``: refusing repeated scalars by it doubles the cost of a package. ``xs:all``, where
  nothing may be repeated, and "one among others" for the ID cost nothing.
"""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from feedengine.model.entities import kinds, validity_list
from feedengine.model.scalars import COUNTRY, ID, SCALARS, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as Element

    from feedengine.model.entities import Kind, Leaf, ListKind, Node
    from feedengine.model.scalars import Scalar
    from feedengine.model.shapes import Listed

NAMESPACE = "http://www.w3.org/2001/XMLSchema"
BLANKS = r"[ \t\n\r]*"
"""What may surround a value: XML's white space and nothing else (P10)."""

LONGEST = {ID.name: 255}
"""Scalar → most characters, without the blanks around them (P14)."""

ROOTS = ("xml", "Package")
VERSION = r"1\.0"
STEP = r"([^/.\\][^/\\]*|\.[^/.\\][^/\\]*|\.\.[^/\\]+)"
"""A step of a path: a name that is neither ``.`` nor ``..`` (P2, P6)."""

FIRST = STEP.replace(r"[^/.\\]", r"[^/.\\ \t\n\r]", 1)
"""The first step, before which blanks do not count."""

PLURALS = {"Genre": "Genres"}
"""Kinds that may be a package's object in the plural, or be read from a file in it (P10, P40)."""

ACTIONS = {
    "create": "A new, complete object; refused where the ID exists (P20).",
    "update": "Sets what is given on an object that exists (P21). On a collection: its children "
    "carry Push or Pull (P30).",
    "upsert": "Create where the ID is new, otherwise Update; the object must be complete (P22).",
    "delete": "Removes the object and its links; needs the ID alone (P23).",
    "view": "Changes nothing, answers the model; meant where no action is given (P24).",
    "push": "Puts an item at the end of a list, or in the place of the one with its key (P32).",
    "pull": "Removes every item of a list that matches what is given (P33).",
    "increase": "Adds an amount to a number (P34).",
    "decrease": "Takes an amount from a number, never below 0 (P34).",
    "transform": "On a collection of models: its children carry Push or Pull (P30).",
    "placement": "On a collection of bare values: its children carry Push or Pull (P30).",
}
"""Every word that ``action=`` and ``operator=`` may hold, and what it does (P12)."""

UNITS = {
    "seconds": "Whole seconds.",
    "unixtime": "Seconds since 1970 in UTC; a number above 1e11 counts milliseconds.",
    "unixtimestamp": "The same as unixtime.",
    "ISO-YMD": "A date, such as 1992-01-31.",
    "ISO-2023A12": "A date and a time of day, such as 2022-10-30T11:12:00+04:00.",
}
"""What the words of a scalar's ``type=`` mean (P16)."""


def schemas() -> dict[str, str]:
    """File name → text of the three XML Schemas; the same text for the same declarations."""
    return {"stack.xsd": _stack(), "manifest.xsd": _manifest(), "package.xsd": _package()}


def alternatives(pattern: str) -> list[str]:
    """The outermost alternatives of a pattern: ``a|(b|c)|[|]`` → ``a``, ``(b|c)``, ``[|]``."""
    found, depth = [""], 0
    for piece in re.findall(r"\\.|\[(?:\\.|[^\]\\])*\]|.", pattern):
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += piece
    return found


# The words of XML Schema


def _xs(tag: str, *inside: Element | str, **attributes: str) -> Element:
    """An element of XML Schema; texts among ``inside`` are its documentation."""
    made = etree.Element(f"{{{NAMESPACE}}}{tag}", attributes, {"xs": NAMESPACE})
    notes = [part for part in inside if isinstance(part, str) and part]
    if notes:
        annotation = etree.SubElement(made, f"{{{NAMESPACE}}}annotation")
        for note in notes:
            etree.SubElement(annotation, f"{{{NAMESPACE}}}documentation").text = note
    made.extend([part for part in inside if not isinstance(part, str)])
    return made


def _schema(*parts: Element | str) -> str:
    schema = _xs("schema", *parts)
    etree.indent(schema, "  ")
    return f'<?xml version="1.0"?>\n{etree.tostring(schema, encoding="unicode")}\n'


def _simple(name: str, note: str, *facets: Element, base: str = "xs:string") -> Element:
    return _xs("simpleType", note, _xs("restriction", *facets, base=base), name=name)


def _pattern(form: str) -> Element:
    return _xs("pattern", value=f"{BLANKS}{form}{BLANKS}" if form else BLANKS)


def _any(tag: str, **attributes: str) -> Element:
    """A particle that may stand any number of times, or not at all."""
    return _xs(tag, **attributes, minOccurs="0", maxOccurs="unbounded")


def _among(one: Element, others: Element) -> Element:
    """At most one of ``one`` among any number of ``others``."""
    return _xs("sequence", others, _xs("sequence", one, deepcopy(others), minOccurs="0"))


def _each_once(parts: Iterable[Element]) -> Element:
    """Every one of ``parts`` at most once, in any order."""
    made = _xs("all", *parts)
    for part in made:
        part.set("minOccurs", "0")
    return made


def _groups(*names: str) -> list[Element]:
    return [_xs("attributeGroup", ref=name) for name in names]


# Values and leaves


def _value(scalar: Scalar) -> Element:
    """The type of a scalar; empty text always belongs to it (P17)."""
    if scalar.name in LONGEST:
        longest = _xs("maxLength", value=str(LONGEST[scalar.name]))
        return _simple(scalar.name, scalar.meaning, longest, base="xs:token")
    forms = (*alternatives(scalar.pattern), "") if scalar.pattern is not None else ()
    return _simple(scalar.name, scalar.meaning, *map(_pattern, forms))


def _unit(scalar: Scalar) -> Element:
    words = (_xs("enumeration", UNITS.get(word, ""), value=word) for word in scalar.units)
    note = f"How a value of type {scalar.name} is written; without type= it is ISO 8601 (P16)."
    return _simple(f"{scalar.name}Unit", note, *words)


def _type(scalar: Scalar) -> str:
    """The name of a scalar's type; libxml2 checks plain text fastest by the built-in one."""
    return "xs:string" if scalar is TEXT else scalar.name


def _leaf(name: str, node: Node, leaf: Leaf, note: str, *, counts: bool) -> Element:
    """The element of a leaf; where it ``counts``, sub-actions may change a number (P34)."""
    scalar = leaf.scalar
    attributes = [_xs("attribute", name=held, type="xs:string") for held in node.attributes]
    if scalar.units:
        attributes.append(_xs("attribute", name="type", type=f"{scalar.name}Unit"))
    if counts and scalar.numeric:
        attributes += _groups("Actions")
    if not attributes:
        return _xs("element", note, name=name, type=_type(scalar))
    extension = _xs("extension", *attributes, base=_type(scalar))
    return _xs("element", note, _xs("complexType", _xs("simpleContent", extension)), name=name)


def _elements(node: Node, *, counts: bool = False) -> Iterator[Element]:
    """What may stand inside ``node``, under any of its names (P15)."""
    for name, child in node.children.items():
        first = next(other for other, same in node.children.items() if same is child)
        note = "" if first == name else f"Read as {first} (P15)."
        if child.leaf is not None:
            yield _leaf(name, child, child.leaf, note, counts=counts)
        else:
            yield _xs("element", note, _xs("complexType", _content(child)), name=name)


def _content(node: Node, transparent: str | None = None) -> Element:
    """What stands inside an item of a list: leaves once; beside what is nested, any number."""
    parts = list(_elements(node))
    if transparent is not None:
        parts.append(_xs("element", _xs("complexType", _content(node)), name=transparent))
    elif all(child.leaf is not None for child in node.children.values()):
        return _each_once(parts)
    return _xs("choice", *parts, minOccurs="0", maxOccurs="unbounded")


def _complete(leaves: Iterable[Leaf], one_of: Iterable[str] = ()) -> str:
    """What a complete object or item has (P20, P32)."""
    wanted = [*dict.fromkeys(leaf.element for leaf in leaves if leaf.required)]
    either = " or ".join(name.capitalize() for name in one_of)
    return f"A complete one has {', '.join([*wanted, either] if either else wanted)}."


# Collections


class _Collection(NamedTuple):
    """A collection, what may stand in it, and the type of its items where they are no models."""

    listed: Listed
    inside: Element
    item: Element | None = None


def _collected(one: ListKind) -> _Collection:
    """A collection of items that are no models."""
    if one.listed.style == "named":  # ``xmlschema`` lets text stand beside a lone xs:any
        free = _any("any", namespace="##local", processContents="skip")
        return _Collection(one.listed, _xs("sequence", free))
    note = _complete(one.leaves, one.listed.one_of)
    item = _xs("complexType", note, _content(one.node, one.listed.transparent), *_groups("Actions"))
    return _Collection(one.listed, _any("element", name=one.listed.item), item)


def _linked(listed: Listed) -> _Collection:
    """A collection of models."""
    target = kinds()[str(listed.target)].element
    return _Collection(listed, _any("element", name=listed.item, type=f"{target}Nested"))


def _collections() -> Iterator[_Collection]:
    for kind in kinds().values():
        for one in kind.lists:
            yield _linked(one.listed) if one.is_link else _collected(one)
        yield from map(_linked, kind.shared)


@cache
def _differing() -> frozenset[str]:
    """Plurals that mean something else from owner to owner; their types carry the owner's name."""
    forms: dict[str, set[tuple[bytes, bytes]]] = {}
    for listed, inside, item in _collections():
        form = etree.tostring(inside), b"" if item is None else etree.tostring(item)
        forms.setdefault(listed.plural, set()).add(form)
    return frozenset(plural for plural, found in forms.items() if len(found) > 1)


def _named(listed: Listed, name: str) -> str:
    return (kinds()[listed.owner].element if listed.plural in _differing() else "") + name


def _collection_types() -> Iterator[Element]:
    """The types of all collections and of their items, each once."""
    made: set[str] = set()
    for listed, inside, item in _collections():
        name = _named(listed, listed.plural)
        if name in made:
            continue
        made.add(name)
        if item is not None:
            inside.set("type", _named(listed, listed.item))
            item.set("name", _named(listed, listed.item))
            yield item
        note = "Any name, with type= and text (P15)." if listed.style == "named" else ""
        groups = ["Actions"] + ["Source"] * (listed.plural in PLURALS.values())
        yield _xs("complexType", note, _xs("sequence", inside), *_groups(*groups), name=name)


# Objects


def _others(kind: Kind) -> Iterator[Element]:
    """The elements of a model that are no leaves."""
    for name, (_, target) in kind.ones.items():
        yield _xs("element", name=name, type=f"{kinds()[target].element}Nested")
    for listed in (*(one.listed for one in kind.lists), *kind.shared):
        yield _xs("element", name=listed.plural, type=_named(listed, listed.plural))
        if listed.bare:
            yield _xs("element", name=listed.item, type=_named(listed, listed.item))
    if kind.territory_index is not None:
        yield _xs("element", name="Territories", type="Territories")


def _model(kind: Kind) -> Iterator[Element]:
    """A kind's content, and its types as a package's object and nested."""
    parts = [*_elements(kind.node, counts=True), *_others(kind)]
    content = _xs("group", ref=f"{kind.element}Content")
    if len(parts) == len(kind.leaves) and not any(leaf.scalar.numeric for leaf in kind.leaves):
        yield _xs("group", _each_once(parts), name=content.get("ref", ""))
    else:
        name = next(leaf.element for leaf in kind.leaves if leaf.column == "id")
        own = next(part for part in parts if part.get("name") == name)
        parts.remove(own)
        yield _xs("group", _xs("choice", *parts), name=f"{kind.element}Parts")
        inside = _among(own, _any("group", ref=f"{kind.element}Parts"))
        yield _xs("group", inside, name=content.get("ref", ""))
    note = f"{kind.table.note}. {_complete(kind.leaves)}"
    for role, groups in (("Object", ["Actions"]), ("Nested", ["Actions", "Source"])):
        attributes = [_xs("attribute", name="id", type=_type(ID)), *_groups(*groups)]
        name = kind.element + role
        yield _xs("complexType", note, deepcopy(content), *attributes, name=name)


def _setting() -> Element:
    """The territories of a release as a package's object (P44)."""
    own = _xs("element", name="ID", type=_type(ID))
    inside = _among(own, _any("element", name="Territories", type="Territories"))
    attributes = [_xs("attribute", name="id", type=_type(ID)), *_groups("Actions")]
    note = "The territories of the release with this ID."
    return _xs("complexType", note, inside, *attributes, name="ReleaseSettingObject")


def _plural(name: str) -> Element:
    inside = _xs("sequence", _any("element", name=name, type=f"{name}Nested"))
    return _xs("complexType", inside, *_groups("Actions"), name=f"{PLURALS[name]}Object")


def _territories() -> Iterator[Element]:
    """Territories and their items: countries with their validities, or alone (P30, P36)."""
    listed = validity_list().listed
    country = _xs("element", name="Country", type=_type(COUNTRY))
    validities = _any("element", name=listed.plural, type=_named(listed, listed.plural))
    yield _xs("group", _among(country, validities), name="TerritoryContent")
    for role, groups in (("Object", ["Actions"]), ("", ["Actions", "Source"])):
        note = "A country and what holds there. A complete one has Country."
        one = _xs("group", ref="TerritoryContent")
        yield _xs("complexType", note, one, *_groups(*groups), name=f"Territory{role}")
        whole = _xs("element", name="Territory", type="Territory")
        alone = _xs("element", name="Country", type="CountryItem")
        several = _xs("choice", whole, alone, minOccurs="0", maxOccurs="unbounded")
        yield _xs("complexType", several, *_groups(*groups), name=f"Territories{role}")
    bare = _xs("simpleContent", _xs("extension", *_groups("Actions"), base=_type(COUNTRY)))
    yield _xs("complexType", "A territory without validities.", bare, name="CountryItem")


# Documents


def _attribute_types() -> Iterator[Element]:
    """Actions and sources; a word is a pattern, since its letter case is free (P12)."""
    forms = ("".join(f"[{c.upper()}{c}]" for c in word) for word in ACTIONS)
    words = _xs("restriction", _pattern(f"({'|'.join(forms)})"), base="xs:string")
    notes = (f"{word.capitalize()}: {note}" for word, note in ACTIONS.items())
    yield _xs("simpleType", *notes, words, name="Action")
    note = "One attribute under two names; given twice, both say the same (P12)."
    both = [_xs("attribute", name=name, type="Action") for name in ("action", "operator")]
    yield _xs("attributeGroup", note, *both, name="Actions")
    note = (
        "src: the file whose model stands in this place; the element is empty then (P40). "
        "ref: which one of a file that holds several (P41)."
    )
    both = [_xs("attribute", name=name, type="xs:string") for name in ("src", "ref")]
    yield _xs("attributeGroup", note, *both, name="Source")


def _package() -> str:
    note = (
        "A package: one object. Its elements stand in any order. An absent element says nothing, "
        "an empty one sets NULL; Create and Upsert want all that a complete object has. Blanks "
        "around a value do not count. Which action may stand where is not said here: the engine "
        "may refuse what is valid."
    )
    names = [*(kind.element for kind in kinds().values()), "ReleaseSetting", *PLURALS.values()]
    names += ["Territory", "Territories"]
    objects = (_xs("element", name=name, type=f"{name}Object") for name in names)
    version = _xs("attribute", name="version", type="Version")
    schema = _xs("element", name="Schema", type="Schema")
    return _schema(
        note,
        *(_xs("element", name=root, type="Package") for root in ROOTS),
        _xs("complexType", _xs("sequence", schema), name="Package"),
        _xs("complexType", _xs("choice", *objects), version, *_groups("Actions"), name="Schema"),
        _simple("Version", "The version of the protocol.", _pattern(VERSION)),
        *_attribute_types(),
        *(made for kind in kinds().values() for made in _model(kind)),
        _setting(),
        *map(_plural, PLURALS),
        *_territories(),
        *_collection_types(),
        *(_value(scalar) for scalar in SCALARS if scalar is not TEXT),
        *(_unit(scalar) for scalar in SCALARS if scalar.units),
    )


def _document(note: str, paths: Iterable[str], *elements: Element) -> str:
    """A small document: a root ``xml`` with each of ``elements`` at most once, in any order."""
    held = _xs("attribute", name="path", type="Path", use="required")
    client = (_xs("minLength", value="1"), _xs("maxLength", value="255"))
    return _schema(
        _xs("element", note, _xs("complexType", _xs("all", *elements)), name="xml"),
        _simple("Client", "Who writes the feed: 1 to 255 characters.", *client, base="xs:token"),
        _simple("Path", "Steps with / between them; none leads upwards.", *map(_pattern, paths)),
        _simple("Blank", "No text.", _pattern("")),
        _xs(
            "complexType", _xs("simpleContent", _xs("extension", held, base="Blank")), name="Place"
        ),
    )


def _stack() -> str:
    version = _xs("restriction", _pattern(VERSION), base="xs:string")
    return _document(
        "An entry of the Stack: a feed that is written whole (P2, P4).",
        [f"/{STEP}(/{STEP})*/?", f"{FIRST}(/{STEP})*/?"],
        _xs("element", _xs("simpleType", version), name="Version", minOccurs="0"),
        _xs("element", name="Client", type="Client"),
        _xs("element", "The feed's folder below Feeds/.", name="Feed", type="Place"),
    )


def _manifest() -> str:
    return _document(
        "The manifest of a feed (P6).",
        [rf"({FIRST}|\.)(/({STEP}|\.))*"],
        _xs("element", name="Client", type="Client"),
        _xs(
            "element",
            "Files below the feed's folder: * is any part of a name, ** any folders.",
            name="Packages",
            type="Place",
        ),
    )
