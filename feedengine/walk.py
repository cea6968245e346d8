"""From paths that people give to packages as the engine would read them: `validate`'s way in.

A path is a package file, a feed folder or a Stack entry. Everything below a feed is opened through
`FeedFolder`, so that ``src`` and links are treated as when the feed runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from feedengine.config import Settings
from feedengine.errors import Fault, Finding, UsageError
from feedengine.feeds.document import file_findings
from feedengine.feeds.entries import (
    LARGEST_FORM,
    Manifest,
    StackEntry,
    Unfinished,
    entry_fault,
    parse_manifest,
)
from feedengine.feeds.folder import MANIFEST, FeedFolder, FeedPathError, MissingError, OutsideError
from feedengine.feeds.stack import (
    Stack,
    client_mismatch,
    client_unknown,
    feed_missing,
    no_packages,
)

Kind: TypeAlias = Literal["package", "feed", "entry"]

SIDE_FOLDERS = frozenset({"processed", "failed", "held"})
"""Where entries go that have left the Stack."""


class Found(NamedTuple):
    """A feed or a Stack entry, as it is shown, and what was found in it itself."""

    path: str
    kind: Kind
    findings: list[Finding]


class Feed(NamedTuple):
    """An open feed: where it lies, who sends it, its packages by their paths below it.

    ``shown`` is what the feed is called, ``called`` what packages are that were asked for one by
    one. The folder is open until the next step is asked for.
    """

    folder: FeedFolder
    place: Path
    client: str
    packages: list[str]
    shown: str = ""
    called: Mapping[str, str] = MappingProxyType({})

    def name(self, package: str) -> str:
        """What a package is called in results."""
        return self.called.get(package) or f"{self.shown.rstrip('/')}/{package}"


def steps(paths: Sequence[Path], settings: Settings) -> Iterator[Found | Feed]:
    """What stands at each path, in order, at a site or for one that would have these settings.

    Package files of one feed that follow each other come as one feed. Raises `UsageError` for a
    path where nothing is.
    """
    packages: list[Path] = []
    for path in paths:
        kind = kind_of(path, settings.stack)
        if packages and (kind != "package" or feed_of(path) != feed_of(packages[0])):
            yield from _packages(packages)
            packages = []
        if kind == "package":
            packages.append(path)
        elif kind == "feed":
            place = path if path.is_dir() else path.parent
            yield from _feed(str(place), place, None, settings)
        else:
            yield from _entry(path, settings)
    if packages:
        yield from _packages(packages)


_ENTRY = re.compile(rb"<Feed[\s/>]")
_PACKAGE = re.compile(rb"<Schema[\s/>]")


def kind_of(path: Path, stack: Path) -> Kind:
    """What a path is: a folder or a manifest is a feed, what lies in a Stack an entry.

    So is a file that names a feed; everything else is a package. Raises `UsageError`.
    """
    if path.is_dir() or (path.name == MANIFEST and path.is_file()):
        return "feed"
    if not path.is_symlink() and not path.exists():
        raise UsageError(f"{path} is not there", "give a package file, a feed or a Stack entry")
    above = absolute(path).parent
    above = above.parent if above.name in SIDE_FOLDERS else above
    if above == absolute(stack):
        return "entry"
    return "entry" if _names_feed(path) else "package"


def _names_feed(path: Path) -> bool:
    """Whether a file looks like a Stack entry wherever it lies."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(LARGEST_FORM)
    except OSError:
        return False
    return bool(_ENTRY.search(head)) and not _PACKAGE.search(head)


def feed_of(path: Path) -> Path:
    """The feed a package file belongs to: the nearest folder above with a manifest, or its own."""
    own = absolute(path).parent
    return next((one for one in (own, *own.parents) if (one / MANIFEST).is_file()), own)


def absolute(path: Path) -> Path:
    """The path without ``..``; links on it stay what they are."""
    return Path(os.path.normpath(path.absolute()))


