"""A few rows of every rule that is broken, for people to look at: the first ones, cut to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from feedengine.errors import printable
from feedengine.plays.frames import CONTENT, ROW, SOURCE, Mask, Verdict
from feedengine.plays.rules import AFTER_LOGGED, RULES

MOST = 3
"""So many rows are kept of each rule."""

LONGEST = 64
"""So many characters are kept of a value."""

_PLAY = ("title", "artist", "trackid", "releaseid", "country", "datetimeplayed", "starttime")

_BESIDE: Mapping[str, tuple[str, ...]] = {
    AFTER_LOGGED.name: ("datetimelogged",),
    **dict.fromkeys(("L2", "L3", "L10", "L11", "L12", "L13"), _PLAY),
    "L6": ("title", "artist", "album", "label"),
}
"""Rule → the columns that tell why besides its own, where they are not NULL."""


class Example(NamedTuple):
    """A row as it came: its file and place, and the columns that tell why; None is NULL."""

    source: str
    row: int
    values: tuple[tuple[str, str | None], ...]


class Examples:
    """The first rows of each rule and warning; bounded, whatever the input holds."""

    def __init__(self) -> None:
        """None yet."""
        self.found: dict[str, list[Example]] = {}

    def add(self, verdict: Verdict) -> None:
        """Keep what there is room for, of the rows that count."""
        counted = ~verdict.delivered
        for masks in (verdict.broken, verdict.warned):
            for name, mask in masks.items():
                self._keep(name, mask & counted, verdict.raw)

    def _keep(self, name: str, mask: Mask, raw: pa.RecordBatch) -> None:
        kept = self.found.get(name, [])
        if len(kept) >= MOST or not mask.any():
            return
        places = np.flatnonzero(mask)[: MOST - len(kept)]
        self.found[name] = [*kept, *(_example(name, raw, int(place)) for place in places)]


def _example(name: str, raw: pa.RecordBatch, place: int) -> Example:
    own = RULES[name].column or CONTENT
    values = [(own, _value(raw, own, place))]
    for column in _BESIDE.get(name, ()):
        value = _value(raw, column, place)
        if column != own and value is not None:
            values.append((column, value))
    source = raw.column(SOURCE)[place].as_py()
    return Example(cut(source, end=True), raw.column(ROW)[place].as_py(), tuple(values))


def _value(raw: pa.RecordBatch, column: str, place: int) -> str | None:
    text = raw.column(column)[place].as_py()
    return None if text is None else cut(text)


def cut(text: str, *, end: bool = False) -> str:
    """Text that can only be shown, of `LONGEST` characters at most: its beginning, or its end."""
    part = text[-LONGEST - 1 :] if end else text[: LONGEST + 1]
    shown = printable(part)
    if len(shown) <= LONGEST:
        return shown
    return f"…{shown[-LONGEST:]}" if end else f"{shown[:LONGEST]}…"
