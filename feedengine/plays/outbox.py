"""The contents of parcels, as files named by what is in them: on the disk before the ledger is.

A file is written aside, synced, renamed, and its folder synced; so a name is a whole file, also
after a power cut. A file that no parcel names is what a crash has left, and is swept away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from feedengine.errors import ServiceError
from feedengine.plays.durable import sync_folder, write_synced
from feedengine.store.parcels import Parcel

_ASIDE = ".part"


class MissingContentError(ServiceError):
    """A parcel's content is not in this machine's outbox, or is damaged."""


def digest_of(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits."""
    return sha256(content).hexdigest()


class Outbox:
    """A folder of contents."""

    def __init__(self, folder: Path) -> None:
        """At ``folder``, which is made when it is not there."""
        self.folder = folder

    def keep(self, content: bytes) -> str:
        """Keep some bytes; returns the file's name. What is there already stays."""
        name = digest_of(content)
        path = self.folder / name
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_synced(path.with_name(name + _ASIDE), content)
            path.with_name(name + _ASIDE).rename(path)
            sync_folder(self.folder)
        return name

    def read(self, parcel: Parcel) -> bytes:
        """The content of a parcel; raises `MissingContentError` when it is gone or damaged."""
        path = self.folder / parcel.content
        try:
            with path.open("rb") as file:
                file.seek(parcel.begins)
                found = file.read(parcel.size)
        except OSError as error:
            found, why = b"", str(error.strerror)
        else:
            why = "it is damaged"
        if not parcel.content or digest_of(found) != parcel.digest:
            message = f"the content of parcel {parcel.id} ({parcel.key}) cannot be read: {why}"
            hint = f"it was recorded into {self.folder}, perhaps on another machine"
            raise MissingContentError(message, hint)
        return found

    def remove(self, names: Iterable[str]) -> None:
        """Remove contents that are not needed any more."""
        for name in names:
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()

    def sweep(self, known: Collection[str]) -> None:
        """Remove what no parcel names; only while nobody else records parcels."""
        if self.folder.is_dir():
            self.remove(one.name for one in self.folder.iterdir() if one.name not in known)
