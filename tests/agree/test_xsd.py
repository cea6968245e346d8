"""The XML Schemas: made from the declarations, and read alike by libxml2 and ``xmlschema``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from xmlschema import XMLSchema10

from feedengine.feeds import entries, rules, validator
from feedengine.model import scalars, xsd
from feedengine.model.scalars import SCALARS
from feedengine.schemas import drifted, main

from .documents import UNSPOILT, documents

if TYPE_CHECKING:
    from feedengine.model.scalars import Scalar

ROOT = Path(__file__).parents[2]

SAMPLES = {
    "territory": """<xml><Schema><Territory>
        <Country>US</Country>
        <Validities>
            <Validity>
                <Name>StreamingValidity</Name>
                <Type>Allow</Type>
                <StartDate type="unixtime">1191297600</StartDate>
            </Validity>
            <Validity>
                <Name>FreezeMechanism</Name>
                <Type>Allow</Type>
                <EndDate type="ISO-2023A12">2022-10-30T11:12:00:0400</EndDate>
            </Validity>
        </Validities>
    </Territory></Schema></xml>""",
    "genre": """<xml><Schema><Genres>
        <Genre action="pull"><ID>latin</ID><Name>Latin</Name><Source>Apple</Source></Genre>
        <Genre><ID>hip-hop</ID><Name>Hip/Hop</Name></Genre>
    </Genres></Schema></xml>""",
    "artist": """<xml><Schema version="1.0" action="create"><Artist>
        <ID>142111</ID>
        <UniqueName>adele [x]</UniqueName>
        <Name>Adele</Name>
        <Genres><Genre src="genres/hiphop.xml" /><Genre src="genres/rock.xml" /></Genres>
        <Popularity>0.2</Popularity>
        <Territories src="territories.xml" />
        <Images>
            <Image>
                <Resource />
                <Provider>7digital</Provider>
                <Value>https://artwork-cdn....eart/00/000/007/0000000749_&lt;$size$&gt;.jpg</Value>
                <Resolution><Width>800</Width><Heigth>800</Heigth></Resolution>
            </Image>
            <Image>
                <Resource mimeType="image/*" type="FilePath">
                    /tmp/artists/default.jpeg
                </Resource>
                <Provider>LocalStorage</Provider>
                <Resolution><Width>800</Width><Heigth>800</Heigth></Resolution>
                <Value>13012099250749</Value>
            </Image>
            <Image>
                <Resource mimeType="image/*" type="HttpURL">
                    https://artwork-cdneart.com/00/000/007/0000000749_.jpg
                </Resource>
                <Provider>LocalStorage</Provider>
                <Resolution><Width>800</Width><Heigth>800</Heigth></Resolution>
                <Value>13012099250749</Value>
            </Image>
        </Images>
        <MetaData><BirthDay type="ISO-YMD">1980-03-22</BirthDay></MetaData>
        <Resources action="push">
            <Resource>
                <Source>7digital</Source>
                <Item>
                    <Type>Web-Link</Type>
                    <Value>https://itunes.apple.com...60760626?uo=4&amp;at=1010lo7f&amp;app=itunes</Value>
                </Item>
            </Resource>
        </Resources>
        <CreatedAt type="unixtimestamp">1614859461</CreatedAt>
        <UpdatedCount action="increase">1</UpdatedCount>
    </Artist></Schema></xml>""",
    "release": """<xml><Schema action="Create"><Release id="1234">
        <Title>243676578</Title>
        <TrackCount>14</TrackCount>
        <SubTitle>14</SubTitle>
        <Popularity>0.2</Popularity>
        <CLine>Â© 2003 EMI Records Ltd</CLine>
        <PLine></PLine>
        <DiscNumber>1</DiscNumber>
        <Duration type="seconds">226</Duration>
        <ExplicitType>implicit</ExplicitType>
        <GRID></GRID>
        <ISPN>U4099991E90120</ISPN>
        <ISRC>USEWC0761141</ISRC>
        <ProductNumber>00724358220254</ProductNumber>
        <ReleaseDate type="ISO-YMD">1992-01-01</ReleaseDate>
        <Territories src="territories.xml" />
        <Reference><Provider>7digital</Provider><ID>2509822</ID></Reference>
        <Label><ID>12652</ID><Name>EMI Trade Marketing</Name></Label>
        <Images>
            <Image>
                <Source>7digital</Source>
                <Resolutions><Width>800</Width><Heigth>800</Heigth></Resolutions>
                <Value>https://artwork-cdn....eart/00/000/007/0000000749_&lt;$size$&gt;.jpg</Value>
            </Image>
        </Images>
        <Resources>
            <Resource>
                <Source>7digital</Source>
                <Type>Web-Link</Type>
                <Value>https://itunes.apple.com...60760626?uo=4&amp;at=1010lo7f&amp;app=itunes</Value>
            </Resource>
        </Resources>
        <Genres><Genre src="genres/hiphop.xml" /><Genre src="genres/rock.xml" /></Genres>
        <Artists><Artist src="artists/152003.xml"/><Artist src="artists/45092.xml"/></Artists>
        <Tracks>
            <Track src="tracks/3458902.xml" />
            <Track src="tracks/3458903.xml" />
            <Track src="tracks/3458904.xml" />
        </Tracks>
        <CreatedAt type="unixtimestamp">1614859461</CreatedAt>
    </Release></Schema></xml>""",
    "track": """<xml><Schema action="Create"><Track id="4a49466d-674a-452c-96b7-b0b4e277edfa">
        <Title>243676578</Title>
        <SubTitle>14</SubTitle>
        <CLine>Â© 2003 EMI Records Ltd</CLine>
        <PLine>Â© 2003 EMI Records Ltd</PLine>
        <DiscNumber>3</DiscNumber>
        <TrackNumber>2</TrackNumber>
        <Duration type="seconds">226</Duration>
        <ExplicitType>implicit</ExplicitType>
        <GRID></GRID>
        <ISPN>U4099991E90120</ISPN>
        <ISRC>USEWC0761141</ISRC>
        <Releases><Release src="release.1.xml"/><Release src="release.2.xml"/></Releases>
        <Reference><Provider>7digital</Provider><ID>2509822</ID></Reference>
        <Resources>
            <Resource>
                <Source>7digital</Source>
                <Type>Web-Link</Type>
                <Value>https://itunes.apple.com/...?uo=4&amp;at=1010lo7f&amp;app=itunes</Value>
            </Resource>
        </Resources>
        <Validities><Validity /><Validity /></Validities>
        <Genres>
            <Genre action="push" src="genres/hiphop.xml" />
            <Genre action="push" src="genres/rock.xml" />
        </Genres>
        <Artists><Artist src="artists/152003.xml"/><Artist src="artists/45092.xml"/></Artists>
        <CreatedAt type="unixtimestamp">1614859461</CreatedAt>
    </Track></Schema></xml>""",
    "release delete": """<xml><Schema>
        <Release action="Delete"><ID>243676578</ID></Release>
    </Schema></xml>""",
    "release update": """<xml><Schema><Release>
        <ID>Hello</ID>
        <Title>Hello</Title>
        <View>1</View>
        <Artists>
            <Artist action="push" src="genres/artist.2.xml"/>
            <Artist action="pull" src="genres/artist.2.xml"/>
        </Artists>
        <Tracks><Track action="pull" src="tracks/track1" /></Tracks>
    </Release></Schema></xml>""",
    "track push and pull": """<xml><Schema version="1.0"><Track action="Update">
        <ID>123445</ID>
        <Territories><Territory action="push" src="territories.xml" ref="US" /></Territories>
        <Resources action="Update">
            <Resource action="Pull">
            </Resource>
            <Resource action="Push">
            </Resource>
        </Resources>
    </Track></Schema></xml>""",
    "release increase": """<xml><Schema version="1.0"><Release action="Update">
        <ID>12301928</ID>
        <UpdateCount operator="Increase">3</UpdateCount>
        <Resources operator="Transform">
            <Resource action="Pull">
            </Resource>
            <Resource action="Push">
            </Resource>
        </Resources>
    </Release></Schema></xml>""",
    "release setting": """<xml><Schema version="1.0"><ReleaseSetting action="Update">
        <ID>12301928</ID>
        <Territories operator="Placement"><Country operator="Pull">US</Country></Territories>
    </ReleaseSetting></Schema></xml>""",
    "track delete": """<xml><Schema version="1.0">
        <Track action="Delete"><ID>12301928</ID></Track>
    </Schema></xml>""",
}
"""The packages of the protocol document, made well-formed."""

OBJECTS = {
    "aliases": "<Release><UpdatedCount>1</UpdatedCount><UpdateCount>2</UpdateCount></Release>",
    "blanks": '<Track id=" 1 " action=" CREATE\t"><DiscNumber>\n 1 </DiscNumber></Track>',
    "a counter twice": '<Track><View action="increase">1</View><View>1</View></Track>',
    "collections twice": "<Release><Genres/><Title/><Genres/><ID/><Tracks/><Tracks/></Release>",
    "nothing": "<Label/>",
    "nothing but blanks": "<Artist>\n\t<View> </View> <CreatedAt type='unixtime'/></Artist>",
    "any order": "<Genre><Source>a</Source><Name>b</Name><CreatedAt/><ID>1</ID></Genre>",
    "longest ID": f"<Label><ID> {'é' * 255}\n</ID></Label>",
    "metadata": "<Artist><MetaData action='Update'><x.y action='Pull' type=''/></MetaData>"
    "</Artist>",
    "metadata unseen": "<Artist><MetaData><Foo bar='1'><Baz/></Foo></MetaData></Artist>",
    "several items": "<Track><Resources><Resource><Item/><Value/><Item/></Resource></Resources>"
    "</Track>",
    "references": "<Artist><Reference action='pull'/><References><Reference/></References>"
    "</Artist>",
    "nested": "<Track><Releases><Release><Tracks><Track src='a' ref='b'/></Tracks></Release>"
    "</Releases></Track>",
    "label": "<Release><Label action='Upsert' src='l.xml'/></Release>",
    "territories": "<Territories><Country> uk </Country><Territory><Validities/>"
    "<Country>WW</Country><Validities action='Push'><Validity/></Validities></Territory>"
    "</Territories>",
    "genres": "<Genres operator='Update'><Genre ref='a' src='b'/></Genres>",
    "a setting": "<ReleaseSetting id='1'><Territories/><ID>1</ID><Territories src='t'/>"
    "</ReleaseSetting>",
    "a duration": "<Track><Duration>P1DT1H1.000S</Duration></Track>",
    "a number less": "<Track><Popularity action='Decrease' operator='decrease'> .5 "
    "</Popularity></Track>",
}
"""Objects that are valid by the schema."""

WRONG_OBJECTS = {
    "no object": "",
    "two objects": "<Label/><Label/>",
    "unknown object": "<Playlist/>",
    "letter case": "<release/>",
    "unknown element": "<Release><Titel>Hello</Titel></Release>",
    "foreign namespace": "<Release><Title xmlns='http://example.org/'>Hello</Title></Release>",
    "misplaced element": "<Release><TrackNumber>1</TrackNumber></Release>",
    "item without its collection": "<Release><Image/></Release>",
    "collection as an item": "<Release><Images><Images/></Images></Release>",
    "a list's children mixed": "<Release><Images><Resource/></Images></Release>",
    "element in a scalar": "<Release><Title><b/></Title></Release>",
    "text in an object": "<Release>Hello</Release>",
    "text behind an element": "<Release><Title/>Hello</Release>",
    "text in a collection": "<Release><Images>Hello</Images></Release>",
    "text in an item": "<Release><Images><Image>Hello</Image></Images></Release>",
    "text in MetaData": "<Artist><MetaData>Hello</MetaData></Artist>",
    "foreign metadata": "<Artist><MetaData><a xmlns='http://example.org/'/></MetaData></Artist>",
    "unknown attribute": "<Release name='1'/>",
    "letter case of an attribute": "<Release Action='Update'/>",
    "src on the package's object": "<Release src='a.xml'/>",
    "src on another collection": "<Release><Images src='a.xml'/></Release>",
    "src on an item": "<Release><Images><Image src='a.xml'/></Images></Release>",
    "src on Country": "<Territories><Country src='a.xml'>US</Country></Territories>",
    "id on a collection": "<Release><Images id='1'/></Release>",
    "id on Genres": "<Genres id='1'/>",
    "version on an object": "<Release version='1.0'/>",
    "action on text": "<Release><Title action='Push'>Hello</Title></Release>",
    "action on an item's leaf": "<Track><Images><Image><Value action='Push'/></Image></Images>"
    "</Track>",
    "action inside Territory": "<Territory><Country action='Pull'>US</Country></Territory>",
    "unknown action": "<Release action='Remove'/>",
    "no action": "<Release operator=''/>",
    "letters beyond ASCII": "<Release action='puſh'/>",
    "type where none is": "<Release><Title type='seconds'/></Release>",
    "unknown type": "<Release><Duration type='minutes'>3</Duration></Release>",
    "blanks around a type": "<Release><Duration type=' seconds'>3</Duration></Release>",
    "ID too long": f"<Label><ID>{'x' * 256}</ID></Label>",
    "id too long": f"<Label id='{'x' * 256}'/>",
    "ID twice": "<Release><ID>1</ID><Title/><ID>1</ID></Release>",
    "a name twice": "<Label><Name>a</Name><Name>b</Name></Label>",
    "a provider twice": "<Track><Reference><Provider/><Provider/></Reference></Track>",
    "a width twice": "<Track><Images><Image><Resolution><Width/><Width/></Resolution>"
    "</Image></Images></Track>",
    "a country twice": "<Territory><Country>US</Country><Country>GB</Country></Territory>",
    "negative number": "<Release><View>-1</View></Release>",
    "two numbers": "<Release><View>1 2</View></Release>",
    "number too long": f"<Release><View>{'1' * 20}</View></Release>",
    "other digits": "<Release><View>٣</View></Release>",
    "no-break space": "<Release><View>1\u00a0</View></Release>",
    "fraction of a whole number": "<Release><View>1.5</View></Release>",
    "exponent": "<Release><Popularity>1e3</Popularity></Release>",
    "wrong date": "<Release><ReleaseDate>30/10/2022</ReleaseDate></Release>",
    "sixteen digits": f"<Release><ReleaseDate>{'1' * 16}</ReleaseDate></Release>",
    "wrong instant": "<Release><CreatedAt>2022-10-30 11:12</CreatedAt></Release>",
    "wrong country": "<Territory><Country>USA</Country></Territory>",
    "letters beside a country": "<Territory><Country>lWorldwide</Country></Territory>",
    "wrong permission": "<Track><Validities><Validity><Type>allow</Type></Validity>"
    "</Validities></Track>",
    "Item inside Item": "<Track><Resources><Resource><Item><Item/></Item></Resource>"
    "</Resources></Track>",
    "more than a territory list": "<ReleaseSetting><Title/></ReleaseSetting>",
    "IDs of a setting": "<ReleaseSetting><ID>1</ID><ID>1</ID></ReleaseSetting>",
    "a genre in Territories": "<Territories><Genre/></Territories>",
}
"""Objects that are not."""

MINIMAL = "<xml><Schema><Label/></Schema></xml>"

WRONG = {
    "wrong root": "<Feed><Schema><Label/></Schema></Feed>",
    "root in lower case": "<package><Schema><Label/></Schema></package>",
    "attribute of the root": "<xml version='1.0'><Schema><Label/></Schema></xml>",
    "no Schema": "<xml><Label/></xml>",
    "nothing": "<xml/>",
    "two Schemas": "<xml><Schema><Label/></Schema><Schema><Label/></Schema></xml>",
    "text beside Schema": "<xml>Hello<Schema><Label/></Schema></xml>",
    "text beside the object": "<xml><Schema>Hello<Label/></Schema></xml>",
    "wrong version": "<xml><Schema version='2.0'><Label/></Schema></xml>",
    "id on Schema": "<xml><Schema id='1'><Label/></Schema></xml>",
    "Schema alone": "<Schema><Label/></Schema>",
} | {name: f"<xml><Schema>{text}</Schema></xml>" for name, text in WRONG_OBJECTS.items()}
"""Packages that are not valid."""

ENTRIES = {
    "<xml><Version>1.0</Version><Client>SonyMusicParser</Client>"
    '<Feed path="/2022/10/11/1666271452953" /></xml>': True,
    '<xml><Feed path="2022/a b/1/">\n</Feed><Client> é </Client></xml>': True,
    "<xml><Version> 1.0 </Version><Feed path='/..a/.b/c.'/><Client>A</Client></xml>": True,
    "<xml><Version>1.1</Version><Client>A</Client><Feed path='/1'/></xml>": False,
    "<xml><Version/><Client>A</Client><Feed path='/1'/></xml>": False,
    "<xml><Client>A</Client><Client>A</Client><Feed path='/1'/></xml>": False,
    "<xml><Client> </Client><Feed path='/1'/></xml>": False,
    f"<xml><Client>{'A' * 256}</Client><Feed path='/1'/></xml>": False,
    "<xml><Client>A</Client><Feed/></xml>": False,
    "<xml><Client>A</Client></xml>": False,
    "<xml><Feed path='/1'/></xml>": False,
    "<Package><Client>A</Client><Feed path='/1'/></Package>": False,
    "<xml><Client>A</Client><Feed path='/1'>1</Feed></xml>": False,
    **{
        f"<xml><Client>A</Client><Feed path='{path}'/></xml>": False
        for path in ("", " ", "/", "..", "../a", "/a/../b", "a/..", "./a", "//a", "a//b", "a\\b")
    },
}
"""Stack entries, and whether they are valid (P2)."""

MANIFESTS = {
    "<xml><Client>SonyMusicParser</Client><Packages path='packages/*/*/package.xml'/></xml>": True,
    "<xml><Packages path=' ./**/[ab]?.xml '/><Client>A</Client></xml>": True,
    **{
        f"<xml><Client>A</Client><Packages path='{path}'/></xml>": False
        for path in ("", "/a.xml", "../a.xml", "a/../b.xml", "a//b.xml", "a/", "a\\b")
    },
    "<xml><Version>1.0</Version><Client>A</Client><Packages path='a'/></xml>": False,
    "<xml><Client>A</Client></xml>": False,
}
"""Manifests, and whether they are valid (P6)."""


@cache
def both(name: str) -> tuple[etree.XMLSchema, XMLSchema10]:
    """A schema as libxml2 and as ``xmlschema`` have it."""
    text = xsd.schemas()[name]
    return etree.XMLSchema(etree.fromstring(text.encode())), XMLSchema10(text)


def verdicts(data: bytes) -> set[bool]:
    """What is thought of a package: as a tree, as a stream, by ``xmlschema``, by the explainers."""
    root = etree.fromstring(data)
    return {
        validator.valid(root, len(data)),
        validator.valid(root, validator.WIDE + 1),
        not validator.violations(root),
        both("package.xsd")[1].is_valid(data.decode()),
        not validator.explain(data),
    }


def test_the_checked_in_schemas_are_those_of_the_declarations() -> None:
    """House, "One declaration": ``python -m feedengine.schemas`` has been run."""
    assert drifted(ROOT / "schemas") == []


@pytest.mark.parametrize("name", SAMPLES)
def test_the_documents_own_samples_are_valid(name: str) -> None:
    """Section 7: what the protocol document shows is valid, once it is well-formed."""
    assert verdicts(SAMPLES[name].encode()) == {True}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("root", ["xml", "Package"])
def test_lenient_objects_are_valid(name: str, root: str) -> None:
    """P10, P12, P15, P17, P35: any order, doubles, blanks, empty elements, repeated counters."""
    text = f"<{root}>\n<Schema version=' 1.0'>{OBJECTS[name]}</Schema></{root}>"
    assert verdicts(text.encode()) == {True}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_packages_are_refused_by_all(name: str) -> None:
    """P10: neither validator takes a document of another shape."""
    assert verdicts(WRONG[name].encode()) == {False}


@pytest.mark.parametrize("word", sorted(rules.WORDS))
def test_actions_are_known_in_any_letter_case(word: str) -> None:
    """P12: every word, in any letters, with blanks around it; nothing more."""
    for text in (word, word.upper(), word.capitalize(), f" {word}\n"):
        data = f"<xml><Schema operator='{text}'><Label action='{text}'/></Schema></xml>"
        assert verdicts(data.encode()) == {True}
    for text in (f"{word}s", word[1:], f"{word} {word}", f"\u00a0{word}"):
        data = f"<xml><Schema operator='{text}'><Label/></Schema></xml>"
        assert verdicts(data.encode()) == {False}


@pytest.mark.parametrize("data", ENTRIES)
def test_stack_entries(data: str) -> None:
    """P2: the schema, both validators and the reader agree on a Stack entry."""
    libxml2, second = both("stack.xsd")
    read = entries.parse_entry(data.encode(), "1.xml", entries.Signature(0, 0, 0))
    found = libxml2.validate(etree.fromstring(data)), second.is_valid(data)
    assert (*found, isinstance(read, entries.StackEntry)) == (ENTRIES[data],) * 3


@pytest.mark.parametrize("data", MANIFESTS)
def test_manifests(data: str) -> None:
    """P6: the schema, both validators and the reader agree on a manifest."""
    libxml2, second = both("manifest.xsd")
    read = entries.parse_manifest(data.encode())
    found = libxml2.validate(etree.fromstring(data)), second.is_valid(data)
    assert (*found, isinstance(read, entries.Manifest)) == (MANIFESTS[data],) * 3


@settings(max_examples=150, deadline=None)
@given(path=st.text(st.sampled_from(" /..a*\\é:"), max_size=8))
@example(path="/a/../b")
def test_no_path_that_the_readers_take_is_refused(path: str) -> None:
    """P2, P6: a path is refused by the schemas only where it is by the readers."""
    stack, manifest = etree.Element("xml"), etree.Element("xml")
    for root, name in ((stack, "Feed"), (manifest, "Packages")):
        etree.SubElement(root, "Client").text = "A"
        etree.SubElement(root, name, path=path)
    entry = entries.parse_entry(etree.tostring(stack), "1.xml", entries.Signature(0, 0, 0))
    assert both("stack.xsd")[0].validate(stack) or not isinstance(entry, entries.StackEntry)
    read = entries.parse_manifest(etree.tostring(manifest))
    assert both("manifest.xsd")[0].validate(manifest) or not isinstance(read, entries.Manifest)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=documents())
def test_the_validators_agree(case: tuple[bytes, str]) -> None:
    """P10: libxml2 (tree, stream) and ``xmlschema`` give one verdict, and take what is declared."""
    data, told = case
    found = verdicts(data)
    assert len(found) == 1
    assert found == {True} or told != UNSPOILT


PATTERNS = tuple(scalar for scalar in SCALARS if scalar.pattern is not None)


@st.composite
def near_values(draw: st.DrawFn) -> tuple[Scalar, str]:
    """A scalar, and a text that is a value of it but for a few characters."""
    scalar = draw(st.sampled_from(PATTERNS))
    letters = st.sampled_from("0123456789.,-+:TZPDHMSAllowdnyUS \t\n\u00a0٣")
    text = draw(st.from_regex(str(scalar.pattern), fullmatch=True))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(letters, max_size=2)) + text[at + draw(st.integers(0, 1)) :]
    return scalar, text


@cache
def type_of(scalar: Scalar) -> tuple[etree.XMLSchema, XMLSchema10]:
    """The schema of packages with a root ``value`` of the scalar's type, for both validators."""
    schema = etree.fromstring(xsd.schemas()["package.xsd"].encode())
    etree.SubElement(schema, f"{{{xsd.NAMESPACE}}}element", name="value", type=scalar.name)
    return etree.XMLSchema(schema), XMLSchema10(etree.tostring(schema, encoding="unicode"))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=near_values())
