"""Availability answers from a catalogue that is open and warm; prints what they cost.

    python answers.py SITE TRACKS MANY SEED COUNTRIES

``batched`` and ``single`` are answers a CPU-second from memory, ``asked`` from the database, all
through the Python API; ``view`` the milliseconds of CPU in which the SQL view answers for one track
and country; ``loaded`` the seconds of CPU before the first answer from memory, once there is a
snapshot. Questions are asked of tracks at random; half of them are for a country of the track's.
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

import pyarrow as pa
import pyarrow.compute

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.world import COUNTRIES, LABEL_TRACKS, World
from feedengine import Engine
from feedengine.answering import Answers

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


Asked = Sequence[tuple[str, str]]


def by_database(engine: Engine, asked: Asked) -> int:
    """One after the other, of the database; how many were yes."""
    return sum(
        engine.available(track, country=country, at=AT)["available"] for track, country in asked
    )


def by_view(database: Path, asked: Asked) -> int:
    """The same by the view."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = (connection.execute(_VIEW, one).fetchone() for one in asked)
        return sum(row is not None for row in rows)


def by_memory(answers: Answers, asked: Asked) -> int:
    """The same from memory, one after the other."""
    return sum(
        answers.available(track, country=country, at=AT).available for track, country in asked
    )


def in_columns(answers: Answers, tracks: pa.Array, countries: pa.Array) -> int:
    """The same from memory, all at once."""
    found = answers.available_many(tracks, countries, at=AT)
    return int(pa.compute.sum(found.column("available")).as_py())


def main() -> None:
    """Ask in every way, compare the answers, tell."""
    site, tracks, many, seed, countries = Path(sys.argv[1]), *map(int, sys.argv[2:])
    asked = questions(World(seed, countries), tracks, many)
    few = asked[: max(many // 20, 1)]
    columns = [pa.array(list(column) * 10, pa.string()) for column in zip(*asked, strict=True)]
    database = site / "catalogue.db"
    with Engine.at(site) as engine:
        by_memory(engine.answers(), few)  # leaves the snapshot that is there in life, too
        begun = time.process_time()
        answers = engine.answers()
        by_memory(answers, few[:1])
        loaded = time.process_time() - begun
        yes = {by_database(engine, few), by_view(database, few), by_memory(answers, few)}
        if len(yes) > 1 or in_columns(answers, *columns) != 10 * by_memory(answers, asked):
            raise SystemExit("the answers differ")
        found = {
            "batched": 10 * many / seconds(lambda: in_columns(answers, *columns)),
            "single": many / seconds(lambda: by_memory(answers, asked)),
            "asked": len(few) / seconds(lambda: by_database(engine, few)),
            "view": 1000 * seconds(lambda: by_view(database, few)) / len(few),
            "loaded": loaded,
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
