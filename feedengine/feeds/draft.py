"""A package as it is put together by `feedengine.feeds.skim`: collections in models."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from feedengine.catalogue.territories import EMPTY
from feedengine.feeds import changes
from feedengine.feeds.changes import UNSET, Change, Step
from feedengine.feeds.model_draft import Amount, ModelDraft
from feedengine.feeds.rows import UnusualError

if TYPE_CHECKING:
    from feedengine.model.entities import ListKind
    from feedengine.model.scalars import Value

__all__ = ["Amount", "Draft"]


class Draft(ModelDraft):
    """What has been read of a document so far."""

    __slots__ = ()

    # Collections

    def begin_list(self, name: str) -> None:
        """A collection begins, or what holds a single nested model."""
        model = self._model
        if name in model.seen:
            raise UnusualError
        self._place = model.next_place()
        model.seen.append(name)
        self._found = {}
        self._edits = 0

    def begin_bare(self, _nothing: None) -> None:
        """An item begins that stands without its collection (P15)."""
        self._place = self._model.next_place()
        self._model.bare += 1

    def end_bare(self, kind: ListKind) -> None:
        """It is complete, has no sub-action, and is unlike those before it."""
        row = self._complete(kind)
        mark = tuple([row[at] for at in kind.key])
        if mark in self._model.rows:
            raise UnusualError
        self._model.rows[mark] = row
        self._back()

    def push_bare(self, kind: ListKind) -> None:
        """P32: it is put at the end of the list."""
        self._model.steps.append(changes.Push(kind.index, self._complete(kind)))
        self._back()

    def pull_bare(self, kind: ListKind) -> None:
        """P33: every item that matches goes."""
        self._model.steps.append(changes.Pull(kind.index, self._match(), self._place))
        self._back()

    def push_item(self, kind: ListKind) -> None:
        """P32: the item is put at the end of the list."""
        self._edit(changes.Push(kind.index, self._complete(kind)))

    def pull_item(self, kind: ListKind) -> None:
        """P33: every item that matches goes."""
        self._edit(changes.Pull(kind.index, self._match(), (self._place, self._edits)))

    def _match(self) -> tuple[tuple[int, Value], ...]:
        row = enumerate(self._given())
        match = tuple((at, value) for at, value in row if value is not None)
        if not match:
            raise UnusualError
        return match

    def _edit(self, step: Step) -> None:
        self._edits += 1
        self._model.steps.append(step)

    def end_list(self, index: int) -> None:
        """A list is replaced whole (P21)."""
        rows = cast("dict[object, tuple[Value | None, ...]]", self._found)
        self._end(changes.Replace(index, tuple(rows.values())))

    def _end(self, step: Step) -> None:
        """A collection ends: with ``step``, where its items have no sub-actions (P30)."""
        if not self._edits:
            self._model.steps.append(step)
        elif self._found:
            raise UnusualError
        self._back()

    def end_edits(self, _name: str) -> None:
        """A collection ends in which every item has a sub-action, and there is one (P30)."""
        if self._found or not self._edits:
            raise UnusualError
        self._back()

    def end_link(self, _index: int) -> None:
        """A model of a list is complete, and unlike those before it."""
        change = self._nested()
        if change.id in self._found:
            raise UnusualError
        self._found[change.id] = change

    def push_link(self, index: int) -> None:
        """P32: the model is linked."""
        self._edit(changes.PushLink(index, self._nested()))

    def create_link(self, index: int) -> None:
        """P26: the model is created, then linked."""
        self._edit(changes.PushLink(index, self._nested("create")))

    def upsert_link(self, index: int) -> None:
        """P26: the model is created or updated, then linked."""
        self._edit(changes.PushLink(index, self._nested("upsert")))

    def pull_link(self, index: int) -> None:
        """P33: the link to the model goes; it is named by its ID alone."""
        change = self._nested()
        if change.steps or len(change.asked) - change.asked.count(UNSET) != 1:
            raise UnusualError
        self._edit(changes.PullLink(index, change.id, change.place))

    def end_links(self, index: int) -> None:
        """A list of links is replaced whole (P21)."""
        models = cast("dict[object, Change]", self._found)
        self._end(changes.ReplaceLinks(index, tuple(models.values())))

    def end_one(self, column: int) -> None:
        """The single nested model is complete."""
        change = self._nested()
        self._end(changes.PointAt(column, change))

    def point_nowhere(self, column: int) -> None:
        """P17: an empty nested model sets NULL."""
        self._end(changes.PointAt(column, None))

    # Territories

    def end_territories(self, _name: str) -> None:
        """The first list, which was read beforehand (P36); or one that is edited (P30)."""
        found, self.territories = self.territories, None
        if (found is None) == (self._edits == 0):
            raise UnusualError
        self._end(changes.ReplaceTerritories(found or EMPTY))

    def push_territory(self, _nothing: None) -> None:
        """P32: a country's entry is put in place of the one it had."""
        place = (self._place, self._edits)
        self._edit(changes.PushTerritory(self.country(), self.validities, place))

    def pull_territory(self, _nothing: None) -> None:
        """P33: a country's entry goes."""
        self._edit(changes.PullTerritory(self.country(), (self._place, self._edits)))

    def empty_territories(self, _name: str) -> None:
        """P36: declared, and empty."""
        self._end(changes.ReplaceTerritories(EMPTY))
