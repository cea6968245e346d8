"""Availability answers from a catalogue that is open and warm; prints what they cost.

    python answers.py SITE TRACKS MANY SEED COUNTRIES

``single`` and ``batched`` are answers a CPU-second through the Python API (None: this version has
no such call), ``view`` the milliseconds of CPU in which the SQL view answers for one track and
country. Questions are asked of tracks at random; half of them are for a country of the track's.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from bench.world import COUNTRIES, LABEL_TRACKS, World
from feedengine import Engine

AT = "2025-10-01T00:00:00Z"
_VIEW = (
    "SELECT 1 FROM track_availability WHERE track_id = ? AND country = ? AND usage = 'streaming'"
    " AND (starts_at IS NULL OR starts_at <= '2025-10-01T00:00:00.000000Z')"
    " AND (ends_at IS NULL OR ends_at > '2025-10-01T00:00:00.000000Z')"
)


def questions(world: World, tracks: int, many: int) -> list[tuple[str, str]]:
    """Track and country."""
    chosen = random.Random(7)
    found = []
    for at in range(many):
        number = chosen.randrange(tracks)
        own = world.countries_of(number // LABEL_TRACKS)
        country = chosen.choice(own if at % 2 else COUNTRIES)
        found.append((world.id("track", number), country))
    return found


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU of so many calls, after one that does not count."""
    call()
    found = []
    for _ in range(repeats):
        begun = time.process_time()
        call()
        found.append(time.process_time() - begun)
    return min(found)


def single(engine: Engine, asked: Sequence[tuple[str, str]]) -> int:
    """One after the other; how many were yes."""
    return sum(
        engine.available(track, country=country, at=AT)["available"] for track, country in asked
    )


def by_view(database: Path, asked: Sequence[tuple[str, str]]) -> tuple[int, float]:
    """The same by the view: how many were yes, and the CPU seconds of all."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:

        def every() -> int:
            rows = (connection.execute(_VIEW, one).fetchone() for one in asked)
            return sum(row is not None for row in rows)

        return every(), seconds(every)


def main() -> None:
    """Ask, compare the answers, tell."""
    site, tracks, many, seed, countries = Path(sys.argv[1]), *map(int, sys.argv[2:])
    asked = questions(World(seed, countries), tracks, many)
    yes, spent = by_view(site / "catalogue.db", asked)
    with Engine.at(site) as engine:
        said = single(engine, asked)
        if said != yes:
            raise SystemExit(f"the view says yes {yes} times, the API {said} times")
        one = seconds(lambda: single(engine, asked))
        found = {"single": many / one, "batched": None, "view": spent / many * 1000, "yes": yes}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
