"""THE tables: the only place where a field of the catalogue is listed.

Parser, XSD, SQL statements, canonical documents, Arrow schemas and reference pages follow from
these classes (house.md, "One declaration"). To add a field: one line here, and a migration.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import SQLModel

from feedengine.model.declare import (
    Listed,
    column,
    derived,
    element,
    one,
    position,
    refers,
)
from feedengine.model.scalars import (
    COUNTRY,
    DATE,
    DECIMAL,
    DURATION,
    ENDS,
    GRID,
    GTIN,
    ID,
    INSTANT,
    INTEGER,
    ISRC,
    PERMISSION,
    STARTS,
    TEXT,
)

CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
"""Rows stored in the order of their key: one tree instead of two in SQLite."""


class Catalogued(SQLModel):
    """What every object has besides its own fields."""

    id: str = element("ID", ID, required=True, key=True)
    client: str = column(TEXT)
    created_at: datetime | None = element("CreatedAt", INSTANT)
    changed_at: datetime = column(INSTANT)


class Territorial(SQLModel):
    """An owner of a territory list: it points at an immutable set, or at none (never declared)."""

    territory_set_id: str | None = refers("territory_set", index=True, optional=True)


class Label(Catalogued, table=True):
    """A label."""

    __tablename__ = "label"
    name: str = element("Name", required=True)


class Genre(Catalogued, table=True):
    """A genre, as one source names it."""

    __tablename__ = "genre"
    name: str = element("Name", required=True)
    source: str | None = element("Source")


class Artist(Catalogued, Territorial, table=True):
    """An artist."""

    __tablename__ = "artist"
    name: str = element("Name", required=True)
    unique_name: str | None = element("UniqueName")
    popularity: Decimal | None = element("Popularity", DECIMAL)
    view: int | None = element("View", INTEGER)
    update_count: int | None = element("UpdateCount|UpdatedCount", INTEGER)


class Release(Catalogued, Territorial, table=True):
    """A release: an album, single or compilation."""

    __tablename__ = "release"
    title: str = element("Title", required=True)
    sub_title: str | None = element("SubTitle")
    track_count: int | None = element("TrackCount", INTEGER)
    popularity: Decimal | None = element("Popularity", DECIMAL)
    c_line: str | None = element("CLine")
    p_line: str | None = element("PLine")
    disc_number: int | None = element("DiscNumber", INTEGER)
    duration_seconds: int | None = element("Duration", DURATION)
    explicit_type: str | None = element("ExplicitType")
    grid: str | None = element("GRID", GRID)
    ispn: str | None = element("ISPN")
    isrc: str | None = element("ISRC", ISRC)
    product_number: str | None = element("ProductNumber", GTIN)
    gtin14: str | None = derived("product_number", index=True)
    release_date: date | None = element("ReleaseDate", DATE)
    label_id: str | None = one("Label", "label")
    view: int | None = element("View", INTEGER)
    update_count: int | None = element("UpdateCount|UpdatedCount", INTEGER)


class Track(Catalogued, Territorial, table=True):
    """A track: one recording as it stands on releases."""

    __tablename__ = "track"
    __table_args__ = (Index("ix_track_isrc", "isrc"),)
    title: str = element("Title", required=True)
    sub_title: str | None = element("SubTitle")
    c_line: str | None = element("CLine")
    p_line: str | None = element("PLine")
    disc_number: int | None = element("DiscNumber", INTEGER)
    track_number: int | None = element("TrackNumber", INTEGER)
    duration_seconds: int | None = element("Duration", DURATION)
    explicit_type: str | None = element("ExplicitType")
    grid: str | None = element("GRID", GRID)
    ispn: str | None = element("ISPN")
    isrc: str | None = element("ISRC", ISRC)
    popularity: Decimal | None = element("Popularity", DECIMAL)
    view: int | None = element("View", INTEGER)
    update_count: int | None = element("UpdateCount|UpdatedCount", INTEGER)


OBJECTS: tuple[type[Catalogued], ...] = (Label, Genre, Artist, Release, Track)
"""The objects, what others refer to first."""


class ImageRow(SQLModel):
    """A picture of its owner; Value or Resource is required."""

    source: str | None = element("Source|Provider")
    value: str | None = element("Value")
    resource: str | None = element("Resource")
    resource_type: str | None = element("Resource/@type")
    mime_type: str | None = element("Resource/@mimeType")
    width: int | None = element("Resolution|Resolutions/Width", INTEGER)
    height: int | None = element("Resolution|Resolutions/Height|Heigth", INTEGER)


class ResourceRow(SQLModel):
    """Something of its owner elsewhere: a web link, a file path; recorded, never opened (P45)."""

    source: str = element("Source|Provider", required=True)
    type: str = element("Type", required=True)
    value: str = element("Value", required=True)


class ReferenceRow(SQLModel):
    """The id of its owner at a provider."""

    provider: str = element("Provider", required=True)
    ref_id: str | None = element("ID", ID)


def images(owner: str) -> Listed:
    """Images of ``owner``."""
    key = ("source", "value", "resource", "width", "height")
    return Listed(owner, "image", "Images", "Image", key=key, one_of=("value", "resource"))


def resources(owner: str) -> Listed:
    """Resources of ``owner``."""
    key = ("source", "type", "value")
    return Listed(owner, "resource", "Resources", "Resource", key=key, transparent="Item")


def references(owner: str) -> Listed:
    """References of ``owner``, bare or collected (P15)."""
    return Listed(owner, "reference", "References", "Reference", key=("provider",), bare=True)


class ArtistImage(ImageRow, table=True):
    """An image of an artist."""

    __tablename__ = "artist_image"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = images("artist")
    artist_id: str = refers("artist", key=True)
    position: int = position()


class ReleaseImage(ImageRow, table=True):
    """An image of a release."""

    __tablename__ = "release_image"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = images("release")
    release_id: str = refers("release", key=True)
    position: int = position()


class TrackImage(ImageRow, table=True):
    """An image of a track."""

    __tablename__ = "track_image"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = images("track")
    track_id: str = refers("track", key=True)
    position: int = position()


class ArtistResource(ResourceRow, table=True):
    """A resource of an artist."""

    __tablename__ = "artist_resource"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = resources("artist")
    artist_id: str = refers("artist", key=True)
    position: int = position()


class ReleaseResource(ResourceRow, table=True):
    """A resource of a release."""

    __tablename__ = "release_resource"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = resources("release")
    release_id: str = refers("release", key=True)
    position: int = position()


class TrackResource(ResourceRow, table=True):
    """A resource of a track."""

    __tablename__ = "track_resource"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = resources("track")
    track_id: str = refers("track", key=True)
    position: int = position()


class ArtistReference(ReferenceRow, table=True):
    """An artist's id at a provider."""

    __tablename__ = "artist_reference"
    __table_args__ = (Index("ix_artist_reference_ref", "provider", "ref_id"), CLUSTERED)
    listed: ClassVar[Listed] = references("artist")
    artist_id: str = refers("artist", key=True)
    position: int = position()


