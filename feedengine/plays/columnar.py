"""Parquet files: typed columns as text."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.frames import DICTIONARY_COLUMNS
from feedengine.plays.gather import Bad, Naming, Row, batch_of, raw_batch, text_of
from feedengine.plays.repeats import INDEX
from feedengine.plays.row_groups import DAMAGES, batches_of, opened_parquet, stretches, within
from feedengine.plays.sources import DamagedError, Stream
from feedengine.plays.texts import ascii_only, uuid_texts

_SPOOLED = 32 * 1024 * 1024


def read_parquet(
    stream: Stream, source: str, naming: Naming, begin: int = 0
) -> Iterator[pa.RecordBatch]:
    """Raw batches, from the stretch of row groups on that has this number (`stretches`).

    A row's place is its number in the file, from 1.

    What is damaged ends the file with a row that says so; the rows before it are read.
    """
    row = 1
    try:
        with _seekable(stream) as file, opened_parquet(file) as found:
            columns = _columns(found.schema_arrow, naming)
            if isinstance(columns, Bad):
                yield batch_of(source, [(row, columns)])
                return
            some = list(stretches(found.metadata))[begin:]
            row += some[0].begin if some else 0
            for batch in batches_of(file, found, columns, some):
                batch.validate(full=False)
                yield _raw(batch, source, columns, row)
                row += batch.num_rows
    except DamagedError as error:
        yield batch_of(source, [(row, Bad("file-damaged", str(error)[:200]))])
    except DAMAGES as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        yield batch_of(source, [(row, Bad("file-damaged", str(error)[:200]))])


def stretch_sizes(path: Path) -> list[int]:
    """The rows in each stretch of row groups; none where the file cannot be read."""
    try:
        with opened_parquet(path) as found:
            return [one.end - one.begin for one in stretches(found.metadata)]
    except DAMAGES:
        return []


def read_stretch(path: Path, source: str, naming: Naming, number: int) -> Iterator[pa.RecordBatch]:
    """As `read_parquet`, one stretch. Raises whatever is wrong with it, as pyarrow does."""
    with path.open("rb") as file, opened_parquet(file) as found:
        columns = _columns(found.schema_arrow, naming)
        if isinstance(columns, Bad):
            raise DamagedError(columns.content)
        stretch = list(stretches(found.metadata))[number]
        row = 1 + stretch.begin
        for batch in batches_of(file, found, columns, [stretch]):
            batch.validate(full=False)
            yield _raw(batch, source, columns, row)
            row += batch.num_rows


@contextmanager
def _seekable(stream: Stream) -> Iterator[Any]:
    """A file in which one can go to and fro: the file itself, or a copy of what only streams."""
    if not stream.packed and stream.file.seekable():
        yield stream.file
        return
    with tempfile.SpooledTemporaryFile(_SPOOLED) as copy:
        shutil.copyfileobj(cast("IO[bytes]", stream), copy)
        copy.seek(0)
        yield copy


def _columns(schema: pa.Schema, naming: Naming) -> dict[str, str] | Bad:
    """The file's columns that are known, and what they are known as."""
    found: dict[str, str] = {}
    for name in schema.names:
        known = naming.known(name)
        if known is None:
            continue
        if known in found.values():
            return Bad("file-columns", ", ".join(schema.names)[:1000])
        found[name] = known
    return found or Bad("file-columns", ", ".join(schema.names)[:1000])


def _raw(batch: pa.RecordBatch, source: str, columns: dict[str, str], row: int) -> pa.RecordBatch:
    """A batch with its columns as text; row by row where one of them holds what is no text."""
    made: dict[str, pa.Array] = {}
    places = np.arange(row, row + batch.num_rows)
    for name, known in columns.items():
        text = _as_text(batch.column(name), repeats=known in DICTIONARY_COLUMNS)
        if text is None:
            return batch_of(source, list(zip(places.tolist(), _rows(batch, columns), strict=True)))
        made[known] = text
    return raw_batch(source, made, places)


