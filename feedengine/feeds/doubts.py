"""What is doubtful about the values of a package that is read at a glance: its warnings (P16, P18).

Most packages have none. Where values leave remarks they are read once more, one after the other,
and each is told with its place.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from feedengine.errors import Fault, Place
from feedengine.feeds.markup import tags_of
from feedengine.feeds.plain import OWN_ID
from feedengine.feeds.reading import BLANK, RULE_OF_REMARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feedengine.feeds.markup import State
    from feedengine.feeds.places import Path
    from feedengine.model.instants import Remarks


class Doubt(NamedTuple):
    """A remark on the value of the element at a path."""

    path: Path
    code: str
    message: str


def doubts(state: State, pieces: Sequence[str]) -> list[Doubt]:
    """The doubts of a document, or of a part of one, that has just been read from this state."""
    found: list[Doubt] = []
    paths, _ = _paths("\0".join(pieces[:-1:2]))
    for path, markup, given in zip(paths, pieces[:-1:2], pieces[1::2], strict=True):
        step = state[markup]
        state, value = step.then, given.strip(BLANK)
        if step.read is not None and value:
            remarks: Remarks = []
            step.read(value, step.unit, remarks)
            found += [Doubt(path, *remark) for remark in remarks]
    return found


def faults(
    file: str, found: list[Doubt], pieces: Sequence[str], listed: Iterable[Doubt]
) -> list[Fault]:
    """The warnings of a package, in its order; ``listed`` are those of its territory list."""
    _, apart = _paths("\0".join(pieces[:-1:2]))
    found = found + [one._replace(path=apart + one.path[1:]) for one in listed]
    return [_fault(file, one) for one in sorted(found, key=lambda one: one.path)]


def _fault(file: str, doubt: Doubt) -> Fault:
    place: Place = (None, file)
    for index in doubt.path:
        place = (place, index)
    return Fault(doubt.code, RULE_OF_REMARK[doubt.code], place, doubt.message)


@lru_cache(maxsize=256)
def _paths(whole: str) -> tuple[Sequence[Path], Path]:
    """The paths of the elements that hold the values, and that of the first territory list.

    An ID that is an attribute was made an element, which is no child of its own (`OWN_ID`).
    """
    found: list[Path] = []
    listed: Path = ()
    path: list[int] = []
    counts = [0]
    apart = False
    for number, markup in enumerate(whole.split("\0")):
        ended, tags = tags_of(markup, first=not number)
        if ended:
            path.pop()
            counts.pop()
        for tag in tags or ():
            path.append(counts[-1])
            counts[-1] += not apart
            counts.append(0)
            if not listed and tag.name == "Territories" and not (tag.attributes or tag.closed):
                listed = tuple(path)
            if tag.closed:
                path.pop()
                counts.pop()
            apart = OWN_ID in tag.attributes
        found.append(tuple(path))
    return found, listed
