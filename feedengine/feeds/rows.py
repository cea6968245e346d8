"""Items of lists and territories, as `feedengine.feeds.skim` reads them.

Whatever needs a second look (a repeated element, an item that lacks something) raises
`UnusualError`: then the document is read from its tree, which finds the faults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from feedengine.catalogue.availability import too_many
from feedengine.catalogue.territories import Validity
from feedengine.model.entities import ListKind
from feedengine.model.scalars import COUNTRY

if TYPE_CHECKING:
    from feedengine.feeds.changes import Asked
    from feedengine.model.instants import Remarks
    from feedengine.model.scalars import Value


VOID = object()
"""Stands in a row of an item where an element is empty, until the item is complete (P17)."""


class UnusualError(Exception):
    """There is something in the document that has to be read from its tree."""


class Rows:
    """Items of lists, as they are read.

    A value is put into ``row``, where ``blank`` stands until then; ``remarks`` are the doubts about
    the values so far, ``validities`` those of the territory that has begun.
    """

    __slots__ = (
        *("_country", "_found", "_groups"),
        *("blank", "remarks", "row", "validities"),
    )

    def __init__(self) -> None:
        """Nothing yet."""
        self.remarks: Remarks = []
        self.row: list[Asked] = []
        self.blank: object = None
        self._found: dict[object, object] = {}
        self._groups = 0
        self._country: list[Asked] = [None]
        self.validities: tuple[Validity, ...] = ()

    # Items

    def begin_item(self, kind: ListKind) -> None:
        """An item of a list begins."""
        self.row, self.blank = [None] * len(kind.columns), None
        self._groups = 0

    def begin_group(self, _nothing: None) -> None:
        """What holds leaves of an item begins; a second one needs another look."""
        self._groups += 1
        if self._groups > 1:
            raise UnusualError

    def put_attribute(self, given: tuple[int, Value]) -> None:
        """An attribute fills a column of an item."""
        column, self.row[column] = given

    def end_item(self, kind: ListKind) -> None:
        """An item is complete, and unlike those before it (P32)."""
        row = self._complete(kind)
        mark = tuple([row[at] for at in kind.key])
        if mark in self._found:
            raise UnusualError
        self._found[mark] = row

    def put_void(self, column: int) -> None:
        """An empty element of an item: nothing is there."""
        if self.row[column] is not None:
            raise UnusualError
        self.row[column] = cast("Asked", VOID)

    def _given(self) -> tuple[Value | None, ...]:
        """The row of the item, as far as it is filled."""
        row = tuple(self.row)
        if VOID in row:
            row = tuple([None if value is VOID else value for value in row])
        return cast("tuple[Value | None, ...]", row)

    def _complete(self, kind: ListKind) -> tuple[Value | None, ...]:
        row = self._given()
        for leaf in kind.required:
            if row[leaf.index] is None:
                raise UnusualError
        if kind.one_of and all(row[at] is None for at in kind.one_of):
            raise UnusualError
        return row

    def begin_named(self, row: tuple[Value | None, ...]) -> None:
        """An item with a free name begins; the name and the attributes are in ``row`` (P15)."""
        self.row, self.blank = [*row], None

    # Territories

    def begin_territory(self, _nothing: None) -> None:
        """A territory begins, or a bare country; the country follows."""
        self._country = [None]
        self.validities = ()
        self.at_country(None)

    def at_country(self, _nothing: None) -> None:
        """What follows belongs to the territory itself."""
        self.row, self.blank = self._country, None

    def country(self) -> str:
        """The country of the territory."""
        found = self._country[0]
        if not isinstance(found, str):
            raise UnusualError
        return found

    def begin_validities(self, _nothing: None) -> None:
        """The validities of a territory begin."""
        self._found = {}

    def end_validities(self, _nothing: None) -> None:
        """The validities of a territory are all there."""
        rows = cast("dict[object, tuple[str, str, str | None, str | None]]", self._found)
        found = tuple([Validity(*row) for row in rows.values()])
        if too_many(found):
            raise UnusualError
        self.validities += found
        self._found = {}


class ListDraft(Rows):
    """What has been read of a territory list so far (P36)."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.entries: dict[str, tuple[Validity, ...]] = {}

    def end_territory(self, _nothing: None) -> None:
        """A territory is complete, and unlike those before it."""
        country = self.country()
        if country in self.entries:
            raise UnusualError
        self.entries[country] = self.validities

    def next_territory(self, validities: tuple[Validity, ...], text: str) -> None:
        """A territory ends that has these validities, and the one of another country begins."""
        self.validities = validities
        self.end_territory(None)
        self.begin_territory(None)
        self.row[0] = COUNTRY.read(text, None, self.remarks)
