"""Bytes become a tree, or the faults that say why not; a package is all the files that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feedengine.errors import Fault, Finding, Place
from feedengine.feeds import document as module
from feedengine.feeds.document import (
    Document,
    Limits,
    Loader,
    file_findings,
    read_file,
)
from feedengine.feeds.encodings import declared, line_column, undeclared, utf8
from feedengine.feeds.folder import FeedFolder
from feedengine.feeds.malformed import MOST_TROUBLES, diagnose
from feedengine.feeds.parse import parse
from feedengine.feeds.places import LONGEST_XPATH, WHOLE, deeper, spots
from feedengine.model.faults import MOST_FINDINGS
from tests.faults.attacks import ATTACKS, BEYOND, HARMLESS, SOURCES

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = Limits()


def document_of(data: bytes | str, limits: Limits = LIMITS) -> Document:
    """A package that is one file."""
    found = read_file("p.xml", data.encode() if isinstance(data, str) else data, limits)
    return Document("p.xml", {"p.xml": found}, found.digest, limits)


def findings(data: bytes | str, limits: Limits = LIMITS) -> list[Finding]:
    """Everything found in it."""
    document = document_of(data, limits)
    return document.findings(parse(document).faults)


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in SOURCES])
def test_an_attack_is_refused_before_it_is_parsed(name: str) -> None:
    """P11: the same in one process as through a feed on disk."""
    if not name.endswith("-beyond-measure"):
        codes = {one.code for one in findings(ATTACKS[name].data()) if one.severity == "error"}
        assert codes == ATTACKS[name].codes
        assert (name not in BEYOND) or codes == {"too-large"}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_one_is_read(name: str) -> None:
    """P11: and has no findings."""
    text, wanted = HARMLESS[name]
    document = document_of(text)
    parsed = parse(document)
    assert parsed.faults == []
    root = document.files["p.xml"].root
    assert root is not None
    assert "".join(root.itertext("Name")) == wanted


MISTAKES = [
    ("<a>\n  x & y</a>", 2, 5, "a bare & stands in the text", "`&` must be written `&amp;`"),
    ("<a>?uo=4&at=1</a>", 1, 9, "a bare &", "`&amp;`"),
    ("<a>AT&T</a>", 1, 6, "a bare &", "`&amp;`"),
    ("<a b='?a&b'/>", 1, 9, "a bare &", "`&amp;`"),
    ("<a>é &nbsp; ü</a>", 1, 6, "the entity '&nbsp;' is none of the five", "&amp; &lt; &gt;"),
    ("<a b='&amp;&copy;'/>", 1, 12, "the entity '&copy;'", "&amp; &lt; &gt;"),
    ("<a>&#xFFFF;</a>", 1, 4, "'&#xFFFF;' stands for no character", "leave it out"),
    ("<a>&#99x;</a>", 1, 4, "stands for no character", "`&amp;`"),
    ("<a>_<$size$>.jpg</a>", 1, 5, "a bare <", "`<$size$>` must be `&lt;$size$&gt;`"),
    ("<a>1 < 2</a>", 1, 6, "a bare <", "`<` must be written `&lt;`"),
    ("<a b='<'/>", 1, 7, "a bare <", "or the tag before it lacks its `>`"),
    ("<a><b</a>", 1, 6, "a character that XML does not allow", "quotes"),
    ("<a b=c/>", 1, 6, "a character that XML does not allow", "quotes"),
    ("<a><B>1</b></a>", 1, 8, "'B', opened in line 1, is closed by 'b'", "</B> is wanted here"),
    ("<a>\n<b>1<b>\n</a>", 3, 1, "is closed by 'a'", "`<b>` in line 2 must be `</b>`"),
    ("<a>\n<B>1<b>\n</a>", 3, 1, "is closed by 'a'", "`B` is closed by `b`"),
    ("<a>\n<b x='1'><b x='2'>\n</a>", 3, 1, "is closed by", "never closed; <b> of line 2"),
    ("<a><c><b></b></x></c></a>", 1, 14, "'c', opened in line 1", "no <x> is open here"),
    ("<a>\n<b>1<b>", 2, 8, "the document ends", "`<b>` in line 2 must be `</b>`"),
    ("<a><b>", 1, 7, "the document ends; 'b', opened in line 1, is open", "never closed"),
    (
        "<a><b><c><d><e><f><g>",
        1,
        22,
        "the document ends; 'g'",
        "<e> of line 1 is never closed; and",
    ),
    ("  ", 1, 1, "the file is empty", "write the document"),
    ("<!-- nothing -->", 1, 17, "the document holds no element", "<xml>"),
    ("hello", 1, 1, "this is no XML element", "<xml>"),
    ("<a/><b/>", 1, 5, "something follows the end", "one root element"),
    ("\n<?xml version='1.0'?><a/>", 2, 1, "an XML declaration stands inside", "nothing may stand"),
    ("<?xml version='1.0' x='y'?><a/>", 1, 21, "the XML declaration is not right", "leave it"),
    ("<a b='1' b='2'/>", 1, 10, "an attribute is given twice", "give it once"),
    ("<a><![CDATA[x", 1, 4, "ends inside a CDATA section", "cut off"),
    ("<a b='1", 1, 1, "ends inside a tag", "cut off"),
    ("<a>\x07</a>", 1, 4, "a character that XML does not allow", "control characters"),
    ("<ä><ö>é</o></ä>", 1, 8, "'ö', opened in line 1, is closed by 'o'", "</ö> is wanted"),
    ("<ä><ö>é</ü></ä>", 1, 8, "'ö', opened in line 1, is closed by 'ü'", "</ö> is wanted"),
    ("<a>\r<b>\r\n<c></b>\r</a>", 3, 4, "'c', opened in line 3, is closed by 'b'", "line 3"),
    ("<x:a/>", 1, 1, "Namespace prefix x on a is not defined", "Correct the place"),
    ("<a><×/></a>", 1, 4, "StartTag: invalid element name", "Correct the place"),
    ("<a>é<b/><é/><é></é></b></a>", 1, 20, "'a', opened in line 1, is closed by 'b'", "no <b>"),
]
"""Documents, where the mistake begins, and what is said of it."""


@pytest.mark.parametrize(("text", "line", "column", "message", "hint"), MISTAKES)
def test_a_mistake_has_its_place_and_its_cure(
    text: str, line: int, column: int, message: str, hint: str
) -> None:
    """P11: line and column of the beginning of what is wrong, from 1."""
    first = findings(text)[0]
    assert (first.line, first.column) == (line, column)
    assert message in first.message
    assert hint in first.hint


def test_every_mistake_of_a_document_is_told() -> None:
    """P11: what is wrong is left out, and the rest is read on; up to twenty."""
    text = "<a>\n&b <$c$>\n<d>1</D>\n<e>\n</a>"
    assert [(one.line, one.column) for one in findings(text)] == [(2, 1), (2, 4), (3, 5), (5, 1)]
    assert len(findings("<a>" + "&x " * 50 + "</a>")) == MOST_TROUBLES


def test_of_a_large_document_the_first_mistake_is_told() -> None:
    """P11: reading on costs as much again, each time."""
    assert len(findings("<a>&x &y" + " " * 2_000_000 + "</a>")) == 1


def test_what_the_second_parser_accepts_is_no_mistake() -> None:
    """P11: names that only XML's fifth edition allows are names."""
    assert diagnose("<𝐀>&amp;é</𝐀>".encode()) == []


