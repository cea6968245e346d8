"""Retention: what is old is removed, and nothing that anybody needs."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from feedengine import retention
from feedengine.engine import Engine
from feedengine.feeds.author import FeedWriter, new_feed
from feedengine.retention import MARK, Pruned
from feedengine.store.database import open_database
from feedengine.upkeep import check

from .sites import applied, deleted, exported, named, package, rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("on_both")

SETTINGS: dict[str, Any] = {
    "keep_findings_days": 10,
    "keep_logs_days": 5,
    "keep_entries_days": 20,
    "grace_seconds": 0,
    "settle_seconds": 0,
}

VIEW = "<Genre><ID>g</ID></Genre>"


def later(days: float) -> datetime:
    """So many days from now."""
    return datetime.now(UTC) + timedelta(days=days)


def feed(engine: Engine, *things: str) -> FeedWriter:
    """A feed on the Stack."""
    made = new_feed(engine.settings.root, "A")
    for thing in things:
        made.add(package(thing))
    made.stack()
    return made


def lively(root: Path, **settings: Any) -> tuple[Engine, FeedWriter]:
    """A site with a feed of every outcome, dropped twice, and a bad entry."""
    engine = Engine.init(root, **(SETTINGS | settings))
    made = feed(engine, named("Genre", "g"), VIEW, deleted("Genre", "x"))
    (engine.settings.stack / "bad.xml").write_text("<xml/>")
    engine.run()
    made.stack()
    engine.run()
    applied(engine, "A", named("Genre", "h"))
    return engine, made


def counts(engine: Engine) -> dict[str, int]:
    """Packages by status, and findings."""
    with engine.database.connect() as connection:
        text = "SELECT status, count(*) FROM package_run GROUP BY status"
        found = {row[0]: row[1] for row in connection.exec_driver_sql(text)}
        text = "SELECT count(*) FROM finding"
        return {**found, "findings": connection.exec_driver_sql(text).scalar() or 0}


def logs(folder: Path) -> list[str]:
    """Logs anywhere below a folder."""
    return sorted(path.name for path in folder.rglob("*.log"))


def test_without_settings_everything_is_kept(tmp_path: Path) -> None:
    """The default is for ever."""
    nothing = dict.fromkeys(("keep_findings_days", "keep_logs_days", "keep_entries_days"))
    engine, _ = lively(tmp_path, **nothing)
    before = (counts(engine), logs(tmp_path))
    assert engine.prune(now=later(9999)) == Pruned()
    assert (counts(engine), logs(tmp_path)) == before


def test_what_is_young_is_kept(tmp_path: Path) -> None:
    """Nothing goes before its time."""
    engine, _ = lively(tmp_path)
    before = (counts(engine), logs(tmp_path))
    assert engine.prune(now=later(4)) == Pruned()
    assert (counts(engine), logs(tmp_path)) == before


def test_each_in_its_time(tmp_path: Path) -> None:
    """Logs, then findings and packages that were not applied, then entries; a dry run first."""
    engine, made = lively(tmp_path)
    before = exported(engine)
    assert len(logs(tmp_path)) == 7
    for days, wanted in (
        (6, Pruned(logs=7)),
        (11, Pruned(runs=4, findings=4, packages=5)),
        (21, Pruned(entries=1)),
    ):
        dry = engine.prune(dry=True, now=later(days))
        assert dry._replace(logs=wanted.logs) == wanted
        assert dry.logs >= wanted.logs  # a feed that was taken twice is counted twice
        assert engine.prune(now=later(days)) == wanted
        assert engine.prune(now=later(days)) == Pruned()
        assert check(engine.database) == []
    assert logs(tmp_path) == []
    assert counts(engine) == {"applied": 2, "findings": 0}
    assert exported(engine) == before
    assert (made.folder / "packages/01/package.xml").is_file()
    stack = engine.settings.stack
    name = made.path.rpartition("/")[2]
    left = sorted(path.name for path in (stack / "failed").iterdir())
    assert left == [f"{name}.2.xml", f"{name}.xml", "bad.xml"]
    assert list((stack / "processed").iterdir()) == []


def test_exactly_once_and_undo_outlast_it(tmp_path: Path) -> None:
    """P9, H2: what was applied stays known; a retry then takes the feed whole."""
    engine, made = lively(tmp_path)
    engine.prune(now=later(30))
    (one,) = [one for one in engine.retry() if one.feed_path == made.path]
    assert one.packages is None
    run = engine.run().runs[0]
    assert (run.skipped, run.applied, run.failed) == (1, 1, 1)
    engine.undo(1)
    assert [row[0] for row in rows(engine)["genre"]] == ["h"]
    assert check(engine.database) == []


def test_a_retry_that_waits_keeps_what_it_is_about(tmp_path: Path) -> None:
    """What failed is known until the retry has been taken."""
    engine, made = lively(tmp_path)
    (one,) = [one for one in engine.retry(code="not-found") if one.feed_path == made.path]
    engine.prune(now=later(30))
    assert counts(engine)["failed"] == 1
    assert [(run.id, run.packages) for run in engine.run().runs] == [(one.run, 1)]


def test_only_logs_are_removed_and_only_ours(tmp_path: Path) -> None:
    """P5: files of the producer stay, whatever their age; so do logs of younger runs."""
    engine, made = lively(tmp_path)
    folder = made.folder / "packages/01"
    names = ("1.success.log", "99999999999999.error.log", "x.success.log", "notes.txt")
    for name in names:
        (folder / name).write_text("not ours")
    (folder / f"{10**12}.success.log").mkdir()
    engine.prune(now=later(6))
    there = sorted(path.name for path in folder.iterdir())
    assert there == sorted([*names, f"{10**12}.success.log", "package.xml"])


def test_findings_do_not_go_before_the_logs_they_lead_to(tmp_path: Path) -> None:
    """Logs are found by the ledger, so they go at the latest with its rows."""
    engine, made = lively(tmp_path, keep_logs_days=50)
    found = engine.prune(now=later(11))
    assert (found.logs, found.packages) == (7, 5)
    assert logs(made.folder) == []


def test_feeds_that_are_gone_are_no_trouble(tmp_path: Path) -> None:
    """A feed may be deleted by its owner; its logs are gone with it."""
    engine, made = lively(tmp_path)
    made.folder.rename(tmp_path / "elsewhere")
    found = engine.prune(now=later(30))
    assert (found.unremoved, found.packages) == (0, 5)


def test_logs_that_cannot_be_removed_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: a share that is read-only is counted, and nothing else is held up by it."""
    engine, _ = lively(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("feedengine.feeds.oldlogs.os.unlink", refuse)
    monkeypatch.setattr(retention, "remove_entry_logs", lambda *_, **__: 0)
    monkeypatch.setattr(retention, "remove_entries", lambda *_, **__: 0)
    found = engine.prune(now=later(30))
    assert (found.unremoved, found.packages) == (3, 5)
    assert not (engine.settings.stack / MARK).exists()
    monkeypatch.undo()


@pytest.mark.parametrize("after", range(1, 8))
def test_ended_at_any_point_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """A crash between two small transactions: the rules hold, and the next one finishes."""
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 1)
    engine, _ = lively(tmp_path)
    left = [after]

    def crash(_: object) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(retention.time, "sleep", crash)
    with pytest.raises(KeyboardInterrupt):
        engine.prune(now=later(30))
    assert check(engine.database) == []
    monkeypatch.undo()
    engine.prune(now=later(30))
    assert counts(engine) == {"applied": 2, "findings": 0}
    with engine.database.connect() as connection:
        text = "SELECT count(*) FROM feed_run WHERE pruned_at = finished_at OR pruned_at IS NULL"
        assert connection.exec_driver_sql(text).scalar() == 0


def test_transactions_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher is not held up: no transaction removes more than so many rows."""
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 5)
    engine = Engine.init(tmp_path, **SETTINGS)
    feed(engine, *(deleted("Genre", str(number)) for number in range(40)))
    engine.run()
    left = []

    def counted() -> int:
        text = "SELECT (SELECT count(*) FROM finding) + (SELECT count(*) FROM package_run)"
        with other.connect() as connection:
            return int(connection.exec_driver_sql(text).scalar_one())

    other = open_database(engine.settings.database)
    # Before a commit others see what the one before it has left.
    event.listen(engine.database, "commit", lambda _: left.append(counted()))
    found = engine.prune(now=later(30))
    left.append(counted())
    other.dispose()
    assert (found.findings, found.packages) == (40, 40)
    assert left[0] - left[-1] == 80
    assert max(before - after for before, after in pairwise(left)) == 5
