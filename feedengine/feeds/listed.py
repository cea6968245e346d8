"""Territory lists at a glance: those that a label's packages repeat, and others (P36).

A list is remembered by its text. In one that is new, what stands between two countries is often
known, too: by its text, with other blanks between its tags, or with other values.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from feedengine.catalogue.availability import too_many
from feedengine.catalogue.territories import EMPTY, Validity, territory_set
from feedengine.feeds.doubts import Doubt, doubts
from feedengine.feeds.item_parts import territory_lists
from feedengine.feeds.reading import BLANK
from feedengine.feeds.rows import ListDraft, UnusualError
from feedengine.feeds.shape import Mark, Picked, Taken, picking
from feedengine.feeds.walking import end, nothing, pieces_of, walk, walk_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feedengine.catalogue.territories import TerritorySet
    from feedengine.feeds.markup import State

FIRST, LAST = "<Territories>", "</Territories>"
_COUNTRY = "</Country"
_EDITS = re.compile(r"[ \t\n](?:action|operator)=")
GAPS = re.compile(r">[ \t\n]+(?=<)")
"""Blanks between tags."""

_LISTS: dict[str, Listed] = {}
_MOST_LISTS = 512
_LONGEST_LIST = 64 * 1024
"""A label's packages repeat the same territory list: so many, so long ones are remembered."""

_HEADS: dict[str, _Head] = {}
_FORMS: dict[str, _Form] = {}
_MOST_HEADS = 8_000
_LONGEST_HEAD = 2_000
"""So many texts between two countries are remembered, by their values and without; so long ones."""


class Listed(NamedTuple):
    """A territory list, and what is doubtful in it."""

    territories: TerritorySet
    doubts: Sequence[Doubt] = ()


_NOTHING = Listed(EMPTY)


class _Head(NamedTuple):
    """What stands from a country to the next: the states before and after, the validities."""

    before: State
    after: State
    validities: tuple[Validity, ...]


class _Form(NamedTuple):
    """The same with other values: which are filled, which are blank, ``taken`` in what way."""

    before: State
    after: State
    filled: Picked
    blank: Picked
    taken: Sequence[Taken]
    rows: Sequence[Picked]


def territories(text: str) -> Listed | None:
    """The list that stands between the tags of a ``Territories`` element; None: it is edited.

    Raises `UnusualError` and `InvalidValueError`.
    """
    known = _LISTS.get(text)
    if known is None:
        if not text.strip(BLANK):
            return _NOTHING
        if "=" in text and _EDITS.search(text):
            return None
        draft = ListDraft()
        whole = f"{FIRST}{text}{LAST}"
        _entries(whole, draft)
        found = doubts(territory_lists().begin(), pieces_of(whole)) if draft.remarks else ()
        known = Listed(territory_set(draft.entries.items()), found)
        if len(text) <= _LONGEST_LIST:
            _keep(_LISTS, text, known, _MOST_LISTS)
    return known


def _keep(known: dict[str, Any], text: str, what: object, most: int) -> None:
    """Remember something; if that is too much, all else is forgotten."""
    if len(known) >= most:
        known.clear()
    known[text] = what


def _entries(text: str, draft: ListDraft) -> None:
    """Read a territory list, country by country.

    What stands between two countries is known where all of it is about the first of them.
    """
    first, *others = text.split(_COUNTRY)
    if not others:
        raise UnusualError
    state = walk_on(territory_lists().begin(), f"{first}</", draft)
    before: dict[str, _Head] = {}  # in this list: most of what follows is the same text
    for between in others[:-1]:
        text, _, country = between.rpartition(">")
        found = before.get(text)
        if draft.validities:
            found = None
        elif found is None or found.before is not state:
            found = _known(state, text, draft)
        if found is None:
            state = _learn(state, text, between, draft)
        else:
            before[text] = found
            draft.next_territory(found.validities, country.strip(BLANK))
            state = found.after
    end(*walk(state, pieces_of(f"Country{others[-1]}"), draft), draft)


def _known(state: State, text: str, draft: ListDraft) -> _Head | None:
    """What stands behind a country: known as it is, with other values, with other blanks."""
    found = _HEADS.get(text)
    if found is None or found.before is not state:
        found = _formed(state, text, draft)
        if found is None:
            tight = GAPS.sub(">", text)
            found = _HEADS.get(tight)
            if found is None or found.before is not state:
                found = _formed(state, tight, draft)
        if found is not None:
            _keep(_HEADS, text, found, _MOST_HEADS)
    return found


def _formed(state: State, text: str, draft: ListDraft) -> _Head | None:
    """What stands behind a country, where the same with other values is known."""
    pieces = pieces_of(f"Country{text}></")
    form = _FORMS.get("\0".join(pieces[::2]))
    if form is None or form.before is not state:
        return None
    values: list[Any] = [value.strip(BLANK) for value in pieces[1::2]]
    if not all(form.filled(values)) or any(form.blank(values)):
        return None
    for at, read, unit in form.taken:
        values[at] = read(values[at], unit, draft.remarks)
    values[-1] = None
    found = tuple([Validity(*row(values)) for row in form.rows])
    if len(set(found)) < len(found) or too_many(found):
        raise UnusualError
    if draft.remarks:  # which are not to be forgotten where the same comes again
        return None
    return _Head(state, form.after, found)


def _learn(state: State, text: str, between: str, draft: ListDraft) -> State:
    """Read what stands behind a country, up to the next one, and remember it if it is of use."""
    fresh = not draft.validities
    ended = draft.country()
    after = walk_on(state, f"Country{between}</", draft)
    if fresh and not (draft.validities or draft.remarks) and len(text) <= _LONGEST_HEAD:
        for spelt in {text, GAPS.sub(">", text)}:
            _keep(_HEADS, spelt, _Head(state, after, draft.entries.get(ended, ())), _MOST_HEADS)
            pieces = pieces_of(f"Country{spelt}></")
            _keep(_FORMS, "\0".join(pieces[::2]), _form(state, after, pieces), _MOST_HEADS)
    return after


def _form(state: State, after: State, pieces: list[str]) -> _Form:
    """The form of what has just been read: once more, with marks for its values."""
    draft = ListDraft()
    draft.begin_territory(None)
    draft.row[0] = "WW"
    taken: list[Taken] = []
    blank: list[int] = []
    before = state
    for at, (markup, value) in enumerate(zip(pieces[:-1:2], pieces[1::2], strict=True)):
        state, does, column, read, unit, _ = state[markup]
        for do, what in does:
            do(draft, what)
        if at == len(pieces) // 2 - 1:  # the next country
            break
        empty = not value.strip(BLANK)
        if empty:
            blank.append(at)
        if column >= 0:
            draft.row[column] = nothing(draft.blank) if empty else Mark.of(at)
            if read is not None and not empty:
                taken.append(Taken(at, read, unit))
    rows = [
        itemgetter(*[one.at if isinstance(one, Mark) else -1 for one in validity])
        for validity in draft.entries.get("WW", ())
    ]
    filled = [at for at in range(len(pieces) // 2 - 1) if at not in blank]
    return _Form(before, after, picking(filled), picking(blank), taken, rows)
