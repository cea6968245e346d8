"""Packages as documents: every file that ``src`` names is read beforehand (P11, P40–P42).

After `load` nobody asks back for a file: parsing is pure.
"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from feedengine.errors import Fault, Finding, Place, printable, quoted
from feedengine.feeds.encodings import EncodingError, utf8
from feedengine.feeds.folder import (
    FeedFolder,
    MissingError,
    OutsideError,
    TooLargeError,
    UnreadableError,
    resolve_source,
)
from feedengine.feeds.places import WHOLE, Path, Spot, path_of, spots, unwound
from feedengine.feeds.plain import BYTE_ORDER_MARK
from feedengine.feeds.sources import Trouble, Unfolding, limit, sourced
from feedengine.feeds.tree import (
    Limits,
    SourceFile,
    first_deeper,
    read_file,
    read_tree,
    unread_file,
)
from feedengine.feeds.validator import violations
from feedengine.model.codes import codes, severity_of
from feedengine.model.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element as Element

__all__ = [
    "Document",
    "Limits",
    "Loader",
    "SourceFile",
    "file_findings",
    "finding",
    "read_file",
]

CACHE_BYTES = 32 * 1024 * 1024
"""How much of the files that packages share is kept in memory between packages, about."""

_BEGINS = (b"<", BYTE_ORDER_MARK + b"<")
_WIDE_BEGINS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SRC, _WIDE_SRC = b"src", b"s\0r\0c"

TREE_BYTES = 240
"""What a tag takes in a tree, about."""


@dataclass(slots=True)
class Document:
    """A package and every file it reads, by their paths from the feed's folder.

    ``sources`` says for each ``src`` which file it names, looked for from the package's folder and
    then from the feed's (P40); or the finding's code, message and hint.
    """

    file: str
    files: dict[str, SourceFile]
    digest: str
    limits: Limits
    sources: dict[str, str | Trouble] = field(default_factory=dict)

    @property
    def unread(self) -> bool:
        """Whether the package's own file, which names no others, has no tree yet."""
        return self.files[self.file].unread

    def read(self) -> None:
        """Make the tree of the package's own file."""
        read_tree(self.files[self.file], self.limits)

    def too_deep(self, file: str) -> Fault | None:
        """P11: the fault of a file that is nested deeper than the limit."""
        found = self.files[file]
        element = None if found.root is None else first_deeper(found.root, self.limits.depth)
        if element is None:
            return None
        place = _nested((None, file), path_of(element))
        message = f"elements are nested deeper than {self.limits.depth} levels"
        return Fault("too-deep", "P11", place, message)

    def violations(self, files: Iterable[str]) -> list[Fault]:
        """What the schema alone sees in these files (section 6, ``schema-invalid``)."""
        found = []
        for name in files:
            root = self.files[name].root
            if root is not None and self.files[name].suspect:
                for line, message in violations(root):
                    place = _nested((None, name), _violator(root, line, message))
                    found.append(Fault("schema-invalid", "P10", place, message))
        return found

    def let_go(self) -> None:
        """Parsing is over: the trees go, the text stays, for the places of what is found later."""
        if self.unread:
            return
        self.files = {
            name: SourceFile(name, found.data, found.digest, spots=found.spots)
            for name, found in self.files.items()
        }

    def findings(self, faults: Iterable[Fault]) -> list[Finding]:
        """The faults as people read them: with file, line, column, XPath and cure.

        Where there are more than the limit the errors go first; the last one told says how many
        are not.
        """
        kept = Faults(faults, self.limits.findings).told()
        wanted: dict[str, set[Path]] = {}
        for fault in kept:
            file, path = unwound(fault.place)
            if path:
                wanted.setdefault(file, set()).add(path)
        found = {
            file: self.files[file].spots or spots(self.files[file].text(), paths)
            for file, paths in wanted.items()
        }
        return [_located(fault, found) for fault in kept]


def _nested(file: Place, path: Path) -> Place:
    place = file
    for step in path:
        place = (place, step)
    return place


def _violator(root: Element, line: int, message: str) -> Path:
    """The element of which the schema says so: the first of its name in the line."""
    for element in root.iter() if line else ():
        if element.sourceline == line and message.startswith(f"Element '{element.tag!s}'"):
            return path_of(element)
    return ()


def _located(fault: Fault, found: dict[str, dict[Path, Spot]]) -> Finding:
    file, path = unwound(fault.place)
    return finding(fault, file, *(found[file].get(path, WHOLE) if path else WHOLE))


def finding(fault: Fault, file: str, line: int = 0, column: int = 0, xpath: str = "") -> Finding:
    """A fault at a known spot; without a hint of its own it gets the code's cure."""
    hint = fault.hint or codes()[fault.code].cure
    return Finding(
        severity_of(fault),
        fault.code,
        fault.rule,
        printable(file),
        line,
        column,
        xpath,
        fault.message,
        hint,
    )


