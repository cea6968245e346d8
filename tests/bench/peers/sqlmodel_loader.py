"""A plain loader: lxml and SQLModel, object by object in a session, one commit for 1,000 packages.

It does not hash, validate against the schema, judge what may be done, keep history or a ledger,
write logs, or know Updates with sub-actions. One wrong package ends it, with what stands before it
half applied.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime

from lxml import etree
from sqlmodel import Field, Session, SQLModel, create_engine

BATCH = 1000


class Thing(SQLModel):
    """What every object has."""

    id: str = Field(primary_key=True)
    created_at: datetime | None = None


class Named(Thing):
    """An object with a name."""

    name: str


class Label(Named, table=True):
    """A label."""


class Genre(Named, table=True):
    """A genre."""


class Artist(Named, table=True):
    """An artist."""

    unique_name: str | None = None
    view: int | None = None


class Titled(Thing):
    """What releases and tracks share."""

    title: str
    sub_title: str | None = None
    c_line: str | None = None
    p_line: str | None = None
    disc_number: int | None = None
    popularity: str | None = None
    view: int | None = None
    update_count: int | None = None


class Release(Titled, table=True):
    """A release."""

    track_count: int | None = None
    product_number: str | None = None
    release_date: str | None = None
    label_id: str | None = Field(default=None, foreign_key="label.id", index=True)


class Track(Titled, table=True):
    """A track."""

    track_number: int | None = None
    duration: int | None = None
    explicit_type: str | None = None
    isrc: str | None = Field(default=None, index=True)


class Link(SQLModel, table=True):
    """Any link: owner, what is linked, and of which kind."""

    owner: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    linked: str = Field(primary_key=True)


class Child(SQLModel, table=True):
    """A reference, resource, image or metadata of an owner, as text."""

    owner: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    value: str


class Territory(SQLModel, table=True):
    """A country of an owner's list, with its windows as text."""

    owner: str = Field(primary_key=True)
    country: str = Field(primary_key=True)
    validities: str | None = None


KINDS = {"Label": Label, "Genre": Genre, "Artist": Artist, "Release": Release, "Track": Track}
NAMES = {
    "ID": "id", "Name": "name", "UniqueName": "unique_name", "Title": "title",
    "SubTitle": "sub_title", "CLine": "c_line", "PLine": "p_line", "DiscNumber": "disc_number",
    "TrackNumber": "track_number", "TrackCount": "track_count", "Duration": "duration",
    "ExplicitType": "explicit_type", "ISRC": "isrc", "ProductNumber": "product_number",
    "ReleaseDate": "release_date", "Popularity": "popularity", "View": "view",
    "UpdateCount": "update_count",
}  # fmt: skip


def rows(element):
    """The rows of an object."""
    kind = KINDS[element.tag]
    scalars = {NAMES[child.tag]: child.text for child in element if child.tag in NAMES}
    if "created_at" in kind.model_fields and (at := element.findtext("CreatedAt")):
        scalars["created_at"] = datetime.fromisoformat(at)
    for name in ("view", "update_count", "disc_number", "track_number", "duration", "track_count"):
        if name in scalars:
            scalars[name] = int(scalars[name])
    if (label := element.findtext("Label/ID")) is not None:
        scalars["label_id"] = label
    owner = scalars["id"]
    yield kind(**scalars)
    for path in ("Artists/Artist", "Genres/Genre", "Releases/Release"):
        for linked in element.findall(path):
            yield Link(owner=owner, kind=linked.tag, linked=linked.findtext("ID"))
    for plural in ("References", "Resources", "Images", "MetaData"):
        for position, child in enumerate(element.iterfind(f"{plural}/*"), 1):
            value = json.dumps({one.tag: one.text for one in child.iter()})
            yield Child(owner=owner, kind=plural, position=position, value=value)
    for country in element.findall("Territories/Country"):
        yield Territory(owner=owner, country=country.text)
    for one in element.findall("Territories/Territory"):
        windows = [[part.text for part in window] for window in one.iterfind("Validities/Validity")]
        code = one.findtext("Country")
        yield Territory(owner=owner, country=code, validities=json.dumps(windows))


def main():
    """Load a feed."""
    feed, database = sys.argv[1:3]
    engine = create_engine(f"sqlite:///{database}")
    SQLModel.metadata.create_all(engine)
    paths = [
        f"{feed}/packages/{name}/package.xml" for name in sorted(os.listdir(f"{feed}/packages"))
    ]
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    for start in range(0, len(paths), BATCH):
        with Session(engine) as session:
            for path in paths[start : start + BATCH]:
                root = etree.parse(path, parser).getroot()
                for row in rows(root.find("Schema")[0]):
                    session.add(row)
            session.commit()
    print(json.dumps({"packages": len(paths)}))


if __name__ == "__main__":
    main()
