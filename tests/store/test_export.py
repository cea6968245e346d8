"""The whole catalogue written out: JSON Lines, feeds that rebuild it, Parquet."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from feedengine.engine import Engine
from feedengine.errors import ServiceError
from feedengine.exporting import export_parquet, export_xml
from feedengine.feeds.author import new_feed
from feedengine.store.database import reading
from feedengine.upkeep import check

from .sites import (
    ARTIST,
    GENRES,
    LIVE,
    RELEASE,
    RICH,
    SINGLE,
    TRACK,
    applied,
    damage,
    deleted,
    edited,
    exported,
    instants,
    listed,
    named,
    rows,
    site,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("on_both")

NOW = "9999-12-31T23:59:59.999999Z"

SMALL = (
    named("Genre", "é"),
    named("Release", "r", "<Territories><Country>US</Country></Territories>"),
    named("Track", "t/1", listed("Releases", "r")),
)
SMALL_SET = "1a49434bc01d68db26bb555c3b8018d7"
SMALL_LINES = """\
{"document":{"US":[]},"entity":"territory_set","id":"SET"}
{"document":{"client":"A","id":"é","name":"é"},"entity":"genre","id":"é"}
{"document":{"client":"A","id":"r","territory_set_id":"SET","title":"r"},"entity":"release","id":"r"}
{"document":{"client":"A","id":"t/1","title":"t/1"},"entity":"track","id":"t/1"}
{"document":{"position":1,"release_id":"r","track_id":"t/1"},"entity":"release_track","id":"r/t%2F1"}
""".replace("SET", SMALL_SET)


def lines(data: bytes) -> list[dict[str, Any]]:
    """The lines of an export."""
    return [json.loads(line) for line in data.decode().splitlines()]


def told(data: bytes, entity: str) -> list[dict[str, Any]]:
    """The documents of an entity's lines."""
    return [line["document"] for line in lines(data) if line["entity"] == entity]


def test_a_line_for_each_thing(tmp_path: Path) -> None:
    """The export's form: sorted keys, no blanks, UTF-8, without the engine's own columns."""
    engine = site(tmp_path, ("A", SMALL))
    assert exported(engine).decode() == SMALL_LINES
    assert exported(engine, at=NOW) == exported(engine)


def test_an_empty_catalogue_gives_nothing(tmp_path: Path) -> None:
    """The export of nothing is empty, with history too."""
    engine = site(tmp_path)
    assert exported(engine, history=True) == b""
    assert exported(engine, at=NOW, history=True) == b""


def test_links_are_in_the_order_of_both_ids(tmp_path: Path) -> None:
    """Canonical order: a link by its release's id, then its track's, whatever the ids hold."""
    engine = site(tmp_path, ("A", RICH))
    documents = told(exported(engine), "release_track")
    ends = [(one["release_id"], one["track_id"]) for one in documents]
    assert ends == sorted(ends)
    assert [one["release_id"] for one in documents] == ["r-1", "r-1", "r1", "r1", "r1!"]
    assert exported(engine, at=NOW) == exported(engine)


WITH_GENRES = (
    ARTIST.replace('"Create"', '"Upsert"')
    .replace("<ID>rock</ID>", "<ID>rock</ID><Name>rock</Name>")
    .replace("<ID>pop</ID>", "<ID>pop</ID><Name>pop</Name>")
)
"""The artist, sent before the genres are known."""

PASSING = (named("Label", "gone"), named("Track", "t2"), named("Track", "gone"))

ROUTES = (
    (RICH,),
    (
        (WITH_GENRES, GENRES.replace('"Create"', '"Upsert"')),
        (*PASSING, deleted("Label", "gone")),
        (named("Release", "r-1", listed("Tracks", "gone", "t2")), LIVE),
        (RELEASE, edited("Track", "t2", "<Title>Héllo 2</Title>")),
        (edited("Release", "r-1", "<Title>Single</Title>"), deleted("Track", "gone"), TRACK),
        (edited("Track", "t/1", listed("Releases", "r-1", "r1")),),
        (edited("Release", "r1!", "<Territories><Country>US</Country></Territories>"),),
        (edited("Release", "r1!", "<Title>2</Title>"), deleted("Release", "r1!"), LIVE),
    ),
)
"""Two ways to one catalogue, as feeds of objects."""


def test_two_routes_to_one_catalogue_give_equal_bytes(tmp_path: Path) -> None:
    """H2 in the export's terms: only what stands counts, not how it came about."""
    one, other = (
        site(tmp_path / str(number), *(("A", feed) for feed in feeds), batch_packages=1 + number)
        for number, feeds in enumerate(ROUTES)
    )
    assert exported(one) == exported(other)
    assert rows(one)["release_track"] != rows(other)["release_track"]
    assert len(rows(other)["territory_set"]) > len(rows(one)["territory_set"])
    assert exported(one, history=True) != exported(other, history=True)