def file_findings(faults: Sequence[Fault], data: bytes) -> list[Finding]:
    """The faults of one small file, such as a Stack entry, that is no package."""
    try:
        text = utf8(data)
    except EncodingError:
        text = b""
    told = Faults(faults).told()
    places = [unwound(fault.place) for fault in told]
    where = spots(text, {path for _, path in places if path})
    return [
        finding(fault, file, *where.get(path, WHOLE))
        for fault, (file, path) in zip(told, places, strict=True)
    ]


class Loader:
    """Reads packages of one feed; files that several packages share are kept for the next."""

    def __init__(self, folder: FeedFolder, limits: Limits | None = None) -> None:
        """Read from ``folder`` under ``limits``."""
        self.folder = folder
        self.limits = limits or Limits()
        self._shared: dict[str, SourceFile] = {}
        self._bytes = 0

    def load(self, path: str) -> Document:
        """The document of the package at ``path``.

        Errors of the environment (disk, too many open files) pass as `OSError`; all that is the
        package's own fault stands in the document.
        """
        main = self._read(path)
        document = Document(path, {path: main}, main.digest, self.limits)
        if not main.unread and sourced(main):
            self._sources(document)
            if len(document.files) > 1:
                document.digest = _digest(document)
        return document

    def _read(self, path: str) -> SourceFile:
        found = SourceFile(path, b"", "")
        try:
            data = self.folder.read(path, self.limits.file_bytes)
        except TooLargeError:
            message = f"the file is larger than {self.limits.file_bytes} bytes"
            found.refuse("too-large", message)
        except OutsideError:
            message = "the path leads outside the feed, or through a symbolic link"
            found.refuse("source-outside", message, rule="P40")
        except (MissingError, UnreadableError):
            message = "the file is not there, or may not be read"
            found.refuse("source-missing", message, rule="P40")
        else:
            found = unread_file(path, data)
            if not self._alone(found):
                read_tree(found, self.limits)
        return found

    def _alone(self, found: SourceFile) -> bool:
        """Whether a file names no others and is within the limits, as its bytes show."""
        data = found.data
        src = _SRC if data.startswith(_BEGINS) else _WIDE_SRC
        return (
            (src is _SRC or data.startswith(_WIDE_BEGINS))
            and src not in data
            and found.path == found.path.lower()
            and (len(data) <= self.limits.tags or found.tags <= self.limits.tags)
        )

    def _sources(self, document: Document) -> None:
        """P42: every file is read once a package, as far as there is room for it."""
        main, sources = document.files[document.file], document.sources
        bytes_left = self.limits.file_bytes - len(main.data)
        tags_left = self.limits.tags - main.tags
        names = [document.file]
        for name in names:
            for element in sourced(document.files[name]):
                src = str(element.get("src"))
                if src in sources:
                    continue
                target = sources[src] = self._resolved(document, src)
                if not isinstance(target, str) or target in document.files:
                    continue
                found = self._shared_file(target)
                bytes_left -= len(found.data)
                tags_left -= found.tags
                if len(names) >= self.limits.files:
                    sources[src] = limit(f"the package reads more than {self.limits.files} files")
                elif bytes_left < 0 or tags_left < 0:
                    sources[src] = limit("the files that the package reads are too large together")
                else:
                    document.files[target] = replace(found, memo={}) if sourced(found) else found
                    names.append(target)
        Unfolding(document.files, sources, document.file, self.limits).check()

    def _resolved(self, document: Document, src: str) -> str | Trouble:
        """The path of the file that ``src`` names, or what is wrong with it (P40)."""
        try:
            candidates = resolve_source(document.file, src)
        except OutsideError as error:
            return "source-outside", str(error), ""
        for candidate in candidates:
            if candidate in document.files or candidate in self._shared:
                return candidate
            try:
                self._keep(candidate, self.folder.read(candidate, self.limits.file_bytes))
            except (MissingError, UnreadableError):
                continue
            except TooLargeError:
                return "too-large", f"the file is larger than {self.limits.file_bytes} bytes", ""
            except OutsideError:
                message = "the path leads outside the feed, or through a symbolic link"
                return "source-outside", message, ""
            return candidate
        return "source-missing", f"no such file in the feed: {quoted(src)}", ""

    def _keep(self, path: str, data: bytes) -> SourceFile:
        if self._bytes > CACHE_BYTES:
            self._shared.clear()
            self._bytes = 0
        found = self._shared[path] = read_file(path, data, self.limits)
        self._bytes += len(data) + found.tags * TREE_BYTES
        return found

    def _shared_file(self, path: str) -> SourceFile:
        found = self._shared.get(path)
        return found or self._keep(path, self.folder.read(path, self.limits.file_bytes))


def _digest(document: Document) -> str:
    """P9: the SHA-256 of everything that was read."""
    total = hashlib.sha256(document.digest.encode())
    for path in sorted(document.files):
        total.update(f"\n{path}\0{document.files[path].digest}".encode())
    return total.hexdigest()
