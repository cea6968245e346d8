"""What measuring needs beforehand, made in a process of its own: feeds and catalogues.

python -m bench.prepare feed ROOT KIND TRACKS MANY COUNTRIES
python -m bench.prepare floor DATABASE TRACKS COUNTRIES
python -m bench.prepare site ROOT TRACKS COUNTRIES [DATABASE_URL]
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import catalogues, feeds
from bench.world import World


def feed(world: World, root: str, kind: str, tracks: str, many: str) -> None:
    """A feed and the rows for the floor."""
    feeds.make(Path(root), kind, world, int(tracks), int(many))


def floor(world: World, database: str, tracks: str) -> None:
    """A database for the floor: a path, or the URL of an empty one."""
    if not database.startswith("postgresql:"):
        catalogues.floor_sqlite(Path(database))
        catalogues.fill_sqlite(Path(database), world, int(tracks))
        return
    import psycopg

    with psycopg.connect(database) as connection:
        catalogues.floor_postgres(connection)
    catalogues.fill_postgres(database, world, int(tracks))


def site(world: World, root: str, tracks: str, url: str | None = None) -> None:
    """A site of feedengine with its catalogue, in it or at ``url``."""
    from feedengine import Engine

    Engine.init(root, **({} if url is None else {"database_url": url})).close()
    if url is None:
        catalogues.fill_sqlite(Path(root) / "catalogue.db", world, int(tracks))
    else:
        catalogues.fill_postgres(url, world, int(tracks))


def plays(world: World, path: str, tracks: str, many: str) -> None:
    """A log of plays."""
    from bench import plays as made

    made.make(Path(path), world, int(tracks), int(many))


def queue(world: World, root: str, many: str) -> None:
    """A site whose catalogue is empty, with so many feeds of one package on its Stack."""
    from feedengine import Engine

    Engine.init(root).close()
    feeds.queue(Path(root), world, int(many))


_MADE = {"feed": feed, "floor": floor, "site": site, "plays": plays, "queue": queue}

if __name__ == "__main__":
    _, kind, seed, countries, *rest = sys.argv
    _MADE[kind](World(int(seed), int(countries)), *rest)
