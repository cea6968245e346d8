"""The frame of a document, and the model that stands in a place (P10, P13, P14, P40, P41).

A model stands inline, or in the file that ``src`` names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from feedengine.errors import Place, quoted
from feedengine.feeds import rules
from feedengine.feeds.reading import (
    BLANK,
    Reading,
    attributes,
    is_empty,
    no_text,
    text_of,
    word_of,
)
from feedengine.model.entities import by_element
from feedengine.model.identifiers import country_code
from feedengine.model.instants import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml.etree import _Element as Element

PLURALS = {"Genre": "Genres", "Territory": "Territories"}
"""Items that may stand as a package's object in the plural (P10)."""

OBJECT_NAMES = (*by_element(), "ReleaseSetting", *PLURALS.values(), "Territory")
"""Everything that may be a package's object (P10)."""

Members: TypeAlias = "list[tuple[Place, Element]]"
"""Elements with their places."""


class Model(NamedTuple):
    """A model where it really stands; ``action`` is its own file's primary action (P40)."""

    element: Element
    place: Place
    action: str | None
    file: str | None


def package_object(reading: Reading, file: str) -> Model | None:
    """The one object of a document, with its primary action (P10, P13); None after a fault."""
    root = reading.use(file)
    if root is None:
        return None
    place: Place = ((None, file), 0)
    if reading.sure:
        schema = root[0]
        inside: Place = ((place, 0), 0)
        action = _primary(reading, schema, (place, 0), (inside, schema[0]))
        return Model(schema[0], inside, action, file)
    if root.tag not in rules.ROOTS:
        reading.unknown(root, place, rules.ROOTS)
        return None
    attributes(reading, root, place, frozenset())
    no_text(reading, root, place)
    found_schema = _only(reading, root, place, ("Schema",))
    if found_schema is None:
        return None
    at, element = found_schema
    attributes(reading, element, at, rules.SCHEMA_ATTRIBUTES)
    version = element.get("version")
    if version is not None and version.strip(BLANK) not in rules.SCHEMA_VERSIONS:
        message = f"version {quoted(version)} of the protocol is not read here"
        reading.fault("schema-invalid", "P10", at, message, 'leave it out, or write version="1.0"')
    no_text(reading, element, at)
    found = _only(reading, element, at, OBJECT_NAMES)
    if found is None:
        return None
    return Model(found[1], found[0], _primary(reading, element, at, found), file)


def _primary(
    reading: Reading, schema: Element, at: Place, found: tuple[Place, Element]
) -> str | None:
    """P13: the primary action stands on ``Schema`` or on the object; both differ: a conflict."""
    place, element = found
    above, own = word_of(reading, schema, at), word_of(reading, element, place)
    if above is not None and own is not None and above != own:
        if rules.UNKNOWN not in {above, own}:
            message = f"Schema says {above.capitalize()}, the object {own.capitalize()}"
            reading.fault("action-conflict", "P13", place, message, "keep one of the two")
        return rules.UNKNOWN
    return own if above is None else above


def _only(
    reading: Reading, parent: Element, place: Place, names: Sequence[str]
) -> tuple[Place, Element] | None:
    """The one child of a frame element; none, several or others are faults."""
    found: list[tuple[Place, Element]] = []
    for index, child in enumerate(parent):
        if child.tag in names:
            found.append(((place, index), child))
        else:
            reading.unknown(child, (place, index), names)
    for at, child in found[1:]:
        message = f"a second {child.tag!s} stands here"
        reading.fault("schema-invalid", "P10", at, message, "one package holds one object")
    if not len(parent):
        wanted = "Schema" if "Schema" in names else "one object, such as Release"
        message = f"{parent.tag!s} is empty; it holds {wanted}"
        reading.fault("schema-invalid", "P10", place, message)
    return found[0] if found else None


def sourced(reading: Reading, element: Element, place: Place, name: str) -> Model | None:
    """The model ``name`` that stands at ``element``: itself, or what its ``src`` names.

    None after a fault of the source (P40: it raises its own finding only).
    """
    src = element.get("src")
    if src is None:
        _no_ref(reading, element, place)
        return Model(element, place, None, None)
    found = _target(reading, element, place, src)
    return None if found is None else _picked(reading, element, place, name, found)


def _no_ref(reading: Reading, element: Element, place: Place) -> None:
    if element.keys() and element.get("ref") is not None:
        reading.fault("schema-invalid", "P41", place, "ref= stands without src=")


def _target(reading: Reading, element: Element, place: Place, src: str) -> Model | None:
    """The object of the file that ``src`` names from the file being read; None after a fault."""
    if not is_empty(element) or element.get("id") is not None:
        message = f"{element.tag!s} has content beside src={quoted(src)}"
        reading.fault("content-conflict", "P40", place, message)
        return None
    target = reading.document.sources[src]
    if not isinstance(target, str):
        code, message, hint = target
        rule = "P42" if code == "source-limit" else "P40"
        reading.fault(code, rule, place, message, hint)
        return None
    if target not in reading.objects:
        reading.objects[target] = package_object(reading, target)
    return reading.objects[target]


