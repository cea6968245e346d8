"""Stack entries and manifests as XML: what is right, what is wrong, what is not finished."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedengine.errors import Fault
from feedengine.feeds import entries
from feedengine.feeds.entries import (
    LARGEST_FORM,
    Manifest,
    Signature,
    StackEntry,
    Unfinished,
    parse_entry,
    parse_manifest,
)

SIGNATURE = Signature(1, 2, 3)
NAME = "1666271452953.xml"

DOCUMENTS_ENTRY = b"""<xml>
    <Version>1.0</Version>
    <Client>SonyMusicParser</Client>
    <Feed path="/2022/10/11/1666271452953" />
</xml>
"""

DOCUMENTS_MANIFEST = b"""<xml>
    <Client>SonyMusicParser</Client>
    <Packages path="packages/*/*/package.xml" />
</xml>
"""


def entry(inside: str) -> StackEntry | Unfinished | list[Fault]:
    """Parse an entry with this inside its root."""
    return parse_entry(f"<xml>{inside}</xml>".encode(), NAME, SIGNATURE)


def faults(found: object) -> list[Fault]:
    """The faults of something that must be wrong."""
    assert isinstance(found, list)
    assert found
    assert all(isinstance(fault, Fault) for fault in found)
    return found


def test_the_documents_own_entry() -> None:
    """P2: `Version`, `Client` and `Feed/@path`, relative in spite of its slash."""
    expected = StackEntry(NAME, "SonyMusicParser", "2022/10/11/1666271452953", SIGNATURE)
    assert parse_entry(DOCUMENTS_ENTRY, NAME, SIGNATURE) == expected


def test_the_documents_own_manifest() -> None:
    """P6: `Client` and `Packages/@path`."""
    expected = Manifest("SonyMusicParser", "packages/*/*/package.xml")
    assert parse_manifest(DOCUMENTS_MANIFEST) == expected


@pytest.mark.parametrize(
    ("path", "feed_path"),
    [
        ("2022/10/11/1", "2022/10/11/1"),
        ("/2022/10/11/1/", "2022/10/11/1"),
        (" /a \n", "a"),
        ("a b/é", "a b/é"),
    ],
)
def test_plain_paths_of_a_feed(path: str, feed_path: str) -> None:
    """P2: one leading slash means nothing, a trailing one is tolerated, blanks are trimmed."""
    found = entry(f'<Client>A</Client><Feed path="{path}"/>')
    assert found == StackEntry(NAME, "A", feed_path, SIGNATURE)


@pytest.mark.parametrize(
    "path",
    [
        "../elsewhere",
        "/../elsewhere",
        "2022/../../elsewhere",
        "2022/..",
        "//2022",
        "2022//10",
        "2022//",
        "./2022",
        "2022/./10",
        "/",
        "//",
        "..",
        ".",
        "2022\\10",
        "http://example.org/2022",
        "file:2022",
        "C:/2022",
        "/a:b",
        "2022&#10;/x",
        "2022/&#x85;",
        "a/" * 3000 + "a",
    ],
)
def test_paths_that_leave_feeds(path: str) -> None:
    """P2: a path that leaves `Feeds/` or is no plain relative path is `entry-invalid`."""
    (fault,) = faults(entry(f'<Client>A</Client><Feed path="{path}"/>'))
    assert (fault.code, fault.rule) == ("entry-invalid", "P2")
    assert fault.message.startswith("Feed/@path ")
    assert fault.place == (((None, NAME), 0), 1)
    assert fault.message.isprintable()
    assert len(fault.message) < 400


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ('<Feed path="a"/>', "Client is missing"),
        ("<Client>A</Client>", "Feed is missing"),
        ("<Client>A</Client><Feed/>", "Feed/@path is missing"),
        ('<Client>A</Client><Feed path=""/>', "Feed/@path is empty"),
        ('<Client> </Client><Feed path="a"/>', "Client is empty"),
        ('<Client/><Feed path="a"/>', "Client is empty"),
        (f'<Client>{"A" * 256}</Client><Feed path="a"/>', "Client has 256 characters"),
        ('<Client>A&#9;B</Client><Feed path="a"/>', "holds a control character"),
        ('<Version>2.0</Version><Client>A</Client><Feed path="a"/>', "Version is '2.0'"),
        ('<Version/><Client>A</Client><Feed path="a"/>', "Version is empty"),
        ('<Client>A</Client><Client>A</Client><Feed path="a"/>', "Client stands there twice"),
        ('<Client>A</Client><Feed path="a"/><Fed/>', "'Fed' is not known here"),
        ('<client>A</client><Client>A</Client><Feed path="a"/>', "'client' is not known here"),
        ('<Client>A<b/></Client><Feed path="a"/>', "'Client/b' is not known here"),
        ('<Client>A</Client><Feed path="a"><b/></Feed>', "'Feed/b' is not known here"),
        ('<Client>A</Client><Feed path="a">x</Feed>', "Text that means nothing: 'x'"),
        ('<Client>A</Client> x <Feed path="a"/>', "Text that means nothing: 'x'"),
        ('<Client a="1">A</Client><Feed path="a"/>', "attribute 'a' of 'Client'"),
        ('<Client>A</Client><Feed path="a" Path="b"/>', "attribute 'Path' of 'Feed'"),
        ('<Client xmlns="u">A</Client><Client>A</Client><Feed path="a"/>', "'{u}Client' is not"),
    ],
)
def test_entries_that_are_wrong(inside: str, message: str) -> None:
    """P2: the finding names what is missing, unknown or wrong."""
    (fault,) = faults(entry(inside))
    assert fault.code == "entry-invalid"
    assert message in fault.message
    assert fault.hint


def test_every_fault_is_told_at_once() -> None:
    """Section 6: every error is reported, not the first, each at its place."""
    found = faults(entry("<Version>9</Version><Client/><Fed/>"))
    root = ((None, NAME), 0)
    assert [fault.place for fault in found] == [(root, 0), (root, 1), (root, 2), root]
    assert found[2].hint == "Did you mean Feed?"


def test_a_client_may_have_255_characters() -> None:
    """P2: the bound itself is legal."""
    assert isinstance(entry(f'<Client>{"é" * 255}</Client><Feed path="a"/>'), StackEntry)


def test_a_schema_s_location_is_nobody_s_business() -> None:
    """P2: what a producer's XML tool adds for itself does not matter."""
    data = b"""<?xml version="1.0" encoding="ISO-8859-1"?><!-- note --><?note?>
    <xml xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="x">
    <Client>\xe9</Client><!-- note --><Feed path="a"/></xml>"""
    assert parse_entry(data, NAME, SIGNATURE) == StackEntry(NAME, "é", "a", SIGNATURE)


