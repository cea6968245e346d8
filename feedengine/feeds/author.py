"""Writing the protocol's own XML: an object as a package, and whole feeds (the producer's side)."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from feedengine.errors import UsageError
from feedengine.model.entities import by_element, kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element as Element

    from feedengine.catalogue.objects import Object
    from feedengine.catalogue.territories import TerritorySet
    from feedengine.model.entities import Kind, ListKind


def _add(parent: Element, name: str, text: object = None, **attributes: str) -> Element:
    child = etree.SubElement(parent, name, attributes)
    if text is not None:
        child.text = str(text)
    return child


def package_xml(
    thing: Object,
    territories: TerritorySet | None,
    linked: Sequence[str] = (),
    *,
    action: str = "Upsert",
    setting: bool = False,
) -> str:
    """An object as a package that the engine can read again (P24).

    ``linked`` are the ids at the other end of its release–track links, in order. With ``setting``
    only the territory list is written, as a ReleaseSetting (P44).
    """
    root = etree.Element("xml")
    schema = _add(root, "Schema", version="1.0", action=action)
    element = _add(schema, "ReleaseSetting" if setting else thing.kind.element)
    if setting:
        _add(element, "ID", thing.value("id"))
    else:
        _fields(element, thing)
    if territories is not None:
        territories_xml(element, territories)
    if not setting:
        for one in thing.kind.lists:
            _list(element, one, thing.lists[one.index])
        for shared in thing.kind.shared:
            if linked:
                _links(element, shared.plural, shared.item, linked)
    return _text(root)


def genres_package(genres: Sequence[Object]) -> str:
    """Genres as one package (P44): what View answers of a list of them."""
    root = etree.Element("xml")
    schema = _add(root, "Schema", version="1.0", action="Upsert")
    element = _add(schema, "Genres")
    for genre in genres:
        _fields(_add(element, genre.kind.element), genre)
    return _text(root)


def territories_package(territories: TerritorySet) -> str:
    """Territories alone as a package: what View answers of them (P44)."""
    root = etree.Element("xml")
    schema = _add(root, "Schema", version="1.0")
    territories_xml(schema, territories)
    return _text(root)


_NAMES = re.compile(r"(</?[^\s<>/]+)")
"""The names in tags, where no reference may stand."""


def _text(root: Element) -> str:
    """The document, to be shown as well as read: what is not printable stands as a reference."""
    text = etree.tostring(root, pretty_print=True, encoding="unicode")
    if text.replace("\n", "").isprintable():
        return text
    pieces = _NAMES.split(text)
    return "".join(
        piece if at % 2 else "".join(map(_reference, piece)) for at, piece in enumerate(pieces)
    )


def _reference(character: str) -> str:
    plain = character == "\n" or character.isprintable()
    return character if plain else f"&#{ord(character)};"


def _fields(element: Element, thing: Object) -> None:
    """The ID first, then the fields in the order of the declarations."""
    _add(element, "ID", thing.value("id"))
    units = {"duration_seconds": {"type": "seconds"}}
    for leaf in thing.kind.leaves:
        value = thing.row[leaf.index]
        if value is not None and leaf.column != "id":
            _add(element, leaf.element, value, **units.get(leaf.column, {}))
    for name, (index, _) in thing.kind.ones.items():
        if thing.row[index] is not None:
            _add(_add(element, name), "ID", thing.row[index])


def territories_xml(parent: Element, territories: TerritorySet) -> None:
    """A ``Territories`` element with its countries and their validities."""
    element = _add(parent, "Territories")
    for country, validities in territories.entries:
        territory = _add(element, "Territory")
        _add(territory, "Country", country)
        if validities:
            inside = _add(territory, "Validities")
            for validity in validities:
                one = _add(inside, "Validity")
                for name, value in zip(_VALIDITY, validity, strict=True):
                    if value is not None:
                        _add(one, name, value)


_VALIDITY = ("Name", "Type", "StartDate", "EndDate")


def _links(element: Element, plural: str, item: str, ids: Iterable[Any]) -> None:
    inside = _add(element, plural)
    for name in ids:
        _add(_add(inside, item), "ID", name)


def _list(element: Element, one: ListKind, items: Sequence[Any]) -> None:
    if not items:
        return
    if one.is_link:
        _links(element, one.listed.plural, one.listed.item, items)
        return
    inside = _add(element, one.listed.plural)
    for item in items:
        if one.listed.style == "named":
            name, kind, text = (item[one.columns.index(c)] for c in ("name", "type", "value"))
            _add(inside, str(name), text, **({"type": kind} if kind is not None else {}))
            continue
        _item(_add(inside, one.listed.item), one, item)


def _item(element: Element, one: ListKind, item: Sequence[Any]) -> None:
    """A child by the paths its columns are read from."""
    for leaf in one.leaves:
        value = item[leaf.index]
        if value is None:
            continue
        read = one.table.column(leaf.column).read
        assert read is not None  # noqa: S101 - leaves are read
        parent = element
        steps = [names[0] for names in read.path]
        inner = steps if read.attribute is not None else steps[:-1]
        for name in inner:
            found = parent.find(name)
            parent = _add(parent, name) if found is None else found
        if read.attribute is not None:
            parent.set(read.attribute, str(value))
            continue
        last = parent.find(steps[-1])
        last = _add(parent, steps[-1]) if last is None else last
        last.text = str(value)


@dataclass(frozen=True, slots=True)
class FeedWriter:
    """Writes one feed: packages first, the manifest, and the Stack entry last (P4).

    ``folder`` is the feed's own folder, ``feeds`` the one that all are in, ``entries`` the Stack;
    make one with `new_feed`.
    """

    feeds: Path
    entries: Path
    path: str
    client: str
    _next: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """The feed's folder."""
        return self.feeds / self.path

    def add(self, xml: str | bytes, name: str | None = None) -> Path:
        """Add a package, or with ``name`` (such as ``genres/rock.xml``) a file for ``src``."""
        data = xml.encode() if isinstance(xml, str) else xml
        if name is None:
            packages = self.folder / "packages"
            packages.mkdir(exist_ok=True)
            if "package" not in self._next:
                self._next["package"] = _highest(packages)
            number = self._next["package"] + 1
            self._next["package"] = number
            target = packages / f"{number:02d}" / "package.xml"
        else:
            target = self.folder / name
            if not target.resolve().is_relative_to(self.folder.resolve()):
                raise UsageError(f"{name} leads out of the feed", "give a path below it")
        target.parent.mkdir(parents=True, exist_ok=True)
        _written(target, data)
        return target

    def stack(self) -> Path:
        """Write the Stack entry: from now on the engine may take the feed."""
        target = self.entries / f"{self.path.rpartition('/')[2]}.xml"
        target.parent.mkdir(parents=True, exist_ok=True)
        _written(target, entry_xml(self.client, self.path))
        return target


