"""CSV and tab-delimited text: a block at a time by pyarrow, with care where it holds anything odd.

CSV is RFC 4180: a quoted field may hold separators, line ends and doubled quotes; a quote within an
unquoted field stands for itself. Tab-delimited text has no quoting at all. When a quote is not
closed, or a record of several lines has a wrong number of fields, only the line on which it began
is refused, and reading goes on with the next: a stray quote costs one row.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from feedengine.plays.blocks import Block, blocks
from feedengine.plays.frames import RAW, ROW
from feedengine.plays.gather import (
    LONGEST_ROW,
    Bad,
    Naming,
    batch_of,
    by_place,
    raw_batch,
    shown,
)
from feedengine.plays.records import Header, fields_of, odd_lines, one_record, quotes_fit, with_care
from feedengine.plays.sources import Stream
from feedengine.plays.texts import Ints


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


class _Reader:
    """Reads the blocks of one file; keeps the lines that wait for a quote to be closed."""

    def __init__(self, source: str, header: Header) -> None:
        self.source, self.header = source, header
        self.waiting, self.line = b"", 1

    def read(self, block: Block) -> Iterator[pa.RecordBatch]:
        """A block the quick way, but for the lines that need the careful one."""
        if not self.waiting:
            self.line = block.line
            batch = _quick(block, self.source, self.header)
            if batch is not None:
                yield batch
                return
        yield from self._carefully(self.waiting + block.data, last=block.last)

    def rest(self) -> Iterator[pa.RecordBatch]:
        """What waits, when nothing follows."""
        yield from self._carefully(self.waiting, last=True)

    def _carefully(self, data: bytes, *, last: bool) -> Iterator[pa.RecordBatch]:
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        if not lines:
            return
        odd = np.flatnonzero(odd_lines(data, quoting=self.header.quoting)).tolist()
        cared = with_care(lines, odd, self.header, last=last)
        rows = [(self.line + at, row) for at, row in cared.rows]
        plain = Block(b"\n".join([lines[at] for at in cared.plain]) + b"\n", 0)
        found = _together_but(plain, self.source, self.header) if cared.plain else None
        made = []
        if found is not None:
            batch, wrong = found
            left = [at for place, at in enumerate(cared.plain) if place not in wrong]
            places = pa.array([self.line + at for at in left], pa.int64())
            made.append(batch.set_column(_ROW, RAW.field(_ROW), places))
            some = [cared.plain[place] for place in sorted(wrong)]
        else:
            some = cared.plain
        rows += [(self.line + at, one_record(lines, at, self.header)[0] or _NEVER) for at in some]
        self.waiting = b"".join(line + b"\n" for line in lines[cared.ends :])
        self.line += cared.ends
        if rows:
            made.append(batch_of(self.source, rows))
        if made:
            yield by_place(made)


_ROW = RAW.get_field_index(ROW)
_NEVER = Bad("row-quotes", "")


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
    table = _table(data, header)
    if table is None or table.num_rows != lines:
        return None
    return _raw(table, source, header, np.arange(block.line, block.line + lines))


def _together_but(
    block: Block, source: str, header: Header
) -> tuple[pa.RecordBatch, set[int]] | None:
    """Plain lines by pyarrow, and which of them have too many fields or too few."""
    wrong: set[int] = set()

    def skip(row: arrow_csv.InvalidRow) -> str:
        wrong.add(row.number - 1)
        return "skip"

    table = _table(block.data, header, skip)
    if table is None or table.num_rows + len(wrong) != block.data.count(b"\n"):
        return None
    return _raw(table, source, header, np.zeros(table.num_rows, np.int64)), wrong


def _table(
    data: bytes, header: Header, skip: Callable[[arrow_csv.InvalidRow], str] | None = None
) -> pa.Table | None:
    """Records as columns of text, called by their places; None where one cannot be read."""
    names = [str(at) for at in range(len(header.columns))]
    reading = arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1)
    parsing = (
        arrow_csv.ParseOptions(invalid_row_handler=skip)
        if header.quoting
        else arrow_csv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=skip)
    )
    converting = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        include_columns=[str(at) for at in header.known.values()],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    try:
        return arrow_csv.read_csv(io.BytesIO(data), reading, parsing, converting)
    except pa.ArrowException:
        return None


def _raw(table: pa.Table, source: str, header: Header, places: Ints) -> pa.RecordBatch:
    columns = {known: table.column(str(at)) for known, at in header.known.items()}
    whole = {known: column.combine_chunks() for known, column in columns.items()}
    return raw_batch(source, whole, places)


def _plain_lines(data: bytes, *, quoting: bool) -> int | None:
    """How many lines there are, each with its end and one record in good order; None if not."""
    if data.count(b"\r") != data.count(b"\r\n") or not _text(data):
        return None
    every = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(every == ord("\n"))
    sizes = np.diff(ends, prepend=-1)
    if (sizes > LONGEST_ROW).any() or (sizes <= 2).any():
        return None
    if quoting and b'"' in data and not quotes_fit(every, ends):
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
