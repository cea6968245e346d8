"""Every query of docs/querying.md runs, answers, and finds what it names by an index."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from databases import asked_as_people_do
from sqlmodel import SQLModel

from feedengine.engine import Engine
from feedengine.store.views import VIEWS

from .sites import applied, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Databases

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "querying.md").read_text("utf-8")
_BLOCK = re.compile(r"^### ([^\n]+)\n(?:(?!^#).)*?^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUERIES: dict[str, str] = dict(_BLOCK.findall(PAGE))
"""Title → the query below it."""

GIVEN: dict[str, Any] = {
    "release": "700201",
    "other": "700202",
    "track": "900303",
    "artist": "500101",
    "gtin14": "09520001702013",
    "provider": "LyricNest",
    "ref_id": "ln-900301",
    "country": "US",
    "usage": "streaming",
    "t": "2026-12-01T00:00:00.000000Z",
    "from": "2026-02-01T00:00:00.000000Z",
    "until": "2026-03-01T00:00:00.000000Z",
    "entity": "release",
    "id": "700201",
    "seq": 200,
}
"""What parameters hold unless a query is asked otherwise."""

SOME = ("some", "rows")
"""Expected of a query whose rows are many, or depend on the day."""


class Asked(NamedTuple):
    """A query of the page with other parameters than `GIVEN`, and its rows."""

    title: str
    given: dict[str, Any]
    rows: list[Any] | tuple[str, str]


EVER = {"from": "2000-01-01T00:00:00.000000Z", "until": "9000-01-01T00:00:00.000000Z"}
AFTERWARDS = {"t": EVER["until"]}

ASKED = (
    Asked(
        "The tracks of a release, in order",
        {"release": "700203"},
        [
            (1, "900323", "Psalm for a Ferry", None, None),
            (2, "900321", "Fog Bell", None, None),
            (3, "900341", "Hymn of the Night Shift", None, None),
            (4, "900322", "Tin Anchor", None, None),
        ],
    ),
    Asked(
        "The releases of a track",
        {"track": "900301"},
        [
            ("700201", "Paper Satellites", "2026-02-06", "09520001702013"),
            ("700205", "Wire & Wave", None, "00295200017020"),
        ],
    ),
    Asked("Everything of an artist", {}, SOME),
    Asked(
        "A release by its barcode",
        {},
        [("700201", "Paper Satellites", "9520001702013", "2026-02-06")],
    ),
    Asked(
        "A track by its id at a provider", {}, [("900301", "Signal Lost at Sea", "ZZOT12600301")]
    ),
    Asked("May this country use this track at this instant?", {}, [("700201", None, None)]),
    Asked("May this country use this track at this instant?", {"track": "900304"}, []),
    Asked("Where may a track be used at this instant?", {}, SOME),
    Asked(
        "A release in one country on a date",
        {"release": "700203", "t": "2026-07-01T00:00:00.000000Z"},
        [
            (1, "900323", "Psalm for a Ferry", "yes"),
            (2, "900321", "Fog Bell", "yes"),
            (3, "900341", "Hymn of the Night Shift", "yes"),
            (4, "900322", "Tin Anchor", "no"),
        ],
    ),
    Asked(
        "Which tracks does a country lose next month?",
        {},
        [
            (
                "5b0e7c1a-0001-4c7e-9a10-000000000102",
                "川沿いのランタン",
                "2026-02-18T00:00:00.000000Z",
            )
        ],
    ),
    Asked(
        "Which tracks does a country lose next month?",
        {
            "country": "FR",
            "usage": "download",
            "from": "2026-12-01T00:00:00.000000Z",
            "until": "2027-02-01T00:00:00.000000Z",
        },
        SOME,
    ),
    Asked("What becomes available in a country, and when?", {}, SOME),
    Asked("Tracks that nobody may use", {}, SOME),
    Asked(
        "The territory list of a release",
        {"release": "700203"},
        [
            ("CA", "Excluded", "Deny", None, None),
            ("US", "StreamingValidity", "Allow", "2026-06-01T00:00:00.000000Z", None),
            ("WW", "StreamingValidity", "Allow", "2026-01-30T00:00:00.000000Z", None),
        ],
    ),
    Asked("Two releases, where their lists differ", {}, SOME),
    Asked("Two releases, where their lists differ", {"other": "700201"}, []),
    Asked("Releases with the very same list", {"release": "twin-1"}, [("twin-2", "twin-2")]),
    Asked("What changed yesterday?", EVER, SOME),
    Asked("What changed yesterday?", {}, []),
    Asked("What was deleted since?", EVER, SOME),
    Asked("The history of one object, and who wrote it", {}, SOME),
    Asked("One object as it stood at an instant", AFTERWARDS, SOME),
    Asked("One object as it stood at an instant", {"t": EVER["from"]}, []),
    Asked("The tracks of a release as they stood at an instant", AFTERWARDS, SOME),
    Asked("Objects that several clients have written", {}, SOME),
    Asked("Follow the catalogue", {}, SOME),
    Asked("Failed packages by code and client", {}, SOME),
    Asked("Packages that failed and have not been applied since", {}, SOME),
    Asked("One ISRC on several tracks", {}, [("ZZOT12600301", 2, "900301", "copy")]),
    Asked("Releases without tracks", {}, SOME),
    Asked("Tracks on no release", {}, SOME),
    Asked(
        "Releases that announce another number of tracks than they hold",
        {},
        [("700201", "Paper Satellites", 3, 5), ("700205", "Wire & Wave", 3, 2)],
    ),
    Asked("What was it that was deleted?", EVER, SOME),
    Asked("What exactly did a change change?", {"seq": 167}, SOME),
)

LACKING = (
    named("Track", "copy", "<ISRC>ZZ-OT1-26-00301</ISRC>"),
    named("Release", "twin-1", "<Territories><Country>US</Country></Territories>"),
    named("Release", "twin-2", "<Territories><Country>US</Country></Territories>"),
)
"""What the sample feeds have no example of."""


WANTED_INSTEAD = {
    "What was it that was deleted?": {"before.document ->>": "CAST(before.document AS json) ->>"},
    "What exactly did a change change?": {
        "json_each(before.document)": "json_each_text(CAST(before.document AS json))",
        "json_each(now.document)": "json_each_text(CAST(now.document AS json))",
        "IS NOT new": "IS DISTINCT FROM new",
    },
}
"""Query → what PostgreSQL wants instead of what."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Path:
    """A site with the sample feeds and what they lack."""
    assert on_both.kind
    root = tmp_path_factory.mktemp("queries")
    for folder in ("Feeds", "Stack"):
        shutil.copytree(ROOT / "sample_feeds" / folder, root / folder)
    with Engine.init(root) as engine:
        engine.run()
        assert applied(engine, "Twins", *LACKING).status == "succeeded"
    return root


