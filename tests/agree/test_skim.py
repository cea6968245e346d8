"""What is read at a glance is what the tree gives, and both schema processors find it valid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedengine.feeds.document import Document, Limits, read_file
from feedengine.feeds.encodings import undeclared, utf8
from feedengine.feeds.parse import parse
from feedengine.feeds.skim import skim
from feedengine.feeds.validator import explain

from .documents import documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn

PACKAGE = "package.xml"

XSI = "http://www.w3.org/2001/XMLSchema-instance"

SCRAPS = (
    *("<", ">", "/", "&", "&amp;", "&lt;x&gt;", "&#65;", "&#0;", "&copy;", '"', "'", "=", "]]>"),
    *("&#xE9;", "&#10;", "&#xD800;", "&#38;lt;", "&amp;#65;", "&#x110000;", "&#9999999;", "&#x;"),
    *("<![CDATA[ ]]>", "<![CDATA[a<b&c>]]>", "<![CDATA[&lt;<!-- x -->]]>", "<![CDATA[", "<!--"),
    *(
        "<!-- a -- b -->",
        "<!-- > <!-- -->",
        "<!-- - <![CDATA[x]]> -->",
        "-->",
        "<!--->",
        "<!-- --->",
    ),
    *(f' xmlns:xsi="{XSI}"', f' xmlns:xsi="{XSI}" xsi:noNamespaceSchemaLocation="a.xsd"'),
    *(
        "\n <!-- x --> \n",
        "<!-- \x01 -->",
        "<!-- \ufffe -->",
        "\n\n  \t",
        '<?xml version="1.0"?><!-- x -->',
    ),
    *(
        "<?x?>",
        "<?x:y z?>",
        "<?XML y?>",
        "<??>",
        "<?xml-model a?><b?>",
        "<?x <!-- ?>",
        "<?x \x02?>",
    ),
    *("<![CDATA[]]>", "<ID><![CDATA[ ]]></ID>", "<SubTitle><![CDATA[]]></SubTitle>", "<?x ]]>?>"),
    *(f' xmlns:xsi="{XSI}" xmlns:xsd="{XSI[:-9]}"', f' xmlns:xsd="{XSI}"', ' xmlns:x="y"'),
    *(f' xsi:schemaLocation="a b c" xmlns:xsi="{XSI}"', ' xsi:schemaLocation="a b"'),
    *(' xsi:nil="true"', ' standalone="yes"', "<?xml version='1.0' standalone='no' ?>"),
    *("<Name_2.a-b>x</Name_2.a-b>", "<_x>", "<x:y/>", "<a1 b='c'>1</a1>"),
    *("<!-- x -->", "<!---->", "<?x y?>", "<![CDATA[x]]>", "<!DOCTYPE xml>", "<x/>", "<ID>2</ID>"),
    *("\x00", "\x01", "\x7f", "\x85", "\r", "\r\n", "\t", " ", "\n", "\xa0", "\ufffe", "\uffff"),
    *("é", "😀", "\ufeff", "<Territories>", "</Territories>", "<Territories/>", "<Title/>"),
    *(
        ' action="Push"',
        " operator='pull'",
        ' id="1"',
        " id='a'",
        "\x02",
        ' xmlns="x"',
        ' action=""',
        " action='Update'",
        "</Track>",
        "</xml>",
    ),
    *('<?xml version="1.0"?>', '<?xml version="1.0" encoding="latin1"?>', "<SubTitle></SubTitle>"),
    *("<Name>x</Name>", "<Country>DE</Country>", "<Resolution></Resolution>", "<Schema>"),
)


_ALLOWED = (
    "<Validities><Validity><Name>N</Name><Type>Allow</Type></Validity></Validities>"
    "<Validities><Validity><Name>M</Name><Type>Deny</Type></Validity></Validities>"
)

_DENIED = "<Validities><Validity><Name>N</Name><Type>Deny</Type></Validity></Validities>"

USUAL = (
    """<?xml version="1.0" encoding="UTF-8"?>
<xml>
  <Schema version="1.0" action="Upsert">
    <Track>
      <ID>t1</ID>
      <CreatedAt>2022-10-30T11:12:00Z</CreatedAt>
      <Title>Rock &amp; Röll</Title><SubTitle/>
      <Duration type="seconds">226</Duration>
      <ISRC>USRC17607839</ISRC><Popularity>0.50</Popularity>
      <Releases><Release><ID>r1</ID><Title>Album</Title></Release></Releases>
      <Artists><Artist><ID>a1</ID></Artist><Artist><ID>a2</ID><Name>B</Name></Artist></Artists>
      <Images>
        <Image><Source>S3</Source><Resource type="x">i</Resource><Resolution><Width>6</Width>
          <Height>7</Height></Resolution></Image>
      </Images>
      <Territories>
        <Territory><Country>US</Country><Validities><Validity><Name>StreamingValidity</Name>
          <Type>Allow</Type><StartDate>2020-08-01</StartDate></Validity></Validities></Territory>
        <Country>de</Country>
      </Territories>
    </Track>
  </Schema>
