"""Stack entries and manifests: a few elements of XML, read strictly (P2, P4, P6, P11).

Both are small forms: a root ``<xml>``, elements once each, a value as text or in one attribute.
What is not well-formed comes back as `Unfinished`, since it may still be being written (P4);
what is well-formed and wrong as faults, all of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lxml import etree

from feedengine.errors import Fault, Place, quoted
from feedengine.feeds.globbing import glob_of
from feedengine.feeds.nearest import nearest
from feedengine.feeds.paths import CONTROL, XML_BLANKS, OutsideError, plain_parts
from feedengine.model import faults as kept

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_FORM = 1 << 20
"""Bytes of a Stack entry or manifest; larger ones are refused unread."""

LONGEST_CLIENT = 255


class Signature(NamedTuple):
    """What tells that a file was written again: inode, mtime in nanoseconds, size in bytes."""

    inode: int
    mtime_ns: int
    size: int

    @property
    def mark(self) -> str:
        """As the ledger keeps it."""
        return f"{self.inode}:{self.mtime_ns}:{self.size}"

    @classmethod
    def marked(cls, mark: str) -> Signature:
        """The signature of a `mark`."""
        return cls(*map(int, mark.split(":")))


class StackEntry(NamedTuple):
    """A valid Stack entry (P2); ``feed_path`` is relative to ``Feeds/``, without outer slashes."""

    name: str
    client: str
    feed_path: str
    signature: Signature


class Manifest(NamedTuple):
    """A valid manifest (P6): who sends the feed, and the glob of its packages."""

    client: str
    glob: str


class Unfinished(NamedTuple):
    """Not readable yet; ``fault`` is what it is when the settle time is over (P4)."""

    fault: Fault


Faults: TypeAlias = list[Fault]
"""Everything that is wrong with a file; a list, since the values themselves are tuples."""

_RULES = {
    "entry-invalid": "P2",
    "manifest-missing": "P4",
    "client-mismatch": "P6",
    "no-packages": "P6",
}

_ENTRY_SAMPLE = (
    "Write <xml><Version>1.0</Version><Client>NAME</Client>"
    '<Feed path="/2022/10/11/1666271452953"/></xml>.'
)
_MANIFEST_SAMPLE = (
    'Write <xml><Client>NAME</Client><Packages path="packages/*/package.xml"/></xml>.'
)


class _Form(NamedTuple):
    """What stands in a file.

    Each element with the attribute that holds its value, or ``""`` for its text; which of them may
    be absent; the check of each; the code of its faults, and that of all others.
    """

    elements: dict[str, str]
    optional: frozenset[str]
    checks: dict[str, Callable[[str], str]]
    sample: str
    codes: dict[str, str]
    otherwise: str


def parse_entry(data: bytes, name: str, signature: Signature) -> StackEntry | Unfinished | Faults:
    """Read the Stack entry ``name`` (P2): ``Version`` (1.0 or absent), ``Client``, ``Feed/@path``.

    ``data`` is the whole file, ``signature`` that of the file as it was read. Every fault is an
    ``entry-invalid`` and says what is missing, unknown or wrong.
    """
    values = _values_at_a_glance(data) or _values(data, name, _ENTRY)
    if not isinstance(values, dict):
        return values
    path = "/".join(_feed_parts(values["Feed"]))
    return StackEntry(name, values["Client"], path, signature)


_PATH = re.compile(rb'path="([0-9A-Za-z/_-]+)"')
_ANY_PATH = b"feed"
_USUAL_BYTES = 1024


def _values_at_a_glance(data: bytes) -> dict[str, str] | None:
    """The values of an entry that differs from one met before in its path alone; else None.

    The path is of letters that mean nothing to XML, and the only ``path`` there is, so that it
    cannot stand in a comment; the rest is read once.
    """
    found = _PATH.search(data) if len(data) <= _USUAL_BYTES else None
    if found is None or data.count(b"path") != 1:
        return None
    client = _client_of(b"".join((data[: found.start(1)], _ANY_PATH, data[found.end(1) :])))
    path = found[1].decode("ascii")
    return {"Client": client, "Feed": path} if client and not _check_feed(path) else None


@lru_cache(maxsize=256)
def _client_of(data: bytes) -> str | None:
    """The client of an entry; None where anything is wrong with it."""
    values = _values(data, "", _ENTRY)
    right = isinstance(values, dict) and values["Feed"] == _ANY_PATH.decode("ascii")
    return values["Client"] if isinstance(values, dict) and right else None


def parse_manifest(data: bytes, file: str = "manifest.xml") -> Manifest | Unfinished | Faults:
    """Read a manifest (P6): ``Client`` and ``Packages/@path``; ``file`` is what findings call it.

    A missing or wrong ``Client`` is ``client-mismatch``, a missing or wrong ``Packages``
    ``no-packages``; a file that cannot be read as a manifest is ``manifest-missing``.
    """
    if len(data) <= _USUAL_BYTES and (known := _usual_manifest(data)) is not None:
        return known
    values = _values(data, file, _MANIFEST)
    if not isinstance(values, dict):
        return values
    return Manifest(values["Client"], values["Packages"])


@lru_cache(maxsize=256)
def _usual_manifest(data: bytes) -> Manifest | None:
    """A valid manifest, remembered: those of a client are mostly the same, byte by byte."""
    values = _values(data, "", _MANIFEST)
    return Manifest(values["Client"], values["Packages"]) if isinstance(values, dict) else None


def entry_fault(name: str, message: str, hint: str = _ENTRY_SAMPLE, rule: str = "P2") -> Fault:
    """An ``entry-invalid`` of the Stack entry ``name`` as a whole."""
    return Fault("entry-invalid", rule, (None, name), message, hint)


def _check_version(text: str) -> str:
    return "" if text == "1.0" else f"is {quoted(text)}; only 1.0 is known"


def _check_client(text: str) -> str:
    if len(text) > LONGEST_CLIENT:
        return f"has {len(text)} characters; at most {LONGEST_CLIENT} are legal"
    return f"{quoted(text)} holds a control character" if CONTROL.search(text) else ""


def _feed_parts(text: str) -> list[str]:
    """Components of ``Feed/@path``: relative to ``Feeds/`` in spite of one slash (P2)."""
    return plain_parts(text.removeprefix("/").removesuffix("/"))


def _check_feed(text: str) -> str:
    try:
        _feed_parts(text)
    except OutsideError as error:
        return f"{quoted(text)} leads nowhere below Feeds/: the path {error.reason}"
    return ""


def _check_glob(text: str) -> str:
    try:
        glob_of(text)
    except OutsideError as error:
        return f"{quoted(text)} matches nothing in the feed: the path {error.reason}"
    return ""


_ENTRY = _Form(
    elements={"Version": "", "Client": "", "Feed": "path"},
    optional=frozenset({"Version"}),
    checks={"Version": _check_version, "Client": _check_client, "Feed": _check_feed},
    sample=_ENTRY_SAMPLE,
    codes={},
    otherwise="entry-invalid",
)

_MANIFEST = _Form(
    elements={"Client": "", "Packages": "path"},
    optional=frozenset(),
    checks={"Client": _check_client, "Packages": _check_glob},
    sample=_MANIFEST_SAMPLE,
    codes={"Client": "client-mismatch", "Packages": "no-packages"},
    otherwise="manifest-missing",
)


class _Reading:
    """The faults of one file while it is read."""

    def __init__(self, file: str, form: _Form) -> None:
        self.form = form
        self.whole: Place = (None, file)
        self.root: Place = (self.whole, 0)
        self.faults = kept.Faults()

    def fault(self, place: Place, message: str, hint: str = "", element: str = "") -> Fault:
        """Note what is wrong; ``element`` names the one whose value is, if it is one."""
        code = self.form.codes.get(element, self.form.otherwise)
        found = Fault(code, _RULES[code], place, message, hint or self.form.sample)
        self.faults.append(found)
        return found


def _values(data: bytes, file: str, form: _Form) -> dict[str, str] | Unfinished | Faults:
    """The value of each element of the form, trimmed; or what is wrong."""
    reading = _Reading(file, form)
    root = _parsed(data, reading)
    if isinstance(root, Unfinished):
        return root
    if root is None:
        return reading.faults
    if root.tag != "xml":
        reading.fault(reading.root, f"The root is {quoted(_tag(root))}; it must be 'xml'")
        return reading.faults
    values = _children(root, reading)
    return reading.faults or values


_POSITION = re.compile(r"\s*, line \d+, column \d+\s*\Z")


def _parsed(data: bytes, reading: _Reading) -> etree._Element | Unfinished | None:
    """The root element; None where the file is refused as XML."""
    if len(data) > LARGEST_FORM:
        reading.fault(reading.whole, f"The file has more than {LARGEST_FORM} bytes")
        return None
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = quoted(_POSITION.sub("", error.msg or "").strip())
        where = f"line {line}, column {column}"
        message = f"The file is not well-formed XML ({where}): {reason}"
        return Unfinished(reading.fault(reading.whole, message))
    return root if _allowed(data, root, reading) else None


_ENCODINGS = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1"})
_WIDE = frozenset({"utf-16", "utf-16le", "utf-16be"})
_MARKS = (b"\xff\xfe", b"\xfe\xff")


def _allowed(data: bytes, root: etree._Element, reading: _Reading) -> bool:
    """Refuse a DOCTYPE, entities of its making, and encodings beyond P11."""
    about = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None:
        reading.fault(reading.whole, "The file has a DOCTYPE", "Leave it out.")
    encoding = (about.encoding or "utf-8").lower()
    marked = data.startswith(_MARKS) and data[2:4] != b"\0\0"
    wide = encoding in _WIDE or b"\0" in data
    if encoding not in _ENCODINGS | _WIDE or (wide and not marked):
        message = f"The file is written in {quoted(encoding)}, or in UTF-16 without its mark"
        reading.fault(reading.whole, message, "Write it in UTF-8.")
    return not reading.faults


def _children(root: etree._Element, reading: _Reading) -> dict[str, str]:
    """Values of the elements that are right; the rest is noted."""
    form = reading.form
    _no_attributes(root, frozenset(), reading.root, reading)
    _no_text(root, reading.root, reading)
    seen: set[str] = set()
    values: dict[str, str] = {}
    for index, child in enumerate(root):
        name, place = _tag(child), (reading.root, index)
        if name not in form.elements:
            _unknown(name, place, reading)
        elif name in seen:
            reading.fault(place, f"{name} stands there twice")
        else:
            seen.add(name)
            values[name] = _value(child, place, reading)
    for name in form.elements:
        if name not in seen and name not in form.optional:
            reading.fault(reading.root, f"{name} is missing", element=name)
    return values


def _value(element: etree._Element, place: Place, reading: _Reading) -> str:
    """The trimmed value of one element, checked."""
    name = _tag(element)
    attribute = reading.form.elements[name]
    _no_attributes(element, frozenset({attribute}), place, reading)
    for index, child in enumerate(element):
        _unknown(f"{name}/{_tag(child)}", (place, index), reading)
    if attribute:
        _no_text(element, place, reading)
    called = f"{name}/@{attribute}" if attribute else name
    value = (element.get(attribute) if attribute else element.text) or ""
    value = value.strip(XML_BLANKS)
    if not value:
        missing = attribute and attribute not in element.attrib
        reading.fault(place, f"{called} is {'missing' if missing else 'empty'}", element=name)
    elif wrong := reading.form.checks[name](value):
        reading.fault(place, f"{called} {wrong}", element=name)
    return value


def _tag(element: etree._Element) -> str:
    """The name of an element; lxml keeps other things under the same type."""
    return element.tag if isinstance(element.tag, str) else "entity"


def _unknown(name: str, place: Place, reading: _Reading) -> None:
    near = None if reading.faults.full else nearest(name, reading.form.elements)
    hint = f"Did you mean {near}?" if near else ""
    reading.fault(place, f"{quoted(name)} is not known here", hint)


_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


def _no_attributes(
    element: etree._Element, known: frozenset[str], place: Place, reading: _Reading
) -> None:
    """Note attributes that have no meaning here; a schema's location is nobody's business."""
    for attribute in element.attrib:
        name = str(attribute)
        if name not in known and not name.startswith(_INSTANCE):
            message = f"The attribute {quoted(name)} of {quoted(_tag(element))} is not known"
            reading.fault(place, message)


def _no_text(element: etree._Element, place: Place, reading: _Reading) -> None:
    """Note text where only elements, or nothing, may stand."""
    texts = [element.text, *(child.tail for child in element)]
    for text in texts:
        if text and text.strip():
            reading.fault(place, f"Text that means nothing: {quoted(text.strip())}")
