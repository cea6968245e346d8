"""Which packages are read at a glance, and that what is remembered of markup stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feedengine.errors import Fault
from feedengine.feeds import listed, markup, skim
from feedengine.feeds.changes import Change
from feedengine.feeds.document import Document, Limits, Loader, read_file
from feedengine.feeds.folder import FeedFolder
from feedengine.feeds.item_parts import territory_lists
from feedengine.feeds.parse import parse
from feedengine.feeds.parts import packages
from feedengine.feeds.skim import LARGEST

if TYPE_CHECKING:
    from pathlib import Path

FILE = "package.xml"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
LABEL = '<xml><Schema action="Create"><Label><ID>1</ID><Name>{}</Name>{}</Label></Schema></xml>'
SETTING = '<xml><Schema action="{}"><ReleaseSetting><ID>1</ID>{}</ReleaseSetting></Schema></xml>'
GENRES = '<xml><Schema action="{}"><Genres>{}</Genres></Schema></xml>'
ARTIST = '<xml><Schema action="{}"><Artist><ID>1</ID>{}</Artist></Schema></xml>'


def label(name: str = "N", more: str = "") -> str:
    """A package."""
    return LABEL.format(name, more)


def artist(inside: str, action: str = "Update") -> str:
    """A package with something inside an artist."""
    return ARTIST.format(action, inside)


def asked(data: bytes) -> Change:
    """What a package that is read at a glance asks for."""
    found = skim.skim(FILE, data)
    assert found is not None
    assert isinstance(found.request, Change)
    return found.request


def skimmed(text: str | bytes) -> bool:
    """Whether a package is read at a glance."""
    return skim.skim(FILE, text.encode() if isinstance(text, str) else text) is not None


@pytest.mark.parametrize(
    "text",
    [
        label("N<!-- a comment -->"),
        label(more="<!-- a -- comment -->"),
        label(more="<!-- a comment --->"),
        label(more="<!-- \x01 -->"),
        label("N<?target?>"),
        label(more="<?xml?>"),
        label(more="<?x:y?>"),
        label("<![CDATA[ ]]>"),
        label("N]]>"),
        label("<![CDATA[<!-- N -->]]>"),
        label(more="<![CDATA[N]]>"),
        label(more="<![CDATA[ ]]>"),
        label("a > b"),
        label("a & b"),
        label("&#10;"),
        label("&#xD800;"),
        label("&#x110000;"),
        label("\x01"),
        label("\ufffe"),
        label("\uffff"),
        label(" "),
        label(more="stray"),
        label(more="<Name>again</Name>"),
        label(more="<Titel>1</Titel>"),
        label(more='<CreatedAt type="seconds">1</CreatedAt>'),
        label(more="<CreatedAt>tomorrow</CreatedAt>"),
        label()[:-1],
        label() + "x",
        label() + label(),
        "\ufeff\ufeff" + label(),
        "<!DOCTYPE xml>" + label(),
        '<?xml version="1.1"?>' + label(),
        '<?xml version="1.0" encoding="latin1"?>' + label(),
        label().replace("<xml>", '<xml xmlns="urn:x">'),
        label().replace("<Label>", '<Label id="1">'),
        label().replace("<Label>", '<Label id="1" id="2">').replace("<ID>1</ID>", ""),
        label().replace("<Label>", '<Label id="">').replace("<ID>1</ID>", ""),
        label().replace("<Label>", "<Label\x02>"),
        label().replace("<Name>", '<Name id="1">'),
        label().replace("<Label>", '<Label action="Update">'),
        label().replace('action="Create"', 'action=""'),
        label().replace('action="Create"', 'action="Push"'),
        label().replace('action="Create"', 'action="Create" action="Create"'),
        label().replace('action="Create"', 'action="Create" operator="View"'),
        label().replace('action="Create"', 'version="2.0"'),
        label().replace('action="Create"', 'action="Delete"'),
        label().replace("<ID>1</ID>", ""),
        label().replace("</Schema>", "</Schema><Schema></Schema>"),
        label().replace("</Label>", "</Label><Label></Label>"),
        label().replace("Name", "SubTitle"),
        artist('<View action="Increase">-1</View>'),
        artist('<View action="Increase"></View>'),
        artist('<View action="Push">1</View>'),
        artist('<View>1</View><View action="Increase">1</View>'),
        artist('<Name action="Increase">1</Name>'),
        artist('<View action="Increase">1</View><Name>N</Name>', "Create"),
        artist('<Genres action="Push"><Genre action="Pull"><ID>1</ID></Genre></Genres>'),
        artist('<Genres action="Push"><Genre><ID>1</ID></Genre></Genres>', "Upsert"),
        artist('<Genres action="Push"/>'),
        artist('<Genres action="Update"><Genre><ID>1</ID></Genre></Genres>'),
        artist('<Genres action="Update"></Genres>'),
        artist('<Genres><Genre><ID>1</ID></Genre><Genre action="Pull"><ID>2</ID></Genre></Genres>'),
        artist('<Genres><Genre action="Pull"><ID>2</ID><Name>N</Name></Genre></Genres>'),
        artist('<Genres><Genre action="Create"><ID>2</ID></Genre></Genres>'),
        artist('<Genres><Genre action="Create" id="2"><Name>N</Name></Genre></Genres>', "View"),
        artist(
            '<Genres action="Push"><Genre action="Create" id="2"><Name>N</Name></Genre></Genres>'
        ),
        artist("<Genres><Genre></Genre></Genres>"),
        artist("<Genres><Genre/></Genres>"),
        artist("<Genres/><Genres/>"),
        artist("<Images><Image><Source>S</Source></Image></Images>"),
        artist('<Images><Image action="Pull"><Resolution></Resolution></Image></Images>'),
        artist("<References/><Reference><Provider>P</Provider></Reference>"),
        artist("<Reference><Provider>P</Provider></Reference>" * 2),
        artist('<Reference action="Pull"></Reference>'),
        artist(
            '<Reference><Provider>P</Provider></Reference><Reference action="Push">'
            "<Provider>Q</Provider></Reference>"
        ),
        artist("<MetaData><Home></Home></MetaData>"),
        artist("<MetaData><Home>1</Home><Home>2</Home></MetaData>"),
        artist("", "Create"),
        artist('<MetaData><Home action="Push"></Home></MetaData>'),
        artist('<MetaData><Home action="Pull">1</Home><Born>2</Born></MetaData>'),
        artist('<Territories action="Placement"><Territory action="Pull"/></Territories>'),
        artist('<Territories action="Push"><Country action="Pull">US</Country></Territories>'),
        artist('<Territories><Country action="Push">US</Country></Territories>', "Upsert"),
        artist(
            '<Territories><Country action="Push">US</Country><Country>DE</Country></Territories>'
        ),
        SETTING.format("Create", ""),
        SETTING.format("Update", "<Title>T</Title>"),
        SETTING.format("Delete", "<Territories/>"),
        GENRES.format("Update", ""),
        GENRES.format("Delete", "<Genre><ID>1</ID></Genre>"),
        GENRES.format("Create", "<Genre><ID>1</ID></Genre>"),
        GENRES.format("Create", "<Genre><ID>1</ID><Name>N</Name></Genre>" * 2),
        GENRES.format("Create", '<Genre action="Push"><ID>1</ID><Name>N</Name></Genre>'),
        GENRES.format("Update", '<Genre action="Pull"><ID>1</ID><Name>N</Name></Genre>'),
        GENRES.format("Update", '<Genre action="Delete"><ID>1</ID></Genre>'),
        SETTING.format("Update", "").replace("ReleaseSetting", "Territories"),
        artist("<Territories><Country>US</Country><Country>US</Country></Territories>"),
        artist("<Territories><Country>UK</Country><Country>GB</Country></Territories>"),
        artist("<Territories><Territory></Territory></Territories>"),
        artist("<Territories>"),
    ],
)
def test_what_is_unusual_is_read_from_its_tree(text: str) -> None:
    """Right or wrong: who reads it from there finds out, every time."""
    assert [skimmed(text) for _ in range(3)] == [False] * 3


@pytest.mark.parametrize(
    "text",
    [
        label(more="<!-- a comment -->"),
        label(more="\n<!-- one --> <!-- two - three -->\n"),
        label("<![CDATA[N & <b> -->]]>"),
        label("&#233;&#xe9;"),
        "\ufeff" + label(),
        label().replace("<xml>", f'<xml xmlns:xsi="{XSI}" xsi:noNamespaceSchemaLocation="a.xsd">'),
        label().replace("<xml>", f'<xml xmlns:xsd="{XSI[:-9]}" xmlns:xsi="{XSI}">'),
        label().replace("<xml>", f'<xml xsi:schemaLocation="urn:a a.xsd" xmlns:xsi="{XSI}">'),
        "<?xml version='1.0'  standalone='no' ?><?xml-stylesheet href='a.xsl'?><!-- a -->"
        + label(),
        label(more="<CreatedAt><![CDATA[]]></CreatedAt>") + "<!-- the end -->",
        artist("<MetaData><Home_2>N</Home_2></MetaData>"),
        '<?xml version="1.0" encoding="utf8"?>' + label(),
    ],
)
def test_other_spellings_are_read_at_a_glance(text: str) -> None:
    """What exporters do; that it means the same is shown beside the trees."""
    assert skimmed(text)


def test_blanks_between_tags_make_no_other_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document is indented as it likes."""
    monkeypatch.setattr(skim, "_SHAPES", shapes := {})
    text = artist("<Name>N</Name>\n<Genres>\n<Genre><ID>1</ID></Genre>\n</Genres>")
    for blanks in ("\n", "\n ", " \t", "\n\n", ""):
        assert skimmed(text.replace("\n", blanks))
    assert len({id(shape) for shape in shapes.values()}) == 1


