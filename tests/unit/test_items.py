"""The items of a list under edits (P32, P33), against the plainest way to do the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from feedengine.catalogue import items as module
from feedengine.catalogue.hand import Hand
from feedengine.catalogue.items import Items

VALUES = st.sampled_from([None, "a", "b"])
ITEMS = st.tuples(VALUES, VALUES, VALUES)
MATCHES = ITEMS.map(lambda row: tuple((n, one) for n, one in enumerate(row) if one is not None))
EDITS = st.lists(
    st.one_of(st.tuples(st.just("push"), ITEMS), st.tuples(st.just("pull"), MATCHES)), max_size=40
)
KEY = (0, 1)


def plainly(found: list[Any], word: str, given_: Any) -> bool:
    """An edit as the protocol says it."""
    if word == "push":
        for at, item in enumerate(found):
            if [item[n] for n in KEY] == [given_[n] for n in KEY]:
                found[at] = given_
                return True
        found.append(given_)
        return True
    kept = [item for item in found if not all(item[n] == value for n, value in given_)]
    matched = len(kept) < len(found)
    found[:] = kept
    return matched


@given(EDITS, st.sampled_from([0, 1, 32]))
def test_edits_do_what_the_protocol_says(edits: list[tuple[str, Any]], indexes: int) -> None:
    """P32, P33: with as many indexes as may be, and with none."""
    module.MOST_INDEXES, before = indexes, module.MOST_INDEXES
    try:
        items, found = Items(KEY, ()), list[Any]()
        for word, value in edits:
            if word == "push":
                items.push(value)
                plainly(found, word, value)
            elif value:
                assert items.pull(value) == plainly(found, word, value)
            assert items.all() == tuple(found)
            assert len(items) == len(found)
    finally:
        module.MOST_INDEXES = before


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([None, 1, 2, 5])), max_size=20))
def test_the_end_of_a_release_is_behind_its_last_track(puts: list[tuple[str, int | None]]) -> None:
    """P32: whatever was linked, moved or removed before, and taken back."""
    hand = Hand()
    hand.end_position("r")
    for number, (track, position) in enumerate(puts):
        hand.put_link("r", track, position)
        last = max((link.position for link in hand.links.values()), default=0)
        assert hand.end_position("r") == last + 1
        if number == 10:
            hand.take_back()
            assert hand.end_position("r") == 1
