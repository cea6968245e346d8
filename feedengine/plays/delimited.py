"""CSV and tab-delimited text: a block at a time by pyarrow, with care where it holds anything odd.

CSV is RFC 4180: a quoted field may hold separators, line ends and doubled quotes; a quote within an
unquoted field stands for itself. Tab-delimited text has no quoting at all. When a quote is not
closed, or a record of several lines has a wrong number of fields, only the line on which it began
is refused, and reading goes on with the next: a stray quote costs one row.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from feedengine.plays.blocks import Block, blocks
from feedengine.plays.gather import LONGEST_ROW, Bad, Naming, Row, batch_of, raw_batch, shown
from feedengine.plays.sources import Stream

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


def read_delimited(
    stream: Stream, source: str, naming: Naming, *, quoting: bool
) -> Iterator[pa.RecordBatch]:
    """Raw batches of a file whose first line names its columns; blank lines are passed over."""
    reader: _Reader | None = None
    for block in blocks(stream):
        if block.fault is not None:
            made = [] if reader is None else list(reader.rest())
            bad = (block.line, Bad(block.fault, shown(block.data)))
            yield _together([*made, batch_of(source, [bad])])
            if reader is None:
                return
            continue
        body = block
        if reader is None:
            read = _header(block, naming, quoting=quoting)
            if isinstance(read, Bad):
                yield batch_of(source, [(block.line, read)])
                return
            reader, body = _Reader(source, read[0]), read[1]
        if made := list(reader.read(body)):
            yield _together(made)
    if reader is not None and (made := list(reader.rest())):
        yield _together(made)


def _together(made: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return made[0] if len(made) == 1 else pa.concat_batches(made)


_PIECE = 256
"""Lines that are read the careful way together, where one of them is unusual."""


class _Reader:
    """Reads the blocks of one file; keeps the lines that wait for a quote to be closed."""

    def __init__(self, source: str, header: Header) -> None:
        self.source, self.header = source, header
        self.waiting, self.line = b"", 1

    def read(self, block: Block) -> Iterator[pa.RecordBatch]:
        """A block the quick way, or cut into pieces, of which only some need the careful one."""
        batch = None if self.waiting else _quick(block, self.source, self.header)
        if batch is not None:
            yield batch
            return
        lines = block.data.split(b"\n")
        ended = not lines[-1]
        if ended:
            lines.pop()
        for at in range(0, len(lines), _PIECE):
            data = b"\n".join(lines[at : at + _PIECE])
            data += b"\n" if ended or at + _PIECE < len(lines) else b""
            yield from self._piece(Block(data, block.line + at))

    def _piece(self, piece: Block) -> Iterator[pa.RecordBatch]:
        if not self.waiting:
            self.line = piece.line
            batch = _quick(piece, self.source, self.header)
            if batch is not None:
                yield batch
                return
        yield from self._carefully(Block(self.waiting + piece.data, self.line))

    def rest(self) -> Iterator[pa.RecordBatch]:
        """What waits, when nothing follows."""
        yield from self._carefully(Block(self.waiting, self.line, last=True))

    def _carefully(self, block: Block) -> Iterator[pa.RecordBatch]:
        rows, self.waiting = _careful(block, self.header)
        self.line = block.line + block.data.count(b"\n") - self.waiting.count(b"\n")
        if rows:
            yield batch_of(self.source, rows)


def _header(block: Block, naming: Naming, *, quoting: bool) -> tuple[Header, Block] | Bad:
    """The first line that is not blank, and what follows it."""
    data, line = block.data, block.line
    while data:
        first, end, rest = data.partition(b"\n")
        if not first.strip():
            data, line = rest, line + len(end)
            continue
        fields = _record(first, quoting=quoting)
        if isinstance(fields, Bad):
            return Bad("file-columns", shown(first))
        names = tuple(naming.known((field or "").strip()) for field in fields)
        known = [name for name in names if name is not None]
        if not known or len(set(known)) < len(known):
            return Bad("file-columns", shown(first))
        return Header(names, quoting), Block(rest, line + 1, block.last)
    return Bad("file-columns", "")


def _record(line: bytes, *, quoting: bool) -> list[str | None] | Bad:
    """One line as fields."""
    try:
        text = line.decode().removesuffix("\r")
    except UnicodeDecodeError:
        return Bad("row-not-utf8", shown(line))
    if not quoting:
        return list(text.split("\t"))
    found = fields_of(text)
    return Bad("row-quotes", shown(line)) if isinstance(found, int) else found


def _quick(block: Block, source: str, header: Header) -> pa.RecordBatch | None:
    """A block by pyarrow, or None where that might differ from the careful way."""
    # Without its end, pyarrow takes an empty last field after a quoted one for a quoted one.
    data = block.data if block.data.endswith(b"\n") else block.data + b"\n"
    lines = _plain_lines(data, quoting=header.quoting)
    if not lines:
        return None
    names = [str(at) for at in range(len(header.columns))]
    wanted = {known: str(at) for known, at in header.known.items()}
    reading = arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1)
    parsing = (
        arrow_csv.ParseOptions()
        if header.quoting
        else arrow_csv.ParseOptions(delimiter="\t", quote_char=False)
    )
    converting = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        include_columns=list(wanted.values()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    try:
        table = arrow_csv.read_csv(io.BytesIO(data), reading, parsing, converting)
    except pa.ArrowException:
        return None
    if table.num_rows != lines:
        return None
    columns = {known: table.column(at).combine_chunks() for known, at in wanted.items()}
    return raw_batch(source, columns, np.arange(block.line, block.line + lines))


def _plain_lines(data: bytes, *, quoting: bool) -> int | None:
    """How many lines there are, each with its end and one record in good order; None if not."""
    if data.count(b"\r") != data.count(b"\r\n") or not _text(data):
        return None
    every = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(every == ord("\n"))
    sizes = np.diff(ends, prepend=-1)
    if (sizes > LONGEST_ROW).any() or (sizes <= 2).any():
        return None
    if quoting and b'"' in data and not _quotes_fit(every, ends):
        return None
    return len(ends)


def _text(data: bytes) -> bool:
    """Whether all of it is UTF-8, also in columns that are not wanted."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _quotes_fit(every: np.ndarray[tuple[int], np.dtype[np.uint8]], ends: object) -> bool:
    """Whether quotes only enclose whole fields, doubled within them, and none spans a line end.

    Within a line, quotes take turns in opening and closing; a doubled one closes and opens at once.
    """
    quotes = np.flatnonzero(every == ord('"'))
    ends_ = np.asarray(ends)
    before = np.searchsorted(quotes, ends_)
    counts = np.diff(before, prepend=0)
    if (counts % 2).any():
        return False
    openings, closings = quotes[0::2], quotes[1::2]
    previous = np.where(openings > 0, every[openings - 1], ord("\n"))
    following = every[closings + 1]
    opened = np.isin(previous, np.frombuffer(b',\n"', np.uint8))
    closed = np.isin(following, np.frombuffer(b',\r\n"', np.uint8))
    return bool(opened.all() and closed.all())


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


def _careful(block: Block, header: Header) -> tuple[list[tuple[int, Row]], bytes]:
    """A block record by record, and the lines at its end that wait for a quote to be closed."""
    rows: list[tuple[int, Row]] = []
    lines = block.data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    at = 0
    while at < len(lines):
        if lines[at] in _BLANK:
            at += 1
            continue
        row, taken = _one(lines, at, header)
        if row is None:
            if not block.last:
                return rows, b"\n".join(lines[at:]) + b"\n"
            row = Bad("row-quotes", shown(lines[at]))
        rows.append((block.line + at, row))
        at += taken
    return rows, b""


def _one(lines: Sequence[bytes], at: int, header: Header) -> tuple[Row | None, int]:
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
