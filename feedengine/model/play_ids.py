"""Play ids as 16 bytes each, one after the other; and which of some ids stand among very many.

Text of 36 characters takes 36 bytes and a slow comparison; 100 million ids of 16 bytes take 1.6 GB
and are searched for a million others in seconds (docs/plays-delivery.md, "What it costs").
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from binascii import unhexlify
from typing import TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SIZE = 16
"""Bytes of an id."""

_NO_UUID = "a play has an id that is no UUID"
_TEXT = 36
_DASHES = (8, 13, 18, 23)
_BITS = 25
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - _BITS)
_SURVIVORS = 1 << 19

Mask: TypeAlias = npt.NDArray[np.bool_]


def packed(column: pa.Array | pa.ChunkedArray) -> bytes:
    """Ids written 8-4-4-4-12, in either case, as 16 bytes each; raises `ValueError` for others."""
    rows = len(column)
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not rows:
        return b""
    if array.null_count:
        raise ValueError(_NO_UUID)
    array = array.cast(pa.string())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + rows + 1]
    if (np.diff(ends) != _TEXT).any():
        raise ValueError(_NO_UUID)
    text = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    dashed = all((text[at::_TEXT] == ord("-")).all() for at in _DASHES)
    digits = text.tobytes().translate(None, b"-")
    if not dashed or len(digits) != rows * 2 * SIZE:
        raise ValueError(_NO_UUID)
    try:
        return unhexlify(digits)
    except BinasciiError:
        raise ValueError(_NO_UUID) from None


def unpacked(data: bytes) -> list[str]:
    """The text of ids of 16 bytes each, in lower case."""
    return [str(UUID(bytes=data[at : at + SIZE])) for at in range(0, len(data), SIZE)]


def kept(data: bytes, keep: Mask) -> bytes:
    """The ids whose flag is set."""
    return np.frombuffer(data, np.uint8).reshape(-1, SIZE)[keep].tobytes()


def repeated(data: bytes) -> Mask:
    """A flag for each id that an earlier one equals."""
    rows = len(data) // SIZE
    codes = pc.dictionary_encode(_array(data)).indices.to_numpy(zero_copy_only=False)
    found = np.ones(rows, np.bool_)
    found[np.unique(codes, return_index=True)[1]] = False
    return found


def _array(data: bytes) -> pa.Array:
    buffer = pa.py_buffer(data)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(SIZE), len(data) // SIZE, [None, buffer])


def _slots(data: bytes) -> npt.NDArray[np.uint64]:
    halves = np.frombuffer(data, "<u8")
    slots: npt.NDArray[np.uint64] = ((halves[::2] ^ halves[1::2]) * _SPREAD) >> _SHIFT
    return slots


class Among:
    """Which of some ids stand among many that are shown block by block.

    A table of flags (32 MB) lets some 3 in 100 of foreign ids through for a million asked for; what
    is let through is compared in full. Memory: the table, the ids asked for, a block.
    """

    def __init__(self, asked: bytes) -> None:
        """Look for these ids, 16 bytes each."""
        self.asked = _array(asked)
        self.found: Mask = np.zeros(len(self.asked), np.bool_)
        self._flags = np.zeros(1 << _BITS, np.bool_)
        self._flags[_slots(asked)] = True
        self._through: list[bytes] = []
        self._count = 0

    def show(self, block: bytes) -> None:
        """Look at a block of ids."""
        through = self._flags[_slots(block)]
        passing = int(through.sum())
        if passing:
            self._through.append(kept(block, through))
            self._count += passing
        if self._count >= _SURVIVORS:
            self._compare()

    def through(self, block: bytes) -> list[int]:
        """The rows of a block that may be among the ids asked for; few others."""
        rows: list[int] = np.flatnonzero(self._flags[_slots(block)]).tolist()
        return rows

    def flags(self) -> Mask:
        """A flag for each id asked for: it was shown."""
        self._compare()
        return self.found

    def _compare(self) -> None:
        if self._through:
            shown = _array(b"".join(self._through))
            hit = pc.is_in(self.asked, value_set=shown)
            self.found |= hit.to_numpy(zero_copy_only=False)
            self._through, self._count = [], 0