@example(case=(scalars.DATE, "1" * 16))
@example(case=(scalars.COUNTRY, "lWorldwide"))
@example(case=(scalars.INTEGER, "1\u2003"))
def test_patterns_are_read_alike(case: tuple[Scalar, str]) -> None:
    """P16: both validators read a scalar's pattern as Python does; empty text passes (P17)."""
    scalar, text = case
    value = etree.Element("value")
    value.text = text
    trimmed = text.strip(" \t\r\n")
    wanted = not trimmed or re.fullmatch(str(scalar.pattern), trimmed) is not None
    first, second = type_of(scalar)
    data = etree.tostring(value, encoding="unicode")
    assert (first.validate(value), second.is_valid(data)) == (wanted, wanted)


def test_the_validators_differ_on_blanks_that_are_not_xmls() -> None:
    """The one difference: ``xmlschema`` overlooks a no-break space where elements belong."""
    data = "<xml><Schema><Label>\u00a0</Label></Schema></xml>".encode()
    assert validator.violations(etree.fromstring(data))
    assert validator.explain(data) == []


def test_alternatives_are_split_at_the_outermost_level() -> None:
    """Each alternative becomes a pattern of its own; groups, classes and escapes stay whole."""
    assert xsd.alternatives(r"a|(b|c)|[|)\]]|\||") == ["a", "(b|c)", r"[|)\]]", r"\|", ""]
    assert xsd.alternatives("") == [""]


