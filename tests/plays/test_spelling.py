"""What is compared of titles and names: quick ways against all steps for every text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import example, given
from hypothesis import strategies as st

from feedengine.plays.spelling import _STEPS, plain

_PIECES = st.sampled_from(
    [
        *("Rain", "and", "&", " ", "  ", "(feat. ", ")", " ft ", "Ft.", "featuring", "don't", "!"),
        *("é", "²", "İ", "\t", "\x0b", "\x1c", "\x00", "\n", "[", "soft", "`", "Straße", "Å", "_"),
    ]
)
_TEXTS = st.none() | st.lists(_PIECES, max_size=6).map("".join) | st.text(max_size=4)


def slowly(column: pa.Array) -> pa.Array:
    """Every step for every text."""
    lower = pc.utf8_trim_whitespace(pc.utf8_lower(pc.utf8_normalize(column, "NFKD")))
    found = lower
    for pattern, instead in _STEPS:
        found = pc.replace_substring_regex(found, pattern, instead)
    found = pc.utf8_trim_whitespace(found)
    return pc.if_else(pc.equal(found, ""), lower, found)


@given(st.lists(_TEXTS, max_size=8), st.integers(0, 2))
@example(["A", None, "a (ft. B)", "a", "é"], 1)
def test_plain_texts_are_those_of_all_steps(texts: list[str | None], cut: int) -> None:
    """Repeated, NULL, ASCII or not, in a part of a column."""
    column = pa.array(texts, pa.string())[cut:]
    assert plain(column).to_pylist() == slowly(column).to_pylist()
