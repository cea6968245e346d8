"""A catalogue in use: checked, pruned and copied while a run is writing; restored from a copy."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.feeds.stack import Stack
from feedengine.upkeep import check

from .sites import ARTIST, GENRES, RICH, applied, deleted, edited, exported, named, package, site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from databases import Postgres


pytestmark = pytest.mark.usefixtures("on_both")


def busy(engine: Engine, stop: threading.Event, longest: list[float]) -> None:
    """Apply one feed after the other, some of which fail; keep the time of the slowest."""
    number = 0
    while not stop.is_set():
        number += 1
        begun = time.monotonic()
        things = [named("Track", f"t{number}.{n}") for n in range(40)]
        gone = [deleted("Track", f"t{number - 1}.{n}") for n in range(20)] if number > 1 else []
        applied(engine, "A", *things, *gone, deleted("Genre", "none"))
        longest.append(time.monotonic() - begun)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Engine, list[float]]]:
    """A site on which feeds are applied all the time, and how long each took."""
    engine = site(tmp_path, ("A", RICH), batch_packages=7, keep_findings_days=0, keep_logs_days=0)
    stop, longest = threading.Event(), [0.0]
    thread = threading.Thread(target=busy, args=(engine, stop, longest))
    thread.start()
    yield Engine.at(tmp_path, keep_findings_days=0, keep_logs_days=0), longest
    stop.set()
    thread.join()
    assert check(engine.database) == []


def test_a_check_while_a_run_is_writing(running: tuple[Engine, list[float]]) -> None:
    """One view of everything: no false alarm, and the writer is not in its way, nor it in his."""
    engine, longest = running
    until = time.monotonic() + 4
    while time.monotonic() < until:
        assert check(engine.database) == []
    assert len(longest) > 3
    assert max(longest) < 5


def test_pruning_while_a_run_is_writing(running: tuple[Engine, list[float]]) -> None:
    """Both go on, and what is being written is left alone."""
    engine, longest = running
    removed, until = 0, time.monotonic() + 3
    while time.monotonic() < until:
        removed += engine.prune().findings
    assert removed > 0
    assert len(longest) > 3


def drop(engine: Engine, *things: str) -> str:
    """Apply a feed; the name of its entry."""
    feed = new_feed(engine.settings.root, "A")
    for thing in things:
        feed.add(package(thing))
    name = feed.stack().name
    engine.run()
    return name


LATER = (
    (ARTIST, deleted("Genre", "none")),
    (edited("Genre", "pop", "<Name>Popular</Name>"), named("Track", "t")),
    (edited("Track", "t", '<View operator="Increase">3</View>'),),
)


@pytest.mark.sqlite_alone("copied as a file")
@pytest.mark.parametrize("how", ["VACUUM INTO", ".backup"])
def test_an_old_backup_catches_up(tmp_path: Path, how: str) -> None:
    """Taken while the engine has it open; then the entries of the lost time are dropped again.

    What the backup has is skipped, the rest is applied again and in the old order, so nothing is
    late; logs that exist stay, new ones stand beside them.
    """
    engine = site(tmp_path / "site", ("A", [GENRES]), late_feeds="refuse")
    kept = tmp_path / "kept.db"
    database = engine.settings.root / "catalogue.db"
    if how == ".backup":
        subprocess.run(["sqlite3", database, f".backup '{kept}'"], check=True)
    else:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(kept),))
    for things in LATER:
        drop(engine, *things)
    wanted = exported(engine)
    engine.close()
    for ending in ("-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
    shutil.copy(kept, database)
    with Engine.at(tmp_path / "site", late_feeds="refuse") as restored:
        assert exported(restored) != wanted
        stack = restored.settings.stack
        for folder in ("processed", "failed"):
            for entry in (stack / folder).glob("*.xml"):
                entry.rename(stack / entry.name)
        runs = restored.run().runs
        assert [(run.status, run.skipped) for run in runs] == [
            ("succeeded", 1),
            ("partial", 0),
            ("succeeded", 0),
            ("succeeded", 0),
        ]
        assert exported(restored) == wanted
        assert check(restored.database) == []
        assert Stack(stack).scan() == []


@pytest.mark.sqlite_alone("copied as a file")
def test_what_was_undone_since_the_backup_is_undone_again(tmp_path: Path) -> None:
    """An undo is in no entry: dropped again, its feed applies, and has to be undone anew."""
    engine = site(tmp_path / "site", ("A", [GENRES]))
    kept = tmp_path / "kept.db"
    with closing(sqlite3.connect(engine.settings.root / "catalogue.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(kept),))
    before = exported(engine)
    name = drop(engine, named("Track", "t"))
    engine.undo(2)
    assert exported(engine) == before
    engine.close()
    shutil.copy(kept, engine.settings.root / "catalogue.db")
    with Engine.at(tmp_path / "site") as restored:
        (restored.settings.stack / "processed" / name).rename(restored.settings.stack / name)
        restored.run()
        assert exported(restored) != before
        restored.undo(2)
        assert exported(restored) == before


@pytest.mark.sqlite_alone("it brings its own PostgreSQL")
def test_a_dump_of_postgresql_is_restored(tmp_path: Path, postgres: Postgres) -> None:
    """`pg_dump` while a site is open, `pg_restore` into an empty database: equal, and sound."""
    url = postgres.empty()
    engine = site(tmp_path / "site", ("A", RICH), ("B", [named("Genre", "b")]), database_url=url)
    engine.undo(2)
    dump = tmp_path / "catalogue.dump"
    programs = postgres.server.programs
    made = [programs / "pg_dump", "--format=custom", "--no-owner", f"--file={dump}", url]
    subprocess.run(made, check=True)
    other = postgres.server.new_database()
    restore = [
        programs / "pg_restore",
        "--no-owner",
        "--exit-on-error",
        f"--dbname={other}",
        str(dump),
    ]
    subprocess.run(restore, check=True)
    with Engine.at(tmp_path / "site", database_url=other) as restored:
        assert exported(restored, history=True) == exported(engine, history=True)
        assert check(restored.database) == []
        assert applied(restored, "A", named("Genre", "new")).status == "succeeded"
    engine.close()