def test_items_that_differ_between_owners_get_types_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """House, "One declaration": a field of one owner's images alone is one line in the tables."""
    monkeypatch.setattr(xsd, "_differing", lambda: frozenset({"Images"}))
    text = xsd.schemas()["package.xsd"]
    assert all(f'name="{owner}Image"' in text for owner in ("Artist", "Release", "Track"))
    assert etree.XMLSchema(etree.fromstring(text.encode())).validate(etree.XML(MINIMAL))


def test_the_words_are_those_of_the_rules() -> None:
    """P10, P12: the frame's small tables say what the parser's say."""
    assert set(xsd.ACTIONS) == rules.WORDS
    assert set(xsd.ROOTS) == set(rules.ROOTS)
    assert {word for scalar in SCALARS for word in scalar.units} == set(xsd.UNITS)


def test_every_value_is_documented() -> None:
    """A producer can read what every simple type means, every action and every ``type=``."""
    schema = etree.fromstring(xsd.schemas()["package.xsd"].encode())
    space = {"xs": xsd.NAMESPACE}
    said = {
        one.get("name"): one.findall("xs:annotation/xs:documentation", space)
        for one in schema.findall("xs:simpleType", space)
    }
    assert all(said.values())
    assert len(said["Action"]) == len(xsd.ACTIONS)
    units = schema.findall(".//xs:enumeration", space)
    assert all(one.findtext("xs:annotation/xs:documentation", "", space) for one in units)


