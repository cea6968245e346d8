"""What can be wrong in the text of a document: references, brackets, characters (P11).

Each is found from the byte at which a parser has stopped, and says how to read on behind it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from xml.parsers import expat

from feedengine.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

MALFORMED = "xml-malformed"
FORBIDDEN = "xml-forbidden"

Span: TypeAlias = tuple[int, int]
"""Where something begins and ends, in bytes."""


class Mistake(NamedTuple):
    """A mistake at a byte; ``spans`` are to be blanked out to read on behind it."""

    at: int
    message: str
    hint: str = ""
    spans: tuple[Span, ...] = ()
    code: str = MALFORMED


SAID = {
    expat.errors.XML_ERROR_INVALID_TOKEN: (
        "a character that XML does not allow here",
        "check quotes, `=` and `/` of this tag; control characters are never allowed",
    ),
    expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: (
        "something follows the end of the document",
        "one root element holds everything; remove what stands behind it",
    ),
    expat.errors.XML_ERROR_XML_DECL: (
        "the XML declaration is not right",
        'write <?xml version="1.0" encoding="UTF-8"?>, or leave it out',
    ),
    expat.errors.XML_ERROR_SYNTAX: (
        "this is no XML element",
        "the document begins with <xml>",
    ),
    expat.errors.XML_ERROR_MISPLACED_XML_PI: (
        "an XML declaration stands inside the document",
        "nothing may stand before it, no blank and no empty line",
    ),
    expat.errors.XML_ERROR_UNCLOSED_TOKEN: (
        "the document ends inside a tag",
        "the file may have been cut off; send it again",
    ),
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION: (
        "the document ends inside a CDATA section",
        "the file may have been cut off; send it again",
    ),
    expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE: (
        "an attribute is given twice",
        "give it once",
    ),
}
"""What the parser says → what we say, and the cure."""

_BROKEN = re.compile(rb"[\s<>;]")


def bare_ampersand(data: bytes, at: int) -> Mistake | None:
    """A bare ``&``: the parser stops where its name ought to end."""
    begin = data.rfind(b"&", 0, at + 1)
    if begin < 0 or at - begin > 100 or _BROKEN.search(data, begin, at):
        return None
    if data[begin : begin + 2] == b"&#":
        return impossible_character(data, begin)
    hint = "`&` must be written `&amp;`"
    return Mistake(begin, "a bare & stands in the text", hint, ((begin, begin + 1),))


_ODD_TAG = re.compile(rb"<(?![A-Za-z_:!?/])([^<>]{0,40})>")
_MARKUP = (b"!", b"?", b"/")


def bare_bracket(data: bytes, at: int) -> Mistake | None:
    """A bare ``<``: the parser stops behind it, in the value of an attribute at it."""
    begin = at if data[at : at + 1] == b"<" else max(at - 1, 0)
    if data[begin : begin + 1] != b"<" or data[begin + 1 : begin + 2] in _MARKUP:
        return None
    found = _ODD_TAG.match(data, begin)
    inside = plain(found[1].decode("utf-8", "replace").strip()) if found else ""
    hint = f"`<{inside}>` must be `&lt;{inside}&gt;`" if inside else "`<` must be written `&lt;`"
    if begin == at:
        hint = f"{hint}; or the tag before it lacks its `>`"
    return Mistake(begin, "a bare < stands in the text", hint, ((begin, begin + 1),))


_REFERENCE = re.compile(rb"&([^\s<>;&]{0,100});?")
_FIVE = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})


def _references(data: bytes, at: int) -> Iterator[re.Match[bytes]]:
    """The references in the token at a byte: itself, or those in the tag that begins there."""
    end = tag_span(data, at)[1] if data[at : at + 1] == b"<" else at + 101
    return _REFERENCE.finditer(data, at, end)


def unknown_entity(data: bytes, at: int) -> Mistake:
    """An entity beyond XML's five."""
    named = (one for one in _references(data, at) if one[1] not in _FIVE and one[1][:1] != b"#")
    found = next(named, None)
    begin, end = found.span() if found else (at, at + 1)
    name = quoted(data[begin:end].decode("utf-8", "replace"))
    hint = "write the character itself; only &amp; &lt; &gt; &quot; &apos; are entities here"
    message = f"the entity {name} is none of the five of XML"
    return Mistake(begin, message, hint, ((begin, end),), FORBIDDEN)


def impossible_character(data: bytes, at: int) -> Mistake:
    """A reference to a character that there is not, or that XML does not allow."""
    found = next((one for one in _references(data, at) if not _legal(one[1])), None)
    begin, end = found.span() if found else (at, at + 1)
    name = quoted(data[begin:end].decode("utf-8", "replace"))
    hint = "leave it out; where a bare & is meant, write `&amp;`"
    return Mistake(begin, f"{name} stands for no character of XML", hint, ((begin, end),))


def _legal(reference: bytes) -> bool:
    """Whether a reference without its ``&`` and ``;`` stands for a character that XML has."""
    if reference[:1] != b"#":
        return True
    digits = reference[1:].decode("ascii", "replace")
    try:
        number = int(digits[1:], 16) if digits[:1] == "x" else int(digits)
    except ValueError:
        return False
    return (
        number in {0x9, 0xA, 0xD}
        or 0x20 <= number <= 0xD7FF
        or 0xE000 <= number <= 0xFFFD
        or 0x10000 <= number <= 0x10FFFF
    )


_START_TAG = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*+>""")


def tag_span(data: bytes, at: int) -> Span:
    """Where the start tag at ``at`` begins and ends."""
    found = _START_TAG.match(data, at)
    return (at, at + 1) if found is None else found.span()


def plain(text: str) -> str:
    """Text of a document, safe to show, without quotation marks of its own."""
    return quoted(text)[1:-1]
