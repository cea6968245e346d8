"""Undo: what a run did is taken back, and refused where later changes depend on it (H2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feedengine.engine import Engine
from feedengine.errors import RefusedError
from feedengine.feeds.author import new_feed
from feedengine.store import images
from feedengine.undoing import DependsError
from feedengine.upkeep import check, rebuild

from .sites import (
    ARTIST,
    GENRES,
    RICH,
    applied,
    deleted,
    edited,
    exported,
    listed,
    named,
    package,
    rows,
    site,
)
from .test_upkeep import EVENTFUL

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("on_both")


def in_the_way(engine: Engine, run: int) -> set[tuple[str, str, int | None, int]]:
    """What keeps a run from being undone; nothing is changed, dry or not."""
    before = rows(engine)
    found = []
    for dry in (True, False):
        with pytest.raises(DependsError) as caught:
            engine.undo(run, dry=dry)
        found.append({one[:4] for one in caught.value.dependents})
    assert found[0] == found[1]
    assert rows(engine) == before
    return found[0]


def sound(engine: Engine) -> None:
    """The checks are silent, and history alone gives every row again."""
    assert check(engine.database) == []
    before = rows(engine)
    rebuild(engine.database)
    assert rows(engine) == before


@pytest.mark.parametrize("size", [2, 1_000])
@pytest.mark.parametrize("last", range(1, len(EVENTFUL) + 1))
def test_the_last_run_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int, size: int
) -> None:
    """H2: whatever the last feed did, the export is that of before it, and all rules hold."""
    monkeypatch.setattr(images, "_FIRSTS", images._FIRSTS.replace("LIMIT 1000", f"LIMIT {size}"))
    engine = site(tmp_path, *(("AB"[n % 2], feed) for n, feed in enumerate(EVENTFUL[: last - 1])))
    before = exported(engine)
    run = applied(engine, "C", *EVENTFUL[last - 1])
    after = exported(engine)
    plan = engine.undo(run.id, dry=True)
    assert (plan.run, exported(engine)) == (None, after)
    done = engine.undo(run.id)
    assert done.changes == plan.changes
    assert exported(engine) == before
    sound(engine)
    told = done.run
    assert told is not None
    assert (told.undoes, told.client, told.feed_path) == (run.id, "C", run.feed_path)


def test_all_runs_are_taken_back_from_the_last(tmp_path: Path) -> None:
    """H2: what has been undone stands in nobody's way; in the end there is nothing."""
    engine = site(tmp_path, *(("AB"[n % 2], feed) for n, feed in enumerate(EVENTFUL)))
    empty = exported(site(tmp_path / "empty"))
    for run in (3, 2, 1):
        engine.undo(run)
        sound(engine)
    assert exported(engine) == empty


def test_what_was_undone_can_be_dropped_again(tmp_path: Path) -> None:
    """P9: its packages count as applied no longer, nor do those that a later run skipped."""
    engine = site(tmp_path)
    feed = new_feed(engine.settings.root, "A")
    feed.add(package(named("Genre", "g")))
    feed.stack()
    engine.run()
    feed.stack()
    assert engine.run().runs[0].skipped == 1
    first = exported(engine)
    engine.undo(1)
    feed.stack()
    assert engine.run().runs[0].applied == 1
    assert exported(engine) == first
    feed.stack()
    assert engine.run().runs[0].skipped == 1
    assert engine.undo(4).changes == {("genre", "delete"): 1}
    assert check(engine.database) == []


def test_an_undone_feed_is_not_the_last_that_changed_an_object(tmp_path: Path) -> None:
    """G2: after an undo, a feed is late where it would have been without the undone one."""
    engine = site(tmp_path, late_feeds="refuse")

    def drop(number: int, thing: str) -> str:
        feed = new_feed(engine.settings.root, "A", milliseconds=number)
        feed.add(package(thing))
        feed.stack()
        return engine.run().runs[0].status

    assert drop(10, named("Genre", "g")) == "succeeded"
    assert drop(30, edited("Genre", "g", "<Name>thirty</Name>")) == "succeeded"
    assert drop(20, edited("Genre", "g", "<Name>twenty</Name>")) == "failed"
    engine.undo(2)
    assert drop(21, edited("Genre", "g", "<Name>twenty</Name>")) == "succeeded"
    assert drop(9, edited("Genre", "g", "<Name>nine</Name>")) == "failed"


def test_an_object_changed_later_is_in_the_way(tmp_path: Path) -> None:
    """H2: told with the later change and its run; undone itself, it is not in the way."""
    engine = site(tmp_path, ("A", [GENRES]))
    run = applied(engine, "A", edited("Genre", "pop", "<Name>P</Name>"))
    later = applied(engine, "B", edited("Genre", "pop", "<Source>9</Source>"))
    assert in_the_way(engine, run.id) == {("genre", "pop", 4, later.id)}
    assert in_the_way(engine, 1) == {("genre", "pop", 3, run.id)}
    engine.undo(later.id)
    engine.undo(run.id)
    assert exported(engine) == exported(site(tmp_path / "other", ("A", [GENRES])))


