"""Models: an object's fields, its collections, and the models nested in it (P13–P17, P26, P30–P43)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

from lxml import etree

from feedengine.catalogue.territories import TerritorySet, Validity, territory_set
from feedengine.errors import Place, quoted
from feedengine.feeds import changes, rules
from feedengine.feeds.changes import SHARED, UNSET, Asked, Change, Step
from feedengine.feeds.frame import (
    PLURALS,
    Members,
    Model,
    children_named,
    identity,
    list_members,
    sourced,
)
from feedengine.feeds.lists import (
    NO_MARKS,
    Marks,
    allow,
    check_announced,
    child_list,
    collection_marks,
    item_word,
    marked,
    territory,
)
from feedengine.feeds.quick import quick_reference, quick_rows
from feedengine.feeds.reading import (
    BLANK,
    INVALID,
    Reading,
    attributes,
    is_empty,
    no_text,
    text_of,
    unit_of,
    value_of,
    word_of,
)
from feedengine.model.entities import DERIVATIONS, Kind, Leaf, ListKind, kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Element

    from feedengine.feeds.rules import Mode

DEEPEST_INLINE = 28
"""Nested models beyond this many levels are checked for the depth limit (P11)."""


class Slot(NamedTuple):
    """What a child element of a model is: a field, a collection, a nested model."""

    style: str
    leaf: Leaf | None = None
    list: ListKind | None = None
    at: int = 0
    target: str = ""
    item: str = ""


@cache
def slots(kind: Kind) -> Mapping[str, Slot]:
    """Element's name → what it is in a model of ``kind``."""
    found = {
        name: Slot("leaf", leaf=node.leaf) for name, node in kind.node.children.items() if node.leaf
    }
    for one in kind.lists:
        style = "links" if one.is_link else "children"
        target = one.listed.target or ""
        found[one.listed.plural] = Slot(style, None, one, one.index, target, one.listed.item)
        if one.listed.bare:
            found[one.listed.item] = Slot("bare", None, one, one.index)
    for shared in kind.shared:
        found[shared.plural] = Slot("links", None, None, SHARED, shared.target or "", shared.item)
    for name, (index, target) in kind.ones.items():
        found[name] = Slot("one", at=index, target=target)
    if kind.territory_index is not None:
        found["Territories"] = Slot("territories")
    return found


class Body:
    """What has been read of one model so far."""

    __slots__ = ("adjusted", "asked", "bare", "empty", "kind", "mode", "seen", "steps")

    def __init__(self, kind: Kind, mode: Mode) -> None:
        """Nothing yet."""
        self.kind = kind
        self.mode = mode
        self.asked: list[Asked] = [UNSET] * len(kind.columns)
        self.steps: list[Step] = []
        self.bare: list[tuple[Place, Element]] = []
        self.adjusted: set[int] = set()
        self.seen: dict[str, bool] = {}
        self.empty: list[tuple[Leaf, Place]] = []


def model(reading: Reading, found: Model, kind: Kind, action: str) -> Change | None:
    """Read a model of ``kind`` under ``action``; None when it has no ID."""
    element, place, _, _ = found
    mode = rules.MODE_OF.get(action, "update")
    body = Body(kind, mode)
    fields(reading, element, place, body)
    id_index = kind.position["id"]
    asked_id = body.asked[id_index]
    if asked_id is UNSET or asked_id is None or element.get("id") is not None:
        name = identity(reading, element, place)
        if name is None:
            _no_id(reading, element, place)
            _missing(reading, body, action, place)
            return None
        asked_id = body.asked[id_index] = name
    if body.bare:
        _bare_list(reading, place, body)
    return Change(
        cast("changes.Action", action),
        kind,
        str(asked_id),
        _derived(body),
        tuple(body.steps),
        _missing(reading, body, action, place),
        place,
    )


def _no_id(reading: Reading, element: Element, place: Place) -> None:
    """P14, unless the reading of the ID had a fault of its own."""
    given = [element.get("id"), *(child.text for child in element if child.tag == "ID")]
    if not any((text or "").strip(BLANK) for text in given):
        reading.fault("id-missing", "P14", place, f"{element.tag!s} has no ID")


def _derived(body: Body) -> tuple[Asked, ...]:
    """The asked columns with those that are computed from others."""
    for index, source, name in body.kind.derived:
        value = body.asked[source]
        if value is not UNSET:
            body.asked[index] = DERIVATIONS[name](str(value)) if value is not None else None
    return tuple(body.asked)


