"""What the declarations of `feedengine.model.tables` amount to, as frozen values for everyone else.

A `Kind` is an object's type (artist, release, …), a `ListKind` one of its collections; a `Node`
says what an element's children and attributes fill. All are derived; no field is named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table
from sqlmodel import SQLModel

from feedengine.model import tables
from feedengine.model.declare import Listed, Read
from feedengine.model.identifiers import gtin14
from feedengine.model.scalars import TEXT, Scalar

DERIVATIONS = MappingProxyType({"gtin14": gtin14})
"""Column → how it is computed from the column it is derived from."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of a row, and how it is read; ``plain`` text is taken as it stands."""

    index: int
    column: str
    scalar: Scalar
    required: bool
    element: str
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """What an element fills: itself, its attributes, its children under any name (P15)."""

    leaf: Leaf | None
    attributes: Mapping[str, Leaf]
    children: Mapping[str, Node]


@dataclass(frozen=True, eq=False, slots=True)
class ListKind:
    """A collection of an object. ``columns`` are those of an item, without owner and position."""

    index: int
    listed: Listed
    table: Table
    owner_column: str
    columns: tuple[str, ...]
    leaves: tuple[Leaf, ...]
    required: tuple[Leaf, ...]
    node: Node
    key: tuple[int, ...]
    one_of: tuple[int, ...]
    document_columns: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """The table's suffix and the key in documents."""
        return self.listed.name

    @property
    def is_link(self) -> bool:
        """Whether items are ids of other objects."""
        return self.listed.style == "link"


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """A type of object.

    ``columns`` is the order of an object's row: every column of the table but ``changed_at``;
    ``required`` are the fields of a complete model besides the ID.
    """

    name: str
    element: str
    table: Table
    columns: tuple[str, ...]
    leaves: tuple[Leaf, ...]
    required: tuple[Leaf, ...]
    node: Node
    derived: tuple[tuple[int, int, str], ...]
    ones: Mapping[str, tuple[int, str]]
    lists: tuple[ListKind, ...]
    shared: tuple[Listed, ...]
    position: Mapping[str, int]

    @property
    def territory_index(self) -> int | None:
        """Where the row holds the territory set's id, or None: this kind has no territories."""
        return self.position.get("territory_set_id")


def table_of(declared: type[SQLModel]) -> Table:
    """The table of a declaration."""
    found: Table = declared.__table__  # type: ignore[attr-defined]
    return found


def _leaf(table: Table, column: str, index: int) -> tuple[Read, Leaf] | None:
    read: Read | None = table.columns[column].info.get("read")
    if read is None or not read.path or "one" in table.columns[column].info:
        return None
    name = read.path[-1][0] if read.attribute is None else "@" + read.attribute
    return read, Leaf(index, column, read.scalar, read.required, name, read.scalar is TEXT)


def _node(reads: Iterable[tuple[Read, Leaf]], depth: int = 0) -> Node:
    """The tree of elements that ``reads`` describe below ``depth``."""
    own: Leaf | None = None
    attributes: dict[str, Leaf] = {}
    below: dict[tuple[str, ...], list[tuple[Read, Leaf]]] = {}
    for read, leaf in reads:
        if len(read.path) > depth:
            below.setdefault(read.path[depth], []).append((read, leaf))
        elif read.attribute is None:
            own = leaf
        else:
            attributes[read.attribute] = leaf
    children = {
        name: node
        for names, inside in below.items()
        for node in (_node(inside, depth + 1),)
        for name in names
    }
    return Node(own, MappingProxyType(attributes), MappingProxyType(children))


def _readable(table: Table, columns: tuple[str, ...]) -> list[tuple[Read, Leaf]]:
    return [
        found
        for index, column in enumerate(columns)
        if (found := _leaf(table, column, index)) is not None
    ]


def _list_kind(declared: Any, index: int) -> ListKind:
    table = table_of(declared)
    listed: Listed = declared.listed
    owner = f"{listed.owner}_id"
    columns = tuple(str(c.name) for c in table.columns if c.name not in {owner, "position"})
    reads = _readable(table, columns)
    node = _node(reads)
    if listed.style == "named":
        node = node.children["*"]
    return ListKind(
        index,
        listed,
        table,
        owner,
        columns,
        tuple(leaf for _, leaf in reads),
        tuple(leaf for _, leaf in reads if leaf.required),
        node,
        tuple(columns.index(name) for name in listed.key),
        tuple(columns.index(name) for name in listed.one_of),
        tuple(sorted((name, at) for at, name in enumerate(columns))),
    )


def _kind(declared: type[tables.Catalogued]) -> Kind:
    table = table_of(declared)
    columns = tuple(str(c.name) for c in table.columns if c.name != "changed_at")
    position = {name: index for index, name in enumerate(columns)}
    reads = _readable(table, columns)
    own_lists = [c for c in tables.LISTS if c.listed.owner == table.name]  # type: ignore[attr-defined]
    lists = tuple(_list_kind(c, index) for index, c in enumerate(own_lists))
    infos = {name: table.columns[name].info for name in columns}
    return Kind(
        name=str(table.name),  # SQLAlchemy's own kind of text is looked up, and bound, more slowly
        element=declared.__name__,
        table=table,
        columns=columns,
        leaves=tuple(leaf for _, leaf in reads),
        required=tuple(leaf for _, leaf in reads if leaf.required and leaf.column != "id"),
        node=_node(reads),
        derived=tuple(
            (position[name], position[info["read"].derived_from], name)
            for name, info in infos.items()
            if "read" in info and info["read"].derived_from
        ),
        ones=MappingProxyType(
            {
                info["read"].path[0][0]: (position[name], info["one"])
                for name, info in infos.items()
                if "one" in info
            }
        ),
        lists=lists,
        shared=tuple(s for s in tables.ReleaseTrack.seen_from if s.owner == table.name),
        position=MappingProxyType(position),
    )


@cache
def kinds() -> Mapping[str, Kind]:
    """Table's name → kind, what others refer to first."""
    return MappingProxyType({str(k.__tablename__): _kind(k) for k in tables.OBJECTS})


@cache
def by_element() -> Mapping[str, Kind]:
    """Element's name (``Release``) → kind."""
    return MappingProxyType({kind.element: kind for kind in kinds().values()})


@cache
def validity_list() -> ListKind:
    """How a validity of a territory is read: as a track's own are."""
    return next(one for one in kinds()["track"].lists if one.name == "validity")


@cache
def links_to(target: str) -> tuple[tuple[Kind, ListKind], ...]:
    """The lists whose items are ids of ``target``, with their owners' kinds."""
    return tuple(
        (kind, one)
        for kind in kinds().values()
        for one in kind.lists
        if one.is_link and one.listed.target == target
    )
