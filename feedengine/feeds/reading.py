"""Reading elements: words of action, attributes, values; every fault kept with its place.

A `Reading` is the state of reading one package: its files, the faults found so far, the files that
are being read at this moment (P42). Where the schema has found every file valid, a reading is
*sure*: no stray text, attribute or element can be there, and nobody looks for them again.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from feedengine.errors import Fault, Place, quoted
from feedengine.feeds import rules
from feedengine.feeds.nearest import nearest
from feedengine.model.faults import Faults
from feedengine.model.instants import InvalidValueError, Remarks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lxml.etree import _Element as Element

    from feedengine.feeds.changes import Change, Source
    from feedengine.feeds.document import Document
    from feedengine.feeds.frame import Model
    from feedengine.model.entities import Leaf, Node
    from feedengine.model.scalars import Value

BLANK = " \t\r\n"
"""What XML calls white space; nothing else is trimmed (P10)."""

XINCLUDE = "{http://www.w3.org/2001/XInclude}"


RULE_OF_REMARK = MappingProxyType(
    {"offset-assumed": "P16", "identifier-suspect": "P18", "country-alias": "P18"}
)
"""The rule by which a value is taken with a warning."""


class Reading:
    """The state of reading one package."""

    __slots__ = (
        "document",
        "faults",
        "ignored",
        "level",
        "members",
        "models",
        "objects",
        "open",
        "passed",
        "readers",
        "remarks",
        "sources",
        "strict",
        "sure",
        "used",
    )

    def __init__(
        self, document: Document, readers: Mapping[str, Callable[..., None]], *, strict: bool
    ) -> None:
        """Nothing found yet; the package's own file is open.

        ``readers`` say how each part of a model is read; models and what is nested in them read
        each other, so neither can import both. What has been made of a file is kept, so that it is
        read once (P42): its object, its members by their keys, its models by place and action.
        """
        self.document = document
        self.readers = readers
        self.strict = strict
        self.faults = Faults(most=document.limits.findings)
        self.remarks: Remarks = []
        self.open: list[str] = [document.file]
        self.used: set[str] = set()
        self.passed: dict[str, bool] = {}
        self.objects: dict[str, Model | None] = {}
        self.members: dict[tuple[str, str], tuple[list[Model], dict[str, Model]]] = {}
        self.sources: dict[Place, Source] = {}
        self.models: dict[tuple[Place, str, bool], Change | None] = {}
        self.sure = all(not found.suspect for found in document.files.values())
        self.level = 0
        self.ignored = False

    def use(self, file: str) -> Element | None:
        """The root of a file; what is wrong with the file itself is told once."""
        found = self.document.files[file]
        if file not in self.used:
            self.used.add(file)
            self.faults.extend(found.faults)
        return found.root

    def pass_over(self) -> bool:
        """Content is not looked at; it may still not be nested too deep (P11). True if it is."""
        self.ignored = True
        file = self.open[-1]
        if file not in self.passed:
            deep = self.document.too_deep(file)
            self.passed[file] = deep is not None
            if deep is not None:
                self.faults.append(deep)
        return self.passed[file]

    def fault(self, code: str, rule: str, place: Place, message: str, hint: str = "") -> None:
        """Keep a fault."""
        self.faults.append(Fault(code, rule, place, message, hint))

    def unknown(self, element: Element, place: Place, known: Iterable[str]) -> None:
        """P15: an element that may not stand here, with the nearest one that may."""
        if self.faults.full:
            self.fault("element-unknown", "P15", place, "")
            return
        tag = str(element.tag)
        if tag.startswith(XINCLUDE):
            self.fault("xml-forbidden", "P11", place, "XInclude is not read")
            return
        names = list(known)
        near = nearest(tag.rpartition("}")[2], names)
        if tag.startswith("{"):
            hint = "elements of the protocol are in no namespace"
        elif near:
            hint = f"<{near}> is the nearest"
        else:
            hint = f"known here: {', '.join(names[:12])}"
        self.fault("element-unknown", "P15", place, f"{quoted(tag)} may not stand here", hint)

    def told(self, place: Place) -> None:
        """Turn the remarks on the value just read into warnings."""
        for code, message in self.remarks:
            self.fault(code, RULE_OF_REMARK[code], place, message)
        self.remarks.clear()


def word_of(reading: Reading, element: Element, place: Place) -> str | None:
    """P12: the action in lower case, None when none is given, ``?`` when it has a fault."""
    action, operator = element.get("action"), element.get("operator")
    if action is None and operator is None:
        return None
    words = {text.strip(BLANK).lower() for text in (action, operator) if text is not None}
    if len(words) > 1:
        reading.fault(
            "action-conflict",
            "P12",
            place,
            f"action={quoted(action or '')} and operator={quoted(operator or '')} differ",
            "keep one of the two",
        )
        return rules.UNKNOWN
    word = words.pop()
    if word not in rules.WORDS:
        near = nearest(word, rules.WORDS)
        hint = f"{near.capitalize()} is the nearest" if near else ""
        reading.fault("action-unknown", "P12", place, f"{quoted(word)} is no action", hint)
        return rules.UNKNOWN
    return word


def attributes(
    reading: Reading, element: Element, place: Place, allowed: frozenset[str] | set[str]
) -> None:
    """Refuse every attribute that is not in ``allowed``."""
    for name in element.keys():  # noqa: SIM118 - three times as fast as .attrib
        if name not in allowed and reading.faults.full:
            reading.fault("schema-invalid", "P10", place, "")
        elif name not in allowed:
            reading.fault(
                "schema-invalid",
                "P10",
                place,
                f"the attribute {quoted(str(name))} may not stand here",
                f"allowed: {', '.join(sorted(allowed)) or 'none'}",
            )


def no_text(reading: Reading, element: Element, place: Place) -> None:
    """Refuse text where only elements belong."""
    if reading.sure:
        return
    pieces = [element.text, *(child.tail for child in element)]
    stray = next((text for text in pieces if text and text.strip(BLANK)), None)
    if stray is not None:
        message = f"text {quoted(stray.strip(BLANK))} stands where elements belong"
        reading.fault("schema-invalid", "P10", place, message)


def text_of(reading: Reading, element: Element, place: Place) -> str:
    """The trimmed text of an element that holds no others (P10)."""
    if len(element):
        for index, child in enumerate(element):
            reading.unknown(child, (place, index), ())
    text = element.text
    return text.strip(BLANK) if text else ""


def value_of(
    reading: Reading, leaf: Leaf, text: str, unit: str | None, place: Place
) -> Value | None:
    """P16, P17: the canonical value of trimmed text; None for none, INVALID for a wrong one."""
    if not text:
        return None
    try:
        value = leaf.scalar.read(text, unit, reading.remarks)
    except InvalidValueError as error:
        message = f"{quoted(text)} in {leaf.element}: {error}"
        reading.fault(error.code, error.rule, place, message)
        reading.remarks.clear()
        return INVALID
    if reading.remarks:
        reading.told(place)
    return value


INVALID = "\N{REPLACEMENT CHARACTER}"
"""Stands for a value that has its fault already, so that it does not count as missing too."""


def unit_of(reading: Reading, element: Element, leaf: Leaf, place: Place) -> str | None:
    """The ``type=`` of a scalar, which must be one of its units (P16)."""
    unit = element.get("type")
    if unit is None or unit in leaf.scalar.units:
        return unit
    units = ", ".join(leaf.scalar.units)
    message = f"type={quoted(unit)} is no type of {leaf.element}"
    reading.fault("value-invalid", "P16", place, message, f"types here: {units or 'none'}")
    return None


def fill(
    reading: Reading, element: Element, place: Place, node: Node, row: list[Value | None]
) -> None:
    """Read ``element`` and what is in it into ``row``, as ``node`` says."""
    unit = _fill_attributes(reading, element, place, node, row) if element.keys() else None
    leaf = node.leaf
    if leaf is not None:
        if row[leaf.index] is not None:
            reading.fault("schema-invalid", "P10", place, f"{leaf.element} is given twice")
        value = value_of(reading, leaf, text_of(reading, element, place), unit, place)
        row[leaf.index] = value
        if value is None:  # what describes a text that is not there says nothing
            for described in node.attributes.values():
                row[described.index] = None
        return
    if element.text and element.text.strip(BLANK):
        no_text(reading, element, place)
    fill_children(reading, element, place, node, row)


def fill_children(
    reading: Reading, element: Element, place: Place, node: Node, row: list[Value | None]
) -> None:
    """Read the children of ``element`` into ``row``."""
    children = node.children
    sure = reading.sure
    seen: set[int] = set()
    for index, child in enumerate(element):
        below = children.get(child.tag)  # type: ignore[arg-type]
        if below is None:
            reading.unknown(child, (place, index), children)
            continue
        if id(below) in seen:
            reading.fault("schema-invalid", "P10", (place, index), f"{child.tag!s} is given twice")
            continue
        seen.add(id(below))
        leaf = below.leaf
        if leaf is None or not sure or child.keys() or row[leaf.index] is not None:
            fill(reading, child, (place, index), below, row)
            continue
        text = child.text
        if text:
            text = text.strip(BLANK)
            if not leaf.plain:
                row[leaf.index] = value_of(reading, leaf, text, None, (place, index))
            elif text:
                row[leaf.index] = text


def _fill_attributes(
    reading: Reading, element: Element, place: Place, node: Node, row: list[Value | None]
) -> str | None:
    """The attributes that fill columns, and no others; returns the ``type=`` of the scalar."""
    allowed = set(node.attributes)
    unit = None
    if node.leaf is not None and "type" not in allowed and node.leaf.scalar.units:
        allowed.add("type")
        unit = unit_of(reading, element, node.leaf, place)
    if word_of(reading, element, place) is not None:
        reading.fault("action-forbidden", "P34", place, "no action may stand on this element")
    attributes(reading, element, place, allowed | rules.ACTION_ATTRIBUTES)
    for name, leaf in node.attributes.items():
        text = element.get(name)
        if text is not None:
            row[leaf.index] = value_of(reading, leaf, text.strip(BLANK), None, place)
    return unit


def is_empty(element: Element) -> bool:
    """Whether an element says nothing at all (P15: an empty item)."""
    text = element.text
    return not len(element) and not (text and text.strip(BLANK))