@pytest.mark.parametrize("root", ["Package", "Manifest", "XML", "Xml", "Stack"])
def test_other_roots(root: str) -> None:
    """P2, P6: the root is `<xml>`, as in the document."""
    inside = '<Client>A</Client><Feed path="a"/><Packages path="a"/>'
    data = f"<{root}>{inside}</{root}>".encode()
    (fault,) = faults(parse_entry(data, NAME, SIGNATURE))
    assert fault.message == f"The root is '{root}'; it must be 'xml'"
    assert faults(parse_manifest(data))[0].code == "manifest-missing"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"<",
        b"<xml>",
        b"\xff",
        b"\0" * 50,
        DOCUMENTS_ENTRY[:-2],
        DOCUMENTS_ENTRY + b"\0",
        b"<xml>&foo;</xml>",
        b'<?xml version="1.0" encoding="nonsense"?><xml/>',
    ],
)
def test_what_is_not_well_formed_may_still_be_written(data: bytes) -> None:
    """P4: not yet well-formed is not wrong yet, and known to be wrong when it stays so."""
    found = parse_entry(data, NAME, SIGNATURE)
    assert isinstance(found, Unfinished)
    assert found.fault.code == "entry-invalid"
    assert found.fault.place == (None, NAME)
    assert "line 1, column" in found.fault.message or "line " in found.fault.message
    manifest = parse_manifest(data, "a/manifest.xml")
    assert isinstance(manifest, Unfinished)
    assert manifest.fault.code == "manifest-missing"
    assert manifest.fault.place == (None, "a/manifest.xml")


@given(st.integers(0, len(DOCUMENTS_ENTRY.rstrip()) - 1))
def test_no_part_of_an_entry_passes_for_an_entry(length: int) -> None:
    """P4: a truncated entry is never taken, nor taken for wrong."""
    assert isinstance(parse_entry(DOCUMENTS_ENTRY[:length], NAME, SIGNATURE), Unfinished)


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE xml>" + DOCUMENTS_ENTRY,
        b'<!DOCTYPE xml SYSTEM "http://example.org/x.dtd"><xml>&foo;</xml>',
        b'<!DOCTYPE xml [<!ENTITY foo SYSTEM "file:///etc/passwd">]><xml>&foo;</xml>',
    ],
)
def test_a_doctype_is_refused(data: bytes) -> None:
    """P11: no DOCTYPE, no entities beyond XML's five, nothing fetched."""
    (fault,) = faults(parse_entry(data, NAME, SIGNATURE))
    assert fault.message == "The file has a DOCTYPE"