</xml>
""",
    """<Package><Schema><Release operator=' CREATE '><ID>r1</ID><Title>A</Title>
<ProductNumber>9520002000019</ProductNumber><ReleaseDate type="ISO-YMD">1992-01-01</ReleaseDate>
<Label><ID>l1</ID><Name>L</Name></Label><Genres/><Images></Images>
<Tracks><Track><ID>t1</ID><Artists><Artist><ID>a</ID></Artist></Artists></Track></Tracks>
<References><Reference><Provider>P</Provider><ID>1</ID></Reference></References>
<Territories/></Release></Schema></Package>""",
    """<xml><Schema action="Update"><Track><ID>t1</ID><Title>B</Title>
<View action="Increase">5</View><View operator="decrease">2</View>
<Artists action="Update"><Artist action="Push"><ID>a1</ID></Artist>
<Artist action="Pull"><ID>a2</ID></Artist></Artists>
<Resources><Resource action="pull"><Source>S3</Source></Resource>
<Resource action="push"><Source>S3</Source><Type>T</Type><Value>V</Value></Resource></Resources>
<Genres><Genre><ID>g</ID></Genre></Genres><SubTitle></SubTitle></Track></Schema></xml>""",
    """<xml><Schema action="Update"><Artist><ID>a</ID><MetaData><Home type="x">y</Home></MetaData>
<Territories operator="Placement"><Country action="Pull">US</Country>
<Country action="push">DE</Country></Territories></Artist></Schema></xml>""",
    """<xml><Schema action="Update"><Artist><ID>a</ID><Territories action="Update">
<Territory action="Pull"><Country>US</Country></Territory><Territory action="Push">
<Country>DE</Country><Validities><Validity><Name>N</Name><Type>Deny</Type></Validity></Validities>
</Territory></Territories></Artist></Schema></xml>""",
    f"""<xml><Schema action="Create"><Release><ID>r1</ID><Title>A</Title><Territories>{
        "".join(
            f"<Territory><Country>{country}</Country>{_ALLOWED}</Territory>"
            for country in ("AT", "BE", "CH", "DE")
        )
    }<Territory>{
        _ALLOWED
    }<Country>ES</Country></Territory><Country>FR</Country><Country>GB</Country>
<Territory>{_ALLOWED}<Country>IT</Country></Territory><Territory>{_ALLOWED}<Country>JP</Country>
</Territory><Territory><Country>NL</Country></Territory></Territories></Release></Schema></xml>""",
    '<xml><Schema><Artist action="Delete"><ID>a1</ID></Artist></Schema></xml>\n',
    """<xml><Schema version="1.0" action='Update'><Track
 id="t1"><Title>B</Title><View action="Increase">5</View>
<Artists><Artist id='a1'/><Artist id="a2"><Name>N</Name></Artist></Artists>
<Releases><Release id=" r "><Label id="l"/><Title>x</Title></Release></Releases></Track>
</Schema></xml>""",
    """<xml><Schema action='Update'><Track action="update" id="t1"><Genres action="transform">
<Genre id="a1" operator="pull"/><Genre action="Push" id="a2"></Genre></Genres></Track>
</Schema></xml>""",
    '<xml><Schema><Label id="l1" action="Delete"/></Schema></xml>',
    '<xml><Schema action="delete"><Release><ID>r1</ID></Release></Schema></xml>',
    '<xml><Schema action="Update"><Release><ID>r1</ID><Label/></Release></Schema></xml>',
    f"""\ufeff<?xml version="1.0"?>
<!-- exported on a Monday - or so -->
<xml xmlns:xsi="{XSI}" xsi:noNamespaceSchemaLocation="feeds/package.xsd">
<Schema action="Create"><!-- one --> <!--two--><Label><ID>l1</ID>
<!-- <ID>l2</ID> <![CDATA[ & ]]> -->
<Name>A <![CDATA[<b> & "c" --> &amp;]]> &#233;&#x1F600;&#38;lt; &amp;#65;</Name>
</Label></Schema></xml>
""",
    '<xml><Schema><Label action="View"><ID>l1</ID><Name>N</Name></Label></Schema></xml>',
    f"""<?xml version='1.0'  encoding="utf-8" standalone='yes' ?>
