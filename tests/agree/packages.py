"""Packages as small Python trees, their XML, and strategies that make sequences of them.

A tree says what stands in the document, right or wrong, and nothing of what it means: the oracle
reads the tree, the engine reads ``to_xml`` of it, and both must come to the same catalogue.
``None`` is an element (or attribute) that is absent, ``""`` one that is empty.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Act:
    """An action as it is spelled; ``other`` stands under the second of the two names (P12)."""

    word: str
    name: str = "action"
    other: str | None = None

    def attributes(self) -> dict[str, str]:
        """The attributes that carry it."""
        second = {} if self.other is None else {_OTHER_NAME[self.name]: self.other}
        return {self.name: self.word} | second


@dataclass(frozen=True, slots=True)
class Field:
    """A scalar element of an object."""

    name: str
    text: str = ""
    type: str | None = None
    act: Act | None = None

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        _add(parent, self.name, self.text, self.act, type=self.type)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as it is written, with its ``type=`` (dates and instants)."""

    text: str
    type: str | None = None

    @classmethod
    def of(cls, text: str | None) -> Text | None:
        """A text without a type, None for an element that is absent."""
        return None if text is None else cls(text)


@dataclass(frozen=True, slots=True)
class Image:
    """An item of ``Images``; the last three name the doubles it is spelled with (P15)."""

    source: str | None = None
    value: str | None = None
    resource: str | None = None
    resource_type: str | None = None
    mime_type: str | None = None
    width: str | None = None
    height: str | None = None
    act: Act | None = None
    source_name: str = "Source"
    height_name: str = "Height"
    resolution_name: str = "Resolution"

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        image = _add(parent, "Image", None, self.act)
        if self.resource is not None:
            types = {"mimeType": self.mime_type, "type": self.resource_type}
            _add(image, "Resource", self.resource, None, **types)
        _add_scalar(image, self.source_name, self.source)
        if self.width is not None or self.height is not None:
            resolution = _add(image, self.resolution_name, None, None)
            _add_scalar(resolution, "Width", self.width)
            _add_scalar(resolution, self.height_name, self.height)
        _add_scalar(image, "Value", self.value)

    @property
    def rows(self) -> list[dict[str, Text | None]]:
        """The scalars by column; without a resource its types mean nothing."""
        has_resource = bool(self.resource and self.resource.strip())
        return [
            {
                "source": Text.of(self.source),
                "value": Text.of(self.value),
                "resource": Text.of(self.resource),
                "resource_type": Text.of(self.resource_type) if has_resource else None,
                "mime_type": Text.of(self.mime_type) if has_resource else None,
                "width": Text.of(self.width),
                "height": Text.of(self.height),
            }
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands in it."""
        scalars = (self.source, self.value, self.resource, self.width, self.height)
        return all(scalar is None for scalar in scalars)


@dataclass(frozen=True, slots=True)
class Item:
    """What a resource is beside its source."""

    type: str | None = None
    value: str | None = None

    def write(self, parent: ET.Element) -> None:
        """Write the two scalars into the resource or the ``Item``."""
        _add_scalar(parent, "Type", self.type)
        _add_scalar(parent, "Value", self.value)


@dataclass(frozen=True, slots=True)
class Resource:
    """An element of ``Resources``: one item without a wrapper, or any number inside ``Item``."""

    source: str | None = None
    items: tuple[Item, ...] = (Item(),)
    wrapped: bool = False
    act: Act | None = None
    source_name: str = "Source"

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        resource = _add(parent, "Resource", None, self.act)
        _add_scalar(resource, self.source_name, self.source)
        for item in self.items:
            item.write(_add(resource, "Item", None, None) if self.wrapped else resource)

    @property
    def rows(self) -> list[dict[str, Text | None]]:
        """The scalars by column, a row for each item."""
        source = Text.of(self.source)
        return [
            {"source": source, "type": Text.of(item.type), "value": Text.of(item.value)}
            for item in self.items
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands in it."""
        return self.source is None and not self.wrapped and self.items == (Item(),)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, bare in the object or collected in ``References``."""

    provider: str | None = None
    ref_id: str | None = None
    act: Act | None = None

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        reference = _add(parent, "Reference", None, self.act)
        _add_scalar(reference, "Provider", self.provider)
        _add_scalar(reference, "ID", self.ref_id)

    @property
    def rows(self) -> list[dict[str, Text | None]]:
        """The scalars by column."""
        return [{"provider": Text.of(self.provider), "ref_id": Text.of(self.ref_id)}]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands in it."""
        return self.provider is None and self.ref_id is None


@dataclass(frozen=True, slots=True)
class Meta:
    """An element of ``MetaData``: its name is free."""

    name: str
    value: str = ""
    type: str | None = None
    act: Act | None = None

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        _add(parent, self.name, self.value, self.act, type=self.type)

    @property
    def rows(self) -> list[dict[str, Text | None]]:
        """The scalars by column."""
        scalars = {"name": self.name, "type": self.type, "value": self.value}
        return [{column: Text.of(text) for column, text in scalars.items()}]

    @property
    def is_empty(self) -> bool:
        """Never: the name of the element is a scalar of it."""
        return False


@dataclass(frozen=True, slots=True)
class Validity:
    """A window of a track or of a territory."""

    name: str | None = None
    type: str | None = None
    start: Text | None = None
    end: Text | None = None
    act: Act | None = None

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        validity = _add(parent, "Validity", None, self.act)
        _add_scalar(validity, "Name", self.name)
        _add_scalar(validity, "Type", self.type)
        for name, moment in (("StartDate", self.start), ("EndDate", self.end)):
            if moment is not None:
                _add(validity, name, moment.text, None, type=moment.type)

    @property
    def rows(self) -> list[dict[str, Text | None]]:
        """The scalars by column."""
        window = {"starts_at": self.start, "ends_at": self.end}
        return [{"name": Text.of(self.name), "type": Text.of(self.type)} | window]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands in it."""
        return all(scalar is None for scalar in (self.name, self.type, self.start, self.end))


@dataclass(frozen=True, slots=True)
class Territory:
    """A territory; ``bare`` is written as ``<Country>`` alone (D4) and has no validities."""

    country: str | None = None
    validities: tuple[Validity, ...] | None = None
    act: Act | None = None
    bare: bool = False

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        if self.bare:
            _add(parent, "Country", self.country, self.act)
            return
        territory = _add(parent, "Territory", None, self.act)
        _add_scalar(territory, "Country", self.country)
        if self.validities is not None:
            collection = _add(territory, "Validities", None, None)
            for validity in self.validities:
                validity.write(collection)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands in it."""
        return not self.country if self.bare else (self.country, self.validities) == (None, None)


@dataclass(frozen=True, slots=True)
class Collection:
    """A list of an object, or (`Genres`, `Territories`) the object of a package."""

    name: str
    children: tuple[Child, ...] = ()
    act: Act | None = None

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        collection = _add(parent, self.name, None, self.act)
        for child in self.children:
            child.write(collection)


@dataclass(frozen=True, slots=True)
class Model:
    """An object: the package's own, or one nested in it; its ID as attribute, element or both."""

    kind: str
    id: str | None = None
    content: tuple[Content, ...] = ()
    act: Act | None = None
    id_attribute: str | None = None

    def write(self, parent: ET.Element) -> None:
        """Write the element into its parent."""
        model = _add(parent, self.kind, None, self.act, id=self.id_attribute)
        _add_scalar(model, "ID", self.id)
        for part in self.content:
            part.write(model)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all stands in it."""
        return self.id is None and self.id_attribute is None and not self.content


Child: TypeAlias = Image | Resource | Reference | Meta | Validity | Territory | Model
Content: TypeAlias = Field | Collection | Reference | Model


@dataclass(frozen=True, slots=True)
class Package:
    """A whole document; ``schema`` is the action on ``Schema``."""

    object: Model | Collection | Territory
    schema: Act | None = None
    root: str = "xml"
    version: str | None = None


_OTHER_NAME = {"action": "operator", "operator": "action"}


def to_xml(package: Package) -> bytes:
    """Write the package as a document in UTF-8."""
    root = ET.Element(package.root)
    package.object.write(_add(root, "Schema", None, package.schema, version=package.version))
    document: bytes = ET.tostring(root, encoding="utf-8")
    return document


def _add(
    parent: ET.Element, name: str, text: str | None, act: Act | None, **attributes: str | None
) -> ET.Element:
    """Add an element; an attribute that is None is left out."""
    given = {key: value for key, value in attributes.items() if value is not None}
    element = ET.SubElement(parent, name, given | (act.attributes() if act else {}))
    element.text = text
    return element


def _add_scalar(parent: ET.Element, name: str, text: str | None) -> None:
    """Add a scalar element unless it is absent."""
    if text is not None:
        _add(parent, name, text, None)


# The strategies draw ready-made pieces out of small pools: quick to draw, colliding often, and
# shrinking towards the first of each pool. The first ids of a kind are those that PRELUDE makes.

IDS = {
    "Artist": ("a1", "a2", "a3"),
    "Release": ("r1", "r/2", "r%2F2"),
    "Track": ("t1", "t2", "t3", "t4"),
    "Genre": ("rock", "pop", "hip-hop", "a1"),
    "Label": ("l1", "l2", "l3"),
}
STANDING = {"Artist": 2, "Release": 2, "Track": 2, "Genre": 2, "Label": 1}
REQUIRED = {
    "Artist": "Name",
    "Release": "Title",
    "Track": "Title",
    "Genre": "Name",
    "Label": "Name",
}
LISTS = {
    "Artist": ("Genres", "Territories", "Images", "MetaData", "Resources", "References"),
    "Release": (
        *("Tracks", "Artists", "Genres", "Territories", "Label", "Reference"),
        *("Images", "Resources", "References"),
    ),
    "Track": (
        *("Releases", "Artists", "Genres", "Territories", "Validities", "Reference"),
        *("Images", "Resources", "References"),
    ),
    "Genre": (),
    "Label": (),
    "ReleaseSetting": ("Territories",),
}
LINKED = {"Artists": "Artist", "Genres": "Genre", "Tracks": "Track", "Releases": "Release"}


def _fields(name: str, *texts: str, kind: str | None = None) -> tuple[Field, ...]:
    """The same element with several texts."""
    return tuple(Field(name, text, kind) for text in texts)


_COUNTERS = (
    *_fields("View", "7", "0", "", " 12 "),
    *_fields("UpdateCount", "3", "+4"),
    *_fields("UpdatedCount", "9"),
    *_fields("Popularity", "0.20", "10", "0.123456789012345678", ""),
    *_fields("CreatedAt", "1614859461", kind="unixtimestamp"),
    *_fields("CreatedAt", "1614859461123", kind="unixtime"),
    *_fields("CreatedAt", "2022-10-30T11:12:00+04:00", "2022-10-30T11:12:00", "2022-10-30", ""),
    *_fields("CreatedAt", "2022-10-30T11:12:00:0400", kind="ISO-2023A12"),
)
_WORK = (
    *_fields("SubTitle", "Live & <loud>", "14", ""),
    *_fields("CLine", "© 2003 EMI Records Ltd", ""),
    *_fields("PLine", "", "℗ 2003"),
    *_fields("DiscNumber", "1", "2"),
    *_fields("Duration", "226", kind="seconds"),
    *_fields("Duration", "226", "PT3M46S", "PT1H", ""),
    *_fields("ExplicitType", "implicit", "explicit"),
    *_fields("GRID", "A12425GABC1234002M", "GRID:A1-2425G-ABC1234002-M", "A12425GABC1234002X", ""),
    *_fields("ISPN", "U4099991E90120"),
    *_fields("ISRC", "USEWC0761141", "us-ewc-07-61141", "ISRC US EWC 07 61141", "12345", ""),
    *_COUNTERS,
)
_PLAIN: dict[str, tuple[Field, ...]] = {
    "Artist": (*_fields("UniqueName", "adele [x]", ""), *_COUNTERS),
    "Release": (
        *_fields("TrackCount", "14", "2"),
        *_fields("ProductNumber", "00724358220254", "724358220254", "96385074"),
        *_fields("ProductNumber", "5901234123458", "123456789", "B00X", ""),
        *_fields("ReleaseDate", "1992-01-01", kind="ISO-YMD"),
        *_fields("ReleaseDate", "1992-02-29", ""),
        *_WORK,
    ),
    "Track": (*_fields("TrackNumber", "2", "1"), *_WORK),
    "Genre": (*_fields("Source", "Apple", ""), *_fields("CreatedAt", "2022-10-30T11:12:00Z")),
    "Label": _fields("CreatedAt", "2022-10-30T11:12:00.1234560Z"),
    "ReleaseSetting": (),
}
_WRONG = (
    *_fields("CreatedAt", "yesterday", "2022-02-30T00:00:00Z"),
    *_fields("CreatedAt", "12", kind="seconds"),
    *_fields("Titel", "Hello"),
)
_WRONG_COUNTERS = (
    *_fields("View", "-1", "many", "9223372036854775808"),
    *_fields("Popularity", "1e3", "0.1234567890123456789"),
    *_WRONG,
)
_WRONG_WORK = (*_fields("Duration", "3:46"), *_fields("DiscNumber", "1.5"), *_WRONG_COUNTERS)
_WRONG_FIELDS: dict[str, tuple[Field, ...]] = {
    "Artist": _WRONG_COUNTERS,
    "Release": (*_fields("ReleaseDate", "1992-13-01", "01/01/1992"), *_WRONG_WORK),
    "Track": _WRONG_WORK,
    "Genre": _WRONG,
    "Label": _WRONG,
    "ReleaseSetting": (),
}
_COUNTED = ("View", "UpdateCount", "Popularity", "UpdatedCount")
_AMOUNTS = {"Increase": ("1", "3", "0"), "Decrease": ("1", "2", "0")}
_WRONG_AMOUNTS = ("100", "-1", "", "1.5", "9223372036854775807")

_STREAMING = Validity("StreamingValidity", "Allow", Text("1191297600", "unixtime"))
_DOWNLOAD = Validity("DownloadValidity", "Deny", None, Text("2022-10-30"))
_FREEZE = Validity(
    "FreezeMechanism", "Allow", None, Text("2022-10-30T11:12:00:0400", "ISO-2023A12")
)
_SINCE = Validity("StreamingValidity", "Allow", Text("2007-10-02", "ISO-YMD"))
_WINDOWS = (None, (), (_STREAMING,), (_FREEZE, _DOWNLOAD), (_SINCE, _STREAMING), (Validity(),))
_COUNTRIES = ("US", "WW", "GB", "UK", "us", "Worldwide", "DE")
_TERRITORIES = (
    *(Territory(country, windows) for country in _COUNTRIES for windows in _WINDOWS),
    *(Territory(country, bare=True) for country in _COUNTRIES),
)
_METAS = (Meta("BirthDay", "1980-03-22", "ISO-YMD"), Meta("BirthDay", "1988-05-05"), Meta("Motto"))
_ITUNES = Item("Web-Link", "https://itunes.example/60760626?uo=4&at=1010lo7f")

_GOOD: dict[str, tuple[Child, ...]] = {
    "Images": (
        Image("7digital", "749_<$size$>.jpg", width="800", height="800"),
        Image("7digital", "749_<$size$>.jpg", "/srv/a.jpeg", "FilePath", "image/*", "800", "800"),
        Image(None, "1", "", None, None, "", "800", source_name="Provider", height_name="Heigth"),
        Image("7digital", None, "/srv/a.jpeg", source_name="Provider"),
        Image("7digital", None, " /srv/a.jpeg", "HttpURL", resolution_name="Resolutions"),
        Image("", "1", width="300", resolution_name="Resolutions"),
    ),
    "Resources": (
        Resource("7digital", (_ITUNES,)),
        Resource("7digital", (_ITUNES,), wrapped=True, source_name="Provider"),
        Resource("apple", (_ITUNES, Item("Bio", "b")), wrapped=True),
    ),
    "References": (Reference("7digital", "1"), Reference("7digital", "2"), Reference("upc")),
    "MetaData": _METAS,
    "Validities": (_STREAMING, _DOWNLOAD, _FREEZE, _SINCE),
    "Territories": _TERRITORIES,
}
_PULLS: dict[str, tuple[Child, ...]] = {
    "Images": (Image("7digital"), Image(height="800"), Image("", "1"), *_GOOD["Images"]),
    "Resources": (
        *(Resource("7digital"), Resource(None, (Item("Web-Link"),))),
        *_GOOD["Resources"],
    ),
    "References": (Reference("7digital"), Reference(None, "2"), *_GOOD["References"]),
    "MetaData": (Meta("BirthDay"), *_METAS),
    "Validities": (Validity("StreamingValidity"), Validity(type="Deny"), *_GOOD["Validities"]),
    "Territories": _TERRITORIES,
}
_BAD: dict[str, tuple[Child, ...]] = {
    "Images": (
        *(Image(), Image(source="7digital"), Image(None, "1", width="wide"), Image(value="")),
    ),
    "Resources": (
        *(Resource(), Resource("apple"), Resource(None, (_ITUNES, Item()), wrapped=True)),
    ),
    "References": (Reference(), Reference(None, "1"), Reference("")),
    "MetaData": _METAS,
    "Validities": (
        *(Validity(), Validity("StreamingValidity"), Validity("StreamingValidity", "allow")),
        *(Validity("X", "Deny", Text("12:00")), Validity("X", "Deny", Text("1", "seconds"))),
    ),
    "Territories": (
        *(Territory(), Territory("ZZ"), Territory("", ()), Territory(bare=True)),
        *(Territory("ZZ", bare=True), Territory("US", (Validity("StreamingValidity"),))),
        Territory("US", (replace(_STREAMING, act=Act("Push")),)),
    ),
}

EMPTIES: dict[str, Child] = {
    "Images": Image(),
    "Resources": Resource(),
    "References": Reference(),
    "Validities": Validity(),
    "Territories": Territory(),
    "Artists": Model("Artist"),
    "Genres": Model("Genre"),
    "Tracks": Model("Track"),
    "Releases": Model("Release"),
}

_EDITS = ("Push", "Pull", "Push", "Pull", "Push", "Pull", "Upsert", "Create")
_PUSHES = ("Push", "Push", "Upsert", "Upsert", "Create")
_WORDS = ("Push", "Pull", "Create", "Update", "Upsert", "Delete", "Increase", "Decrease", "View")
_WRONG_ACTS: tuple[Act | None, ...] = (
    *(None, Act("Remove"), Act("Push", "action", "Pull"), Act("Update"), Act("Delete")),
    *(Act(word) for word in _WORDS),
)


def _one(*weighted: tuple[int, T]) -> st.SearchStrategy[T]:
    """One of the values, each as often as its weight; shrinks towards the first."""
    return st.sampled_from([value for weight, value in weighted for _ in range(weight)])


def _act(word: str) -> st.SearchStrategy[Act]:
    """The word in its spellings (P12)."""
    spellings = (
        *(Act(word), Act(word.lower()), Act(word.upper(), "operator")),
        Act(word, "operator", word.lower()),
    )
    return st.sampled_from(spellings)


def _id(kind: str) -> st.SearchStrategy[str]:
    """An ID of a kind, mostly one that the prelude made."""
    standing = IDS[kind][: STANDING[kind]]
    return st.sampled_from([*standing * 3, *IDS[kind]])


_NAMES = st.sampled_from(("Hello", "Adele", "Rock & Roll"))
_ONE_IN_FOUR = _one((3, False), (1, True))
_ONE_IN_SIX = _one((5, False), (1, True))


@st.composite
def _identified(draw: st.DrawFn, model: Model, value: str) -> Model:
    """Give the model its ID in one of its forms (P14)."""
    form = draw(_one((3, "element"), (2, "attribute"), (1, "both")))
    element = None if form == "attribute" else value
    return replace(model, id=element, id_attribute=None if form == "element" else value)


@st.composite
def _scalars(draw: st.DrawFn, kind: str, mode: str, *, faulty: bool) -> list[Content]:
    """Some scalar elements, none twice unless they carry sub-actions or are meant to be wrong."""
    if not _PLAIN[kind]:
        return []
    pool = st.sampled_from(_PLAIN[kind] + (_WRONG_FIELDS[kind] * 2 if faulty else ()))
    if faulty and draw(_ONE_IN_FOUR):
        found = draw(st.lists(pool, max_size=3))
    else:
        found = draw(st.lists(pool, max_size=3, unique_by=_column))
    if kind in {"Artist", "Release", "Track"} and draw(_ONE_IN_FOUR):
        edits = draw(st.lists(_counted(mode, faulty=faulty), min_size=1, max_size=2))
        edited = {_column(edit) for edit in edits}
        found = [field for field in found if faulty or _column(field) not in edited] + edits
    return [*found]


def _column(field: Field) -> str:
    """The name under which a scalar counts as given twice (P15)."""
    return field.name.replace("Updated", "Update")


@st.composite
def _counted(draw: st.DrawFn, mode: str, *, faulty: bool) -> Field:
    """An Increase or Decrease, or with bad luck a wrong amount or any action on a scalar."""
    word = draw(st.sampled_from(("Increase", "Decrease") if mode == "Update" else ("Increase",)))
    luck = draw(st.sampled_from(("good", "amount", "action"))) if faulty else "good"
    if luck == "action":
        name = draw(st.sampled_from(("View", "CreatedAt", "Popularity")))
        return Field(name, "1", None, draw(st.sampled_from(_WRONG_ACTS[1:])))
    amounts = _WRONG_AMOUNTS if luck == "amount" else _AMOUNTS[word]
    name = draw(st.sampled_from(_COUNTED))
    return Field(name, draw(st.sampled_from(amounts)), None, draw(_act(word)))


@st.composite
def _nested(draw: st.DrawFn, kind: str, depth: int, mark: Act | None, *, faulty: bool) -> Model:
    """A model inside another: a bare ID where the catalogue likely has it, else complete."""
    value = draw(_id(kind))
    word = mark.word.capitalize() if mark else ""
    if word == "Create":
        value = IDS[kind][-1]
    standing = value in IDS[kind][: STANDING[kind]] or word == "Pull"
    bare = draw(_ONE_IN_SIX) if faulty else standing and word not in {"Create", "Upsert"}
    content = [] if bare else draw(_content(kind, "Create", depth, faulty=faulty))
    return replace(draw(_identified(Model(kind), value)), content=tuple(content), act=mark)


@st.composite
def _child(draw: st.DrawFn, name: str, depth: int, mark: Act | None, *, faulty: bool) -> Child:
    """One child of a list, with its mark."""
    bad = faulty and draw(_ONE_IN_FOUR)
    if name in LINKED and bad and draw(st.booleans()):
        return replace(EMPTIES[name], act=mark)
    if name in LINKED:
        return draw(_nested(LINKED[name], depth + 1, mark, faulty=faulty))
    good = _PULLS[name] if mark and mark.word.capitalize() == "Pull" else _GOOD[name]
    return replace(draw(st.sampled_from(_BAD[name] if bad else good)), act=mark)


@st.composite
def _mark(draw: st.DrawFn, name: str, mode: str) -> Act:
    """A sub-action that the list and the primary action allow."""
    word = draw(st.sampled_from(_PUSHES if mode == "Create" else _EDITS))
    if word in {"Create", "Upsert"} and name not in LINKED:
        word = "Push"
    return draw(_act(word))


@st.composite
def _children(
    draw: st.DrawFn, name: str, style: str, mode: str, depth: int, *, faulty: bool
) -> tuple[Child, ...]:
    """The children of a list in one of its styles (P30)."""
    found: list[Child] = []
    held = Act(style) if style in {"Push", "Pull"} else None
    for _ in range(draw(st.integers(0 if style in {"plain", "Update"} else 1, 3))):
        if faulty and draw(_ONE_IN_SIX):
            mark = draw(st.sampled_from(_WRONG_ACTS))
        elif style == "plain" or (held and draw(st.booleans())):
            mark = None
        else:
            mark = held or draw(_mark(name, mode))
        child = draw(_child(name, depth, mark or held, faulty=faulty))
        found.append(replace(child, act=mark))
    if style == "plain" and name in EMPTIES and draw(_ONE_IN_SIX):
        found.append(EMPTIES[name])
    return tuple(found)


@st.composite
def _list(draw: st.DrawFn, name: str, mode: str, depth: int, *, faulty: bool) -> Collection:
    """A list: plain, its children marked, announced, or held by a Push or Pull on itself."""
    styles = ["marked"] * 4 + ["Update"] * 2 + ["Push", "Pull"]
    styles = {"Update": ["plain"] * 3 + styles, "Edit": styles}.get(
        mode, ["plain"] * 9 + ["marked", "Push"]
    )
    style = draw(st.sampled_from(styles))
    children = draw(_children(name, style, mode, depth, faulty=faulty))
    words = {"plain": "", "marked": "", "Update": "Transform"}
    word = words.get(style, style)
    if style == "Update" and name == "Territories":
        word = "Placement" if any(getattr(child, "bare", False) for child in children) else "Update"
    act = draw(_act(word)) if word else None
    if faulty and draw(_ONE_IN_SIX):
        act = draw(st.sampled_from(_WRONG_ACTS))
    return Collection(name, children, act)


@st.composite
def _part(
    draw: st.DrawFn, name: str, mode: str, depth: int, *, faulty: bool
) -> tuple[Content, ...]:
    """A list, bare references, or a label."""
    if name == "Label":
        act = Act("Upsert") if draw(_ONE_IN_SIX) else None
        if faulty and draw(_ONE_IN_FOUR):
            act = draw(st.sampled_from(_WRONG_ACTS))
        if act is None and draw(_ONE_IN_SIX):
            return (Model("Label"),)
        return (draw(_nested("Label", depth + 1, act, faulty=faulty)),)
    if name == "Reference":
        style = draw(_one((1, "plain"), (1, "marked"))) if mode == "Update" else "plain"
        children = draw(_children("References", style, mode, depth, faulty=faulty))
        return tuple(child for child in children if isinstance(child, Reference))
    found = draw(_list(name, mode, depth, faulty=faulty))
    twice = mode == "Update" and (found.act or any(child.act for child in found.children))
    if (twice or faulty) and draw(_ONE_IN_FOUR):
        return (found, draw(_list(name, "Edit" if twice else mode, depth, faulty=faulty)))
    return (found,)


@st.composite
def _content(draw: st.DrawFn, kind: str, mode: str, depth: int, *, faulty: bool) -> list[Content]:
    """What stands in a model beside its ID; complete under Create unless meant to be wrong."""
    found: list[Content] = draw(_scalars(kind, mode, faulty=faulty))
    linked = {*LINKED, "Label"} if depth > 1 else set()
    names = [name for name in LISTS[kind] if name not in linked]
    some = (
        st.lists(st.sampled_from(names), max_size=3 - depth, unique=True) if names else st.just([])
    )
    picked = draw(some)
    if not faulty and {"Reference", "References"} <= set(picked):
        picked.remove("Reference")
    for name in picked:
        found.extend(draw(_part(name, mode, depth, faulty=faulty)))
    if kind in REQUIRED and (mode != "Update" or draw(st.booleans())):
        wrong = faulty and draw(_ONE_IN_SIX)
        text = draw(st.sampled_from(("", None))) if wrong else draw(_NAMES)
        if text is not None:
            found.insert(draw(st.integers(0, len(found))), Field(REQUIRED[kind], text))
    return found


@st.composite
def _primary(draw: st.DrawFn, kind: str, word: str, *, faulty: bool) -> Model:
    """The object of a package under an action, without that action."""
    pool = "Release" if kind == "ReleaseSetting" else kind
    value = draw(_id(pool))
    if word == "Create" and kind != "ReleaseSetting" and not draw(_ONE_IN_SIX):
        value = draw(st.sampled_from(IDS[kind][STANDING[kind] :]))
    content: list[Content] = []
    if word in {"Create", "Upsert", "Update"} or draw(_ONE_IN_FOUR):
        mode = "Update" if word == "Update" or (word == "View" and faulty) else "Create"
        content = draw(_content(kind, mode, 0, faulty=faulty))
        if kind == "ReleaseSetting" and word in {"Create", "Upsert"} and not content:
            content = [Collection("Territories")]
    model = replace(draw(_identified(Model(kind), value)), content=tuple(content))
    if faulty and draw(_ONE_IN_SIX):
        wrong_ids = (None, "other", "x" * 256)
        return replace(model, id=draw(st.sampled_from(wrong_ids)))
    return model


@st.composite
def _genres(draw: st.DrawFn, word: str, *, faulty: bool) -> Collection:
    """A package's `Genres` (P44)."""
    found: list[Child] = []
    for _ in range(draw(st.integers(0, 3))):
        mark = None
        if word == "Update" or faulty:
            words = st.sampled_from((*_WRONG_ACTS, *_WRONG_ACTS[:1] * 6))
            marks = _one((2, None), (2, Act("Push")), (2, Act("pull")), (1, Act("Upsert")))
            mark = draw(words if faulty else marks)
        genre = draw(_nested("Genre", 1, mark, faulty=faulty))
        if not genre.content and (not faulty or draw(st.booleans())):
            genre = replace(genre, content=(Field("Name", draw(_NAMES)),))
        found.append(genre)
    if word != "Update" and draw(_ONE_IN_SIX):
        found.append(EMPTIES["Genres"])
    return Collection("Genres", tuple(found))


@st.composite
def _acted(
    draw: st.DrawFn, thing: Model | Collection | Territory, word: str, *, faulty: bool
) -> Package:
    """Put the primary action on the object, on `Schema`, on both, or (View) nowhere (P13)."""
    act = draw(_act(word))
    places = [(act, None), (None, act), (act, Act(word))]
    if word == "View":
        places.insert(0, (None, None))
    if faulty and draw(_ONE_IN_SIX):
        places = [(act, Act("Update")), (Act("Remove"), None), (Act("Push"), None), (None, None)]
    on_object, on_schema = draw(st.sampled_from(places))
    root, version = draw(st.sampled_from((("xml", None), ("Package", "1.0"))))
    return Package(replace(thing, act=on_object), on_schema, root, version)


_ACTIONS = ((7, "Update"), (6, "Upsert"), (1, "Create"), (1, "Delete"), (1, "View"))
_SETTINGS = ((5, "Update"), (3, "Upsert"), (2, "Create"), (2, "Delete"), (1, "View"))


@st.composite
def packages(draw: st.DrawFn) -> Package:
    """One package; about three in four are meant to be right in themselves."""
    faulty = draw(_ONE_IN_FOUR)
    kind = draw(
        _one(
            *((6, "Release"), (6, "Track"), (4, "Artist"), (2, "ReleaseSetting"), (2, "Genres")),
            *((1, "Genre"), (1, "Label"), (1, "Territories")),
        )
    )
    if kind == "Territories":
        thing: Model | Collection | Territory = draw(_list(kind, "Create", 0, faulty=faulty))
        if draw(st.booleans()):
            thing = draw(st.sampled_from(_TERRITORIES[: len(_WINDOWS)]))
        return draw(_acted(thing, "View", faulty=faulty))
    word = draw(_one(*(_SETTINGS if kind == "ReleaseSetting" else _ACTIONS)))
    if kind == "Genres":
        word = "Update" if word in {"Delete", "Create"} and not faulty else word
        return draw(_acted(draw(_genres(word, faulty=faulty)), word, faulty=faulty))
    return draw(_acted(draw(_primary(kind, word, faulty=faulty)), word, faulty=faulty))


def _named(kind: str, value: str, *content: Content) -> Model:
    """A complete model."""
    return Model(kind, value, (Field(REQUIRED[kind], value), *content))


PRELUDE: tuple[Package, ...] = (
    Package(
        _named(
            "Release",
            "r1",
            Field("View", "50"),
            Collection("Territories", (Territory("WW"), Territory("DE", bare=True))),
            Collection("Genres", (_named("Genre", "rock"), _named("Genre", "pop"))),
            Collection(
                "Artists",
                (
                    _named("Artist", "a1", Collection("Genres", (Model("Genre", "rock"),))),
                    _named("Artist", "a2", Field("View", "50")),
                ),
            ),
            Collection(
                "Tracks",
                (_named("Track", "t1", Field("View", "50")), _named("Track", "t2")),
            ),
            _named("Label", "l1"),
        ),
        Act("Create"),
    ),
    Package(_named("Release", "r/2"), Act("Create")),
)
"""Two packages that make the first ids of every kind."""


@st.composite
def _kept(draw: st.DrawFn) -> list[Package]:
    """A package, or none at all, which a failing example shrinks to wherever it can."""
    return [draw(packages())] if draw(_one((1, False), (19, True))) else []


def sequences(max_size: int = 5) -> st.SearchStrategy[list[Package]]:
    """Packages to be applied one after the other, mostly after those of `PRELUDE`."""
    first = _one((1, False), (9, True)).map(lambda wanted: [*PRELUDE] if wanted else [])
    then = st.lists(_kept(), min_size=1, max_size=max_size)
    return st.tuples(first, then).map(lambda both: [*both[0], *chain.from_iterable(both[1])])
