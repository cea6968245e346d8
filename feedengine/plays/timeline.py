"""What held when: values that change over time, of many objects at once, as arrays.

Instants are int64, microseconds since 1970 UTC; objects and values are int32 codes from 0. A value
holds from the instant of its change (included) to the next. Before a fact's first appearance it
counts as it was first seen (H3), so the first value of each object has no beginning.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes: TypeAlias = npt.NDArray[np.int32]
Instants: TypeAlias = npt.NDArray[np.int64]
Places: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.integer]

NONE = -1
"""No object, no value."""

EVER_BEFORE = np.iinfo(np.int64).min
"""Before every instant."""

LAST = np.iinfo(np.int64).max
"""Behind every instant: now, as far as history goes."""


def last_not_after(begin: Places, end: Places, keys: Ints, wanted: Ints) -> Places:
    """The place of the last key ≤ ``wanted`` in ``keys[begin:end]``, else ``begin``; row by row.

    ``keys`` ascend within each range, and no range is empty.
    """
    low, size = begin.astype(np.int64), np.subtract(end, begin, dtype=np.int64)
    while (half := size >> 1).any():
        middle = low + half
        low = np.where(keys[middle] <= wanted, middle, low)
        size -= half
    return low


class Timeline(NamedTuple):
    """The values of one fact of n objects over time.

    ``first[object]`` is the value where it never changed, `NONE` where there never was one, and
    ``-2 - k`` for the k-th object whose value changed: its values are ``values[runs[k]:runs[k+1]]``
    from ``starts`` on. 4 bytes an object, 12 a change.
    """

    first: Codes
    runs: Places
    starts: Instants
    values: Codes

    def at(self, objects: Codes, instants: Instants) -> Codes:
        """The value of each object at its instant; of no object (below 0) `NONE`."""
        if not len(self.first):
            return np.full(len(objects), NONE, np.int32)
        found: Codes = self.first[objects]  # of no object: the last one's, taken back below
        changed = np.flatnonzero(found < NONE) if len(self.starts) else ()
        if len(changed):
            which = -2 - found[changed].astype(np.int64)
            begin, end = self.runs[which], self.runs[which + 1]
            found[changed] = self.values[last_not_after(begin, end, self.starts, instants[changed])]
        nobody = objects < 0
        if nobody.any():
            found[nobody] = NONE
        return found


class Runs(NamedTuple):
    """Values in the order of object and instant; no two in a row are equal, none is at once over.

    The first of each object is the first that is not `NONE`: before it the fact had not appeared.
    """

    objects: Places
    starts: Instants
    values: Codes


def runs_of(objects: Places, starts: Instants, values: Ints) -> Runs:
    """The runs of rows ``(object, from when on, value)``, of one object in the order of history.

    Of several rows of an object at one instant the last holds.
    """
    order = np.lexsort((starts, objects))  # stable: rows of one instant stay as history has them
    objects, starts, given = objects[order], starts[order], values[order]
    kept = np.ones(len(order), np.bool_)
    kept[:-1] = (objects[1:] != objects[:-1]) | (starts[1:] != starts[:-1])
    objects, starts, given = objects[kept], starts[kept], given[kept]
    kept = np.ones(len(objects), np.bool_)
    kept[1:] = (objects[1:] != objects[:-1]) | (given[1:] != given[:-1])
    kept &= (given != NONE) | ~begins(objects)  # an object's first row may say that there is none
    return Runs(objects[kept], starts[kept], given[kept].astype(np.int32))


def begins(sorted_objects: Places) -> Mask:
    """Where a new object begins."""
    found = np.ones(len(sorted_objects), np.bool_)
    found[1:] = sorted_objects[1:] != sorted_objects[:-1]
    return found


def timeline(count: int, runs: Runs) -> Timeline:
    """The timeline of ``count`` objects with these runs."""
    sizes = np.bincount(runs.objects, minlength=count)
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    first = np.full(count, NONE, np.int32)
    once = sizes == 1
    first[once] = runs.values[offsets[:-1][once]]
    changing = np.flatnonzero(sizes > 1)
    first[changing] = -2 - np.arange(len(changing), dtype=np.int32)
    among = sizes[runs.objects] > 1
    kept = np.concatenate(([0], np.cumsum(sizes[changing])))
    return Timeline(first, kept, runs.starts[among], runs.values[among])


def timeline_of(count: int, objects: Places, starts: Instants, values: Ints) -> Timeline:
    """The timeline of rows as for `runs_of`."""
    return timeline(count, runs_of(objects, starts, values))


def spread(offsets: Places, groups: Codes) -> tuple[Places, Places]:
    """The places of all members of each row's group: the row of each, and its place.

    The members of group ``g`` are at ``offsets[g]`` to ``offsets[g + 1]``; no group (below 0), no
    member.
    """
    rows = np.flatnonzero(groups >= 0)
    found = groups[rows]
    begin = offsets[found]
    sizes = offsets[found + 1] - begin
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    places = np.arange(total) + np.repeat(begin - (ends - sizes), sizes)
    return np.repeat(rows, sizes), places


def spread_sizes(offsets: Places, groups: Codes) -> Places:
    """How many members each row's group has; no group has none."""
    found = np.zeros(len(groups), np.int64)
    rows = np.flatnonzero(groups >= 0)
    found[rows] = offsets[groups[rows] + 1] - offsets[groups[rows]]
    return found


_WIDTH = len("YYYY-MM-DDTHH:MM:SS.ffffff")


def micros(column: pa.Array, otherwise: int = EVER_BEFORE) -> Instants:
    """Canonical instants as microseconds since 1970 UTC; what NULL counts as is said."""
    found = np.full(len(column), otherwise, np.int64)
    there = column.is_valid().to_numpy(zero_copy_only=False)
    texts = column.drop_null().to_numpy(zero_copy_only=False).astype(f"S{_WIDTH}")
    found[there] = texts.astype("datetime64[us]").astype(np.int64)
    return found
