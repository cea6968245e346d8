"""What the endpoint answers, read in whatever form it comes: JSON, XML, or text.

The recipient's document names a code (1008), a message and an index, but not their form. So every
object, or element, that has an index is taken for an item that was refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

INVALID_ITEMS = "1008"
"""One or more items are invalid, and nothing was saved."""

LONGEST_REASON = 500

_CODES = ("code", "errorcode")
_INDEXES = ("index", "errorindex", "indexes", "indices")
_MESSAGES = ("errormessage", "message", "reason", "description", "error")
_CODE = re.compile(r"\b(1008)\b")


class Complaint(NamedTuple):
    """An error that an answer tells of; ``items`` are ``(index as the recipient counts, why)``."""

    code: str
    message: str
    items: tuple[tuple[int, str], ...] = ()


def complaint_of(body: bytes) -> Complaint | None:
    """The error in an answer's body; None when there is none, or nothing that can be read."""
    text = body.decode("utf-8", "replace").strip()
    tree = _json(text) if text[:1] in {"{", "["} else _xml(body) if text[:1] == "<" else None
    if tree is None:
        found = _CODE.search(text)
        return Complaint(found[1], _short(text)) if found else None
    nodes = list(_nodes(tree))
    codes = [code for node in nodes for code in _values(node, _CODES)]
    if not codes and not any(_failed(node) for node in nodes):
        return None
    code = INVALID_ITEMS if INVALID_ITEMS in codes else (codes or ["?"])[0]
    words = [_message(node) for node in nodes]
    items = {
        int(index): _message(node) or next(filter(None, words), "")
        for node in nodes
        for index in _values(node, _INDEXES)
        if re.fullmatch(r"[0-9]{1,6}", index)
    }
    return Complaint(code, next(filter(None, words), ""), tuple(sorted(items.items())))


def _failed(node: Mapping[str, Any]) -> bool:
    return str(node.get("status", "")).lower() in {"error", "fail", "failed", "failure"}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _xml(body: bytes) -> Any:
    """Elements as objects: attributes, and children by their names."""
    from lxml import etree

    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        return _element(etree.fromstring(body, parser))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _element(element: Any) -> dict[str, Any]:
    """An element of at most 256 levels, which is where libxml2 stops."""
    found: dict[str, Any] = {str(name): str(value) for name, value in element.attrib.items()}
    for child in element.iterchildren("*"):
        value = _element(child) if len(child) or child.attrib else (child.text or "").strip()
        found.setdefault(_bare(child.tag), []).append(value)
    if element.text and element.text.strip() and not len(element):
        found.setdefault("message", element.text.strip())
    return {_bare(element.tag): found} if element.getparent() is None else found


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree, names in lower case."""
    waiting = [tree]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            yield {str(name).lower(): value for name, value in one.items()}
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _values(node: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = node.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str | int) and not isinstance(one, bool):
                yield str(one).strip()


def _message(node: Mapping[str, Any]) -> str:
    return _short(next((one for one in _values(node, _MESSAGES) if one), ""))


def _short(text: str) -> str:
    return " ".join(text.split())[:LONGEST_REASON]