def test_an_encoding_is_what_a_document_says_it_is() -> None:
    """P11: the mark, then the declaration, then UTF-8; every document comes out as UTF-8."""
    assert utf8(b"\xff\xfe" + "<é/>".encode("utf-16-le")) == "<é/>".encode()
    large = '<?xml version="1.0" encoding="ISO-8859-1"?>' + "é" * 3_000_000
    assert utf8(large.encode("iso-8859-1")) == large.encode()
    assert utf8(("ü" * 3_000_000).encode()) == ("ü" * 3_000_000).encode()
    assert declared(b"<?xml version='1.0' encoding = 'X-Y' ?>") == "x-y"
    assert declared(b"<?xml-stylesheet encoding='x'?>") is None
    assert undeclared(b"<?xml\n version='1.0'?><a/>") == b"     \n" + b" " * 16 + b"<a/>"
    assert undeclared(b"<a/>") == b"<a/>"


def test_a_byte_that_is_none_has_its_place() -> None:
    """P11: line and column count characters, however many bytes those take."""
    (found,) = findings("<a>\nüü".encode() + b"\xff</a>")
    assert (found.code, found.line, found.column) == ("encoding-invalid", 2, 3)
    (found,) = findings(b"\xfe\xff" + "<a>\nü".encode("utf-16-be") + b"\xdc\x00")
    assert (found.code, found.line, found.column) == ("encoding-invalid", 2, 2)
    assert line_column("a\rb\r\ncé\nx".encode(), 9) == (4, 1)


