"""Columns of text as numpy sees them: where each text begins, how long it is, and all their bytes.

The fixed-width grammars (UUIDs, digits, instants in `moments`) read eight bytes of a row at a time
as one number and test them all at once; what is unusual is left to a grammar that reads one text.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.frames import Mask

Bytes: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]

_PADDING = 64
_U = np.uint64


class Texts(NamedTuple):
    """A column of n texts: ``starts`` and ``lengths`` in bytes of ``data``; NULLs have length 0."""

    starts: Ints
    lengths: Ints
    data: Bytes
    valid: Mask


def texts(column: pa.Array) -> Texts:
    """The bytes of a string column; ``data`` may be read 64 bytes beyond any text's beginning."""
    rows = len(column)
    valid = given(column)
    _, offsets_buffer, data_buffer = column.buffers()
    if offsets_buffer is None or not rows:
        return Texts(np.zeros(rows, np.int64), np.zeros(rows, np.int64), _pad(b""), valid)
    every = np.frombuffer(offsets_buffer, np.int32, rows + 1, column.offset * 4)
    offsets = every.astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    data = _pad(b"" if data_buffer is None else memoryview(data_buffer)[first:last])
    lengths = np.diff(offsets)
    if not valid.all():
        lengths[~valid] = 0
    return Texts(offsets[:-1] - first, lengths, data, valid)


def _pad(data: Any) -> Bytes:
    padded = np.zeros(len(data) + _PADDING, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8) if len(data) else 0
    return padded


def ascii_only(column: pa.Array) -> bool:
    """Whether a string column has no byte above 127, and so is UTF-8 wherever a text ends."""
    _, offsets, data = column.buffers()
    if offsets is None or data is None or not len(column):
        return True
    every = np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4)
    used = np.frombuffer(data, np.uint8)[every[0] : every[-1]]
    whole = len(used) // 8 * 8
    words = np.bitwise_or.reduce(used[:whole].view(np.uint64), initial=0)
    return not (int(words) & 0x8080808080808080 or bool((used[whole:] & 0x80).any()))


def given(column: pa.Array) -> Mask:
    """Where a column is not NULL."""
    if not column.null_count:
        return np.ones(len(column), np.bool_)
    return flags(column.is_valid())


def flags(array: pa.Array) -> Mask:
    """An Arrow array of booleans without NULLs."""
    found: Mask = array.to_numpy(zero_copy_only=False)
    return found


def numbers(values: Ints, valid: Mask) -> pa.Array:
    """Whole numbers as an Arrow array, NULL where not valid."""
    return pa.array(values, pa.int64(), mask=None if valid.all() else ~valid)


class Rows(NamedTuple):
    """Texts to be read at fixed places: ``step`` is the distance of all, or 0 where it differs."""

    data: Bytes
    starts: Ints
    step: int


def rows_of(of: Texts, at: Ints) -> Rows:
    """The texts in the rows ``at``, in order."""
    starts = of.starts if len(at) == len(of.starts) else of.starts[at]
    step = int(starts[1] - starts[0]) if len(starts) > 1 else 1
    even = step > 0 and starts[-1] - starts[0] == step * (len(starts) - 1)
    return Rows(of.data, starts, step if even and (np.diff(starts) == step).all() else 0)


def word(rows: Rows, at: int) -> Words:
    """The eight bytes at place ``at`` of each row, as one little-endian number."""
    found: Words = _loaded(rows, at, 8)
    return found


def half(rows: Rows, at: int) -> Words:
    """The four bytes at place ``at`` of each row, as one little-endian number."""
    found: Words = _loaded(rows, at, 4).astype(_U)
    return found


def byte(rows: Rows, at: int) -> Bytes:
    """The byte at place ``at`` of each row."""
    found: Bytes = _loaded(rows, at, 1)
    return found


def _loaded(rows: Rows, at: int, size: int) -> Any:
    if rows.step:
        begin = int(rows.starts[0]) + at
        view = np.ndarray((len(rows.starts),), f"<u{size}", rows.data, begin, (rows.step,))
        return view.copy()
    every = np.ndarray((len(rows.data) - size + 1,), f"<u{size}", rows.data, 0, (1,))
    return every[rows.starts + at]


def repeated(byte_value: int) -> np.uint64:
    """A word of eight equal bytes."""
    return _U(byte_value * 0x0101010101010101)


_HIGH, _LOW_NIBBLES, _ONES = repeated(0x80), repeated(0x0F), repeated(0x01)


