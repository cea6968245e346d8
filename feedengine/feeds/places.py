"""From a `Place` to line, column and XPath, by a second look at the bytes, only when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat

if TYPE_CHECKING:
    from feedengine.errors import Place


class Spot(NamedTuple):
    """Line and column from 1 (0: the file as a whole) and the XPath of an element."""

    line: int
    column: int
    xpath: str


WHOLE = Spot(0, 0, "")


def unwound(place: Place) -> tuple[str, tuple[int, ...]]:
    """The file of a place, and the indexes of elements from its root downwards."""
    steps: list[int] = []
    while place[0] is not None:
        steps.append(int(place[1]))
        place = place[0]
    return str(place[1]), tuple(reversed(steps))


class _Finder:
    """Walks a document and notes where the wanted elements begin."""

    def __init__(self, parser: expat.XMLParserType, wanted: set[tuple[int, ...]]) -> None:
        self.parser = parser
        self.wanted = wanted
        self.path: list[int] = []
        self.counts: list[dict[str, int]] = [{}]
        self.children = [0]
        self.names: list[tuple[str, int]] = []
        self.spots: dict[tuple[int, ...], tuple[int, int, list[tuple[str, int]]]] = {}
        self.several: dict[tuple[tuple[int, ...], str], int] = {}

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """An element begins."""
        self.path.append(self.children[-1])
        self.children[-1] += 1
        counts = self.counts[-1]
        counts[name] = counts.get(name, 0) + 1
        self.names.append((name, counts[name]))
        key = tuple(self.path)
        if key in self.wanted:
            line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
            self.spots[key] = (line, column, list(self.names))
        self.children.append(0)
        self.counts.append({})

    def end(self, _name: str) -> None:
        """An element ends: how many of each name it held is known now."""
        inside = self.counts.pop()
        self.children.pop()
        here = tuple(self.path)
        for name, count in inside.items():
            if count > 1:
                self.several[here, name] = count
        self.path.pop()
        self.names.pop()

    def xpath(self, key: tuple[int, ...], names: list[tuple[str, int]]) -> str:
        """The path with a number where the parent holds several of that name."""
        steps = []
        for depth, (name, number) in enumerate(names):
            many = (key[:depth], name) in self.several
            steps.append(f"{name}[{number}]" if many else name)
        return "/" + "/".join(steps)


def spots(
    data: bytes, encoding: str | None, wanted: set[tuple[int, ...]]
) -> dict[tuple[int, ...], Spot]:
    """Where the elements at these index paths stand; what is not found is left out."""
    parser = expat.ParserCreate(encoding)
    finder = _Finder(parser, wanted)
    parser.StartElementHandler = finder.start
    parser.EndElementHandler = finder.end
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes it by position only
    except expat.ExpatError:
        return {key: Spot(line, column, "") for key, (line, column, _) in finder.spots.items()}
    return {
        key: Spot(line, column, finder.xpath(key, names))
        for key, (line, column, names) in finder.spots.items()
    }
