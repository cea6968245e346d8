"""Packages as most of them are, read without a tree (P10 to P17, P30 to P34, P43).

A document is taken apart at its values, and what stands between them is looked up
(`feedengine.feeds.markup`). Taken is only what any XML parser and the schema are known to accept,
and what leaves no finding: one of known markup, whose values have no references but XML's five and
no control characters, and are read without a doubt. Everything else is None here, and is read from
its tree; a property test shows that both ways give the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedengine.catalogue.territories import territory_set
from feedengine.feeds.draft import Draft, ListDraft, Rows, UnusualError
from feedengine.feeds.markup import State, packages, territory_lists
from feedengine.feeds.reading import BLANK
from feedengine.model.instants import InvalidValueError

if TYPE_CHECKING:
    from feedengine.catalogue.territories import TerritorySet, Validity
    from feedengine.feeds.changes import Change

LARGEST = 1 << 20
"""Bytes of a document; larger ones are read from their trees."""

_VALUES = re.compile(r">([^<>\x00-\x08\x0b-\x1f]*)</")
"""A value and what is around it. Controls stay in the markup, where they are refused."""

_UNKNOWN_REFERENCE = re.compile("&(?!(?:amp|lt|gt|quot|apos);)")
_FIVE = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))

_FIRST, _LAST, _COUNTRY = "<Territories>", "</Territories>", "</Country"

_LISTS: dict[str, TerritorySet] = {}
_MOST_LISTS = 512
_LONGEST_LIST = 128 * 1024
"""A label's packages repeat the same territory list: so many, so long ones are remembered."""


def skim(file: str, data: bytes) -> Change | None:
    """What the package ``file`` asks for; None where its document needs a second look."""
    text = _text(data)
    if text is None:
        return None
    try:
        found = None
        start = text.find(_FIRST)
        if start >= 0:
            start += len(_FIRST)
            end = text.find(_LAST, start)
            if end < 0:
                return None
            found = _territories(text[start:end])
            text = text[:start] + text[end:]
        draft = Draft(file, found)
        _end(*_walk(packages().begin(), text, draft), draft)
    except (UnusualError, InvalidValueError):
        return None
    return draft.outcome


def _text(data: bytes) -> str | None:
    """The characters of a document, with XML's ends of lines."""
    if len(data) > LARGEST:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if not text.isascii() and ("\ufffe" in text or "\uffff" in text):
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _territories(text: str) -> TerritorySet:
    """The list that stands between the tags of a ``Territories`` element."""
    known = _LISTS.get(text)
    if known is None:
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
    _end(*_walk(state, f"Country{others[-1]}", draft), draft)


def _walk_on(state: State, text: str, draft: Rows) -> State:
    """Go through a part of a document that ends at a value."""
    state, last = _walk(state, text, draft)
    if last:
        raise UnusualError
    return state


def _walk(state: State, text: str, draft: Rows) -> tuple[State, str]:
    """Go through a document, or a part that ends at a value, from a state.

    Gives the state at its end, and the markup there.
    """
    pieces = _VALUES.split(text)
    if "&" in text:
        if _UNKNOWN_REFERENCE.search(text):
            raise UnusualError
        pieces[1::2] = map(_plain, pieces[1::2])
    row, blank, remarks = draft.row, draft.blank, draft.remarks
    last = pieces.pop().rstrip(BLANK)
    each = iter(pieces)
    for markup, given in zip(each, each, strict=True):
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
    return state, last


def _end(state: State, last: str, draft: Rows) -> None:
    """The root element ends the document, and there was nothing doubtful in it."""
    if last[-1:] != ">":
        raise UnusualError
    step = state[last[:-1]]
    for do, what in step.does:
        do(draft, what)
    if step.then.parts or draft.remarks:
        raise UnusualError


def _plain(value: str) -> str:
    """A value with characters in the place of references."""
    if "&" in value:
        for reference, character in _FIVE:
            value = value.replace(reference, character)
    return value
