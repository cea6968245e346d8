"""How old plays are: what is found without making texts is what the texts say."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.plays.ages import (
    canonical,
    cutoff,
    least_of,
    limit_of,
    oldest_of,
    young,
    young_rows,
)
from feedengine.plays.reports import ENDPOINT, RECEIPTS, Format

NOW = datetime(2024, 4, 30, 12, 0, 0, tzinfo=UTC)
LATER = NOW.replace(microsecond=7)

_CUT = st.sampled_from([f"{cutoff('61 days', NOW):%Y-%m-%dT%H:%M:%S}", "2024-02-29T12:00:00"])
_TEXTS = st.tuples(
    _CUT
    | st.datetimes(NOW.replace(month=2, day=28, tzinfo=None), NOW.replace(tzinfo=None)).map(
        "{:%Y-%m-%dT%H:%M:%S}".format
    ),
    st.sampled_from(["Z", ".1Z", ".0000000Z"]),
).map("".join)


@pytest.mark.parametrize("form", [RECEIPTS, ENDPOINT])
@pytest.mark.parametrize("now", [NOW, LATER])
@given(rows=st.lists(st.tuples(_TEXTS, _TEXTS), max_size=5))
def test_ages_of_a_table_are_those_of_its_texts(
    form: Format, now: datetime, rows: list[tuple[str, str]]
) -> None:
    """Around the oldest that is taken, with fractions and without."""
    table = pa.table(
        {
            "datetimelogged": pa.array([one for one, _ in rows], pa.string()),
            "datetimeplayed": pa.array([one for _, one in rows], pa.string()),
        }
    )
    age = limit_of(form)
    assert age is not None
    texts = oldest_of(table, form)
    assert young_rows(table, form, age, now).tolist() == young(texts, age, now).tolist()
    assert least_of(table, form) == (canonical(min(texts.to_pylist())) if rows else None)