class ReleaseReference(ReferenceRow, table=True):
    """A release's id at a provider."""

    __tablename__ = "release_reference"
    __table_args__ = (Index("ix_release_reference_ref", "provider", "ref_id"), CLUSTERED)
    listed: ClassVar[Listed] = references("release")
    release_id: str = refers("release", key=True)
    position: int = position()


class TrackReference(ReferenceRow, table=True):
    """A track's id at a provider."""

    __tablename__ = "track_reference"
    __table_args__ = (Index("ix_track_reference_ref", "provider", "ref_id"), CLUSTERED)
    listed: ClassVar[Listed] = references("track")
    track_id: str = refers("track", key=True)
    position: int = position()


class ArtistMetadata(SQLModel, table=True):
    """A free name and its text, such as ``BirthDay`` (P15)."""

    __tablename__ = "artist_metadata"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = Listed(
        "artist", "metadata", "MetaData", "*", style="named", key=("name",)
    )
    artist_id: str = refers("artist", key=True)
    position: int = position()
    name: str = element("*", required=True)
    type: str | None = element("*/@type")
    value: str | None = element("*")


class TrackValidity(SQLModel, table=True):
    """A window of a track's own, the same for all countries (A2)."""

    __tablename__ = "track_validity"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = Listed(
        "track",
        "validity",
        "Validities",
        "Validity",
        key=("name", "type", "starts_at", "ends_at"),
    )
    track_id: str = refers("track", key=True)
    position: int = position()
    name: str = element("Name", required=True)
    type: str = element("Type", PERMISSION, required=True)
    starts_at: datetime | None = element("StartDate", STARTS)
    ends_at: datetime | None = element("EndDate", ENDS)


def links(owner: str, target: str, plural: str, item: str) -> Listed:
    """A list of links from ``owner`` to ``target``."""
    return Listed(owner, target, plural, item, style="link", target=target)


class ReleaseArtist(SQLModel, table=True):
    """An artist of a release."""

    __tablename__ = "release_artist"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = links("release", "artist", "Artists", "Artist")
    release_id: str = refers("release", key=True)
    position: int = position()
    artist_id: str = refers("artist", index=True)


class TrackArtist(SQLModel, table=True):
    """An artist of a track."""

    __tablename__ = "track_artist"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = links("track", "artist", "Artists", "Artist")
    track_id: str = refers("track", key=True)
    position: int = position()
    artist_id: str = refers("artist", index=True)


class ArtistGenre(SQLModel, table=True):
    """A genre of an artist."""

    __tablename__ = "artist_genre"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = links("artist", "genre", "Genres", "Genre")
    artist_id: str = refers("artist", key=True)
    position: int = position()
    genre_id: str = refers("genre", index=True)


