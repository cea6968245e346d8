"""Validation: packages, feeds and Stack entries judged, nothing applied."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.engine import Engine
from feedengine.errors import Finding, UsageError
from feedengine.feeds.author import FeedWriter, new_feed
from feedengine.validating import Validated, validate, validated

if TYPE_CHECKING:
    from collections.abc import Iterator

ARTIST = "<Artist><ID>a</ID><Name>Adele</Name></Artist>"
RELEASE = """<Release><ID>r</ID><Title>25</Title><Artists><Artist><ID>a</ID></Artist></Artists>
<Tracks><Track><ID>t</ID><Title>Hello</Title></Track></Tracks></Release>"""


def package(inside: str, action: str = "Create") -> str:
    """A package around an object."""
    return f'<xml><Schema action="{action}">{inside}</Schema></xml>'


@pytest.fixture
def feed(tmp_path: Path) -> FeedWriter:
    """An empty feed in a root that is no site."""
    return new_feed(tmp_path, "Sony", milliseconds=1_666_271_452_953)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A site at the same root."""
    with Engine.init(tmp_path, settle_seconds=0.0, grace_seconds=0.0) as made:
        yield made


def only(results: list[Validated]) -> Validated:
    """The one result."""
    (result,) = results
    return result


def rows(root: Path) -> dict[str, list[Any]]:
    """Everything in the catalogue's tables."""
    with closing(sqlite3.connect(root / "catalogue.db")) as catalogue:
        names = catalogue.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: catalogue.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2').fetchall()
            for (name,) in names
            if len(catalogue.execute(f'PRAGMA table_info("{name}")').fetchall()) > 1
        }


def codes(results: list[Validated]) -> list[list[str]]:
    """The codes of each result."""
    return [[found.code for found in one.findings] for one in results]


def test_a_good_package_has_no_findings(feed: FeedWriter) -> None:
    """A package is judged without any site."""
    path = feed.add(package(ARTIST))
    assert validate([path]) == [Validated(str(path), "package", [], [])]


def test_every_finding_of_a_package_at_once(feed: FeedWriter) -> None:
    """Section 6: each has line, column, XPath, rule and hint."""
    path = feed.add(
        '<xml>\n <Schema action="Create">\n  <Release>\n   <ID>1</ID>\n   <Titel>x</Titel>\n'
        "   <ReleaseDate>1/2/2000</ReleaseDate>\n   <Territories>\n"
        "    <Territory><Country>US</Country></Territory>\n"
        "    <Territory><Country>ZZ</Country></Territory>\n   </Territories>\n"
        "  </Release>\n </Schema>\n</xml>"
    )
    found = {one.code: one for one in only(validate([path])).findings}
    file = "packages/01/package.xml"
    assert found["element-unknown"][:7] == (
        *("error", "element-unknown", "P15", file, 5, 4),
        "/xml/Schema/Release/Titel",
    )
    assert found["element-unknown"].hint == "<Title> is the nearest"
    assert found["value-invalid"][2:7] == ("P16", file, 6, 4, "/xml/Schema/Release/ReleaseDate")
    where = "/xml/Schema/Release/Territories/Territory[2]/Country"
    assert found["country-unknown"][2:7] == ("P18", file, 9, 16, where)
    assert found["field-required"][2:7] == ("P20", file, 3, 3, "/xml/Schema/Release")
    assert set(found) == {"element-unknown", "value-invalid", "country-unknown", "field-required"}
    assert all(one.hint for one in found.values())


def test_sources_are_found_as_the_engine_finds_them(feed: FeedWriter) -> None:
    """P40: the feed of a package is the nearest folder above with a manifest."""
    feed.add(package("<Genre><ID>rock</ID><Name>Rock</Name></Genre>", "View"), "genres/rock.xml")
    results = []
    for src in ("genres/rock.xml", "genres/rock", "../../../genres/rock.xml", "genres/pop"):
        genres = f'<Genres><Genre src="{src}"/></Genres>'
        path = feed.add(package(f"<Artist><ID>1</ID><Name>A</Name>{genres}</Artist>"))
        results += validate([path])
    assert codes(results) == [[], [], ["source-outside"], ["source-missing"]]


def test_a_package_without_a_feed_is_judged_in_its_own_folder(tmp_path: Path) -> None:
    """P40: without a manifest above, the folder of the package is all there is."""
    (tmp_path / "rock.xml").write_text(package("<Genre><ID>1</ID><Name>R</Name></Genre>", "View"))
    (tmp_path / "p.xml").write_text(
        package('<Artist><ID>1</ID><Name>A</Name><Genres><Genre src="rock"/></Genres></Artist>')
    )
    assert codes(validate([tmp_path / "p.xml"])) == [[]]


