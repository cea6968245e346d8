"""From a `Place` to line, column and XPath, by a second look at the bytes, only when needed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from xml.parsers import expat

from feedengine.errors import quoted
from feedengine.feeds.encodings import Lines, line_column, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lxml.etree import _Element as Element

    from feedengine.errors import Place

Path: TypeAlias = tuple[int, ...]
"""The indexes of elements from the root (0) downwards; the place of an element in its file."""

LONGEST_XPATH = 1000
"""Characters; longer ones are cut in the middle."""


class Spot(NamedTuple):
    """Line and column from 1 (0: the file as a whole) and the XPath of an element."""

    line: int
    column: int
    xpath: str


WHOLE = Spot(0, 0, "")


def unwound(place: Place) -> tuple[str, Path]:
    """The file of a place, and the indexes of elements from its root downwards."""
    steps: list[int] = []
    while place[0] is not None:
        steps.append(int(place[1]))
        place = place[0]
    return str(place[1]), tuple(reversed(steps))


def path_of(element: Element) -> Path:
    """The path of an element of a tree without comments and processing instructions."""
    steps: list[int] = []
    parent = element.getparent()
    while parent is not None:
        steps.append(parent.index(element))
        element, parent = parent, parent.getparent()
    return (0, *reversed(steps))


class _Level(NamedTuple):
    """An element that is wanted, or holds a wanted one; it counts its children, also by name."""

    path: Path
    steps: tuple[tuple[bytes, int], ...]
    children: list[int]
    names: dict[bytes, int]


_ASIDE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
"""What may hold a ``<`` that begins no tag."""

_DECLARED = (b"<?xml ", b"<?xml\n", b"<?xml\r", b"<?xml\t")
_REST = rb"""([^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*)>"""
_TAG = re.compile(rb"<(/?)([^\s/>]+)" + _REST)


@lru_cache(maxsize=64)
def _tags_of(name: bytes) -> re.Pattern[bytes]:
    """The tags of elements of a name; names that are no longer met are forgotten."""
    return re.compile(rb"<(/?)%s(?=[\s/>])%s" % (re.escape(name), _REST))


def _blanks(aside: re.Match[bytes]) -> bytes:
    return b" " * len(aside[0])


class _Finder:
    """Walks a document and notes where the wanted elements begin; others are passed over.

    In what is well-formed every ``<`` begins a tag, but for comments and their like. An element
    that holds nothing wanted is left by looking for the tag that ends it, so what it costs to find
    a fault does not depend on how long the lists are that stand before it.
    """

    def __init__(self, data: bytes, wanted: Iterable[Path]) -> None:
        self.begin = data.find(b"?>") + 2 if data.startswith(_DECLARED) else 0
        aside = b"<!" in data or data.find(b"<?", self.begin) >= 0
        self.tags = _ASIDE.sub(_blanks, data) if aside else data
        self.lines = Lines(data)
        self.wanted = frozenset(wanted)
        self.above = frozenset(path[:n] for path in self.wanted for n in range(len(path)))
        self.spots: dict[Path, tuple[int, int, tuple[tuple[bytes, int], ...]]] = {}
        self.several: set[tuple[Path, bytes]] = set()

    def walk(self) -> None:
        """Go through the document, up to its end or to where no tag follows any more."""
        levels = [_Level((), (), [0], {})]
        tag = _TAG.search(self.tags, self.begin)
        while tag is not None and levels:
            at, name = tag.end(), tag[2]
            if tag[1]:
                levels.pop()
            else:
                inside = self._begun(tag.start(), name, levels[-1])
                if not tag[3].endswith(b"/"):
                    if inside is None:
                        at = self._behind(name, at)
                    else:
                        levels.append(inside)
            tag = _TAG.search(self.tags, at)

    def _begun(self, at: int, name: bytes, around: _Level) -> _Level | None:
        """Count an element that begins in another; what is in it, if some of that is wanted."""
        path, steps, children, names = around
        number = names[name] = names.get(name, 0) + 1
        if number == 2:
            self.several.add((path, name))
        key = (*path, children[0])
        children[0] += 1
        if key in self.wanted:
            self.spots[key] = (*self.lines.at(at), (*steps, (name, number)))
        return _Level(key, (*steps, (name, number)), [0], {}) if key in self.above else None

    def _behind(self, name: bytes, at: int) -> int:
        """Behind the element whose inside begins at a byte; never beyond twice its length."""
        tags, begin, end = self.tags, b"<" + name, b"</" + name
        found = tags.find(end, at)
        if found >= 0 and tags.find(begin, at, found) < 0:
            behind = found + len(end)
            if tags[behind : behind + 1] == b">":
                return behind + 1
        inside = 1
        for tag in _tags_of(name).finditer(tags, at):
            inside += -1 if tag[1] else not tag[2].endswith(b"/")
            if not inside:
                return tag.end()
        return len(tags)

    def xpath(self, key: Path, steps: tuple[tuple[bytes, int], ...]) -> str:
        """The path with a number where the parent holds several of that name."""
        shown = []
        for depth, (name, number) in enumerate(steps):
            many = (key[:depth], name) in self.several
            shown.append(f"{_plain(name)}[{number}]" if many else _plain(name))
        text = "/" + "/".join(shown)
        half = LONGEST_XPATH // 2
        return text if len(text) <= LONGEST_XPATH else f"{text[:half]}…{text[-half:]}"


def _plain(tag: bytes) -> str:
    name = tag.decode("utf-8", "replace")
    return name if len(name) <= 100 and name.isprintable() else quoted(name)[1:-1]


def spots(data: bytes, wanted: Iterable[Path]) -> dict[Path, Spot]:
    """Where the elements at these paths stand in ``data``, as far as there are such.

    ``data`` is a well-formed document in UTF-8 without a DOCTYPE.
    """
    finder = _Finder(data, wanted)
    finder.walk()
    return {
        key: Spot(line, column, finder.xpath(key, steps))
        for key, (line, column, steps) in finder.spots.items()
    }


def deeper(data: bytes, levels: int) -> Spot:
    """Where the first element stands that is nested deeper than ``levels``."""
    parser = expat.ParserCreate("utf-8")
    depth = 0

    def start(_name: str, _attributes: list[str]) -> None:
        nonlocal depth
        depth += 1
        if depth > levels:
            raise _FoundError(Spot(*line_column(data, parser.CurrentByteIndex), ""))

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    try:
        _walk(parser, data, start, end)
    except _FoundError as found:
        return found.spot
    return WHOLE


class _FoundError(Exception):
    """Ends a walk that has found what it looked for."""

    def __init__(self, spot: Spot) -> None:
        super().__init__(spot)
        self.spot = spot


def _walk(
    parser: expat.XMLParserType,
    data: bytes,
    start: Callable[[str, list[str]], None],
    end: Callable[[str], None],
) -> None:
    """Go through a document; where it is not well-formed the walk ends there."""
    parser.ordered_attributes = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(masked(data), True)
    except expat.ExpatError:
        return
