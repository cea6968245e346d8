"""History carried out row by row: what stands after a number of changes."""

from __future__ import annotations

import pytest

from feedengine.catalogue.asof import Past, Replay, set_named, standing_after
from feedengine.catalogue.hand import Hand
from feedengine.catalogue.objects import link_document, to_json

GENRE = '{"client":"A","id":"g","name":"G"}'


def linked(seq: int, release: str, position: int | None) -> Past:
    """A row that links a release with the track ``t``, or takes the link away."""
    document = None if position is None else link_document(release, "t", position)
    return Past(seq, "release_track", f"{release}/t", document)


def test_an_object_stands_as_its_last_row_says() -> None:
    """H1: the document of the last row is the whole object, and nothing once it was deleted."""
    rows = [
        Past(1, "genre", "g", '{"client":"A","id":"g","name":"Old"}'),
        Past(2, "genre", "h", '{"client":"A","id":"h","name":"H"}'),
        Past(3, "genre", "g", GENRE),
        Past(4, "genre", "h", None),
    ]
    hand = standing_after(rows)
    thing = hand.objects["genre", "g"]
    assert thing is not None
    assert to_json(thing) == GENRE
    assert hand.objects["genre", "h"] is None
    assert standing_after(rows[:2]).objects["genre", "h"] is not None


def test_links_are_ordered_by_position_and_by_when_they_were_made() -> None:
    """H1: a link that is moved keeps its place among a track's releases, one made anew does not."""
    rows = [linked(1, "a", 1), linked(2, "b", 1), linked(3, "a", 7)]
    assert standing_after(rows).ordered_releases("t") == ["a", "b"]
    again = [*rows, linked(4, "a", None), linked(5, "a", 1)]
    assert standing_after(again[:4]).ordered_releases("t") == ["b"]
    assert standing_after(again).ordered_releases("t") == ["b", "a"]
    assert standing_after(again).ordered_tracks("a") == ["t"]


def test_the_number_that_made_a_link_is_kept() -> None:
    """H2: `linked_seq` is the change that made the link, not the one that moved it."""
    replay = Replay(Hand())
    for past in (linked(3, "a", 1), linked(8, "a", 2)):
        replay.step(past)
    assert replay.linked == {replay.hand.links["a", "t"].order: 3}


def test_ids_are_unescaped() -> None:
    """H1: the ends of a link are found again, slashes and all."""
    row = Past(1, "release_track", "r%2F1/t%25", link_document("r/1", "t%", 1))
    assert standing_after([row]).ordered_tracks("r/1") == ["t%"]


def test_a_damaged_row_is_refused() -> None:
    """H2: what cannot be replayed is not passed over."""
    for row in (Past(1, "gnre", "g", GENRE), Past(1, "genre", "g", "{")):
        with pytest.raises((KeyError, ValueError)):
            standing_after([row])


def test_a_document_names_its_territory_set() -> None:
    """H1: territories stand in a document by the id of their set."""
    assert set_named(GENRE) is None
    assert set_named('{"territory_set_id":"00ff"}') == "00ff"
