"""Rows summed by what came of them: in all, by the UTC day of the play, and by country.

Each batch is added as a whole; what is kept is a table of fixed size, whatever the input holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.model.identifiers import COUNTRIES
from feedengine.model.instants import EPOCH
from feedengine.plays.frames import COUNTRY_HELPER, Counts, Mask, instant_helper
from feedengine.plays.moments import DAY
from feedengine.plays.repeats import each
from feedengine.plays.texts import Ints, given

EARLIER, LATER, UNKNOWN = "earlier", "later", "unknown"
"""Where rows are counted that are of no day of the window, or of no day or country at all."""

WINDOW_DAYS = 366
"""So many days are told apart: that of the judgement, the next, and those before."""

_CODES = tuple(sorted(COUNTRIES))
_COUNTRIES = pa.array(_CODES, pa.string())


class Came(NamedTuple):
    """Rows by what came of them."""

    accepted: int = 0
    rejected: int = 0
    already_delivered: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self)


OUTCOMES = Came._fields
"""What can come of a row."""


class Summary(NamedTuple):
    """The sum of a run.

    ``by_day`` has a name for each UTC day of `datetimeplayed` that has rows (``2024-04-28``), in
    order, between `EARLIER` and `LATER`; ``by_country`` ISO 3166-1 codes; both end with `UNKNOWN`.
    ``matched`` counts a playlist's matches by what they rest on (L6).
    """

    counts: Counts
    by_day: Mapping[str, Came]
    by_country: Mapping[str, Came]
    matched: Mapping[str, int]

    def document(self) -> dict[str, Any]:
        """As ``summary.json`` has it: the counts, and the rest beside them."""
        return {
            **self.counts._asdict(),
            "by_day": {name: came._asdict() for name, came in self.by_day.items()},
            "by_country": {name: came._asdict() for name, came in self.by_country.items()},
            "matched": dict(self.matched),
        }


def outcomes(accepted: Mask, delivered: Mask) -> Ints:
    """For each row the place in `OUTCOMES` of what came of it."""
    found: Ints = (~accepted).astype(np.int64)
    found += delivered
    return found


class Table:
    """Rows counted by one of ``names`` and by what came of them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """Nothing counted yet."""
        self.names = names
        self.cells = np.zeros((len(names), len(OUTCOMES)), np.int64)

    def add(self, places: Ints, came: Ints) -> None:
        """Count rows in: of each its place in ``names`` and in `OUTCOMES`."""
        many = np.bincount(places * len(OUTCOMES) + came, minlength=self.cells.size)
        self.cells += many.reshape(self.cells.shape)

    def counts(self) -> dict[str, Came]:
        """The names that have rows, in their order."""
        found = zip(self.names, self.cells.tolist(), strict=True)
        return {name: Came(*cells) for name, cells in found if any(cells)}


class Days(Table):
    """Rows by the UTC day of the play, as seen from ``now``, microseconds since 1970 UTC."""

    def __init__(self, now: int) -> None:
        """The days that are told apart end with the one after ``now``: clocks differ."""
        self.first = now // DAY + 2 - WINDOW_DAYS
        days = (_day(self.first + place) for place in range(WINDOW_DAYS))
        super().__init__((EARLIER, *days, LATER, UNKNOWN))

    def count(self, enriched: pa.RecordBatch, came: Ints) -> None:
        """Count the rows of an enriched batch in."""
        instants = enriched.column(instant_helper("datetimeplayed"))
        days = pc.fill_null(instants, 0).to_numpy() // DAY - self.first
        places = np.clip(days, -1, WINDOW_DAYS) + 1
        places[~given(instants)] = len(self.names) - 1
        self.add(places, came)


class Countries(Table):
    """Rows by country."""

    def __init__(self) -> None:
        """Every country of ISO 3166-1."""
        super().__init__((*_CODES, UNKNOWN))

    def count(self, enriched: pa.RecordBatch, came: Ints) -> None:
        """Count the rows of an enriched batch in."""
        self.add(each(enriched.column(COUNTRY_HELPER), _places), came)


def _places(codes: pa.Array) -> Ints:
    """The place of each country in the table; of NULL and what is none the last."""
    found = pc.fill_null(pc.index_in(codes, value_set=_COUNTRIES), len(_CODES))
    places: Ints = found.to_numpy().astype(np.int64)
    return places


def _day(number: int) -> str:
    """The date of a day, counted from 1970; what no calendar has is told by its number."""
    try:
        return f"{(EPOCH + timedelta(days=number)).date()}"
    except OverflowError:
        return f"day {number}"
