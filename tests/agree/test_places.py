"""Where an element stands is what its tree says: line, XPath, and the tag that begins there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedengine.feeds.encodings import EncodingError, utf8
from feedengine.feeds.places import path_of, spots

from .documents import documents
from .test_skim import spoilt

if TYPE_CHECKING:
    from random import Random

PARSER = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False)
ODD = (
    b"<a x='-->'><b/></a>",
    b"<a><b x='/>'><b/></b ><b\n/><bb/></a>",
    b"<?xml version='1.0'?><a><!-- <b> --><b><![CDATA[</b>]]><b><b/></b></b><?b <b> ?><b/></a>",
)


def tree(data: bytes) -> etree._Element | None:
    """The tree of what is well-formed, and no DOCTYPE."""
    try:
        return None if b"<!DOCTYPE" in data else etree.fromstring(data, PARSER)
    except etree.XMLSyntaxError:
        return None


def told_apart(data: bytes, few: Random) -> bool:
    """Whether there is a tree; then some of its elements are found where it has them."""
    root = tree(data)
    if root is None:
        return False
    elements = [one for one in root.iter() if not one.nsmap]
    wanted = {
        path_of(one): one for one in few.sample(elements, min(len(elements), few.randint(1, 4)))
    }
    found = spots(data, wanted)
    assert found.keys() == wanted.keys(), data
    for path, element in wanted.items():
        line, column, xpath = found[path]
        assert xpath == root.getroottree().getpath(element), data
        assert line <= (element.sourceline or 0), data  # which is the line where the tag ends
        rest = data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")[line - 1]
        assert rest[column - 1 :].startswith(f"<{element.tag!s}"), data
    return True


@given(spoilt(), st.randoms())
def test_elements_of_odd_documents_are_found(found: tuple[bytes, str], few: Random) -> None:
    """Section 6: between comments, CDATA and the like, too."""
    try:
        told_apart(utf8(found[0]), few)
    except EncodingError:
        return


@given(documents(), st.randoms())
def test_elements_of_any_document_are_found(found: tuple[bytes, str], few: Random) -> None:
    """Section 6: right or wrong by the schema."""
    told_apart(found[0], few)


@given(st.sampled_from(ODD), st.randoms())
def test_what_looks_like_a_tag_is_none(data: bytes, few: Random) -> None:
    """Nor ends an element before its end."""
    assert told_apart(data, few)
