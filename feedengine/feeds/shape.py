"""Documents of the same markup, put together in one go.

A producer's packages are made from few templates: what two of the same markup ask for differs in
their values alone. A `Shape` is made of the outcome of such a document, in which a `Mark` stands
for each value; it says how to make the outcome again of other values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from feedengine.catalogue.territories import TerritorySet
from feedengine.feeds.changes import UNSET, Change, PointAt, Replace, ReplaceLinks
from feedengine.feeds.changes import ReplaceTerritories as Territories
from feedengine.feeds.rows import UnusualError
from feedengine.model.entities import DERIVATIONS

if TYPE_CHECKING:
    from feedengine.errors import Place
    from feedengine.feeds.changes import Step
    from feedengine.model.instants import Remarks

Values: TypeAlias = list[Any]
"""The values of a document in order; behind them what all documents of the shape share."""

Build: TypeAlias = "Callable[[Values, Place], Any]"
"""Makes a part of the outcome, at a place or in the model at that place."""

Picked: TypeAlias = "Callable[[Values], tuple[Any, ...]]"
"""Some of the values, in a row."""


def picking(at: Sequence[int]) -> Picked:
    """How to pick these values, be there one, none or many."""
    if len(at) < 2:  # of which `itemgetter` makes no tuple
        return lambda values: tuple([values[one] for one in at])
    return itemgetter(*at)


LISTED = TerritorySet((("", ()),))
"""Stands for the package's own territory list."""


class Mark(str):
    """Stands for the value number ``at``."""

    __slots__ = ("at",)
    at: int

    @classmethod
    def of(cls, at: int) -> Mark:
        """The mark of a value; unlike any other."""
        made = cls(at)
        made.at = at
        return made


class Taken(NamedTuple):
    """A value that is no plain text: which, how it is read, in which unit."""

    at: int
    read: Callable[..., Any]
    unit: str | None


class Shape:
    """What all documents of one markup have in common; `UnusualError` where it has no use."""

    def __init__(
        self, outcome: Change, filled: Sequence[int], blank: Sequence[int], taken: Sequence[Taken]
    ) -> None:
        """Of an outcome of marks; values are ``filled`` or ``blank``, some ``taken`` specially."""
        self.size = len(filled) + len(blank)
        self._filled = picking(filled)
        self._blank = picking(blank)
        self._taken = tuple(taken)
        self._shared: list[Any] = [UNSET, None]
        self._derived: list[tuple[int, int, Callable[[str], Any]]] = []
        self._listed = self._at(LISTED)
        self._build = self._model(outcome)

    def change(
        self, values: Values, place: Place, territories: TerritorySet | None, remarks: Remarks
    ) -> Change | None:
        """What the document with these trimmed values asks for at a place; adds to ``remarks``.

        None where a value is empty that others have, or there where others have none. Raises
        `UnusualError` and `InvalidValueError`. ``values`` are used up.
        """
        if not all(self._filled(values)) or any(self._blank(values)):
            return None
        for at, read, unit in self._taken:
            values[at] = read(values[at], unit, remarks)
        values += self._shared
        values[self._listed] = territories
        for to, at, derive in self._derived:
            values[to] = derive(values[at])
        return cast("Change", self._build(values, place))

    def _at(self, value: object) -> int:
        """Where a value is found."""
        if isinstance(value, Mark):
            return value.at
        known = [at for at, shared in enumerate(self._shared) if shared is value]
        if not known:
            known = [len(self._shared)]
            self._shared.append(value)
        return self.size + known[0]

    def _row(self, values: Sequence[object]) -> Picked:
        """A row of values."""
        return picking([self._at(value) for value in values])

    def _model(self, change: Change) -> Build:
        action, kind, missing, setting = change.action, change.kind, change.missing, change.setting
        asked: list[object] = list(change.asked)
        name = self._at(change.id)
        for index, source, column in kind.derived if asked else ():
            if isinstance(asked[source], Mark):
                asked[index] = derived = object()
                to = self._at(derived)
                self._derived.append((to, self._at(asked[source]), DERIVATIONS[column]))
        row = self._row(asked)
        steps = [self._step(change, step) for step in change.steps]

        def build(values: Values, place: Place) -> Change:
            done = tuple([step(values, place) for step in steps]) if steps else ()
            return Change(action, kind, values[name], row(values), done, missing, place, setting)

        return build

    def _step(self, change: Change, step: Step) -> Build:
        made = _STEPS.get(type(step))
        if made is None:
            raise UnusualError
        return made(self, change, step)

    def _replace(self, change: Change, step: Replace) -> Build:
        rows = [self._row(item) for item in step.items]
        index, key = step.list, change.kind.lists[step.list].key
        if len(rows) < 2:
            return lambda values, _place: Replace(index, tuple([row(values) for row in rows]))

        def build(values: Values, _place: Place) -> Replace:
            items = tuple([row(values) for row in rows])
            if len({tuple([item[at] for at in key]) for item in items}) < len(items):
                raise UnusualError
            return Replace(index, items)

        return build

    def _links(self, _change: Change, step: ReplaceLinks) -> Build:
        models = [(self._model(model), model.place[1]) for model in step.models]
        index = step.list
        if not models:
            return lambda _values, _place: step
        child = cast("Place", step.models[0].place[0])[1]

        def build(values: Values, place: Place) -> ReplaceLinks:
            here = (place, child)
            made = tuple([model(values, (here, at)) for model, at in models])
            if len(made) > 1 and len({model.id for model in made}) < len(made):
                raise UnusualError
            return ReplaceLinks(index, made)

        return build

    def _one(self, _change: Change, step: PointAt) -> Build:
        if step.model is None:
            return lambda _values, _place: step
        model, child, column = self._model(step.model), step.model.place[1], step.column
        return lambda values, place: PointAt(column, model(values, (place, child)))

    def _territories(self, _change: Change, step: Territories) -> Build:
        if step.territories is not LISTED:
            return lambda _values, _place: step
        at = self._listed
        return lambda values, _place: Territories(values[at])


_STEPS: Mapping[type, Callable[[Shape, Change, Any], Build]] = MappingProxyType(
    {
        Replace: Shape._replace,
        ReplaceLinks: Shape._links,
        PointAt: Shape._one,
        Territories: Shape._territories,
    }
)
"""How each kind of step is made; documents with others are short, and read as if never met."""
