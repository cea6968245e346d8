"""Columns of UUIDs, numbers and instants, and the set of ids: quick ways against plain ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from feedengine.plays.moments import (
    EARLIEST,
    LATEST,
    instant_of,
    instants,
    micros_of,
    text_of,
    texts_of,
)
from feedengine.plays.seen import Keys, Seen, Standing, ids_of, keys
from feedengine.plays.texts import uuid_texts, uuids, wholes

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@st.composite
def nearly(draw: st.DrawFn, text: str) -> str:
    """A text with one character replaced, left out or added."""
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.characters()) + text[at + draw(st.integers(0, 2)) :]


def odd(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[str | None]]:
    """Lists of such texts, of some that are nearly such, and of NULLs."""
    one = st.none() | texts | texts.flatmap(nearly) | st.text(max_size=3)
    return st.lists(one, max_size=8)


@given(odd(st.uuids().map(str)), st.integers(0, 3))
def test_uuids_are_read(texts: list[str | None], cut: int) -> None:
    """Exactly those in the form 8-4-4-4-12, also from a part of a column."""
    column = pa.array(texts, pa.string())[cut:]
    high, low, valid = uuids(column)
    for at, text in enumerate(texts[cut:]):
        assert valid[at] == (text is not None and _UUID.fullmatch(text) is not None)
        if valid[at]:
            assert (int(high[at]) << 64 | int(low[at])) == UUID(text).int
    shown = uuid_texts(high[valid], low[valid]).to_pylist()
    assert shown == [str(UUID(text)) for text, fine in zip(texts[cut:], valid, strict=True) if fine]


@given(odd(st.integers(0, 2**65).map(str)), st.integers(0, 3))
def test_whole_numbers_are_read(texts: list[str | None], cut: int) -> None:
    """Digits alone; those beyond 64 bits are known to be positive, and not to fit."""
    found = wholes(pa.array(texts, pa.string())[cut:])
    for at, text in enumerate(texts[cut:]):
        digits = text is not None and re.fullmatch("[0-9]+", text) is not None
        number = int(text) if digits and text else 0
        assert found.digits[at] == digits
        assert found.positive[at] == (number > 0)
        assert found.fits[at] == (digits and number < 2**63)
        assert found.values[at] == (number if found.fits[at] else 0)


_FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M")
_MOMENTS = st.builds(
    lambda moment, form, digits, zone: moment.strftime(form) + digits + zone,
    st.datetimes(datetime(1000, 1, 1)),  # noqa: DTZ001 - hypothesis takes no zone here
    st.sampled_from(_FORMS),
    st.sampled_from(["", ".5", ".674", ".1234567", ".123456789", ".1234567891", ",5", "."]),
    st.sampled_from(
        ["Z", "", "+01:00", "-23:59", "+0100", "+01", "-2360", "+24:00", "-00:60", ":0100", "z"]
    ),
)


@given(odd(_MOMENTS), st.integers(0, 3))
def test_instants_are_read_as_the_strict_grammar_reads_them(
    texts: list[str | None], cut: int
) -> None:
    """The quick forms and the others, to the microsecond."""
    found = instants(pa.array(texts, pa.string())[cut:])
    for at, text in enumerate(texts[cut:]):
        expected = None if text is None else instant_of(text)
        assert found.valid[at] == (expected is not None), text
        if expected is not None:
            assert found.micros[at] == expected, text


@given(st.lists(st.integers(EARLIEST, LATEST), max_size=5))
def test_instants_are_written(micros: list[int]) -> None:
    """As the catalogue writes them, from the year 1 to the year 9999."""
    assert texts_of(np.array(micros, np.int64)).to_pylist() == [text_of(one) for one in micros]


def test_microseconds_are_exact_far_from_1970() -> None:
    """No float is in between."""
    moment = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert micros_of(moment) - micros_of(moment - timedelta(microseconds=1)) == 1


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=12), max_size=9),
    st.integers(1, 9),
)
def test_standing_rows_are_those_of_a_plain_set(
    batches: list[list[tuple[int, bool]]], sealed: int
) -> None:
    """Any batches of few ids, with runs on disk after every few."""
    plain: set[int] = set()
    with Seen(sealed=sealed) as seen:
        standing = Standing(seen)
        for batch in batches:
            expected = []
            for one, good in batch:
                expected.append(one in plain)
                if good:
                    plain.add(one)
            high = np.array([one * 7 for one, _ in batch], np.uint64)
            low = np.array([one for one, _ in batch], np.uint64)
            good = np.array([fine for _, fine in batch], np.bool_)
            found = standing.duplicates(ids_of(high, low, np.ones(len(batch), np.bool_)), good)
            assert found.tolist() == expected


def test_many_small_runs_become_few() -> None:
    """As of many small files; what is in them is still known, and nothing else."""
    random = np.random.default_rng(9)
    added, others = (random.integers(0, 2**63, (2, 40_000)).astype(np.uint64) for _ in "ab")
    with Seen() as seen:
        for at in range(0, 40_000, 100):
            key = keys(added[0, at : at + 100], added[1, at : at + 100])
            order = np.argsort(key.mixed)
            seen.add(Keys(key.mixed[order], key.low[order]))
        assert len(seen.recent) < 40
        assert seen.has(keys(*added)).all()
        assert not seen.has(keys(*others)).any()


def test_the_set_of_ids_is_exact_while_it_grows() -> None:
    """Its filter grows and its runs go to disk; nothing is lost, nothing is made up."""
    random = np.random.default_rng(7)
    added, others = (random.integers(0, 2**63, (2, 300_000)).astype(np.uint64) for _ in "ab")
    with Seen(sealed=50_000) as seen:
        for at in range(0, 300_000, 10_000):
            key = keys(added[0, at : at + 10_000], added[1, at : at + 10_000])
            order = np.argsort(key.mixed)
            seen.add(Keys(key.mixed[order], key.low[order]))
        assert seen.has(keys(*added)).all()
        assert not seen.has(keys(*others)).any()
        assert not seen.has(keys(added[0], others[1])).any()
        folder = seen.folder
        assert folder is not None
        assert folder.is_dir()
    assert not folder.exists()