def test_violations_have_lines_and_are_safe_to_show() -> None:
    """Section 6: line and message; no control characters, at most 200 characters."""
    data = f"<xml>\n<Schema>\n<Track>\n<View>{'x' * 300}\u0085</View></Track></Schema></xml>"
    found = validator.violations(etree.fromstring(data))
    assert {line for line, _ in found} == {4}
    assert all(message.isprintable() and len(message) <= 200 for _, message in found)


def test_a_hostile_document_has_twenty_violations() -> None:
    """P11: thousands of wrong elements side by side are read up to the first chunk alone."""
    root = etree.fromstring(
        f"<xml><Schema><Track>{'<View>x</View>' * 20000}</Track></Schema></xml>"
    )
    found = validator.violations(root)
    assert len(found) == validator.MOST_VIOLATIONS
    assert {line for line, _ in found} == {0}
    assert not validator.valid(root, len(etree.tostring(root)))


def test_a_wide_document_is_valid_to_its_end() -> None:
    """P11: a document of many chunks is read whole, and its last element counts."""
    many = "<View>1</View>" * 20000
    for last, wanted in (("", True), ("<Foo/>", False), ("<View>x</View>", False)):
        text = f"<xml><Schema><Track>{many}{last}</Track></Schema></xml>"
        assert validator.valid(etree.fromstring(text), len(text)) is wanted
        assert (not validator.violations(etree.fromstring(text))) is wanted