class ReleaseGenre(SQLModel, table=True):
    """A genre of a release."""

    __tablename__ = "release_genre"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = links("release", "genre", "Genres", "Genre")
    release_id: str = refers("release", key=True)
    position: int = position()
    genre_id: str = refers("genre", index=True)


class TrackGenre(SQLModel, table=True):
    """A genre of a track."""

    __tablename__ = "track_genre"
    __table_args__ = CLUSTERED
    listed: ClassVar[Listed] = links("track", "genre", "Genres", "Genre")
    track_id: str = refers("track", key=True)
    position: int = position()
    genre_id: str = refers("genre", index=True)


class ReleaseTrack(SQLModel, table=True):
    """A track on a release: one link seen from both ends.

    ``position`` orders a release's tracks, ``linked_seq`` (the `change.seq` that made the link) a
    track's releases. The index has all four, so that links are read from it alone.
    """

    __tablename__ = "release_track"
    __table_args__ = (
        Index("ix_release_track_track", "track_id", "linked_seq", "position"),
        CLUSTERED,
    )
    seen_from: ClassVar[tuple[Listed, Listed]] = (
        Listed("release", "track", "Tracks", "Track", style="shared", target="track"),
        Listed("track", "release", "Releases", "Release", style="shared", target="release"),
    )
    release_id: str = refers("release", key=True)
    track_id: str = refers("track", key=True)
    position: int = column(INTEGER)
    linked_seq: int = column(INTEGER)


LISTS: tuple[type[SQLModel], ...] = (
    ArtistGenre,
    ReleaseGenre,
    TrackGenre,
    ReleaseArtist,
    TrackArtist,
    ArtistImage,
    ReleaseImage,
    TrackImage,
    ArtistMetadata,
    ArtistResource,
    ReleaseResource,
    TrackResource,
    ArtistReference,
    ReleaseReference,
    TrackReference,
    TrackValidity,
)
"""The classes whose rows are collections of an object."""


class TerritorySet(SQLModel, table=True):
    """An immutable set of territories, shared by content; never deleted."""

    __tablename__ = "territory_set"
    __table_args__ = CLUSTERED
    id: str = column(TEXT, key=True)


class CountryGroup(SQLModel, table=True):
    """Countries that share the same validities in some territory set."""

    __tablename__ = "country_group"
    __table_args__ = CLUSTERED
    id: str = column(TEXT, key=True)


class CountryGroupMember(SQLModel, table=True):
    """A country of a group; ``WW`` for every country that the set does not name."""

    __tablename__ = "country_group_member"
    __table_args__ = CLUSTERED
    country_group_id: str = refers("country_group", key=True)
    country: str = column(COUNTRY, key=True)


class ValiditySet(SQLModel, table=True):
    """Validities of a territory, shared by content."""

    __tablename__ = "validity_set"
    __table_args__ = CLUSTERED
    id: str = column(TEXT, key=True)


class ValidityRow(SQLModel, table=True):
    """A validity of a set."""

    __tablename__ = "validity"
    __table_args__ = CLUSTERED
    validity_set_id: str = refers("validity_set", key=True)
    position: int = position()
    name: str = element("Name", required=True)
    type: str = element("Type", PERMISSION, required=True)
    starts_at: datetime | None = element("StartDate", STARTS)
    ends_at: datetime | None = element("EndDate", ENDS)


class ValidityWindow(SQLModel, table=True):
    """A window in which a validity set permits a usage (A1); ``*`` is any usage."""

    __tablename__ = "validity_window"
    __table_args__ = CLUSTERED
    validity_set_id: str = refers("validity_set", key=True)
    usage: str = column(TEXT, key=True)
    position: int = position()
    starts_at: datetime | None = column(STARTS, default=None)
    ends_at: datetime | None = column(ENDS, default=None)


class TerritoryPart(SQLModel, table=True):
    """The countries of a territory set that share one set of validities."""

    __tablename__ = "territory_part"
    __table_args__ = CLUSTERED
    territory_set_id: str = refers("territory_set", key=True)
    country_group_id: str = refers("country_group", key=True)
    validity_set_id: str = refers("validity_set")


class TrackWindow(SQLModel, table=True):
    """A window that a track's own validities leave open (A2); ``*`` is every usage not named.

    A usage that is never open has one empty window (start = end). No rows: no validities.
    """

    __tablename__ = "track_window"
    __table_args__ = CLUSTERED
    track_id: str = refers("track", key=True)
    usage: str = column(TEXT, key=True)
    position: int = position()
    starts_at: datetime | None = column(STARTS, default=None)
    ends_at: datetime | None = column(ENDS, default=None)


class Country(SQLModel, table=True):
    """ISO 3166-1."""

    __tablename__ = "country"
    __table_args__ = CLUSTERED
    code: str = column(TEXT, key=True)
    name: str = column(TEXT)


class Usage(SQLModel, table=True):
    """A usage that some validity has named; ``streaming`` and ``download`` always."""

    __tablename__ = "usage"
    __table_args__ = CLUSTERED
    name: str = column(TEXT, key=True)
