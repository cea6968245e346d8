"""How a format's plays are put into parcels: which series, how many, and back out of them.

Pure. One `Packing` a format; what recorder and sender do is the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.errors import UsageError
from feedengine.model import keys
from feedengine.model.keys import Series
from feedengine.model.play_ids import packed
from feedengine.plays import encode
from feedengine.plays.ages import least_of, limit_of, oldest_of
from feedengine.plays.encode import Playlist, named
from feedengine.plays.reports import ENDPOINT, PLAYLIST, RECEIPTS, Format

ENDPOINT_GROUP = 20_000
"""Plays whose requests are recorded together."""


class Packed(NamedTuple):
    """The content of one parcel; ``ids`` has 16 bytes for each play, in the order of its rows."""

    content: bytes
    ids: bytes
    oldest_at: str | None

    @property
    def plays(self) -> int:
        """Rows."""
        return len(self.ids) // 16


class Packing(Protocol):
    """A format's way into parcels."""

    @property
    def form(self) -> Format:
        """The format."""

    @property
    def group(self) -> int | None:
        """How many rows of one series are packed at once; None: all there are."""

    def split(self, table: pa.Table, now: datetime, /) -> dict[Series, pa.Table]:
        """The series of a table's rows."""

    def pack(self, table: pa.Table, /) -> Iterator[Packed]:
        """The rows of one series as the contents of parcels."""

    def kept(self, content: bytes, keep: npt.NDArray[np.bool_], /) -> bytes:
        """A content with only the rows whose flag is set."""

    def oldest(self, content: bytes, /) -> pa.Array:
        """Of each row of a content what `oldest_of` says."""


def rows_where(table: pa.Table, keep: npt.NDArray[np.bool_]) -> pa.Table:
    """The rows whose flag is set; nothing is copied where that is all of them."""
    return table if keep.all() else table.filter(pa.array(keep))


def _by(table: pa.Table, column: pa.Array | pa.ChunkedArray) -> dict[str, pa.Table]:
    """The rows of a table by a name for each, names in their order."""
    names = sorted(pc.unique(column).to_pylist())
    if len(names) == 1:
        return {str(names[0]): table}
    return {str(name): table.filter(pc.equal(column, name)) for name in names}


@dataclass(frozen=True)
class Receipts:
    """Parquet files of a partner and day; ``again``: in the path for what is sent again."""

    rows: int
    size: int
    null_text: bool = False
    day: Literal["delivery", "play"] = "delivery"
    again: bool = False
    form: Format = RECEIPTS

    @property
    def group(self) -> int | None:
        """A file's rows."""
        return self.rows

    def split(self, table: pa.Table, now: datetime, /) -> dict[Series, pa.Table]:
        """By partner, and by day of play where the setting says so."""
        found: dict[Series, pa.Table] = {}
        made = keys.failures if self.again else keys.receipts
        for partner, some in _by(table, named(table)["partnerid"]).items():
            if self.day == "delivery" or self.again:
                found[made(partner, f"{now:%Y-%m-%d}")] = some
                continue
            days = pc.utf8_slice_codeunits(named(some)["datetimeplayed"], 0, 10)
            for day, rows in _by(some, days).items():
                found[made(partner, day)] = rows
        return found

    def pack(self, table: pa.Table, /) -> Iterator[Packed]:
        """Cut by rows and bytes."""
        ids = packed(named(table)["id"])
        cut = encode.cut_receipts(table, rows=self.rows, size=self.size, null_text=self.null_text)
        for first, rows, content in cut:
            part = ids[first * 16 : (first + rows) * 16]
            yield Packed(content, part, least_of(table.slice(first, rows), self.form))

    def kept(self, content: bytes, keep: npt.NDArray[np.bool_], /) -> bytes:
        """Written anew without the other rows."""
        rows = encode.read_receipts(content).filter(pa.array(keep))
        return encode.receipts(rows, null_text=self.null_text)

    def oldest(self, content: bytes, /) -> pa.Array:
        """Of the times logged and played."""
        return oldest_of(encode.read_receipts(content), self.form)


@dataclass(frozen=True)
class Requests:
    """JSON requests of at most 100 items."""

    form: Format = ENDPOINT
    group: int | None = ENDPOINT_GROUP
    items: int = encode.BATCH_ITEMS

    def split(self, table: pa.Table, now: datetime, /) -> dict[Series, pa.Table]:
        """All in one."""
        return {keys.endpoint(f"{now:%Y-%m-%d}"): table} if len(table) else {}

    def pack(self, table: pa.Table, /) -> Iterator[Packed]:
        """A request for every 100 plays."""
        ids = packed(named(table)["id"])
        for first, rows, content in encode.cut_endpoint(table, rows=self.items):
            part = ids[first * 16 : (first + rows) * 16]
            yield Packed(content, part, least_of(table.slice(first, rows), self.form))

    def kept(self, content: bytes, keep: npt.NDArray[np.bool_], /) -> bytes:
        """The items that are left."""
        items = encode.read_endpoint(content)
        return encode.endpoint_body([item for item, kept in zip(items, keep, strict=True) if kept])

    def oldest(self, content: bytes, /) -> pa.Array:
        """Of the times played."""
        return oldest_of(pa.Table.from_pylist(encode.read_endpoint(content)), self.form)


@dataclass(frozen=True)
class Playlists:
    """One file for each stream and day."""

    how: Playlist
    form: Format = PLAYLIST
    group: int | None = None

    def split(self, table: pa.Table, now: datetime, /) -> dict[Series, pa.Table]:
        """By stream and by the day on which plays began; raises `UsageError` without a stream."""
        del now
        found: dict[Series, pa.Table] = {}
        columns = named(table)
        streams = columns["stream"] if "stream" in columns.column_names else pa.nulls(len(table))
        if streams.null_count or "" in pc.unique(streams).to_pylist():
            hint = "give the plays a column stream, or set stream (--stream NAME)"
            raise UsageError("a play of a playlist names no stream", hint)
        for stream, some in _by(table, streams).items():
            for day, rows in _by(some, pa.array(encode.playlist_days(some, self.how.zone))).items():
                found[keys.playlist(stream, day)] = rows
        return found

    def pack(self, table: pa.Table, /) -> Iterator[Packed]:
        """All in one file."""
        content, order = encode.playlist(table, self.how)
        yield Packed(content, packed(named(table)["id"].take(pa.array(order, pa.int64()))), None)

    def kept(self, content: bytes, keep: npt.NDArray[np.bool_], /) -> bytes:
        """The header and the lines that are left."""
        header, *lines = content.decode().splitlines(keepends=True)
        left = [line for line, kept in zip(lines, keep, strict=True) if kept]
        return "".join([header, *left]).encode()

    def oldest(self, content: bytes, /) -> pa.Array:
        """Nobody limits the age of playlists."""
        raise LookupError(content[:0])


def limited(packing: Packing) -> bool:
    """Whether the age of a format's plays is limited."""
    return limit_of(packing.form) is not None
