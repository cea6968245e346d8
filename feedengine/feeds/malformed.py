"""Where and why a document is not well-formed, with the cure (P11).

A second parser says where a document stops being XML. To find the mistakes behind the first one,
what is wrong is blanked out, byte for byte, and the rest is read again; such bytes serve for hints
alone and are never applied.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from xml.parsers import expat

from feedengine.errors import quoted
from feedengine.feeds.encodings import line_column, masked, name_at

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TROUBLES = 20
"""How many mistakes of a document are told."""

LARGEST_READ_AGAIN = 1 << 20
"""Of larger documents only the first mistake is told."""

MOST_CAUSES = 5
"""How many elements one hint names."""

_MALFORMED = "xml-malformed"
_FORBIDDEN = "xml-forbidden"

Span: TypeAlias = tuple[int, int]
"""Where something begins and ends, in bytes."""


class Trouble(NamedTuple):
    """The place of a mistake (line and column from 1), the code it has, what it is, its cure."""

    code: str
    line: int
    column: int
    message: str
    hint: str = ""


class _Opened(NamedTuple):
    """An element that is open, and the byte at which it was opened."""

    name: str
    at: int


class _Mistake(NamedTuple):
    """A mistake at a byte; ``spans`` are to be blanked out to read on behind it."""

    at: int
    message: str
    hint: str = ""
    spans: tuple[Span, ...] = ()
    code: str = _MALFORMED


_PROLOG = rb"(?:[ \t\r\n]|<!--(?>.*?-->)|<\?(?>.*?\?>))*+"
_DOCTYPE = re.compile(_PROLOG + rb"(<!DOCTYPE)", re.DOTALL | re.IGNORECASE)


def doctype(data: bytes) -> tuple[int, int] | None:
    """Line and column of a DOCTYPE, or None; in comments, CDATA and text there is none."""
    found = _DOCTYPE.match(data)
    return None if found is None else line_column(data, found.start(1))


def diagnose(data: bytes) -> list[Trouble]:
    """The mistakes in ``data`` (UTF-8); none when this second parser finds none."""
    troubles: list[Trouble] = []
    rest = data
    while len(troubles) < MOST_TROUBLES:
        found = _first(rest)
        if found is None:
            break
        line, column = line_column(data, found.at)
        troubles.append(Trouble(found.code, line, column, found.message, found.hint))
        if not found.spans or len(data) > LARGEST_READ_AGAIN:
            break
        for span in found.spans:
            rest = _blanked(rest, span)
    return troubles


def _blanked(data: bytes, span: Span) -> bytes:
    begin, end = span
    return data[:begin] + re.sub(rb"[^\r\n]", b" ", data[begin:end]) + data[end:]


def _first(data: bytes) -> _Mistake | None:
    """Where ``data`` stops being XML, and why."""
    parser = expat.ParserCreate("utf-8")
    stack: list[_Opened] = []

    def opened(_name: str, _attributes: list[str]) -> None:
        stack.append(_Opened(name_at(data, parser.CurrentByteIndex), parser.CurrentByteIndex))

    def closed(_name: str) -> None:
        at = parser.CurrentByteIndex
        last = stack[-1]
        empty = data.startswith(b"/>", at - 2) and _tag(data, last.at)[1] == at
        if not (plain or empty or name_at(data, at) == last.name):
            raise _UnlikeError(at)
        stack.pop()

    plain = data.isascii()
    parser.ordered_attributes = True
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    try:
        parser.Parse(masked(data), True)
    except _UnlikeError as unlike:
        return _mismatch(data, unlike.at, stack)
    except expat.ExpatError as error:
        at = min(max(parser.ErrorByteIndex, 0), len(data))
        return _explained(data, at, expat.errors.messages[error.code], stack)
    return None


class _UnlikeError(Exception):
    """An end tag differs from its start tag in what is not ASCII; the parser reads on behind it."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def _explained(data: bytes, at: int, said: str, stack: list[_Opened]) -> _Mistake:
    """What the parser has ``said`` of byte ``at``, in words that help."""
    if said == expat.errors.XML_ERROR_TAG_MISMATCH:
        return _mismatch(data, data.rfind(b"<", 0, at + 1), stack)
    if said == expat.errors.XML_ERROR_UNDEFINED_ENTITY:
        return _undefined(data, at)
    if said == expat.errors.XML_ERROR_BAD_CHAR_REF:
        return _impossible(data, at)
    if said == expat.errors.XML_ERROR_NO_ELEMENTS:
        return _ended(data, stack)
    if said == expat.errors.XML_ERROR_INVALID_TOKEN:
        found = _ampersand(data, at) or _bracket(data, at)
        if found is not None:
            return found
    if said == expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION:
        at = data.rfind(b"<![CDATA[", 0, at)
    message, hint = _SAID.get(said, (said, ""))
    return _Mistake(at, message, hint)


_SAID = {
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


def _ampersand(data: bytes, at: int) -> _Mistake | None:
    """A bare ``&``: the parser stops where its name ought to end."""
    begin = data.rfind(b"&", 0, at + 1)
    if begin < 0 or at - begin > 100 or _BROKEN.search(data, begin, at):
        return None
    if data[begin : begin + 2] == b"&#":
        return _impossible(data, begin)
    hint = "`&` must be written `&amp;`"
    return _Mistake(begin, "a bare & stands in the text", hint, ((begin, begin + 1),))


_ODD_TAG = re.compile(rb"<(?![A-Za-z_:!?/])([^<>]{0,40})>")


_MARKUP = (b"!", b"?", b"/")


def _bracket(data: bytes, at: int) -> _Mistake | None:
    """A bare ``<``: the parser stops behind it, in the value of an attribute at it."""
    begin = at if data[at : at + 1] == b"<" else max(at - 1, 0)
    if data[begin : begin + 1] != b"<" or data[begin + 1 : begin + 2] in _MARKUP:
        return None
    found = _ODD_TAG.match(data, begin)
    inside = _plain(found[1].decode("utf-8", "replace").strip()) if found else ""
    hint = f"`<{inside}>` must be `&lt;{inside}&gt;`" if inside else "`<` must be written `&lt;`"
    if begin == at:
        hint = f"{hint}; or the tag before it lacks its `>`"
    return _Mistake(begin, "a bare < stands in the text", hint, ((begin, begin + 1),))


_REFERENCE = re.compile(rb"&([^\s<>;&]{0,100});?")
_FIVE = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})


