"""THE tables of what has left: parcels, the plays in them, and what recipients refused."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import SQLModel

from feedengine.model.declare import blob, column
from feedengine.model.scalars import INSTANT, INTEGER, TEXT

_OPEN = "status IN ('prepared', 'sending', 'in-doubt', 'conflict')"


class Parcel(SQLModel, table=True):
    """One file, or one request, that carries plays to a recipient by one way out.

    ``way`` is the format and where it goes; ``series`` and ``number`` make the ``key``, and a
    number's content never changes. The content is ``size`` bytes from ``begins`` on in the file
    ``content`` of the outbox, with the SHA-256 ``digest``. ``oldest_at`` is the oldest instant
    in it whose age the recipient limits; ages are measured from ``measured_at`` (the first
    delivery, of plays that are sent again), or from the sending where that is NULL.

    ``status``: prepared (it has not arrived), sending (it may have), delivered; in-doubt (an
    answer was lost; people decide), refused (nothing of it was saved), conflict (something else
    has its key), expired (too old to be sent), dropped (given up by hand). ``number`` is NULL
    where an expired parcel gave it back, unused; ``rest_of`` names the parcel of whose plays this
    one carries what is left.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        Index("ix_parcel_number", "way", "series", "number", unique=True),
        Index("ix_parcel_key", "key"),
        Index("ix_parcel_open", "status", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
    )
    id: int = column(INTEGER, key=True)
    way: str = column(TEXT)
    series: str = column(TEXT)
    number: int | None = column(INTEGER, default=None)
    key: str = column(TEXT)
    status: str = column(TEXT)
    plays: int = column(INTEGER)
    digest: str = column(TEXT)
    size: int = column(INTEGER)
    content: str = column(TEXT)
    begins: int = column(INTEGER)
    oldest_at: datetime | None = column(INSTANT, default=None)
    measured_at: datetime | None = column(INSTANT, default=None)
    recorded_at: datetime = column(INSTANT)
    attempts: int = column(INTEGER)
    attempted_at: datetime | None = column(INSTANT, default=None)
    delivered_at: datetime | None = column(INSTANT, default=None)
    message: str | None = column(TEXT, default=None)
    rest_of: int | None = column(INTEGER, default=None)


class ParcelPlays(SQLModel, table=True):
    """Some of a parcel's plays in the order of its rows: their ids, 16 bytes each, in one value.

    ``origin`` is NULL where the plays leave for the first time, else the parcel that carried them
    before and was reported as failed.
    """

    __tablename__ = "parcel_plays"
    __table_args__ = (
        Index(
            "ix_parcel_plays_origin",
            "origin",
            sqlite_where=text("origin IS NOT NULL"),
            postgresql_where=text("origin IS NOT NULL"),
        ),
    )
    parcel_id: int = column(INTEGER, key=True, foreign_key="parcel.id")
    part: int = column(INTEGER, key=True)
    origin: int | None = column(INTEGER, default=None)
    plays: int = column(INTEGER)
    ids: bytes = blob()


class PlayRefusal(SQLModel, table=True):
    """A play that was taken out of a parcel: by the recipient's answer, or by its age.

    ``at_row`` counts the parcel's rows from 0; ``reason`` is in the recipient's own words.
    """

    __tablename__ = "play_refusal"
    parcel_id: int = column(INTEGER, key=True, foreign_key="parcel.id")
    at_row: int = column(INTEGER, key=True)
    play_id: str = column(TEXT)
    code: str = column(TEXT)
    reason: str = column(TEXT)
    at: datetime = column(INSTANT)
