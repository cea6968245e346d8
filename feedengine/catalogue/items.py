"""The items of one list while a package edits it (P32, P33): each edit costs what it touches.

A list may hold tens of thousands of items and a package edit each of them, so no edit walks
through the others: items are found by their key, and by the columns that Pulls name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from feedengine.catalogue.objects import Item
    from feedengine.model.scalars import Value

MOST_INDEXES = 32
"""Combinations of columns that are indexed; Pulls by more of them search."""

_Columns: TypeAlias = tuple[int, ...]
_Marks: TypeAlias = dict[Any, None]


def _picker(columns: _Columns) -> Callable[[Any], Any]:
    """What gives the values of these columns."""
    return lambda item: tuple([item[at] for at in columns])


class Items:
    """The items in their order; ``key`` holds the columns of an item's key.

    Without a key the items are ids, and each is its own.
    """

    def __init__(self, key: _Columns, items: Iterable[Item]) -> None:
        """Take up a list."""
        self._key = key
        self._mark: Callable[[Any], Any] = _picker(key) if key else lambda item: item
        self._items: dict[Any, Item] = {self._mark(item): item for item in items}
        self._indexes: dict[_Columns, dict[Any, _Marks]] = {}
        self._searched: set[_Columns] = set()

    def all(self) -> tuple[Item, ...]:
        """The list as it stands."""
        return tuple(self._items.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._items)

    def push(self, item: Item) -> None:
        """P32: in place of the item with the same key, or at the end."""
        mark = self._mark(item)
        if mark in self._items:
            self._unindex(mark)
        self._items[mark] = item
        for columns, index in self._indexes.items():
            index.setdefault(_picker(columns)(item), {})[mark] = None

    def discard(self, mark: Any) -> bool:
        """The item of this key goes; whether it was there."""
        if mark not in self._items:
            return False
        self._unindex(mark)
        del self._items[mark]
        return True

    def pull(self, match: Sequence[tuple[int, Value]]) -> bool:
        """P33: every item goes that has these values in these columns; whether one was there."""
        given = dict(match)
        found = [mark for mark in self._near(given) if self._matches(mark, match)]
        for mark in found:
            self.discard(mark)
        return bool(found)

    def _matches(self, mark: Any, match: Sequence[tuple[int, Value]]) -> bool:
        item = self._items[mark]
        return all(item[at] == value for at, value in match)

    def _near(self, given: dict[int, Value]) -> Iterable[Any]:
        """The keys among which those of a Pull are; the second Pull by some columns indexes."""
        if all(at in given for at in self._key):
            mark = tuple([given[at] for at in self._key])
            return [mark] if mark in self._items else []
        columns = tuple(sorted(given))
        index = self._indexes.get(columns)
        if index is None:
            if columns not in self._searched or len(self._indexes) >= MOST_INDEXES:
                self._searched.add(columns)
                return list(self._items)
            index = self._indexes[columns] = {}
            values = _picker(columns)
            for mark, item in self._items.items():
                index.setdefault(values(item), {})[mark] = None
        return list(index.get(tuple([given[at] for at in columns]), ()))

    def _unindex(self, mark: Any) -> None:
        item = self._items[mark]
        for columns, index in self._indexes.items():
            del index[_picker(columns)(item)][mark]