def test_an_element_has_its_place_and_its_xpath() -> None:
    """Section 6: XPath numbers only where there are several."""
    data = "<a><b/><ç>\n é<d/><d x='é'><𝐞/></d></ç><b/></a>".encode()
    assert spots(data, {(0,), (0, 1), (0, 1, 1), (0, 1, 1, 0), (0, 2), (0, 9)}) == {
        (0,): (1, 1, "/a"),
        (0, 1): (1, 8, "/a/ç"),
        (0, 1, 1): (2, 7, "/a/ç/d[2]"),
        (0, 1, 1, 0): (2, 16, "/a/ç/d[2]/𝐞"),
        (0, 2): (2, 28, "/a/b[2]"),
    }
    assert spots(b"<a><b></a>", {(0, 0)}) == {(0, 0): (1, 4, "/a/b")}
    names = "".join(f"<{'x' * 90}>" for _ in range(20))
    (deep,) = spots(names.encode(), {(0,) * 20}).values()
    assert len(deep.xpath) == LONGEST_XPATH + 1
    (long,) = spots(f"<{'x' * 300}/>".encode(), {(0,)}).values()
    assert len(long.xpath) == 201
    assert deeper(b"<a><b/></a>", 2) == WHOLE


def test_too_deep_says_where(tmp_path: Path) -> None:
    """P11: of what is valid too, and of what a Delete passes over."""
    inside = (
        "<Tracks><Track><ID>1</ID><Title>t</Title><Releases><Release><ID>1</ID><Title>t</Title>"
    )
    ends = "</Release></Releases></Track></Tracks>"
    text = f"<Release><ID>1</ID><Title>t</Title>{inside * 20}{ends * 20}</Release>"
    for action in ("Create", "Delete"):
        (found,) = [
            one
            for one in findings(f'<xml><Schema action="{action}">\n{text}</Schema></xml>')
            if one.severity == "error"
        ]
        assert (found.code, found.line) == ("too-deep", 2)
        assert found.xpath.count("/") == LIMITS.depth + 1
    assert findings("<a><a><a/></a></a>", Limits(depth=2))[0].code == "too-deep"
    assert tmp_path.is_dir()


def test_no_more_findings_than_a_person_reads() -> None:
    """Section 6: errors go first; the last one says how many more there are."""
    document = document_of("<xml><a/></xml>")
    place: Place = ((None, "p.xml"), 0)
    warning = Fault("empty-item", "P15", place, "w")
    error = Fault("value-invalid", "P16", place, "e")
    found = document.findings([warning] * MOST_FINDINGS + [error])
    assert len(found) == MOST_FINDINGS
    assert [one.code for one in found[-2:]] == ["empty-item", "value-invalid"]
    assert found[-1].message == "e (and 1 findings more, 0 of them errors)"


def test_a_file_is_shown_safely() -> None:
    """Section 6: names of files are text from a feed as well."""
    fault = Fault("feed-missing", "P4", (None, "a\nb\udcff"), "x")
    assert file_findings([fault], b"")[0].file == "a\\u000ab\\udcff"
    fault = Fault("entry-invalid", "P2", ((None, "1.xml"), 0), "x")
    assert file_findings([fault], "\ufeff\n<xml/>".encode("utf-16-le"))[0][4:7] == (2, 1, "/xml")
    assert file_findings([fault], b"\xff<xml/>")[0].line == 0


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A feed's folder."""
    (tmp_path / "feed").mkdir()
    return tmp_path / "feed"


