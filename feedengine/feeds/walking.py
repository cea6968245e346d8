"""The walk through a document, or a part of one, from value to value (`feedengine.feeds.skim`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from feedengine.feeds.plain import dereferenced, refers_elsewhere
from feedengine.feeds.reading import BLANK
from feedengine.feeds.rows import VOID, Rows, UnusualError

if TYPE_CHECKING:
    from feedengine.feeds.changes import Asked
    from feedengine.feeds.markup import State

_VALUES = re.compile(r">([^<>\x00-\x08\x0b-\x1f]*)</")
"""A value and what is around it. Controls stay in the markup, where they are refused."""


def walk_on(state: State, text: str, draft: Rows) -> State:
    """Go through a part of a document that ends at a value."""
    state, last = walk(state, pieces_of(text), draft)
    if last:
        raise UnusualError
    return state


def walk(state: State, pieces: list[str], draft: Rows) -> tuple[State, str]:
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
        elif required:
            raise UnusualError
        else:
            row[column] = nothing(blank)
    return state, pieces[-1].rstrip(BLANK)


def nothing(blank: object) -> Asked:
    """What an empty element leaves in a row: NULL in a model's (P17), nothing in an item's."""
    return cast("Asked", VOID) if blank is None else None


def end(state: State, last: str, draft: Rows) -> None:
    """The root element ends the document."""
    if last[-1:] != ">":
        raise UnusualError
    step = state[last[:-1]]
    for do, what in step.does:
        do(draft, what)
    if step.then.parts:
        raise UnusualError


def pieces_of(text: str) -> list[str]:
    """Markup, value, markup, value … and the markup at the end."""
    pieces = _VALUES.split(text)
    if "&" in text:
        values = None if refers_elsewhere(text) else dereferenced(pieces[1::2])
        if values is None:
            raise UnusualError
        pieces[1::2] = values
    return pieces
