"""The Stack from entry to where it goes: order, patience, exactly once, guards."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from feedengine import taking
from feedengine.engine import Engine
from feedengine.errors import RefusedError
from feedengine.feeds.author import FeedWriter, new_feed
from feedengine.store.database import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("on_both")

DAY = 1_700_000_000_000


def track(number: int, action: str = "Create", more: str = "<Title>T</Title>") -> str:
    """A package about one track."""
    return f'<xml><Schema action="{action}"><Track><ID>t{number}</ID>{more}</Track></Schema></xml>'


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new site that waits for nobody."""
    with Engine.init(tmp_path / "site", grace_seconds=0.2, settle_seconds=0.2) as made:
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


def test_entries_are_taken_by_number(engine: Engine) -> None:
    """P3: 2 before 10, whatever the file system says."""
    stack = engine.settings.stack
    for number, package in ((10, track(1, "Update")), (2, track(1))):
        feed = new_feed(engine.settings.root, "A", milliseconds=DAY + number)
        feed.add(package)
        feed.stack().rename(stack / f"{number}.xml")
    result = engine.run()
    assert [(run.stack_entry, run.status) for run in result.runs] == [
        ("2.xml", "succeeded"),
        ("10.xml", "succeeded"),
    ]


def test_where_entries_go(engine: Engine) -> None:
    """P5, P7: processed when all succeeded, failed otherwise; a taken name gets a number."""
    drop(engine, 1, track(1))
    drop(engine, 2, track(2), track(2))
    drop(engine, 3, track(2))
    result = engine.run()
    assert [run.status for run in result.runs] == ["succeeded", "partial", "failed"]
    stack = engine.settings.stack
    assert names(stack / "processed") == [f"{DAY + 1}.xml"]
    assert names(stack / "failed") == [f"{DAY + 2}.xml", f"{DAY + 3}.xml"]
    feed = drop(engine, 4, track(9))
    (stack / "processed" / f"{DAY + 4}.xml").write_bytes(b"taken")
    engine.run()
    assert len(names(stack / "processed")) == 3
    assert feed.folder.is_dir()


def test_the_second_entry_of_a_feed_is_a_new_attempt(engine: Engine) -> None:
    """P9: what was applied is skipped, what failed runs again; counters are not counted twice."""
    more = '<UpdateCount operator="Increase">3</UpdateCount>'
    feed = drop(engine, 1, track(1), track(1, "Update", more), track(7, "Update", more))
    assert engine.run().runs[0].status == "partial"
    drop(engine, 2, track(7))
    engine.run()
    feed.stack()
    run = engine.run().runs[0]
    assert (run.status, run.applied, run.skipped, run.failed) == ("succeeded", 1, 2, 0)
    assert rows(engine, "SELECT id, update_count FROM track ORDER BY id") == [("t1", 3), ("t7", 3)]
    assert rows(engine, f"SELECT status FROM package_run WHERE feed_run_id = {run.id}") == [
        ("already-applied",),
        ("already-applied",),
        ("applied",),
    ]


def test_a_changed_package_is_not_already_applied(engine: Engine) -> None:
    """P9: the SHA-256 of everything read tells, files of src included."""
    feed = drop(engine, 1, track(1, "Upsert"))
    engine.run()
    (feed.folder / "packages/01/package.xml").write_text(
        track(1, "Upsert", "<Title>New</Title>"), "utf-8"
    )
    feed.stack()
    assert engine.run().runs[0].applied == 1
    assert rows(engine, "SELECT title FROM track") == [("New",)]


def test_a_feed_that_comes_late_is_waited_for(engine: Engine) -> None:
    """P4: a missing feed holds back its client alone, until it is there."""
    late = new_feed(engine.settings.root, "Late", milliseconds=DAY + 1)
    late.add(track(1))
    hidden = late.folder.with_name("hidden")
    late.stack()
    late.folder.rename(hidden)
    drop(engine, 2, track(1, "Update"), client="Late")
    drop(engine, 3, track(3), client="Other")
    thread = threading.Thread(target=lambda: (time.sleep(0.1), hidden.rename(late.folder)))
    thread.start()
    result = engine.run()
    thread.join()
    assert [(run.client, run.status) for run in result.runs] == [
        ("Other", "succeeded"),
        ("Late", "succeeded"),
        ("Late", "succeeded"),
    ]


def test_a_feed_that_never_comes_fails(engine: Engine) -> None:
    """P4: after the time of grace it is feed-missing, and its entry is in failed/."""
    feed = drop(engine, 1, track(1))
    feed.folder.rename(feed.folder.with_name("elsewhere"))
    run = engine.run().runs[0]
    assert run.status == "failed"
    assert rows(engine, "SELECT code, severity FROM finding") == [("feed-missing", "error")]
    assert any(name.endswith(".error.log") for name in names(engine.settings.stack / "failed"))


