"""Columns whose texts repeat: a dictionary's texts are read once each, not once a row.

Parquet keeps what many plays have alike (country, shop, player ...) as a dictionary and a number a
row. Such a column stays a dictionary from the file to the verdict; whoever needs its rows as plain
texts asks for them by `decoded`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.frames import Mask
from feedengine.plays.texts import Ints, Wholes, Words, given, uuids, wholes

Found = TypeVar("Found", bound=npt.NDArray[Any])

INDEX = pa.int32()


def decoded(column: pa.Array) -> pa.Array:
    """A column as plain texts."""
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


def batch_with(schema: pa.Schema, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """A batch by this schema, in which a column of texts may be a dictionary."""
    fields = [field.with_type(columns[field.name].type) for field in schema]
    return pa.RecordBatch.from_arrays(
        [columns[name] for name in schema.names], schema=pa.schema(fields)
    )


class Parts(NamedTuple):
    """The different texts of a column, NULL the last, and for each row the place of its own.

    A plain column has all its rows' texts, and no ``places``.
    """

    values: pa.Array
    places: Ints | None

    def rows(self, found: Found) -> Found:
        """What was found of the texts, for each row."""
        return found if self.places is None else found[self.places]  # type: ignore[return-value]


def parts(column: pa.Array) -> Parts:
    """A column of texts taken apart."""
    if not isinstance(column, pa.DictionaryArray):
        return Parts(column, None)
    values = column.dictionary
    nothing = len(values)
    places = column.indices
    if places.null_count:
        places = pc.fill_null(places, nothing)
    return Parts(
        pa.concat_arrays([values, pa.nulls(1, values.type)]), places.to_numpy().astype(np.int64)
    )


def each(column: pa.Array, read: Callable[[pa.Array], Found]) -> Found:
    """What ``read`` finds of each row's text; each different one of a dictionary is read once."""
    taken = parts(column)
    return taken.rows(read(taken.values))


def chosen(values: list[str | None], places: Ints) -> pa.DictionaryArray:
    """For each row the value of its place, as a dictionary."""
    known = [at for at, value in enumerate(values) if value is not None]
    index = np.full(len(values), -1, np.int32)
    index[known] = np.arange(len(known), dtype=np.int32)
    indices = index[places]
    texts = pa.array([values[at] for at in known], pa.string())
    missing = indices < 0
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, INDEX, mask=missing if missing.any() else None), texts
    )


class Readings:
    """What the columns of one batch hold, each read once however often it is asked for.

    A column is known by its buffers, which stay where they are while this is kept. Nothing that is
    found may be written to.
    """

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._kept: list[pa.Array] = []
        self._found: dict[tuple[Any, ...], Any] = {}

    def __reduce__(self) -> tuple[type[Readings], tuple[()]]:
        """In another process it begins anew, since columns stand elsewhere there."""
        return Readings, ()

    def parts(self, column: pa.Array) -> Parts:
        """As `parts`."""
        found: Parts = self._once(parts, column)
        return found

    def lengths(self, column: pa.Array) -> Ints:
        """The lengths of texts in bytes, 0 where NULL."""
        taken = self.parts(column)
        return taken.rows(self._once(_lengths, taken.values))

    def wholes(self, column: pa.Array) -> Wholes:
        """As `texts.wholes`."""
        taken = self.parts(column)
        values, *flags = self._once(wholes, taken.values)
        return Wholes(taken.rows(values), *(taken.rows(one) for one in flags))

    def uuids(self, column: pa.Array) -> tuple[Words, Words, Mask]:
        """As `texts.uuids`."""
        taken = self.parts(column)
        high, low, fine = self._once(uuids, taken.values)
        return taken.rows(high), taken.rows(low), taken.rows(fine)

    def _once(self, read: Callable[[pa.Array], Any], column: pa.Array) -> Any:
        key = (read, *place(column))
        if key not in self._found:
            self._kept.append(column)
            self._found[key] = read(column)
        return self._found[key]


def place(column: pa.Array) -> tuple[Any, ...]:
    """Where a column stands in memory."""
    places = tuple(None if one is None else one.address for one in column.buffers())
    own = (len(column), column.offset, places)
    return (*own, place(column.dictionary)) if isinstance(column, pa.DictionaryArray) else own


def _lengths(column: pa.Array) -> Ints:
    offsets = column.buffers()[1]
    if offsets is None or not len(column):
        return np.zeros(len(column), np.int64)
    every = np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4)
    found = np.diff(every).astype(np.int64)
    if column.null_count:
        found[~given(column)] = 0
    return found
