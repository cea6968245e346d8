"""A model's fields, and its collections of items that are no models (P10, P13–P17, P30–P34)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

from feedengine.errors import Place
from feedengine.feeds import changes, rules
from feedengine.feeds.changes import SHARED, UNSET, Asked, Change, Step
from feedengine.feeds.frame import Model, children_named, identity
from feedengine.feeds.lists import (
    NO_MARKS,
    Marks,
    allow,
    child_list,
    collection_marks,
    marked,
)
from feedengine.feeds.quick import quick_rows
from feedengine.feeds.reading import (
    BLANK,
    INVALID,
    Reading,
    attributes,
    no_text,
    text_of,
    unit_of,
    value_of,
    word_of,
)
from feedengine.model.entities import DERIVATIONS, Kind, Leaf, ListKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Element

    from feedengine.feeds.rules import Mode


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
        name = (element.get("id") or "").strip(BLANK) if asked_id is UNSET else None
        if not name or len(name) > 255:
            name = identity(reading, element, place)
        if name is None:
            no_id(reading, element, place)
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


def no_id(reading: Reading, element: Element, place: Place) -> None:
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
    asked, sure, adjusted = body.asked, reading.sure, body.adjusted
    if not sure:
        no_text(reading, element, place)
    for index, child in enumerate(element):
        slot = table.get(child.tag)  # type: ignore[arg-type]
        if slot is None:
            reading.unknown(child, (place, index), table)
            continue
        leaf = slot.leaf
        if leaf is None:
            reading.readers[slot.style](reading, child, (place, index), body, slot)
        elif (
            child.keys()
            or asked[leaf.index] is not UNSET
            or (adjusted and leaf.index in adjusted)
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
            if text:
                value_of(reading, leaf, text, unit, place)  # what is wrong with it is told, too
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
    given(reading, str(element.tag), place, body, edits=edits)


def given(reading: Reading, name: str, place: Place, body: Body, *, edits: bool) -> None:
    """The same for a collection by its name, where its items may stand without it."""
    before = body.seen.get(name)
    if before is not None and not (before and edits):
        reading.fault("schema-invalid", "P10", place, f"{name} is given twice")
    body.seen[name] = edits and before is not False


def children(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
    """A collection of items that are no models."""
    kind = cast("ListKind", slot.list)
    quick = quick_rows(element, kind) if reading.sure else None
    if quick is not None:
        twice(reading, element, place, body, edits=False)
        body.steps.append(changes.Replace(kind.index, quick))
        return
    marks = collection_marks(reading, element, place, body.mode)
    no_text(reading, element, place)
    items = list(children_named(reading, element, place, (kind.listed.item,)))
    edits = child_list(reading, items, kind, body.mode, marks, place, body.steps)
    twice(reading, element, place, body, edits=edits)


def bare(reading: Reading, element: Element, place: Place, body: Body, slot: Slot) -> None:
    """An item without its collection (P15): an edit at once; a plain one when all are there."""
    kind = cast("ListKind", slot.list)
    if element.get("action") is None and element.get("operator") is None:
        body.bare.append((place, element))
        return
    child_list(reading, [(place, element)], kind, body.mode, NO_MARKS, place, body.steps)
    given(reading, kind.listed.plural, place, body, edits=True)


def _bare_list(reading: Reading, place: Place, body: Body) -> None:
    """The plain items that stood without their collection; beside edits they are refused (P30)."""
    kind = next(one for one in body.kind.lists if one.listed.bare)
    if body.seen.get(kind.listed.plural):
        marked(reading, Marks(None, edits=True), [None] * len(body.bare), [p for p, _ in body.bare])
        return
    child_list(reading, body.bare, kind, body.mode, NO_MARKS, place, body.steps)
    given(reading, kind.listed.plural, body.bare[-1][0], body, edits=False)