@pytest.fixture(scope="module")
def catalogue(root: Path) -> Iterator[sqlite3.Connection]:
    """The catalogue in SQLite, opened for reading."""
    place = f"file:{root / 'catalogue.db'}?mode=ro"
    with closing(sqlite3.connect(place, uri=True)) as connection:
        yield connection


def bound(sql: str, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters that a query names."""
    return {name: (GIVEN | given)[name] for name in re.findall(r"(?<!:):([a-z]\w*)", sql)}


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: one.title)
def test_queries_answer(root: Path, on_both: Databases, asked: Asked) -> None:
    """catalogue.md: each documented query runs on the sample catalogue and gives these rows."""
    sql = QUERIES[asked.title]
    if on_both.kind == "postgresql":
        for said, instead in WANTED_INSTEAD.get(asked.title, {}).items():
            assert said in sql
            sql = sql.replace(said, instead)
    rows = asked_as_people_do(on_both.url(root), sql, bound(sql, asked.given))
    if asked.rows is SOME:
        assert rows
    else:
        assert rows == asked.rows


def test_the_page_says_what_postgresql_wants_instead() -> None:
    """The words that a query needs there stand on the page."""
    for instead in WANTED_INSTEAD.values():
        assert any(word in PAGE for word in instead.values())


def test_every_query_is_asked() -> None:
    """Each block of SQL on the page stands under a title of its own, and is tried."""
    assert len(QUERIES) == PAGE.count("```sql\n")
    assert {one.title for one in ASKED} == set(QUERIES)


@pytest.mark.sqlite_alone("asked of the file")
def test_availability_agrees_with_the_command(root: Path, catalogue: sqlite3.Connection) -> None:
    """A4: the documented question and `feedengine available` give one answer for each track."""
    sql = QUERIES["May this country use this track at this instant?"]
    tracks = [row[0] for row in catalogue.execute("SELECT id FROM track")]
    with Engine.at(root) as engine:
        for track in tracks:
            for country in ("CA", "FR", "US"):
                given = bound(sql, {"track": track, "country": country})
                said = engine.available(track, country=country, at=GIVEN["t"])
                assert bool(catalogue.execute(sql, given).fetchall()) is said["available"], track


@pytest.mark.sqlite_alone("asked of the file")
def test_history_agrees_with_the_tables(catalogue: sqlite3.Connection) -> None:
    """H1: the tracks of every release as of now, by the documented query, are those it has."""
    sql = QUERIES["The tracks of a release as they stood at an instant"]
    for (release,) in catalogue.execute("SELECT id FROM release").fetchall():
        given = bound(sql, {"release": release, **AFTERWARDS})
        then = {row[0] for row in catalogue.execute(sql, given)}
        now = catalogue.execute(
            "SELECT track_id FROM release_track WHERE release_id = ?", (release,)
        )
        assert then == {row[0] for row in now}, release


# How they are carried out

SMALL = frozenset({"country", "usage"})
"""Tables that may be read from end to end."""

TABLES = {table.name for table in SQLModel.metadata.sorted_tables}

POINTS = (
    "The tracks of a release, in order",
    "The releases of a track",
    "Everything of an artist",
    "A release by its barcode",
    "A track by its id at a provider",
    "May this country use this track at this instant?",
    "Where may a track be used at this instant?",
    "A release in one country on a date",
    "The territory list of a release",
    "Two releases, where their lists differ",
    "Releases with the very same list",
    "The history of one object, and who wrote it",
    "One object as it stood at an instant",
    "The tracks of a release as they stood at an instant",
    "Follow the catalogue",
    "What exactly did a change change?",
)
"""The queries that name what they are about."""

JOINED = """
SELECT a.* FROM release_track l JOIN track_availability a USING (track_id, release_id)
WHERE l.release_id = :release AND a.country = :country"""

FILTERED = (
    "SELECT * FROM track_availability WHERE track_id = :track",
    "SELECT * FROM track_availability WHERE release_id = :release",
    "SELECT * FROM track_availability WHERE track_id = :track AND release_id = :release",
    "SELECT * FROM track_availability WHERE track_id = :track AND release_id IS NULL",
    JOINED,
    "SELECT * FROM artist_territory WHERE artist_id = :artist",
    "SELECT * FROM release_territory WHERE release_id = :release",
    "SELECT * FROM track_territory WHERE track_id = :track",
    "SELECT * FROM finding WHERE package_run_id = :seq",
    "SELECT * FROM finding WHERE feed_run_id = :seq",
    "SELECT * FROM package_run WHERE feed_run_id = :seq",
    "SELECT * FROM change WHERE package_id = :seq",
)
"""Views and ledger, asked for one object, package or run."""


def scanned(connection: sqlite3.Connection, sql: str) -> set[str]:
    """The tables that SQLite would read from end to end for a query.

    Plans name aliases; an alias that stands for several tables counts as each of them.
    """
    aliases: dict[str, set[str]] = {name: {name} for name in TABLES}
    for text in (sql, *VIEWS.values()):
        for table, alias in re.findall(r"(?:FROM|JOIN|,)\s+(\w+)\s+(\w+)", text):
            if table in TABLES:
                aliases.setdefault(alias, set()).add(table)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", bound(sql, {})).fetchall()
    details = [str(row[3]) for row in plan]
    assert any(detail.startswith(("SEARCH", "SCAN")) for detail in details), details
    found = (re.match(r"SCAN (?:TABLE )?(\w+)(?: AS (\w+))?", detail) for detail in details)
    names = {one[2] or one[1] for one in found if one}
    return {table for name in names for table in aliases.get(name, set())}


@pytest.mark.sqlite_alone("its plans")
@pytest.mark.parametrize("title", POINTS)
def test_point_queries_use_indexes(catalogue: sqlite3.Connection, title: str) -> None:
    """catalogue.md: a query that names what it is about reads no large table from end to end."""
    assert scanned(catalogue, QUERIES[title]) <= SMALL


@pytest.mark.sqlite_alone("its plans")
@pytest.mark.parametrize("sql", FILTERED)
def test_views_of_one_object_use_indexes(catalogue: sqlite3.Connection, sql: str) -> None:
    """A4: windows and territories of one object are found by indexes, through the view."""
    assert scanned(catalogue, sql) <= SMALL


@pytest.mark.sqlite_alone("asked of the file")
def test_scans_are_seen(catalogue: sqlite3.Connection) -> None:
    """The check itself: a query that reads a whole table is found out."""
    assert scanned(catalogue, QUERIES["Objects that several clients have written"]) == {"change"}
    whole = "SELECT * FROM track_availability WHERE country = :country"
    assert "track" in scanned(catalogue, whole)


@pytest.mark.sqlite_alone("its plans")
@pytest.mark.parametrize(
    "title", ["What changed yesterday?", "What was deleted since?", "What was it that was deleted?"]
)
def test_a_range_of_time_is_a_range_of_changes(catalogue: sqlite3.Connection, title: str) -> None:
    """H1: a range of time is read by `seq`, and its ends are sought from the newest change."""
    sql = QUERIES[title]
    plan = catalogue.execute(f"EXPLAIN QUERY PLAN {sql}", bound(sql, {})).fetchall()
    details = " ".join(str(row[3]) for row in plan)
    assert re.search(r"SEARCH (change|c) USING INTEGER PRIMARY KEY \(rowid>\?", details), details
