"""The bytes of one file become a tree, hardened, or the faults that say why not (P11).

Nothing but the bytes given is ever read: no DTD, no entity, no schema that a document names, no
XInclude, no network. A tree is made of well-formed documents alone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from feedengine.errors import Fault, Place, quoted
from feedengine.feeds.encodings import EncodingError, line_column, utf8
from feedengine.feeds.malformed import diagnose, doctype
from feedengine.feeds.places import Path, Spot, deeper, path_of, spots
from feedengine.feeds.validator import valid
from feedengine.model.faults import MOST_FINDINGS

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

BYTES_A_TAG = 100
"""A tree takes some 240 bytes for a tag, whatever the file has: tags are limited as bytes are."""

MOST_FORBIDDEN = 20
"""How many XIncludes of a file are told."""


class Limits(NamedTuple):
    """How much a package may be (P11, P42), and how many of its findings are told."""

    file_bytes: int = 64 * 1024 * 1024
    depth: int = 64
    files: int = 10_000
    levels: int = 32
    findings: int = MOST_FINDINGS

    @property
    def tags(self) -> int:
        """How many tags and attributes a package may have."""
        return self.file_bytes // BYTES_A_TAG


@dataclass(slots=True)
class SourceFile:
    """One file that a package reads: its tree, or why there is none.

    ``data`` is UTF-8, and nothing where there is no tree; ``digest`` the SHA-256 of the bytes as
    they were. ``spots`` says where the faults of a file without a tree stand. The schema does not
    vouch for a ``suspect`` tree. ``memo`` holds what parsing has made of the file, ``sourced`` and
    ``weight`` what `feedengine.feeds.sources` has found in its tree. Of an ``unread`` file there
    is nothing yet but its bytes, in whatever encoding; `text` has them in UTF-8.
    """

    path: str
    data: bytes
    digest: str
    root: Element | None = None
    faults: list[Fault] = field(default_factory=list)
    spots: dict[Path, Spot] = field(default_factory=dict)
    suspect: bool = False
    memo: dict[str | None, Any] = field(default_factory=dict)
    unread: bool = False
    sourced: list[Element] | None = None
    weight: Any = None

    @property
    def tags(self) -> int:
        """How many tags and attributes there are, at most."""
        return self.data.count(b"<") + self.data.count(b"=")

    def text(self) -> bytes:
        """The document in UTF-8. Raises `EncodingError` of an unread file that was never read."""
        return utf8(self.data) if self.unread else self.data

    def refuse(
        self, code: str, message: str, hint: str = "", spot: Spot | None = None, rule: str = "P11"
    ) -> None:
        """Note why there is no tree."""
        place: Place = (None, self.path)
        if spot is not None:
            number = len(self.spots)
            place = (place, number)
            self.spots[number,] = spot
        self.faults.append(Fault(code, rule, place, message, hint))


def unread_file(path: str, data: bytes) -> SourceFile:
    """One file as it was found on disk; `read_tree` makes its tree when it is wanted."""
    return SourceFile(path, data, hashlib.sha256(data).hexdigest(), unread=True)


def read_file(path: str, data: bytes, limits: Limits) -> SourceFile:
    """One file as a tree, validated by the schema; what is wrong with it stands in ``faults``."""
    found = unread_file(path, data)
    read_tree(found, limits)
    return found


def read_tree(found: SourceFile, limits: Limits) -> None:
    """Make the tree of a file that is unread so far."""
    found.unread = False
    path, data = found.path, found.data
    if path != path.lower():
        message = "the file's name has upper-case letters"
        found.faults.append(Fault("name-not-lowercase", "P1", (None, path), message))
    try:
        found.data = utf8(data)
    except EncodingError as error:
        hint = "write UTF-8, or US-ASCII, ISO-8859-1, UTF-16 with its byte order mark"
        spot = Spot(error.line, error.column, "")
        found.refuse("encoding-invalid", error.message, hint, spot)
    else:
        if _acceptable(found, limits):
            found.root = _tree(found, limits)
        if found.root is not None:
            _validate(found, found.root, limits)
    if found.root is None:
        found.data = b""


def _acceptable(found: SourceFile, limits: Limits) -> bool:
    """What is refused before any parser sees it."""
    data = found.data
    if len(data) > limits.tags and found.tags > limits.tags:
        message = f"the file has more than {limits.tags} tags and attributes"
        found.refuse("too-large", message)
    elif b"<!DOCTYPE" in data and (at := doctype(data)) is not None:
        found.refuse("xml-forbidden", _NO_DOCTYPE, _LEAVE_OUT, Spot(*at, ""))
    elif b"\0" in data:
        spot = Spot(*line_column(data, data.index(b"\0")), "")
        found.refuse("xml-malformed", "a NUL byte stands in the document", "remove it", spot)
    else:
        return True
    return False


_NO_DOCTYPE = "the document has a DOCTYPE"
_LEAVE_OUT = "leave it out, and write characters instead of entities"


@cache
def _parser() -> etree.XMLParser:
    """A parser that reads what it is given and nothing else."""
    return etree.XMLParser(
        encoding="utf-8",
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


def _tree(found: SourceFile, limits: Limits) -> Element | None:
    try:
        return etree.fromstring(found.data, _parser())
    except etree.XMLSyntaxError as error:
        _why(found, limits, error)
        return None


def _why(found: SourceFile, limits: Limits, error: etree.XMLSyntaxError) -> None:
    """Tell apart what libxml2 calls a syntax error."""
    data = found.data
    message = str(error.msg).partition(", line")[0].strip()
    limited = error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    if limited and "depth" in message:
        _too_deep(found, limits)
        return
    if limited or "too big" in message or "too long" in message:
        spot = _before(data, error.position)
        found.refuse("too-large", "a text, comment or name is too long", _SHORTER, spot)
        return
    at = doctype(data[:LONGEST_PROLOG])
    if at is not None:
        found.refuse("xml-forbidden", _NO_DOCTYPE, _LEAVE_OUT, Spot(*at, ""))
        return
    troubles = diagnose(data)
    for code, line, column, reason, hint in troubles:
        found.refuse(code, reason, hint, Spot(line, column, ""))
    if not troubles:
        found.refuse("xml-malformed", quoted(message)[1:-1], "", _before(data, error.position))


LONGEST_PROLOG = 1 << 20
"""Bytes in which a DOCTYPE in small letters, which is no XML, is looked for."""

_SHORTER = "texts have at most 10 million bytes, names 50,000"


def _before(data: bytes, position: tuple[int, int]) -> Spot:
    """The beginning of the tag at or before a place as libxml2 tells it (line, byte in it)."""
    line, column = position
    start = 0
    for _ in range(line - 1):
        start = data.find(b"\n", start) + 1
    begin = data.rfind(b"<", 0, start + max(column - 1, 0) + 1)
    return Spot(*line_column(data, max(begin, 0)), "")


def _too_deep(found: SourceFile, limits: Limits) -> None:
    found.root = None
    message = f"elements are nested deeper than {limits.depth} levels"
    found.refuse("too-deep", message, "", deeper(found.data, limits.depth))


_HINTS = ("schemaLocation", "noNamespaceSchemaLocation")
_HINT_NAMES = tuple("{http://www.w3.org/2001/XMLSchema-instance}" + name for name in _HINTS)
_HINTED = etree.XPath("//*[@*[" + " or ".join(f"local-name()='{n}'" for n in _HINTS) + "]]")
_FOREIGN = etree.XPath("boolean(//@*[namespace-uri()])")
"""The schema lets ``xsi:type`` and ``xsi:nil`` pass, which mean nothing here."""

_XINCLUDED = etree.XPath(
    "//xi:include | //xi:fallback", namespaces={"xi": "http://www.w3.org/2001/XInclude"}
)


def _validate(found: SourceFile, root: Element, limits: Limits) -> None:
    """XInclude, the schema, and the depth where the schema does not vouch for it."""
    if b"include" in found.data or b"fallback" in found.data:
        included = _XINCLUDED(root)
        if included:
            _included(found, included)
            return
    if len(found.data) > LONGEST_ATTRIBUTE and (_LENGTHY(root) or _LONG_NAME.search(found.data)):
        found.root = None
        found.refuse(
            "too-large", "an element has too long a name, or too long or many attributes", _BRIEFER
        )
        return
    if b"chemaLocation" in found.data:
        _strip_locations(root)
    found.suspect = b"xmlns" in found.data and bool(_FOREIGN(root))
    if not valid(root, len(found.data)):
        found.suspect = True
        if first_deeper(root, limits.depth) is not None:
            _too_deep(found, limits)


LONGEST_ATTRIBUTE = 65_536
LONGEST_NAME = 1_000
MOST_ATTRIBUTES = 100
_BRIEFER = f"an element has at most {MOST_ATTRIBUTES} attributes of {LONGEST_ATTRIBUTE} characters"
_LENGTHY = etree.XPath(
    f"boolean(//*[@*][count(@*) > {MOST_ATTRIBUTES} or @*[string-length() > {LONGEST_ATTRIBUTE}]])"
)
_LONG_NAME = re.compile(rb"<[^ \t\r\n<>/!?]{%d}" % LONGEST_NAME)


def _included(found: SourceFile, elements: list[Element]) -> None:
    found.root = None
    paths = [path_of(element) for element in elements[:MOST_FORBIDDEN]]
    where = spots(found.data, paths)
    for path in paths:
        found.refuse("xml-forbidden", "XInclude is not read", "use src=", where[path])


def _strip_locations(root: Element) -> None:
    """A schema that the document itself names is never looked for."""
    for element in _HINTED(root):
        for name in _HINT_NAMES:
            element.attrib.pop(name, None)


def first_deeper(root: Element, levels: int) -> Element | None:
    """The first element that is nested deeper than ``levels``."""
    found = _deeper(levels)(root)
    return found[0] if found else None


@cache
def _deeper(levels: int) -> etree.XPath:
    return etree.XPath("(" + "/*" * (levels + 1) + ")[1]")
