"""Records of CSV and tab-delimited text one by one, and which lines need to be read so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from feedengine.plays.frames import Mask
from feedengine.plays.gather import LONGEST_ROW, Bad, Row, shown
from feedengine.plays.texts import Bytes, Ints

_FIELD = re.compile(r'"((?:[^"]++|"")*+)"|([^,\n]*+)')
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


def fields_of(text: str) -> list[str | None] | int:
    """The fields of a CSV record without its line end; an unquoted empty field is NULL.

    A number instead: text follows a closing quote (0), or a quote is open at the end (1).
    """
    fields: list[str | None] = []
    at = 0
    while True:
        found = _FIELD.match(text, at)
        if found is None or (found[1] is None and text.startswith('"', at)):
            return 1
        fields.append(found[1].replace('""', '"') if found[1] is not None else found[2] or None)
        after = _AFTER.match(text, found.end())
        if after is None:
            return 0
        at = after.end()
        if not after[0]:
            return fields


def one_record(lines: Sequence[bytes], at: int, header: Header) -> tuple[Row | None, int]:
    """The record that begins on a line, and how many lines it takes; None: its quote stays open."""
    line = lines[at]
    content = shown(line)
    if len(line) > LONGEST_ROW:
        return Bad("row-too-large", content), 1
    if not header.quoting or b'"' not in line:
        return _made(_split(line, header), header, content), 1
    taken, data = 1, line
    while True:
        try:
            found = fields_of(data.decode().removesuffix("\r"))
        except UnicodeDecodeError:
            return Bad("row-not-utf8", content), 1
        if found != 1:
            break
        data, taken = _closing(lines, at, data, taken)
        if taken == 0:
            return None, 1
        if len(data) > LONGEST_ROW:
            return Bad("row-quotes", content), 1
    if isinstance(found, int):
        return Bad("row-quotes", content), 1
    row = _made(found, header, content)
    return row, 1 if isinstance(row, Bad) else taken


def _closing(lines: Sequence[bytes], at: int, data: bytes, taken: int) -> tuple[bytes, int]:
    """The record with its lines as far as the next quote; 0 lines where there is none."""
    parts, size = [data], len(data)
    for more in range(at + taken, len(lines)):
        parts.append(lines[more])
        size += len(lines[more])
        if b'"' in lines[more] or size > LONGEST_ROW:
            return b"\n".join(parts), more - at + 1
    return data, 0


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
