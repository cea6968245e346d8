"""From a Stack entry to its packages: the feed's folder opened, its manifest read (P1, P4, P6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from feedengine.config import Settings
from feedengine.errors import Fault
from feedengine.feeds.entries import Manifest, StackEntry, Unfinished, entry_fault, parse_manifest
from feedengine.feeds.folder import (
    MANIFEST,
    FeedFolder,
    FeedPathError,
    MissingError,
    OutsideError,
)
from feedengine.feeds.frozen import FrozenPaths
from feedengine.feeds.stack import (
    client_mismatch,
    client_unknown,
    feed_missing,
    manifest_missing,
    no_packages,
)

MANIFEST_BYTES = 1024 * 1024


class Ready(NamedTuple):
    """An open feed, for the caller to close, and its packages, frozen (P4)."""

    folder: FeedFolder
    packages: FrozenPaths


class Lacking(NamedTuple):
    """What is wrong with a feed; with a ``reason`` it is waited for, for a time of grace (P4).

    ``folder`` is for the caller to close; None where the log belongs beside the entry.
    ``data`` is the file that the faults are of.
    """

    faults: Sequence[Fault]
    reason: str = ""
    folder: FeedFolder | None = None
    data: bytes = b""


def opened(settings: Settings, entry: StackEntry) -> Ready | Lacking:
    """Open the feed of an entry, as far as it is there and well."""
    if not settings.knows(entry.client):
        return Lacking([client_unknown(entry.client, entry.name)])
    try:
        folder = FeedFolder.open(settings.feeds, entry.feed_path)
    except MissingError:
        return Lacking([feed_missing(entry)], "its feed is not there yet")
    except FeedPathError:
        message = "the feed's path leads through a symbolic link, or is no folder"
        return Lacking([entry_fault(entry.name, message)])
    try:
        return _read(entry, folder)
    except BaseException:
        folder.close()
        raise


def _read(entry: StackEntry, folder: FeedFolder) -> Ready | Lacking:
    try:
        data = folder.read(MANIFEST, MANIFEST_BYTES)
        manifest = parse_manifest(data)
    except MissingError:
        return Lacking([manifest_missing(entry)], "its manifest is not there yet", folder)
    except FeedPathError as error:
        fault = manifest_missing(entry)._replace(message=f"The manifest {error.reason}")
        return Lacking([fault], "", folder)
    if isinstance(manifest, Unfinished):
        return Lacking([manifest.fault], "its manifest is still being written", folder)
    if not isinstance(manifest, Manifest):
        return Lacking(manifest, "", folder, data)
    if manifest.client != entry.client:
        return Lacking([client_mismatch(entry, manifest)], "", folder, data)
    try:
        packages = FrozenPaths(folder.packages(manifest.glob))
    except OutsideError:
        packages = FrozenPaths(())
    if not packages:
        return Lacking([no_packages(manifest.glob, folder.package_files())], "", folder, data)
    return Ready(folder, packages)
