"""The floor does the same work as the engine: the very same rows, written down apart from it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from databases import name_of

from bench import catalogues, feeds
from bench.workshop import HERE, XSD
from bench.world import World
from feedengine import Engine
from feedengine.upkeep import check

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Postgres

TRACKS, MANY = 1_000, 400
_OF_THE_CLOCK = {"changed_at", "started_at", "finished_at", "filed_at", "entry_signature"}


@pytest.fixture(scope="module")
def world() -> World:
    """A small world."""
    return World(countries=12)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, world: World) -> Path:
    """A site and a floor's database, filled by rows."""
    folder = tmp_path_factory.mktemp("bench")
    Engine.init(folder / "site").close()
    catalogues.fill_sqlite(folder / "site" / "catalogue.db", world, TRACKS)
    catalogues.floor_sqlite(folder / "floor.db")
    catalogues.fill_sqlite(folder / "floor.db", world, TRACKS)
    return folder


def rows_of(database: Path) -> dict[str, list[Any]]:
    """Every table that the floor has, without what the clock says."""
    with closing(sqlite3.connect(database)) as connection:
        found = {}
        for line in (HERE / "floor_sqlite.sql").read_text().splitlines():
            if line.startswith("CREATE TABLE") and (name := line.split()[2]) != "usage":
                asked = connection.execute(f"PRAGMA table_info({name})")
                columns = ", ".join(sorted(row[1] for row in asked if row[1] not in _OF_THE_CLOCK))
                text = f"SELECT {columns} FROM {name} ORDER BY {columns}"
                found[name] = connection.execute(text).fetchall()
        return found


def test_a_catalogue_filled_by_rows_is_one_that_the_engine_could_have_made(filled: Path) -> None:
    """Every invariant of catalogue, history and ledger holds."""
    with Engine.at(filled / "site") as engine:
        assert list(check(engine.database)) == []


@pytest.mark.parametrize("kind", feeds.KINDS)
def test_floor_and_engine_leave_the_same_rows(
    tmp_path: Path, filled: Path, world: World, kind: str
) -> None:
    """Of every table, for Creates, Updates and what changes nothing."""
    feed = feeds.make(tmp_path / "feed", kind, world, TRACKS, MANY)
    floor, site = tmp_path / "floor.db", tmp_path / "site"
    shutil.copy(filled / "floor.db", floor)
    shutil.copytree(filled / "site", site)
    script = [sys.executable, HERE / "floor_feeds.py", floor, feed.folder, feed.rows, XSD]
    said = json.loads(subprocess.run(script, check=True, capture_output=True).stdout)
    assert said["packages"] == MANY
    feeds.entry(site / "Stack", feed.path)
    with Engine.at(site, feeds_path=feed.root / "Feeds") as engine:
        (run,) = engine.run().runs
        assert (run.status, run.applied) == ("succeeded", MANY)
        assert engine.findings()["total"] == 0
        assert list(check(engine.database)) == []
    assert rows_of(floor) == rows_of(site / "catalogue.db")


@pytest.mark.parametrize("kind", feeds.KINDS)
def test_the_floor_on_postgresql_leaves_as_many_rows(
    tmp_path: Path, filled: Path, world: World, postgres: Postgres, kind: str
) -> None:
    """As on SQLite, of every table."""
    feed = feeds.make(tmp_path / "feed", kind, world, TRACKS, MANY)
    floor, url = tmp_path / "floor.db", postgres.server.new_database()
    shutil.copy(filled / "floor.db", floor)
    with psycopg.connect(url) as connection:
        catalogues.floor_postgres(connection)
    catalogues.fill_postgres(url, world, TRACKS)
    for database in (floor, url):
        script = [sys.executable, HERE / "floor_feeds.py", database]
        subprocess.run([*script, feed.folder, feed.rows, XSD], check=True, capture_output=True)
    with closing(psycopg.connect(url)) as connection:
        for name, rows in rows_of(floor).items():
            counted = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
            assert counted == (len(rows),), name
    postgres.server.drop(name_of(url))