def test_a_bomb_of_entities_is_no_entry() -> None:
    """P11: nothing is expanded."""
    names = "abcdefgh"
    steps = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names))
    data = f'<!DOCTYPE xml [<!ENTITY a "{"x" * 99}">{steps}]><xml a="&h;&h;"/>'.encode()
    assert not isinstance(parse_entry(data, NAME, SIGNATURE), StackEntry)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "us-ascii", "iso-8859-1"])
def test_encodings_that_are_read(encoding: str) -> None:
    """P11: UTF-8, US-ASCII, ISO-8859-1, UTF-16 with its mark."""
    name = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{name}"?><xml><Client>A</Client><Feed path="a"/></xml>'
    assert isinstance(parse_entry(text.encode(encoding), NAME, SIGNATURE), StackEntry)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("utf-7", "utf-8"),
        ("windows-1252", "utf-8"),
        ("utf-32", "utf-32"),
        ("utf-16", "utf-16-le"),
        ("utf-16le", "utf-16-le"),
        ("", "utf-32"),
    ],
)
def test_encodings_that_are_not_read(declared: str, encoding: str) -> None:
    """P11: anything else is refused, UTF-7 above all."""
    said = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = f'{said}<xml><Client>A</Client><Feed path="a"/></xml>'
    found = parse_entry(text.encode(encoding), NAME, SIGNATURE)
    assert not isinstance(found, StackEntry)


def test_too_large() -> None:
    """P11: a form of more than 1 MiB is refused unread."""
    (fault,) = faults(parse_entry(b" " * (LARGEST_FORM + 1), NAME, SIGNATURE))
    assert "1048576" in fault.message
    padded = DOCUMENTS_ENTRY + b" " * (LARGEST_FORM - len(DOCUMENTS_ENTRY))
    assert isinstance(parse_entry(padded, NAME, SIGNATURE), StackEntry)


@pytest.mark.parametrize(
    ("inside", "codes"),
    [
        ('<Packages path="a"/>', ["client-mismatch"]),
        ("<Client>A</Client>", ["no-packages"]),
        ("<Client>A</Client><Packages/>", ["no-packages"]),
        ('<Client>A</Client><Packages path="../*"/>', ["no-packages"]),
        ('<Client>A</Client><Packages path="/a"/>', ["no-packages"]),
        ('<Client/><Packages path="a\\b"/>', ["client-mismatch", "no-packages"]),
        ('<Client>A</Client><Packages path="a"/><Feed path="a"/>', ["manifest-missing"]),
    ],
)
def test_manifests_that_are_wrong(inside: str, codes: list[str]) -> None:
    """P6: each fault has the code of what it is about."""
    found = faults(parse_manifest(f"<xml>{inside}</xml>".encode()))
    assert [fault.code for fault in found] == codes


@settings(max_examples=50)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_nothing_breaks_the_reader(data: bytes) -> None:
    """P11: any bytes give a value or faults, never an exception."""
    parse_entry(data, NAME, SIGNATURE)
    parse_manifest(b"<xml><Client>" + data + b'</Client><Packages path="a"/></xml>')


SCRAPS = (
    "<Version>1.0</Version>",
    "<Client>A</Client>",
    "<Client> B&amp;C </Client>",
    '<Client path="z">A</Client>',
    '<Feed path="/2022/1"/>',
    '<Feed path="2022//1"/>',
    '<Feed path="feed"></Feed>',
    '<Feed xpath="q"/>',
    "<Feed path='q'/>",
    '<Feed path="a&#47;b"/>',
    '<!-- path="x" -->',
    '<![CDATA[path="y"]]>',
    " ",
)


@settings(max_examples=300)
@example(['<!-- path="x" -->', "<Client>A</Client>", '<Feed path="feed"></Feed>'])
@example(["<Client>A</Client>", '<Feed path="/2022/1"/>'])
@given(st.lists(st.sampled_from(SCRAPS), max_size=5))
def test_a_glance_at_an_entry_sees_what_a_reading_sees(scraps: list[str]) -> None:
    """P2: an entry that is known but for its path, and everything that only looks like one."""
    usual = f"<xml>{''.join(scraps)}</xml>".encode()
    for data in (usual, usual, usual.replace(b"2022/1", b"x-1/Y_2")):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(entries, "_values_at_a_glance", lambda _: None)
            read = parse_entry(data, NAME, SIGNATURE)
        assert parse_entry(data, NAME, SIGNATURE) == read
