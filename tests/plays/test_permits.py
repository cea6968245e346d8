"""Windows and territory sets as arrays, against loops."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from feedengine.plays.permits import SetParts, country_codes, sets_of, windows_of
from feedengine.plays.timeline import EVER_BEFORE, LAST, NONE

spans = st.lists(st.integers(0, 20), max_size=8, unique=True).map(sorted)


@given(st.lists(st.tuples(spans, st.booleans(), st.booleans())), st.integers(-1, 22))
def test_a_list_is_open_where_one_of_its_windows_is(
    given_lists: list[tuple[list[int], bool, bool]], at: int
) -> None:
    """Windows are ``[start, end)``; the first may have no start, the last no end."""
    rows: list[tuple[int, int, int]] = []
    for number, (bounds, before, after) in enumerate(given_lists):
        edges = ([EVER_BEFORE] if before else []) + bounds + ([LAST] if after else [])
        ends = edges[1::2] if len(edges) % 2 == 0 else [*edges[1::2], LAST]
        rows += [(number, *span) for span in zip(edges[::2], ends, strict=True)]
    columns = (np.array([row[place] for row in rows], np.int64) for place in range(3))
    found = windows_of(len(given_lists), *columns)
    codes = np.arange(-1, len(given_lists)).astype(np.int32)
    opened = found.open(codes, np.full(len(codes), at))
    assert opened.tolist() == [
        any(row[0] == code and row[1] <= at < row[2] for row in rows) for code in codes.tolist()
    ]


def test_a_country_has_the_windows_of_its_part_else_those_of_the_world() -> None:
    """A1: a code that is no country any more belongs to nobody."""
    groups = [["GB", "US", "AN"], ["WW"], ["DE"]]
    parts = SetParts(np.array([0, 0, 2]), np.array([0, 1, 2]), np.array([7, 8, 9], np.int32))
    found = sets_of(3, parts, groups)
    countries = country_codes(pa.array(["GB", "US", "DE", "FR", "AN", None, "gb"]))
    assert countries[-3:].tolist() == [NONE] * 3

    def windows(of: int) -> list[int]:
        return found.governing(np.full(len(countries), of, np.int32), countries).tolist()

    assert windows(0) == [7, 7, 8, 8, NONE, NONE, NONE]
    assert windows(1) == [NONE] * 7
    assert windows(2) == [NONE, NONE, 9, NONE, NONE, NONE, NONE]
    assert windows(NONE) == [NONE] * 7
