"""The short way through what most packages hold: valid by the schema, and nothing unusual in it.

Each function reads what it can without a second look, and returns None as soon as it meets anything
that needs one (attributes, empty elements, values in doubt, nesting); the caller then goes the long
way, which finds the faults. Both ways give the same where both give something: a property test
compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine.feeds.changes import UNSET, Asked, Change
from feedengine.feeds.reading import BLANK
from feedengine.model.instants import InvalidValueError, Remarks

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feedengine.errors import Place
    from feedengine.model.entities import Kind, Leaf, ListKind, Node
    from feedengine.model.scalars import Value


def _value(leaf: Leaf, element: Element) -> Value | None:
    """A value without any doubt, or None."""
    text = element.text
    if not text or element.keys():
        return None
    text = text.strip(BLANK)
    if leaf.plain or not text:
        return text or None
    remarks: Remarks = []
    try:
        value = leaf.scalar.read(text, None, remarks)
    except InvalidValueError:
        return None
    return None if remarks else value


def quick_reference(element: Element, kind: Kind, place: Place) -> Change | None:
    """A nested model of plain fields alone, such as an ID and a name (P43)."""
    nodes = kind.node.children
    asked: list[Asked] = [UNSET] * len(kind.columns)
    for child in element:
        node = nodes.get(child.tag)  # type: ignore[arg-type]
        leaf = None if node is None else node.leaf
        if leaf is None or asked[leaf.index] is not UNSET:
            return None
        value = _value(leaf, child)
        if value is None:
            return None
        asked[leaf.index] = value
    name = asked[kind.position["id"]]
    if not isinstance(name, str) or len(name) > 255 or kind.derived:
        return None
    missing = tuple([leaf.element for leaf in kind.required if asked[leaf.index] is UNSET])
    return Change("refer", kind, name, tuple(asked), (), missing, place)


def quick_rows(element: Element, kind: ListKind) -> tuple[tuple[Value | None, ...], ...] | None:
    """The rows of a plain list of complete items with different keys."""
    if kind.listed.style == "named" or element.keys():
        return None
    width, key = len(kind.columns), kind.key
    found: dict[tuple[Value | None, ...], tuple[Value | None, ...]] = {}
    for child in element:
        row: list[Value | None] = [None] * width
        if child.keys() or not _filled(child, kind.node, row):
            return None
        mark = tuple([row[at] for at in key])
        if mark in found or any(row[leaf.index] is None for leaf in kind.required):
            return None
        if kind.one_of and all(row[at] is None for at in kind.one_of):
            return None
        found[mark] = tuple(row)
    return tuple(found.values())


def _filled(element: Element, node: Node, row: list[Value | None]) -> bool:
    """Read the children of an item; False when one of them needs a second look."""
    children = node.children
    holding: list[Node] = []
    for child in element:
        below = children.get(child.tag)  # type: ignore[arg-type]
        if below is None:
            return False
        leaf = below.leaf
        if leaf is None:
            repeated = any(below is one for one in holding)
            if repeated or child.keys() or not _filled(child, below, row):
                return False
            holding.append(below)
            continue
        if row[leaf.index] is not None:
            return False
        value = _value(leaf, child)
        if value is None:
            return False
        row[leaf.index] = value
    return len(element) > 0