@pytest.mark.parametrize("data", [b"\xff", b"", b"<", b"\xff\xfe<\0"])
def test_what_is_no_text_is_read_from_its_tree(data: bytes) -> None:
    """P11."""
    assert not skimmed(data)


def test_large_documents_are_read_from_their_trees() -> None:
    """Whose limits they are."""
    assert skimmed(label("x" * 1000))
    assert not skimmed(label("x" * LARGEST))


@pytest.mark.parametrize(
    "scrap", ["<?a ", "<!--", "<![CDATA[", "<a id=", "<?a?>", "<!---->", " id="]
)
def test_scraps_without_end_take_no_longer_than_others(scrap: str) -> None:
    """P11: what begins again and again is not looked for to the end of the document each time."""
    skimmed(label(more=scrap * (900_000 // len(scrap))))


def test_deeply_nested_models_are_read_from_their_trees() -> None:
    """P11: whose depth is looked at there."""
    inside = "<xml><Schema><Release><ID>1</ID>{}</Release></Schema></xml>"
    pair = (
        "<Tracks><Track><ID>1</ID><Releases><Release><ID>1</ID>",
        "</Release></Releases></Track></Tracks>",
    )
    assert skimmed(inside.format(pair[0] + pair[1]))
    assert not skimmed(inside.format(pair[0] * 5 + pair[1] * 5))


def test_line_ends_are_those_of_xml() -> None:
    """XML 1.0, 2.11: a value that goes over several lines."""
    for text in (label("a\r\nb\rc"), label("a\nb\nc").replace("><", ">\r\n<")):
        change = asked(text.encode())
        assert change.asked[change.kind.position["name"]] == "a\nb\nc"


def test_ever_new_markup_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that never repeats itself takes no more memory than another, and reads the same."""
    for automaton in (packages, territory_lists):
        automaton.cache_clear()
    skim._SHAPES.clear()
    listed._LISTS.clear()
    monkeypatch.setattr(markup, "MOST_MARKUP", 20)
    monkeypatch.setattr(skim, "_MOST_SHAPES", 5)
    monkeypatch.setattr(listed, "_MOST_LISTS", 5)
    for number in range(100):
        blanks = " " * number
        countries = f"<Territories>{blanks}<Country>US</Country></Territories>"
        text = artist(f"{blanks}<Name>{number}</Name>{countries}")
        change = asked(text.encode())
        assert change.asked[change.kind.position["name"]] == str(number)
        assert packages().size <= 30
        assert territory_lists().size <= 30
        assert len(skim._SHAPES) <= 5
        assert len(listed._LISTS) <= 5


def test_lengthy_markup_is_not_remembered() -> None:
    """Nor is it read: a document of blanks is unusual."""
    size = packages().size
    text = label(more="<CreatedAt" + "\n" * markup.LONGEST_MARKUP + "/>")
    assert not skimmed(text)
    assert packages().size <= size + 4


def test_a_known_shape_says_nothing_of_empty_values() -> None:
    """P17: an empty element sets NULL, where a hundred before it had a value."""
    for title in ("a", "b", "c", ""):
        text = artist(f"<UniqueName>{title}</UniqueName>").encode()
        change = asked(text)
        assert change.asked[change.kind.position["unique_name"]] == (title or None)
    assert [skimmed(label(name)) for name in ("a", "b", "c", "")] == [True, True, True, False]


def test_keys_are_compared_in_documents_of_known_shape() -> None:
    """P32: two items with one key are found, where those before had two."""
    links = "<Genres><Genre><ID>{}</ID></Genre><Genre><ID>{}</ID></Genre></Genres>"
    items = "<References>{}</References>".format(
        "<Reference><Provider>{}</Provider><ID>1</ID></Reference>" * 2
    )
    for form in (links, items):
        texts = [artist(form.format(*pair)) for pair in ("ab", "cd", "ef", "gg")]
        assert [skimmed(text) for text in texts] == [True, True, True, False]


def test_doubtful_values_are_found_in_documents_of_known_shape() -> None:
    """P16, P18: a warning is told each time, with its place."""
    form = '<xml><Schema action="Update"><Track id="1"><ISRC>{}</ISRC></Track></Schema></xml>'
    for isrc in ("USRC17607831", "USRC17607832", "USRC", "USRC17607833", "x"):
        found = skim.skim(FILE, form.format(isrc).encode())
        assert found is not None
        places = [fault.place for fault in found.faults if fault.code == "identifier-suspect"]
        assert places == [(((((None, FILE), 0), 0), 0), 0)] * (len(isrc) < 12)


def test_doubtful_countries_are_told_each_time() -> None:
    """P18: also where the list is remembered, or what stands behind the country."""
    form = "<Name>{}</Name><Territories><Country>DE</Country>{}</Territories>"
    other = "<Territory><Validities/><Country>{}</Country></Territory><Country>FR</Country>"
    for number in range(4):
        for country in ("UK", "GB"):
            text = artist(form.format(number, other.format(country)))
            found = skim.skim(FILE, text.encode())
            assert found is not None
            place = (((((((None, FILE), 0), 0), 0), 2), 1), 1)
            told = [Fault("country-alias", "P18", place, "UK is read as GB")]
            assert list(found.faults) == told * (country == "UK")


@pytest.mark.parametrize(
    ("name", "text", "limits"),
    [
        ("package.xml", label(), Limits(file_bytes=1_000)),
        ("package.xml", label("src"), Limits()),
        ("package.xml", " " + label(), Limits()),
        ("Package.xml", label(), Limits()),
    ],
)
def test_some_packages_have_a_tree_at_once(
    tmp_path: Path, name: str, text: str, limits: Limits
) -> None:
    """P1, P11, P40: those beyond a limit, with upper-case names, that may name other files."""
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / name).write_text(text)
    with FeedFolder.open(tmp_path, "feed") as folder:
        document = Loader(folder, limits).load(name)
    assert not document.unread


def test_a_package_that_is_read_at_a_glance_needs_no_tree(tmp_path: Path) -> None:
    """And one with a fault gets one, so that its place can be told."""
    (tmp_path / "feed").mkdir()
    for name, text in (("good.xml", label()), ("bad.xml", label(""))):
        (tmp_path / "feed" / name).write_text(text)
    with FeedFolder.open(tmp_path, "feed") as folder:
        good, bad = (Loader(folder).load(name) for name in ("good.xml", "bad.xml"))
    assert parse(good).request is not None
    assert good.unread
    good.let_go()
    assert good.files["good.xml"].data == label().encode()
    (found,) = bad.findings(parse(bad).faults)
    assert (found.code, found.line, found.xpath) == (
        "field-required",
        1,
        "/xml/Schema/Label/Name",
    )


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16"])
def test_places_are_told_whatever_the_encoding(tmp_path: Path, encoding: str) -> None:
    """Section 6, P11: of what was read at a glance; columns count characters."""
    (tmp_path / "feed").mkdir()
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<!-- \xe9 -->{label()}'
    (tmp_path / "feed" / FILE).write_text(text, encoding)
    with FeedFolder.open(tmp_path, "feed") as folder:
        document = Loader(folder).load(FILE)
    change = parse(document).request
    assert document.unread
    assert isinstance(change, Change)
    (found,) = document.findings([Fault("not-found", "P21", change.place, "")])
    assert (found.line, found.column, found.xpath) == (
        2,
        text.index("<Label>") - text.index("\n"),
        "/xml/Schema/Label",
    )


def test_other_files_are_read_whatever_the_encoding(tmp_path: Path) -> None:
    """P40: a package in UTF-16 may name them, too."""
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / FILE).write_text(artist("<Genres src='g.xml'/>"), "utf-16")
    with FeedFolder.open(tmp_path, "feed") as folder:
        document = Loader(folder).load(FILE)
    assert [fault.code for fault in parse(document).faults] == ["source-missing"]


@pytest.mark.parametrize("suspect", [False, True])
def test_a_repeated_resolution_is_refused(*, suspect: bool) -> None:
    """P10: whichever way the list is read."""
    twice = "<Resolution><Width>1</Width></Resolution><Resolution><Height>1</Height></Resolution>"
    text = artist(f"<Images><Image><Value>v</Value>{twice}</Image></Images>")
    found = read_file(FILE, text.encode(), Limits())
    found.suspect = suspect
    faults: list[Fault] = parse(Document(FILE, {FILE: found}, "", Limits())).faults
    assert [fault.message for fault in faults] == ["Resolution is given twice"]
    assert not skimmed(text)
