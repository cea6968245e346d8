"""A document becomes a request, or every finding in it at once (protocol, sections 2 to 5).

Parsing needs no database and opens no file: `feedengine.feeds.document` has put every ``src`` in
place before.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from feedengine.errors import Place, quoted
from feedengine.feeds import changes, rules
from feedengine.feeds.changes import UNSET, Change, GenreList, Request, TerritoryView
from feedengine.feeds.frame import (
    Model,
    children_named,
    identity,
    list_members,
    package_object,
)
from feedengine.feeds.lists import NO_MARKS, marked
from feedengine.feeds.models import Body, bare, children, model, slots
from feedengine.feeds.nested import NO_SOURCE, Member, links, nested, one
from feedengine.feeds.reading import BLANK, Reading, attributes, is_empty, no_text
from feedengine.feeds.skim import skim
from feedengine.feeds.territory_lists import plain_territories, territories
from feedengine.model.entities import by_element, kinds
from feedengine.model.faults import Faults

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feedengine.feeds.document import Document


READERS = MappingProxyType(
    {"children": children, "bare": bare, "links": links, "one": one, "territories": territories}
)
"""How each style of `feedengine.feeds.models.Slot` is read."""


class Parsed(NamedTuple):
    """What a package asks for (None where an error was found), and every fault.

    ``asked`` is what could be made out in spite of errors: for the ledger, never to be carried out.
    """

    request: Request | None
    faults: Faults
    asked: Request | None


def parse(document: Document, *, strict: bool = False) -> Parsed:
    """Read a package's document whole: at a glance if possible, else from its tree."""
    if document.unread:
        found = skim(document.file, document.files[document.file].data)
        if found is not None:
            faults = Faults(found.faults, document.limits.findings)
            return Parsed(found.request, faults, found.request)
        document.read()
    reading = Reading(document, READERS, strict=strict)
    request: Request | None = None
    there = package_object(reading, document.file)
    if there is not None:
        request = _object(reading, there)
    if not reading.ignored and not reading.faults.errors:
        reading.faults.extend(document.violations(sorted(reading.used)))
    return Parsed(None if reading.faults.errors else request, reading.faults, request)


def _object(reading: Reading, found: Model) -> Request | None:
    action = found.action or "view"
    allowed = rules.OBJECT_ATTRIBUTES
    name = str(found.element.tag)
    if name in {"Genres", "Territories", "Territory"}:
        allowed = rules.ACTION_ATTRIBUTES
    attributes(reading, found.element, found.place, allowed)
    if action == rules.UNKNOWN:
        action = "refer"
    elif action not in rules.PRIMARY:
        message = f"{action.capitalize()} is no action of a package's object"
        hint = "use Create, Update, Upsert or Delete"
        reading.fault("action-forbidden", "P30", found.place, message, hint)
        action = "refer"
    if name == "Genres":
        return _genres(reading, found, action)
    if name in {"Territory", "Territories"}:
        return _territory(reading, found, action)
    if action == "delete":
        return _delete(reading, found)
    if name == "ReleaseSetting":
        return _setting(reading, found, action)
    return model(reading, found, by_element()[name], action)


def _delete(reading: Reading, found: Model) -> Change | None:
    """P23: only the ID counts; whatever else stands there is not looked at."""
    element = found.element
    name = identity(reading, element, found.place)
    content = any(child.tag != "ID" for child in element) or (element.text or "").strip(BLANK)
    if content:
        reading.fault("content-ignored", "P23", found.place, "a Delete needs the ID alone")
        reading.pass_over()
    if name is None:
        missing = not any(
            fault.code in {"id-conflict", "schema-invalid"} for fault in reading.faults
        )
        if missing:
            reading.fault("id-missing", "P14", found.place, f"{element.tag!s} has no ID")
        return None
    setting = element.tag == "ReleaseSetting"
    kind = kinds()["release"] if setting else by_element()[str(element.tag)]
    steps: tuple[changes.Step, ...] = (changes.Undeclare(),) if setting else ()
    return Change("delete", kind, name, (), steps, (), found.place, setting)


