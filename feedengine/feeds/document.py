"""Bytes become a tree, hardened; every file that ``src`` names is read beforehand (P11, P40–P42).

After `load` nobody asks back for a file: parsing is pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from feedengine.errors import Fault, Finding, Place
from feedengine.feeds.folder import (
    FeedFolder,
    MissingError,
    OutsideError,
    TooLargeError,
    UnreadableError,
    resolve_source,
)
from feedengine.feeds.malformed import diagnose, has_doctype
from feedengine.feeds.places import WHOLE, spots, unwound
from feedengine.feeds.validator import package_schema, violations
from feedengine.model.codes import codes, severity_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Element

MOST_FILES = 10_000
MOST_LEVELS = 32
CACHE_BYTES = 32 * 1024 * 1024
"""How much of the files that packages share is kept in memory between packages."""

_DECLARED = re.compile(
    rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']{0,60})["']"""
)
_ENCODINGS = {
    "utf-8": None,
    "utf8": None,
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "utf-16": "utf-16",
}
_MARKS_16 = (b"\xff\xfe", b"\xfe\xff")
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_SOURCED = etree.XPath("//*[@src]")
_HINTS = frozenset({_XSI + "schemaLocation", _XSI + "noNamespaceSchemaLocation"})


class Limits(NamedTuple):
    """How much a package may be (P11)."""

    file_bytes: int = 64 * 1024 * 1024
    depth: int = 64


@dataclass(slots=True)
class SourceFile:
    """One file that a package reads: its tree, or why there is none."""

    path: str
    data: bytes
    encoding: str | None
    digest: str
    root: Element | None
    faults: list[Fault]
    spots: dict[str, tuple[int, int]]
    suspect: bool = False
    memo: dict[str | None, Any] = field(default_factory=dict)


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
    sources: dict[str, str | tuple[str, str, str]] = field(default_factory=dict)

    def too_deep(self, file: str) -> Fault | None:
        """P11: the fault of a file that is nested deeper than the limit."""
        found = self.files[file]
        if found.root is None or not _deeper(found.root, self.limits.depth):
            return None
        message = f"elements are nested deeper than {self.limits.depth} levels"
        return Fault("too-deep", "P11", (None, file), message)

    def violations(self, files: Iterable[str]) -> list[Fault]:
        """What the schema alone sees in these files (section 6, ``schema-invalid``)."""
        found = []
        for name in files:
            root = self.files[name].root
            if root is not None and self.files[name].suspect:
                for line, message in violations(root):
                    at = f"line {line}: {message}"
                    found.append(Fault("schema-invalid", "P10", (None, name), at))
        return found

    def findings(self, faults: Iterable[Fault]) -> list[Finding]:
        """The faults as people read them: with file, line, column, XPath and cure."""
        kept = list(faults)
        wanted: dict[str, set[tuple[int, ...]]] = {}
        for fault in kept:
            file, path = unwound(fault.place)
            if path:
                wanted.setdefault(file, set()).add(path)
        found = {
            file: spots(self.files[file].data, self.files[file].encoding, paths)
            for file, paths in wanted.items()
        }
        return [self._finding(fault, found) for fault in kept]

    def _finding(self, fault: Fault, found: dict[str, dict[tuple[int, ...], Any]]) -> Finding:
        file, path = unwound(fault.place)
        spot = found[file].get(path, WHOLE) if path else WHOLE
        if not path and file in self.files:
            line, column = self.files[file].spots.get(fault.code, (0, 0))
            spot = WHOLE._replace(line=line, column=column)
        return finding(fault, file, spot.line, spot.column, spot.xpath)


def finding(fault: Fault, file: str, line: int = 0, column: int = 0, xpath: str = "") -> Finding:
    """A fault at a known spot; without a hint of its own it gets the code's cure."""
    hint = fault.hint or codes()[fault.code].cure
    return Finding(
        severity_of(fault), fault.code, fault.rule, file, line, column, xpath, fault.message, hint
    )