def _references(data: bytes, at: int) -> Iterator[re.Match[bytes]]:
    """The references in the token at a byte: itself, or those in the tag that begins there."""
    end = _tag(data, at)[1] if data[at : at + 1] == b"<" else at + 101
    return _REFERENCE.finditer(data, at, end)


def _undefined(data: bytes, at: int) -> _Mistake:
    """An entity beyond XML's five."""
    named = (one for one in _references(data, at) if one[1] not in _FIVE and one[1][:1] != b"#")
    found = next(named, None)
    begin, end = found.span() if found else (at, at + 1)
    name = quoted(data[begin:end].decode("utf-8", "replace"))
    hint = "write the character itself; only &amp; &lt; &gt; &quot; &apos; are entities here"
    message = f"the entity {name} is none of the five of XML"
    return _Mistake(begin, message, hint, ((begin, end),), _FORBIDDEN)


def _impossible(data: bytes, at: int) -> _Mistake:
    """A reference to a character that there is not, or that XML does not allow."""
    found = next((one for one in _references(data, at) if not _legal(one[1])), None)
    begin, end = found.span() if found else (at, at + 1)
    name = quoted(data[begin:end].decode("utf-8", "replace"))
    hint = "leave it out; where a bare & is meant, write `&amp;`"
    return _Mistake(begin, f"{name} stands for no character of XML", hint, ((begin, end),))


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


_END_TAG = re.compile(rb"</([^\s>]*)\s*>?")


def _mismatch(data: bytes, at: int, stack: list[_Opened]) -> _Mistake:
    """An end tag that meets another element: a slip of the pen, or slashes lost before it."""
    found = _END_TAG.match(data, at)
    name = found[1].decode("utf-8", "replace") if found else ""
    span = (at, found.end() if found else at + 1)
    last = stack[-1]
    names = [one.name for one in stack]
    message = f"{_opened(data, last)}, is closed by {quoted(name)}"
    if name in names:
        unclosed = stack[len(names) - names[::-1].index(name) :]
        causes, spans = _unclosed(data, unclosed)
        return _Mistake(at, message, causes, spans)
    leaf = data.find(b"<", last.at + 1) == at
    if leaf or get_close_matches(name.lower(), [last.name.lower()], 1, 0.6):
        spans = (_tag(data, last.at), span)
        return _Mistake(at, message, f"</{_plain(last.name)}> is wanted here", spans)
    hint = f"no <{_plain(name)}> is open here; remove it, or close <{_plain(last.name)}> before"
    return _Mistake(at, message, hint, (span,))


def _ended(data: bytes, stack: list[_Opened]) -> _Mistake:
    """The document is over, and elements are still open."""
    if not stack:
        if not data.strip():
            return _Mistake(0, "the file is empty", "write the document")
        return _Mistake(len(data), "the document holds no element", "it begins with <xml>")
    causes, _ = _unclosed(data, stack)
    return _Mistake(len(data), f"the document ends; {_opened(data, stack[-1])}, is open", causes)


def _unclosed(data: bytes, elements: list[_Opened]) -> tuple[str, tuple[Span, ...]]:
    """Why these elements, each inside the one before, are not closed; and what to blank out.

    An element directly in one of its own name, and without attributes, is an end tag that has lost
    its slash: no element of the protocol holds one of its own name.
    """
    left: list[_Opened] = []
    lost: dict[_Opened, _Opened] = {}
    for one in elements:
        if left and left[-1].name.lower() == one.name.lower() and _is_bare(data, one):
            lost[one] = left.pop()
        else:
            left.append(one)
    causes = sorted([*lost, *left], key=lambda one: one.at)
    told = [_cause(data, one, lost.get(one)) for one in causes[:MOST_CAUSES]]
    more = [f"and {len(causes) - MOST_CAUSES} more"] if len(causes) > MOST_CAUSES else []
    return "; ".join(told + more), tuple(_tag(data, one.at) for one in elements)


def _cause(data: bytes, one: _Opened, begun: _Opened | None) -> str:
    """What is wrong with a start tag: a slash is lost, or its end tag."""
    line, _ = line_column(data, one.at)
    wrong = _plain(one.name)
    if begun is None:
        return f"<{wrong}> of line {line} is never closed"
    name = _plain(begun.name)
    closed = f"`{name}` is closed by `{wrong}`: " if name != wrong else ""
    return f"{closed}`<{wrong}>` in line {line} must be `</{name}>`"


def _is_bare(data: bytes, one: _Opened) -> bool:
    begin, end = _tag(data, one.at)
    return data[begin + 1 : end - 1].strip() == one.name.encode()


_START_TAG = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*+>""")


def _tag(data: bytes, at: int) -> Span:
    """Where the start tag at ``at`` begins and ends."""
    found = _START_TAG.match(data, at)
    return (at, at + 1) if found is None else found.span()


def _opened(data: bytes, one: _Opened) -> str:
    return f"{quoted(one.name)}, opened in line {line_column(data, one.at)[0]}"


def _plain(text: str) -> str:
    return quoted(text)[1:-1]
