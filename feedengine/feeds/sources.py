"""How far the files of a package unfold when each ``src`` is put in place (P42).

A file may be named in many places and name others in turn, so that a few small files can stand for
a document beyond all measure. It is walked here as parsing will walk it, without reading anything:
a model's file once, a list's file wherever it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element as Element

    from feedengine.feeds.tree import Limits, SourceFile

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
_MODEL = etree.XPath("boolean(/*/*[not(Territory or Territories or Genres)])")
_MARKED = etree.XPath("boolean(/*/*/Territories/*[@*])")


def limit(message: str) -> Trouble:
    """A ``source-limit``."""
    return ("source-limit", message, "")


def sourced(found: SourceFile) -> list[Element]:
    """The elements of a file that name another; looked for once."""
    if found.sourced is None:
        found.sourced = []
        if found.root is not None and b"src" in found.data:
            found.sourced = _SOURCED(found.root)
    return found.sourced


class _Use(NamedTuple):
    """A place in a file where another stands: which, how deep, and what reading it there costs.

    What was made of a model's file is remembered (`feedengine.feeds.reading.Reading`).
    """

    file: str
    depth: int
    cost: int
    remembered: bool


class _Weight(NamedTuple):
    """What it costs to read a file whole, to look through its items, or to read one (in tags).

    ``plain`` is a file of territories without sub-actions, which is remembered as a list.
    """

    whole: int
    listed: int
    one: int
    plain: bool
    model: bool


class Unfolding:
    """The walk through the files of one package, in the order in which they are read."""

    def __init__(
        self, files: Mapping[str, SourceFile], sources: Sources, main: str, limits: Limits
    ) -> None:
        """Of the package ``main``, which has read ``files``; ``sources`` names them."""
        self.files = files
        self.sources = sources
        self.main = main
        self.limits = limits
        self.left = limits.tags
        self._read: set[str] = set()
        self._uses: dict[str, list[_Use]] = {}

    def check(self) -> None:
        """Refuse every ``src`` of the package by which it unfolds too far."""
        for element in sourced(self.files[self.main]):
            use = self._use(element)
            if use is None:
                continue
            entered: set[str] = set()
            message = self._walk(use, entered)
            if message:
                self.sources[str(element.get("src"))] = limit(message)
                self._read -= entered

    def _walk(self, first: _Use, entered: set[str]) -> str:
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
            known = use.remembered and use.file in self._read
            self.left -= 1 if known else use.cost
            if self.left < 0:
                return f"the files named unfold to more than {self.limits.tags} tags"
            if known:
                continue
            depth = opened[names[-1]] + use.depth
            if len(above) > self.limits.levels:
                return f"files name each other through more than {self.limits.levels} levels"
            if depth > MOST_NESTED:
                return f"the files named nest elements deeper than {MOST_NESTED} levels"
            if use.remembered and use.file not in self._read:
                self._read.add(use.file)
                entered.add(use.file)
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
        plain = element.tag == "Territories" and weight.plain and len(element.attrib) == 1
        whole = weight.listed if plain else weight.whole
        cost = whole if element.get("ref") is None else weight.one
        return _Use(target, depth, cost, weight.model)

    def _weight(self, name: str) -> _Weight:
        found = self.files[name]
        if found.weight is None:
            found.weight = _weighed(found)
        weight: _Weight = found.weight
        return weight


def _weighed(found: SourceFile) -> _Weight:
    """What it costs to read a file; the same in every package that reads it."""
    if found.root is None:
        return _Weight(1, 1, 1, plain=True, model=True)
    items = int(_ITEMS(found.root))
    listed, one = 1 + items // 8, 1 + found.tags // (items or 1)
    return _Weight(
        found.tags, listed, one, plain=not _MARKED(found.root), model=bool(_MODEL(found.root))
    )
