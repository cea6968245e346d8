"""Parser, libxml2 and xmlschema give generated documents the same verdict."""

from __future__ import annotations

from hypothesis import given
from lxml import etree

from feedengine.feeds.document import Document, Limits, read_file
from feedengine.feeds.parse import READERS, parse
from feedengine.feeds.reading import Reading
from feedengine.feeds.validator import explain
from feedengine.model.codes import severity_of

from .documents import documents

IGNORING = ("delete", "pull")


def document_of(data: bytes) -> Document:
    """A document of one file that names no others."""
    found = read_file("package.xml", data, Limits())
    document = Document("package.xml", {"package.xml": found}, "", Limits())
    if found.root is not None:
        for element in found.root.iter():
            src = element.get("src")
            if src is not None:
                document.sources[src] = ("source-missing", "no such file", "")
    return document


def ignores_content(root: etree._Element) -> bool:
    """Whether something in the document is under an action that does not look at content."""
    return any(
        (element.get(name) or "").strip().lower() in IGNORING
        for element in root.iter()
        for name in ("action", "operator")
    )


@given(documents())
def test_what_the_schema_refuses_the_parser_explains(found: tuple[bytes, str]) -> None:
    """P10: the parser by itself names a fault in every document that the schema refuses."""
    data, said = found
    document = document_of(data)
    file = document.files["package.xml"]
    if file.root is None or ignores_content(file.root):
        return
    reading = parse(document)
    alone = [fault for fault in reading.faults if not fault.message.startswith("line ")]
    if file.suspect:
        assert any(severity_of(fault) == "error" for fault in alone), said
    assert bool(explain(data)) == file.suspect, said


@given(documents())
def test_a_sure_reading_finds_what_a_careful_one_finds(found: tuple[bytes, str]) -> None:
    """What the schema has found valid is not looked at again, and nothing is lost by that."""
    data, said = found
    document = document_of(data)
    file = document.files["package.xml"]
    if file.root is None or file.suspect:
        return
    quick = parse(document)
    assert Reading(document, READERS, strict=False).sure
    file.suspect = True
    careful = parse(document)
    kept = [fault for fault in careful.faults if not fault.message.startswith("line ")]
    assert (quick.request, quick.faults) == (careful.request, kept), said
