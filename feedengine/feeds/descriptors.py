"""Files below a folder's descriptor: opened without following links, placed without replacing.

Every call names one component below an open folder, so that a link put in its way at any moment
is refused by the kernel and not overlooked between a check and its use. Errors of the machine
(EIO, EMFILE, ENOSPC, ESTALE …) pass unchanged: they are never a package's fault.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

from feedengine.feeds.paths import (
    FeedPathError,
    MissingError,
    OutsideError,
    TooLargeError,
    UnreadableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Outcome: TypeAlias = Literal["success", "error"]

_PASS = getattr(os, "O_PATH", os.O_RDONLY)
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_CHUNK = 1 << 20

_REASONS: dict[int | None, tuple[type[FeedPathError], str]] = {
    errno.ENOENT: (MissingError, "is not there"),
    errno.ENAMETOOLONG: (MissingError, "is not there: the name is too long"),
    errno.EINVAL: (MissingError, "is not there: the file system has no such names"),
    errno.EILSEQ: (MissingError, "is not there: the file system has no such names"),
    errno.ELOOP: (OutsideError, "is a symbolic link, which is never followed"),
    errno.ENXIO: (OutsideError, "is not a regular file"),
    errno.EACCES: (UnreadableError, "may not be read: permission denied"),
    errno.EPERM: (UnreadableError, "may not be read: permission denied"),
}

NO_SUCH_NAME = frozenset(number for number, (kind, _) in _REASONS.items() if kind is MissingError)
"""Error numbers that say of a name that nothing has it."""

_LINKS_REFUSED = frozenset(
    {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
)


def open_folder(above: int, name: str, path: str, *, listing: bool = False) -> int:
    """Descriptor of the folder ``name`` in the folder ``above``; the caller closes it.

    It serves for passing through; with ``listing`` it can be read and synced too. ``path`` is what
    messages call it. Raises `MissingError`, `OutsideError`, `UnreadableError`.
    """
    try:
        return os.open(name, _FOLDER | (os.O_RDONLY if listing else _PASS), dir_fd=above)
    except NotADirectoryError:
        _refuse_folder(above, name, path)
    except (OSError, ValueError) as error:
        _refuse(error, path)


def open_file(above: int, name: str, path: str) -> int:
    """Descriptor of ``name`` in the folder ``above``, opened for reading and never blocking.

    What it turns out to be is for `content` to say. Raises as `open_folder` does.
    """
    try:
        return os.open(name, _FILE, dir_fd=above)
    except (OSError, ValueError) as error:
        _refuse(error, path)


def content(descriptor: int, path: str, limit: int) -> bytes:
    """All bytes of an open regular file of at most ``limit`` bytes, as it stands now.

    Raises `TooLargeError` before reading, or while it grows; `OutsideError` for what is no regular
    file, `MissingError` for a folder.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISDIR(status.st_mode):
            raise MissingError(path, "is a folder, not a file")
        raise OutsideError(path, "is not a regular file")
    if status.st_size > limit:
        raise TooLargeError(path, f"has {status.st_size} bytes; at most {limit} are read")
    data = os.read(descriptor, status.st_size + 1)
    if len(data) == status.st_size:
        return data
    return _to_the_end(descriptor, path, limit, data)


def _to_the_end(descriptor: int, path: str, limit: int, data: bytes) -> bytes:
    """The whole of a file whose size is not what it was said to be."""
    chunks = [data]
    total = len(data)
    while data and total <= limit:
        data = os.read(descriptor, min(_CHUNK, limit + 1 - total))
        chunks.append(data)
        total += len(data)
    if total > limit:
        raise TooLargeError(path, f"grew while it was read; at most {limit} bytes are read")
    return b"".join(chunks)


def is_link(above: int, name: str) -> bool:
    """Whether ``name`` in the folder ``above`` is a symbolic link now."""
    return stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)


def _refuse_folder(above: int, name: str, path: str) -> NoReturn:
    """Say why ``name`` could not be opened as a folder: a link, or a file."""
    with suppress(FileNotFoundError):
        if is_link(above, name):
            raise OutsideError(path, "is a symbolic link, which is never followed")
    raise MissingError(path, "is not there: it is no folder")


def _refuse(error: OSError | ValueError, path: str) -> NoReturn:
    """Raise what an error of `os.open` says of a path; errors of the machine as they are."""
    if not isinstance(error, OSError):
        raise OutsideError(path, "is no file name") from error
    if error.errno not in _REASONS:
        raise error
    kind, reason = _REASONS[error.errno]
    raise kind(path, reason) from error


def move_in(
    source_folder: int,
    source: str,
    folder: int,
    name: str,
    *,
    sync: bool = False,
    check: Callable[[], None] | None = None,
) -> bool:
    """Move ``source`` to ``name`` in ``folder``; False when that name is taken. Never replaces.

    Safe with several movers: the kernel decides who has the name. A move that was interrupted
    half-way is completed. With ``sync`` both folders (opened for listing) are on disk afterwards,
    the new name before the old one goes. ``check`` is called when the file has its new name and
    before the old one goes; when it raises, the new name is taken back, and when the old name is
    another file's by then, it stays. Raises the `OSError` as it comes; `FileNotFoundError` when
    ``source`` has gone.
    """
    linked = linked_in(source_folder, source, folder, name)
    if linked is None:
        return _move_without_links(source_folder, source, folder, name, sync=sync)
    if not linked:
        return False
    if sync:
        sync_folder(folder)
    if check is not None:
        try:
            check()
        except BaseException:
            os.unlink(name, dir_fd=folder)
            raise
    with suppress(FileNotFoundError):
        if check is None or _same(folder, name, source_folder, source):
            os.unlink(source, dir_fd=source_folder)
    if sync:
        sync_folder(source_folder)
    return True


