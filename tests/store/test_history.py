"""History read back: the catalogue and its objects as of an instant (H1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.model.entities import kinds, table_of
from feedengine.model.instants import instant_text
from feedengine.model.tables import ReleaseTrack, TrackValidity
from feedengine.store.database import reading
from feedengine.store.history import (
    changes_of,
    documents_at,
    history_of,
    last_changes,
    object_at,
    seq_at,
)
from feedengine.store.pages import pages
from feedengine.store.standing import documents_now

from .sites import (
    RICH,
    applied,
    damage,
    deleted,
    edited,
    instants,
    listed,
    named,
    site,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from feedengine.engine import Engine

pytestmark = pytest.mark.usefixtures("on_both")


def moved(instant: str, microseconds: int) -> str:
    """An instant so much later."""
    return instant_text(datetime.fromisoformat(instant) + timedelta(microseconds=microseconds))


def at(engine: Engine, kind: str, name: str, instant: str) -> dict[str, Any] | None:
    """An object as of an instant."""
    with reading(engine.database) as connection:
        return object_at(connection, kind, name, instant)


def test_a_position_in_history_is_found_by_its_instant(tmp_path: Path) -> None:
    """H1: the highest `seq` whose change is at or before the instant, 0 before the first."""
    engine = site(tmp_path, *(("A", [named("Genre", str(n))]) for n in range(5)))
    made = instants(engine)
    with reading(engine.database) as connection:
        assert seq_at(connection, moved(made[0], -1)) == 0
        for index, instant in enumerate(made):
            last = max(n for n, other in enumerate(made, 1) if other <= instant)
            assert seq_at(connection, instant) == last
            before = sum(other < instant for other in made[: index + 1])
            assert seq_at(connection, moved(instant, -1)) == before
        assert seq_at(connection, moved(made[-1], 1)) == len(made)


def test_missing_numbers_do_no_harm(tmp_path: Path) -> None:
    """H1: on PostgreSQL `seq` may have gaps, at the beginning too."""
    engine = site(tmp_path, *(("A", [named("Genre", str(n))]) for n in range(6)))
    made = instants(engine)
    damage(engine, "DELETE FROM change WHERE seq IN (1, 3, 4)", "UPDATE change SET seq = seq * 10")
    left = {20: made[1], 50: made[4], 60: made[5]}
    with reading(engine.database) as connection:
        for instant in made:
            wanted = max((seq for seq, other in left.items() if other <= instant), default=0)
            assert seq_at(connection, instant) == wanted


def test_an_empty_history_has_no_position(tmp_path: Path) -> None:
    """H1: where nothing has happened, nothing stands at any instant."""
    engine = site(tmp_path)
    with reading(engine.database) as connection:
        assert seq_at(connection, "9999-12-31T00:00:00.000000Z") == 0
        assert list(documents_at(connection, 0)) == []
    assert at(engine, "genre", "g", "9999-12-31T00:00:00.000000Z") is None


def test_an_object_is_read_before_at_and_after_each_change(tmp_path: Path) -> None:
    """H1: an object as of an instant is the document of its last change until then."""
    engine = site(
        tmp_path,
        ("A", [named("Label", "l")]),
        ("B", [edited("Label", "l", "<Name>Second</Name>")]),
        ("A", [deleted("Label", "l")]),
        ("A", [named("Label", "l")]),
    )
    one, two, three, four = instants(engine)
    first = {"client": "A", "id": "l", "name": "l"}
    second = {"client": "B", "id": "l", "name": "Second"}
    assert at(engine, "label", "l", moved(one, -1)) is None
    assert at(engine, "label", "l", one) == first
    assert at(engine, "label", "l", moved(two, -1)) == first
    assert at(engine, "label", "l", two) == second
    assert at(engine, "label", "l", moved(three, -1)) == second
    assert at(engine, "label", "l", three) is None
    assert at(engine, "label", "l", four) == first
    assert at(engine, "label", "other", four) is None


def test_links_are_shown_as_they_stood(tmp_path: Path) -> None:
    """H1: a release with its tracks, a track with its releases, each as the links stood then."""
    engine = site(
        tmp_path, ("A", [named("Track", "a"), named("Track", "b/%"), named("Track", "c")])
    )
    steps = (
        named("Release", "r", listed("Tracks", "a", "b/%")),
        named("Release", "s", listed("Tracks", "b/%")),
        edited("Release", "r", listed("Tracks", "c", "b/%", "a")),
        edited("Track", "b/%", listed("Releases", "s")),
        edited("Track", "b/%", listed("Releases", "s", "r")),
        deleted("Release", "s"),
    )
    seen = []
    for step in steps:
        applied(engine, "A", step)
        seen.append(instants(engine)[-1])
    tracks = [(at(engine, "release", "r", then) or {}).get("track") for then in seen]
    assert tracks == [
        ["a", "b/%"],
        ["a", "b/%"],
        ["c", "b/%", "a"],
        ["c", "a"],
        ["c", "a", "b/%"],
        ["c", "a", "b/%"],
    ]
    releases = [(at(engine, "track", "b/%", then) or {}).get("release") for then in seen]
    assert releases == [["r"], ["r", "s"], ["r", "s"], ["s"], ["s", "r"], ["r"]]
    assert at(engine, "track", "c", seen[0]) == {"client": "A", "id": "c", "title": "c"}
    assert list(at(engine, "release", "r", seen[0]) or {}) == ["client", "id", "title", "track"]


def test_ids_that_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    """H1: links are found by whole ids, not by what their text begins or ends with."""
    engine = site(
        tmp_path,
        (
            "A",
            [named("Release", "r", "<Tracks><Track><ID>1</ID><Title>1</Title></Track></Tracks>")],
        ),
        (
            "A",
            [
                named(
                    "Release",
                    name,
                    f"<Tracks><Track><ID>{name}1</ID><Title>x</Title></Track></Tracks>",
                )
                for name in ("r0", "r!", "r/", "R")
            ],
        ),
    )
    last = instants(engine)[-1]
    assert (at(engine, "release", "r", last) or {})["track"] == ["1"]
    assert (at(engine, "release", "r/", last) or {})["track"] == ["r/1"]
    assert (at(engine, "track", "1", last) or {})["release"] == ["r"]
    assert (at(engine, "track", "r/1", last) or {})["release"] == ["r/"]


def test_the_history_of_an_object_has_every_change(tmp_path: Path) -> None:
    """H1: its rows in order, documents as dictionaries, None once it was deleted."""
    engine = site(
        tmp_path,
        ("A", [named("Genre", "other"), named("Genre", "g")]),
        ("B", [edited("Genre", "g", "<Source>7</Source>")]),
        ("A", [deleted("Genre", "g")]),
    )
    with reading(engine.database) as connection:
        found = history_of(connection, "genre", "g")
    assert [row["seq"] for row in found] == [2, 3, 4]
    assert [row["action"] for row in found] == ["create", "update", "delete"]
    assert [row["client"] for row in found] == ["A", "B", "A"]
    assert [row["changed_at"] for row in found] == instants(engine)[1:]
    assert found[1]["document"] == {"client": "B", "id": "g", "name": "g", "source": "7"}
    assert found[2]["document"] is None
    assert list(found[0]) == [
        *("seq", "package_id", "entity", "entity_id", "action", "client", "changed_at"),
        "document",
    ]


def test_the_history_of_a_link_is_its_own(tmp_path: Path) -> None:
    """H1: a release-track link has rows of its own, asked for by both ids."""
    engine = site(tmp_path, ("A", RICH))
    with reading(engine.database) as connection:
        (found,) = history_of(connection, "release_track", "r1/t%2F1")
        assert object_at(connection, "release_track", "r1/t%2F1", "9") == found["document"]
    assert found["document"] == {"position": 1, "release_id": "r1", "track_id": "t/1"}


def test_everything_is_read_as_it_stood(tmp_path: Path) -> None:
    """H1: all objects, links and territory sets as of each feed, in canonical order."""
    engine = site(tmp_path)
    seen: list[tuple[str, list[Any]]] = []
    changes = (
        edited("Release", "r1", listed("Tracks", "t2") + "<Territories/>"),
        deleted("Artist", "ad/ele"),
        deleted("Track", "t2"),
        edited("Release", "r1", "<Territories><Country>FR</Country></Territories>"),
        deleted("Release", "r-1"),
    )
    for things in (RICH, *((one,) for one in changes)):
        assert applied(engine, "A", *things).status == "succeeded"
        with reading(engine.database) as connection:
            seen.append((instants(engine)[-1], list(documents_now(connection))))
    with reading(engine.database) as connection:
        for then, standing in seen:
            assert list(documents_at(connection, seq_at(connection, then))) == standing
    order = ["territory_set", *kinds(), "release_track"]
    entities = [one.entity for one in seen[0][1]]
    assert entities == sorted(entities, key=order.index)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_hide_nothing(tmp_path: Path, size: int) -> None:
    """H1: however small the pages are, every row is read once, in order."""
    engine = site(tmp_path, ("A", RICH))
    paged: list[Callable[[Any, int], list[Any]]] = [
        lambda c, n: [x for page in last_changes(c, "release_track", 99, size=n) for x in page],
        lambda c, n: [x for page in pages(c, table_of(ReleaseTrack), size=n) for x in page],
        lambda c, n: [x for page in pages(c, table_of(TrackValidity), size=n) for x in page],
    ]
    with reading(engine.database) as connection:
        for read in paged:
            assert read(connection, size) == read(connection, 1000)
            assert read(connection, 1000)


def test_the_last_change_of_several_objects(tmp_path: Path) -> None:
    """H1: for each its number, document and instant, and the number that made it what stands."""
    engine = site(
        tmp_path,
        ("A", [named("Genre", "g"), named("Genre", "h")]),
        (
            "A",
            [
                deleted("Genre", "g"),
                named("Genre", "g"),
                edited("Genre", "g", "<Source>7</Source>"),
            ],
        ),
    )
    with reading(engine.database) as connection:
        found = changes_of(connection, "genre", ["g", "h", "none"])
    assert {name: (row[0], row[3]) for name, row in found.items()} == {"g": (5, 4), "h": (2, 2)}
    assert found["g"][2] == instants(engine)[4]
