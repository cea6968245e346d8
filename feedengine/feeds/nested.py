"""Models nested in others: linked, created on the way, pulled (P26, P30–P33, P40–P43)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from feedengine.errors import Place, quoted
from feedengine.feeds import changes, rules
from feedengine.feeds.changes import Change, Source, bare
from feedengine.feeds.frame import PLURALS, Model, identity, list_members, sourced
from feedengine.feeds.lists import (
    NO_MARKS,
    Marks,
    allow,
    check_announced,
    collection_marks,
    marked,
)
from feedengine.feeds.models import Body, Slot, model, no_id, twice
from feedengine.feeds.quick import quick_reference
from feedengine.feeds.reading import Reading, attributes, is_empty, word_of
from feedengine.model.entities import Kind, kinds

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feedengine.feeds.changes import Action
    from feedengine.feeds.rules import Mode

DEEPEST_INLINE = 28
"""Nested models beyond this many levels are checked for the depth limit (P11)."""


NO_SOURCE = "no source"
"""The word of a member whose file is not there: it raises its own finding only (P40)."""


class Member(NamedTuple):
    """A nested model of a list, its word, and the ID alone where it is pulled."""

    word: str | None
    change: Change | None
    pulled: str | None
    place: Place


def nested(
    reading: Reading,
    element: Element,
    place: Place,
    kind: Kind,
    mode: Mode,
    marks: Marks,
    file: str | None = None,
) -> Member:
    """A nested model with the action that holds for it (P26, P40, P43).

    ``file`` is the one it stands in where its collection came from there.
    """
    if marks is NO_MARKS and not element.keys():
        change = _entered(reading, Model(element, place, None, file), kind, "refer")
        return Member(None, change, None, place)
    attributes(reading, element, place, rules.NESTED_ATTRIBUTES)
    word = word_of(reading, element, place)
    word = None if word == "view" else word
    if _against(marks, word):
        message = f"the list says {marks.word}, its child {word}"
        reading.fault("action-conflict", "P30", place, message)
    pulling = marks.word == "pull" or (marks.word is None and word == "pull")
    found = sourced(reading, element, place, kind.element)
    if word is not None and word in rules.HOLDING and not _against(marks, word):
        allow(reading, mode, word, place)
    if found is None:
        return Member(word or marks.word or NO_SOURCE, None, None, place)
    if pulling:
        return Member("pull", None, _pulled(reading, found, place), place)
    if found.file is None and file is not None:
        found = found._replace(file=file)
    primary = _own_action(reading, found, place, word)
    if primary is not None:
        allow(reading, mode, primary, place)
    change = _entered(reading, found, kind, primary or "refer")
    return Member(word or marks.word or primary, change, None, place)


def _against(marks: Marks, word: str | None) -> bool:
    """Whether a child's action contradicts the one its list has for all (P30)."""
    if marks.word not in rules.HOLDING or word is None:
        return False
    if word in rules.HOLDING:
        return word != marks.word
    return marks.word == "pull" and word in {"create", "upsert"}


def _own_action(reading: Reading, found: Model, place: Place, word: str | None) -> str | None:
    """The nested Create or Upsert, on the element or in the file that stands for it (P26)."""
    own = None if word in rules.HOLDING or word == rules.UNKNOWN else word
    # P42: the package named by one of its files is a bare reference, whatever it says itself.
    silent = found.action in {"view", rules.UNKNOWN} or found.file == reading.document.file
    file = None if silent else found.action
    if own is not None and file is not None and own != file:
        message = f"the element says {own.capitalize()}, its file {file.capitalize()}"
        reading.fault("action-conflict", "P40", place, message)
        return None
    action = own or file
    if action is None or action in {"create", "upsert"}:
        return action
    verdict = rules.verdict_on("update", action)
    if action in rules.HOLDING:
        return None
    message = f"{action.capitalize()} may not stand on a nested model"
    reading.fault("action-forbidden", "P26", place, message, verdict.hint)
    return None


def _pulled(reading: Reading, found: Model, place: Place) -> str | None:
    name = identity(reading, found.element, found.place)
    if any(child.tag != "ID" for child in found.element):
        reading.pass_over()
    if name is None:
        reading.fault("pull-empty", "P33", place, f"the Pull of {found.element.tag!s} names no ID")
    return name


def _entered(reading: Reading, found: Model, kind: Kind, action: str) -> Change | None:
    """Read a nested model; one whose file is being read already stands for its ID (P42)."""
    if found.file is None:
        reading.level += 1
        try:
            if reading.level == DEEPEST_INLINE and reading.pass_over():
                return None
            return model(reading, found, kind, action)
        finally:
            reading.level -= 1
    again = found.file in reading.open
    mark = (found.place, action, again)
    if mark not in reading.models:
        read = _again if again else _whole
        reading.models[mark] = read(reading, found, kind, action)
    return reading.models[mark]