def linked_in(source_folder: int, source: str, folder: int, name: str) -> bool | None:
    """Give a file the ``name`` in ``folder`` as well: the first half of a move.

    False when the name is another's; None where a file cannot have two. Raises the `OSError` as it
    comes.
    """
    try:
        os.link(source, name, src_dir_fd=source_folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return _same(source_folder, source, folder, name)
    except OSError as error:
        if error.errno not in _LINKS_REFUSED:
            raise
        return None
    return True


def _same(first_folder: int, first: str, second_folder: int, second: str) -> bool:
    """Whether two names are one file."""
    one = os.stat(first, dir_fd=first_folder, follow_symlinks=False)
    with suppress(FileNotFoundError):
        return os.path.samestat(one, os.stat(second, dir_fd=second_folder, follow_symlinks=False))
    return False


def _move_without_links(
    source_folder: int, source: str, folder: int, name: str, *, sync: bool
) -> bool:
    """The same where a file cannot have two names: an empty file takes the name first."""
    try:
        os.close(os.open(name, _NEW, 0o666, dir_fd=folder))
    except FileExistsError:
        return False
    try:
        os.rename(source, name, src_dir_fd=source_folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise
    if sync:
        sync_folder(folder)
        sync_folder(source_folder)
    return True


def sync_folder(folder: int) -> None:
    """Put a folder on disk; file systems that cannot (some network ones) are left in peace."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:
            raise


def sync_file_system(folder: Path) -> None:
    """Put everything on disk that has been written to the file system of ``folder`` so far.

    Dear, and for many files far cheaper than each by itself. Nothing where there is no folder.
    """
    import ctypes  # here, because few commands need it

    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if syncfs is None:  # no Linux
                os.sync()
            elif syncfs(descriptor):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(folder))
        finally:
            os.close(descriptor)


def place_log(folder: int, milliseconds: int, outcome: Outcome, text: bytes) -> int:
    """Write ``<milliseconds>.<outcome>.log`` into ``folder``; the milliseconds it got (P8).

    A taken name takes the next millisecond, unless that is this very log: whoever was frozen while
    another wrote it must not write it again. Whole at once (a temporary name, then its own), not
    synced. Raises the `OSError` as it comes; nothing is left behind then.
    """
    temporary, descriptor = _temporary(folder, milliseconds, outcome)
    try:
        try:
            rest = text
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        while not move_in(folder, temporary, folder, log_name(milliseconds, outcome)):
            if _holds(folder, log_name(milliseconds, outcome), text):
                os.unlink(temporary, dir_fd=folder)
                break
            milliseconds += 1
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    return milliseconds


def _holds(folder: int, name: str, text: bytes) -> bool:
    """Whether a file that is there has this text."""
    try:
        descriptor = open_file(folder, name, name)
    except FeedPathError:
        return False
    try:
        return content(descriptor, name, len(text)) == text
    except FeedPathError:
        return False
    finally:
        os.close(descriptor)


def _temporary(folder: int, milliseconds: int, outcome: Outcome) -> tuple[str, int]:
    """A new file that nobody reads yet: its name and descriptor."""
    while True:
        name = f".{log_name(milliseconds, outcome)}.tmp"
        with suppress(FileExistsError):
            return name, os.open(name, _NEW, 0o666, dir_fd=folder)
        milliseconds += 1


def log_name(milliseconds: int, outcome: Outcome) -> str:
    """File name of a log (P8)."""
    return f"{milliseconds}.{outcome}.log"


LOG_ENDINGS = tuple(
    f".{outcome}.log{ending}" for outcome in ("success", "error") for ending in ("", ".tmp")
)
"""How the names end that `place_log` gives; such files are never packages."""


_LOG = re.compile(r"\.?(\d+)\.(success|error)\.log(\.tmp)?")
_FIRST_LINE = 64 * 1024
"""So much of a log is read; its first line is a path and an ID."""


def logs_in(folder: int) -> Iterator[tuple[int, str, bytes]]:
    """Milliseconds, outcome and first line of each log in a folder opened for listing.

    For after a crash: what it left half-written is taken away, a temporary name and, where files
    cannot have two names, an empty log that had only just taken its own.
    """
    for name in os.listdir(folder):
        found = _LOG.fullmatch(name)
        if found is None or name.startswith(".") != bool(found[3]):
            continue
        line = b"" if found[3] else _line_of(folder, name)
        if line:
            yield int(found[1]), found[2], line
        elif line is not None:
            _take_away(folder, name)


def _line_of(folder: int, name: str) -> bytes | None:
    """The first line of a log; None of what is none of ours."""
    try:
        descriptor = open_file(folder, name, name)
    except FeedPathError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, _FIRST_LINE).partition(b"\n")[0]
    finally:
        os.close(descriptor)


def _take_away(folder: int, name: str) -> None:
    """Remove a file of ours; on a share that cannot be written it stays."""
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)