def _hex(word_: Words) -> tuple[Words, Mask]:
    """Eight hexadecimal digits as a number of 32 bits, and where that is what they are."""
    lower = word_ | repeated(0x20)
    ascii_only = word_ & _HIGH
    plain = word_ & ~_HIGH
    digit = (plain + repeated(0x80 - 0x30)) & ~(plain + repeated(0x80 - 0x3A))
    letter_of = lower & ~_HIGH
    letter = (letter_of + repeated(0x80 - 0x61)) & ~(letter_of + repeated(0x80 - 0x67))
    fine = (((digit | letter) & _HIGH) == _HIGH) & (ascii_only == 0)
    nibbles = (word_ & _LOW_NIBBLES) + _U(9) * ((word_ >> _U(6)) & _ONES)
    pairs = ((nibbles << _U(4)) | (nibbles >> _U(8))) & _U(0x00FF00FF00FF00FF)
    fours = (pairs | (pairs >> _U(8))) & _U(0x0000FFFF0000FFFF)
    little = (fours | (fours >> _U(16))) & _U(0xFFFFFFFF)
    return little, fine


def _swapped(little: Words) -> Words:
    """Four bytes in the other order."""
    return little.astype(np.uint32).byteswap().astype(_U)


_DASHES = ((8, 13), (18, 23))


def uuids(column: pa.Array) -> tuple[Words, Words, Mask]:
    """UUIDs in the form 8-4-4-4-12, either case: their upper and lower 64 bits, and where they are.

    Everything else, NULL too, is no UUID.
    """
    of = texts(column)
    high, low = np.zeros(len(column), _U), np.zeros(len(column), _U)
    fine = of.lengths == 36
    at = np.flatnonzero(fine)
    if not len(at):
        return high, low, fine
    rows = rows_of(of, at)
    parts = (
        word(rows, 0),
        half(rows, 9) | (half(rows, 14) << _U(32)),
        half(rows, 19) | (half(rows, 24) << _U(32)),
        word(rows, 28),
    )
    good = np.ones(len(at), np.bool_)
    for pair in _DASHES:
        for dash in pair:
            good &= byte(rows, dash) == ord("-")
    values = []
    for part in parts:
        value, valid = _hex(part)
        good &= valid
        values.append(_swapped(value))
    high[at] = (values[0] << _U(32)) | values[1]
    low[at] = (values[2] << _U(32)) | values[3]
    fine[at] = good
    return high, low, fine


_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_HEX_PLACES = np.array([at for at in range(36) if at not in {8, 13, 18, 23}])


def uuid_texts(high: Words, low: Words) -> pa.Array:
    """Ids given by their halves, as text in the form 8-4-4-4-12, in lower case."""
    rows = len(high)
    bytes_ = np.stack((high, low), axis=1).astype(">u8").view(np.uint8).reshape(rows, 16)
    letters = np.full((rows, 36), ord("-"), np.uint8)
    letters[:, _HEX_PLACES[0::2]] = _HEX[bytes_ >> 4]
    letters[:, _HEX_PLACES[1::2]] = _HEX[bytes_ & 15]
    offsets = pa.py_buffer(np.arange(0, 36 * rows + 1, 36, dtype=np.int32))
    return pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(letters))


LONGEST_QUICK = 18
"""So many digits always fit 64 bits."""


class Wholes(NamedTuple):
    """Texts of digits alone: their values (0 where ``fits`` is false), where they are such texts.

    ``fits``: up to 2^63 − 1. ``positive``: above 0, whether it fits or not.
    """

    values: Ints
    fits: Mask
    digits: Mask
    positive: Mask


def wholes(column: pa.Array) -> Wholes:
    """Whole numbers written ``[0-9]+``."""
    of = texts(column)
    rows = len(column)
    digits = of.lengths > 0
    body = of.data[: len(of.data) - _PADDING] if len(of.data) > _PADDING else of.data[:0]
    strange = (body - np.uint8(48)) > 9
    if strange.any():
        before = np.concatenate(([0], np.cumsum(strange, dtype=np.int64)))
        ends = of.starts + of.lengths
        digits &= before[ends] == before[of.starts]
    quick = digits & (of.lengths <= LONGEST_QUICK)
    values = np.zeros(rows, np.int64)
    if quick.all():
        values = column.cast(pa.int64()).to_numpy()
    elif quick.any():
        values[quick] = column.filter(pa.array(quick)).cast(pa.int64()).to_numpy()
    fits, positive = quick.copy(), values > 0
    for at in np.flatnonzero(digits & ~quick):
        text = column[int(at)].as_py().lstrip("0")
        positive[at] = bool(text)
        if len(text) <= 19 and (value := int(text or "0")) < 2**63:
            values[at], fits[at] = value, True
    return Wholes(values, fits, digits, positive)


def uniques(column: pa.Array) -> tuple[list[str | None], Ints]:
    """The different texts of a column, and for each row the place of its own; NULL has the last."""
    if column.null_count == len(column):
        return [None], np.zeros(len(column), np.int64)
    encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    places = pc.fill_null(encoded.indices, len(values) - 1).to_numpy().astype(np.int64)
    return values, places
