"""Packages as most of them are, read without a tree (P10 to P17, P30 to P34, P43).

A document is taken apart at its values, and what stands between them is looked up
(`feedengine.feeds.markup`). Taken is only what any XML parser and the schema are known to accept,
and what leaves no finding: known markup, and values without controls and without references but to
characters, which are read without a doubt. Everything else is None here, and is read from its tree;
a property test shows that both ways give the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from feedengine.catalogue.territories import EMPTY, territory_set
from feedengine.feeds.draft import Draft
from feedengine.feeds.item_parts import territory_lists
from feedengine.feeds.markup import State, with_ids
from feedengine.feeds.parts import packages
from feedengine.feeds.plain import dereferenced, plain_text, refers_elsewhere
from feedengine.feeds.reading import BLANK
from feedengine.feeds.rows import ListDraft, Rows, UnusualError
from feedengine.feeds.shape import LISTED, Mark, Shape, Taken
from feedengine.model.instants import InvalidValueError

if TYPE_CHECKING:
    from feedengine.catalogue.territories import TerritorySet, Validity
    from feedengine.errors import Place
    from feedengine.feeds.changes import Change

LARGEST = 1 << 20
"""Bytes of a document; larger ones are read from their trees."""

_VALUES = re.compile(r">([^<>\x00-\x08\x0b-\x1f]*)</")
"""A value and what is around it. Controls stay in the markup, where they are refused."""

_GAPS = re.compile(r">[ \t\n]+(?=<)")

_FIRST, _LAST, _COUNTRY = "<Territories>", "</Territories>", "</Country"

_LISTS: dict[str, TerritorySet] = {}
_MOST_LISTS = 512
_LONGEST_LIST = 64 * 1024
"""A label's packages repeat the same territory list: so many, so long ones are remembered."""


def skim(file: str, data: bytes) -> Change | None:
    """What the package ``file`` asks for; None where its document needs a second look."""
    text = plain_text(data) if len(data) <= LARGEST else None
    if text is None:
        return None
    try:
        listed = None
        start = text.find(_FIRST)
        if start >= 0:
            start += len(_FIRST)
            end = text.find(_LAST, start)
            if end < 0:
                return None
            listed = _territories(text[start:end])
            text = text[:start] + text[end:]
        return _outcome(file, _pieces(with_ids(text)), listed)
    except (UnusualError, InvalidValueError):
        return None


_Met: TypeAlias = "Shape | bool"
_SHAPES: dict[str, _Met] = {}
"""Markup of whole documents → its shape; True: it was met once, False: there is no use in it."""

_MOST_SHAPES = 1_000
_LONGEST_SHAPE = 6_000


def _outcome(file: str, pieces: list[str], listed: TerritorySet | None) -> Change | None:
    """What a document asks for: by its shape, if it has been met, else step by step."""
    whole = "\0".join(pieces[::2])
    shape = _SHAPES.get(whole)
    if shape is None and (tight := _GAPS.sub(">", whole)) != whole:
        pieces[::2] = tight.split("\0")
        shape = _SHAPES.get(tight)
        if isinstance(shape, Shape):
            _remember(whole, shape)
        whole = tight
    if isinstance(shape, Shape):
        values = [value.strip(BLANK) for value in pieces[1::2]]
        if len(values) == shape.size:
            change = shape.change(values, _object_place(file), listed)
            if change is not None:
                return change
    draft = Draft(file, listed)
    _end(*_walk(packages().begin(), pieces, draft), draft)
    if shape is None:
        _remember(whole, True)
    elif shape is True:
        _SHAPES[whole] = _shape(pieces) or False
    return draft.outcome


def _remember(whole: str, shape: _Met) -> None:
    """Keep what is known of the markup of a document; blanks between its tags may differ."""
    if len(whole) <= _LONGEST_SHAPE:
        if len(_SHAPES) >= _MOST_SHAPES:
            _SHAPES.clear()
        _SHAPES[whole] = shape


def _object_place(file: str) -> Place:
    """Where a package's object stands: in the Schema in the root."""
    return ((((None, file), 0), 0), 0)