@contextmanager
def _opened(place: Path) -> Iterator[FeedFolder]:
    """The feed at a place the operator names, which may be a link."""
    try:
        folder = FeedFolder(os.open(place, os.O_RDONLY | os.O_DIRECTORY))
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}", "name another") from None
    with folder:
        yield folder


def _packages(paths: list[Path]) -> Iterator[Feed]:
    """Package files of one feed; its manifest is asked for nothing but the client."""
    place = feed_of(paths[0])
    with _opened(place) as folder:
        manifest, _ = _manifest(folder)
        client = manifest.client if manifest is not None else ""
        called = {absolute(path).relative_to(place).as_posix(): str(path) for path in paths}
        yield Feed(folder, place, client, list(called), called=called)


def _entry(path: Path, settings: Settings) -> Iterator[Found | Feed]:
    """P2: a Stack entry, and the feed that it names."""
    above = absolute(path).parent
    data = b""
    try:
        data = Stack(above).read(path.name)[0]
        found = Stack(above).load(path.name)
    except FeedPathError as error:
        found = [entry_fault(path.name, f"The entry {error.reason}")]
    if not isinstance(found, StackEntry):
        faults = [found.fault] if isinstance(found, Unfinished) else found
        yield Found(str(path), "entry", file_findings(faults, data))
        return
    above = above.parent if above.name in SIDE_FOLDERS else above
    root = settings.feeds if above == absolute(settings.stack) else above.parent / "Feeds"
    faults = _unreachable(root, found)
    if not settings.knows(found.client):
        faults = [client_unknown(found.client, found.name)]
    yield Found(str(path), "entry", file_findings(faults, data))
    if not faults:
        yield from _feed(str(root / found.feed_path), root / found.feed_path, found, settings)


def _unreachable(feeds: Path, entry: StackEntry) -> list[Fault]:
    """P2, P4: why the feed of an entry cannot be opened."""
    try:
        FeedFolder.open(feeds, entry.feed_path).close()
    except (MissingError, FileNotFoundError):
        return [feed_missing(entry)]
    except (FeedPathError, NotADirectoryError):
        message = "the feed's path leads through a symbolic link, or is no folder"
        return [entry_fault(entry.name, message)]
    return []


def _feed(
    shown: str, place: Path, entry: StackEntry | None, settings: Settings
) -> Iterator[Found | Feed]:
    """P6: a feed's manifest, and every package that it names."""
    with _opened(place) as folder:
        manifest, findings = _manifest(folder)
        packages: list[str] = []
        if manifest is not None and entry is not None and manifest.client != entry.client:
            findings = file_findings([client_mismatch(entry, manifest)], b"")
        elif manifest is not None and not settings.knows(manifest.client):
            findings = file_findings([client_unknown(manifest.client, MANIFEST)], b"")
        elif manifest is not None:
            packages = _named(folder, manifest)
            if not packages:
                fault = no_packages(manifest.glob, folder.package_files())
                findings = file_findings([fault], b"")
        yield Found(shown, "feed", findings)
        if manifest is not None and packages:
            yield Feed(folder, absolute(place), manifest.client, packages, shown)


def _named(folder: FeedFolder, manifest: Manifest) -> list[str]:
    try:
        return list(folder.packages(manifest.glob))
    except OutsideError:
        return []


def _manifest(folder: FeedFolder) -> tuple[Manifest | None, list[Finding]]:
    """The manifest of a feed, or what is wrong with it."""
    whole = (None, MANIFEST)
    try:
        data = folder.read(MANIFEST, LARGEST_FORM)
    except FeedPathError as error:
        fault = Fault("manifest-missing", "P4", whole, f"The manifest {error.reason}")
        return None, file_findings([fault], b"")
    found = parse_manifest(data)
    if isinstance(found, Manifest):
        return found, []
    faults = [found.fault] if isinstance(found, Unfinished) else found
    return None, file_findings(faults, data)
