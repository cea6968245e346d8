"""Accepted plays, delivered exactly once: the one place that knows every way out.

`deliver` sends what waits, then records and sends what is new, group by group; it can be ended at
any moment and begun again with the same input. `prepare` and `planned` show what it would do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa

from feedengine.config import Settings
from feedengine.errors import UsageError, quoted
from feedengine.model.instants import instant_text
from feedengine.plays.carriers import Carrier
from feedengine.plays.durable import sync_folder, write_synced
from feedengine.plays.encode import Playlist
from feedengine.plays.folder import Folder
from feedengine.plays.frames import FormatName
from feedengine.plays.outbox import Outbox
from feedengine.plays.packing import Packing, Playlists, Receipts, Requests
from feedengine.plays.recording import Recorder
from feedengine.plays.sending import Sender, Tally
from feedengine.plays.turn import delivering
from feedengine.store import parcels
from feedengine.store.database import reading, writing
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

To: TypeAlias = Literal["s3", "endpoint", "folder"]


@dataclass(slots=True)
class Site:
    """What a delivery needs of a site; ``now`` tells the instant, ``said`` hears of waits.

    ``told`` hears of every parcel, and ``pause`` waits between two attempts: either may raise to
    end the delivery there, where nothing is under way.
    """

    settings: Settings
    database: Engine
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    said: Callable[[str], None] = field(default=lambda _: None)
    told: Callable[[Tally], None] = field(default=lambda _: None)
    pause: Callable[[float], None] = field(default=time.sleep)

    @property
    def outbox(self) -> Outbox:
        """The contents of parcels."""
        return Outbox(self.settings.plays / "parcels")


class Delivered(NamedTuple):
    """What a delivery has done, in plays; ``keys`` of the parcels that it delivered.

    ``waiting`` is what has been recorded and not delivered, ``in_doubt`` what people must decide.
    """

    way: str
    rows: int
    delivered: int
    already_delivered: int
    too_old: int
    refused: int
    conflicts: int
    in_doubt: int
    waiting: int
    keys: list[str]

    @property
    def fine(self) -> bool:
        """Whether nothing is left for people to look at."""
        return not (self.refused or self.conflicts or self.in_doubt or self.waiting)


class Planned(NamedTuple):
    """A parcel that would be sent."""

    key: str
    plays: int
    bytes: int


def way_to(settings: Settings, to: To | None, form: FormatName | None) -> tuple[To, FormatName]:
    """Where to, and in which format, when one or both are not said; raises `UsageError`."""
    if to is None:
        to = "endpoint" if form == "endpoint" and settings.endpoint_url else None
    if to is None:
        if settings.s3_bucket is None or form == "endpoint":
            hint = "set s3_bucket, or say --to endpoint or --to folder"
            raise UsageError("it is not said where plays are to be delivered", hint)
        to = "s3"
    form = form or ("endpoint" if to == "endpoint" else "receipts")
    if (to == "endpoint") != (form == "endpoint") and to != "folder":
        raise UsageError(f"{form} cannot be delivered to {to}", "see --format and --to")
    return to, form


def way_known(settings: Settings, to: To | None, form: FormatName) -> str | None:
    """The name in the ledger of the way out that would be taken; None where none is set or said."""
    try:
        to, form = way_to(settings, to, form)
    except UsageError:
        if to is not None:
            raise
        return None
    return way_name(settings, to, form)


def way_shown(settings: Settings, to: To | None, form: FormatName | None) -> To | None:
    """The way out that `prepare` shows: without one set, a folder."""
    place = settings.endpoint_url if form == "endpoint" else settings.s3_bucket
    return to or (None if place else "folder")


def packing_of(settings: Settings, form: FormatName, *, again: bool = False) -> Packing:
    """How a format is put into parcels, as the settings say."""
    if form == "receipts":
        null_text = settings.receipts_null == "text"
        size, day = settings.parcel_bytes, settings.receipts_day
        return Receipts(settings.parcel_rows, size, null_text, day, again)
    if form == "endpoint":
        return Requests()
    try:
        zone = ZoneInfo(settings.stream_zone)
    except (KeyError, ValueError, OSError):
        message = f"stream_zone {quoted(settings.stream_zone)} is no time zone"
        raise UsageError(message, "such as America/New_York") from None
    dates, ending = settings.playlist_dates, settings.playlist_ending
    return Playlists(Playlist(zone, dates, settings.playlist_offset, ending))


def folder_of(settings: Settings) -> Path:
    """Where ``--to folder`` puts files."""
    return settings.plays / "delivered"


def way_name(settings: Settings, to: To, form: FormatName) -> str:
    """What a way out is called in the ledger: format and place, so that another bucket is new."""
    if to == "s3":
        prefix = settings.s3_prefix.strip("/")
        return f"{form} s3://{settings.s3_bucket}/{prefix}"
    if to == "endpoint":
        return f"{form} {settings.endpoint_url}"
    return f"{form} folder"


def carrier_of(site: Site, to: To, form: FormatName) -> AbstractContextManager[Carrier]:
    """The way out, made ready; raises `UsageError` where a setting is missing."""
    settings, way = site.settings, way_name(site.settings, to, form)
    if to == "folder":
        return nullcontext(Folder(folder_of(settings), way))
    if to == "s3":
        from feedengine.plays.s3 import Bucket  # brings boto3, 300 ms

        if settings.s3_bucket is None:
            raise UsageError("s3_bucket is not set", "set it, or say --to folder")
        bucket = Bucket(
            settings.s3_bucket,
            settings.s3_prefix.strip("/"),
            way,
            write_only=settings.s3_write_only,
            retry_seconds=settings.send_retry_seconds,
            said=site.said,
            pause=site.pause,
        )
        return nullcontext(bucket)
    return _endpoint(site, way)


def _endpoint(site: Site, way: str) -> AbstractContextManager[Carrier]:
    from feedengine.plays.endpoint import Endpoint

    settings = site.settings
    url, key = settings.endpoint_url, settings.endpoint_consumer_key
    secret = settings.endpoint_consumer_secret
    if url is None or key is None or secret is None:
        needed = "endpoint_url, endpoint_consumer_key and endpoint_consumer_secret"
        raise UsageError("the endpoint is not set", f"set {needed}")
    return Endpoint(
        url,
        key,
        secret.reveal(),
        way,
        country=settings.endpoint_country,
        in_doubt=settings.endpoint_in_doubt,
        index_base=settings.endpoint_index_base,
        retry_seconds=settings.send_retry_seconds,
        said=site.said,
        pause=site.pause,
    )


def deliver(
    site: Site, accepted: Path | None, to: To | None = None, form: FormatName | None = None
) -> Delivered:
    """Send what waits, then the plays of ``accepted`` (Parquet) that have not left yet.

    Raises `UsageError` for settings, `ServiceError` when the recipient cannot be reached; what was
    recorded waits then, and the next call goes on.
    """
    to, form = way_to(site.settings, to, form)
    way, packing = way_name(site.settings, to, form), packing_of(site.settings, form)
    tally = Tally(told=site.told)
    with (
        carrier_of(site, to, form) as carrier,
        delivering(site.settings.plays, site.database, site.said, site.pause),
    ):
        recorder = Recorder(site.database, site.outbox, way, packing, site.now)
        sender = Sender(site.database, site.outbox, carrier, packing, site.now, tally)
        _begin(site, carrier, sender)
        if accepted is not None:
            for some in recorder.parcels(accepted):
                sender.send(some)
        _tidy(site)
    return _sum(site, way, recorder, tally)


def _begin(site: Site, carrier: Carrier, sender: Sender) -> None:
    """Clear away what a crash has left, and send what waits."""
    with reading(site.database) as connection:
        known = parcels.contents(connection)
    site.outbox.sweep(known)
    retry = site.settings.endpoint_in_doubt == "retry" and not carrier.repeatable
    waiting = sender.waiting(retry=retry)
    carrier.begin(waiting)
    sender.send(waiting)


def _tidy(site: Site) -> None:
    """Forget what is older than any play that could come again."""
    before = instant_text(site.now() - timedelta(days=site.settings.kept_days))
    with writing(site.database) as connection:
        gone = parcels.forget(connection, before)
    site.outbox.remove(gone)


def _sum(site: Site, way: str, recorder: Recorder, tally: Tally) -> Delivered:
    with reading(site.database) as connection:
        open_ = _plays_by_status(connection, way)
    return Delivered(
        way=way,
        rows=recorder.rows,
        delivered=tally.delivered,
        already_delivered=recorder.already_delivered,
        too_old=recorder.too_old + tally.expired,
        refused=tally.refused,
        conflicts=open_.get("conflict", 0),
        in_doubt=open_.get("in-doubt", 0),
        waiting=open_.get("prepared", 0) + open_.get("sending", 0),
        keys=tally.keys,
    )


def _plays_by_status(connection: Connection, way: str) -> dict[str, int]:
    text = "SELECT status, sum(plays) FROM parcel WHERE way = ? GROUP BY status"
    return {status: int(plays) for status, plays in asked(connection, text, way)}


def planned(
    site: Site, accepted: Path, to: To | None = None, form: FormatName | None = None
) -> Iterator[tuple[Planned, bytes]]:
    """What `deliver` would record and send now, with the contents; nothing is changed."""
    to, form = way_to(site.settings, to, form)
    way, packing = way_name(site.settings, to, form), packing_of(site.settings, form)
    recorder = Recorder(site.database, site.outbox, way, packing, site.now)
    for key, one in recorder.planned(accepted):
        yield Planned(key, one.plays, len(one.content)), one.content


def prepare(
    site: Site, accepted: Path, out: Path, to: To | None = None, form: FormatName | None = None
) -> list[Planned]:
    """Write what `deliver` would send into ``out/parcels/``.

    The numbers are the next ones, and are not taken. Without a way out set: as into a folder.
    """
    to = way_shown(site.settings, to, form)
    found = []
    for plan, content in planned(site, accepted, to, form):
        path = out / "parcels" / plan.key
        path.parent.mkdir(parents=True, exist_ok=True)
        write_synced(path.with_name(f".{path.name}.part"), content)
        path.with_name(f".{path.name}.part").replace(path)
        sync_folder(path.parent)
        found.append(plan)
        pa.default_memory_pool().release_unused()
    return found


def left(site: Site, ids: bytes, to: To | None = None, form: FormatName | None = None) -> Any:
    """A flag for each of these play ids (16 bytes each): it has left by this way out already."""
    to, form = way_to(site.settings, to, form)
    with reading(site.database) as connection:
        return parcels.left(connection, way_name(site.settings, to, form), ids)


def form_of(accepted: Path) -> FormatName:
    """The format that accepted plays are of, by their columns; raises `UsageError`."""
    from pyarrow import ArrowInvalid, parquet

    try:
        names = set(parquet.read_schema(accepted).names)
    except (OSError, ArrowInvalid) as error:
        raise UsageError(f"{accepted} cannot be read: {error}", "name accepted.parquet") from None
    if "starttime" in names:
        return "playlist"
    return "receipts" if "datetimelogged" in names else "endpoint"
