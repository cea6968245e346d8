"""Where and why a document is not well-formed, with the cure (P11).

A second parser says where a document stops being XML. To find the mistakes behind the first one,
what is wrong is blanked out, byte for byte, and the rest is read again; such bytes serve for hints
alone and are never applied.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.parsers import expat

from feedengine.errors import quoted
from feedengine.feeds.encodings import line_column, masked, name_at
from feedengine.feeds.mistakes import (
    SAID,
    Mistake,
    Span,
    bare_ampersand,
    bare_bracket,
    impossible_character,
    plain,
    tag_span,
    unknown_entity,
)
from feedengine.feeds.nearest import nearest

MOST_TROUBLES = 20
"""How many mistakes of a document are told."""

LARGEST_READ_AGAIN = 1 << 17
"""Of larger documents only the first mistake is told."""

MOST_CAUSES = 5
"""How many elements one hint names."""


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


def _first(data: bytes) -> Mistake | None:
    """Where ``data`` stops being XML, and why."""
    parser = expat.ParserCreate("utf-8")
    stack: list[_Opened] = []

    def opened(_name: str, _attributes: list[str]) -> None:
        stack.append(_Opened(name_at(data, parser.CurrentByteIndex), parser.CurrentByteIndex))

    def closed(_name: str) -> None:
        at = parser.CurrentByteIndex
        last = stack.pop()
        if ascii_only or name_at(data, at) == last.name:
            return
        if not (data.startswith(b"/>", at - 2) and tag_span(data, last.at)[1] == at):
            stack.append(last)
            raise _UnlikeError(at)

    ascii_only = data.isascii()
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


def _explained(data: bytes, at: int, said: str, stack: list[_Opened]) -> Mistake:
    """What the parser has ``said`` of byte ``at``, in words that help."""
    if said == expat.errors.XML_ERROR_TAG_MISMATCH:
        return _mismatch(data, data.rfind(b"<", 0, at + 1), stack)
    if said == expat.errors.XML_ERROR_UNDEFINED_ENTITY:
        return unknown_entity(data, at)
    if said == expat.errors.XML_ERROR_BAD_CHAR_REF:
        return impossible_character(data, at)
    if said == expat.errors.XML_ERROR_NO_ELEMENTS:
        return _ended(data, stack)
    if said == expat.errors.XML_ERROR_INVALID_TOKEN:
        found = bare_ampersand(data, at) or bare_bracket(data, at)
        if found is not None:
            return found
    if said == expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION:
        at = data.rfind(b"<![CDATA[", 0, at)
    message, hint = SAID.get(said, (said, ""))
    return Mistake(at, message, hint)


_END_TAG = re.compile(rb"</([^\s>]*)\s*>?")


def _mismatch(data: bytes, at: int, stack: list[_Opened]) -> Mistake:
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
        return Mistake(at, message, causes, spans)
    leaf = data.find(b"<", last.at + 1) == at
    if leaf or nearest(name, [last.name]):
        spans = (tag_span(data, last.at), span)
        return Mistake(at, message, f"</{plain(last.name)}> is wanted here", spans)
    hint = f"no <{plain(name)}> is open here; remove it, or close <{plain(last.name)}> before"
    return Mistake(at, message, hint, (span,))


def _ended(data: bytes, stack: list[_Opened]) -> Mistake:
    """The document is over, and elements are still open."""
    if not stack:
        if not data.strip():
            return Mistake(0, "the file is empty", "write the document")
        return Mistake(len(data), "the document holds no element", "it begins with <xml>")
    causes, _ = _unclosed(data, stack)
    return Mistake(len(data), f"the document ends; {_opened(data, stack[-1])}, is open", causes)


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
    return "; ".join(told + more), tuple(tag_span(data, one.at) for one in elements)


def _cause(data: bytes, one: _Opened, begun: _Opened | None) -> str:
    """What is wrong with a start tag: a slash is lost, or its end tag."""
    line, _ = line_column(data, one.at)
    wrong = plain(one.name)
    if begun is None:
        return f"<{wrong}> of line {line} is never closed"
    name = plain(begun.name)
    closed = f"`{name}` is closed by `{wrong}`: " if name != wrong else ""
    return f"{closed}`<{wrong}>` in line {line} must be `</{name}>`"


def _is_bare(data: bytes, one: _Opened) -> bool:
    begin, end = tag_span(data, one.at)
    return data[begin + 1 : end - 1].strip() == one.name.encode()


def _opened(data: bytes, one: _Opened) -> str:
    return f"{quoted(one.name)}, opened in line {line_column(data, one.at)[0]}"
