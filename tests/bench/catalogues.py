"""Catalogues with so many tracks in them, filled by rows and kept for the next time.

A million tracks by feeds would take the engine minutes; by rows it is a minute, and a test holds
what is written so against ``feedengine db check``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import rows
from bench.feeds import numbered, path_of
from bench.floor_feeds import Postgres, Sqlite
from bench.packages import Package
from bench.world import Thing, World

if TYPE_CHECKING:
    from bench.rows import Rows

HERE = Path(__file__).parent
_FIRST_FEED = 1_735_689_600_000
_COUNTRIES = "INSERT INTO country (code, name) VALUES "


def filled(world: World, tracks: int) -> Iterator[Rows]:
    """The rows of a catalogue that the first ``tracks`` were created in, run by run."""
    ledger = rows.Ledger()
    stream = numbered(map(_asked, world.things(0, tracks)))
    left = rows.things(tracks)
    while left:
        many = min(left, rows.FILLED)
        path = path_of(_FIRST_FEED + ledger.run)
        yield {**rows.run_row(ledger, path, many), **rows.batch(ledger, islice(stream, many))}
        left -= many


def _asked(thing: Thing) -> Package:
    """The Create of a thing; its text is made up, since nothing is kept of it but a digest."""
    return Package(thing.document["id"], "create", None, thing)


def fill_sqlite(path: Path, world: World, tracks: int) -> None:
    """Fill a database that has its tables already."""
    store = Sqlite(str(path))
    for pragma in ("foreign_keys = OFF", "cache_size = -1000000", "synchronous = OFF"):
        store.connection.execute(f"PRAGMA {pragma}")
    for batch in filled(world, tracks):
        store.save(batch.items())
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def fill_postgres(url: str, world: World, tracks: int) -> None:
    """The same on PostgreSQL, with its statistics brought up to date as autovacuum would."""
    store = Postgres(url)
    for batch in filled(world, tracks):
        store.save(batch.items())
    store.connection.execute("VACUUM ANALYZE")
    store.close()


def floor_sqlite(path: Path) -> None:
    """The floor's own empty tables."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((HERE / "floor_sqlite.sql").read_text())


def floor_postgres(connection: Any) -> None:
    """The same on PostgreSQL, by an open connection."""
    connection.execute((HERE / "floor_postgres.sql").read_text())