def test_a_path_as_the_current_folder_sees_it(
    feed: FeedWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is shown as it was given."""
    path = feed.add(package(ARTIST))
    monkeypatch.chdir(path.parent)
    assert validate([Path("package.xml")]) == [Validated("package.xml", "package", [], [])]
    assert validate([Path("../01/package.xml")])[0].findings == []
    monkeypatch.chdir(feed.folder)
    assert [one.path for one in validate([Path()])] == [".", "./packages/01/package.xml"]


def test_a_link_is_refused_as_the_engine_refuses_it(feed: FeedWriter) -> None:
    """P40: a package that is a symbolic link is `source-outside`."""
    path = feed.add(package(ARTIST))
    link = path.with_name("link.xml")
    link.symlink_to(path)
    assert codes(validate([link])) == [["source-outside"]]


def test_what_is_not_there_is_the_callers_mistake(tmp_path: Path) -> None:
    """A path where nothing is, is no finding."""
    with pytest.raises(UsageError, match="is not there"):
        validate([tmp_path / "nothing.xml"])


def test_strict_refuses_what_is_else_read_leniently(feed: FeedWriter, engine: Engine) -> None:
    """P31: by the argument, or for the client by the settings."""
    path = feed.add(package("<Artist><ID>1</ID><Name>A</Name><View action='push'/></Artist>"))
    path.write_text(
        package("<Artist><ID>1</ID><Name>A</Name><View action='increase'>1</View></Artist>")
    )
    assert codes(validate([path])) == [["sub-action-lenient"]]
    assert codes(validate([path], strict=True)) == [["action-forbidden"]]
    settings = engine.settings.but(strict_clients=("Sony",))
    assert codes(validate([path], settings)) == [["action-forbidden"]]
    settings = engine.settings.but(strict_clients=("Other",))
    assert codes(validate([path], settings)) == [["sub-action-lenient"]]


def test_what_the_schema_alone_rejects_is_explained(feed: FeedWriter) -> None:
    """Section 6: both schema processors are heard, each with line, column and XPath."""
    path = feed.add(
        package(
            "<Artist><ID>1</ID><Name>A</Name><Images><Image><Value>v</Value>\n"
            "  <Resolution><Width>8</Width>px</Resolution></Image></Images></Artist>"
        )
    )
    findings = only(validate([path])).findings
    assert [found.code for found in findings] == ["schema-invalid", "schema-invalid"]
    where = "/xml/Schema/Artist/Images/Image/Resolution"
    assert [found[4:7] for found in findings] == [(2, 3, where)] * 2
    assert "character data" in findings[1].message


def test_a_feed_and_each_of_its_packages(feed: FeedWriter) -> None:
    """P6: a feed is its manifest, then every package in natural order."""
    for number in range(11):
        feed.add(package(f"<Label><ID>{number}</ID><Name>L</Name></Label>"))
    feed.add("<xml>")
    results = validate([feed.folder])
    assert [one.kind for one in results] == ["feed"] + ["package"] * 12
    assert results[0] == Validated(str(feed.folder), "feed", [], [])
    assert results[3].path == f"{feed.folder}/packages/03/package.xml"
    assert [found.code for found in results[12].findings] == ["xml-malformed"]
    assert codes(results[:12]) == [[]] * 12
    assert validate([feed.folder / "manifest.xml"]) == results


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        (None, "manifest-missing"),
        ("<xml>", "manifest-missing"),
        ('<xml><Packages path="*"/></xml>', "client-mismatch"),
        ('<xml><Client>A</Client><Packages path="../*"/></xml>', "no-packages"),
        ('<xml><Client>A</Client><Packages path="*/*/*/package.xml"/></xml>', "no-packages"),
        ("<!DOCTYPE xml><xml/>", "manifest-missing"),
    ],
)
def test_a_feed_that_cannot_be_taken(feed: FeedWriter, manifest: str | None, code: str) -> None:
    """P4, P6: what is wrong with a manifest is the feed's finding, and no package is judged."""
    feed.add(package(ARTIST))
    file = feed.folder / "manifest.xml"
    file.unlink()
    if manifest is not None:
        file.write_text(manifest)
    result = only(validate([feed.folder]))
    assert result.kind == "feed"
    assert [found.code for found in result.findings] == [code]
    assert result.findings[0].file == "manifest.xml"


def test_an_entry_its_feed_and_its_packages(feed: FeedWriter) -> None:
    """P2: a Stack entry is followed to its feed, in Stack/ and where it goes from there."""
    feed.add(package(ARTIST))
    entry = feed.stack()
    failed = entry.parent / "failed" / entry.name
    failed.parent.mkdir()
    failed.write_bytes(entry.read_bytes())
    for path in (entry, failed):
        results = validate([path])
        assert [one.kind for one in results] == ["entry", "feed", "package"]
        assert results[0] == Validated(str(path), "entry", [], [])
        assert results[1].path == str(feed.folder)
        assert codes(results) == [[], [], []]


def test_an_entry_is_known_wherever_it_lies(feed: FeedWriter, engine: Engine) -> None:
    """A file that names a feed is an entry, and its site's feeds are looked in."""
    feed.add(package(ARTIST))
    entry = feed.stack()
    moved = engine.settings.but(stack_path=Path("queue"), feeds_path=None)
    moved.stack.mkdir()
    entry.rename(moved.stack / entry.name)
    assert codes(validate([moved.stack / entry.name], moved)) == [[], [], []]
    elsewhere = feed.folder / "entry.xml"
    elsewhere.write_bytes((moved.stack / entry.name).read_bytes())
    assert codes(validate([elsewhere])) == [["feed-missing"]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<xml><Client>A</Client></xml>", "entry-invalid"),
        ("<xml><Client>A</Client", "entry-invalid"),
        ('<xml><Client>A</Client><Feed path="../elsewhere"/></xml>', "entry-invalid"),
        ('<xml><Client>A</Client><Feed path="/not/there"/></xml>', "feed-missing"),
        ("", "entry-invalid"),
    ],
)
def test_an_entry_that_is_none(tmp_path: Path, text: str, code: str) -> None:
    """P2, P4: what is in Stack/ is an entry, whatever it holds."""
    (tmp_path / "Stack").mkdir()
    (tmp_path / "Feeds").mkdir()
    path = tmp_path / "Stack" / "1.xml"
    path.write_text(text)
    result = only(validate([path], Engine.init(tmp_path).settings))
    assert result.kind == "entry"
    assert [found.code for found in result.findings] == [code]


