"""Accepted plays for tests, as judging hands them on; sites that deliver them."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from feedengine import config
from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.plays.deliver import Site

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def ids(count: int, seed: int = 0) -> list[str]:
    """Ids of plays, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - no secrets here
    return [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(count)]


def instants(count: int, *, days: float = 60, seed: int = 0) -> list[str]:
    """Instants up to so many days before `NOW`, as they are sent."""
    chance = random.Random(seed)  # noqa: S311 - no secrets here
    back = (timedelta(days=days * chance.random()) for _ in range(count))
    return [f"{NOW - one:%Y-%m-%dT%H:%M:%S.%f}Z" for one in back]


def receipts(count: int, seed: int = 0, **columns: Any) -> pa.Table:
    """Plays for receipts; ``columns`` take the place of what is made up."""
    played = instants(count, seed=seed)
    found = {
        "id": ids(count, seed),
        "datetimelogged": played,
        "userid": [None if at % 5 == 0 else f"user {at}" for at in range(count)],
        "trackid": [str(at + 1) for at in range(count)],
        "releaseid": ["7"] * count,
        "formatid": ["26"] * count,
        "datetimeplayed": played,
        "totaltimeplayed": pa.array(range(count), pa.int64()),
        "useragent": ["Mozilla/5.0 (Linux)"] * count,
        "transactionid": pa.array([None] * count, pa.string()),
        "partnerid": ["12345"] * count,
        "shopid": ["34"] * count,
        "endreason": ["naturalEnd"] * count,
        "country": ["gb"] * count,
        **columns,
    }
    return pa.table({**found, "stream": pa.nulls(count, pa.string())})


def endpoint(count: int, seed: int = 0, **columns: Any) -> pa.Table:
    """Plays for the endpoint."""
    found = receipts(count, seed)
    names = ["trackid", "useragent", "datetimeplayed", "formatid", "releaseid", "endreason"]
    plays = {name: found[name] for name in ["id", *names]}
    more = {
        "userid": [f"user {at}" for at in range(count)],
        "country": ["GB"] * count,
        "totaltimeplayed": [str(at) for at in range(count)],
    }
    return pa.table({**plays, **more, **columns})


def playlist(count: int, seed: int = 0, **columns: Any) -> pa.Table:
    """Plays for playlists, of one stream."""
    found = {
        "id": ids(count, seed),
        "title": [f"Title {at}" for at in range(count)],
        "artist": [f"Artist {at}" for at in range(count)],
        "album": [f"Album {at}" for at in range(count)],
        "label": [f"Label {at}" for at in range(count)],
        "starttime": instants(count, days=3, seed=seed),
        "endtime": pa.array([None] * count, pa.string()),
        "duration": [str(100 + at) for at in range(count)],
        "stream": ["main"] * count,
        **columns,
    }
    return pa.table(found)


def saved(table: pa.Table, path: Path) -> Path:
    """A table as the Parquet file that judging leaves."""
    parquet.write_table(table, path)
    return path


def catalogued(root: Path, *objects: str) -> None:
    """Apply to the site at ``root`` a feed with a package for each of these objects (XML)."""
    feed = new_feed(root, client="test")
    for one in objects:
        feed.add(f"<xml><Schema>{one}</Schema></xml>")
    feed.stack()
    with Engine.at(root) as engine:
        assert [run.status for run in engine.run().runs] == ["succeeded"]


ONE_TRACK = """<Release action="Create"><ID>1</ID><Title>Night</Title>
<References><Reference><Provider>7digital</Provider><ID>1</ID></Reference></References>
<Territories><Territory><Country>GB</Country></Territory></Territories>
<Tracks><Track><ID>1</ID><Title>Ferry</Title><References><Reference>
<Provider>7digital</Provider><ID>1</ID></Reference></References></Track></Tracks></Release>"""
"""A track on a release, both 1 here and at the provider, that may be played in GB alone."""


def site_at(root: Path, **settings: Any) -> Site:
    """A site with an empty catalogue, whose clock stands at `NOW`; its database is to be closed."""
    Engine.init(root).close()
    made = config.settings(root, **{"send_retry_seconds": 5, **settings})
    return Site(made, Engine(made).database, now=lambda: NOW)
