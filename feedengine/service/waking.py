"""What wakes the loop when something is dropped. The scan is the truth; this only hurries it.

An observer may be deaf without knowing: its queue overflowed, the Stack was unmounted or made
anew. So the folder is watched again when it is another one, when its observer has ended, and when
a scan finds what no event has told of.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchdog.events import (
    DirDeletedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from feedengine.service.filesystems import silent

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileClosedEvent,
    FileMovedEvent,
    DirDeletedEvent,
]

MOST_MISSED = 3
"""So many times in a row may a scan find what no event told of; then events are given up."""


class _Handler(FileSystemEventHandler):
    """Rings for whatever may be an entry, or be renamed to one, and when the folder itself goes.

    The observer may hold a rename back for half a second; that the file was written before comes
    at once.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        if not os.fsdecode(event.src_path).endswith("/.lock"):  # opened by whoever takes the turn
            self._ring()


class Eyes:
    """Watches one folder, and sets ``bell`` when something happens in it."""

    def __init__(
        self,
        stack: Path,
        bell: threading.Event,
        told: Callable[[str, str], None],
        *,
        poll_only: bool = False,
        silent_at: Callable[[Path], str | None] = silent,
    ) -> None:
        """Watch ``stack`` once `open` is called; ``told`` hears how: (way, reason)."""
        self.stack = stack
        self.bell = bell
        self._told = told
        self._said: tuple[str, str] | None = None
        self._poll_only = poll_only
        self._silent_at = silent_at
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None
        self._missed = 0

    def open(self) -> bool:
        """See to it that the folder that is the Stack now is watched; whether it is another."""
        seen = self._identity()
        if seen == self._watched and (self._observer is None or self._hears(self._observer)):
            return False
        other, self._watched = seen != self._watched, seen
        self.close()
        if seen is not None:
            self._say(*self._begin())
        return other

    def missed(self) -> None:
        """A scan found what no event has told of: watch again, and give up when that is no help."""
        if self._observer is not None:
            self._missed += 1
            self._watched = None

    def heard(self) -> None:
        """An event has come: they are not missing."""
        self._missed = 0

    def close(self) -> None:
        """Watch no longer."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()

    def _identity(self) -> tuple[int, int] | None:
        """Which folder it is; None while there is none, as of a share that is not mounted."""
        try:
            found = self.stack.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @staticmethod
    def _hears(observer: BaseObserver) -> bool:
        """False when the folder was removed: one made anew may well have the same inode."""
        return observer.is_alive() and all(emitter.is_alive() for emitter in observer.emitters)

    def _begin(self) -> tuple[str, str]:
        if self._poll_only:
            return "polling", "poll_only is set"
        kind = self._silent_at(self.stack)
        if kind is not None:
            return "polling", f"{kind} does not tell what others write"
        if self._missed >= MOST_MISSED:
            return "polling", "entries came that no event told of"
        observer: Any = None
        try:
            observer = Observer()
            observer.schedule(
                _Handler(self.bell.set), str(self.stack), event_filter=_EVENTS, follow_symlink=True
            )
            observer.start()
        except (OSError, RuntimeError) as error:  # no more watches, instances, or threads
            if observer is not None:
                observer.stop()
            return "polling", f"the folder cannot be watched: {error}"
        self._observer = observer
        return "events", "the file system tells of them"

    def _say(self, way: str, reason: str) -> None:
        if self._said != (way, reason):
            self._said = way, reason
            self._told(way, reason)