def _whole(reading: Reading, found: Model, kind: Kind, action: str) -> Change | None:
    """P42: a model from a file, which is read once a package for each action."""
    file = str(found.file)
    source = reading.sources.setdefault(found.place, Source(file))
    level, reading.level = reading.level, 0
    reading.open.append(file)
    change = model(reading, found, kind, action)
    reading.open.pop()
    reading.level = level
    if change is not None:
        change = change._replace(source=source)
        source.change = source.change or change
    return change


def _again(reading: Reading, found: Model, kind: Kind, action: str) -> Change | None:
    """P42: of a file that is being read already the ID alone; it has its own content elsewhere."""
    name = identity(reading, found.element, found.place)
    if name is None:
        no_id(reading, found.element, found.place)
        return None
    file = str(found.file)
    whole = Change("refer", kind, name, (), (), (), found.place)
    if file == reading.document.file:
        return bare(whole)
    source = reading.sources.setdefault(found.place, Source(file))
    return bare(whole)._replace(action=cast("Action", action), source=source)


def links(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
    """A collection of models: each is linked, or its link goes (P30, P32, P33)."""
    target = kinds()[slot.target]
    if reading.sure and not element.keys() and not any(child.keys() for child in element):
        _plain_links(reading, element, place, body, slot)
        return
    plural = slot.item in PLURALS
    allowed = rules.SOURCED_ATTRIBUTES if plural else rules.ACTION_ATTRIBUTES
    marks = collection_marks(reading, element, place, body.mode, allowed)
    found = list_members(reading, element, place, (slot.item,))
    if found is None:
        return
    children, file = found
    members = []
    for child_place, child in children:
        if not len(child) and not child.keys() and is_empty(child) and not marks.edits:
            reading.fault("empty-item", "P15", child_place, f"an empty {slot.item} is skipped")
        else:
            members.append(nested(reading, child, child_place, target, body.mode, marks, file))
    check_announced(reading, marks, place, bare=False, models=bool(members))
    there = [member for member in members if member.word != NO_SOURCE]
    words = [member.word for member in there]
    edits = marked(reading, marks, words, [member.place for member in there])
    twice(reading, element, place, body, edits=edits)
    _link_steps(reading, members, body, slot, edits=edits)


def _plain_links(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
    """A collection in which nothing has an attribute, valid by the schema: the usual one."""
    target = kinds()[slot.target]
    found: dict[str, Change] = {}
    for index, child in enumerate(element):
        at = (place, index)
        if not len(child):
            reading.fault("empty-item", "P15", at, f"an empty {slot.item} is skipped")
            continue
        change = quick_reference(child, target, at)
        if change is None:
            change = _entered(reading, Model(child, at, None, None), target, "refer")
        if change is not None:
            if change.id in found:
                _duplicate_link(reading, change, at, slot)
            found[change.id] = change
    twice(reading, element, place, body, edits=False)
    body.steps.append(changes.ReplaceLinks(slot.at, tuple(found.values())))


def _duplicate_link(reading: Reading, change: Change, place: Place, slot: Slot) -> None:
    message = f"{slot.item} {quoted(change.id)} stands in the list already"
    reading.fault("duplicate-item", "P32", place, message)


def _link_steps(
    reading: Reading, members: list[Member], body: Body, slot: Slot, *, edits: bool
) -> None:
    if edits:
        for member in members:
            if member.pulled is not None:
                body.steps.append(changes.PullLink(slot.at, member.pulled, member.place))
            elif member.change is not None:
                body.steps.append(changes.PushLink(slot.at, member.change))
        return
    found: dict[str, Change] = {}
    for member in members:
        if member.change is not None:
            if member.change.id in found:
                _duplicate_link(reading, member.change, member.place, slot)
            found[member.change.id] = member.change
    body.steps.append(changes.ReplaceLinks(slot.at, tuple(found.values())))


def one(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
    """A single nested model, such as a release's label; empty sets NULL."""
    twice(reading, element, place, body, edits=False)
    if is_empty(element) and not element.keys():
        body.steps.append(changes.PointAt(slot.at, None))
        return
    member = nested(reading, element, place, kinds()[slot.target], body.mode, NO_MARKS)
    if member.word in rules.HOLDING:
        message = f"{str(member.word).capitalize()} may not stand on {element.tag!s}"
        hint = "it is no list: set it, or leave it empty for none"
        reading.fault("action-forbidden", "P30", place, message, hint)
    if member.change is not None:
        body.steps.append(changes.PointAt(slot.at, member.change))
