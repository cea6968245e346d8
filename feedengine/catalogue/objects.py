"""An object of the catalogue as one frozen value, to and from its canonical document (H1).

The one shape of an object: what `decide` makes is what ``change`` stores, ``export`` prints,
``show --at`` reads and ``db rebuild`` saves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import astuple

from feedengine.model.entities import Kind, ListKind
from feedengine.model.scalars import Value

Item: TypeAlias = "str | tuple[Value | None, ...]"
"""An item of a list: the id of a linked object, or the columns of a child."""

Key: TypeAlias = tuple[str, str]
"""``(kind's name, id)``."""

Row: TypeAlias = tuple[Value | None, ...]


class Object(NamedTuple):
    """An object: its row as ``kind.columns`` are ordered, its lists as ``kind.lists`` are."""

    kind: Kind
    row: Row
    lists: tuple[tuple[Item, ...], ...]

    def value(self, column: str) -> Value | None:
        """A column's value by its name."""
        return self.row[self.kind.position[column]]

    def refers_to(self) -> list[Key]:
        """What it links to and points at; the release–track links are not its own."""
        lists, ones = _references(self.kind)
        found = [(target, str(one)) for at, target in lists for one in self.lists[at]]
        row = self.row
        return found + [(target, str(row[at])) for at, target in ones if row[at] is not None]


@cache
def _references(kind: Kind) -> tuple[tuple[tuple[int, str], ...], tuple[tuple[int, str], ...]]:
    """The lists of links and the columns that hold ids, with what they refer to."""
    lists = tuple((one.index, str(one.listed.target)) for one in kind.lists if one.is_link)
    return lists, tuple(kind.ones.values())


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


_encode = msgspec.json.Encoder().encode


def canonical_json(value: Any) -> str:
    """Canonical JSON: no blanks, nothing escaped that need not be; keys in the order given."""
    return _encode(value).decode()


def link_document(release: str, track: str, position: int) -> str:
    """The canonical document of a link."""
    return canonical_json({"position": position, "release_id": release, "track_id": track})


class _Shape(NamedTuple):
    """A document's type: ``made`` has a field for each key, in their order; None is left out.

    ``pick`` brings the values of a row into that order, ``back`` those of a document into a row's.
    """

    made: Callable[..., msgspec.Struct]
    pick: Callable[[Any], tuple[Any, ...]]
    back: Callable[[Any], tuple[Any, ...]]


def _shape(name: str, fields: Iterable[tuple[str, int, Any]]) -> _Shape:
    """Of the fields ``(key, place in the row, type)``."""
    order = sorted(fields)
    places = [place for _, place, _ in order]
    typed = [(key, kind | None, None) for key, _, kind in order]
    made = msgspec.defstruct(name, typed, omit_defaults=True)
    return _Shape(
        made, _picker(places), _picker(sorted(range(len(places)), key=places.__getitem__))
    )


def _picker(places: Sequence[int]) -> Callable[[Any], tuple[Any, ...]]:
    if len(places) == 1:  # `itemgetter` would give the value itself
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


@cache
def _item_shape(kind: ListKind) -> _Shape:
    return _shape(kind.table.name, [(name, at, Value) for name, at in kind.document_columns])


class _Documents:
    """How the objects of a kind are told and read: rows with their lists behind."""

    def __init__(self, kind: Kind) -> None:
        """Make the types once."""
        self.kind = kind
        self.columns = len(kind.columns)
        self.items = [None if one.is_link else _item_shape(one) for one in kind.lists]
        fields: list[tuple[str, int, Any]] = [
            (name, at, Value) for name, at in kind.position.items()
        ]
        for one, shape in zip(kind.lists, self.items, strict=True):
            inside: Any = str if shape is None else shape.made
            fields.append((one.name, self.columns + one.index, list[inside]))
        self.shape = _shape(kind.name, fields)
        self.decode = msgspec.json.Decoder(self.shape.made).decode

    def told(self, thing: Object) -> msgspec.Struct:
        """The object as a document."""
        listed = map(_told, self.items, thing.lists)
        return self.shape.made(*self.shape.pick((*thing.row, *listed)))

    def read(self, document: msgspec.Struct) -> Object:
        """The object of a document."""
        row = self.shape.back(astuple(document))
        lists = tuple(map(_read, self.items, row[self.columns :]))
        return Object(self.kind, row[: self.columns], lists)


def _told(shape: _Shape | None, items: tuple[Item, ...]) -> Sequence[Any] | None:
    if not items:
        return None
    if shape is None:
        return list(items)
    made, pick, _ = shape
    return [made(*pick(item)) for item in items]


def _read(shape: _Shape | None, found: Sequence[Any] | None) -> tuple[Item, ...]:
    if not found:
        return ()
    if shape is None:
        return tuple(found)
    return tuple([shape.back(astuple(item)) for item in found])


_documents = cache(_Documents)


def as_document(thing: Object) -> dict[str, Any]:
    """The object as a dictionary: keys sorted, NULL columns and empty lists left out."""
    document: dict[str, Any] = msgspec.to_builtins(_documents(thing.kind).told(thing))
    return document


def to_json(thing: Object) -> str:
    """The canonical document: sorted keys, no blanks, decimals and instants as text (H1)."""
    return _encode(_documents(thing.kind).told(thing)).decode()


def from_json(kind: Kind, text: str | bytes) -> Object:
    """The object of a canonical document, text or UTF-8; columns it does not know of are NULL.

    Raises `ValueError` for what is none.
    """
    made = _documents(kind)
    try:
        return made.read(made.decode(text))
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
