"""Feeds that failed are taken again: what of them, when, and what a crash leaves."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from feedengine import retrying
from feedengine.applying import FeedApplier
from feedengine.engine import Engine
from feedengine.errors import RefusedError, UsageError
from feedengine.feeds.author import FeedWriter, new_feed
from feedengine.feeds.stack import Stack
from feedengine.store.database import reading
from feedengine.upkeep import check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("on_both")

DAY = 1_700_000_000_000


def track(name: str, inside: str = "", action: str = "Create") -> str:
    """A package about one track."""
    title = "" if action == "Delete" else "<Title>T</Title>"
    made = f"<Track><ID>{name}</ID>{title}{inside}</Track>"
    return f'<xml><Schema action="{action}">{made}</Schema></xml>'


BY_ADELE = "<Artists><Artist><ID>adele</ID></Artist></Artists>"
ADELE = '<xml><Schema action="Create"><Artist><ID>adele</ID><Name>A</Name></Artist></Schema></xml>'
ONCE_MORE = '<View operator="Increase">1</View>'


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new site that waits for nobody."""
    with Engine.init(tmp_path / "site", grace_seconds=0, settle_seconds=0) as made:
        yield made


def drop(engine: Engine, number: int, *packages: str, client: str = "A") -> FeedWriter:
    """Write a feed and its entry."""
    feed = new_feed(engine.settings.root, client, milliseconds=DAY + number)
    for package in packages:
        feed.add(package)
    feed.stack()
    return feed


