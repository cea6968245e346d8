"""Territory lists, inline or from files that many packages share (P30, P36, P40, P41)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from feedengine.catalogue.territories import TerritorySet, Validity, territory_set
from feedengine.errors import Place
from feedengine.feeds import changes, rules
from feedengine.feeds.frame import Members, children_named, list_members, sourced
from feedengine.feeds.lists import (
    Marks,
    check_announced,
    collection_marks,
    item_word,
    marked,
    territory,
)
from feedengine.feeds.models import Body, Slot, twice
from feedengine.feeds.reading import Reading, attributes, is_empty, no_text

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


def territories(reading: Reading, element: Element, place: Place, body: Body, _slot: Slot) -> None:
    """A territory list (P30, P36)."""
    if not element.keys() and not any(child.keys() for child in element):
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
        plain: TerritorySet | None = _remembered(reading, children, file, element.get("ref"))
    else:
        with_file = [file] if file is not None else []
        reading.open.extend(with_file)
        plain = _territory_steps(reading, children, place, body, marks, edited=edited)
        del reading.open[len(reading.open) - len(with_file) :]
    twice(reading, element, place, body, edits=plain is None)
    if plain is not None:
        body.steps.append(changes.ReplaceTerritories(plain))


_INLINE: dict[tuple[bytes, bool], TerritorySet] = {}
_MOST_INLINE = 512
_LARGEST_INLINE = 128 * 1024


def _inline_territories(reading: Reading, element: Element, place: Place) -> TerritorySet:
    """A plain list inside a package. A label's packages repeat the same text: it is read once.

    Only text without any fault is remembered, so that every package gets its own findings; what the
    schema has seen is not looked for again (`Reading.sure`).
    """
    text = etree.tostring(element, with_tail=False), reading.sure
    known = _INLINE.get(text)
    if known is None:
        before = reading.faults.total
        no_text(reading, element, place)
        children = children_named(reading, element, place, ("Territory", "Country"))
        known = plain_territories(reading, list(children))
        if reading.faults.total == before and len(text[0]) <= _LARGEST_INLINE:
            if len(_INLINE) >= _MOST_INLINE:
                _INLINE.clear()
            _INLINE[text] = known
    return known


def _remembered(reading: Reading, children: Members, file: str, ref: str | None) -> TerritorySet:
    """A plain list from a file, read once for all packages that share the file."""
    memo = reading.document.files[file].memo
    known = memo.get(ref)
    if known is None:
        apart = Reading(reading.document, reading.readers, strict=reading.strict)
        apart.open = [*reading.open, file]
        known = memo[ref] = (plain_territories(apart, children), apart.faults)
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
