"""A large catalogue, written straight into a database: for measuring, not for users.

Tables that judging plays reads (`change`, territory sets) are filled as the engine fills them; the
objects' own tables are left empty.
"""

from __future__ import annotations

import json
import random
from itertools import islice
from typing import TYPE_CHECKING, Any

from feedengine.catalogue.availability import windows
from feedengine.catalogue.objects import link_document, link_id
from feedengine.catalogue.territories import (
    TerritorySet,
    Validity,
    group_id,
    parts,
    territory_set,
    validity_set_id,
)
from feedengine.model.entities import table_named
from feedengine.model.identifiers import COUNTRIES
from feedengine.store.database import writing
from feedengine.store.ledger import CHANGE, CHANGE_COLUMNS
from feedengine.store.statements import statements, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

ON_A_RELEASE = 10
DATES = 5_000
BATCH = 20_000

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _at(number: int) -> str:
    """When the n-th package was applied: one every 30 seconds from 2020 on."""
    minutes, half = divmod(number, 2)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    date = f"{2020 + days // 336}-{days // 28 % 12 + 1:02}-{days % 28 + 1:02}"
    return f"{date}T{hour:02}:{minute:02}:{half * 30:02}.000000Z"


def _sets(randoms: random.Random) -> list[TerritorySet]:
    """Sets of 50 countries that share their streets dates: a few groups, many dates."""
    groups = [tuple(sorted(randoms.sample(sorted(COUNTRIES), 50))) for _ in range(40)]
    found = []
    for _ in range(DATES):
        day = (
            f"{randoms.randint(2005, 2024)}-{randoms.randint(1, 12):02}-{randoms.randint(1, 28):02}"
        )
        own = (
            Validity("DownloadValidity", "Allow", f"{day}T00:00:00.000000Z", None),
            Validity("StreamingValidity", "Allow", f"{day}T00:00:00.000000Z", None),
        )
        found.append(territory_set((country, own) for country in randoms.choice(groups)))
    return found


def _documents(tracks: int, sets: list[str], randoms: random.Random) -> Iterator[tuple[str, ...]]:
    """Entity, id and document of every object and link; now and then a second version."""
    for number in range(tracks // 20):
        yield (
            "artist",
            str(number),
            _encode({"client": "c", "id": str(number), "name": f"Artist {number}"}),
        )
    for release in range(tracks // ON_A_RELEASE):
        name, own = f"r{release}", randoms.choice(sets)
        yield "release", name, _encode(
            {
                "artist": [str(release % (tracks // 20))],
                "client": "c",
                "id": name,
                "reference": [{"provider": "7digital", "ref_id": str(40_000_000 + release)}],
                "release_date": "2015-11-20",
                "territory_set_id": own,
                "title": f"Release {release}",
            }
        )  # fmt: skip
        for place in range(ON_A_RELEASE):
            number = release * ON_A_RELEASE + place
            document = {
                "artist": [str(number % (tracks // 20))],
                "c_line": "(C) 2015 A Label of Some Name",
                "client": "c",
                "duration_seconds": 120 + number % 300,
                "id": f"t{number}",
                "isrc": f"GBAYE{number:07}",
                "p_line": "(P) 2015 A Label of Some Name",
                "popularity": "0.25",
                "reference": [{"provider": "7digital", "ref_id": str(50_000_000 + number)}],
                "resource": [{"source": "x", "type": "FilePath", "value": f"/a/{number}.mp3"}],
                "title": f"A Song {number} of Many",
                "track_number": place + 1,
            }
            yield "track", f"t{number}", _encode(document)
            track = f"t{number}"
            yield (
                "release_track",
                link_id(name, track),
                link_document(name, track, place + 1),
            )
            if number % 10 == 0:
                document["territory_set_id"] = own
                yield "track", f"t{number}", _encode(document)


def _write_sets(connection: Connection, sets: list[TerritorySet]) -> None:
    made = statements(connection)
    tables: dict[str, dict[Any, None]] = {}
    for one in {one.id: one for one in sets}.values():
        for countries, validities in parts(one):
            group, validity = group_id(countries), validity_set_id(validities)
            tables.setdefault("territory_set", {})[(one.id,)] = None
            tables.setdefault("country_group", {})[(group,)] = None
            tables.setdefault("validity_set", {})[(validity,)] = None
            tables.setdefault("territory_part", {})[one.id, group, validity] = None
            for country in countries:
                tables.setdefault("country_group_member", {})[group, country] = None
            for usage, found in windows(validities).items():
                for at, window in enumerate(found):
                    row = (validity, usage, at, *window)
                    tables.setdefault("validity_window", {})[row] = None
    for name, rows in tables.items():
        table = table_named(name)
        write(connection, made.insert(table, table.names), list(rows))


def fill(database: Engine, tracks: int, seed: int = 7) -> int:
    """Write a catalogue of so many tracks into an upgraded, empty database; returns its changes."""
    randoms = random.Random(seed)  # noqa: S311 - nothing here is a secret
    sets = _sets(randoms)
    with writing(database) as connection:
        if database.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        _write_sets(connection, sets)
        text = statements(connection).insert(CHANGE, CHANGE_COLUMNS)
        _package(connection)
        documents = _documents(tracks, sorted({one.id for one in sets}), randoms)
        rows = (
            (seq, 1, entity, name, "create", "c", _at(seq // 25), document)
            for seq, (entity, name, document) in enumerate(documents, 1)
        )
        written = 0
        while batch := list(islice(rows, BATCH)):
            write(connection, text, batch)
            written += len(batch)
    return written


def _package(connection: Connection) -> None:
    """The one run and package that every change is said to come from."""
    at = _at(0)
    connection.exec_driver_sql(
        "INSERT INTO feed_run (id, stack_entry, entry_signature, started_at, status, packages,"
        f" applied, failed, skipped) VALUES (1, '1.xml', '0', '{at}', 'succeeded', 1, 1, 0, 0)"
    )
    connection.exec_driver_sql(
        "INSERT INTO package_run (id, feed_run_id, path, status, started_at, finished_at)"
        f" VALUES (1, 1, 'package.xml', 'applied', '{at}', '{at}')"
    )
