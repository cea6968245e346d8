"""Collections whose items are no models (P30 to P36).

Images, resources, references, metadata, validities, territories. Each occurrence of a collection is
*plain* (no action anywhere: it replaces the list) or a row of *edits* (sub-actions, in document
order).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedengine.catalogue.availability import CROWDED, too_many
from feedengine.catalogue.territories import Validity
from feedengine.errors import Place
from feedengine.feeds import changes, rules
from feedengine.feeds.frame import children_named
from feedengine.feeds.reading import (
    BLANK,
    INVALID,
    Reading,
    attributes,
    fill,
    fill_children,
    is_empty,
    no_text,
    text_of,
    value_of,
    word_of,
)
from feedengine.model.entities import Leaf, ListKind, validity_list
from feedengine.model.scalars import COUNTRY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml.etree import _Element as Element

    from feedengine.feeds.rules import Mode
    from feedengine.model.scalars import Value

COUNTRY_LEAF = Leaf(0, "country", COUNTRY, True, "Country")


class Marks(NamedTuple):
    """What a collection's own attribute says: nothing, edits announced, or one action for all."""

    word: str | None
    edits: bool
    announced: str = ""


NO_MARKS = Marks(None, edits=False)


def collection_marks(
    reading: Reading,
    element: Element,
    place: Place,
    mode: Mode,
    allowed: frozenset[str] = rules.ACTION_ATTRIBUTES,
) -> Marks:
    """P30: ``Update Transform Placement`` announce, ``Push Pull`` hold for every child."""
    if not element.keys():
        return NO_MARKS
    attributes(reading, element, place, allowed)
    word = word_of(reading, element, place)
    if word is None:
        return Marks(None, edits=False)
    if word in rules.HOLDING:
        allow(reading, mode, word, place)
        return Marks(word, edits=True)
    if word in rules.ANNOUNCING:
        if mode == "view":
            allow(reading, mode, "push", place)
        return Marks(None, edits=True, announced=word)
    if word != rules.UNKNOWN:
        message = f"{word.capitalize()} may not stand on a collection"
        reading.fault("action-forbidden", "P30", place, message, "mark its children")
    return Marks(rules.UNKNOWN, edits=True)


def check_announced(
    reading: Reading, marks: Marks, place: Place, *, bare: bool, models: bool
) -> None:
    """P30: Placement is for bare scalars, Transform and Update for models; others are lenient."""
    wrong = models if marks.announced == "placement" else bare
    if marks.announced and wrong:
        code = "action-forbidden" if reading.strict else "sub-action-lenient"
        message = f"{marks.announced.capitalize()} does not fit the children of this list"
        hint = "Placement is for <Country>, Transform and Update are for models"
        reading.fault(code, "P30", place, message, hint)


def allow(reading: Reading, mode: Mode, word: str, place: Place) -> None:
    """Take, warn of, or refuse a sub-action (`rules.SUB_ACTIONS`)."""
    verdict = rules.verdict_on(mode, word)
    if verdict is rules.TAKE or (verdict.outcome == "lenient" and word in rules.PRIMARY):
        return
    refused = verdict.outcome == "refuse" or reading.strict
    code = "action-forbidden" if refused else "sub-action-lenient"
    message = f"{word.capitalize()} stands under {_MODE_WORDS[mode]}"
    reading.fault(code, verdict.rule, place, message, verdict.hint)


_MODE_WORDS = {"create": "Create or Upsert", "update": "Update", "view": "View"}


def marked(
    reading: Reading, marks: Marks, words: Sequence[str | None], places: Sequence[Place]
) -> bool:
    """Whether a collection is edited; every child without an action is refused then (P30)."""
    if not marks.edits and not any(words):
        return False
    if marks.word is None:
        for word, place in zip(words, places, strict=True):
            if word is None:
                reading.fault(
                    "action-forbidden",
                    "P30",
                    place,
                    "other children of this list carry an action, this one does not",
                    'mark it with action="Push" or action="Pull", or none of them',
                )
    return True


