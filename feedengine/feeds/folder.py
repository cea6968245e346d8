"""The one class that opens anything under ``Feeds/`` (P1, P6, P8, P40).

By folder descriptors, a component at a time, never through a symbolic link: what a producer puts
into a feed cannot lead outside it, whenever it is put there. Only regular files are read.
"""

from __future__ import annotations

import errno
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeAlias

from feedengine.feeds.descriptors import (
    LOG_ENDINGS,
    NO_SUCH_NAME,
    Outcome,
    content,
    log_name,
    logs_in,
    open_file,
    open_folder,
    place_log,
)
from feedengine.feeds.globbing import Glob, States, glob_of, natural_order
from feedengine.feeds.paths import (
    NO_NAMES,
    FeedPathError,
    MissingError,
    OutsideError,
    TooLargeError,
    UnreadableError,
    plain_parts,
    resolve_source,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

__all__ = [
    "MANIFEST",
    "FeedFolder",
    "FeedPathError",
    "MissingError",
    "OutsideError",
    "TooLargeError",
    "UnreadableError",
    "resolve_source",
]

MANIFEST = "manifest.xml"

MOST_KEPT_OPEN = 16

AHEAD_BYTES = 16 * 1024 * 1024
"""So much of what was read ahead is kept until it is read."""

_ENTER, _GIVE = "d", "f"

_Kind: TypeAlias = Literal["folder", "link", "file"]
_KINDS: dict[int, _Kind] = {stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


class _Level(NamedTuple):
    """A folder being walked: its path with a slash, what it reached, what is left of it."""

    prefix: str
    states: States
    names: Iterator[str]


class FeedFolder:
    """One feed as it lies on disk; a context manager that holds some descriptors open.

    Paths are relative to the feed, parted by ``/``. A folder met once may be kept open (at most
    16), so the feed is seen as it was first met: open anew to look for what was missing (P4).
    Names that are not UTF-8 come with surrogate escapes. Not for several threads at once.
    """

    def __init__(self, descriptor: int) -> None:
        """Take over the descriptor of the feed's folder."""
        self._root = descriptor
        self._folders: dict[str, int] = {}
        self._ahead: dict[str, bytes] = {}
        self._ahead_bytes = 0
        self._log_run: tuple[str, Outcome, int, int] = ("", "success", 0, 0)

    @classmethod
    def open(cls, feeds_root: Path, feed_path: str) -> Self:
        """Open the feed ``feed_path`` (relative, without leading slash) below ``feeds_root``.

        ``feeds_root`` is the operator's and may itself be a link. Raises `MissingError` when the
        feed is not there, `OutsideError` when a component is a link or the path is not plain,
        `UnreadableError`; an `OSError` of ``feeds_root`` itself passes unchanged.
        """
        parts = plain_parts(feed_path)
        here = os.open(feeds_root, os.O_RDONLY | os.O_DIRECTORY)
        for part in parts:
            try:
                below = open_folder(here, part, feed_path)
            finally:
                os.close(here)
            here = below
        return cls(here)

    @property
    def descriptor(self) -> int:
        """Of the feed's folder, for a process that reads beside this one; it stays ours."""
        return self._root

    def close(self) -> None:
        """Give the descriptors back; harmless when done twice."""
        descriptors = [*self._folders.values(), self._root]
        self._folders.clear()
        self._root = -1
        for descriptor in descriptors:
            if descriptor >= 0:
                os.close(descriptor)

    @property
    def held_open(self) -> int:
        """How many descriptors it holds now."""
        return len(self._folders) + 1

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def read(self, path: str, limit: int) -> bytes:
        """All bytes of the regular file ``path``, at most ``limit`` of them.

        Raises `MissingError` (nothing there, or a folder), `OutsideError` (a symbolic link on the
        way or at the end, a path that is not plain, a pipe, socket or device), `TooLargeError`,
        `UnreadableError`. An `OSError` of the machine passes unchanged.
        """
        ahead = self._ahead.pop(path, None) if self._ahead else None
        if ahead is not None:
            self._ahead_bytes -= len(ahead)
            if len(ahead) <= limit:
                return ahead
        parent, slash, name = path.rpartition("/")
        if name in NO_NAMES or (slash and not parent):
            raise OutsideError(path, "is no plain relative path")
        descriptor = open_file(self._folder(parent), name, path)
        try:
            return content(descriptor, path, limit)
        finally:
            os.close(descriptor)

    def read_ahead(self, path: str, limit: int) -> bytes:
        """As `read`, of a file that will be read again: as far as there is room, it is kept."""
        data = self.read(path, limit)
        if self._ahead_bytes + len(data) <= AHEAD_BYTES:
            self._ahead[path] = data
            self._ahead_bytes += len(data)
        return data

    def packages(self, glob: str) -> Iterator[str]:
        """Paths that match ``glob``, in natural order of their components (P6).

        A symbolic link (also to a folder), a folder that may not be read, and anything else that
        is no folder is given as a path of its own where something could match, so that reading it
        tells what is wrong and nothing is lost silently. Our own logs and the feed's manifest are
        never given. Folders are listed as they are come to. Raises `OutsideError` at once for a
        glob that points outside (see `Glob`).
        """
        return self._walk(glob_of(glob))

    def package_files(self) -> list[str]:
        """Up to five ``package.xml`` that exist, for the message of ``no-packages`` (P6)."""
        found = self.packages("**/package.xml")
        return list(islice((p for p in found if f"/{p}".endswith("/package.xml")), 5))

    def write_log(self, package_path: str, milliseconds: int, outcome: Outcome, text: bytes) -> str:
        """Write a log beside ``package_path`` (a package, or the manifest); its own path (P8).

        ``<milliseconds>.success.log`` or ``….error.log``; a taken name takes the next millisecond,
        whoever took it. Written under a temporary name, then named; not synced. Raises as `read`
        does for the folder, and any `OSError` of writing unchanged (a read-only share).
        """
        parent = package_path.rpartition("/")[0]
        first, start = self._log_start(parent, outcome, milliseconds)
        used = place_log(self._folder(parent), start, outcome, text)
        self._log_run = (parent, outcome, first, used + 1)
        name = log_name(used, outcome)
        return f"{parent}/{name}" if parent else name

    def logs(self, path: str) -> list[tuple[int, str, bytes]]:
        """Milliseconds, outcome and first line of each log in the folder ``path``.

        For after a crash (see `logs_in`). Raises as `read` does for the folder.
        """
        parent, _, name = path.rpartition("/")
        descriptor = open_folder(self._folder(parent), name or ".", path, listing=True)
        try:
            return list(logs_in(descriptor))
        finally:
            os.close(descriptor)

    def _log_start(self, parent: str, outcome: Outcome, milliseconds: int) -> tuple[int, int]:
        """Where to begin: past the run of names known to be taken, and where that run began.

        Thousands of packages may lie in one folder and end in the same millisecond.
        """
        folder, kind, first, following = self._log_run
        if (folder, kind) == (parent, outcome) and first <= milliseconds <= following:
            return first, following
        return milliseconds, milliseconds

    def _folder(self, path: str) -> int:
        """Descriptor of a folder of the feed; it stays ours, and open until the next call."""
        if not path:
            return self._root
        known = self._folders.get(path)
        if known is not None:
            return known
        parent, _, name = path.rpartition("/")
        above = self._folders.pop(parent, None) if name not in NO_NAMES else None
        if above is None:
            return self._entered(path)
        self._folders[parent] = above  # it serves again: it is not the one to be closed
        return self._kept(path, open_folder(above, name, path))

    def _entered(self, path: str) -> int:
        """Descriptor of a folder whose parent has not been met: every folder on the way."""
        here, prefix = self._root, ""
        for name in path.split("/"):
            if name in NO_NAMES:
                raise OutsideError(path, "is no plain relative path")
            prefix = f"{prefix}/{name}" if prefix else name
            known = self._folders.get(prefix)
            here = self._kept(prefix, open_folder(here, name, prefix)) if known is None else known
        return here

    def _kept(self, path: str, descriptor: int) -> int:
        """Remember an open folder and close the one not used longest when there are many."""
        self._folders[path] = descriptor
        if len(self._folders) > MOST_KEPT_OPEN:
            os.close(self._folders.pop(next(iter(self._folders))))
        return descriptor

    def _walk(self, glob: Glob) -> Iterator[str]:
        by_name = not self._ignores_case()
        levels = [self._level("", glob, glob.start, by_name=by_name)]
        while levels:
            level = levels[-1]
            marked = next(level.names, None)
            if marked is None:
                levels.pop()
                continue
            path = level.prefix + marked[1:]
            if marked[0] == _GIVE:
                yield path
                continue
            try:
                states = glob.step(level.states, marked[1:])
                levels.append(self._level(path, glob, states, by_name=by_name))
            except MissingError:
                continue
            except (OutsideError, UnreadableError):
                yield path

    def _level(self, path: str, glob: Glob, states: States, *, by_name: bool) -> _Level:
        """What of the folder ``path`` matters to ``glob``, each name behind what to do with it."""
        names = glob.only_names(states) if by_name else None
        kinds = self._listed(path) if names is None else self._looked_up(path, names)
        prefix = f"{path}/" if path else ""
        marked = _marked(kinds, glob, states, at_top=not path)
        return _Level(prefix, states, natural_order(marked, skip=1))

    def _listed(self, path: str) -> Iterator[tuple[str, _Kind]]:
        """Everything in a folder."""
        parent, _, name = path.rpartition("/")
        descriptor = open_folder(self._folder(parent), name or ".", path, listing=True)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    yield entry.name, _kind_of(entry)
        finally:
            os.close(descriptor)

    def _looked_up(self, path: str, names: set[str]) -> Iterator[tuple[str, _Kind]]:
        """Those of ``names`` that are in a folder; a third of what listing a small one costs.

        The folder was one a moment ago, so it is passed through without being opened. Should it
        have become a link by now, a name is only given that reading refuses.
        """
        parent, _, last = path.rpartition("/")
        above, prefix = self._folder(parent), f"{last}/" if last else ""
        for name in names:
            try:
                mode = os.stat(prefix + name, dir_fd=above, follow_symlinks=False).st_mode
            except PermissionError as error:
                raise UnreadableError(path, "may not be read: permission denied") from error
            except OSError as error:
                if error.errno not in NO_SUCH_NAME and error.errno != errno.ENOTDIR:
                    raise
            else:
                yield name, _KINDS.get(stat.S_IFMT(mode), "file")

    def _ignores_case(self) -> bool:
        """Whether the file system finds names in any case; then only a listing tells (P6)."""
        try:
            os.stat(MANIFEST.upper(), dir_fd=self._root, follow_symlinks=False)
        except OSError:
            return False
        return True


def _kind_of(entry: os.DirEntry[str]) -> _Kind:
    if entry.is_symlink():
        return "link"
    return "folder" if entry.is_dir(follow_symlinks=False) else "file"


def _marked(
    kinds: Iterator[tuple[str, _Kind]], glob: Glob, states: States, *, at_top: bool
) -> Iterator[str]:
    """Names in a folder that are to be entered or given, each behind the letter for it."""
    for name, kind in kinds:
        after = glob.step(states, name)
        if not after:
            continue
        if kind == "folder":
            if glob.goes_on(after):
                yield _ENTER + name
        elif (kind == "link" or glob.ends(after)) and not _is_ours(name, at_top=at_top):
            yield _GIVE + name


def _is_ours(name: str, *, at_top: bool) -> bool:
    """Logs, logs being written, and the manifest: never packages."""
    return name.endswith(LOG_ENDINGS) or (at_top and name == MANIFEST)
