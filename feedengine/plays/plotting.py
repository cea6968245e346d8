"""Bars and columns as lengths in percent: what a plot shows, before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from feedengine.plays.sums import EARLIER, LATER, OUTCOMES, UNKNOWN, Came

MOST_COLUMNS = 93
"""So many days are drawn one by one: a quarter of a year. More are drawn by weeks."""

_LABELS = 6
"""So many days at most have their date below."""


class Part(NamedTuple):
    """A part of a bar: what came of its rows (`OUTCOMES`), how many, its length in percent."""

    came: str
    rows: int
    percent: str


class Column(NamedTuple):
    """A day, or a week: its name, what came of its rows, its parts from the ground up."""

    name: str
    came: Came
    parts: tuple[Part, ...]


class Label(NamedTuple):
    """A date below a chart: where its column's middle stands, in percent from the left."""

    text: str
    percent: str


class Chart(NamedTuple):
    """Rows by day or, with ``by_week``, by seven days; the axis goes from 0 to ``top``.

    ``first`` and ``last`` are its days; ``left_out`` counts the rows of other days, or of none.
    """

    first: str
    last: str
    columns: tuple[Column, ...]
    labels: tuple[Label, ...]
    top: int
    by_week: bool
    left_out: int

    @property
    def lines(self) -> tuple[int, ...]:
        """Where the axis has lines, from the top down: whole numbers."""
        return (self.top, self.top // 2, 0) if self.top % 2 == 0 else (self.top, 0)


def percent(many: int, most: int) -> str:
    """A length: ``33.33``; 0 of 0 is 0."""
    return f"{100 * many / most if most else 0:.2f}"


def share(many: int, rows: int) -> str:
    """A share as people read it; what is not nothing, or not all, never looks as if it were."""
    if not rows:
        return ""
    if many in {0, rows}:
        return "100 %" if many else "0 %"
    found = 100 * many / rows
    if found < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if found > 99.9 else f"{found:.1f} %"


def parts(came: Came, most: int) -> tuple[Part, ...]:
    """The parts of a bar, as long as ``most`` at most."""
    found = zip(OUTCOMES, came, strict=True)
    return tuple(Part(name, rows, percent(rows, most)) for name, rows in found if rows)


def chart(by_day: Mapping[str, Came], oldest: date = date.min) -> Chart | None:
    """Columns from the first day that has rows to the last, empty days too; None without any.

    Weeks end with the last day, since that is the one that people look at.
    Days before ``oldest`` are left out: a few old rows would press all others together.
    """
    named = (name for name in by_day if name not in {EARLIER, LATER, UNKNOWN})
    days = [day for day in map(date.fromisoformat, named) if day >= oldest]
    if not days:
        return None
    first, last = min(days), max(days)
    count = (last - first).days + 1
    step = 1 if count <= MOST_COLUMNS else 7
    count = -(-count // step)
    begin = last - timedelta(days=count * step - 1)
    sums = _sums(by_day, begin, count, step)
    top = _top(max(came.rows for came in sums))
    columns = tuple(
        Column(_name(begin + timedelta(days=place * step), step), came, parts(came, top))
        for place, came in enumerate(sums)
    )
    rows = sum(came.rows for came in by_day.values())
    return Chart(
        first=f"{first}",
        last=f"{last}",
        columns=columns,
        labels=_labels(begin, count, step),
        top=top,
        by_week=step > 1,
        left_out=rows - sum(came.rows for came in sums),
    )


def _sums(by_day: Mapping[str, Came], begin: date, count: int, step: int) -> list[Came]:
    """What came of the rows of ``count`` times ``step`` days."""
    every = [by_day.get(f"{begin + timedelta(days=day)}", Came()) for day in range(count * step)]
    found = (every[at : at + step] for at in range(0, len(every), step))
    return [Came(*(sum(cells) for cells in zip(*some, strict=True))) for some in found]


def _name(day: date, step: int) -> str:
    return f"{day}" if step == 1 else f"{step} days from {day}"


def _labels(begin: date, columns: int, step: int) -> tuple[Label, ...]:
    """The first column's date, and others at equal distances that are whole."""
    apart = -(-columns // _LABELS)
    return tuple(
        Label(
            _short(begin + timedelta(days=place * step)),
            percent(2 * place + 1, 2 * columns),
        )
        for place in range(0, columns, apart)
    )


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _short(day: date) -> str:
    """A date without its year, in English whatever the machine's language."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)


def _top(most: int) -> int:
    """The least of 1, 2, 3, … 16, 20, 30, … 160, 200, … (by `_STEPS`) not below ``most``."""
    scale = 1
    while _STEPS[-1] * scale < most:
        scale *= 10
    return next(step * scale for step in _STEPS if step * scale >= most)