def list_members(
    reading: Reading, element: Element, place: Place, items: tuple[str, ...]
) -> tuple[Members, str | None] | None:
    """The items of a collection, inline or in the file that ``src`` on it names (P40, P41).

    With the items comes the file they stand in; None after a fault of the source.
    """
    src = element.get("src") if element.keys() else None
    if src is None:
        _no_ref(reading, element, place)
        no_text(reading, element, place)
        return list(children_named(reading, element, place, items)), None
    found = _target(reading, element, place, src)
    if found is None:
        return None
    if element.get("ref") is None and found.element.tag == element.tag:
        no_text(reading, found.element, found.place)
        inside = children_named(reading, found.element, found.place, items)
        return list(inside), found.file
    one = _picked(reading, element, place, items[0], found)
    return None if one is None else ([(one.place, one.element)], one.file)


def children_named(
    reading: Reading, element: Element, place: Place, names: tuple[str, ...]
) -> Iterable[tuple[Place, Element]]:
    """The children of a collection with their places; others are ``element-unknown``."""
    if reading.sure:
        return [((place, index), child) for index, child in enumerate(element)]
    return _named(reading, element, place, names)


def _named(
    reading: Reading, element: Element, place: Place, names: tuple[str, ...]
) -> Iterator[tuple[Place, Element]]:
    for index, child in enumerate(element):
        if child.tag in names or names == ("*",):
            yield (place, index), child
        else:
            reading.unknown(child, (place, index), names)


def _picked(
    reading: Reading, element: Element, place: Place, name: str, found: Model
) -> Model | None:
    """P40, P41: the model itself, or the one that ``ref`` names among several."""
    ref = element.get("ref")
    if found.element.tag == name:
        if ref is None or _key(found.element) == _wanted(name, ref):
            return found
    elif found.element.tag != PLURALS.get(name):
        message = f"{quoted(str(found.file))} holds {found.element.tag!s}, {name} is wanted"
        reading.fault("schema-invalid", "P40", place, message)
        return None
    else:
        there, by_key = _members(reading, found, name)
        if ref is None and len(there) > 1:
            keys = ", ".join(quoted(_key(one.element)) for one in there[:5])
            message = f"{quoted(str(found.file))} holds several: {keys}"
            reading.fault("source-ambiguous", "P41", place, message, "say which one with ref=")
            return None
        chosen = next(iter(there), None) if ref is None else by_key.get(_wanted(name, ref))
        if chosen is not None:
            return chosen
    message = f"{quoted(str(found.file))} has no {name} {quoted(ref or '')}"
    reading.fault("source-missing", "P41", place, message)
    return None


def _members(reading: Reading, found: Model, name: str) -> tuple[list[Model], dict[str, Model]]:
    """The members of a file that holds several, in order and by key; the later of two wins."""
    mark = (str(found.file), name)
    known = reading.members.get(mark)
    if known is None:
        there = [
            Model(child, (found.place, index), found.action, found.file)
            for index, child in enumerate(found.element)
            if child.tag == name
        ]
        known = reading.members[mark] = (there, {_key(one.element): one for one in there})
    return known


def _key(element: Element) -> str:
    """What ``ref`` is compared with: a territory's country, a model's ID."""
    if element.tag == "Territory":
        return _wanted("Territory", element.findtext("Country") or "")
    return (element.get("id") or element.findtext("ID") or "").strip(BLANK)


def _wanted(name: str, ref: str) -> str:
    text = ref.strip(BLANK)
    if name != "Territory":
        return text
    try:
        return country_code(text, [])
    except InvalidValueError:
        return text.upper()


def identity(reading: Reading, element: Element, place: Place) -> str | None:
    """P14: the ID of a model, from ``id=`` or ``<ID>``; None when there is none, or two differ."""
    given: list[tuple[str, Place]] = []
    attribute = element.get("id")
    if attribute is not None:
        given.append((attribute.strip(BLANK), place))
    for index, child in enumerate(element):
        if child.tag == "ID":
            attributes(reading, child, (place, index), frozenset())
            given.append((text_of(reading, child, (place, index)), (place, index)))
    texts = {text for text, _ in given}
    if len(given) > 2 or (len(given) == 2 and attribute is None):
        reading.fault("schema-invalid", "P10", given[-1][1], "ID is given twice")
    elif len(texts) > 1:
        message = f"id={quoted(given[0][0])} and ID {quoted(given[1][0])} differ"
        reading.fault("id-conflict", "P14", place, message, "keep one of the two")
    if len(texts) != 1:
        return None
    text, at = given[-1]
    if len(text) > 255:
        reading.fault("value-invalid", "P14", at, "an ID has 1 to 255 characters")
    return text or None
