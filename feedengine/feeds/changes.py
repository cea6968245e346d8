"""What a package asks for, as frozen values (protocol, sections 3 and 4).

`parse` makes them from a document; `feedengine.catalogue.decide` carries them out. They need no
database and know of no file but through their `Place`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias

from feedengine.catalogue.territories import TerritorySet, Validity
from feedengine.errors import Place
from feedengine.model.entities import Kind
from feedengine.model.scalars import Value


class Unset(Enum):
    """The value of a column that the package says nothing about (P17)."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET

Asked: TypeAlias = "Value | Literal[Unset.UNSET] | None"

Action: TypeAlias = Literal["create", "upsert", "update", "delete", "view", "refer", "pull"]
"""A primary action in lower case; ``refer`` is a nested model without one (P43), ``pull`` a genre
taken out of the genre list (P44)."""


class Replace(NamedTuple):
    """A list given without sub-actions: it is replaced whole (P21)."""

    list: int
    items: tuple[tuple[Value | None, ...], ...]


class Push(NamedTuple):
    """An item is put at the end of a list, or in place of the one with its key (P32)."""

    list: int
    item: tuple[Value | None, ...]


class Pull(NamedTuple):
    """Every item that equals ``match`` in the columns given there goes (P33)."""

    list: int
    match: tuple[tuple[int, Value], ...]
    place: Place


class ReplaceLinks(NamedTuple):
    """A list of links given without sub-actions; ``shared`` links are the release–track ones."""

    list: int
    models: tuple[Change, ...]


class PushLink(NamedTuple):
    """A model is linked, after its nested Create or Upsert where it has one (P26, P32, P43)."""

    list: int
    model: Change


class PullLink(NamedTuple):
    """The link to the model of this ID goes (P33)."""

    list: int
    id: str
    place: Place


class PointAt(NamedTuple):
    """A single nested model: its ID goes into the column; None sets NULL."""

    column: int
    model: Change | None


class Adjust(NamedTuple):
    """Increase (``sign`` 1) or Decrease (-1) of a numeric column, in exact decimals (P34)."""

    column: int
    amount: Value
    sign: int
    place: Place


class ReplaceTerritories(NamedTuple):
    """The whole territory list; an empty set is declared empty (P36)."""

    territories: TerritorySet


class PushTerritory(NamedTuple):
    """A country's entry, in place of the one it had."""

    country: str
    validities: tuple[Validity, ...]
    place: Place


class PullTerritory(NamedTuple):
    """A country's entry goes (P36)."""

    country: str
    place: Place


class Undeclare(NamedTuple):
    """The territory list is no longer declared (P44: Delete of a ReleaseSetting)."""


Step: TypeAlias = (
    Replace
    | Push
    | Pull
    | ReplaceLinks
    | PushLink
    | PullLink
    | PointAt
    | Adjust
    | ReplaceTerritories
    | PushTerritory
    | PullTerritory
    | Undeclare
)
"""One thing to do to an object, carried out in document order (P30)."""

SHARED: Final = -1
"""The ``list`` of a step on release–track links: they belong to no list of one object."""


class Source:
    """The file that a nested model stands in; where the file names itself again, it is there again.

    ``change`` is what the model asks for, once the file has been read whole (P42).
    """

    __slots__ = ("change", "file")

    def __init__(self, file: str) -> None:
        """A model of ``file``, not read yet."""
        self.file = file
        self.change: Change | None = None

    def __repr__(self) -> str:
        """The file alone: its models may name each other in circles."""
        return f"Source({self.file!r})"


class Change(NamedTuple):
    """What one model of a package asks for.

    ``asked`` holds a value, NULL or UNSET for each of ``kind.columns``; ``missing`` the required
    elements that are not given, which matters where the object has to be created. A model from a
    file has a ``source``; where the file was being read already, nothing is asked: it is a bare
    reference there, and what its source says wherever it is not being carried out (P42).
    """

    action: Action
    kind: Kind
    id: str
    asked: tuple[Asked, ...]
    steps: tuple[Step, ...]
    missing: tuple[str, ...]
    place: Place
    setting: bool = False
    source: Source | None = None


def bare(change: Change) -> Change:
    """A reference to the same object by its ID alone."""
    missing = tuple(leaf.element for leaf in change.kind.leaves if leaf.required)
    return Change("refer", change.kind, change.id, (), (), missing, change.place)


class GenreList(NamedTuple):
    """``Genres`` as a package's object: each genre is created, upserted or pulled (P44)."""

    action: Action
    members: tuple[Change, ...]


class TerritoryView(NamedTuple):
    """``Territory`` or ``Territories`` as a package's object: answered as it was read (P44)."""

    territories: TerritorySet


Request: TypeAlias = Change | GenreList | TerritoryView
"""What a whole package asks for."""
