"""An object of the catalogue as one frozen value, to and from its canonical document (H1).

The one shape of an object: what `decide` makes is what ``change`` stores, ``export`` prints,
``show --at`` reads and ``db rebuild`` saves.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeAlias

from feedengine.model.entities import Kind, ListKind
from feedengine.model.scalars import Value

Item: TypeAlias = "str | tuple[Value | None, ...]"
"""An item of a list: the id of a linked object, or the columns of a child."""

Key: TypeAlias = tuple[str, str]
"""``(kind's name, id)``."""

Row: TypeAlias = tuple[Value | None, ...]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Object(NamedTuple):
    """An object: its row as ``kind.columns`` are ordered, its lists as ``kind.lists`` are."""

    kind: Kind
    row: Row
    lists: tuple[tuple[Item, ...], ...]

    def value(self, column: str) -> Value | None:
        """A column's value by its name."""
        return self.row[self.kind.position[column]]


class Link(NamedTuple):
    """A release–track link: ``position`` on the release, ``order`` among the track's releases.

    ``order`` is the ``change.seq`` that made the link, or a larger provisional number until saved.
    """

    position: int
    order: int


def link_id(release: str, track: str) -> str:
    """The ``entity_id`` of a link in history: ``release/track``, `%` and `/` of an id escaped."""
    return f"{_escaped(release)}/{_escaped(track)}"


def link_ends(entity_id: str) -> tuple[str, str]:
    """The release and the track that `link_id` was made of."""
    release, track = entity_id.split("/")
    return _unescaped(release), _unescaped(track)


def _escaped(text: str) -> str:
    if "/" in text or "%" in text:
        return text.replace("%", "%25").replace("/", "%2F")
    return text


def _unescaped(text: str) -> str:
    return text.replace("%2F", "/").replace("%25", "%") if "%" in text else text


def link_document(release: str, track: str, position: int) -> str:
    """The canonical document of a link."""
    return _encode({"position": position, "release_id": release, "track_id": track})


def _items(kind: ListKind, items: tuple[Item, ...]) -> list[Any]:
    if kind.is_link:
        return list(items)
    order = kind.document_columns
    return [{name: item[at] for name, at in order if item[at] is not None} for item in items]


def as_document(thing: Object) -> dict[str, Any]:
    """The object as a dictionary: keys sorted, NULL columns and empty lists left out."""
    kind, row, lists = thing
    document: dict[str, Any] = {}
    for name, at, listed in kind.document_order:
        if listed is None:
            value = row[at]
            if value is not None:
                document[name] = value
        elif lists[at]:
            document[name] = _items(listed, lists[at])
    return document


def to_json(thing: Object) -> str:
    """The canonical document: sorted keys, no blanks, decimals and instants as text (H1)."""
    return _encode(as_document(thing))


def from_document(kind: Kind, document: dict[str, Any]) -> Object:
    """The object of a canonical document; columns it does not know of are NULL."""
    row = tuple(document.get(name) for name in kind.columns)
    lists = tuple(
        tuple(document.get(one.name, ()))
        if one.is_link
        else tuple(
            tuple(item.get(name) for name in one.columns) for item in document.get(one.name, ())
        )
        for one in kind.lists
    )
    return Object(kind, row, lists)


def from_json(kind: Kind, text: str) -> Object:
    """The object of a canonical document as text."""
    return from_document(kind, json.loads(text))