def test_explanations_name_the_place() -> None:
    """A rejection in full: XPath and reason of everything that is wrong."""
    data = b"<xml><Schema><Track><View>1</View><View>x</View><Foo/></Track></Schema></xml>"
    found = dict(validator.explain(data))
    assert set(found) == {"/xml/Schema/Track", "/xml/Schema/Track/View[2]"}
    assert "Foo" in found["/xml/Schema/Track"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<xml>",
        b"\xff",
        b"http://127.0.0.1:9/package.xml",
        b"/etc/hostname",
        b'<!DOCTYPE a [<!ENTITY b "c">]><xml>&b;</xml>',
        b'<?xml version="1.0" encoding="utf-7"?><xml/>',
    ],
)
def test_what_is_no_xml_is_explained_without_a_place(data: bytes) -> None:
    """P11: bytes that cannot be read are one reason; nothing is fetched or opened."""
    [(xpath, reason)] = validator.explain(data)
    assert xpath == ""
    assert reason


def test_a_schema_that_a_document_names_is_not_looked_for() -> None:
    """No network: ``xsi:noNamespaceSchemaLocation`` is nobody's business."""
    instance = "http://www.w3.org/2001/XMLSchema-instance"
    data = (
        f'<xml xmlns:x="{instance}" x:noNamespaceSchemaLocation="http://127.0.0.1:9/a.xsd">'
        "<Schema><Label/></Schema></xml>"
    )
    assert verdicts(data.encode()) == {True}


def test_the_command_writes_and_compares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``make verify``: drift is named and is exit status 1; writing mends it."""
    folder = tmp_path / "schemas"
    assert main([str(folder), "--check"]) == 1
    assert capsys.readouterr().out.count("has drifted") == 3
    assert not folder.exists()
    assert main([str(folder)]) == 0
    assert capsys.readouterr().out.count("written") == 3
    (folder / "stack.xsd").write_bytes(b"<a/>")
    assert main([str(folder), "--check"]) == 1
    assert capsys.readouterr().out == f"{folder / 'stack.xsd'} has drifted\n"
    assert main([str(folder)]) == 0
    assert main([str(folder), "--check"]) == 0
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == xsd.schemas()
