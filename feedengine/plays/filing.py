"""Where logs go that were taken from the inbox, and what came of them: folders by day.

``done/DAY/…`` has the logs as they came, ``judged/DAY/RUN/`` the rows and the report of each run.
Only whoever has the turn (`turn.going_round`) changes anything here.
"""

from __future__ import annotations

import errno
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from feedengine.plays.inbox import mark_of

if TYPE_CHECKING:
    from feedengine.plays.inbox import Drop

DONE, JUDGED = "done", "judged"

_ASIDE = ".part"
_COPY = f".copy{_ASIDE}"

_LONGEST_STREAM = 80


def day_of(now: datetime) -> str:
    """The UTC day of an instant, as folders are called."""
    return f"{now.astimezone(UTC):%Y-%m-%d}"


def run_folder(plays: Path, now: datetime, form: str, stream: str | None) -> Path:
    """Where the rows of a run will be: ``judged/2026-11-21/030000-playlist-main``; not made yet."""
    said = f"-{quote(stream, safe=' ')[:_LONGEST_STREAM]}" if stream else ""
    name = f"{now.astimezone(UTC):%H%M%S}-{form}{said}"
    return free(plays / JUDGED / day_of(now) / name)


def aside_of(folder: Path) -> Path:
    """Where a run's rows are while they are being written."""
    return folder.with_name(f".{folder.name}{_ASIDE}")


def sweep(plays: Path) -> None:
    """Remove what runs have left that did not come to their end."""
    (plays / DONE / _COPY).unlink(missing_ok=True)
    for one in (plays / JUDGED).glob(f"*/.*{_ASIDE}"):
        shutil.rmtree(one, ignore_errors=True)


def forget(plays: Path, now: datetime, days: int | None) -> None:
    """Remove the folders of days that are older than so many; None keeps all. Raises `OSError`."""
    if days is None:
        return
    before = day_of(now - timedelta(days=days))
    for kind in (DONE, JUDGED):
        for day in (plays / kind).glob("[0-9]*-[0-9]*-[0-9]*"):
            if day.is_dir() and day.name < before:
                shutil.rmtree(day)


def free(path: Path) -> Path:
    """The path, or the first of ``name-2.ext``, ``name-3.ext`` … that is not taken."""
    stem, dot, ends = path.name.partition(".")
    number = 1
    found = path
    while found.exists() or found.is_symlink():
        number += 1
        found = path.with_name(f"{stem}-{number}{dot}{ends}")
    return found


def changed(drop: Drop) -> bool:
    """Whether a log is another one by now than the one that was judged, or gone."""
    try:
        return mark_of(drop.path.lstat()) != drop.mark
    except FileNotFoundError:
        return True


def file_away(plays: Path, drop: Drop, now: datetime) -> Path:
    """Move a log to ``done/DAY/`` and the path that it had; never over another. Raises `OSError`.

    An inbox on another disk is copied from: the log has its name there once it is whole.
    """
    wanted = plays / DONE / day_of(now) / drop.name
    wanted.parent.mkdir(parents=True, exist_ok=True)
    target = free(wanted)
    try:
        drop.path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = plays / DONE / _COPY
        shutil.copy2(drop.path, aside)
        aside.rename(target)
        drop.path.unlink()
    return target
