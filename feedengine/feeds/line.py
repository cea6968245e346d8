"""What waits on the Stack, in the order in which it is taken (P2, P3)."""

from __future__ import annotations

import os
import stat
from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

ENDING = ".xml"

FEW = 1_000
"""So many names are put in their places one by one; of more, all are sorted again."""


def is_entry_name(name: str) -> bool:
    """Whether a file of this name is an entry (P2)."""
    return name.endswith(ENDING) and name[0] != "."


def ordered(names: Iterable[str]) -> list[str]:
    """Names of entries in the order they are taken: numeric ones by number, others by text."""
    numbers: list[str] = []
    texts: list[str] = []
    for name in names:
        stem = name[: -len(ENDING)]
        (numbers if stem.isdecimal() and stem.isascii() else texts).append(name)
    numbers.sort()
    if len(set(map(len, numbers))) > 1:  # of one length they are in order
        numbers.sort(key=lambda name: int(name[: -len(ENDING)]))
    texts.sort()
    return numbers + texts


def _place(name: str) -> tuple[bool, int, str]:
    """What `ordered` orders by."""
    stem = name[: -len(ENDING)]
    if stem.isdecimal() and stem.isascii():
        return False, int(stem), name
    return True, 0, name


class Line:
    """The entries of a Stack over several looks.

    Every look lists the folder, which alone is the truth. What was listed before is not examined
    or sorted again, so that a hundred thousand entries that wait cost little more than listing. So
    a file that a folder has replaced is still among them; whoever reads it finds nothing.
    """

    def __init__(self, path: Path) -> None:
        """The Stack at ``path``; nothing is known of it yet."""
        self._path = path
        self._listed: set[str] = set()
        self._folders: set[str] = set()
        self.names: list[str] = []
        """The entries in their order, as of the last look; not to be changed."""

    def look(self) -> tuple[Collection[str], Collection[str]]:
        """Bring `names` up to date; the entries that are new, and those that are gone.

        A link or a pipe named like an entry is among `names`, so that it is refused and not
        overlooked. An `OSError` of the folder itself passes unchanged.
        """
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            listed = set(os.listdir(descriptor))  # noqa: PTH208 - of a descriptor
            fresh = listed - self._listed
            stayed = len(listed) - len(fresh)
            gone = self._listed - listed if stayed < len(self._listed) else set()
            met = {name for name in fresh if is_entry_name(name)} | (self._folders & listed)
            kinds = {name: _kind(descriptor, name) for name in met}
        finally:
            os.close(descriptor)
        left = [name for name in gone if is_entry_name(name) and name not in self._folders]
        new = [name for name, kind in kinds.items() if kind == "entry"]
        self._folders = {name for name, kind in kinds.items() if kind == "folder"}
        listed.difference_update(name for name, kind in kinds.items() if kind == "gone")
        self._listed = listed
        self._change(left, new)
        return new, left

    def _change(self, gone: list[str], new: list[str]) -> None:
        """Take names out of the line, and put others into it."""
        if len(gone) + len(new) > FEW:
            self.names = ordered({*self.names}.difference(gone).union(new))
            return
        for name in gone:
            del self.names[bisect_left(self.names, _place(name), key=_place)]
        for name in new:
            insort(self.names, name, key=_place)


def _kind(folder: int, name: str) -> str:
    """Whether a name is an entry's, a folder's, or gone by now."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return "gone"
    except OSError:
        return "entry"  # reading it will tell
    return "folder" if stat.S_ISDIR(mode) else "entry"
