"""Texts to codes, values over time: the arrays against dictionaries and loops."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from feedengine.plays import names
from feedengine.plays.names import names_of
from feedengine.plays.spelling import plain, plain_isrc
from feedengine.plays.timeline import NONE, micros, spread, spread_sizes, timeline_of

if TYPE_CHECKING:
    import pytest

texts = st.text("ab\x00é☃", max_size=20) | st.integers(0, 40).map(str)


@given(st.lists(st.none() | texts), st.lists(st.none() | texts), st.integers(0, 3))
def test_a_text_has_the_code_of_its_place(
    known: list[str | None], wanted: list[str | None], cut: int
) -> None:
    """Texts that are not among them, and NULL, have none; slices are read where they begin."""
    found = names_of(pa.array(known, pa.string()))
    assert sorted(found.texts.to_pylist()) == sorted({one for one in known if one is not None})
    column = pa.array(wanted, pa.string()).slice(cut)
    codes = found.codes(column)
    place = {text: code for code, text in enumerate(found.texts.to_pylist())}
    assert codes.tolist() == [place.get(text, NONE) for text in column.to_pylist()]
    there = [text if text in place else None for text in column.to_pylist()]
    assert found.spelled(codes).to_pylist() == there


def test_texts_whose_numbers_are_equal_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A salt under which two texts share a number is passed over; strangers are compared."""
    real = names.hashes

    def poor(of: names.Texts, salt: int) -> names.Hashes:
        found = real(of, salt)
        return found & np.uint64(0xF000000000000000) if salt < 3 else found

    monkeypatch.setattr(names, "hashes", poor)
    many = [f"a longer text {number}" for number in range(40)]
    made = names_of(pa.array(many))
    assert made.salt == 3
    monkeypatch.setattr(names, "hashes", lambda of, _salt: made.hashes[: len(of.lengths)])
    column = pa.array(["another long text", "short"])
    assert made.codes(column).tolist() == [NONE, NONE]


rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(-1, 3)))


@given(rows, st.lists(st.tuples(st.integers(-1, 4), st.integers(-2, 8))))
def test_a_value_holds_from_its_change_on_and_the_first_before(
    given_rows: list[tuple[int, int, int]], asked: list[tuple[int, int]]
) -> None:
    """H3, for a timeline: at an instant the last change counts, and -1 is no value."""
    given_rows.sort(key=lambda row: row[1])
    columns = [np.array([row[at] for row in given_rows], np.int64) for at in range(3)]
    found = timeline_of(5, *columns)

    def slow(who: int, at: int) -> int:
        settled = {start: value for one, start, value in given_rows if one == who}
        known = [start for start in settled if settled[start] != NONE]
        if who == NONE or not known:
            return NONE
        at = max(at, known[0])
        starts = list(settled)
        return settled[starts[bisect_right(starts, at) - 1]]

    objects = np.array([one[0] for one in asked], np.int32)
    instants = np.array([one[1] for one in asked], np.int64)
    assert found.at(objects, instants).tolist() == [slow(*one) for one in asked]


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(-1, 4)))
def test_members_are_spread_over_the_rows_that_name_their_group(
    sizes: list[int], wanted: list[int]
) -> None:
    """The places of a group's members, once for each row."""
    offsets = np.concatenate(([0], np.cumsum(np.array(sizes, np.int64))))
    groups = np.array([one for one in wanted if one < len(sizes)], np.int32)
    found, places = spread(offsets, groups)
    expected = [
        (row, place)
        for row, group in enumerate(groups.tolist())
        if group >= 0
        for place in range(offsets[group], offsets[group + 1])
    ]
    assert list(zip(found.tolist(), places.tolist(), strict=True)) == expected
    many = [sizes[group] if group >= 0 else 0 for group in groups.tolist()]
    assert spread_sizes(offsets, groups).tolist() == many


def test_canonical_instants_are_microseconds() -> None:
    """From year 1 to year 9999; NULL counts as what is said."""
    written = ["1970-01-01T00:00:00.000001Z", None, "0001-01-01T00:00:00.000000Z"]
    assert micros(pa.array(written), 7).tolist() == [1, 7, -62_135_596_800_000_000]


def said(*given_texts: str | None) -> list[str | None]:
    """The plain forms of texts."""
    found: list[str | None] = plain(pa.array(given_texts, pa.string())).to_pylist()
    return found


def test_spellings_of_one_title_have_one_plain_form() -> None:
    """L6: case, marks, punctuation, ampersands and guests do not count; versions do."""
    assert len(set(said("Déjà Vu", "DEJA VU", "deja  vu!", "Deja Vu (feat. Jay-Z)"))) == 1
    assert len(set(said("Simon & Garfunkel", "simon and garfunkel"))) == 1
    assert len(set(said("Straße", "STRASSE", "Don't", "Dont")[:2])) == 1
    assert said("Song ft. A & B", "Song featuring A", "Song [Featuring A]") == ["song"] * 3
    assert said("Don't", "Don’t", "AC/DC", "Ｗｉｄｅ") == ["dont", "dont", "ac dc", "wide"]
    assert len(set(said("Song", "Song (Live)", "Song - Remix"))) == 3
    assert said("Featuring", "Ft. Worth", "Loft Song", "And") == [
        "featuring",
        "ft worth",
        "loft song",
        "and",
    ]
    assert said("???", "!!!", " ? ", None, "  ") == ["???", "!!!", "?", None, ""]


ODD = "\u0345\u1fb3\u1fc3\u1ff3"
"""Greek iotas under their letters: casefold writes them beside."""


def test_case_never_tells_two_letters_apart() -> None:
    """The plain form is that of Python's casefold, for every letter that is in use."""
    letters = [
        chr(code)
        for code in range(0x20, 0x2FA1E)
        if unicodedata.category(chr(code))[0] in "LN" and not 0x1C80 <= code <= 0x1C88
    ]
    letters = [one for one in letters if "\u0345" not in unicodedata.normalize("NFKD", one)]
    assert said(*letters) == said(*(one.casefold() for one in letters))


@given(st.text(max_size=30))
def test_the_plain_form_of_a_plain_form_is_itself(text: str) -> None:
    """What was taken away is gone, but for words that come to stand side by side."""
    (once,) = said(text)
    assert once is not None
    assert once == once.strip()


def test_an_isrc_is_known_with_its_hyphens_and_its_name() -> None:
    """L6: as people write it."""
    written = ["gb-aye-06-01477", "ISRC GBAYE0601477", "ISRC: GB AYE 06 01477", None, ""]
    assert plain_isrc(pa.array(written)).to_pylist() == ["GBAYE0601477"] * 3 + [None, ""]
