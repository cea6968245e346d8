"""Tables as plain values: what `feedengine.model.tables` declares, without SQLModel.

The values themselves are in `feedengine.model.generated`, written from the declarations, so that a
command which only reads a package or asks a question imports neither SQLModel nor SQLAlchemy.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from feedengine.model.scalars import Kept, Scalar

Part: TypeAlias = Literal["catalogue", "ledger", "parcels"]


class Read(NamedTuple):
    """What a column is read from."""

    path: tuple[tuple[str, ...], ...]
    attribute: str | None
    scalar: Scalar
    required: bool
    derived_from: str | None = None


class Listed(NamedTuple):
    """A collection of an object, declared by the class of its rows.

    ``style``: ``child`` (rows of their own), ``named`` (children with free names, P15), ``link``
    (to another object), ``shared`` (the release–track link, seen from ``owner``).
    """

    owner: str
    name: str
    plural: str
    item: str
    style: str = "child"
    key: tuple[str, ...] = ()
    target: str | None = None
    bare: bool = False
    transparent: str | None = None
    one_of: tuple[str, ...] = ()


class Column(NamedTuple):
    """A column: what its values are (None: bytes, which only the engine knows), and where read.

    ``refers`` is the table whose first key column it names; ``one`` says that it is read as a
    nested model of that table (P43).
    """

    name: str
    scalar: Scalar | None
    nullable: bool = False
    key: bool = False
    refers: str | None = None
    read: Read | None = None
    one: bool = False

    @property
    def kept(self) -> Kept:
        """How its values are kept."""
        return "bytes" if self.scalar is None else self.scalar.kept


class Table:
    """A table by its name; compared by identity, since there is one value of each."""

    def __init__(
        self,
        name: str,
        declared: str,
        note: str,
        part: Part,
        columns: tuple[Column, ...],
        listed: tuple[Listed, ...] = (),
    ) -> None:
        """``declared`` is the class's name, ``note`` the first sentence of what it says."""
        self.name = name
        self.declared = declared
        self.note = note
        self.part = part
        self.columns = columns
        self.listed = listed

    def __repr__(self) -> str:
        """Its name."""
        return f"Table({self.name!r})"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in their order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key, in the order of the table."""
        return tuple(column.name for column in self.columns if column.key)

    def column(self, name: str) -> Column:
        """The column of this name; raises `ValueError` where there is none."""
        return self.columns[self.names.index(name)]