def test_the_past_is_exported_as_it_was(tmp_path: Path) -> None:
    """H1: the export as of an instant gives the bytes that it gave then."""
    engine = site(tmp_path)
    seen = []
    for feed in ROUTES[1]:
        assert applied(engine, "A", *feed).status == "succeeded"
        seen.append((instants(engine)[-1], exported(engine)))
    assert [exported(engine, at=then) for then, _ in seen] == [was for _, was in seen]


def test_a_position_is_the_rank_on_the_release(tmp_path: Path) -> None:
    """Only the order of tracks is meant: where one is gone, no gap is told."""
    engine = site(
        tmp_path,
        ("A", [named("Track", name) for name in "abc"]),
        ("A", [named("Release", "r", listed("Tracks", "c", "b", "a"))]),
        ("A", [edited("Release", "r", '<Tracks><Track action="Pull"><ID>c</ID></Track></Tracks>')]),
    )
    assert [row[2] for row in rows(engine)["release_track"]] == [3, 2]
    found = told(exported(engine), "release_track")
    assert [(one["track_id"], one["position"]) for one in found] == [("a", 2), ("b", 1)]


def test_history_is_told_without_numbers_and_instants(tmp_path: Path) -> None:
    """H1: every change in order, then each run with its packages and findings."""
    engine = site(tmp_path, ("A", [GENRES, named("Artist", "a", listed("Genres", "rock"))]))
    run = applied(engine, "A", deleted("Genre", "rock"), named("Genre", "pop"), "<Genre/>")
    assert run.status == "partial"
    new_feed(engine.settings.root, "A").stack()
    engine.run()
    data = exported(engine, history=True)
    assert data.startswith(exported(engine))
    changes = told(data, "change")
    assert [(one["action"], one["entity"], one["entity_id"]) for one in changes] == [
        *(("create", "genre", "rock"), ("create", "genre", "pop"), ("create", "artist", "a")),
        *(("delete", "genre", "rock"), ("update", "artist", "a")),
    ]
    assert "document" not in changes[3]
    assert changes[4]["document"] == {"client": "A", "id": "a", "name": "a"}
    assert [one["status"] for one in told(data, "feed_run")] == ["succeeded", "partial", "failed"]
    ledger = [line["entity"] for line in lines(data) if "id" not in line][len(changes) :]
    assert ledger == [
        *("feed_run", "package_run", "package_run"),
        *("feed_run", "package_run", "package_run", "finding", "package_run", "finding"),
        *("feed_run", "finding"),
    ]
    assert [one["code"] for one in told(data, "finding")] == [
        *("already-exists", "id-missing", "no-packages"),
    ]
    keys = {key for line in lines(data) if "id" not in line for key in line["document"]}
    assert not {key for key in keys if key.endswith("_at") or key in {"id", "seq", "package_id"}}
    assert "digest" in keys


def test_history_tells_of_sets_that_are_no_longer_used(tmp_path: Path) -> None:
    """H1: a set stands before the first change that names it, so that every id can be resolved."""
    territories = "<Territories><Country>{}</Country></Territories>"
    engine = site(
        tmp_path,
        ("A", [named("Release", "r", territories.format("US"))]),
        ("A", [edited("Release", "r", territories.format("FR"))]),
    )
    entities = [line["entity"] for line in lines(exported(engine, history=True))]
    assert entities[:5] == ["territory_set", "release", "territory_set", "change", "change"]
    assert told(exported(engine, history=True), "territory_set") == [{"FR": []}, {"US": []}]


def test_history_ends_with_the_instant(tmp_path: Path) -> None:
    """H1: as of an instant no later change is told, and no run that began later."""
    engine = site(tmp_path, ("A", [named("Genre", "a"), named("Genre", "b")]))
    before = exported(engine, history=True)
    applied(engine, "A", named("Genre", "c"))
    assert exported(engine, at=instants(engine)[1], history=True) == before
    assert exported(engine, at=NOW, history=True) == exported(engine, history=True)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM territory_set", "DELETE FROM country_group_member"]
)
def test_a_lacking_territory_set_is_damage(tmp_path: Path, statement: str) -> None:
    """P36: sets are never deleted; an export that cannot tell one does not pass it over."""
    engine = site(tmp_path, ("A", SMALL))
    damage(engine, statement)
    with pytest.raises(ServiceError, match="damaged"):
        exported(engine, at=NOW)


def rebuilt(folder: Path) -> Engine:
    """A new site at ``folder`` that has applied what lies on its Stack."""
    engine = Engine.init(folder)
    assert all(run.status == "succeeded" for run in engine.run().runs)
    return engine


