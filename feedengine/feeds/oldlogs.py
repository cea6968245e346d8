"""What the engine itself has written long ago, removed (retention): logs, and entries it filed.

Nothing else in ``Feeds/`` is ever touched (P5): a log is known by its name, and that is its time.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from feedengine.feeds.descriptors import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from feedengine.feeds.folder import FeedFolder

_LOG = re.compile(r"([0-9]{1,18})\.(?:success|error)\.log")


def remove_logs(folder: FeedFolder, path: str, since: int, until: int, *, dry: bool) -> int:
    """Remove the logs beside ``path`` of these milliseconds, ``until`` left out; how many.

    With ``dry`` they are only counted. Raises as `FeedFolder.read` does for the folder, and the
    `OSError` of removing unchanged.
    """
    parent = path.rpartition("/")[0]
    above, _, name = parent.rpartition("/")
    descriptor = open_folder(folder._folder(above), name or ".", parent, listing=True)
    try:
        return _remove(descriptor, lambda entry: since <= _time_of(entry.name) < until, dry=dry)
    finally:
        os.close(descriptor)


def remove_entry_logs(failed: Path, until: int, *, dry: bool) -> int:
    """Remove the logs beside bad entries in ``Stack/failed`` from before these milliseconds."""
    return _in(failed, lambda entry: 0 <= _time_of(entry.name) < until, dry=dry)


def remove_entries(processed: Path, before: float, *, dry: bool) -> int:
    """Remove the entries in ``Stack/processed`` that were filed ``before`` (unix seconds)."""

    def old(entry: os.DirEntry[str]) -> bool:
        if not entry.name.endswith(".xml"):
            return False
        status = entry.stat(follow_symlinks=False)
        return max(status.st_mtime, status.st_ctime) < before

    return _in(processed, old, dry=dry)


def _time_of(name: str) -> int:
    """The milliseconds of a log's name; -1 for what is no log."""
    found = _LOG.fullmatch(name)
    return -1 if found is None else int(found[1])


def _in(folder: Path, wanted: Callable[[os.DirEntry[str]], bool], *, dry: bool) -> int:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    try:
        return _remove(descriptor, wanted, dry=dry)
    finally:
        os.close(descriptor)


def _remove(folder: int, wanted: Callable[[os.DirEntry[str]], bool], *, dry: bool) -> int:
    removed = 0
    for name in _names(folder, wanted):
        if not dry:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        removed += 1
    return removed


def _names(folder: int, wanted: Callable[[os.DirEntry[str]], bool]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if not entry.is_dir(follow_symlinks=False) and wanted(entry):
                    yield entry.name
