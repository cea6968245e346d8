"""Delivery into a folder: the same keys as files, each written aside, synced, never replaced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from feedengine.errors import ServiceError
from feedengine.plays.carriers import Sent
from feedengine.plays.durable import sync_folder, write_synced
from feedengine.plays.outbox import digest_of
from feedengine.store.parcels import Parcel


class Folder:
    """A folder as a way out; whoever collects the files sees whole ones only."""

    repeatable = True

    def __init__(self, folder: Path, way: str) -> None:
        """Into ``folder``, which is called ``way`` in the ledger."""
        self.folder = folder
        self.way = way

    def begin(self, waiting: Sequence[Parcel], /) -> None:
        """Nothing is to be made ready."""

    def send(self, parcel: Parcel, content: bytes, /) -> Sent:
        """Write the file; what has its name already is kept, and compared.

        Raises `ServiceError` when the disk fails.
        """
        path = self.folder / parcel.key
        aside = path.with_name(f".{path.name}.{parcel.digest[:16]}.part")
        try:
            if not path.exists():
                self._make(path.parent)
                write_synced(aside, content)
                with suppress(FileExistsError):
                    os.link(aside, path)
            aside.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as error:
            message = f"cannot write {path}: {error.strerror}"
            raise ServiceError(message, "nothing is lost; deliver again") from error
        if self.there(parcel):
            return Sent("delivered")
        return Sent("conflict", f"{path} holds something else")

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, onto the disk."""
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)

    def there(self, parcel: Parcel, /) -> bool | None:
        """Whether the file is there, with this very content."""
        path = self.folder / parcel.key
        return path.is_file() and digest_of(path.read_bytes()) == parcel.digest