<?xml-stylesheet type="text/xsl" href="a.xsl"?>
<xml xmlns:xsi="{XSI}" xmlns:xsd="{XSI[:-9]}"><Schema action="Upsert"><?a b?><Artist>
<ID>a</ID><Name><![CDATA[N]]></Name><UniqueName><![CDATA[]]></UniqueName><View><![CDATA[ ]]></View>
<MetaData><Home_2 type="x">y</Home_2><a.b-c>z</a.b-c></MetaData></Artist></Schema></xml>
<!-- the end --><?x?>
""",
    f"""<!-- x --><xml xsi:schemaLocation='http://a.example b.xsd' xmlns:xsi="{XSI}">
<Schema action="Upsert"><Label><ID>l1</ID><Name>N</Name></Label></Schema></xml>""",
    """<xml><Schema action="Update"><Track><ID>t1</ID><Resources action="Push"><Resource>
<Source>S</Source><Type>T</Type><Value>V</Value></Resource></Resources>
<Artists operator="Pull"><Artist id="a"/><Artist action="pull"><ID>b</ID></Artist></Artists>
<Genres><Genre action="Create"><ID>g</ID><Name>G</Name></Genre><Genre
 action="Upsert" id="h"><Name>H</Name></Genre></Genres>
<Territories action="Push"><Country>JP</Country><Territory><Country>KR</Country></Territory>
</Territories></Track></Schema></xml>""",
    """<xml><Schema action="Update"><Track><ID>t1</ID><Territories>
<Country action="Pull">US</Country><Territory action="Push"><Country>DE</Country></Territory>
</Territories><Reference action="Push"><Provider>P</Provider><ID>1</ID></Reference>
<View action="Increase">1</View>
<Reference action="Pull"><ID>1</ID></Reference></Track></Schema></xml>""",
    """<xml><Schema action="Create"><Artist><Reference><Provider>P</Provider><ID>1</ID></Reference>
<ID>a</ID><Name>N</Name><Reference><Provider>Q</Provider></Reference>
<Genres><Genre action="upsert"><ID>g</ID><Name>G</Name></Genre></Genres></Artist></Schema></xml>""",
    """<xml><Schema action="Update"><Artist><ID>a</ID><MetaData action="Update"><Home action="Push"
 type="x">y</Home><Born action="Pull"/><Died operator="pull"></Died></MetaData></Artist></Schema>
</xml>""",
    """<xml><Schema action="Create"><ReleaseSetting><ID>r1</ID><Territories><Country>US</Country>
</Territories></ReleaseSetting></Schema></xml>""",
    """<xml><Schema><ReleaseSetting id="r1" action="Update"><Territories action="Placement">
<Country action="Pull">US</Country></Territories></ReleaseSetting></Schema></xml>""",
    '<xml><Schema action="Delete"><ReleaseSetting><ID>r1</ID></ReleaseSetting></Schema></xml>',
    "<xml><Schema><ReleaseSetting><ID>r1</ID></ReleaseSetting></Schema></xml>",
    """<xml><Schema action="Update"><Genres><Genre action="Push"><ID>g</ID><Name>G</Name></Genre>
<Genre id="h"><Name>H</Name></Genre><Genre action="Pull"><ID>i</ID></Genre></Genres></Schema>
</xml>""",
    """<xml><Schema><Genres action="Create"><Genre><ID>g</ID><Name>G</Name></Genre></Genres>
</Schema></xml>""",
    '<xml><Schema><Genres><Genre id="g"/><Genre id="h"/></Genres></Schema></xml>',
    "<xml><Schema><Territories><Country>US</Country></Territories></Schema></xml>",
    """<xml><Schema action="Create"><Track><ID>t1</ID><Title>T</Title><SubTitle></SubTitle>
<View> </View><Validities><Validity><Name>N</Name><Type>Deny</Type><StartDate/>
<EndDate></EndDate></Validity></Validities><Images><Image><Source/><Value>v</Value><Resource></Resource></Image></Images>
</Track></Schema></xml>""",
    """<xml><Schema action="Upsert"><Release id="r"><CreatedAt>2022-10-30T11:12:00:0400</CreatedAt>
