"""How far the files of a package unfold when each ``src`` is put in place (P42).

A file may be named in many places and name others in turn, so that a few small files can stand for
a document beyond all measure. It is walked here as parsing will walk it, without reading anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element as Element

    from feedengine.feeds.tree import SourceFile

MOST_FILES = 10_000
MOST_LEVELS = 32
MOST_NESTED = 128
"""So deep may elements be nested when files stand in their places: what reads them calls itself."""

Trouble: TypeAlias = tuple[str, str, str]
"""Code, message and hint of a finding."""

Sources: TypeAlias = "dict[str, str | Trouble]"
"""For each ``src`` the path of the file it names, or what is wrong with it."""

_FRAME = 2
"""Root and ``Schema`` of a file, which do not come along."""

_SOURCED = etree.XPath("//*[@src]")
_ITEMS = etree.XPath("count(/*/*/*/*)")
_MARKED = etree.XPath("boolean(/*/*/Territories/*[@*])")


def limit(message: str) -> Trouble:
    """A ``source-limit``."""
    return ("source-limit", message, "")


def sourced(found: SourceFile) -> list[Element]:
    """The elements of a file that name another."""
    if found.root is None or b"src" not in found.data:
        return []
    elements: list[Element] = _SOURCED(found.root)
    return elements


class _Use(NamedTuple):
    """A place in a file where another stands: which, how deep, and what reading it there costs."""

    file: str
    depth: int
    cost: int


class _Weight(NamedTuple):
    """What it costs to read a file whole, or to pick one of its items (in tags read)."""

    whole: int
    picked: int
    remembered: bool


class Unfolding:
    """The walk through the files of one package; ``most`` is how many tags it may come to."""

    def __init__(
        self, files: Mapping[str, SourceFile], sources: Sources, main: str, most: int
    ) -> None:
        """Of the package ``main``, which has read ``files``; ``sources`` names them."""
        self.files = files
        self.sources = sources
        self.main = main
        self.left = most
        self.most = most
        self._uses: dict[str, list[_Use]] = {}
        self._weights: dict[str, _Weight] = {}

    def check(self) -> None:
        """Refuse every ``src`` of the package by which it unfolds too far."""
        for element in sourced(self.files[self.main]):
            use = self._use(element)
            message = "" if use is None else self._walk(use)
            if message:
                self.sources[str(element.get("src"))] = limit(message)

    def _walk(self, first: _Use) -> str:
        """What is too much about a file in its place; nothing where all is well."""
        opened = {self.main: 0}
        above: list[Iterator[_Use]] = [iter([first])]
        names = [self.main]
        while above:
            use = next(above[-1], None)
            if use is None:
                above.pop()
                del opened[names.pop()]
                continue
            if use.file in opened:
                continue
            self.left -= use.cost
            if self.left < 0:
                return f"the files named unfold to more than {self.most} tags"
            depth = opened[names[-1]] + use.depth
            if len(above) > MOST_LEVELS:
                return f"files name each other through more than {MOST_LEVELS} levels"
            if depth > MOST_NESTED:
                return f"the files named nest elements deeper than {MOST_NESTED} levels"
            opened[use.file] = depth
            names.append(use.file)
            above.append(iter(self._uses_of(use.file)))
        return ""

    def _uses_of(self, name: str) -> list[_Use]:
        known = self._uses.get(name)
        if known is None:
            found = self.files[name]
            uses = map(self._use, sourced(found))
            known = self._uses[name] = [use for use in uses if use is not None]
        return known

    def _use(self, element: Element) -> _Use | None:
        target = self.sources[str(element.get("src"))]
        if not isinstance(target, str):
            return None
        depth = sum(1 for _ in element.iterancestors()) - _FRAME
        weight = self._weight(target)
        plain = element.tag == "Territories" and weight.remembered and len(element.attrib) == 1
        cost = weight.picked if plain or element.get("ref") is not None else weight.whole
        return _Use(target, depth, cost)

    def _weight(self, name: str) -> _Weight:
        known = self._weights.get(name)
        if known is None:
            found = self.files[name]
            if found.root is None:
                known = _Weight(1, 1, remembered=True)
            else:
                picked = 1 + int(_ITEMS(found.root)) // 8
                known = _Weight(found.tags, picked, remembered=not _MARKED(found.root))
            self._weights[name] = known
        return known