def _missing(reading: Reading, body: Body, action: str, place: Place) -> tuple[str, ...]:
    """The required elements not given; where the object must be complete they are faults (P20)."""
    asked = body.asked
    missing = [
        leaf.element
        for leaf in body.kind.required
        if asked[leaf.index] is UNSET or asked[leaf.index] is None
    ]
    if not missing:
        return ()
    empty = {leaf.element: at for leaf, at in body.empty}
    if action in {"create", "upsert"}:
        for name in missing:
            message = f"{name} is required in {body.kind.element}"
            reading.fault("field-required", "P20", empty.get(name, place), message)
    else:
        for name, at in empty.items():
            reading.fault("field-required", "P17", at, f"{name} may not be empty")
    return tuple(missing)


def fields(reading: Reading, element: Element, place: Place, body: Body) -> None:
    """Read every child of a model."""
    table = slots(body.kind)
    asked, sure = body.asked, reading.sure
    no_text(reading, element, place)
    for index, child in enumerate(element):
        slot = table.get(child.tag)  # type: ignore[arg-type]
        if slot is None:
            reading.unknown(child, (place, index), table)
            continue
        leaf = slot.leaf
        if leaf is None:
            READERS[slot.style](reading, child, (place, index), body, slot)
        elif (
            child.keys()
            or asked[leaf.index] is not UNSET
            or leaf.index in body.adjusted
            or (not sure and len(child))
        ):
            scalar(reading, child, (place, index), body, leaf)
        else:
            text = child.text
            text = text.strip(BLANK) if text else ""
            if text:
                asked[leaf.index] = (
                    text if leaf.plain else value_of(reading, leaf, text, None, (place, index))
                )
            else:
                _nothing(body, leaf, (place, index))


def _nothing(body: Body, leaf: Leaf, place: Place) -> None:
    """P17: an empty element sets NULL; where that may not be, it is found once all is read."""
    body.asked[leaf.index] = None
    if leaf.required:
        body.empty.append((leaf, place))


def scalar(reading: Reading, element: Element, place: Place, body: Body, leaf: Leaf) -> None:
    """A field that has attributes, or is there a second time (P10, P34)."""
    if reading.sure and body.asked[leaf.index] is UNSET and element.keys() == ["type"]:
        text = (element.text or "").strip(BLANK)
        if text and leaf.index not in body.adjusted:
            body.asked[leaf.index] = value_of(reading, leaf, text, element.get("type"), place)
            return
    allowed = rules.ACTION_ATTRIBUTES | ({"type"} if leaf.scalar.units else set())
    attributes(reading, element, place, allowed)
    word = word_of(reading, element, place)
    unit = unit_of(reading, element, leaf, place) if leaf.scalar.units else None
    text = text_of(reading, element, place)
    again = body.asked[leaf.index] is not UNSET
    if word is None:
        if again or leaf.index in body.adjusted:
            reading.fault("schema-invalid", "P10", place, f"{leaf.element} is given twice")
        elif text:
            body.asked[leaf.index] = value_of(reading, leaf, text, unit, place)
        else:
            _nothing(body, leaf, place)
        return
    if again:
        reading.fault("schema-invalid", "P10", place, f"{leaf.element} is given twice")
    if word in rules.COUNTING and leaf.scalar.numeric:
        _adjust(reading, place, body, leaf, word, value_of(reading, leaf, text, unit, place))
    elif word != rules.UNKNOWN:
        message = f"{word.capitalize()} may not stand on {leaf.element}"
        hint = "Increase and Decrease are for numbers, Push and Pull for lists"
        reading.fault("action-forbidden", "P34", place, message, hint)


def _adjust(
    reading: Reading, place: Place, body: Body, leaf: Leaf, word: str, amount: str | int | None
) -> None:
    allow(reading, body.mode, word, place)
    body.adjusted.add(leaf.index)
    if amount is None:
        message = f"{word.capitalize()} of {leaf.element} needs an amount"
        reading.fault("value-invalid", "P34", place, message)
    elif amount != INVALID:
        body.steps.append(changes.Adjust(leaf.index, amount, rules.COUNTING[word], place))


def twice(reading: Reading, element: Element, place: Place, body: Body, *, edits: bool) -> None:
    """P10: of a collection given twice, each must carry sub-actions."""
    _given(reading, str(element.tag), place, body, edits=edits)


