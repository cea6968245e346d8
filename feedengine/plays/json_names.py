"""How many different names the objects of a block of JSON have, about."""

from __future__ import annotations

import re

import numpy as np

MOST_NAMES = 256
"""Of more different names pyarrow would make as many columns, each as long as the block."""

_APART = re.compile(rb'"[ \t\r]+:')
_WORD = 8
_LOOKED_AT = 1 << 16
_CELLS, _KEPT = 1 << 16, np.uint64(64 - 16)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def many_names(data: bytes) -> bool:
    """Whether a block has more than `MOST_NAMES` different names, or might have.

    A sixteenth of it is looked at. Names are told apart by their length and eight bytes at either
    end.
    """
    data = b"".join(data[at : at + _LOOKED_AT] for at in range(0, len(data), 16 * _LOOKED_AT))
    if (b" :" in data or b"\t:" in data or b"\r:" in data) and _APART.search(data):
        return True
    every = np.frombuffer(bytes(_WORD) + data + bytes(_WORD), np.uint8)
    quotes = np.flatnonzero(every == ord('"'))
    at = np.flatnonzero(every[quotes + 1] == ord(":"))
    at = at[at > 0]
    begins, ends = quotes[at - 1] + 1, quotes[at]
    sizes = ends - begins
    short = (np.maximum(_WORD - sizes, 0) * _WORD).astype(np.uint64)
    words = np.ndarray(len(every) - _WORD + 1, np.uint64, every, strides=(1,))
    # The bytes of a shorter name alone count, not those beside it.
    first, last = words[begins] << short, words[ends - _WORD] >> short
    mixed = ((first * _MIX ^ last) * _MIX ^ sizes.astype(np.uint64)) * _MIX
    cells = np.zeros(_CELLS, np.bool_)
    cells[(mixed >> _KEPT).astype(np.int64)] = True
    return int(cells.sum()) > MOST_NAMES
