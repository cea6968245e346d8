"""JSON Lines: a block at a time by pyarrow, line by line where a block holds anything unusual."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import json as arrow_json

from feedengine.plays.blocks import Block, blocks
from feedengine.plays.gather import (
    LONGEST_ROW,
    Bad,
    Naming,
    Row,
    batch_of,
    number_text,
    raw_batch,
    row_of,
    shown,
)
from feedengine.plays.sources import Stream


def read_jsonl(stream: Stream, source: str, naming: Naming) -> Iterator[pa.RecordBatch]:
    """Raw batches of a file of one object a line; lines of blanks are passed over."""
    types: dict[str, pa.DataType] = {}
    for block in blocks(stream):
        if block.fault:
            yield batch_of(source, [(block.line, Bad(block.fault, shown(block.data)))])
            continue
        made = list(_pieces(block, source, naming, types))
        if made:
            yield made[0] if len(made) == 1 else pa.concat_batches(made)


_PIECE = 256
"""Lines that are read the careful way together, where one of them is unusual."""


def _pieces(
    block: Block, source: str, naming: Naming, types: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """A block the quick way, or cut into pieces, of which only some need the careful one."""
    if not types:
        _learn_first(block, naming, types)
    batch = _quick(block, source, naming, types)
    if batch is not None:
        yield batch
        return
    lines = block.data.split(b"\n")
    for at in range(0, len(lines), _PIECE):
        piece = Block(b"\n".join(lines[at : at + _PIECE]), block.line + at)
        batch = None if len(lines) <= _PIECE else _quick(piece, source, naming, types)
        if batch is None and (rows := list(_careful(piece, naming, types))):
            batch = batch_of(source, rows)
        if batch is not None:
            yield batch


def _quick(
    block: Block, source: str, naming: Naming, types: dict[str, pa.DataType]
) -> pa.RecordBatch | None:
    """A block by pyarrow, or None where that might differ from the careful way.

    ``types`` holds how the columns of the file were written so far.
    """
    lines = _plain_lines(block.data)
    if lines is None:
        return None
    schema = [(name, pa.string() if kind == pa.null() else kind) for name, kind in types.items()]
    reading = arrow_json.ReadOptions(use_threads=False, block_size=len(block.data) + 1)
    parsing = arrow_json.ParseOptions(
        explicit_schema=pa.schema(schema), unexpected_field_behavior="infer"
    )
    try:
        table = arrow_json.read_json(io.BytesIO(block.data), reading, parsing)
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if table.num_rows != lines:
        return None
    columns: dict[str, pa.Array] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        known = naming.known(name)
        if known is None:
            continue
        if known in columns or name not in types:
            return None
        columns[known] = column.cast(pa.string()).combine_chunks()
    return raw_batch(source, columns, np.arange(block.line, block.line + lines))


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


def _careful(
    block: Block, naming: Naming, types: dict[str, pa.DataType]
) -> Iterator[tuple[int, Row]]:
    """A block line by line; how its columns are written is learnt where that is not known yet."""
    for place, line in enumerate(block.data.split(b"\n"), block.line):
        if not line.strip():
            continue
        if len(line) > LONGEST_ROW:
            yield place, Bad("row-too-large", shown(line))
            continue
        read = object_of(line)
        if isinstance(read, Bad):
            yield place, read
            continue
        _learn(read, naming, types)
        yield place, row_of([(name, plain(value)) for name, value in read], naming, shown(line))


def object_of(line: bytes) -> list[tuple[str, Any]] | Bad:
    """The pairs of a JSON object, its numbers as `Number`; or what is wrong with it."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return Bad("row-not-utf8", shown(line))
    try:
        found = DECODER.decode(text)
    except (ValueError, RecursionError):
        return Bad("row-not-json", shown(line))
    if not isinstance(found, Pairs):
        return Bad("row-not-json", shown(line))
    return list(found)


class Pairs(list[tuple[str, Any]]):
    """An object of JSON with its pairs as they came, also those that repeat a name."""


class Number(str):
    """A number of JSON as it was written."""

    __slots__ = ()


def _constant(text: str) -> Any:
    """NaN and Infinity are no JSON."""
    raise ValueError(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=_constant
)


def plain(value: Any) -> Any:
    """A value of JSON, its numbers as text."""
    return number_text(value) if isinstance(value, Number) else value


def _learn(pairs: list[tuple[str, Any]], naming: Naming, types: dict[str, pa.DataType]) -> None:
    """How the known columns of a row are written; only NULL is no way."""
    for name, value in pairs:
        if naming.known(name) is not None and types.get(name, pa.null()) == pa.null():
            number = pa.int64() if isinstance(value, Number) else pa.string()
            types[name] = pa.null() if value is None else number


_LEARNT_FROM = 20


def _learn_first(block: Block, naming: Naming, types: dict[str, pa.DataType]) -> None:
    """How columns are written in the first lines of a file."""
    begin = block.data[:LONGEST_ROW].split(b"\n", _LEARNT_FROM)[:_LEARNT_FROM]
    for line in begin:
        read = object_of(line)
        if not isinstance(read, Bad):
            _learn(read, naming, types)
