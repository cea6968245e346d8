"""Records of CSV and tab-delimited text one by one, and which lines need to be read so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from feedengine.plays.frames import Mask
from feedengine.plays.gather import LONGEST_ROW, Bad, Row, shown
from feedengine.plays.texts import Bytes, Ints

_WITHIN = re.compile(r'((?:[^"]++|"")*+)"')
_BLANK = (b"", b"\r")
_AFTER = re.compile(r",|\Z")


class Header(NamedTuple):
    """The columns of a file: for each field the known column, or None; and the separator."""

    columns: tuple[str | None, ...]
    quoting: bool

    @property
    def known(self) -> dict[str, int]:
        """The known columns and their places."""
        return {name: at for at, name in enumerate(self.columns) if name is not None}


class Cared(NamedTuple):
    """Records that were read with care, and the lines that need none; those from ``ends`` wait."""

    rows: list[tuple[int, Row]]
    plain: list[int]
    ends: int


def with_care(lines: Sequence[bytes], odd: Sequence[int], header: Header, *, last: bool) -> Cared:
    """The records that begin on odd lines; what they take of the others is plain no more."""
    rows: list[tuple[int, Row]] = []
    plain: list[int] = []
    free = 0
    for at in odd:
        if at < free:
            continue
        plain += range(free, at)
        free = at + 1
        if lines[at] in _BLANK:
            continue
        row, taken = one_record(lines, at, header)
        if row is None and not last:
            return Cared(rows, plain, at)
        rows.append((at, row or Bad("row-quotes", shown(lines[at]))))
        free = at + taken
    return Cared(rows, [*plain, *range(free, len(lines))], len(lines))


def quotes_fit(every: Bytes, ends: Ints) -> bool:
    """Whether quotes only enclose whole fields, doubled within them, and none spans a line end.

    Within a line, quotes take turns in opening and closing; a doubled one closes and opens at once.
    """
    quotes = np.flatnonzero(every == ord('"'))
    before = np.searchsorted(quotes, ends)
    counts = np.diff(before, prepend=0)
    if (counts % 2).any():
        return False
    return bool(_enclosing(every, quotes[0::2], quotes[1::2]).all())


def _enclosing(every: Bytes, openings: Ints, closings: Ints) -> Mask:
    """Which pairs of quotes enclose a whole field, or are doubled within one."""
    previous = np.where(openings > 0, every[openings - 1], ord("\n"))
    following = every[closings + 1]
    opened = np.isin(previous, np.frombuffer(b',\n"', np.uint8))
    closed = np.isin(following, np.frombuffer(b',\r\n"', np.uint8))
    found: Mask = opened & closed
    return found


def odd_lines(data: bytes, *, quoting: bool) -> Mask:
    """Which lines need care: what `_plain_lines` and `quotes_fit` ask of all, for each."""
    if not data.endswith(b"\n"):
        data += b"\n"
    every = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(every == ord("\n"))
    sizes = np.diff(ends, prepend=-1)
    found: Mask = (sizes > LONGEST_ROW) | (sizes <= 2)
    returns = np.flatnonzero(every == ord("\r"))
    found[np.searchsorted(ends, returns[every[returns + 1] != ord("\n")])] = True
    if not data.isascii():
        found |= _not_utf8(data, every, ends)
    if quoting:
        quotes = np.flatnonzero(every == ord('"'))
        line = np.searchsorted(ends, quotes)
        found |= np.bincount(line, minlength=len(ends)) % 2 == 1
        quotes = quotes[~found[line]]
        openings, closings = quotes[0::2], quotes[1::2]
        fit = _enclosing(every, openings, closings)
        found[np.searchsorted(ends, openings[~fit])] = True
    return found


def _not_utf8(data: bytes, every: Bytes, ends: Ints) -> Mask:
    """Which lines are no UTF-8."""
    found = np.zeros(len(ends), np.bool_)
    for at in np.unique(np.searchsorted(ends, np.flatnonzero(every > 127))).tolist():
        try:
            data[ends[at - 1] + 1 if at else 0 : ends[at]].decode()
        except UnicodeDecodeError:
            found[at] = True
    return found


class _Fields:
    """The fields of a CSV record while its text comes; an unquoted empty field is NULL."""

    def __init__(self) -> None:
        self.found: list[str | None] = []
        self._open: list[str] | None = None

    def take(self, text: str) -> int | None:
        """Go on with the text that comes next, as far as the end of a line; None: that ends it.

        Else a number: text follows a closing quote (0), or a quote is open (1).
        """
        line = text.removesuffix("\r")
        at = 0
        while True:
            if self._open is None and not line.startswith('"', at):
                end = len(line) if (comma := line.find(",", at)) < 0 else comma
                self.found.append(line[at:end] or None)
            elif self._open is None:
                self._open = []
                at += 1
                continue
            else:
                within = _WITHIN.match(line, at)
                if within is None:
                    self._open.append(text[at:])
                    return 1
                whole = "\n".join((*self._open, within[1]))
                self.found.append(whole.replace('""', '"'))
                self._open, end = None, within.end()
            after = _AFTER.match(line, end)
            if after is None:
                return 0
            at = after.end()
            if not after[0]:
                return None


def fields_of(text: str) -> list[str | None] | int:
    """The fields of a CSV record of one line; a number instead where it is none (`_Fields`)."""
    fields = _Fields()
    wrong = fields.take(text)
    return fields.found if wrong is None else wrong


def one_record(lines: Sequence[bytes], at: int, header: Header) -> tuple[Row | None, int]:
    """The record that begins on a line, and how many lines it takes; None: its quote stays open."""
    line = lines[at]
    content = shown(line)
    if len(line) > LONGEST_ROW:
        return Bad("row-too-large", content), 1
    if not header.quoting or b'"' not in line:
        return _made(_split(line, header), header, content), 1
    fields, taken, size = _Fields(), 1, len(line)
    while True:
        try:
            wrong = fields.take(line.decode())
        except UnicodeDecodeError:
            return Bad("row-not-utf8", content), 1
        if wrong != 1:
            break
        more = _closing(lines, at + taken, size)
        if not more:
            return None, 1
        line = b"\n".join(lines[at + taken : at + taken + more])
        taken, size = taken + more, size + 1 + len(line)
        if size > LONGEST_ROW:
            return Bad("row-quotes", content), 1
    if wrong is not None:
        return Bad("row-quotes", content), 1
    row = _made(fields.found, header, content)
    return row, 1 if isinstance(row, Bad) else taken


def _closing(lines: Sequence[bytes], at: int, size: int) -> int:
    """How many lines from a place on it takes to the next quote; 0 where there is none."""
    for more in range(at, len(lines)):
        size += len(lines[more])
        if b'"' in lines[more] or size > LONGEST_ROW:
            return more - at + 1
    return 0


def _split(line: bytes, header: Header) -> list[str | None] | Bad:
    """A line without quotes as fields."""
    try:
        text = line.decode().removesuffix("\r")
    except UnicodeDecodeError:
        return Bad("row-not-utf8", shown(line))
    return [field or None for field in text.split("," if header.quoting else "\t")]


def _made(fields: list[str | None] | Bad, header: Header, content: str) -> Row:
    """A row of fields, if they are as many as the header has."""
    if isinstance(fields, Bad):
        return fields
    if len(fields) != len(header.columns):
        return Bad("row-fields", content)
    return {name: fields[at] for name, at in header.known.items()}