def put(feed: Path, name: str, inside: str) -> None:
    """Write a file of a feed."""
    (feed / name).parent.mkdir(parents=True, exist_ok=True)
    (feed / name).write_text(f'<xml><Schema action="Upsert">{inside}</Schema></xml>')


def track(name: str, *sources: str, inside: str = "") -> str:
    """A track that names files of releases."""
    releases = "".join(f'<Release src="{src}"/>' for src in sources)
    return f"<Track><ID>{name}</ID><Title>T</Title><Releases>{releases}</Releases>{inside}</Track>"


def release(name: str, *sources: str) -> str:
    """A release that names files of tracks."""
    tracks = "".join(f'<Track src="{src}"/>' for src in sources)
    return f"<Release><ID>{name}</ID><Title>R</Title><Tracks>{tracks}</Tracks></Release>"


def loaded(feed: Path, path: str = "p.xml", limits: Limits = LIMITS) -> Document:
    """A package with all its files."""
    with FeedFolder.open(feed.parent, feed.name) as folder:
        return Loader(folder, limits).load(path)


def codes(document: Document) -> list[str]:
    """What is wrong with a package."""
    return [fault.code for fault in parse(document).faults if fault.code != "sub-action-lenient"]


def test_files_are_looked_for_from_the_package(feed: Path) -> None:
    """P40: also those that another file names; from its folder, then from the feed's."""
    put(feed, "packages/1/p.xml", track("1", "r"))
    put(feed, "packages/1/r.xml", release("near", "tracks/t.xml"))
    put(feed, "r.xml", release("far"))
    put(feed, "tracks/t.xml", "<Track><ID>2</ID><Title>T</Title></Track>")
    document = loaded(feed, "packages/1/p.xml")
    assert document.sources == {"r": "packages/1/r.xml", "tracks/t.xml": "tracks/t.xml"}
    assert codes(document) == []


def test_files_that_name_each_other(feed: Path) -> None:
    """P42: no endless loop; each is read once."""
    put(feed, "p.xml", track("1", "r.xml"))
    put(feed, "r.xml", release("1", "p.xml", "r2.xml"))
    put(feed, "r2.xml", track("3", "r.xml", "r.xml"))
    document = loaded(feed)
    assert sorted(document.files) == ["p.xml", "r.xml", "r2.xml"]
    assert "source-limit" not in codes(document)


def test_the_digest_is_of_everything_read(feed: Path) -> None:
    """P9: a file that is named belongs to the package."""
    put(feed, "p.xml", track("1", "r.xml"))
    put(feed, "r.xml", release("1"))
    before = loaded(feed).digest
    put(feed, "r.xml", release("2"))
    assert loaded(feed).digest != before


def test_no_more_files_than_the_limit(feed: Path) -> None:
    """P42: those beyond are `source-limit`."""
    put(feed, "p.xml", track("1", "1.xml", "2.xml", "3.xml"))
    for name in "123":
        put(feed, f"{name}.xml", release(name))
    document = loaded(feed, limits=Limits(files=3))
    assert sorted(document.files) == ["1.xml", "2.xml", "p.xml"]
    assert "source-limit" in codes(document)


def test_no_more_bytes_together_than_the_limit(feed: Path) -> None:
    """P42: files are too large together, and each alone."""
    put(feed, "p.xml", track("1", "1.xml", "2.xml"))
    put(feed, "1.xml", release("1") + " " * 6_000)
    put(feed, "2.xml", release("2") + " " * 6_000)
    assert "source-limit" in codes(loaded(feed, limits=Limits(file_bytes=10_000)))
    assert "too-large" in codes(loaded(feed, limits=Limits(file_bytes=5_000)))


