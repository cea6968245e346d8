"""Packages as most of them are, read without a tree (P10 to P17, P30 to P34, P43).

A document is taken apart at its values, and what stands between them is looked up
(`feedengine.feeds.markup`). Taken is only what any XML parser and the schema are known to accept,
and what leaves no finding but warnings about its values (`feedengine.feeds.doubts`): known markup,
and values without controls and without references but to characters. Everything else is None here,
and is read from its tree; a property test shows that both ways give the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from feedengine.feeds.changes import Change
from feedengine.feeds.doubts import doubts, faults
from feedengine.feeds.draft import Draft
from feedengine.feeds.listed import FIRST, GAPS, LAST, Listed, territories
from feedengine.feeds.markup import with_ids
from feedengine.feeds.parts import packages
from feedengine.feeds.plain import plain_text
from feedengine.feeds.reading import BLANK
from feedengine.feeds.rows import UnusualError
from feedengine.feeds.shape import LISTED, Mark, Shape, Taken
from feedengine.feeds.walking import end, nothing, pieces_of, walk
from feedengine.model.instants import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feedengine.catalogue.territories import TerritorySet
    from feedengine.errors import Fault, Place
    from feedengine.feeds.changes import Request
    from feedengine.model.instants import Remarks

LARGEST = 1 << 20
"""Bytes of a document; larger ones are read from their trees."""


class Skimmed(NamedTuple):
    """What a package asks for, and its warnings."""

    request: Request
    faults: Sequence[Fault] = ()


def skim(file: str, data: bytes) -> Skimmed | None:
    """What the package ``file`` asks for; None where its document needs a second look."""
    text = plain_text(data) if len(data) <= LARGEST else None
    if text is None:
        return None
    try:
        listed = None
        start = text.find(FIRST)
        if start >= 0:
            start += len(FIRST)
            end = text.find(LAST, start)
            if end < 0:
                return None
            listed = territories(text[start:end])
            if listed is not None:
                text = text[:start] + text[end:]
        return _skimmed(file, pieces_of(with_ids(text)), listed)
    except (UnusualError, InvalidValueError):
        return None


def _skimmed(file: str, pieces: list[str], listed: Listed | None) -> Skimmed | None:
    """What a document asks for, and what is doubtful in it."""
    remarks: Remarks = []
    request = _outcome(file, pieces, None if listed is None else listed.territories, remarks)
    apart = () if listed is None else listed.doubts
    if request is None:
        return None
    if not (remarks or apart):
        return Skimmed(request)
    own = doubts(packages().begin(), pieces) if remarks else []
    return Skimmed(request, faults(file, own, pieces, apart))


_Met: TypeAlias = "Shape | bool"
_SHAPES: dict[str, _Met] = {}
"""Markup of whole documents → its shape; True: it was met once, False: there is no use in it."""

_MOST_SHAPES = 1_000
_USUAL_SHAPE = 6_000
_LONGEST_SHAPE = 64 * 1024
"""So many of so many characters are remembered, fewer of longer ones."""


def _outcome(
    file: str, pieces: list[str], listed: TerritorySet | None, remarks: Remarks
) -> Request | None:
    """What a document asks for: by its shape, if it has been met, else step by step."""
    whole = "\0".join(pieces[::2])
    shape = _SHAPES.get(whole)
    if shape is None and (tight := GAPS.sub(">", whole)) != whole:
        pieces[::2] = tight.split("\0")
        shape = _SHAPES.get(tight)
        if isinstance(shape, Shape):
            _remember(whole, shape)
        whole = tight
    if isinstance(shape, Shape):
        values = [value.strip(BLANK) for value in pieces[1::2]]
        change = shape.change(values, _object_place(file), listed, remarks)
        if change is not None:
            return change
        whole = f"{whole}\0{[at for at, value in enumerate(values) if not value]}"
        shape = _SHAPES.get(whole)  # of those of which these are empty
        if isinstance(shape, Shape):
            change = shape.change(values, _object_place(file), listed, remarks)
            if change is not None:
                return change
    draft = Draft(file, listed)
    end(*walk(packages().begin(), pieces, draft), draft)
    remarks += draft.remarks
    if shape is None:
        _remember(whole, True)
    elif shape is True:
        _SHAPES[whole] = _shape(pieces, None if listed is None else LISTED) or False
    return draft.outcome


def _remember(whole: str, shape: _Met) -> None:
    """Keep what is known of the markup of a document; blanks between its tags may differ."""
    if len(whole) <= _LONGEST_SHAPE:
        if len(_SHAPES) * max(len(whole), _USUAL_SHAPE) >= _MOST_SHAPES * _USUAL_SHAPE:
            _SHAPES.clear()
        _SHAPES[whole] = shape


def _object_place(file: str) -> Place:
    """Where a package's object stands: in the Schema in the root."""
    return ((((None, file), 0), 0), 0)


def _shape(pieces: list[str], listed: TerritorySet | None) -> Shape | None:
    """The shape of a document that has just been read; None where there is no use in it."""
    draft = Draft("", listed)
    filled: list[int] = []
    blank: list[int] = []
    taken: list[Taken] = []
    state = packages().begin()
    try:
        for at, (markup, value) in enumerate(zip(pieces[:-1:2], pieces[1::2], strict=True)):
            state, does, column, read, unit, _ = state[markup]
            for do, what in does:
                do(draft, what)
            empty = column < 0 or not value.strip(BLANK)
            (blank if empty else filled).append(at)
            if column >= 0:
                draft.row[column] = nothing(draft.blank) if empty else Mark.of(at)
            if read is not None and not empty:
                taken.append(Taken(at, read, unit))
        end(state, pieces[-1].rstrip(BLANK), draft)
        if not isinstance(draft.outcome, Change):
            return None
        return Shape(draft.outcome, filled, blank, taken)
    except UnusualError:
        return None
