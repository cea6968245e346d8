"""What lies in the inbox: play logs that can be taken, and what has to stay where it is, and why.

The first folder below it says the format (``receipts``, ``endpoint``, ``playlist``; receipts where
it says none), in ``playlist`` the next one the stream. Nothing here reads a log, and little is
imported: the service looks every minute.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from feedengine.plays.kinds import KINDS_SAID, kind_of
from feedengine.plays.outlets import FORMS, outlet, outlet_missing

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.plays.frames import FormatName

FOLDER = "inbox"
"""The inbox, below the folder of plays."""

UNFINISHED = (".part", ".tmp", ".partial", ".filepart")
"""Ends of names that uploading programs give to what they have not finished."""

WRITTEN = "it is still being written"

Mark: TypeAlias = tuple[int, int, int, int]
"""What tells a file from another, and from itself once it was changed."""


class Drop(NamedTuple):
    """A log that can be taken; ``name`` is its path below the inbox, ``since`` its mtime."""

    name: str
    path: Path
    form: FormatName
    stream: str | None
    mark: Mark
    since: float


class Left(NamedTuple):
    """What is left where it is; ``unfinished``: it may be taken a little later."""

    name: str
    because: str
    unfinished: bool = False


class Look(NamedTuple):
    """All that lies in an inbox, by name."""

    drops: list[Drop]
    left: list[Left]

    @property
    def files(self) -> int:
        """How many files lie there."""
        return len(self.drops) + len(self.left)

    @property
    def oldest(self) -> float | None:
        """The mtime of what has lain there for longest, of what can be taken."""
        return min((one.since for one in self.drops), default=None)


def inbox_of(settings: Settings) -> Path:
    """Where play logs are dropped."""
    return settings.plays / FOLDER


def look(settings: Settings, now: float | None = None) -> Look:
    """Walk through the inbox; ``now`` in seconds since 1970. There need be none.

    A file is taken once it has lain unchanged for ``inbox_settle_seconds``. Links are not followed,
    so that nobody who may only drop files has others read.
    """
    inbox, found = inbox_of(settings), Look([], [])
    now = time.time() if now is None else now
    for path, status in _walked(inbox, found.left, inbox):
        name = path.relative_to(inbox).as_posix()
        form, stream = _meant(path.relative_to(inbox).parts[:-1])
        because = _unfit(path, status)
        if because is None and outlet(settings, form) is None:
            because = outlet_missing(form)
        if because is not None:
            found.left.append(Left(name, because))
        elif path.name.lower().endswith(UNFINISHED) or not _settled(status, now, settings):
            found.left.append(Left(name, WRITTEN, unfinished=True))
        else:
            mark = mark_of(status)
            found.drops.append(Drop(name, path, form, stream, mark, status.st_mtime))
    return found


def mark_of(status: os.stat_result) -> Mark:
    """Which file it is, and as of which change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _walked(folder: Path, left: list[Left], inbox: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file below a folder, by name; what begins with a dot is not for us."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda one: one.name)
    except FileNotFoundError:
        return
    except OSError as error:
        name = folder.relative_to(inbox).as_posix()
        left.append(Left(name, f"the folder cannot be read: {error.strerror}"))
        return
    for entry in found:
        if entry.name.startswith("."):
            continue
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walked(path, left, inbox)
            continue
        try:
            yield path, path.lstat()
        except FileNotFoundError:
            continue  # taken away meanwhile


def _unfit(path: Path, status: os.stat_result) -> str | None:
    """Why a file can never be taken as it is."""
    if stat.S_ISLNK(status.st_mode):
        return "it is a link; put the file itself here"
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if path.name.lower().endswith(UNFINISHED):
        return None
    if kind_of(path.name) is None:
        return f"its name does not say what it is: {KINDS_SAID}"
    if not os.access(path, os.R_OK):
        return "it cannot be read: permission denied"
    return None


def _settled(status: os.stat_result, now: float, settings: Settings) -> bool:
    """Whether a file has lain unchanged for long enough.

    Counted from ctime too: a copy that keeps its times has an old mtime as soon as it is there.
    """
    changed = max(status.st_ctime, status.st_mtime if status.st_mtime <= now else 0.0)
    return now - changed >= settings.inbox_settle_seconds


def _meant(folders: tuple[str, ...]) -> tuple[FormatName, str | None]:
    """The format and the stream that the folders of a file say."""
    said = folders[0].lower() if folders else ""
    form = next((one for one in FORMS if one == said), FORMS[0])
    return form, folders[1] if form == "playlist" and len(folders) > 1 else None
