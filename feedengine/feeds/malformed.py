"""Where and why a document is not well-formed, with the cure (P11). Nothing is recovered."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.parsers import expat

from feedengine.errors import quoted


class Trouble(NamedTuple):
    """The place of a mistake (line and column from 1), what it is, and its cure."""

    line: int
    column: int
    message: str
    hint: str


class _Open:
    """Follows the elements that are open, to say which one a wrong end tag meets."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        self.stack: list[tuple[str, int]] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """An element begins."""
        self.stack.append((name, self.parser.CurrentLineNumber))

    def end(self, _name: str) -> None:
        """An element ends."""
        self.stack.pop()


_BARE_AMPERSAND = re.compile(rb"&(?!#?\w+;)")
_END_TAG = re.compile(rb"</\s*([^\s>]+)")
_ODD_TAG = re.compile(rb"<(?![A-Za-z_:!?/])([^<>]{0,40})>?")


def diagnose(data: bytes, encoding: str | None) -> Trouble | None:
    """The first mistake in ``data``, or None when this second parser finds none."""
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    followed = _Open(parser)
    parser.StartElementHandler = followed.start
    parser.EndElementHandler = followed.end
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes it by position only
    except expat.ExpatError as error:
        return _explained(data, parser, error, followed.stack)
    return None


def _explained(
    data: bytes,
    parser: expat.XMLParserType,
    error: expat.ExpatError,
    stack: list[tuple[str, int]],
) -> Trouble:
    at = max(parser.ErrorByteIndex, 0)
    reason = expat.ErrorString(error.code) or "not well-formed"
    begin = max(data.rfind(b"<", 0, at + 1), data.rfind(b"&", 0, at + 1), 0)
    token = data[begin:]
    line, column = _line_column(data, begin)
    ending = _END_TAG.match(token)
    if ending and stack:
        name, opened = stack[-1]
        closing = ending[1].decode("utf-8", "replace")
        message = f"{quoted(name)}, opened in line {opened}, is closed by {quoted(closing)}"
        return Trouble(line, column, message, f"</{_plain(name)}> is wanted here")
    if _BARE_AMPERSAND.match(token):
        return Trouble(line, column, "a bare & stands in the text", "`&` must be written `&amp;`")
    odd = _ODD_TAG.match(token)
    if odd:
        inside = odd[1].decode("utf-8", "replace").strip()
        hint = f"`<{_plain(inside)}>` must be `&lt;{_plain(inside)}&gt;`"
        return Trouble(line, column, "a bare < stands in the text", hint)
    if not data.strip():
        return Trouble(1, 1, "the file is empty", "write the document")
    line, column = _line_column(data, at)
    hint = ""
    if stack and at >= len(data.rstrip()):
        hint = f"<{_plain(stack[-1][0])}> of line {stack[-1][1]} is never closed"
    return Trouble(line, column, str(reason), hint)


def _plain(text: str) -> str:
    return quoted(text)[1:-1]


def _line_column(data: bytes, at: int) -> tuple[int, int]:
    """Line and column (in characters) of a byte, both from 1."""
    line = data.count(b"\n", 0, at) + 1
    start = data.rfind(b"\n", 0, at) + 1
    return line, len(data[start:at].decode("utf-8", "replace")) + 1


def has_doctype(data: bytes, encoding: str | None) -> tuple[int, int] | None:
    """Line and column of a DOCTYPE, or None; what stands in comments and CDATA does not count."""
    parser = expat.ParserCreate(encoding)
    found: list[tuple[int, int]] = []

    def declared(*_: object) -> None:
        found.append((parser.CurrentLineNumber, parser.CurrentColumnNumber + 1))
        raise _FoundError

    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes it by position only
    except (_FoundError, expat.ExpatError):
        return found[0] if found else None
    return None


class _FoundError(Exception):
    """Ends a scan that has found what it looked for."""
