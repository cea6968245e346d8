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

from feedengine.model.generated import LISTS, OBJECTS, TABLES
from feedengine.model.identifiers import gtin14
from feedengine.model.scalars import TEXT, Scalar
from feedengine.model.shapes import Listed, Read, Table

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

    def __reduce__(self) -> tuple[Any, ...]:
        """There is one of each in a process: to another one goes its name."""
        return _kind_named, (self.name,)

    @property
    def territory_index(self) -> int | None:
        """Where the row holds the territory set's id, or None: this kind has no territories."""
        return self.position.get("territory_set_id")


_BY_NAME: Mapping[str, Table] = MappingProxyType({table.name: table for table in TABLES})


def table_named(name: str) -> Table:
    """A table by its name; raises `KeyError` where there is none."""
    return _BY_NAME[name]


def table_of(declared: Any) -> Table:
    """The table that a class of `feedengine.model.tables` and its like declares."""
    return _BY_NAME[declared.__tablename__]


def _leaf(table: Table, column: str, index: int) -> tuple[Read, Leaf] | None:
    found = table.column(column)
    read = found.read
    if read is None or not read.path or found.one:
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


def _list_kind(table: Table, index: int) -> ListKind:
    (listed,) = table.listed
    owner = f"{listed.owner}_id"
    columns = tuple(name for name in table.names if name not in {owner, "position"})
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


def _kind(table: Table) -> Kind:
    columns = tuple(name for name in table.names if name != "changed_at")
    position = {name: index for index, name in enumerate(columns)}
    reads = _readable(table, columns)
    own_lists = [one for one in map(table_named, LISTS) if one.listed[0].owner == table.name]
    lists = tuple(_list_kind(one, index) for index, one in enumerate(own_lists))
    found = [(column, column.read) for column in table.columns if column.read is not None]
    return Kind(
        name=table.name,
        element=table.declared,
        table=table,
        columns=columns,
        leaves=tuple(leaf for _, leaf in reads),
        required=tuple(leaf for _, leaf in reads if leaf.required and leaf.column != "id"),
        node=_node(reads),
        derived=tuple(
            (position[column.name], position[read.derived_from], column.name)
            for column, read in found
            if read.derived_from
        ),
        ones=MappingProxyType(
            {
                read.path[0][0]: (position[column.name], column.refers)
                for column, read in found
                if column.one and column.refers
            }
        ),
        lists=lists,
        shared=tuple(s for s in table_named("release_track").listed if s.owner == table.name),
        position=MappingProxyType(position),
    )


@cache
def kinds() -> Mapping[str, Kind]:
    """Table's name → kind, what others refer to first."""
    return MappingProxyType({name: _kind(table_named(name)) for name in OBJECTS})


def _kind_named(name: str) -> Kind:
    return kinds()[name]


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
