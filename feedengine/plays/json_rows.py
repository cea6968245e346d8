"""JSON objects as raw batches: by msgspec, with Python's own reader where the two might differ.

What msgspec takes, Python's reader takes and means the same by it, but that msgspec keeps the last
of two equal names. Objects that may hold such, or that it refuses, are read by `careful`, which
says what is wrong with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from feedengine.plays.gather import (
    LONGEST_ROW,
    Bad,
    Naming,
    Row,
    batch_of,
    by_place,
    number_text,
    raw_batch,
    row_of,
    shown,
    text_of,
)

PIECE_ROWS = 1024
"""So many objects are read together: as Python has them, they take ten times their bytes."""


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

Values = dict[str, Any]
"""An object as msgspec reads it; a number with a point is its text (`number_text`)."""

_QUICK = msgspec.json.Decoder(Values, float_hook=number_text)
_NAME = re.compile(rb'"\s*:')


def plain(value: Any) -> Any:
    """A value of JSON, its numbers as text."""
    return number_text(value) if isinstance(value, Number) else value


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


def careful(line: bytes, naming: Naming) -> Row:
    """One object as a row, or what is wrong with it."""
    if len(line) > LONGEST_ROW:
        return Bad("row-too-large", shown(line))
    read = object_of(line)
    if isinstance(read, Bad):
        return read
    return row_of([(name, plain(value)) for name, value in read], naming, shown(line))


def values_of(line: bytes) -> Values | None:
    """One object the quick way, or None where that might differ from the careful one."""
    if len(line) > LONGEST_ROW:
        return None
    try:
        found: Values = _QUICK.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    # Each name has its colon, and a colon stands nowhere else behind a quote that ends a text.
    spaced = b" :" in line or b"\t:" in line or b"\n:" in line or b"\r:" in line
    many = len(_NAME.findall(line)) if spaced else line.count(b'":')
    return found if many == len(found) else None


class Piece(NamedTuple):
    """Objects that follow each other: their places, bytes, and values where they are known."""

    places: Sequence[int]
    lines: Sequence[bytes]
    values: Sequence[Values | None]


def batch_of_objects(source: str, piece: Piece, naming: Naming) -> pa.RecordBatch:
    """A raw batch; what has no values, or strange ones, is read the careful way."""
    read = [at for at, one in enumerate(piece.values) if one is not None]
    values = [one for one in piece.values if one is not None]
    columns, strange = _columns(values, naming)
    quick = raw_batch(source, columns, np.array([piece.places[at] for at in read], np.int64))
    if len(values) == len(piece.values) and not strange:
        return quick
    kept = [place for place in range(len(values)) if place not in strange]
    left = sorted({*range(len(piece.values))}.difference(read[place] for place in kept))
    rows = [(piece.places[at], careful(piece.lines[at], naming)) for at in left]
    return by_place([quick.take(pa.array(kept, pa.int64())), batch_of(source, rows)])


def _columns(values: Sequence[Values], naming: Naming) -> tuple[dict[str, pa.Array], set[int]]:
    """The known columns of objects as text, and the rows that are strange."""
    known: dict[str, list[str]] = {}
    names = [name for name in set().union(*values) if naming.known(name) is not None]
    strange: set[int] = set()
    columns = {}
    for name, found in zip(names, _picked(values, names), strict=True):
        known.setdefault(str(naming.known(name)), []).append(name)
        columns[str(naming.known(name))] = found
    for column, same in known.items():
        if len(same) > 1:
            columns[column], twice = _merged(values, same)
            strange |= twice
    return {column: _texts(found, strange) for column, found in columns.items()}, strange


def _picked(values: Sequence[Values], names: Sequence[str]) -> Iterable[Sequence[Any]]:
    """The values of each name."""
    if len(names) > 1:
        with suppress(KeyError):
            return list(zip(*map(itemgetter(*names), values), strict=True))
    return [[one.get(name) for one in values] for name in names]


def _merged(values: Sequence[Values], names: Sequence[str]) -> tuple[Sequence[Any], set[int]]:
    """The values of a column that has several names, and the rows that have more than one."""
    there = [[name for name in names if name in one] for one in values]
    found = [one[name[0]] if name else None for one, name in zip(values, there, strict=True)]
    return found, {at for at, name in enumerate(there) if len(name) > 1}


def _texts(values: Sequence[Any], strange: set[int]) -> pa.Array:
    """Values as text; objects and lists within objects are strange."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowException, UnicodeError):
        texts: list[str | None] = []
        for at, value in enumerate(values):
            nested = isinstance(value, list | dict)
            if nested:
                strange.add(at)
            texts.append(None if nested else text_of(value))
        return pa.array(texts, pa.string())


def kind_of(name: str, values: Iterable[Values | None]) -> pa.DataType:
    """How a column is written: as whole numbers, as text, or NULL where no value says so."""
    for one in values:
        if one is not None and (value := one.get(name)) is not None:
            return pa.int64() if type(value) is int else pa.string()
    return pa.null()
