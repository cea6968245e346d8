"""What the markup between two values does: an automaton, made as documents are met.

A document is taken apart at its values: ``…<ID`` *t1* ``ID>…<Title`` *Hello* ``Title>…``. What
stands between two of them is the same text in one package after the other, so its meaning is
looked up: which elements end and begin (`Part`), what that does to the draft, which column takes
the value that follows (`Step`). Markup that was never met is read by a strict grammar of what is
well-formed, and by what may stand where (`feedengine.feeds.parts`); everything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from feedengine.feeds.plain import OWN_ID
from feedengine.feeds.rows import Rows, UnusualError

if TYPE_CHECKING:
    from feedengine.model.instants import Remarks
    from feedengine.model.scalars import Value

Attributes: TypeAlias = Mapping[str, str]
Do: TypeAlias = tuple[Callable[..., None], Any]
"""A method of the draft, and what it is told."""

Reader: TypeAlias = "Callable[[str, str | None, Remarks], Value]"

LONGEST_MARKUP = 1_000
MOST_MARKUP = 4_000
"""Characters of markup that is remembered, and how many there may be."""
DEEPEST = 16
"""Elements within one another; what is nested deeper is read from its tree."""


class Takes(NamedTuple):
    """The column that takes an element's text, and how it is read; none reads plain text.

    ``required``: it may not be empty.
    """

    column: int
    read: Reader | None = None
    unit: str | None = None
    required: bool = True


class Part:
    """An element in its place: what it does, and which parts may stand inside.

    ``empty`` is what ``<Element/>`` does; None: that needs a second look.
    """

    __slots__ = ("_known", "begin", "empty", "end", "inside", "name", "takes")

    def __init__(
        self,
        inside: Callable[[str, Attributes], Part | None] | None = None,
        *,
        begin: tuple[Do, ...] = (),
        end: tuple[Do, ...] = (),
        empty: tuple[Do, ...] | None = None,
        takes: Takes | None = None,
    ) -> None:
        """Nothing has been met inside yet."""
        self.inside = inside
        self.begin = begin
        self.end = end
        self.empty = empty
        self.takes = takes
        self.name = ""
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], Part | None] = {}

    def part(self, name: str, attributes: Attributes) -> Part | None:
        """The part that an element inside is; the same for the same element."""
        if self.inside is None:
            return None
        mark = (name, tuple(sorted(attributes.items())))
        if mark not in self._known:
            found = self._known[mark] = self.inside(name, attributes)
            if found is not None:
                found.name = name
        return self._known[mark]


class Step(NamedTuple):
    """What a piece of markup does: to the draft, and with the value behind it.

    ``column`` is -1 where no value may stand.
    """

    then: State
    does: tuple[Do, ...]
    column: int
    read: Reader | None
    unit: str | None
    required: bool


class State(dict[str, Step]):
    """The elements that are open; markup → what it does there."""

    __slots__ = ("automaton", "parts")

    def __init__(self, automaton: Automaton, parts: tuple[Part, ...]) -> None:
        """No markup met yet."""
        super().__init__()
        self.automaton = automaton
        self.parts = parts

    def __missing__(self, markup: str) -> Step:
        """Learn what the markup does."""
        known = len(markup) <= LONGEST_MARKUP
        found = self._learnt(markup) if known else None
        step = found or Step(self, _REFUSED, -1, None, None, required=True)
        if known:
            self[markup] = step
            self.automaton.size += 1
        return step

    def _learnt(self, markup: str) -> Step | None:
        """P10, P15: what is well-formed and declared; None where it is anything else."""
        parts = list(self.parts)
        does: list[Do] = []
        ended, tags = tags_of(markup, first=self is self.automaton.start)
        if tags is None or (ended and (not parts or parts[-1].name != ended)):
            return None
        if ended:
            does += parts.pop().end
        elif self is not self.automaton.start:
            return None
        here = parts[-1] if parts else self.automaton.frame if not ended else None
        for name, attributes, closed in tags:
            part = None if here is None else here.part(name, attributes)
            if part is None or (closed and part.empty is None):
                return None
            does += (part.empty or ()) if closed else part.begin
            if not closed:
                parts.append(part)
                here = part
        if len(parts) > DEEPEST:
            return None
        takes = here.takes if here is not None and tags and not tags[-1].closed else None
        column, read, unit, required = takes or _NO_VALUE
        return Step(self.automaton.state(tuple(parts)), tuple(does), column, read, unit, required)


class Automaton:
    """All that is known of the markup of packages, or of territory lists.

    Hostile documents have ever new markup: when too much is known, all is forgotten.
    """

    def __init__(self, frame: Callable[[], Part]) -> None:
        """Nothing is known yet; ``frame`` makes the part in which a document stands."""
        self._frame = frame
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.size = 0
        self.frame = self._frame()
        self.states: dict[tuple[Part, ...], State] = {}
        self.start = State(self, ())

    def begin(self) -> State:
        """The state in which nothing has been read."""
        if self.size > MOST_MARKUP:
            self.forget()
        return self.start

    def state(self, parts: tuple[Part, ...]) -> State:
        """The state in which these parts are open."""
        found = self.states.get(parts)
        if found is None:
            found = self.states[parts] = State(self, parts)
        return found


def _refuse(_draft: Rows, _nothing: None) -> None:
    raise UnusualError


_REFUSED: tuple[Do, ...] = ((_refuse, None),)
_NO_VALUE = Takes(-1)


# The grammar of markup


def with_ids(text: str) -> str:
    """A document with its ``id=`` as elements, which are no children of their own (`OWN_ID`)."""
    found = _ANY_ID.search(text)
    if found is None:
        return text
    done, at = 0, found.start()
    pieces: list[str] = []
    while at >= 0:  # few tags have one: the others are not looked at
        tag = _WITH_ID.match(text, max(text.rfind("<", done, at), done))
        if tag is not None:
            pieces += [text[done : tag.start()], _id_inside(tag)]
            done = tag.end()
        behind = text.find("<", at) if tag is None else done
        at = text.find("id=", behind) if behind >= 0 else -1
    return "".join([*pieces, text[done:]])


def _id_inside(tag: re.Match[str]) -> str:
    name, before, value, behind, closed = tag.groups()
    end = f"</{name}>" if closed else ""
    return f"<{name}{OWN_ID}{before}{behind}><ID>{value[1:-1]}</ID>{end}"


class Tag(NamedTuple):
    """A tag that begins an element."""

    name: str
    attributes: Attributes
    closed: bool


_VALUE = r"""(?:"[^"<>&\t\n]*"|'[^'<>&\t\n]*')"""
_PROLOG = re.compile(r"[ \t\n]*")
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_ENDED = re.compile(rf"({_NAME})>[ \t\n]*")
_TAG = re.compile(rf"<({_NAME})({OWN_ID}?)((?:[ \t\n]+[A-Za-z]+={_VALUE})*)[ \t\n]*(/?)>[ \t\n]*")
_ANY_ID = re.compile("=(?<=id=)")
"""Whether there is an ``id=``: few characters of a document are ``=``."""
_WITH_ID = re.compile(
    rf"<([A-Za-z]+)((?:[ \t\n]+[A-Za-z]+={_VALUE})*?)[ \t\n]+id=({_VALUE})([^<>]*?)(/?)>"
)
_ATTRIBUTE = re.compile(rf"([A-Za-z]+)=({_VALUE})")


def tags_of(markup: str, *, first: bool) -> tuple[str, list[Tag] | None]:
    """The element that ends at the beginning of markup, and the tags behind it; None: refused.

    The bracket behind the last name was taken off with the value.
    """
    text = markup + ">"
    found = (_PROLOG if first else _ENDED).match(text)
    if found is None:
        return "", None
    at, ended = found.end(), "" if first else found[1]
    tags: list[Tag] = []
    while at < len(text):
        tag = _TAG.match(text, at)
        if tag is None:
            return ended, None
        given = [(name, value[1:-1]) for name, value in _ATTRIBUTE.findall(tag[3])]
        given += [(OWN_ID, "")] * len(tag[2])
        attributes = dict(given)
        if len(attributes) < len(given):
            return ended, None
        tags.append(Tag(tag[1], attributes, bool(tag[4])))
        at = tag.end()
    return ended, tags
