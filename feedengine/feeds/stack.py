"""The Stack: a folder of small files that says which feeds to take, and in what order (P2-P5).

Entries are read by folder descriptor and never through a link; a finished one is moved beside,
never over another. What the entries hold is parsed in `feedengine.feeds.entries`.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from feedengine.errors import Fault, RefusedError, UsageError, quoted
from feedengine.feeds.descriptors import (
    content,
    linked_in,
    log_name,
    logs_in,
    move_in,
    open_file,
    open_folder,
    place_log,
    sync_folder,
)
from feedengine.feeds.entries import (
    LARGEST_FORM,
    Faults,
    Manifest,
    Signature,
    StackEntry,
    Unfinished,
    entry_fault,
    parse_entry,
    parse_manifest,
)
from feedengine.feeds.line import ENDING, is_entry_name, ordered
from feedengine.feeds.paths import (
    NO_NAMES,
    FeedPathError,
    MissingError,
    OutsideError,
    UnreadableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "Faults",
    "Finished",
    "Manifest",
    "Signature",
    "Stack",
    "StackEntry",
    "Unfinished",
    "client_mismatch",
    "client_unknown",
    "feed_missing",
    "manifest_missing",
    "no_packages",
    "parse_entry",
    "parse_manifest",
    "settled",
]

Finished: TypeAlias = Literal["processed", "failed", "held"]

SETTLE_SECONDS = 2.0
"""How long an entry must lie unchanged before what cannot be read is held against it (P4)."""

_LONGEST_NAME = 255


class Stack:
    """The folder ``Stack/``; holds nothing open between calls, since the folder may be replaced.

    Names are those of files directly in it. An `OSError` of the folder itself passes unchanged:
    the Stack is the operator's. Names that are not UTF-8 come with surrogate escapes.
    """

    def __init__(self, path: Path) -> None:
        """The Stack at ``path``, which may be a link and need not exist yet."""
        self._path = path

    def scan(self) -> list[str]:
        """Names of the waiting entries in the order they are taken (P2, P3).

        For once; who looks again and again has a `Line`. A link or a pipe named like an entry is
        among them.
        """
        with self._opened() as folder, os.scandir(folder) as entries:
            return ordered(
                entry.name
                for entry in entries
                if is_entry_name(entry.name) and not entry.is_dir(follow_symlinks=False)
            )

    def read(self, name: str) -> tuple[bytes, Signature]:
        """The bytes of an entry, and the signature it had once they were read.

        Raises `MissingError` when it has gone, `OutsideError` for a link or no regular file,
        `TooLargeError` (1 MiB), `UnreadableError`.
        """
        with self._opened() as folder:
            descriptor = open_file(folder, _entry_name(name), name)
            try:
                data = content(descriptor, name, LARGEST_FORM)
                return data, _signature(os.fstat(descriptor))
            finally:
                os.close(descriptor)

    def load(self, name: str) -> StackEntry | Unfinished | Faults:
        """The entry ``name``, read and parsed (P2).

        What cannot be read is ``entry-invalid``; an entry without permission may yet get it, as
        one that is not well-formed may yet be written (P4). Raises `MissingError` when it has gone.
        """
        try:
            data, signature = self.read(name)
        except MissingError:
            raise
        except UnreadableError as error:
            return Unfinished(entry_fault(name, f"The entry {error.reason}", "", "P4"))
        except FeedPathError as error:
            return [entry_fault(name, f"The entry {error.reason}")]
        return parse_entry(data, name, signature)

    def signature(self, name: str) -> Signature:
        """What tells whether the entry was written again; of a link, the link's own.

        Raises `MissingError` when it has gone.
        """
        with self._opened() as folder:
            return _signature_in(folder, name)

    def move(self, name: str, to: Finished, signature: Signature | None = None) -> str:
        """Move an entry to ``processed/``, ``failed/`` or ``held/``; the name it has there (P5).

        A taken name gets a number before its ending: ``1666.2.xml``. Both folders are synced.
        With ``signature``, only the very file that had it is moved: one that a producer has put
        in its place meanwhile stays and is a new entry. Raises `MissingError` when the entry
        (that one) has gone, `UsageError` when the folder cannot be one.
        """
        with self._opened() as folder, _side_folder(folder, to) as side:
            if signature is not None and _signature_in(folder, name) != signature:
                raise MissingError(name, _REPLACED)
            frees = _names_for(_entry_name(name))
            return next(free for free in frees if _moved(folder, name, side, free, signature))

    def move_all(self, entries: Iterable[tuple[str, Signature]], to: Finished) -> None:
        """Move several entries as `move` does, each folder synced once for all of them.

        Those that have gone, or were replaced, are passed over. Raises `UsageError` as `move`.
        """
        with self._opened() as folder, _side_folder(folder, to) as side:
            named = []
            for name, signature in entries:
                with suppress(MissingError):
                    named.append((name, _linked(folder, name, side, signature), signature))
            sync_folder(side)
            for name, free, signature in named:
                _unlink_old(folder, name, side, free, signature)
            sync_folder(folder)

    def unhold(self, name: str) -> str:
        """Move an entry from ``held/`` back into the Stack under its own name, and return that.

        Raises `MissingError` when it is not held, `RefusedError` when an entry of that name is
        waiting (its place in the order would be lost under any other name).
        """
        with self._opened() as folder, _side_folder(folder, "held") as side:
            if not _moved(side, _entry_name(name), folder, name):
                raise RefusedError(
                    f"An entry named {quoted(name)} is waiting in the Stack already",
                    "Let it be taken first, or give one of the two another name.",
                )
        return name

    def write_log(self, milliseconds: int, text: bytes) -> str:
        """Write ``<milliseconds>.error.log`` for a bad entry into ``failed/``; its name (P8)."""
        with self._opened() as folder, _side_folder(folder, "failed") as side:
            return log_name(place_log(side, milliseconds, "error", text), "error")

    def logs(self, _path: str) -> list[tuple[int, str, bytes]]:
        """Milliseconds, outcome and first line of each log in ``failed/`` (see `logs_in`)."""
        with self._opened() as folder, _side_folder(folder, "failed") as side:
            return list(logs_in(side))

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Descriptor of the Stack."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def settled(
    signature: Signature, now: float, seen_for: float, settle: float = SETTLE_SECONDS
) -> bool:
    """Whether a file has lain unchanged long enough to be taken as it is (P4).

    ``now`` is in seconds since 1970; ``seen_for`` says how many seconds ago the file was first seen
    with this very ``signature``, by a clock that nobody sets. Counted from mtime; an mtime that
    lies in the future (another machine's clock, or this one's was set back) counts from when it
    was first seen.
    """
    return max(now - signature.mtime_ns / 1e9, seen_for) >= settle


def client_mismatch(entry: StackEntry, manifest: Manifest, file: str = "manifest.xml") -> Fault:
    """The manifest ``file`` names another client than its Stack entry (P6)."""
    return Fault(
        "client-mismatch",
        "P6",
        (None, file),
        f"The manifest names the client {quoted(manifest.client)}, "
        f"the Stack entry {quoted(entry.name)} names {quoted(entry.client)}",
        "Both must name the same client, letter by letter.",
    )


def client_unknown(client: str, file: str) -> Fault:
    """G3: ``file``, a Stack entry or a manifest, names a client whom the operator does not know."""
    message = f"The client {quoted(client)} is not known here"
    return Fault("client-unknown", "G3", (None, file), message)


def no_packages(glob: str, existing: Sequence[str], file: str = "manifest.xml") -> Fault:
    """The glob of the manifest ``file`` matches nothing; ``existing`` are files that are there."""
    there = ", ".join(map(quoted, existing))
    return Fault(
        "no-packages",
        "P6",
        (None, file),
        f"{quoted(glob)} matches no package; "
        + (f"there are {there}" if there else "there is no package.xml in the feed"),
        "Packages/@path is relative to the feed's folder; '*' stays in one folder, '**' does not.",
    )


def feed_missing(entry: StackEntry) -> Fault:
    """The feed of an entry is not there, and its time is over (P4)."""
    return Fault(
        "feed-missing",
        "P4",
        (None, entry.name),
        f"The feed {quoted(entry.feed_path)} is not in Feeds/",
        "Write the whole feed first and its Stack entry last.",
    )


def manifest_missing(entry: StackEntry) -> Fault:
    """The feed of an entry has no manifest, and its time is over (P4)."""
    return Fault(
        "manifest-missing",
        "P4",
        (None, entry.name),
        f"The feed {quoted(entry.feed_path)} has no manifest.xml",
        "Write the whole feed, manifest included, and its Stack entry last.",
    )


def _signature(status: os.stat_result) -> Signature:
    return Signature(status.st_ino, status.st_mtime_ns, status.st_size)


def _signature_in(folder: int, name: str) -> Signature:
    try:
        return _signature(os.stat(_entry_name(name), dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError as error:
        raise MissingError(name, "is not there") from error


def _entry_name(name: str) -> str:
    """``name``, when it can be that of a file in the Stack."""
    if name in NO_NAMES or "/" in name or "\0" in name:
        raise OutsideError(name, "is no name of a Stack entry")
    return name


def _names_for(name: str) -> Iterator[str]:
    """``1666.xml``, ``1666.2.xml``, ``1666.3.xml`` … as long as the file system takes (P5)."""
    yield name
    stem = os.fsencode(name.removesuffix(ENDING))
    number = 2
    while True:
        ending = f".{number}{ENDING}"
        yield os.fsdecode(stem[: _LONGEST_NAME - len(ending)]) + ending
        number += 1


_REPLACED = "was replaced by another since it was read"


def _moved(
    source_folder: int, name: str, folder: int, free: str, signature: Signature | None = None
) -> bool:
    """Move a file; one that does not have ``signature`` keeps its place."""

    def check() -> None:
        if signature is not None and _signature_in(folder, free) != signature:
            raise MissingError(name, _REPLACED)

    try:
        return move_in(source_folder, name, folder, free, sync=True, check=check)
    except FileNotFoundError as error:
        raise MissingError(name, "is not there") from error


def _linked(folder: int, name: str, side: int, signature: Signature) -> str | None:
    """Give an entry its name in a side folder, too, and return that; None where it was moved whole.

    Raises `MissingError` when the entry, the one of this ``signature``, has gone.
    """
    if _signature_in(folder, name) != signature:
        raise MissingError(name, _REPLACED)
    for free in _names_for(_entry_name(name)):
        try:
            linked = linked_in(folder, name, side, free)
        except FileNotFoundError as error:
            raise MissingError(name, "is not there") from error
        if linked is None and _moved(folder, name, side, free, signature):
            return None
        if linked:
            return free
    raise AssertionError  # names never end


def _unlink_old(folder: int, name: str, side: int, free: str | None, signature: Signature) -> None:
    """Take the old name of a moved entry away; the new one where it is not the entry meant."""
    if free is None:
        return
    with suppress(MissingError):
        if _signature_in(side, free) != signature:
            os.unlink(free, dir_fd=side)
        elif _signature_in(folder, name).inode == signature.inode:
            os.unlink(name, dir_fd=folder)


@contextmanager
def _side_folder(stack: int, name: Finished) -> Iterator[int]:
    """Descriptor of ``processed/``, ``failed/`` or ``held/``, made when it is not there."""
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=stack)
    try:
        descriptor = open_folder(stack, name, name, listing=True)
    except FeedPathError as error:
        raise UsageError(
            f"Stack/{name} cannot be used: it {error.reason}",
            "It must be a folder, readable and writable for the engine.",
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