def _setting(reading: Reading, found: Model, action: str) -> Change | None:
    """P44: the territories of the release with the same ID."""
    element, place = found.element, found.place
    kind = kinds()["release"]
    body = Body(kind, rules.MODE_OF.get(action, "update"))
    no_text(reading, element, place)
    declared = False
    for index, child in enumerate(element):
        at = (place, index)
        if child.tag == "Territories":
            territories(reading, child, at, body, slots(kind)["Territories"])
            declared = True
        elif child.tag != "ID":
            reading.unknown(child, at, ("ID", "Territories"))
    if not declared and action in {"create", "upsert"}:
        message = "Territories is required in ReleaseSetting"
        reading.fault("field-required", "P20", place, message)
    name = identity(reading, element, place)
    if name is None:
        if not any(fault.code in {"id-conflict", "schema-invalid"} for fault in reading.faults):
            reading.fault("id-missing", "P14", place, "ReleaseSetting has no ID")
        return None
    asked = (UNSET,) * len(kind.columns)
    steps = tuple(body.steps)
    return Change(action, kind, name, asked, steps, (), place, setting=True)  # type: ignore[arg-type]


def _genres(reading: Reading, found: Model, action: str) -> GenreList | None:
    """P44: the genre list; under Update an unmarked genre is a Push, as in the seed's sample."""
    if action == "delete":
        message = "Genres as a whole cannot be deleted"
        hint = 'action="Update", and action="Pull" on each genre that goes'
        reading.fault("action-forbidden", "P44", found.place, message, hint)
        return None
    kind = kinds()["genre"]
    mode = rules.MODE_OF.get(action, "update")
    no_text(reading, found.element, found.place)
    children = list(children_named(reading, found.element, found.place, ("Genre",)))
    edits = mode == "update" or any(child.get(n) for _, child in children for n in _ACTIONS)
    members = [
        nested(reading, child, at, kind, mode, NO_MARKS)
        for at, child in children
        if edits or not _skipped(reading, child, at)
    ]
    if edits and mode == "create":
        there = [member for member in members if member.word != NO_SOURCE]
        places = [member.place for member in there]
        marked(reading, NO_MARKS, [member.word for member in there], places)
    own = {"create": "create", "view": "view", "refer": "refer"}.get(action, "upsert")
    return GenreList(action, _genre_changes(reading, members, own, edits=edits))  # type: ignore[arg-type]


_ACTIONS = sorted(rules.ACTION_ATTRIBUTES)


def _skipped(reading: Reading, child: Element, at: Place) -> bool:
    """P15: an empty item of a plain list."""
    empty = is_empty(child) and not child.keys()
    if empty:
        reading.fault("empty-item", "P15", at, "an empty Genre is skipped")
    return empty


def _genre_changes(
    reading: Reading, members: list[Member], own: str, *, edits: bool
) -> tuple[Change, ...]:
    """What is to be done with each genre of the list, in order."""
    done: list[Change] = []
    places: dict[str, int] = {}
    for member in members:
        if member.pulled is not None:
            kind = kinds()["genre"]
            done.append(Change("pull", kind, member.pulled, (), (), (), member.place))
        elif member.change is not None:
            refused = member.word not in {None, "push", "create", "upsert"}
            genre = member.change if refused else _genre(reading, member.change, own)
            if not edits and genre.id in places:
                _duplicate(reading, genre, member.place)
                done[places[genre.id]] = genre
            else:
                places[genre.id] = len(done)
                done.append(genre)
    return tuple(done)


def _duplicate(reading: Reading, genre: Change, place: Place) -> None:
    """P32: in a plain list the later of two genres with one ID stands, in the earlier's place."""
    message = f"Genre {quoted(genre.id)} stands in the list already"
    reading.fault("duplicate-item", "P32", place, message)


def _genre(reading: Reading, change: Change, own: str) -> Change:
    """A genre of the list, complete: its own Create or Upsert, else what the list does (P44)."""
    if change.action != "refer" or own == "refer":
        return change
    if own == "view":
        return change._replace(action="view", steps=())
    for name in change.missing:
        message = f"{name} is required in Genre"
        reading.fault("field-required", "P20", change.place, message)
    return change._replace(action=own)  # type: ignore[arg-type]


def _territory(reading: Reading, found: Model, action: str) -> TerritoryView | None:
    """P44: territories alone have no identity; View answers what was read."""
    if action != "view":
        message = f"{found.element.tag!s} has no identity of its own; only View may stand here"
        hint = "use ReleaseSetting, or Territories inside the object"
        reading.fault("action-forbidden", "P44", found.place, message, hint)
    if found.element.tag == "Territory":
        children = [(found.place, found.element)]
        return TerritoryView(plain_territories(reading, children))
    members = list_members(reading, found.element, found.place, ("Territory", "Country"))
    if members is None:
        return None
    for at, child in members[0]:
        if child.get("action") or child.get("operator"):
            hint = 'action="Update" on a ReleaseSetting carries sub-actions out'
            reading.fault("action-forbidden", "P24", at, "a sub-action stands under View", hint)
    return TerritoryView(plain_territories(reading, members[0]))