def item_word(
    reading: Reading, element: Element, place: Place, marks: Marks, mode: Mode
) -> str | None:
    """The sub-action of an item, the collection's where it has none of its own."""
    word = word_of(reading, element, place) if element.keys() else None
    if word is None:
        return marks.word
    if word == rules.UNKNOWN:
        return word
    if word not in rules.HOLDING:
        message = f"{word.capitalize()} may not stand on an item of a list"
        reading.fault("action-forbidden", "P30", place, message, "use Push or Pull")
        return rules.UNKNOWN
    if marks.word in rules.HOLDING and word != marks.word:
        message = f"{word.capitalize()} stands in a list that says {marks.word}"
        reading.fault("action-conflict", "P30", place, message)
    else:
        allow(reading, mode, word, place)
    return word


def items_of(
    reading: Reading, element: Element, place: Place, kind: ListKind
) -> Iterator[tuple[Value | None, ...]]:
    """The rows of one item: one, or one for each ``Item`` inside a resource (P15)."""
    blank: list[Value | None] = [None] * len(kind.columns)
    if kind.listed.style == "named":
        blank[kind.columns.index("name")] = str(element.tag)
        fill_named(reading, element, place, kind, blank)
        yield tuple(blank)
        return
    inner = kind.listed.transparent
    if inner is None or element.find(inner) is None:
        fill_children(reading, element, place, kind.node, blank)
        yield tuple(blank)
        return
    wrapped: list[tuple[Place, Element]] = []
    for index, child in enumerate(element):
        below = kind.node.children.get(child.tag)  # type: ignore[arg-type]
        if child.tag == inner:
            wrapped.append(((place, index), child))
        elif below is None:
            reading.unknown(child, (place, index), [*kind.node.children, inner])
        else:
            fill(reading, child, (place, index), below, blank)
    for at, child in wrapped:
        attributes(reading, child, at, frozenset())
        no_text(reading, child, at)
        row = list(blank)
        fill_children(reading, child, at, kind.node, row)
        yield tuple(row)


def fill_named(
    reading: Reading, element: Element, place: Place, kind: ListKind, row: list[Value | None]
) -> None:
    """An item whose element's name is its own name: a metadatum (P15)."""
    if str(element.tag).startswith("{"):
        reading.unknown(element, place, ())
    for name, leaf in kind.node.attributes.items():
        text = element.get(name)
        row[leaf.index] = text.strip(BLANK) or None if text else None
    at = kind.columns.index("value")
    row[at] = text_of(reading, element, place) or None


def complete(reading: Reading, kind: ListKind, row: tuple[Value | None, ...], place: Place) -> bool:
    """Whether an item has all it must have; what it lacks is ``field-required`` (P32)."""
    lacking = [leaf.element for leaf in kind.required if row[leaf.index] is None]
    if kind.one_of and all(row[at] is None for at in kind.one_of):
        lacking.append(" or ".join(name.capitalize() for name in kind.listed.one_of))
    for name in lacking:
        message = f"{name} is required in {kind.listed.item}"
        reading.fault("field-required", "P32", place, message)
    return not lacking


def plain_list(
    reading: Reading, children: Sequence[tuple[Place, Element]], kind: ListKind
) -> tuple[tuple[Value | None, ...], ...]:
    """The rows of a list without any action: empty items skipped, the later of two with one key."""
    width, node, key = len(kind.columns), kind.node, kind.key
    simple = kind.listed.style != "named" and kind.listed.transparent is None
    found: dict[tuple[Value | None, ...], tuple[Value | None, ...]] = {}
    for place, child in children:
        if not len(child) and kind.listed.style != "named" and is_empty(child):
            reading.fault("empty-item", "P15", place, f"an empty {kind.listed.item} is skipped")
            continue
        if simple:
            row: list[Value | None] = [None] * width
            fill_children(reading, child, place, node, row)
            rows: Iterable[tuple[Value | None, ...]] = (tuple(row),)
        else:
            rows = items_of(reading, child, place, kind)
        for one in rows:
            if complete(reading, kind, one, place):
                mark = tuple([one[at] for at in key])
                if mark in found:
                    message = f"an earlier {kind.listed.item} has the same key"
                    reading.fault("duplicate-item", "P32", place, message)
                found[mark] = one
    return tuple(found.values())