def test_an_entry_whose_feed_is_behind_a_link(feed: FeedWriter) -> None:
    """P2: a feed is never reached through a symbolic link."""
    entry = feed.stack()
    feed.folder.rename(feed.folder.with_name("moved"))
    feed.folder.symlink_to("moved")
    assert codes(validate([entry])) == [["entry-invalid"]]


def test_an_entry_and_a_manifest_of_different_clients(feed: FeedWriter) -> None:
    """P6: Stack and manifest must name the same client."""
    feed.add(package(ARTIST))
    entry = feed.stack()
    entry.write_text(entry.read_text().replace("Sony", "Other"))
    assert codes(validate([entry])) == [[], ["client-mismatch"]]


def test_the_plan_of_a_feed(feed: FeedWriter, engine: Engine, tmp_path: Path) -> None:
    """Each package sees what the one before left; the catalogue stays as it was."""
    feed.add(package(ARTIST))
    feed.add(package(RELEASE))
    feed.add(package("<Release><ID>r</ID><Title>26</Title><Artists/></Release>", "Update"))
    feed.add(package(ARTIST))
    feed.add(package("<Release><ID>r</ID></Release>", "View"))
    feed.add(package("<Release><ID>r</ID></Release>", "Delete"))
    before = rows(tmp_path)
    results = validate([feed.folder], against=engine)
    assert [one.plan for one in results] == [
        [],
        ["create artist a"],
        ["create release r", "create track t", "create release_track r/t"],
        ["update release r: artist, title"],
        [],
        [],
        ["delete release r", "delete release_track r/t"],
    ]
    assert codes(results) == [[], [], [], [], ["already-exists"], [], []]
    assert results[4].findings[0][2:7] == (
        *("P20", "packages/04/package.xml", 1, 30),
        "/xml/Schema/Artist",
    )
    assert rows(tmp_path) == before


def test_a_plan_of_many_batches(feed: FeedWriter, engine: Engine, tmp_path: Path) -> None:
    """More than one batch gives the same results, and leaves as little behind."""
    feed.add(package(ARTIST))
    feed.add(package(RELEASE))
    feed.add(package("<Track><ID>t</ID><Title>Hi</Title><View>1</View></Track>", "Update"))
    feed.add(package("<Track><ID>t</ID><View operator='Increase'>2</View></Track>", "Update"))
    feed.add(package("<Track><ID>t</ID><View operator='Decrease'>4</View></Track>", "Update"))
    before = rows(tmp_path)
    whole = validate([feed.folder], against=engine)
    small = engine.settings.but(batch_packages=1)
    assert validate([feed.folder], small, against=engine) == whole
    assert [one.plan for one in whole][3:] == [["update track t: title, view"]] * 1 + [
        ["update track t: view"],
        [],
    ]
    assert codes(whole)[-1] == ["below-zero"]
    assert rows(tmp_path) == before