def _as_text(array: pa.Array, *, repeats: bool = False) -> pa.Array | None:
    """A column as text (instants as ISO 8601), or None where a row needs a look of its own.

    One that ``repeats`` may stay, or become, a dictionary of texts.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        array, kind = array.storage, array.storage.type
    if repeats and (pa.types.is_dictionary(kind) or pa.types.is_integer(kind)):
        kept = _dictionary(array)
        if kept is not None:
            return kept
    if pa.types.is_dictionary(kind):
        array, kind = within(array).dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind):
        return _instants(array)
    if kind == pa.binary(16):
        return _uuids(array)
    if pa.types.is_floating(kind):
        return _numbers(array)
    if pa.types.is_nested(kind):
        return pa.nulls(len(array), pa.string()) if array.null_count == len(array) else None
    try:
        text = array.cast(pa.string())
        if not ascii_only(text):
            text.validate(full=True)
    except pa.ArrowException:
        return None
    return text


def _uuids(array: pa.FixedSizeBinaryArray) -> pa.Array:
    """Ids of 16 bytes as text."""
    buffer = array.buffers()[1]
    if buffer is None:
        return pa.nulls(len(array), pa.string())
    words = np.frombuffer(buffer, ">u8", 2 * len(array), array.offset * 16).astype(np.uint64)
    made = uuid_texts(words[0::2], words[1::2])
    return pc.if_else(array.is_valid(), made, _NOTHING) if array.null_count else made


_NOTHING = pa.scalar(None, pa.string())
_EXACT = 2.0**53


def _numbers(array: pa.Array) -> pa.Array:
    """Numbers with a point as text; whole ones without it, as tools write them for want of NULL."""
    values = pc.fill_null(array.cast(pa.float64()), 0).to_numpy()
    if (np.abs(values) < _EXACT).all() and (np.trunc(values) == values).all():
        whole = pa.array(values.astype(np.int64)).cast(pa.string())
        return pc.if_else(array.is_valid(), whole, _NOTHING) if array.null_count else whole
    return pa.array([text_of(one) for one in array.to_pylist()], pa.string())


def _dictionary(array: pa.Array) -> pa.DictionaryArray | None:
    """A dictionary of texts, where there are few and all can be read."""
    found = within(array) if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    values = found.dictionary
    if len(values) > len(found) // 2 or values.null_count or pa.types.is_dictionary(values.type):
        return None
    texts = _as_text(values)
    if texts is None:
        return None
    return pa.DictionaryArray.from_arrays(found.indices.cast(INDEX), texts)


def _instants(array: pa.Array) -> pa.Array:
    """Timestamps as ISO 8601; with a zone in UTC and with ``Z``."""
    zoned = array.type.tz is not None
    unit = array.type.unit
    plain = array.cast(pa.int64()).cast(pa.timestamp(unit)).cast(pa.string())
    iso = pc.replace_substring(plain, " ", "T")
    return pc.binary_join_element_wise(iso, pa.scalar("Z" if zoned else ""), pa.scalar(""))


def _rows(batch: pa.RecordBatch, columns: dict[str, str]) -> Iterator[Row]:
    """A batch row by row."""
    fields = {known: _values(batch.column(name)) for name, known in columns.items()}
    for at in range(batch.num_rows):
        row: dict[str, str | None] = {}
        fault = None
        for known, values in fields.items():
            value = values[at]
            if isinstance(value, Bad):
                fault = fault or value
            else:
                row[known] = value
        yield fault or row


def _values(array: pa.Array) -> list[str | Bad | None]:
    """The values of a column as text, each by itself."""
    if pa.types.is_nested(array.type):
        return [
            None if one is None else Bad("row-nested", str(one)[:1000]) for one in array.to_pylist()
        ]
    text = _as_text(array)
    if text is not None:
        return cast("list[str | Bad | None]", text.to_pylist())
    found: list[str | Bad | None] = []
    for one in array.cast(pa.large_binary()).to_pylist():
        try:
            found.append(None if one is None else one.decode())
        except UnicodeDecodeError:
            found.append(Bad("row-not-utf8", one.decode("utf-8", "replace")[:1000]))
    return found