<Title>T</Title><ProductNumber>123</ProductNumber><ISRC>x</ISRC><GRID>y</GRID>
<Artists><Artist id="a"><CreatedAt>2022-10-30</CreatedAt></Artist></Artists>
<Territories><Country>DE</Country><Territory><Country>uk</Country><Validities><Validity><Name>N</Name><Type>Deny</Type>
<EndDate>2020-01-01T00:00:00</EndDate></Validity></Validities></Territory></Territories>
<Tracks><Track><ID>t</ID><ISRC>z</ISRC></Track></Tracks></Release></Schema></xml>""",
)
"""Documents that are read at a glance."""


def by_tree(data: bytes) -> tuple[object, list[object]]:
    """What the package asks for by its tree, and what was found."""
    document = Document(PACKAGE, {PACKAGE: read_file(PACKAGE, data, Limits())}, "", Limits())
    found = parse(document)
    return found.request, list(found.faults)


def agree(data: bytes, said: str) -> bool:
    """Whether the document was read at a glance; then the tree must give the same.

    The second time its markup is known, the third time the shape of the whole.
    """
    found = [skim(PACKAGE, data) for _ in range(3)]
    if found == [None, None, None]:
        return False
    changes = [None if one is None else (one.request, list(one.faults)) for one in found]
    assert changes == [by_tree(data)] * 3, said
    assert explain(undeclared(utf8(data))) == [], said
    return True


@st.composite
def _tame(draw: DrawFn) -> tuple[bytes, str]:
    """A document that names no other files, with its IDs as elements: the usual ones."""
    data, said = draw(documents())
    root = etree.fromstring(data)
    for element in list(root.iter()):
        if element.get("src") is not None or element.get("ref") is not None:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
        elif element.get("id") is not None:
            own = etree.Element("ID")
            own.text = element.attrib.pop("id")
            element.insert(0, own)
    if draw(st.booleans()):
        etree.indent(root)
    declared = draw(st.booleans())
    return etree.tostring(root, encoding="utf-8", xml_declaration=declared), said


@st.composite
def spoilt(draw: DrawFn) -> tuple[bytes, str]:
    """A usual document with scraps put into its text, parts taken out, or repeated."""
    text = draw(st.sampled_from(USUAL))
    for _ in range(draw(st.integers(1, 3))):
        at, to = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        what = draw(st.sampled_from(("in", "in", "instead", "out", "again")))
        scrap = draw(st.sampled_from(SCRAPS))
        if what == "in":
            text = text[:at] + scrap + text[at:]
        elif what == "instead":
            text = text[:at] + scrap + text[at + len(scrap) :]
        elif what == "out":
            text = text[:at] + text[min(to, at + 30) :]
        else:
            text = text[:to] + text[at:to] + text[to:]
    return text.encode(), text


ENCODINGS = (
    *(("utf-8", "utf8"), ("iso-8859-1", "ISO-8859-1"), ("utf-16", "UTF-16"), ("ascii", "US-ASCII")),
    *(("utf-16", None), ("utf-8", "ISO-8859-1"), ("utf-8-sig", "UTF-8"), ("iso-8859-1", "UTF-8")),
)
"""Of documents: how they are written, and how they say they are."""


@pytest.mark.parametrize(("codec", "name"), ENCODINGS)
def test_other_encodings_mean_the_same_at_a_glance(codec: str, name: str | None) -> None:
    """P11: whatever a document says of its encoding, and whether that is so."""
    begin = "" if name is None else f'<?xml version="1.0" encoding="{name}"?>\n'
    text = begin + list_of("<Country>DE</Country>").replace("<ID>1", "<Title>R\xf6ck</Title><ID>1")
    known = agree(text.encode(codec, "xmlcharrefreplace"), text)
    assert known == ((codec, name) != ("iso-8859-1", "UTF-8"))


VALUES = re.compile(r"(?<=>)[^<>]*(?=</)")
ODD_VALUES = (
    *("", " ", "\n", "x" * 256, "-1", "1", "US", "2022-02-30", "2022-10-30T11:12:00", "a&b"),
    *("UK", "123", "x", "2022-10-30"),
)


@st.composite
def _other_values(draw: DrawFn) -> tuple[bytes, str]:
    """A usual document with other values: some of its own, and odd ones."""
    text = draw(st.sampled_from(USUAL))
    own = VALUES.findall(text)
    for _ in range(draw(st.integers(1, 3))):
        found = draw(st.sampled_from(list(VALUES.finditer(text))))
        value = draw(st.sampled_from([*own, *ODD_VALUES]))
        text = text[: found.start()] + value + text[found.end() :]
    return text.encode(), text


COUNTRIES = ("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "JP", "NL", "SE", "US")
_DATED = (
    "<Validities><Validity><Name>N</Name><Type>Allow</Type><StartDate>{3}</StartDate><EndDate/>"
    "</Validity> <Validity><Type>Deny</Type><Name>N</Name><EndDate>{4}</EndDate></Validity>"
    "</Validities>"
)
DATES = ("2020-01-01", "2021-06-30T00:00:00Z", "2022-02-30", "", "2020-01-01T00:00:00")
WAYS = (
    *(_DATED.join(("{0}", "{2}")), f"{{0}}{_DATED}", f"{_DATED} {{0}}"),
    *("{0}", "{0}{1}", "{2}{0}", "{2}{0}{1}", "{0}{1}{2}", "{0}<Validities/>"),
)
"""A country (0) and its validities (1, 2, or with two dates) in a territory, in any order."""


def list_of(text: str) -> str:
    """A package with a territory list."""
    form = '<xml><Schema action="Update"><Track><ID>1</ID><Territories>{}</Territories></Track>'
    return form.format(text) + "</Schema></xml>"


def written(way: str, country: str, *dates: str, blank: str = "") -> str:
    """A territory."""
    own = f"<Country>{country}</Country>"
    inside = way.format(own, _ALLOWED, _DENIED, *(dates or DATES))
    return f"<Territory>{blank}{inside}{blank}</Territory>{blank}".replace(
        "<Name>", f"{blank}<Name>"
    )


@st.composite
def _lists(draw: DrawFn, known: tuple[str, ...] = DATES[:2]) -> tuple[bytes, str]:
    """A territory list; its territories are written in few ways, so that they repeat."""
    ways = draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=2))
    text = ""
    for country in COUNTRIES[: draw(st.sampled_from((1, 2, 3, 12)))]:
        bare = f"<Country>{country}</Country>"
        dates = draw(st.tuples(*[st.sampled_from(known)] * 2))
        blank = draw(st.sampled_from(("", "", " ", "\n\t")))
        way = draw(st.sampled_from(ways))
        text += written(way, country, *dates, blank=blank) if draw(st.integers(0, 5)) else bare
    return list_of(text).encode(), list_of(text)


@given(_lists())
def test_territory_lists_mean_the_same_at_a_glance(found: tuple[bytes, str]) -> None:
    """P36: whatever is repeated in them, and in whatever order it stands."""
    assert agree(*found), found


@given(_lists(DATES[:2] * 9 + DATES))
def test_odd_dates_in_known_lists_are_looked_at(found: tuple[bytes, str]) -> None:
    """P16: none, wrong ones, and those in doubt."""
    agree(*found)


@pytest.mark.parametrize(
    "ways",
    [
        ("{0}{1}", "{0}{1}", "{2}{0}{1}", "{0}{1}", "{0}"),
        ("{0}{1}", "{2}{0}", "{0}{1}", "{2}{0}", "{0}{1}"),
    ],
)
def test_validities_stay_with_their_country(ways: Sequence[str]) -> None:
    """P36: the same text between two countries does not always say the same of them."""
    text = list_of("".join(map(written, ways, COUNTRIES)))
    assert agree(text.encode(), text)


@given(documents())
def test_any_document_means_the_same_at_a_glance(found: tuple[bytes, str]) -> None:
    """Whatever a document has, it is left alone or read as from its tree."""
    agree(*found)


@given(_tame())
def test_usual_documents_mean_the_same_at_a_glance(found: tuple[bytes, str]) -> None:
    """The same of documents of which more are taken."""
    agree(*found)


@given(spoilt())
def test_spoilt_text_is_never_read_at_a_glance_as_something_else(found: tuple[bytes, str]) -> None:
    """P11: what is no XML any more is left alone, what still is one means the same."""
    agree(*found)


@given(_other_values())
def test_other_values_in_known_markup_are_looked_at(found: tuple[bytes, str]) -> None:
    """That the markup has been met says nothing of what stands between it."""
    for text in USUAL:
        skim(PACKAGE, text.encode())
    agree(*found)


def test_the_lists_of_two_models_are_two() -> None:
    """P36: one that is declared and empty is not the other's."""
    inside = "<Releases><Release><ID>r</ID><Title>R</Title>{}</Release></Releases>"
    for empty in ("<Territories></Territories>", "<Territories> </Territories>", "<Territories/>"):
        text = list_of("<Country>US</Country>").replace(
            "</Track>", inside.format(empty) + "</Track>"
        )
        agree(text.encode(), text)


def test_usual_documents_are_read_at_a_glance() -> None:
    """Else the tests above would say nothing."""
    for text in USUAL:
        assert agree(text.encode(), text), text