def test_no_deeper_than_the_limit(feed: Path) -> None:
    """P42: 32 levels of files, and 128 of elements when all stand in their places."""
    for number in range(34):
        make, other = (track, release)[:: 1 if number % 2 else -1][0], f"{number + 1}.xml"
        put(feed, f"{number}.xml", make(str(number), other) if number < 33 else make("33"))
    assert "source-limit" in codes(loaded(feed, "0.xml"))
    assert codes(loaded(feed, "1.xml")) == []
    nested = (
        "<Tracks><Track><ID>1</ID><Title>t</Title><Releases><Release><ID>1</ID><Title>t</Title>"
    )
    ends = "</Release></Releases></Track></Tracks>"
    for number in range(3):
        src = f'<Tracks><Track><ID>1</ID><Title>t</Title><Releases><Release src="d{number + 1}"/>'
        inside = nested * 12 + src + "</Releases></Track></Tracks>" + ends * 12
        put(feed, f"d{number}.xml", f"<Release><ID>{number}</ID><Title>t</Title>{inside}</Release>")
    put(feed, "d3.xml", release("3"))
    assert "source-limit" in codes(loaded(feed, "d0.xml"))
    assert "source-limit" not in codes(loaded(feed, "d1.xml"))


def test_no_more_tags_than_the_limit_however_few_files(feed: Path) -> None:
    """P42: each place where a file stands counts; an item picked, or a plain list, counts less."""
    put(feed, "t.xml", "<Territories>" + "<Country>US</Country>" * 900 + "</Territories>")
    plain = [f'<Territories src="t{dot}"/>' for dot in ("", ".xml")]
    tracks = "".join(
        f"<Track><ID>{number}</ID><Title>T</Title>{plain[number % 2]}</Track>"
        for number in range(50)
    )
    text = f"<Release><ID>1</ID><Title>R</Title><Tracks>{tracks}</Tracks></Release>"
    put(feed, "p.xml", text)
    small = Limits(file_bytes=1_000_000)
    assert "source-limit" not in codes(loaded(feed, limits=small))
    put(feed, "p.xml", text.replace("<Territories ", '<Territories action="Update" '))
    assert "source-limit" in codes(loaded(feed, limits=small))
    put(feed, "g.xml", "<Genres>" + "<Genre><ID>1</ID></Genre>" * 900 + "</Genres>")
    picks = '<Genre src="g.xml" ref="1"/>' * 20
    put(feed, "p.xml", f"<Artist><ID>1</ID><Name>A</Name><Genres>{picks}</Genres></Artist>")
    assert "source-limit" not in codes(loaded(feed, limits=small))


def test_shared_files_are_kept_for_a_while(feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P42: a file that packages share is read once, as long as there is room for it."""
    put(feed, "p.xml", track("1", "r.xml"))
    put(feed, "r.xml", release("1"))
    with FeedFolder.open(feed.parent, feed.name) as folder:
        loader = Loader(folder)
        first = loader.load("p.xml").files["r.xml"]
        assert loader.load("p.xml").files["r.xml"] is first
        monkeypatch.setattr(module, "CACHE_BYTES", 0)
        put(feed, "p.xml", track("1", "r.xml", "q.xml"))
        put(feed, "q.xml", release("2"))
        again = loader.load("p.xml").files
        assert again["r.xml"].digest == first.digest
        assert again["q.xml"].root is not None


def test_a_source_that_is_no_tree(feed: Path) -> None:
    """P40: it raises its own finding, in its own file."""
    put(feed, "p.xml", track("1", "bad.xml"))
    (feed / "bad.xml").write_text("<xml>")
    document = loaded(feed)
    (found,) = [one for one in document.findings(parse(document).faults) if one.severity == "error"]
    assert (found.code, found.file, found.line) == ("xml-malformed", "bad.xml", 1)


def test_a_package_that_cannot_be_read(feed: Path) -> None:
    """P40: a folder, nothing, a link: each has its finding."""
    (feed / "folder.xml").mkdir()
    (feed / "link.xml").symlink_to("p.xml")
    assert codes(loaded(feed, "folder.xml")) == ["source-missing"]
    assert codes(loaded(feed, "nothing.xml")) == ["source-missing"]
    assert codes(loaded(feed, "link.xml")) == ["source-outside"]
    put(feed, "large.xml", " " * 2_000)
    assert codes(loaded(feed, "large.xml", Limits(file_bytes=1_000))) == ["too-large"]
