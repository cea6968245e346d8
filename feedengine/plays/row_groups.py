"""Parquet's row groups as record batches: how many at once, and which columns as dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from feedengine.plays.frames import BATCH_ROWS, DICTIONARY_COLUMNS

_READ_ROWS = BATCH_ROWS // 2
_BATCH_BYTES = 1 << 26
_BUFFER_BYTES = 1 << 18
_SAMPLE_ROWS = 2048
_DICTIONARY_BYTES = 1 << 18
DAMAGES = (pa.ArrowException, OSError, EOFError, ValueError, OverflowError)
"""What pyarrow may raise where a file is damaged."""

_TEXTS = (pa.string(), pa.large_string(), pa.string_view())


def opened_parquet(
    file: Any, known: parquet.FileMetaData | None = None, repeating: Iterable[str] = ()
) -> parquet.ParquetFile:
    """The file; some of its columns of text are read as dictionaries."""
    return parquet.ParquetFile(
        file, metadata=known, read_dictionary=list(repeating), buffer_size=_BUFFER_BYTES
    )


def batches_of(
    file: Any, found: parquet.ParquetFile, columns: Mapping[str, str], some: Iterable[Stretch]
) -> Iterator[pa.RecordBatch]:
    """One stretch after the other: read all at once they would be held all at once."""
    repeating = _repeating(file, found, columns)
    for stretch in some:
        for batch in _of_stretch(file, found.metadata, list(columns), stretch, repeating):
            repeating = [name for name in repeating if _short(batch, name)]
            yield batch


def _of_stretch(
    file: Any,
    metadata: parquet.FileMetaData,
    columns: list[str],
    stretch: Stretch,
    repeating: list[str],
) -> Iterator[pa.RecordBatch]:
    """The rows of some groups, together where there are several and none is damaged."""
    if len(stretch.groups) > 1:
        made = None
        with suppress(*DAMAGES):
            # Each group has dictionaries of its own, and comes as a batch of its own.
            made = _together(list(_read(file, metadata, columns, stretch, repeating)))
        if made is not None:
            yield from made
            return
    for group in stretch.groups:
        yield from _read(file, metadata, columns, stretch._replace(groups=[group]), repeating)


def _together(batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Batches as one, with one dictionary a column."""
    for batch in batches:
        batch.validate(full=False)
        for column in batch.columns:
            if isinstance(column, pa.DictionaryArray):
                within(column)
    table = pa.Table.from_batches(batches) if batches else pa.table({})
    found: list[pa.RecordBatch] = table.unify_dictionaries().combine_chunks().to_batches()
    return found


def within(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same; raises `pa.ArrowInvalid` where a row is not in its dictionary."""
    ends = pc.min_max(array.indices)
    if ends["min"].is_valid and not 0 <= ends["min"].as_py() <= ends["max"].as_py() < len(
        array.dictionary
    ):
        raise pa.ArrowInvalid("a row is not in the dictionary of its column")
    return array


class Stretch(NamedTuple):
    """Row groups that are read together, which of the file's rows they are, how many at once."""

    groups: list[int]
    begin: int
    end: int
    at_once: int


def stretches(metadata: parquet.FileMetaData) -> Iterator[Stretch]:
    """All row groups; small ones that follow each other as if they were one."""
    groups: list[int] = []
    begin = end = size = 0
    for group in range(metadata.num_row_groups):
        one = metadata.row_group(group)
        if groups and (
            end + one.num_rows - begin > _READ_ROWS or size + one.total_byte_size > _BATCH_BYTES
        ):
            yield Stretch(groups, begin, end, _fitting(end - begin, size))
            groups, begin, size = [], end, 0
        groups = [*groups, group]
        end, size = end + one.num_rows, size + one.total_byte_size
    if groups:
        yield Stretch(groups, begin, end, _fitting(end - begin, size))


def _fitting(rows: int, size: int) -> int:
    """How many rows of so large a group are a batch."""
    return min(max(_BATCH_BYTES * rows // max(size, 1), 1), _READ_ROWS)


def _read(
    file: Any,
    metadata: parquet.FileMetaData,
    columns: list[str],
    stretch: Stretch,
    repeating: list[str],
) -> Iterator[pa.RecordBatch]:
    """The rows of some groups; some columns of text as dictionaries."""
    done = 0
    try:
        with opened_parquet(file, metadata, repeating) as part:
            for batch in part.iter_batches(
                stretch.at_once, row_groups=stretch.groups, columns=columns, use_threads=False
            ):
                yield batch
                done += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        if not repeating or getattr(error, "errno", None) is not None:
            raise
        # Arrow makes no dictionary of texts that a file keeps by lengths or by their differences.
        for batch in _read(file, metadata, columns, stretch, []):
            left = batch.slice(min(done, batch.num_rows))
            done -= batch.num_rows - left.num_rows
            if left.num_rows:
                yield left


def _repeating(file: Any, found: parquet.ParquetFile, columns: Mapping[str, str]) -> list[str]:
    """The columns whose dictionaries are short, as the first rows show.

    A column that has a long one, or none, takes more time as a dictionary than as texts.
    """
    texts = [
        name
        for name, known in columns.items()
        if known in DICTIONARY_COLUMNS and found.schema_arrow.field(name).type in _TEXTS
    ]
    if not texts or not found.metadata.num_row_groups:
        return []
    sample = Stretch([0], 0, _SAMPLE_ROWS, _SAMPLE_ROWS)
    batch = next(_read(file, found.metadata, texts, sample, texts), None)
    if batch is None:
        return []
    return [
        name
        for name in texts
        if _short(batch, name) and not _made(batch.column(name).dictionary, batch.num_rows)
    ]


def _made(values: pa.Array, rows: int) -> bool:
    """Whether these may be the first rows' own texts, which hardly repeat, and no dictionary."""
    return rows // 2 < len(values) <= rows


def _short(batch: pa.RecordBatch, name: str) -> bool:
    """Whether a column is a dictionary, short beside the rows of the batch, which brings it all."""
    column = batch.column(name)
    if not isinstance(column, pa.DictionaryArray):
        return False
    known = column.dictionary
    return len(known) <= _READ_ROWS // 2 and known.nbytes <= _DICTIONARY_BYTES
