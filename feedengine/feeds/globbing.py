"""Globs of a manifest and natural order, as P6 has them. Pure: names go in, decisions come out.

A glob is walked folder by folder: a *state* is the set of positions in the pattern that a folder
on the way has reached, `Glob.step` says which positions a name in that folder reaches. Only what
can still match is entered, and nothing is met twice.
"""

from __future__ import annotations

import fnmatch
import heapq
import re
from functools import lru_cache
from itertools import islice, product
from typing import TYPE_CHECKING, TypeAlias

from feedengine.feeds.paths import OutsideError, local_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

States: TypeAlias = frozenset[int]

MOST_CROSSINGS = 6
"""How many ``**`` may stand inside components; each doubles the ways a glob can be read."""

_NOTHING: States = frozenset()
_WILD = re.compile(r"[*?\[]")
_STARS = re.compile(r"\*{2,}")
_NOT_HIDDEN = r"(?!\.)"


class Glob:
    """A manifest's glob (P6): case-sensitive, ``*`` stays in its folder, ``**`` crosses folders.

    A component is matched as `fnmatch` does (``*``, ``?``, ``[ab]``, ``[!ab]``); ``**`` alone
    stands for zero or more folders, at the end of the glob for everything below. ``**`` inside a
    component (``a**.xml``) crosses folders too. Wildcards never match a hidden name (``.git``).
    A ``.`` component says nothing. Raises `OutsideError` for ``..``, absolute paths, URLs,
    backslashes, control characters and empty components.
    """

    __slots__ = ("_after", "_ends", "_names", "_parts", "_tests", "start", "text")

    def __init__(self, text: str) -> None:
        """Check and compile ``text``."""
        self.text = text
        self._parts: list[str | None] = []
        self._names: dict[States, set[str] | None] = {}
        starts = []
        for reading in _readings(text, _checked(text)):
            starts.append(len(self._parts))
            self._parts += [*reading, None]
        self._ends = frozenset(i for i, part in enumerate(self._parts) if part is None)
        tests = {part: _test(part) for part in set(self._parts)}
        self._tests = [tests[part] for part in self._parts]
        self._after = [self._reached(i) for i in range(len(self._parts))]
        self.start: States = frozenset().union(*map(self._closure, starts))

    def step(self, states: States, name: str) -> States:
        """Positions that ``name`` reaches in a folder which has reached ``states``."""
        found = _NOTHING
        for position in states:
            if self._tests[position](name):
                found = found | self._after[position] if found else self._after[position]
        return found

    def ends(self, states: States) -> bool:
        """Whether a path that has reached ``states`` matches."""
        return not self._ends.isdisjoint(states)

    def goes_on(self, states: States) -> bool:
        """Whether something inside a folder that has reached ``states`` can match."""
        return not states <= self._ends

    def only_names(self, states: States) -> set[str] | None:
        """The names that can match next, where none of them is a wildcard; else None."""
        if states not in self._names:
            names = {part for i in states if (part := self._parts[i]) is not None}
            self._names[states] = None if any(map(_WILD.search, names)) else names
        return self._names[states]

    def _closure(self, position: int) -> States:
        """``position``, and the one behind it where ``**`` may stand for no folder at all."""
        if self._parts[position] == "**":
            return frozenset({position, *self._closure(position + 1)})
        return frozenset({position})

    def _reached(self, position: int) -> States:
        if self._parts[position] is None:
            return _NOTHING
        return self._closure(position if self._parts[position] == "**" else position + 1)


@lru_cache(maxsize=64)
def glob_of(text: str) -> Glob:
    """The glob of this text, remembered: a client's manifests mostly have the same. As `Glob`."""
    return Glob(text)


def _checked(text: str) -> list[str]:
    """Components of the glob, without ``.``."""
    parts = local_parts(text)
    if "" in parts:
        raise OutsideError(text, "has an empty component")
    if ".." in parts:
        raise OutsideError(text, "has the component '..'")
    return [part for part in parts if part != "."]


def _readings(text: str, parts: list[str]) -> Iterator[list[str]]:
    """The glob with every ``**`` alone in its component; ``a**b`` is ``a*b`` or ``a*/**/*b``."""
    tidy = [_STARS.sub("**", part) for part in parts]
    if sum(part.count("**") for part in tidy if part != "**") > MOST_CROSSINGS:
        raise OutsideError(text, "has too many '**' inside components")
    choices = [_component_readings(part) for part in tidy]
    for reading in product(*choices):
        flat: list[str] = []
        for part in (part for group in reading for part in group):
            if part != "**" or flat[-1:] != ["**"]:
                flat.append(part)
        yield [*flat, "*"] if flat[-1:] == ["**"] else flat


def _component_readings(part: str) -> list[list[str]]:
    if part == "**" or "**" not in part:
        return [[part]]
    head, _, tail = part.partition("**")
    readings = []
    for first, *others in _component_readings(f"*{tail}"):
        readings += [[head + first, *others], [f"{head}*", "**", first, *others]]
    return readings


def _test(part: str | None) -> Callable[[str], object]:
    """Says of a name whether it matches one component."""
    if part is None:
        return _never
    if part == "**":
        return re.compile(_NOT_HIDDEN).match
    if not _WILD.search(part):
        return part.__eq__
    hidden = "" if part.startswith(".") else _NOT_HIDDEN
    return re.compile(hidden + fnmatch.translate(part)).match


def _never(_name: str) -> bool:
    return False


_NUMBER = re.compile("0*([0-9]+)")
_RUN = 8192


def natural_key(name: str) -> str:
    """A sort key for one component: numbers by value, ``2`` before ``10`` (P6).

    Text goes by code point, a number where its digit would stand; names that differ in leading
    zeros only go by their text. No two names have one key. A path is ordered component by
    component: ``[natural_key(part) for part in path.split("/")]``.
    """
    return f"{_NUMBER.sub(_by_value, name)}\0{name}"


def _by_value(number: re.Match[str]) -> str:
    """Digits that compare as text in the order of their value: the count of them goes first."""
    return f"0{chr(len(number[1]))}{number[1]}"


def natural_order(names: Iterable[str], skip: int = 0) -> Iterator[str]:
    """``names`` in natural order, read at once and given out one by one.

    The first ``skip`` characters of each are carried along and not compared. Sorted in runs which
    are kept as one text each and merged as they are asked for: 200,000 names of ten characters
    take some 5 MB, where a list of them with its keys would take 30.
    """

    def key(name: str) -> str:
        return natural_key(name[skip:])

    source = iter(names)
    run = list(islice(source, _RUN))
    if len(run) > 1:
        run.sort(key=key)
    if len(run) < _RUN:
        return iter(run)
    runs = ["\0".join(run)]
    while run := list(islice(source, _RUN)):
        run.sort(key=key)
        runs.append("\0".join(run))
    return heapq.merge(*map(_unpacked, runs), key=key)


def _unpacked(run: str) -> Iterator[str]:
    start = 0
    while (end := run.find("\0", start)) >= 0:
        yield run[start:end]
        start = end + 1
    yield run[start:]
