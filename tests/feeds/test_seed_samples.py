"""The samples of the protocol document: as they stand, and well-formed, through the engine."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import pytest

from feedengine.engine import Engine
from feedengine.errors import Finding
from feedengine.feeds.author import new_feed
from feedengine.feeds.entries import Manifest, Signature, StackEntry, parse_entry, parse_manifest

from . import seed_samples as seeds

if TYPE_CHECKING:
    from pathlib import Path

CURES: dict[str, tuple[tuple[str, str], ...]] = {
    "TERRITORY": (("<Schema>\n</xml>", "</Schema>\n</xml>"),),
    "GENRES": (("<Schema>\n</xml>", "</Schema>\n</xml>"),),
    "ARTIST": (
        ("0.2</Popuylarity>", "0.2</Popularity>"),
        ("<$size$>", "&lt;$size$&gt;"),
        ("&at=", "&amp;at="),
        ("&app=", "&amp;app="),
        ("<Item>\n                </Resource>", "</Item>\n                </Resource>"),
        ("<createdAt>", "</CreatedAt>"),
        ("1</Popuylarity>", "1</UpdatedCount>"),
        ("<Schema>\n</xml>", "</Schema>\n</xml>"),
    ),
    "RELEASE": (
        ("0.2</Popuylarity>", "0.2</Popularity>"),
        ("<$size$>", "&lt;$size$&gt;"),
        ("&at=", "&amp;at="),
        ("&app=", "&amp;app="),
        ("<Tracks>\n            <CreatedAt", "</Tracks>\n            <CreatedAt"),
        ("<createdAt>", "</CreatedAt>"),
        ("<Release>\n    <Schema>", "</Release>\n    </Schema>"),
    ),
    "TRACK": (
        ('<Release src="release.1.xml">', '<Release src="release.1.xml"/>'),
        ('<Release src="release.2.xml">', '<Release src="release.2.xml"/>'),
        ("&at=", "&amp;at="),
        ("&app=", "&amp;app="),
        ("<createdAt>", "</CreatedAt>"),
        ("<Track>\n    <Schema>", "</Track>\n    </Schema>"),
    ),
    "RELEASE_DELETE": (
        ("243676578<ID>", "243676578</ID>"),
        ("<Release>\n    <Schema>", "</Release>\n    </Schema>"),
    ),
    "RELEASE_UPDATE": (("<Tracks>\n        <Release>", "</Tracks>\n        </Release>"),),
    "TRACK_UPDATE": (("<Track>\n    </Schema>", "</Track>\n    </Schema>"),),
    "TRACK_DELETE": (("<Track>\n    </Schema>", "</Track>\n    </Schema>"),),
}
"""What each sample needs to be well-formed: what stands there, and what must."""


def package(inside: str, action: str = "Create") -> str:
    """A package around an object."""
    return f'<xml><Schema action="{action}">{inside}</Schema></xml>'


def cured(name: str) -> str:
    """A sample made well-formed, and nothing else."""
    text: str = getattr(seeds, name)
    for wrong, right in CURES[name]:
        assert text.count(wrong) == 1
        text = text.replace(wrong, right)
    return text


def updating(text: str, element: str) -> str:
    """A sample with the action it forgets."""
    return text.replace(f"<{element}>", f'<{element} action="Update">', 1)


SOURCES = {
    "genres/hiphop.xml": package("<Genre><ID>hip-hop</ID><Name>Hip/Hop</Name></Genre>", "View"),
    "genres/rock.xml": package("<Genre><ID>rock</ID><Name>Rock</Name></Genre>", "View"),
    "genres/artist.2.xml": package("<Artist><ID>2</ID><Name>Two</Name></Artist>", "View"),
    "territories.xml": package(
        "<Territories><Territory><Country>US</Country></Territory>"
        "<Territory><Country>GB</Country></Territory></Territories>",
        "View",
    ),
    "artists/152003.xml": package("<Artist><ID>152003</ID><Name>A</Name></Artist>", "View"),
    "artists/45092.xml": package("<Artist><ID>45092</ID><Name>B</Name></Artist>", "View"),
    **{
        f"tracks/{name}.xml": package(f"<Track><ID>{name}</ID><Title>T</Title></Track>", "View")
        for name in ("3458902", "3458903", "3458904", "track1")
    },
    **{
        f"release.{n}.xml": package(f"<Release><ID>{n}</ID><Title>R</Title></Release>", "View")
        for n in (1, 2)
    },
}
"""The files that the samples name with ``src``."""


class Outcome(NamedTuple):
    """What became of one package."""

    status: str
    findings: list[Finding]
    log: str

    def codes(self, severity: str) -> list[str]:
        """The codes of one severity, in order."""
        return [one.code for one in self.findings if one.severity == severity]


def run(root: Path, *packages: str) -> list[Outcome]:
    """What becomes of packages in one feed on disk, with the files that the samples name."""
    with Engine.init(root, settle_seconds=0.0, grace_seconds=0.0) as engine:
        feed = new_feed(root, "SonyMusicParser")
        for name, text in SOURCES.items():
            feed.add(text, name)
        for text in packages:
            feed.add(text)
        feed.stack()
        engine.run()
    with closing(sqlite3.connect(root / "catalogue.db")) as catalogue:
        rows = catalogue.execute("SELECT id, path, status FROM package_run ORDER BY id").fetchall()
        found = []
        for number, path, status in rows:
            wanted = ", ".join(name if name != "column" else "col" for name in Finding._fields)
            text = f"SELECT {wanted} FROM finding WHERE package_run_id = ? ORDER BY id"
            findings = [Finding(*row) for row in catalogue.execute(text, (number,))]
            (log,) = (feed.folder / path).parent.glob("*.log")
            found.append(Outcome(status, findings, log.read_text("utf-8")))
    return found


class Mistake(NamedTuple):
    """A place at which a sample stops being XML, and words of the cure."""

    line: int
    column: int
    message: str
    hint: str


MISTAKES: dict[str, list[Mistake]] = {
    "TERRITORY": [
        Mistake(19, 1, "'Schema', opened in line 18, is closed by 'xml'", "`</Schema>`"),
    ],
    "GENRES": [
        Mistake(15, 1, "'Schema', opened in line 14, is closed by 'xml'", "`</Schema>`"),
    ],
    "ARTIST": [
        Mistake(11, 28, "'Popularity', opened in line 11, is closed by", "</Popularity>"),
        Mistake(17, 78, "a bare <", "`<$size$>` must be `&lt;$size$&gt;`"),
        Mistake(54, 72, "a bare &", "`&` must be written `&amp;`"),
        Mistake(54, 84, "a bare &", "`&` must be written `&amp;`"),
        Mistake(56, 17, "'Item', opened in line 55, is closed by", "must be `</Item>`"),
        Mistake(59, 46, "'UpdatedCount', opened in line 59, is closed by", "</UpdatedCount>"),
        Mistake(60, 9, "'createdAt', opened in line 58", "`CreatedAt` is closed by `createdAt`"),
        Mistake(62, 1, "'Schema', opened in line 61, is closed by 'xml'", "`</Schema>`"),
    ],
    "RELEASE": [
        Mistake(7, 28, "'Popularity', opened in line 7, is closed by", "</Popularity>"),
        Mistake(34, 78, "a bare <", "`<$size$>` must be `&lt;$size$&gt;`"),
        Mistake(41, 68, "a bare &", "`&` must be written `&amp;`"),
        Mistake(41, 80, "a bare &", "`&` must be written `&amp;`"),
        Mistake(60, 1, "is closed by 'xml'", "`CreatedAt` is closed by `createdAt`"),
    ],
    "TRACK": [
        Mistake(18, 13, "'Release', opened in line 17, is closed by", "line 16 is never closed"),
        Mistake(27, 61, "a bare &", "`&` must be written `&amp;`"),
        Mistake(27, 73, "a bare &", "`&` must be written `&amp;`"),
        Mistake(45, 1, "is closed by 'xml'", "`<Track>` in line 43 must be `</Track>`"),
    ],
    "RELEASE_DELETE": [
        Mistake(7, 1, "is closed by 'xml'", "`<ID>` in line 4 must be `</ID>`"),
    ],
    "RELEASE_UPDATE": [
        Mistake(15, 5, "is closed by 'Schema'", "`<Tracks>` in line 13 must be `</Tracks>`"),
    ],
    "TRACK_UPDATE": [
        Mistake(15, 5, "is closed by 'Schema'", "`<Track>` in line 14 must be `</Track>`"),
    ],
    "TRACK_DELETE": [
        Mistake(6, 5, "is closed by 'Schema'", "`<Track>` in line 5 must be `</Track>`"),
    ],
}
"""The nine samples that are not well-formed, each with every mistake in it."""


@pytest.mark.parametrize("name", MISTAKES)
def test_nine_samples_are_not_well_formed(tmp_path: Path, name: str) -> None:
    """P11: as they stand: every mistake with its line, its column and its cure; nothing applied."""
    (outcome,) = run(tmp_path, getattr(seeds, name))
    assert outcome.status == "failed"
    assert set(outcome.codes("error")) == {"xml-malformed"}
    places = [(found.line, found.column) for found in outcome.findings]
    assert places == [(mistake.line, mistake.column) for mistake in MISTAKES[name]]
    for found, mistake in zip(outcome.findings, MISTAKES[name], strict=True):
        assert mistake.message in found.message
        assert mistake.hint in found.hint
        assert f"error xml-malformed P11 packages/01/package.xml:{mistake.line}:" in outcome.log


def test_the_stack_entry_of_the_document() -> None:
    """P2: the sample of a Stack entry is one."""
    signature = Signature(1, 2, 3)
    found = parse_entry(seeds.STACK_ENTRY.encode(), "1.xml", signature)
    assert found == StackEntry("1.xml", "SonyMusicParser", "2022/10/11/1666271452953", signature)


def test_the_manifest_of_the_document() -> None:
    """P6: the sample of a manifest is one, though it matches nothing beside it."""
    found = parse_manifest(seeds.MANIFEST.encode())
    assert found == Manifest("SonyMusicParser", "packages/*/*/package.xml")


def test_the_frames_of_the_document(tmp_path: Path) -> None:
    """P10: a tag and two frames with dots in them are no packages."""
    tag, frame, object_ = run(tmp_path, seeds.TAG, seeds.PACKAGE, seeds.OBJECT)
    assert tag.codes("error") == ["element-unknown"]
    assert set(frame.codes("error")) == {"schema-invalid"}
    assert set(object_.codes("error")) == {"schema-invalid", "id-missing", "field-required"}


def test_territory(tmp_path: Path) -> None:
    """Section 7: Territory is a View, which answers what was read."""
    (outcome,) = run(tmp_path, cured("TERRITORY"))
    assert outcome.status == "viewed"
    assert outcome.codes("warning") == ["offset-assumed"]
    assert "<EndDate>2022-10-30T07:12:00.000000Z</EndDate>" in outcome.log


def test_genres(tmp_path: Path) -> None:
    """Section 7: without an action `action-forbidden`; with Update the list is edited."""
    text = cured("GENRES")
    latin = package("<Genre><ID>latin</ID><Name>Latin</Name></Genre>")
    as_is, _, update, again = run(
        tmp_path, text, latin, updating(text, "Genres"), updating(text, "Genres")
    )
    assert as_is.codes("error") == ["action-forbidden"]
    assert as_is.findings[0].rule == "P24"
    assert update.status == again.status == "applied"
    assert not update.findings
    assert again.codes("warning") == ["pull-no-match"]


def test_artist(tmp_path: Path) -> None:
    """Section 7: Create is applied, Push and Increase with `sub-action-lenient`."""
    (outcome,) = run(tmp_path, cured("ARTIST"))
    assert outcome.status == "applied"
    assert outcome.codes("warning") == ["sub-action-lenient", "sub-action-lenient"]
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as catalogue:
        rows = catalogue.execute("SELECT value FROM artist_image WHERE position = 1").fetchall()
    assert rows == [("https://artwork-cdn....eart/00/000/007/0000000749_<$size$>.jpg",)]


def test_release(tmp_path: Path) -> None:
    """Section 7: Create is applied."""
    (outcome,) = run(tmp_path, cured("RELEASE"))
    assert outcome.status == "applied"
    assert not outcome.codes("error")
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as catalogue:
        rows = catalogue.execute("SELECT value FROM release_resource").fetchall()
    assert rows == [("https://itunes.apple.com...60760626?uo=4&at=1010lo7f&app=itunes",)]


def test_track(tmp_path: Path) -> None:
    """Section 7: Create is applied, with `sub-action-lenient` and two `empty-item`."""
    (outcome,) = run(tmp_path, cured("TRACK"))
    assert outcome.status == "applied"
    assert outcome.codes("warning").count("empty-item") == 2
    assert outcome.codes("warning").count("sub-action-lenient") == 2


def test_release_delete(tmp_path: Path) -> None:
    """Section 7: Delete is applied when the release exists."""
    missing, _, outcome = run(
        tmp_path,
        cured("RELEASE_DELETE"),
        package("<Release><ID>243676578</ID><Title>T</Title></Release>"),
        cured("RELEASE_DELETE"),
    )
    assert missing.codes("error") == ["not-found"]
    assert outcome.status == "applied"
    assert not outcome.findings


def test_release_update(tmp_path: Path) -> None:
    """Section 7: without an action `action-forbidden`; with Update it is applied."""
    text = cured("RELEASE_UPDATE")
    as_is, _, update = run(
        tmp_path,
        text,
        package("<Release><ID>Hello</ID><Title>T</Title></Release>"),
        updating(text, "Release"),
    )
    assert set(as_is.codes("error")) == {"action-forbidden"}
    assert 'action="Update"' in as_is.findings[0].hint
    assert update.status == "applied"
    assert update.codes("warning") == ["pull-no-match"]


def test_track_update(tmp_path: Path) -> None:
    """Section 7: the empty Pull is `pull-empty`, the empty Push `field-required`."""
    _, outcome = run(
        tmp_path,
        package("<Track><ID>123445</ID><Title>T</Title></Track>"),
        cured("TRACK_UPDATE"),
    )
    assert outcome.status == "failed"
    assert set(outcome.codes("error")) == {"pull-empty", "field-required"}


def test_release_counter(tmp_path: Path) -> None:
    """Section 7: well-formed as it stands; `pull-empty` and `field-required` too."""
    _, outcome = run(
        tmp_path,
        package("<Release><ID>12301928</ID><Title>T</Title></Release>"),
        seeds.RELEASE_COUNTER,
    )
    assert outcome.status == "failed"
    assert set(outcome.codes("error")) == {"pull-empty", "field-required"}


def test_release_setting(tmp_path: Path) -> None:
    """Section 7: Placement is applied when the release exists."""
    missing, _, outcome = run(
        tmp_path,
        seeds.RELEASE_SETTING,
        package(
            "<Release><ID>12301928</ID><Title>T</Title><Territories><Territory><Country>US"
            "</Country></Territory></Territories></Release>"
        ),
        seeds.RELEASE_SETTING,
    )
    assert missing.codes("error") == ["not-found"]
    assert outcome.status == "applied"
    assert not outcome.findings


def test_track_delete(tmp_path: Path) -> None:
    """Section 7: Delete is applied when the track exists."""
    missing, _, outcome = run(
        tmp_path,
        cured("TRACK_DELETE"),
        package("<Track><ID>12301928</ID><Title>T</Title></Track>"),
        cured("TRACK_DELETE"),
    )
    assert missing.codes("error") == ["not-found"]
    assert outcome.status == "applied"
    assert not outcome.findings
