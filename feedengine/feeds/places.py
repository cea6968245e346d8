"""From a `Place` to line, column and XPath, by a second look at the bytes, only when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from xml.parsers import expat

from feedengine.errors import quoted
from feedengine.feeds.encodings import Lines, line_column, masked, name_at

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
    steps: tuple[tuple[str, int], ...]
    children: list[int]
    names: dict[str, int]


class _Finder:
    """Walks a document and notes where the wanted elements begin; others are passed over."""

    def __init__(self, parser: expat.XMLParserType, data: bytes, wanted: Iterable[Path]) -> None:
        self.parser = parser
        self.data = data
        self.plain = data.isascii()
        self.lines = Lines(data)
        self.wanted = frozenset(wanted)
        self.near = self.wanted.union(path[:n] for path in self.wanted for n in range(len(path)))
        self.levels = [_Level((), (), [0], {})]
        self.over = 0
        self.spots: dict[Path, tuple[int, int, tuple[tuple[str, int], ...]]] = {}
        self.several: set[tuple[Path, str]] = set()

    def start(self, name: str, _attributes: list[str]) -> None:
        """An element begins."""
        if self.over:
            self.over += 1
            return
        if not self.plain:
            name = name_at(self.data, self.parser.CurrentByteIndex)
        path, steps, children, names = self.levels[-1]
        number = names[name] = names.get(name, 0) + 1
        if number == 2:
            self.several.add((path, name))
        key = (*path, children[0])
        children[0] += 1
        if key not in self.near:
            self.over = 1
            return
        self.levels.append(_Level(key, (*steps, (name, number)), [0], {}))
        if key in self.wanted:
            line, column = self.lines.at(self.parser.CurrentByteIndex)
            self.spots[key] = (line, column, self.levels[-1].steps)

    def end(self, _name: str) -> None:
        """An element ends."""
        if self.over:
            self.over -= 1
        else:
            self.levels.pop()

    def xpath(self, key: Path, steps: tuple[tuple[str, int], ...]) -> str:
        """The path with a number where the parent holds several of that name."""
        shown = []
        for depth, (name, number) in enumerate(steps):
            many = (key[:depth], name) in self.several
            shown.append(f"{_plain(name)}[{number}]" if many else _plain(name))
        text = "/" + "/".join(shown)
        half = LONGEST_XPATH // 2
        return text if len(text) <= LONGEST_XPATH else f"{text[:half]}…{text[-half:]}"


def _plain(name: str) -> str:
    return name if len(name) <= 100 and name.isprintable() else quoted(name)[1:-1]


def spots(data: bytes, wanted: Iterable[Path]) -> dict[Path, Spot]:
    """Where the elements at these paths stand in ``data`` (UTF-8), as far as there are such."""
    parser = expat.ParserCreate("utf-8")
    finder = _Finder(parser, data, wanted)
    _walk(parser, data, finder.start, finder.end)
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