def entry_xml(client: str, path: str) -> bytes:
    """A Stack entry (P2)."""
    root = etree.Element("xml")
    _add(root, "Version", "1.0")
    _add(root, "Client", client)
    _add(root, "Feed", path="/" + path)
    return _text(root).encode()


def _highest(packages: Path) -> int:
    """The highest number that a package of the feed has."""
    return max((int(e.name) for e in packages.iterdir() if e.name.isdecimal()), default=0)


def new_feed(
    root: Path,
    client: str,
    *,
    milliseconds: int | None = None,
    feeds: Path | None = None,
    stack: Path | None = None,
) -> FeedWriter:
    """A new feed with its manifest, under ``Feeds/YEAR/MONTH/DAY/<unix milliseconds>`` (P1).

    ``feeds`` and ``stack`` are said where a site has them elsewhere (``feeds_path``,
    ``stack_path``).
    """
    made_in, entries = feeds or root / "Feeds", stack or root / "Stack"
    now = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    day = datetime.fromtimestamp(now / 1000, UTC)
    while True:
        path = f"{day:%Y/%m/%d}/{now}"
        try:
            (made_in / path).mkdir(parents=True)
            break
        except FileExistsError:
            if milliseconds is not None:
                raise UsageError(f"the feed {path} exists already", "name another time") from None
            now += 1
    made = FeedWriter(made_in, entries, path, client)
    manifest = etree.Element("xml")
    _add(manifest, "Client", client)
    _add(manifest, "Packages", path="packages/*/package.xml")
    _written(made.folder / "manifest.xml", _text(manifest).encode())
    return made


def open_feed(
    root: Path, path: str, *, feeds: Path | None = None, stack: Path | None = None
) -> FeedWriter:
    """The writer of a feed that `new_feed` made."""
    plain = path.strip("/")
    made_in, entries = feeds or root / "Feeds", stack or root / "Stack"
    manifest = made_in / plain / "manifest.xml"
    try:
        client = etree.parse(manifest, _READER).findtext("Client")
    except (OSError, etree.XMLSyntaxError):
        raise UsageError(f"{plain} is no feed with a manifest", "make one: feed new") from None
    return FeedWriter(made_in, entries, plain, client or "")


_READER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _written(target: Path, data: bytes) -> None:
    """Write whole, aside, then renamed: nobody ever sees half a file."""
    aside = target.with_name(f".{target.name}.part")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)


def kind_of(name: str) -> Kind:
    """The kind of a table's or element's name; raises `UsageError`."""
    found = kinds().get(name) or by_element().get(name)
    if found is None:
        raise UsageError(f"{name} is no kind of object", f"kinds: {', '.join(kinds())}")
    return found