def test_a_feed_rebuilds_the_catalogue(tmp_path: Path) -> None:
    """Export as XML: one feed of one client, without a finding, gives equal bytes again."""
    engine = site(tmp_path / "a", ("A", ROUTES[1][0]), *(("A", feed) for feed in ROUTES[1][1:]))
    (feed,) = export_xml(engine.database, tmp_path / "b")
    again = rebuilt(tmp_path / "b")
    assert exported(again) == exported(engine)
    assert told(exported(again, history=True), "finding") == []
    assert feed.client == "A"
    assert len(list(feed.folder.glob("territories/*.xml"))) == len(
        told(exported(engine), "territory_set")
    )


def test_feeds_of_several_clients_come_in_an_order_that_works(tmp_path: Path) -> None:
    """P3: whoever refers to another client's object comes behind it; each keeps its client."""
    engine = site(
        tmp_path / "a",
        ("A", [GENRES]),
        ("B", [ARTIST, named("Label", "l")]),
        ("A", [RELEASE, TRACK]),
        ("B", [named("Release", "s", listed("Tracks", "t2") + listed("Artists", "ad/ele"))]),
        ("A", [named("Artist", "b", listed("Genres", "pop"))]),
    )
    feeds = export_xml(engine.database, tmp_path / "b")
    paths = [int(feed.path.rpartition("/")[2]) for feed in feeds]
    assert paths == sorted(paths)
    assert {feed.client for feed in feeds} == {"A", "B"}
    assert len(feeds) <= 8
    assert exported(rebuilt(tmp_path / "b")) == exported(engine)


def test_a_feed_in_another_name(tmp_path: Path) -> None:
    """Export as XML for one client: a single feed, and everything is that client's."""
    engine = site(tmp_path / "a", ("A", RICH[:3]), ("B", RICH[3:]))
    (feed,) = export_xml(engine.database, tmp_path / "b", "C")
    assert feed.client == "C"
    text = exported(engine).replace(b'"client":"A"', b'"client":"C"')
    assert exported(rebuilt(tmp_path / "b")) == text.replace(b'"client":"B"', b'"client":"C"')


def test_no_feed_of_an_empty_catalogue(tmp_path: Path) -> None:
    """P6: a feed without packages would fail, so there is none."""
    engine = site(tmp_path / "a")
    assert export_xml(engine.database, tmp_path / "b") == []
    assert not (tmp_path / "b").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The operator learns which folder it was, and nobody sees half a file."""
    engine = site(tmp_path / "a", ("A", SMALL))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServiceError, match=r"cannot write to .*file"):
        export_xml(engine.database, tmp_path / "file")
    with reading(engine.database) as connection, pytest.raises(ServiceError, match="cannot write"):
        export_parquet(connection, tmp_path / "file")


def test_parquet_holds_the_tables(tmp_path: Path) -> None:
    """One file a table, each row as it stands, with types that people can compute with."""
    engine = site(tmp_path / "a", ("A", RICH))
    with reading(engine.database) as connection:
        files = export_parquet(connection, tmp_path / "out")
    found = {file.stem: parquet.read_table(file) for file in files}
    kept = rows(engine)
    assert set(found) == set(kept) - {"change"}
    assert {name: table.num_rows for name, table in found.items()} == {
        name: len(kept[name]) for name in found
    }
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(
        f"{name}.parquet" for name in found
    )
    assert found["genre"]["name"].to_pylist() == ["Pop", "Rock & Roll"]
    release = found["release"].schema
    assert release.field("release_date").type == pa.date32()
    assert release.field("created_at").type == pa.timestamp("us", "UTC")
    assert release.field("duration_seconds").type == pa.int64()
    assert release.field("popularity").type == pa.string()
    assert not release.field("title").nullable
    assert release.field("label_id").nullable
    one = found["release"].filter(pa.compute.equal(found["release"]["id"], "r1")).to_pylist()[0]
    assert (one["release_date"], one["duration_seconds"]) == (date(2015, 11, 20), 2880)
    artist = found["artist"].to_pylist()[0]
    assert artist["popularity"] == "0.25"
    assert artist["created_at"] == datetime(2021, 3, 4, 12, 4, 21, 500_000, UTC)
    assert found["release_track"]["linked_seq"].to_pylist() == [
        row[-1] for row in kept["release_track"]
    ]


def test_parquet_of_an_empty_catalogue(tmp_path: Path) -> None:
    """A table without rows still has its columns."""
    engine = site(tmp_path / "a")
    with reading(engine.database) as connection:
        export_parquet(connection, tmp_path / "out")
    table = parquet.read_table(tmp_path / "out/track.parquet")
    assert (table.num_rows, "isrc" in table.column_names) == (0, True)
    assert check(engine.database) == []


def test_the_pieces_of_the_rich_site_are_used() -> None:
    """The tests' own catalogue holds every piece that its routes name."""
    assert {GENRES, ARTIST, RELEASE, TRACK, SINGLE, LIVE} == set(RICH)