def _given(reading: Reading, name: str, place: Place, body: Body, *, edits: bool) -> None:
    before = body.seen.get(name)
    if before is not None and not (before and edits):
        reading.fault("schema-invalid", "P10", place, f"{name} is given twice")
    body.seen[name] = edits and before is not False


def _children(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
    """A collection of items that are no models."""
    kind = cast("ListKind", slot.list)
    quick = quick_rows(element, kind) if reading.sure else None
    if quick is not None:
        twice(reading, element, place, body, edits=False)
        body.steps.append(changes.Replace(kind.index, quick))
        return
    marks = collection_marks(reading, element, place, body.mode)
    no_text(reading, element, place)
    children = list(children_named(reading, element, place, (kind.listed.item,)))
    edits = child_list(reading, children, kind, body.mode, marks, place, body.steps)
    twice(reading, element, place, body, edits=edits)


def _bare(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
    """An item without its collection (P15): an edit at once; a plain one when all are there."""
    kind = cast("ListKind", slot.list)
    if element.get("action") is None and element.get("operator") is None:
        body.bare.append((place, element))
        return
    child_list(reading, [(place, element)], kind, body.mode, NO_MARKS, place, body.steps)
    _given(reading, kind.listed.plural, place, body, edits=True)


def _bare_list(reading: Reading, place: Place, body: Body) -> None:
    """The plain items that stood without their collection; beside edits they are refused (P30)."""
    kind = next(one for one in body.kind.lists if one.listed.bare)
    if body.seen.get(kind.listed.plural):
        marked(reading, Marks(None, edits=True), [None] * len(body.bare), [p for p, _ in body.bare])
        return
    child_list(reading, body.bare, kind, body.mode, NO_MARKS, place, body.steps)
    _given(reading, kind.listed.plural, body.bare[-1][0], body, edits=False)


class Member(NamedTuple):
    """A nested model of a list, its word, and the ID alone where it is pulled."""

    word: str | None
    change: Change | None
    pulled: str | None
    place: Place


def nested(
    reading: Reading, element: Element, place: Place, kind: Kind, mode: Mode, marks: Marks
) -> Member:
    """A nested model with the action that holds for it (P26, P40, P43)."""
    if marks is NO_MARKS and not element.keys():
        change = _entered(reading, Model(element, place, None, None), kind, "refer")
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
        return Member(word or marks.word or rules.UNKNOWN, None, None, place)
    if pulling:
        return Member("pull", None, _pulled(reading, found, place), place)
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
    # P42: a file met again while it is being read is a bare reference, whatever it says itself.
    silent = found.action in {"view", rules.UNKNOWN} or found.file in reading.open
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
    if found.file in reading.open:
        name = identity(reading, found.element, found.place)
        if name is None:
            _no_id(reading, found.element, found.place)
            return None
        missing = tuple(leaf.element for leaf in kind.leaves if leaf.required)
        asked: tuple[Asked, ...] = (UNSET,) * len(kind.columns)
        return Change("refer", kind, name, asked, (), missing, found.place)
    reading.open.append(found.file)
    try:
        return model(reading, found, kind, action)
    finally:
        reading.open.pop()


def _links(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
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
    with_file = [file] if file is not None else []
    reading.open.extend(with_file)
    members = []
    for child_place, child in children:
        if not len(child) and not child.keys() and is_empty(child) and not marks.edits:
            reading.fault("empty-item", "P15", child_place, f"an empty {slot.item} is skipped")
        else:
            members.append(nested(reading, child, child_place, target, body.mode, marks))
    del reading.open[len(reading.open) - len(with_file) :]
    check_announced(reading, marks, place, bare=False, models=bool(members))
    words = [member.word for member in members]
    edits = marked(reading, marks, words, [member.place for member in members])
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


def _one(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
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


def territories(reading: Reading, element: Element, place: Place, body: Body, _slot: Slot) -> None:
    """A territory list (P30, P36)."""
    if reading.sure and not element.keys() and not any(child.keys() for child in element):
        plain_list = _inline_territories(reading, element, place)
        twice(reading, element, place, body, edits=False)
        body.steps.append(changes.ReplaceTerritories(plain_list))
        return
    marks = collection_marks(reading, element, place, body.mode, rules.SOURCED_ATTRIBUTES)
    members = list_members(reading, element, place, ("Territory", "Country"))
    if members is None:
        return
    children, file = members
    edited = marks.edits or any(child.keys() for _, child in children)
    if file is not None and not edited and b"src" not in reading.document.files[file].data:
        plain: TerritorySet | None = _remembered(reading, children, place, file, element.get("ref"))
    else:
        with_file = [file] if file is not None else []
        reading.open.extend(with_file)
        plain = _territory_steps(reading, children, place, body, marks, edited=edited)
        del reading.open[len(reading.open) - len(with_file) :]
    twice(reading, element, place, body, edits=plain is None)
    if plain is not None:
        body.steps.append(changes.ReplaceTerritories(plain))


_INLINE: dict[bytes, TerritorySet] = {}
_MOST_INLINE = 512
_LARGEST_INLINE = 128 * 1024


def _inline_territories(reading: Reading, element: Element, place: Place) -> TerritorySet:
    """A plain list inside a package. A label's packages repeat the same text: it is read once.

    Only text without any fault is remembered, so that every package gets its own findings.
    """
    text = etree.tostring(element, with_tail=False)
    known = _INLINE.get(text)
    if known is None:
        before = len(reading.faults)
        children = children_named(reading, element, place, ("Territory", "Country"))
        known = plain_territories(reading, list(children))
        if len(reading.faults) == before and len(text) <= _LARGEST_INLINE:
            if len(_INLINE) >= _MOST_INLINE:
                _INLINE.clear()
            _INLINE[text] = known
    return known


def _remembered(
    reading: Reading, children: Members, place: Place, file: str, ref: str | None
) -> TerritorySet:
    """A plain list from a file, read once for all packages that share the file."""
    memo = reading.document.files[file].memo
    known = memo.get(ref)
    if known is None:
        apart = Reading(reading.document, strict=reading.strict)
        apart.open = [*reading.open, file]
        known = memo[ref] = (plain_territories(apart, children), tuple(apart.faults))
    found: TerritorySet = known[0]
    reading.faults.extend(known[1])
    return found


_ALLOWED = {"Territory": rules.SOURCED_ATTRIBUTES, "Country": rules.ACTION_ATTRIBUTES}


def plain_territories(reading: Reading, children: Members) -> TerritorySet:
    """A territory list without sub-actions."""
    entries: dict[str, tuple[Validity, ...]] = {}
    for at, child in children:
        attributes(reading, child, at, _ALLOWED[str(child.tag)])
        if not len(child) and not child.keys() and is_empty(child):
            reading.fault("empty-item", "P15", at, f"an empty {child.tag!s} is skipped")
            continue
        found = _territory_at(reading, child, at, pulled=False)
        if found is None:
            continue
        country, validities = found
        if country in entries:
            message = f"{country} stands in the list already"
            reading.fault("duplicate-item", "P32", at, message)
        entries[country] = validities
    return territory_set(entries.items())


def _territory_at(
    reading: Reading, element: Element, place: Place, *, pulled: bool
) -> tuple[str, tuple[Validity, ...]] | None:
    """A territory, from its file where it names one."""
    bare = not element.keys() or (element.get("src") is None and element.get("ref") is None)
    if bare or element.tag == "Country":
        return territory(reading, element, place, pulled=pulled)
    found = sourced(reading, element, place, "Territory")
    return None if found is None else territory(reading, found.element, found.place, pulled=pulled)


def _territory_steps(
    reading: Reading,
    children: Members,
    place: Place,
    body: Body,
    marks: Marks,
    *,
    edited: bool,
) -> TerritorySet | None:
    """The edits of a territory list, added to the body; or the plain list."""
    tags = {child.tag for _, child in children}
    check_announced(reading, marks, place, bare="Country" in tags, models="Territory" in tags)
    words = [item_word(reading, child, at, marks, body.mode) for at, child in children]
    if not edited or not marked(reading, marks, words, [at for at, _ in children]):
        return plain_territories(reading, children)
    for word, (at, child) in zip(words, children, strict=True):
        attributes(reading, child, at, _ALLOWED[str(child.tag)])
        found = _territory_at(reading, child, at, pulled=word == "pull")
        if found is None:
            continue
        country, validities = found
        if word == "pull":
            body.steps.append(changes.PullTerritory(country, at))
        elif word == "push":
            body.steps.append(changes.PushTerritory(country, validities, at))
    return None


READERS = {
    "children": _children,
    "bare": _bare,
    "links": _links,
    "one": _one,
    "territories": territories,
}
"""How each style of `Slot` is read."""