def rows(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with reading(engine.database) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def names(folder: Path) -> list[str]:
    """File names in a folder."""
    return sorted(entry.name for entry in folder.iterdir() if entry.is_file())


def mixed(engine: Engine) -> FeedWriter:
    """A feed of which one package is applied and two fail, each for a reason of its own."""
    feed = drop(
        engine,
        1,
        track("t1"),
        track("t2", BY_ADELE),
        track("t9", ONCE_MORE, "Update"),
        track("t1", ONCE_MORE, "Update"),
    )
    assert engine.run().runs[0].status == "partial"
    return feed


def test_with_a_code_only_what_failed_with_it_is_taken_again(engine: Engine) -> None:
    """P9: once the artist came, the packages that lacked it; no other, applied or failed."""
    mixed(engine)
    drop(engine, 2, ADELE)
    engine.run()
    (one,) = engine.retry(code="reference-unknown")
    assert (one.retry_of, one.run, one.packages, one.state) == (1, 3, 1, "queued")
    (run,) = engine.run().runs
    assert (run.id, run.status, run.packages, run.applied) == (3, "succeeded", 1, 1)
    assert (run.retry_of, run.retry_code) == (1, "reference-unknown")
    assert rows(engine, "SELECT id, view FROM track ORDER BY id") == [("t1", 1), ("t2", None)]
    assert engine.retry(code="reference-unknown") == []
    assert check(engine.database) == []


def test_what_a_retry_left_out_still_counts_as_failed(engine: Engine) -> None:
    """P9: a retry of one code leaves the others to the next retry, and that sees them all."""
    mixed(engine)
    drop(engine, 2, ADELE, track("t9"))
    engine.run()
    engine.retry(code="reference-unknown")
    engine.run()
    (one,) = engine.retry()
    assert (one.retry_of, one.packages) == (1, 1)
    (run,) = engine.run().runs
    assert (run.status, run.packages) == ("succeeded", 1)
    assert rows(engine, "SELECT view FROM track WHERE id = 't9'") == [(1,)]
    assert engine.retry() == []
    with pytest.raises(RefusedError, match="nothing of run 1 failed"):
        engine.retry(1)
    assert check(engine.database) == []


def test_without_a_code_all_that_failed_is_taken_again(engine: Engine) -> None:
    """P5, P9: the very entry comes back from failed/ and goes where it then belongs."""
    mixed(engine)
    (one,) = engine.retry()
    assert one.packages == 2
    stack = engine.settings.stack
    assert (names(stack / "failed"), Stack(stack).scan()) == ([], [f"{DAY + 1}.xml"])
    assert engine.run().runs[0].status == "failed"
    assert names(stack / "failed") == [f"{DAY + 1}.xml"]
    drop(engine, 2, ADELE, track("t9"))
    engine.run()
    engine.retry(one.run or 0)
    assert engine.run().runs[0].status == "succeeded"
    assert names(stack / "failed") == []
    assert rows(engine, "SELECT id, view FROM track ORDER BY id") == [
        ("t1", 1),
        ("t2", None),
        ("t9", 1),
    ]


def test_an_entry_that_is_gone_is_written_anew(engine: Engine) -> None:
    """P2: whatever became of the file, the ledger knows what it said."""
    mixed(engine)
    shutil.rmtree(engine.settings.stack / "failed")
    engine.retry()
    text = (engine.settings.stack / f"{DAY + 1}.xml").read_text()
    assert "<Client>A</Client>" in text
    assert engine.run().runs[0].packages == 2


def test_an_entry_that_was_filed_under_a_number_is_found(engine: Engine) -> None:
    """P5: the very file is known by its signature, whatever number it got in failed/."""
    failed = engine.settings.stack / "failed"
    failed.mkdir()
    (failed / f"{DAY + 1}.xml").write_text("another")
    mixed(engine)
    assert names(failed) == [f"{DAY + 1}.2.xml", f"{DAY + 1}.xml"]
    engine.retry()
    assert names(failed) == [f"{DAY + 1}.xml"]
    assert (failed / f"{DAY + 1}.xml").read_text() == "another"


def test_a_retry_that_waits_is_not_queued_twice(engine: Engine) -> None:
    """A second retry says that the first is waiting, and opens no run."""
    mixed(engine)
    first, second = (engine.retry()[0] for _ in range(2))
    assert (first.state, second.state, first.run) == ("queued", "waiting", second.run)
    assert rows(engine, "SELECT count(*) FROM feed_run WHERE status = 'held'") == [(1,)]
    assert check(engine.database) == []
    assert [run.id for run in engine.run().runs] == [first.run]


def test_never_over_an_entry_that_waits(engine: Engine) -> None:
    """P2: an entry of that name that a producer has put there is a new attempt; it stays."""
    feed = mixed(engine)
    feed.add(track("t3"))
    feed.stack()
    (one,) = engine.retry()
    assert (one.state, one.run) == ("waiting", None)
    run = engine.run().runs[0]
    assert (run.packages, run.skipped, run.retry_of) == (5, 2, None)


def test_a_run_without_its_entry_gets_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between ledger and Stack: the same retry, asked for again, puts the entry back."""
    mixed(engine)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(retrying, "put_back", crash)
    with pytest.raises(KeyboardInterrupt):
        engine.retry()
    monkeypatch.undo()
    assert engine.run().runs == []
    assert check(engine.database) == []
    (one,) = engine.retry()
    assert (one.state, one.run) == ("queued", 2)
    assert [run.id for run in engine.run().runs] == [2]


def test_a_retry_that_a_crash_cut_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P9: resumed, it still takes nothing but what it was about."""
    engine = Engine.init(tmp_path / "small", batch_packages=1)
    lacking = (track(f"x{n}", ONCE_MORE, "Update") for n in range(4))
    drop(engine, 1, track("ok"), *lacking, track("by", BY_ADELE))
    assert engine.run().runs[0].status == "partial"
    drop(engine, 2, *(track(f"x{n}") for n in range(4)))
    engine.run()
    engine.retry(code="not-found")
    real, calls = FeedApplier._transaction, []

    def third_fails(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    monkeypatch.setattr(FeedApplier, "_transaction", third_fails)
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    monkeypatch.undo()
    assert engine.retry() == [] or engine.retry()[0].state == "running"
    engine.run()
    assert rows(engine, "SELECT status, packages, applied FROM feed_run WHERE id = 3") == [
        ("succeeded", 4, 4)
    ]
    assert rows(engine, "SELECT view, count(*) FROM track GROUP BY view ORDER BY 2") == [
        (None, 1),
        (1, 4),
    ]
    assert check(engine.database) == []
    engine.close()


def test_a_feed_that_failed_as_a_whole_is_taken_whole(engine: Engine) -> None:
    """P4: feed-missing leaves no packages to choose from; later retries choose among its own."""
    feed = drop(engine, 1, track("t1"), track("t2", BY_ADELE))
    hidden = feed.folder.with_name("hidden")
    feed.folder.rename(hidden)
    assert engine.run().runs[0].status == "failed"
    assert engine.retry(code="not-found") == []
    (one,) = engine.retry(code="feed-missing")
    assert one.packages is None
    assert engine.run().runs[0].status == "failed"
    hidden.rename(feed.folder)
    engine.retry()
    run = engine.run().runs[0]
    assert (run.status, run.packages, run.retry_of) == ("partial", 2, 2)
    (last,) = engine.retry()
    assert (last.retry_of, last.packages) == (3, 1)
    with pytest.raises(RefusedError, match="not the last word"):
        engine.retry(1)


def test_an_entry_that_could_not_be_read_comes_back(engine: Engine) -> None:
    """P2: it names no feed, so the entry alone is put back, corrected or not."""
    entry = engine.settings.stack / "7.xml"
    entry.write_text("<xml><Client>A</Client></xml>")
    assert engine.run().runs[0].feed_path is None
    assert engine.retry(code="feed-missing") == []
    (one,) = engine.retry(1)
    assert (one.state, one.run, one.stack_entry) == ("queued", None, "7.xml")
    assert engine.retry(1)[0].state == "waiting"
    entry.unlink()
    assert engine.retry(1)[0].state == "gone"
    assert engine.retry() == []


def test_a_retry_that_nobody_looked_at_may_be_held(tmp_path: Path) -> None:
    """G1: what was put back is scanned as any feed; released it goes through, and again."""
    engine = Engine.init(tmp_path / "site", grace_seconds=0, hold_count=2, hold_share=0.1)
    drop(engine, 1, *(track(f"t{n}") for n in range(9)))
    engine.run()
    doomed = drop(engine, 2, *(track(f"t{n}", "", "Delete") for n in range(6)))
    hidden = doomed.folder.with_name("hidden")
    doomed.folder.rename(hidden)
    engine.run()
    hidden.rename(doomed.folder)
    (one,) = engine.retry()
    (held,) = engine.run().runs
    assert (held.id, held.status, held.released_at) == (one.run, "held", None)
    assert engine.retry()[0].state == "held"
    assert check(engine.database) == []
    engine.release(held.id)
    assert engine.run().runs[0].status == "succeeded"
    assert rows(engine, "SELECT count(*) FROM track") == [(3,)]
    engine.close()


def test_every_feed_that_failed_and_no_other(engine: Engine) -> None:
    """Thousands of feeds: those whose last attempt failed come back, in their order."""
    feeds = [
        drop(engine, number, track(f"t{number}", BY_ADELE if number % 3 else ""))
        for number in range(45)
    ]
    drop(engine, 90, track("other", BY_ADELE), client="B")
    engine.run()
    (feeds[1].folder / "packages/01/package.xml").write_text(track("t1"))
    feeds[1].stack()
    drop(engine, 91, ADELE)
    engine.run()
    found = engine.retry(client="A")
    assert [one.stack_entry for one in found] == [
        f"{DAY + number}.xml" for number in range(45) if number % 3 and number != 1
    ]
    assert check(engine.database) == []
    runs = engine.run().runs
    assert [run.id for run in runs] == [one.run for one in found]
    assert {run.status for run in runs} == {"succeeded"}
    assert [one.client for one in engine.retry()] == ["B"]
    assert check(engine.database) == []


def test_a_package_that_has_left_the_feed_fails_no_longer(engine: Engine) -> None:
    """P6: the producer has taken it out; the retry finds it gone, and the feed is done."""
    feed = drop(engine, 1, track("t1"), track("t2", BY_ADELE))
    engine.run()
    shutil.rmtree(feed.folder / "packages/02")
    engine.retry()
    assert [(run.status, run.packages) for run in engine.run().runs] == [("succeeded", 0)]
    assert engine.retry() == []
    assert check(engine.database) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [(9, "there is no run 9"), (1, "run 1 succeeded"), (2, "run 2 is held")],
)
def test_what_cannot_be_retried_is_said(tmp_path: Path, number: int, said: str) -> None:
    """A run that is not there, succeeded, or waits for its release."""
    engine = Engine.init(tmp_path / "site", hold_count=1, hold_share=0)
    drop(engine, 1, *(track(f"t{n}") for n in range(3)))
    drop(engine, 2, *(track(f"t{n}", "", "Delete") for n in range(3)))
    engine.run()
    with pytest.raises(RefusedError, match=said):
        engine.retry(number)
    with pytest.raises(UsageError, match="no code of a finding"):
        engine.retry(code="not-there")
    engine.close()


def test_names_that_are_no_text_are_retried(engine: Engine) -> None:
    """P3: an entry and a package whose names are no UTF-8 come back like any other."""
    feed = drop(engine, 1, track("t1"))
    folder = os.fsdecode(os.fsencode(feed.folder / "packages") + b"/odd\xff")
    feed.add(track("t2", BY_ADELE), f"{folder}/package.xml")
    stack = engine.settings.stack
    (stack / f"{DAY + 1}.xml").rename(os.fsdecode(os.fsencode(stack) + b"/a\xff.xml"))
    assert engine.run().runs[0].status == "partial"
    drop(engine, 2, ADELE)
    engine.run()
    assert [one.state for one in engine.retry()] == ["queued"]
    assert [one.state for one in engine.retry()] == ["waiting"]
    assert [(run.status, run.packages) for run in engine.run().runs] == [("succeeded", 1)]
    assert Stack(stack).scan() == []
