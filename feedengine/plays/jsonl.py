"""JSON Lines: a block at a time by pyarrow, line by line where a block holds anything unusual."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyarrow import json as arrow_json

from feedengine.plays.blocks import Block, blocks
from feedengine.plays.frames import RAW, ROW
from feedengine.plays.gather import LONGEST_ROW, Bad, Naming, batch_of, raw_batch, shown
from feedengine.plays.json_names import many_names
from feedengine.plays.json_rows import (
    PIECE_ROWS,
    Piece,
    Values,
    batch_of_objects,
    kind_of,
    values_of,
)
from feedengine.plays.sources import Stream


def read_jsonl(stream: Stream, source: str, naming: Naming) -> Iterator[pa.RecordBatch]:
    """Raw batches of a file of one object a line; lines of blanks are passed over."""
    lines = Lines(source, naming)
    for block in blocks(stream):
        if block.fault:
            yield batch_of(source, [(block.line, Bad(block.fault, shown(block.data)))])
            continue
        made = lines.block(block)
        if made.num_rows:
            yield made


class Lines:
    """Reads the lines of a file; knows how its columns are written, once it has seen some."""

    def __init__(self, source: str, naming: Naming) -> None:
        """For a file that is named so."""
        self.source, self.naming = source, naming
        self.types: dict[str, pa.DataType] = {}

    def block(self, block: Block) -> pa.RecordBatch:
        """The lines of a block, those of blanks left out."""
        batch = self.quick(block.data, block.line)
        if batch is not None:
            return batch
        lines = block.data.split(b"\n")
        filled = [(place, line) for place, line in enumerate(lines, block.line) if line.strip()]
        return self._one_by_one([line for _, line in filled], [place for place, _ in filled])

    def batch(self, lines: Sequence[bytes], places: Sequence[int]) -> pa.RecordBatch:
        """Lines that hold something, with their places."""
        batch = self.quick(b"\n".join(lines), 0)
        if batch is None:
            return self._one_by_one(lines, places)
        at = RAW.get_field_index(ROW)
        return batch.set_column(at, RAW.field(at), pa.array(places, pa.int64()))

    def _one_by_one(self, lines: Sequence[bytes], places: Sequence[int]) -> pa.RecordBatch:
        made = []
        for at in range(0, max(len(lines), 1), PIECE_ROWS):
            some = lines[at : at + PIECE_ROWS]
            piece = Piece(places[at : at + PIECE_ROWS], some, [values_of(line) for line in some])
            self._learn(piece.values)
            made.append(batch_of_objects(self.source, piece, self.naming))
        return pa.concat_batches(made)

    def _learn(self, values: Sequence[Values | None]) -> None:
        """How known columns are written that are new, or were nothing but NULL until now."""
        for name in set[str]().union(*(one for one in values if one is not None)):
            if self.types.get(name, pa.null()) == pa.null() and self.naming.known(name):
                self.types[name] = kind_of(name, values)

    def quick(self, data: bytes, first: int) -> pa.RecordBatch | None:
        """Lines by pyarrow, the first of them line ``first``; None where that might differ."""
        if not self.types:
            begin = data[:LONGEST_ROW].split(b"\n", _LEARNT_FROM)[:_LEARNT_FROM]
            self._learn([values_of(line) for line in begin])
        lines = _plain_lines(data)
        if lines is None or many_names(data):
            return None
        schema = [
            (name, pa.string() if kind == pa.null() else kind) for name, kind in self.types.items()
        ]
        reading = arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1)
        parsing = arrow_json.ParseOptions(
            explicit_schema=pa.schema(schema), unexpected_field_behavior="infer"
        )
        try:
            table = arrow_json.read_json(io.BytesIO(data), reading, parsing)
        except (pa.ArrowException, UnicodeDecodeError):
            return None
        if table.num_rows != lines:
            return None
        columns: dict[str, pa.Array] = {}
        for name, column in zip(table.column_names, table.columns, strict=True):
            known = self.naming.known(name)
            if known is None:
                continue
            if known in columns or name not in self.types:
                return None
            columns[known] = column.cast(pa.string()).combine_chunks()
        return raw_batch(self.source, columns, np.arange(first, first + lines))


_LEARNT_FROM = 20


def _plain_lines(data: bytes) -> int | None:
    """How many lines a block has, each of them ``{…}`` and none too long; None if it is not so."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            return None
    if not data.endswith(b"\n"):
        data += b"\n"
    every = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(every == ord("\n"))
    begins = np.concatenate(([0], ends[:-1] + 1))
    sizes = np.diff(ends, prepend=-1)
    if (sizes > LONGEST_ROW).any() or (sizes < len(b"{}\n")).any():
        return None
    lasts = every[ends - 1]
    lasts = np.where(lasts == ord("\r"), every[ends - 2], lasts)
    plain = (every[begins] == ord("{")).all() and (lasts == ord("}")).all()
    return len(ends) if plain else None