def test_a_walk_that_is_left_early(feed: FeedWriter, engine: Engine, tmp_path: Path) -> None:
    """Results come one by one; who stops half-way leaves nothing behind, and no lock."""
    for number in range(5):
        feed.add(package(f"<Label><ID>{number}</ID><Name>L</Name></Label>"))
    before = rows(tmp_path)
    small = engine.settings.but(batch_packages=1)
    walk = validated([feed.folder], small, against=engine)
    assert next(walk).kind == "feed"
    assert next(walk).plan == ["create label 0"]
    walk.close()  # type: ignore[attr-defined]
    assert rows(tmp_path) == before
    feed.stack()
    assert engine.run().runs[0].applied == 5


def test_packages_one_by_one_see_each_other(feed: FeedWriter, engine: Engine) -> None:
    """Packages of one feed that are asked for together are decided together, in that order."""
    first, second = feed.add(package(ARTIST)), feed.add(package(RELEASE))
    assert codes(validate([second], against=engine)) == [["reference-unknown"]]
    results = validate([first, second], against=engine)
    assert [one.path for one in results] == [str(first), str(second)]
    assert codes(results) == [[], []]


def test_paths_of_several_feeds(feed: FeedWriter, engine: Engine, tmp_path: Path) -> None:
    """Feeds that are asked for together see what those before them left."""
    first = feed.add(package(ARTIST))
    other = new_feed(tmp_path, "Sony", milliseconds=1_666_271_452_954)
    second = other.add(package(RELEASE))
    assert codes(validate([first, second, feed.folder], against=engine)) == [
        [],
        [],
        [],
        ["already-exists"],
    ]


def test_what_was_applied_before_is_skipped(feed: FeedWriter, engine: Engine) -> None:
    """P9: the plan of a feed that has run says what a second run would do."""
    first = feed.add(package(ARTIST))
    feed.stack()
    engine.run()
    assert only(validate([first], against=engine)).plan == [
        "skip it: it was applied before, and is unchanged"
    ]
    first.write_text(package("<Artist><ID>b</ID><Name>B</Name></Artist>"))
    assert only(validate([first], against=engine)).plan == ["create artist b"]


def test_a_late_feed_is_told(feed: FeedWriter, engine: Engine, tmp_path: Path) -> None:
    """G2: by its name a feed is older than the one that last changed the object."""
    later = new_feed(tmp_path, "Sony", milliseconds=1_666_271_452_999)
    later.add(package(ARTIST))
    later.stack()
    engine.run()
    path = feed.add(package("<Artist><ID>a</ID><Name>Old</Name></Artist>", "Update"))
    assert codes(validate([path], against=engine)) == [["older-than-last-change"]]
    refusing = engine.settings.but(late_feeds="refuse")
    assert codes(validate([path], refusing, against=engine)) == [["stale"]]


def test_a_feed_that_would_be_held_is_told(feed: FeedWriter, engine: Engine) -> None:
    """G1: a mass deletion is a finding of the feed."""
    for number in range(4):
        feed.add(package(f"<Label><ID>{number}</ID><Name>L</Name></Label>"))
    feed.stack()
    engine.run()
    doomed = new_feed(engine.settings.root, "Sony")
    for number in range(4):
        doomed.add(package(f"<Label><ID>{number}</ID></Label>", "Delete"))
    wary = engine.settings.but(hold_count=2)
    results = validate([doomed.folder], wary, against=engine)
    assert codes(results) == [["feed-held"], [], [], [], []]
    assert results[1].plan == ["delete label 0"]


def test_findings_are_the_engines(feed: FeedWriter, engine: Engine) -> None:
    """What `validate` finds, a run finds too, word for word."""
    feed.add(package("<Artist><ID>1</ID><Name>A</Name><Views>3</Views></Artist>"))
    feed.add(package("<Track><ID>1</ID></Track>", "Update"))
    feed.add("<xml><Schema>&who;</xml>")
    entry = feed.stack()
    promised = [one for result in validate([entry], against=engine) for one in result.findings]
    engine.run()
    with closing(sqlite3.connect(engine.settings.root / "catalogue.db")) as catalogue:
        wanted = ", ".join(name if name != "column" else "col" for name in Finding._fields)
        found = catalogue.execute(f"SELECT {wanted} FROM finding ORDER BY id").fetchall()
    assert [Finding(*row) for row in found] == promised
