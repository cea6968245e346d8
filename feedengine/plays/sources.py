"""What is read: files, folders and standard input, told apart by their names' ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa

from feedengine.errors import ServiceError, UsageError, quoted
from feedengine.plays.kinds import KINDS_SAID, Kind, kind_of

STDIN = "-"


class Source(NamedTuple):
    """An input: the name to show, where it is (None: standard input), how it is written."""

    name: str
    path: Path | None
    kind: Kind
    codec: str | None


def sources(inputs: Sequence[str], said: str | None = None) -> list[Source]:
    """Every file that the inputs name, in their order; those of a folder by name.

    ``said`` (``csv``, ``csv.gz``) stands for the extensions of all. In folders, files of other
    kinds are passed over. Raises `UsageError` for what cannot be read, `ServiceError` for a disk.
    """
    wanted = None if said is None else kind_of(said)
    if said is not None and wanted is None:
        raise UsageError(f"{quoted(said)} is no kind of input", _HINT)
    found = [one for name in inputs for one in _named(name, wanted)]
    if not found:
        raise UsageError("there are no files to read", _HINT)
    return found


_HINT = f"{KINDS_SAID}; name one with --input"


def _named(name: str, wanted: tuple[Kind, str | None] | None) -> Iterator[Source]:
    if name == STDIN:
        if wanted is None:
            raise UsageError("the kind of standard input is not known", _HINT)
        yield Source(STDIN, None, *wanted)
        return
    path = Path(name)
    if path.is_dir():
        yield from _below(path, wanted)
        return
    if not path.exists():
        raise UsageError(f"there is no file {quoted(name)}", "name a file, a folder or -")
    kind = wanted or kind_of(path.name)
    if kind is None:
        raise UsageError(f"the kind of {quoted(name)} is not known", _HINT)
    yield Source(name, path, *kind)


def _below(folder: Path, wanted: tuple[Kind, str | None] | None) -> Iterator[Source]:
    """The files of a folder and of those in it; hidden ones are not for us."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        kind = kind_of(path.name)
        if kind is not None and not hidden and path.is_file():
            yield Source(str(path), path, *(wanted or kind))


class Meter:
    """How many bytes of the inputs have been read, of how many (None: standard input)."""

    def __init__(self, found: Sequence[Source]) -> None:
        """Nothing has been read of ``found`` yet."""
        known = [one.path for one in found]
        self.total = None if None in known else sum(one.stat().st_size for one in known if one)
        self.done = 0


_PACKED_BYTES, _PLAIN_BYTES = 50, 250
"""Of a play, about."""


def plays_about(found: Sequence[Source]) -> int:
    """How many plays these may hold, by their sizes; none of standard input."""
    return sum(one.path.stat().st_size // _bytes_a_play(one) for one in found if one.path)


def _bytes_a_play(one: Source) -> int:
    return _PLAIN_BYTES if one.codec is None and one.kind != "parquet" else _PACKED_BYTES


class DamagedError(Exception):
    """The bytes of an input end early or cannot be decoded."""


class _Metered:
    """A file that says how far it has been read; just what pyarrow asks of a file."""

    def __init__(self, file: IO[bytes], meter: Meter) -> None:
        self.file, self.meter, self.closed = file, meter, False

    def read(self, size: int = -1) -> bytes:
        found = self.file.read(size)
        self.meter.done += len(found)
        return found

    def close(self) -> None:
        """Whoever opened the file closes it."""


_PORTION = 32 * 1024
"""Packed bytes are decoded in such portions: so much before a damage may be lost with it."""


class Stream:
    """The decoded bytes of a source."""

    def __init__(self, source: Any, *, packed: bool, file: IO[bytes]) -> None:
        """``file`` is the file itself, from which Parquet is read where it is not packed."""
        self.source, self.packed, self.file = source, packed, file
        self.damage: str | None = None

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, none at the end; raises `DamagedError`, `ServiceError`."""
        if not self.packed:
            return self._read(size)
        parts: list[bytes] = []
        while size > 0 and self.damage is None:
            try:
                parts.append(self._read(min(size, _PORTION)))
            except DamagedError as error:
                self.damage = str(error)
                break
            size -= len(parts[-1])
            if not parts[-1]:
                break
        if self.damage is not None and not any(parts):
            raise DamagedError(self.damage)
        return b"".join(parts)

    def _read(self, size: int) -> bytes:
        try:
            found: bytes = self.source.read(size)
        except OSError as error:
            if error.errno is not None or not self.packed:
                raise ServiceError(f"reading failed: {error}", "look at the disk") from None
            raise DamagedError(str(error)) from None
        return found


@contextmanager
def opened(source: Source, meter: Meter) -> Iterator[Stream]:
    """The bytes of a source, decoded."""
    try:
        file: IO[bytes] = sys.stdin.buffer if source.path is None else source.path.open("rb")
    except OSError as error:
        hint = "look at its permissions"
        raise UsageError(f"cannot read {quoted(source.name)}: {error.strerror}", hint) from None
    try:
        metered = _Metered(file, meter)
        if source.codec is None:
            yield Stream(metered, packed=False, file=file)
        else:
            unpacked = pa.CompressedInputStream(pa.PythonFile(metered, "r"), source.codec)
            yield Stream(unpacked, packed=True, file=file)
    finally:
        if source.path is not None:
            file.close()
