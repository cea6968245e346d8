"""Bytes in blocks of whole lines, whatever the length of the lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from feedengine.plays.gather import LONGEST_ROW
from feedengine.plays.sources import DamagedError, Stream

BLOCK_BYTES = 8 * 1024 * 1024

_MARK = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """Whole lines, the first of which is line ``line`` of its file (from 1).

    Only the last line of a file may lack its end. With ``fault`` the block is the beginning of a
    line that is too long (``row-too-large``) or of what cannot be read (``file-damaged``).
    """

    data: bytes
    line: int
    last: bool = False
    fault: str | None = None


def blocks(stream: Stream, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The blocks of a stream, without a byte order mark. Raises `ServiceError`."""
    line, rest, begun = 1, b"", False
    while True:
        try:
            data = stream.read(size)
        except DamagedError as error:
            yield Block(str(error).encode(), line, last=True, fault="file-damaged")
            return
        if not begun:
            data, begun = data.removeprefix(_MARK), True
        if not data:
            if rest:
                yield Block(rest, line, last=True)
            return
        data = rest + data
        cut = data.rfind(b"\n") + 1
        if cut:
            yield Block(data[:cut], line)
            line += data.count(b"\n", 0, cut)
        rest = data[cut:]
        if len(rest) > LONGEST_ROW:
            yield Block(rest[:LONGEST_ROW], line, fault="row-too-large")
            rest = _skipped(stream, size)
            line += 1


def _skipped(stream: Stream, size: int) -> bytes:
    """What follows the line that is being read; damage is left to be met again."""
    while True:
        try:
            data = stream.read(size)
        except DamagedError:
            return b""
        if not data:
            return b""
        at = data.find(b"\n")
        if at >= 0:
            return data[at + 1 :]
