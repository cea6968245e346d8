"""Raw batches: how names of columns are known, and the careful way to make a batch, row by row."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.errors import UsageError, quoted
from feedengine.plays.frames import CONTENT, FAULT, KNOWN_COLUMNS, RAW, ROW, SOURCE, STREAM
from feedengine.plays.repeats import INDEX, batch_with

NULL = "null"
"""The text that is NULL wherever it stands."""

_NULL_TEXT, _NOTHING = pa.scalar(NULL), pa.scalar(None, pa.string())

LONGEST_ROW = 1024 * 1024
"""The longest row that is read, in bytes."""

LONGEST_CONTENT = 1000
"""So many characters of an unreadable row are kept."""


class Naming:
    """Which column of a file is which known one.

    Known names are taken in any letter case, blanks not counted (``Start Time``); ``mapping``
    (known name → the file's name) comes first, and takes the known name from others.
    """

    def __init__(self, mapping: Mapping[str, str] | None = None) -> None:
        """Raises `UsageError` for a name that is not known."""
        self.own: dict[str, str | None] = {_folded(name): name for name in KNOWN_COLUMNS}
        for known in mapping or {}:
            if known.lower() not in KNOWN_COLUMNS:
                hint = f"known: {', '.join(KNOWN_COLUMNS)}"
                raise UsageError(f"play_columns: {quoted(known)} is no column of plays", hint)
            self.own[known.lower()] = None
        for known, name in (mapping or {}).items():
            self.own[_folded(name)] = known.lower()

    def known(self, name: str) -> str | None:
        """The known column that a file's column is, or None."""
        return self.own.get(_folded(name))


@lru_cache(maxsize=1024)
def _folded(name: str) -> str:
    return "".join(name.split()).lower()


class Bad(NamedTuple):
    """A row that cannot be read: the rule it breaks, and its text."""

    fault: str
    content: str


Row = dict[str, str | None] | Bad
"""A row read the careful way: known column → text."""

_WHOLE = re.compile(r"(-?[0-9]+)(?:\.0+)?")


def row_of(values: Sequence[tuple[str, Any]], naming: Naming, content: str) -> Row:
    """A row from pairs of a name and a value of JSON, whose numbers are texts of their own."""
    row: dict[str, str | None] = {}
    for name, value in values:
        known = naming.known(name)
        if known is None:
            continue
        if known in row:
            return Bad("row-column-twice", content)
        if isinstance(value, list | dict):
            return Bad("row-nested", content)
        text = text_of(value)
        if text is not None and not encodable(text):
            return Bad("row-not-utf8", content)
        row[known] = text
    return row


def text_of(value: object) -> str | None:
    """A single value as text; whole numbers without a point, ``null`` as NULL."""
    if value is None or value == NULL:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value.is_integer() else repr(value)
    return str(value)


def number_text(text: str) -> str:
    """A number of JSON as text; ``194.0`` is the whole number 194, ``-0`` is 0."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        return text
    return "0" if found[1] == "-0" else found[1]


def encodable(text: str) -> bool:
    """Whether a text can be written in UTF-8: it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(content: bytes | str) -> str:
    """The text of an unreadable row, cut; what is no UTF-8 is shown as the replacement."""
    if isinstance(content, str):
        content = content[: LONGEST_CONTENT + 1].encode("utf-8", "replace")
    return content[: LONGEST_CONTENT * 4].decode("utf-8", "replace")[:LONGEST_CONTENT]


def batch_of(source: str, rows: Sequence[tuple[int, Row]]) -> pa.RecordBatch:
    """A raw batch from rows with their places."""
    good = [None if isinstance(row, Bad) else row for _, row in rows]
    columns = {
        name: pa.array([None if row is None else row.get(name) for row in good], pa.string())
        for name in KNOWN_COLUMNS
    }
    bad = [row if isinstance(row, Bad) else Bad("", "") for _, row in rows]
    faults = pa.array([one.fault or None for one in bad], pa.string())
    contents = pa.array([one.content if one.fault else None for one in bad], pa.string())
    places = np.array([place for place, _ in rows], np.int64)
    return raw_batch(source, columns, places, faults, contents)


def raw_batch(
    source: str,
    columns: Mapping[str, pa.Array],
    places: Any,
    faults: pa.Array | None = None,
    contents: pa.Array | None = None,
) -> pa.RecordBatch:
    """A raw batch from columns of text; those that are not there are NULL."""
    rows = len(places)
    nothing = pa.nulls(rows, pa.string())
    codes = pa.array(np.zeros(rows, np.int32))
    every = {
        **{
            name: null_text(columns[name]) if name in columns else nothing for name in KNOWN_COLUMNS
        },
        SOURCE: pa.DictionaryArray.from_arrays(codes, pa.array([source], pa.string())),
        ROW: pa.array(places, pa.int64()),
        FAULT: nothing if faults is None else faults,
        CONTENT: nothing if contents is None else contents,
    }
    return batch_with(RAW, every)


def by_place(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Raw batches of one file together, in the order of their rows' places."""
    whole = pa.concat_batches(batches)
    order = np.argsort(whole.column(ROW).to_numpy(), kind="stable")
    return whole.take(pa.array(order))


def of_stream(batch: pa.RecordBatch, stream: str) -> pa.RecordBatch:
    """A raw batch whose readable rows are of this stream where they name none.

    As if the file had said so: a song that two streams play at the same second is two plays, and
    their ids (L1) differ.
    """
    at = RAW.get_field_index(STREAM)
    column = batch.column(at)
    missing = pc.or_(pc.is_null(column), pc.equal(pc.fill_null(column, ""), ""))
    missing = pc.and_(missing, pc.is_null(batch.column(FAULT)))
    return batch.set_column(at, RAW.field(at), pc.if_else(missing, pa.scalar(stream), column))


def null_text(column: pa.Array) -> pa.Array:
    """A column in which the text ``null`` is NULL."""
    repeating = isinstance(column, pa.DictionaryArray)
    same = pc.equal(column.dictionary if repeating else column, _NULL_TEXT)
    if not pc.any(same).as_py():
        return column
    if not repeating:
        return pc.if_else(same, _NOTHING, column)
    kept = pc.if_else(same.take(column.indices), pa.scalar(None, INDEX), column.indices)
    return pa.DictionaryArray.from_arrays(kept, column.dictionary)
