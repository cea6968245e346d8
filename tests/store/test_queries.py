"""The documented queries run on the sample feeds, and those about one object use indexes."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from feedengine.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(__file__).parents[2]
TEXT = (HOME / "docs/querying.md").read_text("utf-8")
QUERIES = re.findall(r"### ([^\n]+)\n(?:(?!### ).)*?```sql\n(.*?)```", TEXT, re.DOTALL)
PARAMETERS = {
    "release": "700201",
    "other": "700203",
    "track": "900301",
    "artist": "500101",
    "country": "US",
    "usage": "streaming",
    "provider": "7digital",
    "ref_id": "1",
    "gtin14": "09520001702013",
    "entity": "track",
    "id": "900301",
    "seq": 1,
    "t": "2026-11-21T00:00:00.000000Z",
    "from": "2020-01-01T00:00:00.000000Z",
    "until": "2100-01-01T00:00:00.000000Z",
}
BIG = re.compile(
    r"SCAN (artist|release|track|change|package_run|finding|territory_part|country_group_member"
    r"|validity\w*|\w+_(?:artist|genre|track|image|resource|reference))\b(?! USING)"
)
POINTS = (
    (
        "SELECT * FROM track_availability"
        " WHERE track_id = :track AND country = :country AND usage = :usage"
    ),
    "SELECT * FROM release_territory WHERE release_id = :release",
    "SELECT * FROM track_territory WHERE track_id = :track",
    "SELECT * FROM artist_territory WHERE artist_id = :artist",
    "SELECT * FROM change WHERE entity = :entity AND entity_id = :id ORDER BY seq",
    "SELECT * FROM change WHERE seq > :seq ORDER BY seq LIMIT 100",
    "SELECT track_id FROM release_track WHERE release_id = :release ORDER BY position",
    "SELECT release_id FROM release_track WHERE track_id = :track ORDER BY linked_seq",
    "SELECT track_id FROM track_reference WHERE provider = :provider AND ref_id = :ref_id",
    "SELECT release_id FROM release_artist WHERE artist_id = :artist",
    "SELECT id FROM release WHERE gtin14 = :gtin14",
    "SELECT * FROM finding WHERE package_run_id = :seq",
)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """The catalogue of the sample feeds."""
    root = tmp_path_factory.mktemp("queries")
    with Engine.init(root) as engine:
        for part in ("Feeds", "Stack"):
            shutil.copytree(HOME / "sample_feeds" / part, root / part, dirs_exist_ok=True)
        engine.run()
    connection = sqlite3.connect(f"file:{root}/catalogue.db?mode=ro", uri=True)
    yield connection
    connection.close()


def parameters(sql: str) -> dict[str, object]:
    """The parameters that a query names."""
    names = set(re.findall(r"(?<![:\w]):([a-z_0-9]+)", sql))
    return {name: PARAMETERS[name] for name in names}


@pytest.mark.parametrize(("title", "sql"), QUERIES, ids=[title for title, _ in QUERIES])
def test_a_documented_query_runs(catalogue: sqlite3.Connection, title: str, sql: str) -> None:
    """Every query of the guide is SQL that works as it stands."""
    assert title
    cursor = catalogue.execute(sql, parameters(sql))
    cursor.fetchall()
    assert cursor.description


def test_there_are_some_twenty_queries() -> None:
    """The guide's queries are found by this test."""
    assert len(QUERIES) >= 20


@pytest.mark.parametrize("sql", POINTS)
def test_questions_about_one_object_use_an_index(catalogue: sqlite3.Connection, sql: str) -> None:
    """A4 and the indexes of catalogue.md: no table that grows is read whole."""
    plan = catalogue.execute(f"EXPLAIN QUERY PLAN {sql}", parameters(sql)).fetchall()
    scans = [row[3] for row in plan if BIG.search(row[3])]
    assert scans == []