def _shape(pieces: list[str]) -> Shape | None:
    """The shape of a document that has just been read; None where there is no use in it."""
    draft = Draft("", LISTED)
    filled: list[int] = []
    blank: list[int] = []
    taken: list[Taken] = []
    state = packages().begin()
    for at, (markup, value) in enumerate(zip(pieces[:-1:2], pieces[1::2], strict=True)):
        state, does, column, read, unit, _ = state[markup]
        for do, what in does:
            do(draft, what)
        (blank if column < 0 else filled).append(at)
        if column >= 0 and not value.strip(BLANK):
            return None
        if column >= 0:
            draft.row[column] = Mark.of(at)
        if read is not None:
            taken.append(Taken(at, read, unit))
    try:
        _end(state, pieces[-1].rstrip(BLANK), draft)
        return None if draft.outcome is None else Shape(draft.outcome, filled, blank, taken)
    except UnusualError:
        return None


def _territories(text: str) -> TerritorySet:
    """The list that stands between the tags of a ``Territories`` element."""
    known = _LISTS.get(text)
    if known is None:
        if not text.strip(BLANK):
            return EMPTY
        draft = ListDraft()
        _entries(f"{_FIRST}{text}{_LAST}", draft)
        known = territory_set(draft.entries.items())
        if len(text) <= _LONGEST_LIST:
            if len(_LISTS) >= _MOST_LISTS:
                _LISTS.clear()
            _LISTS[text] = known
    return known


def _entries(text: str, draft: ListDraft) -> None:
    """Read a territory list, country by country.

    What stands between two countries is often the same text: if all of it is about the first of
    them, it is read once.
    """
    first, *others = text.split(_COUNTRY)
    if not others:
        raise UnusualError
    state = _walk_on(territory_lists().begin(), f"{first}</", draft)
    known: dict[str, tuple[State, State, tuple[Validity, ...]]] = {}
    for between in others[:-1]:
        head, _, country = between.rpartition(">")
        before, after, validities = known.get(head) or (None, state, ())
        fresh = not draft.validities
        if fresh and before is state:
            draft.next_territory(validities, country.strip(BLANK))
        else:
            ended = draft.country()
            after = _walk_on(state, f"Country{between}</", draft)
            if fresh and not draft.validities:
                known[head] = state, after, draft.entries.get(ended, ())
        state = after
    _end(*_walk(state, _pieces(f"Country{others[-1]}"), draft), draft)


def _walk_on(state: State, text: str, draft: Rows) -> State:
    """Go through a part of a document that ends at a value."""
    state, last = _walk(state, _pieces(text), draft)
    if last:
        raise UnusualError
    return state


def _walk(state: State, pieces: list[str], draft: Rows) -> tuple[State, str]:
    """Go through a document, or a part of one, from a state.

    Gives the state at its end, and the markup there.
    """
    row, blank, remarks = draft.row, draft.blank, draft.remarks
    for markup, given in zip(pieces[:-1:2], pieces[1::2], strict=True):
        state, does, column, read, unit, required = state[markup]
        if does:
            for do, what in does:
                do(draft, what)
            row, blank = draft.row, draft.blank
        value = given.strip(BLANK)
        if column < 0:
            if value:
                raise UnusualError
        elif row[column] is not blank:
            raise UnusualError
        elif value:
            row[column] = value if read is None else read(value, unit, remarks)
        elif required or blank is None:
            raise UnusualError
        else:
            row[column] = None
    return state, pieces[-1].rstrip(BLANK)


def _end(state: State, last: str, draft: Rows) -> None:
    """The root element ends the document, and there was nothing doubtful in it."""
    if last[-1:] != ">":
        raise UnusualError
    step = state[last[:-1]]
    for do, what in step.does:
        do(draft, what)
    if step.then.parts or draft.remarks:
        raise UnusualError


def _pieces(text: str) -> list[str]:
    """Markup, value, markup, value … and the markup at the end."""
    pieces = _VALUES.split(text)
    if "&" in text:
        values = None if refers_elsewhere(text) else dereferenced(pieces[1::2])
        if values is None:
            raise UnusualError
        pieces[1::2] = values
    return pieces