def file_findings(faults: Iterable[Fault], data: bytes) -> list[Finding]:
    """The faults of one small file, such as a Stack entry, that is no package."""
    found = []
    for fault in faults:
        file, path = unwound(fault.place)
        spot = spots(data, None, {path}).get(path, WHOLE) if path else WHOLE
        found.append(finding(fault, file, spot.line, spot.column, spot.xpath))
    return found


def _deeper(root: Element, levels: int) -> bool:
    return bool(etree.XPath("boolean(" + "/*" * (levels + 1) + ")")(root))


def _parser(encoding: str | None) -> etree.XMLParser:
    """A parser that reads what it is given and nothing else."""
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
        collect_ids=False,
        recover=False,
    )


_PLAIN = _parser(None)


class _Bad(Exception):
    """A file that gives no tree; carries the fault and its line and column."""

    def __init__(
        self, code: str, message: str, hint: str = "", at: tuple[int, int] = (0, 0)
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.at = code, message, hint, at


def decoded(data: bytes) -> tuple[bytes, str | None]:
    """UTF-8 bytes, and the encoding to tell the parser where the document names another (P11)."""
    declared = _DECLARED.match(data)
    if data.startswith(_MARKS_16):
        name: str | None = "utf-16"
    elif declared is None:
        return data, None
    else:
        word = declared[1].decode("ascii", "replace").lower()
        if word not in _ENCODINGS:
            raise _Bad("encoding-invalid", f"the encoding {word[:60]!a} is not read")
        name = _ENCODINGS[word]
        if name == "utf-16":
            raise _Bad("encoding-invalid", "UTF-16 is declared, but there is no byte order mark")
    if name is None:
        return data, None
    try:
        return data.decode(name).encode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Bad("encoding-invalid", f"byte {error.start} is no {name}", at=(line, 1)) from None


def _tree(data: bytes, encoding: str | None) -> Element:
    """The tree of a document, or `_Bad`."""
    if b"<!DOCTYPE" in data:
        at = has_doctype(data, encoding)
        if at is not None:
            raise _Bad("xml-forbidden", "a DOCTYPE is not read", at=at)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise _Bad("xml-malformed", "a NUL byte stands in the document", at=(line, 1))
    parser = _PLAIN if encoding is None else _parser(encoding)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _why(data, encoding, error) from None


def _why(data: bytes, encoding: str | None, error: etree.XMLSyntaxError) -> _Bad:
    """Tell apart what libxml2 calls a syntax error."""
    message = str(error.msg)
    line, column = error.position
    if "Excessive depth" in message or "depth" in message:
        return _Bad("too-deep", "elements are nested too deep", at=(line, column))
    if "huge text" in message or "too long" in message or "Buffer size" in message:
        return _Bad("too-large", "one text is larger than 10 MB", at=(line, column))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        at = data.count(b"\n", 0, wrong.start) + 1
        return _Bad("encoding-invalid", f"byte {wrong.start} is no UTF-8", at=(at, 1))
    trouble = diagnose(data, encoding)
    if trouble is not None:
        return _Bad("xml-malformed", trouble.message, trouble.hint, (trouble.line, trouble.column))
    if "Entity" in message and "not defined" in message:
        hint = "only &amp; &lt; &gt; &quot; &apos; are entities here"
        return _Bad("xml-forbidden", message.partition(", line")[0], hint, (line, column))
    return _Bad("xml-malformed", message.partition(", line")[0], at=(line, column))


def read_file(path: str, data: bytes, limits: Limits) -> SourceFile:
    """One file as a tree, validated by the schema; all that is wrong with it stands in ``faults``."""
    digest = hashlib.sha256(data).hexdigest()
    found = SourceFile(path, data, None, digest, None, [], {})
    if path != path.lower():
        message = "the file's name has upper-case letters"
        found.faults.append(Fault("name-not-lowercase", "P1", (None, path), message))
    try:
        found.data, found.encoding = decoded(data)
        root = _tree(found.data, found.encoding)
    except _Bad as bad:
        found.faults.append(Fault(bad.code, "P11", (None, path), bad.message, bad.hint))
        found.spots[bad.code] = bad.at
        return found
    found.root = root
    if b"XMLSchema-instance" in found.data:
        _strip_locations(root)
    if not package_schema().validate(root):
        found.suspect = True
        if _deeper(root, limits.depth):
            found.root = None
            message = f"elements are nested deeper than {limits.depth} levels"
            found.faults.append(Fault("too-deep", "P11", (None, path), message))
    return found


def _strip_locations(root: Element) -> None:
    """A schema that the document itself names is never looked for."""
    for element in root.iter():
        for name in _HINTS.intersection(element.attrib):
            del element.attrib[name]


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
        if main.root is not None and b"src" in main.data:
            self._sources(document)
            if len(document.files) > 1:
                document.digest = _digest(document)
        return document

    def _read(self, path: str) -> SourceFile:
        try:
            data = self.folder.read(path, self.limits.file_bytes)
        except TooLargeError:
            message = f"the file is larger than {self.limits.file_bytes} bytes"
            return self._refused(path, "too-large", "P11", message)
        except OutsideError:
            message = "the path leads outside the feed, or through a symbolic link"
            return self._refused(path, "source-outside", "P40", message)
        except (MissingError, UnreadableError):
            message = "the file is not there, or may not be read"
            return self._refused(path, "source-missing", "P40", message)
        return read_file(path, data, self.limits)

    @staticmethod
    def _refused(path: str, code: str, rule: str, message: str) -> SourceFile:
        place: Place = (None, path)
        return SourceFile(path, b"", None, "", None, [Fault(code, rule, place, message)], {})

    def _sources(self, document: Document) -> None:
        """P42: every file is read once a package, level by level."""
        level = [document.file]
        for _ in range(MOST_LEVELS):
            following: list[str] = []
            for name in level:
                self._follow(document, document.files[name], following)
            level = following
            if not level:
                return
        message = f"files name each other through more than {MOST_LEVELS} levels"
        for name in level:
            for src in _sources_in(document.files[name]):
                document.sources.setdefault(src, ("source-limit", message, ""))

    def _follow(self, document: Document, found: SourceFile, following: list[str]) -> None:
        for src in _sources_in(found):
            if src in document.sources:
                continue
            target = document.sources[src] = self._resolved(document.file, src)
            if isinstance(target, str) and target not in document.files:
                if len(document.files) >= MOST_FILES:
                    message = f"the package reads more than {MOST_FILES} files"
                    document.sources[src] = ("source-limit", message, "")
                    continue
                document.files[target] = self._shared_file(target)
                following.append(target)

    def _resolved(self, package: str, src: str) -> str | tuple[str, str, str]:
        """The path of the file that ``src`` names, or the finding's code, message and hint."""
        try:
            candidates = resolve_source(package, src)
        except OutsideError as error:
            return "source-outside", str(error), ""
        for candidate in candidates:
            if candidate in self._shared:
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
        return "source-missing", f"no such file in the feed: {src!a:.200}", ""

    def _keep(self, path: str, data: bytes) -> None:
        if self._bytes > CACHE_BYTES:
            self._shared.clear()
            self._bytes = 0
        self._shared[path] = read_file(path, data, self.limits)
        self._bytes += 8 * len(data)

    def _shared_file(self, path: str) -> SourceFile:
        if path not in self._shared:
            self._keep(path, self.folder.read(path, self.limits.file_bytes))
        return self._shared[path]


def _sources_in(found: SourceFile) -> list[str]:
    """Every ``src`` of a file."""
    if found.root is None or b"src" not in found.data:
        return []
    return [str(element.get("src")) for element in _SOURCED(found.root)]


def _digest(document: Document) -> str:
    """P9: the SHA-256 of everything that was read."""
    total = hashlib.sha256(document.digest.encode())
    for path in sorted(document.files):
        total.update(f"\n{path}\0{document.files[path].digest}".encode())
    return total.hexdigest()
