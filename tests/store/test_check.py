"""`db check`: silent where all is sound, and a sentence for every kind of damage."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from feedengine.catalogue.territories import EMPTY
from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.upkeep import MOST_TOLD, check

from .sites import (
    RICH,
    applied,
    damage,
    deleted,
    edited,
    listed,
    named,
    site,
)

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Databases

pytestmark = pytest.mark.usefixtures("on_both")


def lively(root: Path) -> Engine:
    """A site with runs and packages of every status, and something of everything."""
    engine = site(root, ("A", RICH), hold_count=1, hold_share=0.0)
    applied(engine, "B", deleted("Genre", "none"), named("Genre", "b"), "<Genre><ID>b</ID></Genre>")
    applied(engine, "B", "<Genre/>")
    new_feed(engine.settings.root, "C").stack()
    engine.run()
    applied(engine, "B", named("Label", "one"), named("Label", "two"), deleted("Genre", "pop"))
    applied(engine, "B", edited("Release", "r1", listed("Tracks", "t/1")), deleted("Label", "one"))
    engine.retry()
    engine.run()
    engine.undo(applied(engine, "C", named("Genre", "for a while")).id)
    applied(engine, "A", deleted("Release", "r1!"), deleted("Release", "r-1"))
    return engine


def test_a_sound_catalogue_has_no_problems(tmp_path: Path) -> None:
    """Every rule holds of what the engine itself writes, failures and held feeds included."""
    engine = lively(tmp_path)
    with engine.database.connect() as connection:
        statuses = {row[0] for row in connection.exec_driver_sql("SELECT status FROM feed_run")}
    assert statuses == {"succeeded", "partial", "failed", "held"}
    assert check(engine.database) == []


def test_an_empty_catalogue_has_no_problems(tmp_path: Path) -> None:
    """A new catalogue is sound."""
    assert check(site(tmp_path).database) == []


RICH_SET = "2390520b3223e8c621522e18f71044e6"
NEVER = "'2000-01-01T00:00:00.000000Z'"
WINDOW = "usage, position, starts_at, ends_at"
VALIDITY = "track_id, name, type, starts_at, ends_at"

ONE_VALIDITY_TWICE = (
    f"INSERT INTO track_validity ({VALIDITY}, position)"
    f" SELECT {VALIDITY}, 3 FROM track_validity WHERE position = 1"
)
FILLED_EMPTY_SET = (
    f"INSERT INTO territory_part SELECT '{EMPTY.id}', country_group_id,"
    " validity_set_id FROM territory_part LIMIT 1"
)
NO_DIFFERENCE = (
    "UPDATE change SET document = (SELECT document FROM change WHERE entity_id = 't2' AND"
    " action = 'create') WHERE entity_id = 't2' AND action = 'update'"
)
PART_OF_ANOTHER = (
    "INSERT INTO territory_part SELECT p.territory_set_id, m.country_group_id,"
    " p.validity_set_id FROM territory_part p, country_group_member m WHERE m.country = 'FR' AND"
    " p.territory_set_id = (SELECT territory_set_id FROM release WHERE id = '1')"
    " ON CONFLICT DO NOTHING"
)

DAMAGE = (
    (
        "UPDATE genre SET name = 'x' WHERE id = 'rock'",
        "genre 'rock' is not what change 1, its last",
    ),
    ("UPDATE genre SET client = 'x' WHERE id = 'rock'", "genre 'rock' is not what change 1"),
    ("DELETE FROM artist_image", "artist 'ad/ele' is not what change"),
    (f"UPDATE genre SET changed_at = {NEVER}", "genre 'rock' has another changed_at than change 1"),
    (f"INSERT INTO label VALUES ('x', 'A', NULL, {NEVER}, 'X')", "label 'x' has no history"),
    ("DELETE FROM genre WHERE id = 'rock'", "genre 'rock' is not there, though change 1 left it"),
    (
        "DELETE FROM genre WHERE id = 'rock'",
        "artist_genre of 'ad/ele': genre_id names genre 'rock'",
    ),
    (
        "UPDATE change SET document = NULL, action = 'delete' WHERE entity = 'label'",
        "label 'xl' is there, though change 5 deleted it",
    ),
    (
        "UPDATE release SET gtin14 = '1' WHERE id = 'r1'",
        "release 'r1' has a gtin14 that does not follow from product_number",
    ),
    (
        "DELETE FROM release_track WHERE release_id = 'r1!'",
        "release_track 'r1!/t2' is not there, though change",
    ),
    (
        "UPDATE release_track SET position = 9 WHERE release_id = 'r1!'",
        "release_track 'r1!/t2' is not what change",
    ),
    (
        "UPDATE release_track SET position = 0 WHERE release_id = 'r1!'",
        "release_track of 'r1!' has a position below 1",
    ),
    (
        "UPDATE release_track SET position = 1 WHERE release_id = 'r1'",
        "release_track of 'r1' has two tracks at one position",
    ),
    (
        "UPDATE release_track SET linked_seq = 3 WHERE release_id = 'r1!'",
        "release_track 'r1!/t2' has linked_seq 3, but change 15 made it",
    ),
    (
        "INSERT INTO release_track VALUES ('r1!', 't/1', 2, 15)",
        "release_track 'r1!/t%2F1' has no history",
    ),
    ("DELETE FROM track WHERE id = 't2'", "track_id names track 't2', which is not there"),
    ("DELETE FROM label", "label_id names label 'xl', which is not there"),
    (
        "UPDATE artist_genre SET position = 5 WHERE position = 2",
        "artist_genre of 'ad/ele' is not numbered 1 to n",
    ),
    (
        "UPDATE artist_genre SET genre_id = 'pop'",
        "artist_genre of 'ad/ele' holds two items with the same key",
    ),
    (
        ONE_VALIDITY_TWICE,
        "track_validity of 't2' holds two items with the same key",
    ),
    (
        "UPDATE artist_image SET value = NULL, resource = NULL",
        "artist_image of 'ad/ele' has neither value or resource",
    ),
    ("UPDATE track_validity SET type = 'allow'", "track_validity of 't2' has the type 'allow'"),
    (
        "UPDATE country_group_member SET country = 'ZZ' WHERE country = 'GB'",
        "country_group_member names 'ZZ', which is no country",
    ),
    (
        "UPDATE country_group_member SET country = 'FR' WHERE country = 'GB'",
        "does not hold what its id is made of",
    ),
    (
        "DELETE FROM country_group_member",
        "territory_set '2390520b3223e8c621522e18f71044e6' does not",
    ),
    (
        "DELETE FROM territory_part",
        "territory_set '2390520b3223e8c621522e18f71044e6' does not hold",
    ),
    (
        FILLED_EMPTY_SET,
        f"territory_set '{EMPTY.id}' does not hold what its id is made of",
    ),
    ("DELETE FROM validity", "does not hold what its id is made of"),
    (
        "UPDATE validity_window SET ends_at = starts_at WHERE usage = 'streaming'",
        "has windows that do not follow from its validities (A1)",
    ),
    (
        "DELETE FROM track_window",
        "track 't2' has windows that do not follow from its validities (A2)",
    ),
    (
        f"INSERT INTO track_window (track_id, {WINDOW}) VALUES ('t/1', '*', 1, NULL, NULL)",
        "track 't/1' has windows that do not follow",
    ),
    ("DELETE FROM usage WHERE name = 'ringtone'", "usage lacks 'ringtone', which a validity names"),
    ("DELETE FROM usage WHERE name = 'download'", "usage lacks 'download'"),
    (
        f"UPDATE change SET changed_at = {NEVER} WHERE seq = 3",
        "change 3 has an earlier changed_at than the one before",
    ),
    (
        "UPDATE change SET changed_at = '2999-01-01T00:00:00.000000Z' WHERE seq = 5",
        "change 5 has another changed_at than its package",
    ),
    ("UPDATE change SET package_id = 1 WHERE seq = 15", "change 15 is of an earlier package"),
    ("UPDATE change SET package_id = 99 WHERE seq = 15", "package_run 99, which is not there"),
    ("UPDATE package_run SET status = 'viewed' WHERE id = 1", "package_run 1, which is viewed"),
    (
        "UPDATE change SET action = 'update' WHERE seq = 1",
        "says 'update', where create would follow",
    ),
    ("UPDATE change SET entity = 'gnre' WHERE seq = 1", "holds no canonical document of it"),
    (
        "UPDATE change SET document = replace(document, ',', ', ') WHERE seq = 1",
        "change 1 of genre 'rock' holds no canonical document of it",
    ),
    (
        NO_DIFFERENCE,
        "of track 't2' makes no difference",
    ),
    ("UPDATE feed_run SET status = 'done' WHERE id = 1", "feed_run 1 has the status 'done'"),
    ("UPDATE package_run SET status = 'done' WHERE id = 1", "package_run 1 has the status 'done'"),
    ("UPDATE package_run SET action = 'push' WHERE id = 1", "package_run 1 has the action 'push'"),
    ("UPDATE package_run SET entity = 'x' WHERE id = 1", "package_run 1 has the entity 'x'"),
    ("UPDATE finding SET code = 'x' WHERE id = 1", "finding 1 has the code 'x'"),
    ("UPDATE finding SET severity = 'x' WHERE id = 1", "finding 1 has the severity 'x'"),
    (
        "UPDATE feed_run SET packages = 9 WHERE id = 1",
        "feed_run 1 says packages 9, but there are 6",
    ),
    ("UPDATE feed_run SET applied = 5 WHERE id = 1", "feed_run 1 says applied 5, but there are 6"),
    ("UPDATE feed_run SET failed = 1 WHERE id = 1", "feed_run 1 succeeded with failed packages"),
    ("UPDATE feed_run SET status = 'partial' WHERE id = 1", "feed_run 1 is partial with nothing"),
    ("UPDATE feed_run SET finished_at = NULL WHERE id = 1", "feed_run 1 has ended, or has not"),
    ("UPDATE feed_run SET status = 'running' WHERE id = 1", "feed_run 1 has ended, or has not"),
    (
        "UPDATE feed_run SET status = 'running', finished_at = NULL, feed_path = '1'",
        "the feed '1' has 2 runs that are running",
    ),
    ("UPDATE package_run SET digest = NULL WHERE id = 1", "package_run 1 was applied without"),
    ("DELETE FROM finding", "package_run 7 failed without an error, or has one and did not"),
    ("UPDATE finding SET feed_run_id = 1", "finding 1 names a package of another feed run"),
    ("UPDATE feed_run SET client = NULL WHERE id = 1", "feed_run 1 has a client without a feed"),
    ("UPDATE feed_run SET feed_path = NULL WHERE id = 1", "packages without either (P2)"),
    ("UPDATE feed_run SET status = 'held' WHERE id = 1", "feed_run 1 is held, but has applied"),
    ("UPDATE feed_run SET retry_of = 1 WHERE id = 2", "feed_run 2 retries no earlier run"),
    ("UPDATE feed_run SET retry_code = 'not-found'", "feed_run 1 has a retry_code, but retries no"),
    ("UPDATE feed_run SET retry_code = 'x'", "feed_run 1 has the retry_code 'x', which there is"),
    ("UPDATE feed_run SET undoes = 1 WHERE id = 2", "feed_run 2 undoes no earlier run (H2)"),
    ("UPDATE feed_run SET undoes = 2 WHERE id = 1", "feed_run 1 undoes what applied nothing"),
    ("UPDATE feed_run SET undoes = 1 WHERE id = 2", "feed_run 2 undoes a run, but not all of it"),
    ("UPDATE feed_run SET undoes = 9", "feed_run 2 undoes a run that was undone before"),
    (f"UPDATE feed_run SET pruned_at = {NEVER}, filed_at = NULL", "feed_run 1 was pruned before"),
    ("UPDATE package_run SET path = 'x'", "feed_run 1 has the package 'x' more than once"),
    (
        "UPDATE package_run SET entity_id = NULL WHERE id = 2",
        "package_run 2 was applied without",
    ),
    ("UPDATE package_run SET action = NULL WHERE id = 2", "package_run 2 was applied without"),
    (
        "UPDATE package_run SET path = 'x', digest = 'y', feed_run_id = 1",
        "the package 'x' of the feed",
    ),
    ("UPDATE change SET client = 'x' WHERE seq = 3", "change 3 is said to be of 'x', but its run"),
    ("UPDATE feed_run SET client = 'x' WHERE id = 1", "change 1 is said to be of 'A', but its run"),
    ("DELETE FROM feed_run WHERE id = 1", "feed_run_id names feed_run '1', which is not there"),
)

DAMAGE_OF_SQLITE = (
    ("UPDATE artist SET popularity = '0.250'", "artist.popularity is to hold canonical decimals"),
    ("UPDATE artist SET popularity = '.5'", "artist.popularity is to hold canonical decimals"),
    ("UPDATE artist SET view = 'many'", "artist.view is to hold whole numbers"),
    (
        "UPDATE artist SET created_at = '2021-03-04T12:04:21Z'",
        "artist.created_at is to hold canonical",
    ),
    (
        "UPDATE artist SET created_at = '2021-02-30T12:04:21.000000Z'",
        "artist.created_at is to hold canonical instants, but does not 1 times, as in",
    ),
    (
        "UPDATE artist SET created_at = '2021-02-20T25:04:21.000000Z'",
        "artist.created_at is to hold canonical instants",
    ),
    ("UPDATE release SET release_date = '2015-11-31'", "release.release_date is to hold dates"),
    ("UPDATE genre SET name = x'00ff' WHERE id = 'rock'", "genre.name is to hold text"),
    ("DELETE FROM change WHERE seq = 4", "change 5 follows 3: numbers are missing"),
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Path:
    """The root of a sound site, to be copied."""
    assert on_both.kind
    root = tmp_path_factory.mktemp("sound")
    with site(root, ("A", RICH)) as engine:
        assert applied(engine, "A", deleted("Genre", "none")).status == "failed"
        assert check(engine.database) == []
    return root


@pytest.mark.parametrize(("statement", "sentence"), DAMAGE)
def test_damage_is_named(
    tmp_path: Path, sound: Path, on_both: Databases, statement: str, sentence: str
) -> None:
    """Each rule of catalogue, history and ledger is told of when it does not hold."""
    on_both.copied(sound, tmp_path / "copy")
    engine = Engine.at(shutil.copytree(sound, tmp_path / "copy"))
    damage(engine, statement)
    told = check(engine.database)
    assert any(sentence in one for one in told), told


@pytest.mark.sqlite_alone("PostgreSQL keeps no value of another type, and may skip numbers")
@pytest.mark.parametrize(("statement", "sentence"), DAMAGE_OF_SQLITE)
def test_damage_of_sqlite_is_named(
    tmp_path: Path, sound: Path, on_both: Databases, statement: str, sentence: str
) -> None:
    """SQLite would keep anything in any column."""
    test_damage_is_named(tmp_path, sound, on_both, statement, sentence)


def test_a_set_divided_otherwise_is_named(tmp_path: Path) -> None:
    """P36: the factors of a territory set are those that its content has."""
    engine = site(tmp_path, ("A", RICH))
    other = ("<Country>FR</Country>", "<Country>FR</Country><Country>US</Country>")
    for number, inside in enumerate(other):
        release = named("Release", str(number), f"<Territories>{inside}</Territories>")
        applied(engine, "A", release)
    damage(engine, PART_OF_ANOTHER)
    assert [one for one in check(engine.database) if "not divided" in one]


@pytest.mark.sqlite_alone("PostgreSQL checks its own files")
def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """SQLite's own check is part of it: here an index that misses a row."""
    engine = site(tmp_path, ("A", RICH))
    index = "FROM sqlite_master WHERE name = 'ix_track_isrc'"
    with engine.database.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT rootpage, sql {index}").one()
    damage(engine, "PRAGMA writable_schema = ON", f"DELETE {index}")
    damage(engine, "UPDATE track SET isrc = 'QZ1234567890' WHERE id = 't2'")
    values = f"('index', 'ix_track_isrc', 'track', {found[0]}, '{found[1]}')"
    damage(engine, "PRAGMA writable_schema = ON", f"INSERT INTO sqlite_master VALUES {values}")
    told = check(engine.database)
    assert any("the database file is damaged" in one and "ix_track_isrc" in one for one in told)


def test_much_damage_is_counted(tmp_path: Path) -> None:
    """A rule that breaks everywhere is told some times, and then how often."""
    names = [str(number) for number in range(MOST_TOLD + 3)]
    engine = site(tmp_path, ("A", [named("Genre", name) for name in names]))
    damage(engine, "UPDATE genre SET source = 'x'")
    told = check(engine.database)
    assert len(told) == MOST_TOLD + 1
    assert told[-1] == "… and 3 more of the last kind"


@pytest.mark.sqlite_alone("PostgreSQL keeps no value of another type")
def test_damage_that_ends_a_check_is_told(tmp_path: Path) -> None:
    """A value that no rule reckons with ends its check, not the command."""
    engine = site(tmp_path, ("A", RICH))
    damage(engine, "UPDATE change SET changed_at = x'37' WHERE seq = 3")
    told = check(engine.database)
    assert any("change.changed_at is to hold canonical instants" in one for one in told)
    assert any("damage kept the check numbering from its end" in one for one in told)
