"""Where and when territory lists and own validities permit a usage, as arrays (A1, A2).

What a list permits was computed when it was stored (`availability.windows`); here it is only asked
for, for many plays at once. Lists are kept as the catalogue keeps them, in two factors: which
countries belong together, and the windows of each such group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.model.identifiers import COUNTRIES, WORLDWIDE
from feedengine.plays.timeline import (
    EVER_BEFORE,
    NONE,
    Codes,
    Instants,
    Mask,
    Places,
    Timeline,
    runs_of,
    timeline,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CODES = tuple(sorted(COUNTRIES))
_COUNTRIES = pa.array(_CODES, pa.string())
_WIDTH = 256
_NO_PART = 255
"""There are fewer countries than this, so fewer parts of a set."""


def country_codes(column: pa.Array) -> Codes:
    """The codes of upper-case ISO 3166-1 codes; `NONE` for NULL and what is none."""
    found = pc.fill_null(pc.index_in(column, value_set=_COUNTRIES), NONE)
    codes: Codes = found.to_numpy()
    return codes


PLACES = {code: place for place, code in enumerate(_CODES)}
"""Country → its code."""


class Windows(NamedTuple):
    """Lists of disjoint windows ``[start, end)``, by code.

    ``starts`` and ``ends`` are those of a list's only window (never open: start = end); a list of
    several is in ``several``, as a timeline of 0 and 1.
    """

    starts: Instants
    ends: Instants
    several: Timeline

    def open(self, codes: Codes, instants: Instants) -> Mask:
        """Whether each list has a window that covers its instant; no list (below 0) has none."""
        if not len(self.starts):
            return np.zeros(len(codes), np.bool_)
        known = np.maximum(codes, 0)
        found: Mask = (self.starts[known] <= instants) & (instants < self.ends[known])
        if len(self.several.starts):
            many = np.flatnonzero(self.several.first[known] < NONE)
            found[many] = self.several.at(known[many], instants[many]) > 0
        return found & (codes >= 0)


def windows_of(count: int, lists: Places, starts: Instants, ends: Instants) -> Windows:
    """``count`` lists of these windows, each of the list ``lists`` says; sorted within a list."""
    sizes = np.bincount(lists, minlength=count)
    only = sizes[lists] == 1
    one_start, one_end = np.zeros(count, np.int64), np.zeros(count, np.int64)
    one_start[lists[only]], one_end[lists[only]] = starts[only], ends[only]
    many = np.flatnonzero(sizes > 1)
    opened, start, end = lists[~only], starts[~only], ends[~only]
    shut = np.full(len(many), EVER_BEFORE)
    values = np.repeat([0, 1, 0], [len(many), len(start), len(end)])
    changes = np.concatenate((shut, start, end))
    runs = runs_of(np.concatenate((many, opened, opened)), changes, values)
    return Windows(one_start, one_end, timeline(count, runs))


class Sets(NamedTuple):
    """Territory sets, by code, for one usage.

    Country ``c`` belongs to the part ``table[partition[set], c]`` (WW worked in), and that part's
    windows are ``windows[first[set] + part]``. 12 bytes a set, 4 a part, 256 a partition.
    """

    partition: Codes
    first: Places
    windows: Codes
    table: npt.NDArray[np.uint8]

    def governing(self, sets: Codes, countries: Codes) -> Codes:
        """A1: the windows of each set in its country; `NONE` where it names neither it nor WW.

        Also where there is no set, or no country (below 0).
        """
        found = np.full(len(sets), NONE, np.int32)
        rows = np.flatnonzero((sets >= 0) & (countries >= 0))
        of, country = sets[rows], countries[rows].astype(np.int64)
        part = self.table[self.partition[of] * np.int64(_WIDTH) + country]
        named = part != _NO_PART
        found[rows[named]] = self.windows[self.first[of[named]] + part[named]]
        return found

    def governing_one(self, set_: int, country: int) -> int:
        """The same for one set and one country, both known."""
        row = self.partition.item(set_) * _WIDTH + country
        part = self.table.item(row)
        return NONE if part == _NO_PART else self.windows.item(self.first.item(set_) + part)


class SetParts(NamedTuple):
    """Parts of territory sets, those of a set together: set, group and windows, by code."""

    sets: Places
    groups: Places
    windows: Codes


def sets_of(count: int, parts: SetParts, members: Sequence[Iterable[str]]) -> Sets:
    """``count`` sets of these parts; ``members`` are the countries of each group."""
    sizes = np.bincount(parts.sets, minlength=count)
    first = np.concatenate(([0], np.cumsum(sizes)))
    known: dict[bytes, int] = {}
    partition = np.zeros(count, np.int32)
    for number in range(count):  # a set, not a play
        key = parts.groups[first[number] : first[number + 1]].tobytes()
        partition[number] = known.setdefault(key, len(known))
    table = np.full((max(1, len(known)), _WIDTH), _NO_PART, np.uint8)
    for key, row in known.items():
        _fill(table[row], [members[group] for group in np.frombuffer(key, np.int64)])
    return Sets(partition, first[:-1], parts.windows, table.ravel())


def _fill(row: npt.NDArray[np.uint8], groups: Sequence[Iterable[str]]) -> None:
    """A partition's row: the part of each country, that of WW for those that none names."""
    named = {country: part for part, group in enumerate(groups) for country in group}
    row[: len(PLACES)] = named.pop(WORLDWIDE, _NO_PART)
    for country, part in named.items():
        if country in PLACES:
            row[PLACES[country]] = part
