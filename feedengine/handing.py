"""Values handed from one process of ours to another, however large, without waiting for each other.

A value is laid down in memory that has no name, and its descriptor goes through a socket. Arrays,
those of Arrow too, are not copied by whoever takes them up: they stay in that memory as long as one
of them is used, and are not to be written to.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import select
import socket
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import pyarrow as pa

_ALIGNED = 64
"""Arrays begin at such places, as Arrow wants them."""

_SHARED = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
"""All of it is read: its pages are not asked for one by one."""

_NUMBER = struct.Struct("<q")


def hand(to: socket.socket, value: object) -> None:
    """Hand a value over, which has to be one that can be pickled.

    Raises `ConnectionError` where nobody is there any more, `OSError` where memory is short.
    """
    arrays: list[pickle.PickleBuffer] = []
    frame = io.BytesIO()
    _Pickler(frame, pickle.HIGHEST_PROTOCOL, buffer_callback=arrays.append).dump(value)
    parts = [frame.getbuffer(), *(one.raw() for one in arrays)]
    with _nameless() as file:
        file.write(b"".join(_NUMBER.pack(part.nbytes) for part in parts))
        for part in parts:
            file.write(bytes(-file.tell() % _ALIGNED))
            file.write(part)
        file.flush()
        socket.send_fds(to, [_NUMBER.pack(len(parts))], [file.fileno()])


def take(source: socket.socket) -> Any:
    """The value that was handed over next; waits for it.

    Raises `EOFError`, or an `OSError`, where nobody is there any more.
    """
    said, descriptors, _, _ = socket.recv_fds(source, _NUMBER.size, 1)
    if not said:
        raise EOFError
    with open(descriptors[0], "rb") as file:  # noqa: PTH123 - it has no path
        held = memoryview(mmap.mmap(file.fileno(), 0, _SHARED, mmap.PROT_READ))
    (many,) = _NUMBER.unpack(said)
    sizes = [size for (size,) in _NUMBER.iter_unpack(held[: many * _NUMBER.size])]
    frame, *arrays = _parts(held, sizes)
    return pickle.loads(frame, buffers=arrays)  # noqa: S301 - made by our own program


class _Pickler(pickle.Pickler):
    """Of an array of nothing but NULL only the length is handed over, unless it has more to it."""

    def reducer_override(self, value: Any) -> Any:
        plain = isinstance(value, pa.Array) and not isinstance(value, pa.DictionaryArray)
        if plain and len(value) == value.null_count:
            return pa.nulls, (len(value), value.type)
        return NotImplemented


def is_there(source: socket.socket) -> bool:
    """Whether something can be taken without waiting, or nobody is there any more."""
    asked = select.poll()  # `select.select` knows no descriptor above 1,023
    asked.register(source, select.POLLIN)
    return bool(asked.poll(0))


def _parts(held: memoryview, sizes: Sequence[int]) -> Iterator[memoryview]:
    at = len(sizes) * _NUMBER.size
    for size in sizes:
        at += -at % _ALIGNED
        yield held[at : at + size]
        at += size


@contextmanager
def _nameless() -> Iterator[BinaryIO]:
    """Memory that is gone when nobody uses it; on the disk where there is no such memory."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("feedengine"), "wb") as file:  # noqa: PTH123 - it has no path
            yield file
    else:  # pragma: no cover - not on Linux
        with tempfile.TemporaryFile() as file:
            yield cast("BinaryIO", file)
