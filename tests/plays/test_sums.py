"""Rows summed by day and country: every row once, where it belongs, in a table that never grows."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.config import settings
from feedengine.model.identifiers import COUNTRIES
from feedengine.model.instants import EPOCH
from feedengine.plays import check
from feedengine.plays.job import Consulted
from feedengine.plays.moments import EARLIEST, LATEST, micros_of
from feedengine.plays.sums import (
    EARLIER,
    LATER,
    OUTCOMES,
    UNKNOWN,
    WINDOW_DAYS,
    Came,
    Countries,
    Days,
    outcomes,
)

from .batches import play

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2024, 4, 30, 12, tzinfo=UTC)


def days_of(instants: list[int | None], came: list[int], sizes: int = 1000) -> dict[str, Came]:
    """Days counted in batches of so many rows."""
    days = Days(micros_of(NOW))
    for at in range(0, len(instants), sizes):
        column = pa.array(instants[at : at + sizes], pa.int64())
        batch = pa.record_batch({"datetimeplayed_us": column})
        days.count(batch, np.array(came[at : at + sizes], np.int64))
    return days.counts()


def slow_day(instant: int | None) -> str:
    """The name of a row's day, by the calendar."""
    if instant is None:
        return UNKNOWN
    day = (EPOCH + timedelta(microseconds=instant)).date()
    ahead = (day - NOW.date()).days
    return LATER if ahead > 1 else EARLIER if ahead < 2 - WINDOW_DAYS else f"{day}"


near = st.integers(-WINDOW_DAYS - 3, 3).flatmap(
    lambda day: st.sampled_from([-1, 0, 1]).map(
        lambda tick: micros_of(datetime(2024, 4, 30, tzinfo=UTC)) + day * 86_400_000_000 + tick
    )
)
moments = st.one_of(st.none(), near, st.integers(EARLIEST, LATEST), st.just(EARLIEST))


@given(st.lists(st.tuples(moments, st.integers(0, 2)), max_size=40), st.integers(1, 7))
def test_days_are_those_of_the_calendar_whatever_the_batches(
    rows: list[tuple[int | None, int]], sizes: int
) -> None:
    """Each row counts once, under its UTC day and what came of it."""
    found = days_of([one for one, _ in rows], [came for _, came in rows], sizes)
    slow = Counter((slow_day(one), OUTCOMES[came]) for one, came in rows)
    fast = {
        (name, outcome): many
        for name, came in found.items()
        for outcome, many in came._asdict().items()
        if many
    }
    assert fast == slow


def test_days_come_in_their_order_with_what_has_none_around_them() -> None:
    """Earlier, the days, later, unknown."""
    now = micros_of(NOW)
    instants = [None, LATEST, now, now - 86_400_000_000, EARLIEST]
    assert list(days_of(instants, [0] * 5)) == [
        EARLIER, "2024-04-29", "2024-04-30", LATER, UNKNOWN
    ]  # fmt: skip


def test_a_table_of_days_does_not_grow() -> None:
    """Whatever instants come."""
    days = Days(micros_of(NOW))
    before = days.cells.nbytes
    column = pa.array(range(EARLIEST, LATEST, (LATEST - EARLIEST) // 5000), pa.int64())
    batch = pa.record_batch({"datetimeplayed_us": column})
    days.count(batch, np.zeros(len(column), np.int64))
    assert days.cells.nbytes == before
    assert sum(came.rows for came in days.counts().values()) == len(column)


def test_every_country_has_its_place() -> None:
    """All of ISO's, and one for rows without."""
    codes = [*COUNTRIES, None, None]
    countries = Countries()
    batch = pa.record_batch({"country_code": pa.array(codes, pa.string())})
    countries.count(batch, np.ones(len(codes), np.int64))
    one = dict.fromkeys(sorted(COUNTRIES), Came(0, 1, 0))
    assert countries.counts() == {**one, UNKNOWN: Came(0, 2, 0)}
    assert list(countries.counts())[-1] == UNKNOWN


def test_a_row_is_accepted_rejected_or_delivered_before() -> None:
    """Never two of them."""
    accepted, delivered = np.array([True, False, False]), np.array([False, False, True])
    assert [OUTCOMES[one] for one in outcomes(accepted, delivered)] == list(OUTCOMES)


@pytest.fixture
def plays(tmp_path: Path) -> Path:
    """Five plays: two good ones, two bad ones, one that will have been delivered before."""
    rows = [
        play(),
        play(id=None, datetimeplayed="2024-04-29T00:30:00+01:00", country="UK"),
        play(id=None, trackid="0", country="Atlantis"),
        play(id=None, datetimeplayed="yesterday"),
        play(id="00000000-0000-4000-8000-000000000007", country="gb"),
    ]
    path = tmp_path / "plays.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_the_summary_tells_by_day_and_country(plays: Path, tmp_path: Path) -> None:
    """Beside the counts of before; the day is UTC's, the country the one that was understood."""
    consulted = Consulted(delivered=lambda ids: ids.low & np.uint64(0xFF) == 7)
    counts = check(
        [plays],
        settings(tmp_path),
        now="2024-04-30T12:00:00Z",
        consulted=consulted,
        out=tmp_path / "out",
    )
    said = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert {name: said[name] for name in counts._fields} == counts._asdict()
    assert said["by_day"] == {
        "2024-04-28": {"accepted": 2, "rejected": 1, "already_delivered": 1},
        "unknown": {"accepted": 0, "rejected": 1, "already_delivered": 0},
    }
    assert said["by_country"] == {
        "GB": {"accepted": 1, "rejected": 0, "already_delivered": 1},
        "US": {"accepted": 1, "rejected": 1, "already_delivered": 0},
        "unknown": {"accepted": 0, "rejected": 1, "already_delivered": 0},
    }
    assert said["matched"] == {}
