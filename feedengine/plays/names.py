"""Texts to codes: a table of all names that is asked for a whole column at once.

Arrow's own `index_in` hashes the whole table again at every call; a batch of plays must not pay for
a million names. Here they are hashed once and kept in the order of their hashes, and a text is
found by the first bits of its own.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.texts import Bytes, Ints, Texts, flags, texts
from feedengine.plays.timeline import NONE, Codes, Mask

Hashes: TypeAlias = npt.NDArray[np.uint64]

_U = np.uint64
_MANY = (
    _U(0x9E3779B97F4A7C15),
    _U(0xC2B2AE3D27D4EB4F),
    _U(0xD6E8FEB86659FD93),
)
_WORD = 8


class Names(NamedTuple):
    """Different texts; a text's code is its place. About 29 bytes each besides the text itself.

    ``hashes`` ascend and differ; ``buckets[b]`` is the first place whose hash begins with ``b`` or
    more. ``sizes`` are the texts' bytes, 255 for more.
    """

    texts: pa.Array
    hashes: Hashes
    buckets: Codes
    sizes: Bytes
    salt: int

    def codes(self, column: pa.Array) -> Codes:
        """The code of each text of a string column, `NONE` where it is NULL or not among them."""
        found = np.full(len(column), NONE, np.int32)
        if not len(self.hashes) or not len(column):
            return found
        of = texts(column)
        wanted = hashes(of, self.salt)
        bucket = (wanted >> _U(64 - _bits(len(self.buckets) - 1))).astype(np.int64)
        place, end = self.buckets[bucket], self.buckets[bucket + 1]
        # An empty bucket's place is another's, whose hash is another, or behind the last.
        first = self.hashes[np.minimum(place, len(self.hashes) - 1)] == wanted
        first &= of.valid
        np.copyto(found, place, where=first)
        rows = np.flatnonzero((place + 1 < end) & of.valid & ~first)
        place, end, wanted = place[rows] + 1, end[rows], wanted[rows]
        while len(rows):
            same = self.hashes[place] == wanted
            found[rows[same]] = place[same]
            left = ~same & (place + 1 < end)
            rows, place, end, wanted = rows[left], place[left] + 1, end[left], wanted[left]
        self._check(column, of.lengths, found)
        return found

    def code(self, text: str) -> int:
        """The code of one text, `NONE` where it is not among them."""
        data = text.encode("utf-8", "surrogatepass")
        wanted = _hash(data, self.salt)
        bucket = wanted >> (64 - _bits(len(self.buckets) - 1))
        for place in range(self.buckets.item(bucket), self.buckets.item(bucket + 1)):
            if self.hashes.item(place) == wanted:  # hashes differ, so there is no other
                return place if self.texts[place].as_py() == text else NONE
        return NONE

    def _check(self, column: pa.Array, lengths: Ints, found: Codes) -> None:
        """Take back what has the hash alone in common.

        A hash keeps the first eight bytes apart, so texts of up to eight need only be equally long.
        """
        hits = np.flatnonzero(found >= 0)
        codes, sizes = found[hits], lengths[hits]
        wrong: Mask = self.sizes[codes] != np.minimum(sizes, 255)
        long = np.flatnonzero(sizes > _WORD)
        if len(long):
            known = self.texts.take(pa.array(codes[long]))
            wrong[long] |= ~flags(pc.equal(known, column.take(pa.array(hits[long]))))
        found[hits[wrong]] = NONE

    def spelled(self, codes: Codes) -> pa.Array:
        """The texts of these codes, NULL below 0."""
        return self.texts.take(pa.array(codes, mask=codes < 0))


def _bits(buckets: int) -> int:
    return buckets.bit_length() - 1


def names_of(*columns: pa.Array | pa.ChunkedArray) -> Names:
    """All different texts of these string columns; NULLs count for nothing."""
    chunks = [
        chunk
        for column in columns
        for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])
    ]
    every = pc.unique(pa.chunked_array(chunks, pa.string())).drop_null()
    for salt in range(1, 100):
        of = texts(every)
        found = hashes(of, salt)
        order = np.argsort(found)
        found = found[order]
        if (found[1:] != found[:-1]).all():
            bits = max(1, (2 * len(found)).bit_length())
            sizes = np.bincount((found >> _U(64 - bits)).astype(np.int64), minlength=1 << bits)
            buckets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
            lengths = np.minimum(of.lengths[order], 255).astype(np.uint8)
            return Names(every.take(pa.array(order)), found, buckets, lengths, salt)
    raise AssertionError("no salt tells these texts apart")  # pragma: no cover


_WHOLE = 2**64 - 1
_FACTORS = tuple(int(factor) for factor in _MANY)


def _hash(data: bytes, salt: int) -> int:
    """What `hashes` gives for one text."""
    first, second, third = _FACTORS
    found = (len(data) + salt) * first & _WHOLE
    for at in range(0, len(data), _WORD):
        mixed = (found ^ int.from_bytes(data[at : at + _WORD], "little")) * second & _WHOLE
        found = (mixed ^ mixed >> 29) * third & _WHOLE
    found = (found ^ found >> 32) * first & _WHOLE
    return found ^ found >> 29


def hashes(of: Texts, salt: int) -> Hashes:
    """A number of 64 bits for each text.

    Each step can be undone, so texts of the same length up to eight bytes never share a number.
    """
    words = np.ndarray((len(of.data) - _WORD + 1,), "<u8", of.data, 0, (1,))
    starts, left = of.starts, of.lengths
    found: Hashes = (left.astype(_U) + _U(salt)) * _MANY[0]
    at = np.arange(len(left))
    while len(at):
        if not (some := left > 0).all():
            at, left, starts = at[some], left[some], starts[some]
        keep = np.minimum(left, _WORD).astype(_U) * _U(8)
        word = words[starts] & (~_U(0) >> (_U(64) - keep))
        mixed = (found[at] ^ word) * _MANY[1]
        found[at] = (mixed ^ (mixed >> _U(29))) * _MANY[2]
        left, starts = left - _WORD, starts + _WORD
    found ^= found >> _U(32)
    found *= _MANY[0]
    found ^= found >> _U(29)
    return found