def test_an_entry_being_written_holds_back_all_behind_it(engine: Engine) -> None:
    """P4: half an entry is waited for; when it stays so, it is entry-invalid."""
    half = engine.settings.stack / f"{DAY}.xml"
    half.write_bytes(b"<xml><Client>A</Cli")
    drop(engine, 1, track(1))
    result = engine.run()
    assert [(run.status, run.feed_path is None) for run in result.runs] == [
        ("failed", True),
        ("succeeded", False),
    ]
    assert rows(engine, "SELECT code FROM finding") == [("entry-invalid",)]


def test_a_view_answers_in_its_log(engine: Engine) -> None:
    """P24: after an empty line stands a package that the engine can read again."""
    feed = drop(engine, 1, track(1), track(1, "View", ""))
    engine.run()
    log = next(path for path in (feed.folder / "packages/02").iterdir() if path.suffix == ".log")
    answer = log.read_text("utf-8").split("\n\n", 1)[1]
    drop(engine, 2, answer)
    run = engine.run().runs[0]
    assert (run.status, run.applied) == ("succeeded", 1)
    assert rows(engine, "SELECT count(*) FROM change") == [(1,)]


@pytest.mark.parametrize("point", ["_write_feed_log", "_file_all", "_is_filed", "mark_filed"])
def test_what_a_crash_cut_short_is_finished(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """P8, P9: whatever was committed before the crash counts once, and is filed and logged."""
    more = '<View operator="Increase">1</View>'
    feed = drop(engine, 1, track(1), *(track(1, "Update", more) for _ in range(4)))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(taking.Taker, point, crash)
    if point == "_write_feed_log":
        monkeypatch.setattr(taking.FeedApplier, "_write_logs", crash)
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    monkeypatch.undo()
    engine.run()
    assert rows(engine, "SELECT view FROM track") == [(4,)]
    assert names(engine.settings.stack / "processed") == [f"{DAY + 1}.xml"]
    logs = sorted(path.parent.name for path in feed.folder.rglob("*.success.log"))
    assert logs == ["01", "02", "03", "04", "05"]
    assert rows(engine, "SELECT count(*) FROM feed_run WHERE filed_at IS NULL") == [(0,)]


def test_a_crash_in_the_middle_of_a_feed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """P9: a run left running goes on behind the last committed batch."""
    small = Engine.init(tmp_path / "small", batch_packages=2)
    more = '<View operator="Increase">1</View>'
    drop(small, 1, track(1), *(track(1, "Update", more) for _ in range(6)))
    real = taking.FeedApplier._transaction
    calls: list[int] = []

    def third_fails(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    monkeypatch.setattr(taking.FeedApplier, "_transaction", third_fails)
    with pytest.raises(KeyboardInterrupt):
        small.run()
    monkeypatch.undo()
    assert rows(small, "SELECT status, packages FROM feed_run") == [("running", 4)]
    small.run()
    assert rows(small, "SELECT status, packages, applied FROM feed_run") == [("succeeded", 7, 7)]
    assert rows(small, "SELECT view FROM track") == [(6,)]
    small.close()


def mass(engine: Engine, deletes: int, client: str = "A") -> FeedWriter:
    """A feed of 1,200 tracks, then one that deletes some of them."""
    tracks = [track(n) for n in range(1200)]
    feed = new_feed(engine.settings.root, client, milliseconds=DAY + 1)
    (feed.folder / "packages").mkdir()
    for n, package in enumerate(tracks):
        (feed.folder / "packages" / str(n)).mkdir()
        (feed.folder / "packages" / str(n) / "package.xml").write_text(package, "utf-8")
    feed.stack()
    engine.run()
    return drop(engine, 2, *(track(n, "Delete", "") for n in range(deletes)), client=client)


def test_a_mass_deletion_is_held(engine: Engine) -> None:
    """G1: nothing of it is applied, later feeds of the client wait, release lets it through."""
    mass(engine, 130)
    drop(engine, 3, track(5000))
    drop(engine, 4, track(6000), client="B")
    result = engine.run()
    assert [(run.client, run.status) for run in result.runs] == [("A", "held"), ("B", "succeeded")]
    assert [one.client for one in result.waiting] == ["A"]
    assert rows(engine, "SELECT count(*) FROM track") == [(1201,)]
    assert rows(engine, "SELECT code FROM finding") == [("feed-held",)]
    assert names(engine.settings.stack / "held") == [f"{DAY + 2}.xml"]
    held = result.runs[0]
    with pytest.raises(RefusedError):
        engine.release(held.id + 100)
    engine.release(held.id)
    again = engine.run()
    assert [(run.id == held.id, run.status) for run in again.runs] == [
        (True, "succeeded"),
        (False, "succeeded"),
    ]
    assert rows(engine, "SELECT count(*) FROM track") == [(1072,)]


def test_a_usual_number_of_deletes_is_not_held(engine: Engine) -> None:
    """G1: more than 100 and more than the share, both, hold a feed."""
    mass(engine, 110)
    assert engine.run().runs[0].status == "succeeded"
    assert rows(engine, "SELECT count(*) FROM track") == [(1090,)]


@pytest.mark.parametrize(
    ("late_feeds", "status", "code"),
    [("warn", "succeeded", "older-than-last-change"), ("refuse", "failed", "stale")],
)
def test_a_late_feed(tmp_path: Path, late_feeds: str, status: str, code: str) -> None:
    """G2: a feed older by name than the one of its client that last changed the object."""
    with Engine.init(tmp_path / "late", late_feeds=late_feeds) as engine:
        drop(engine, 20, track(1))
        engine.run()
        drop(engine, 10, track(1, "Update", "<Title>Old</Title>"))
        assert engine.run().runs[0].status == status
        assert rows(engine, "SELECT code FROM finding") == [(code,)]
        drop(engine, 5, track(1, "Update", "<Title>B</Title>"), client="B")
        assert engine.run().runs[0].status == "succeeded"


def test_clients_must_agree(engine: Engine) -> None:
    """P6: Stack entry and manifest name the same client."""
    feed = new_feed(engine.settings.root, "A", milliseconds=DAY)
    feed.add(track(1))
    FeedWriter(feed.feeds, feed.entries, feed.path, "B").stack()
    assert engine.run().runs[0].status == "failed"
    assert rows(engine, "SELECT code, rule FROM finding") == [("client-mismatch", "P6")]
    assert [path.name for path in feed.folder.glob("*.error.log")]


def test_a_read_only_feed_is_applied_and_said_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: where no log can be written the database has it all, and the run says so."""

    def refuse(*_: object) -> None:
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr("feedengine.feeds.folder.place_log", refuse)
    drop(engine, 1, track(1), track(2))
    result = engine.run()
    assert (result.runs[0].status, result.unlogged) == ("succeeded", 2)


def test_names_that_are_no_utf8_are_told_escaped(engine: Engine) -> None:
    """Section 6: any file name can be written to the ledger and shown."""
    feed = drop(engine, 1, track(1))
    odd = os.fsdecode(b"\xff1")
    (feed.folder / "packages/01").rename(feed.folder / "packages" / odd)
    feed.stack()
    assert engine.run().runs[0].status == "succeeded"
    assert rows(engine, "SELECT path FROM package_run") == [("packages/\\xff1/package.xml",)]
    (engine.settings.stack / os.fsdecode(b"\xff.xml")).write_bytes(b"<xml/>")
    assert engine.run().runs[0].status == "failed"
    assert rows(engine, "SELECT stack_entry FROM feed_run WHERE id = 2") == [("\\xff.xml",)]


def test_names_that_are_no_text_are_told_apart_and_recognised(engine: Engine) -> None:
    r"""P3, P9: bytes that are no UTF-8, in an entry and a package; ``\xff`` in letters differs."""
    more = '<UpdateCount operator="Increase">3</UpdateCount>'
    feed = drop(engine, 1, track(1))
    entry = engine.settings.stack / f"{DAY + 1}.xml"
    for name in (b"odd\xff", b"odd\\xff"):
        folder = os.fsdecode(os.fsencode(feed.folder / "packages") + b"/" + name)
        feed.add(track(1, "Update", more), f"{folder}/package.xml")
    data = entry.read_bytes()
    entry.rename(os.fsdecode(os.fsencode(engine.settings.stack) + b"/a\xff.xml"))
    assert [run.applied for run in engine.run().runs] == [3]
    entry.write_bytes(data)
    assert [run.skipped for run in engine.run().runs] == [3]
    assert rows(engine, "SELECT update_count FROM track") == [(6,)]
    assert rows(engine, "SELECT stack_entry FROM feed_run WHERE id = 1") == [("a\\xff.xml",)]
    assert names(engine.settings.stack / "processed") == [f"{DAY + 1}.xml", "a\udcff.xml"]


def test_a_clock_that_is_set_back_keeps_nobody_waiting(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: how long an entry has lain there is told by a clock that nobody sets."""
    (engine.settings.stack / f"{DAY}.xml").write_bytes(b"<xml>")
    now = time.time()
    earlier = iter(range(1000))
    monkeypatch.setattr(time, "time", lambda: now - 3600 * next(earlier))
    assert [run.status for run in engine.run().runs] == ["failed"]