def child_list(
    reading: Reading,
    children: Sequence[tuple[Place, Element]],
    kind: ListKind,
    mode: Mode,
    marks: Marks,
    at: Place,
    steps: list[changes.Step],
) -> bool:
    """Read the items of the collection ``at``, and add what is to be done to ``steps``.

    Returns whether they are edits, and not a plain list.
    """
    named = kind.listed.style == "named"
    trusted = reading.sure and not named  # the schema does not look into MetaData
    if trusted and marks is NO_MARKS and not any(child.keys() for _, child in children):
        steps.append(changes.Replace(kind.index, plain_list(reading, children, kind)))
        return False
    _check_items(reading, children, kind)
    if not named:
        check_announced(reading, marks, at, bare=False, models=bool(children))
    words = [item_word(reading, child, place, marks, mode) for place, child in children]
    places = [place for place, _ in children]
    edits = marked(reading, marks, words, places)
    if not edits:
        steps.append(changes.Replace(kind.index, plain_list(reading, children, kind)))
        return False
    for word, (place, child) in zip(words, children, strict=True):
        for row in items_of(reading, child, place, kind):
            if word == "pull":
                _pull(reading, kind, row, place, steps)
            elif complete(reading, kind, row, place):
                steps.append(changes.Push(kind.index, row))
    return True


def _check_items(
    reading: Reading, children: Sequence[tuple[Place, Element]], kind: ListKind
) -> None:
    """What the schema would have seen: stray attributes and text in the items of a list."""
    named = kind.listed.style == "named"
    if reading.sure and not named:
        return
    more = set(kind.node.attributes) if named else set()
    for place, child in children:
        attributes(reading, child, place, rules.ACTION_ATTRIBUTES | more)
        if not named:
            no_text(reading, child, place)


def _pull(
    reading: Reading,
    kind: ListKind,
    row: tuple[Value | None, ...],
    place: Place,
    steps: list[changes.Step],
) -> None:
    match = tuple((at, value) for at, value in enumerate(row) if value is not None)
    if match:
        steps.append(changes.Pull(kind.index, match, place))
    else:
        reading.fault("pull-empty", "P33", place, f"the Pull of {kind.listed.item} names nothing")


def territory(
    reading: Reading, element: Element, place: Place, *, pulled: bool
) -> tuple[str, tuple[Validity, ...]] | None:
    """A ``Territory``, or a bare ``Country``: the country and its validities.

    A pulled one is read for its country alone (P33).
    """
    if element.tag == "Country":
        country = _country(reading, element, place, pulled=pulled)
        return None if country is None else (country, ())
    no_text(reading, element, place)
    found: list[str | None] = []
    validities: tuple[Validity, ...] = ()
    for index, child in enumerate(element):
        at = (place, index)
        if child.tag == "Country":
            attributes(reading, child, at, frozenset())
            found.append(_country(reading, child, at, pulled=pulled))
        elif pulled:
            reading.pass_over()
        elif child.tag == "Validities":
            validities += _validities(reading, child, at)
        else:
            reading.unknown(child, at, ("Country", "Validities"))
    if len(found) > 1:
        reading.fault("schema-invalid", "P10", place, "Country is given twice")
    if not found and not pulled:
        reading.fault("field-required", "P32", place, "Country is required in Territory")
    if not found and pulled:
        reading.fault("pull-empty", "P33", place, "the Pull of a Territory names no Country")
    return (found[0], validities) if found and found[0] is not None else None


def _country(reading: Reading, element: Element, place: Place, *, pulled: bool) -> str | None:
    text = text_of(reading, element, place)
    if not text and pulled:
        reading.fault("pull-empty", "P33", place, "the Pull names no Country")
        return None
    if not text:
        reading.fault("field-required", "P32", place, "Country may not be empty")
        return None
    value = value_of(reading, COUNTRY_LEAF, text, None, place)
    return None if value == INVALID else str(value)


def _validities(reading: Reading, element: Element, place: Place) -> tuple[Validity, ...]:
    """The validities of a territory: a plain list, always (they have no identity of their own)."""
    attributes(reading, element, place, frozenset())
    no_text(reading, element, place)
    kind = validity_list()
    children = list(children_named(reading, element, place, ("Validity",)))
    for at, child in children:
        if word_of(reading, child, at) is not None:
            message = "no action may stand on a validity of a territory"
            reading.fault("action-forbidden", "P30", at, message, "push the whole territory")
        attributes(reading, child, at, rules.ACTION_ATTRIBUTES)
        no_text(reading, child, at)
    rows = plain_list(reading, children, kind)
    found = tuple([Validity(*row) for row in rows])  # type: ignore[arg-type]
    if too_many(found):
        reading.fault("too-large", "P11", place, CROWDED)
    return found