def test_a_later_reference_is_in_the_way(tmp_path: Path) -> None:
    """H2: what the run created and others refer to since cannot go."""
    engine = site(tmp_path, ("A", [named("Track", "t"), named("Release", "r%")]))
    run = applied(
        engine, "A", *(named(kind, "x") for kind in ("Label", "Genre", "Artist", "Track"))
    )
    edits = listed("Genres", "x") + listed("Artists", "x") + "<Label><ID>x</ID></Label>"
    later = applied(engine, "B", edited("Release", "r%", edits + listed("Tracks", "x")))
    artist = applied(engine, "B", edited("Track", "t", listed("Artists", "x")))
    assert in_the_way(engine, run.id) == {
        ("release", "r%", 7, later.id),
        ("release_track", "r%25/x", 8, later.id),
        ("track", "t", 9, artist.id),
    }
    engine.undo(artist.id)
    engine.undo(later.id)
    engine.undo(run.id)
    sound(engine)


def test_what_is_needed_and_gone_is_in_the_way(tmp_path: Path) -> None:
    """H2: a document comes back only where all that it refers to is still there."""
    engine = site(
        tmp_path,
        ("A", [named("Label", "l"), named("Track", "t")]),
        ("A", [named("Release", "r", "<Label><ID>l</ID></Label>" + listed("Tracks", "t"))]),
    )
    run = applied(engine, "A", edited("Release", "r", "<Label/><Tracks/>"))
    label = applied(engine, "B", deleted("Label", "l"))
    track = applied(engine, "B", deleted("Track", "t"))
    assert in_the_way(engine, run.id) == {
        ("release", "r", 7, label.id),
        ("release_track", "r/t", 8, track.id),
    }


def test_a_place_that_was_taken_since_is_in_the_way(tmp_path: Path) -> None:
    """H2: no two tracks may stand at one position of a release."""
    engine = site(
        tmp_path,
        ("A", [named("Track", name) for name in ("t1", "t2", "t3")]),
        ("A", [named("Release", "r", listed("Tracks", "t1", "t2"))]),
    )
    pull = '<Tracks action="Pull"><Track><ID>t2</ID></Track></Tracks>'
    run = applied(engine, "A", edited("Release", "r", pull))
    push = '<Tracks action="Push"><Track><ID>t3</ID></Track></Tracks>'
    later = applied(engine, "A", edited("Release", "r", push))
    assert in_the_way(engine, run.id) >= {("release_track", "r/t3", 8, later.id)}


def test_a_later_package_that_said_the_same_is_in_the_way(tmp_path: Path) -> None:
    """H2: it made no change, but without the run it would have."""
    engine = site(tmp_path, ("A", [GENRES]))
    run = applied(engine, "A", edited("Genre", "pop", "<Name>P</Name>"))
    later = applied(engine, "A", edited("Genre", "pop", "<Name>P</Name>"))
    assert in_the_way(engine, run.id) == {("genre", "pop", None, later.id)}


def test_what_hangs_on_nothing_may_stay(tmp_path: Path) -> None:
    """H2: an earlier run goes alone where nothing later depends on it."""
    engine = site(tmp_path, ("A", [GENRES]))
    run = applied(engine, "A", named("Label", "l"), edited("Genre", "pop", "<Name>P</Name>"))
    applied(engine, "B", ARTIST, named("Track", "t"))
    engine.undo(run.id)
    other = site(tmp_path / "other", ("A", [GENRES]), ("B", [ARTIST, named("Track", "t")]))
    assert exported(engine) == exported(other)
    sound(engine)


def test_what_cannot_be_undone_is_said(tmp_path: Path) -> None:
    """H2: no such run, an undo, an undone run, a held one, one that applied nothing."""
    engine = site(tmp_path, ("A", RICH), hold_count=1, hold_share=0.0)
    nothing = applied(engine, "A", deleted("Genre", "none"))
    undone = applied(engine, "A", named("Genre", "g"))
    undo = engine.undo(undone.id).run
    assert undo is not None
    held = applied(engine, "A", *(deleted("Release", name) for name in ("r1", "r-1", "r1!")))
    for number, said in (
        (99, "there is no run 99"),
        (nothing.id, "nothing of run 2 was applied"),
        (undone.id, f"undone by run {undo.id}"),
        (undo.id, "is itself the undo"),
        (held.id, "is held"),
    ):
        with pytest.raises(RefusedError, match=said):
            engine.undo(number)
    with engine.database.connect() as connection, connection.begin():
        connection.exec_driver_sql("UPDATE feed_run SET status = 'running' WHERE id = 1")
    with pytest.raises(RefusedError, match="still running"):
        engine.undo(1)


def test_an_undone_feed_is_not_retried(tmp_path: Path) -> None:
    """A feed that was undone waits for its producer; what of it failed is not taken again."""
    engine = site(tmp_path)
    assert applied(engine, "A", named("Genre", "g"), deleted("Genre", "x")).status == "partial"
    engine.undo(1)
    assert engine.retry() == []
    with pytest.raises(RefusedError, match="it was undone"):
        engine.retry(1)


def test_a_run_waits_for_its_retry(tmp_path: Path) -> None:
    """A retry that is queued has to be taken first; then each is undone by itself."""
    engine = site(tmp_path)
    run = applied(engine, "A", named("Genre", "g"), edited("Genre", "x", "<Source>1</Source>"))
    assert engine.retry()[0].state == "queued"
    with pytest.raises(RefusedError, match="waits to be taken"):
        engine.undo(run.id)
    applied(engine, "A", named("Genre", "x"))
    engine.retry()
    retry = engine.run().runs[-1]
    assert retry.status == "succeeded", retry
    assert in_the_way(engine, 3) != set()
    engine.undo(retry.id)
    engine.undo(run.id)
    assert [row[0] for row in rows(engine)["genre"]] == ["x"]
    assert check(engine.database) == []
