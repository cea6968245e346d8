"""Accepted plays as the bytes that recipients get: Parquet, JSON, tab-delimited text (plays.md).

Pure: the same rows and settings give the same bytes, with no clock and no chance in them. Columns,
their order, types and spelling are those of `feedengine.plays.reports`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feedengine.plays.frames import REPEATING_COLUMNS
from feedengine.plays.reports import ENDPOINT, PLAYLIST, RECEIPTS, Format
from feedengine.plays.stations import length_of

BATCH_ITEMS = 100
"""Items in one request to the endpoint, at most."""

NULL_TEXT = "null"

_GROUP_ROWS = 1 << 17

DateForm = Literal["yyyy-MM-dd", "MM/dd/yyyy", "MM-dd-yyyy"]
Ending = Literal["duration", "end-time"]

_PATTERNS: dict[DateForm, str] = {
    "yyyy-MM-dd": "%Y-%m-%d %H:%M:%S",
    "MM/dd/yyyy": "%m/%d/%Y %H:%M:%S",
    "MM-dd-yyyy": "%m-%d-%Y %H:%M:%S",
}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class EncodeError(ValueError):
    """A row that the recipient would not take; judging should have kept it back."""


class Piece(NamedTuple):
    """One parcel's content: the first row and the number of rows it carries, and its bytes."""

    first: int
    rows: int
    content: bytes


def named(table: pa.Table) -> pa.Table:
    """A table whose columns are called as in a batch: ``Start Time`` is ``starttime``."""
    return table.rename_columns([name.lower().replace(" ", "") for name in table.column_names])


def _sent(table: pa.Table, form: Format) -> pa.Table:
    """The columns that a recipient gets, in order; raises `EncodeError` for a NULL or a gap."""
    found = named(table)
    for column in form.sent:
        if column.name not in found.column_names:
            if column.required and column.unless is None:
                raise EncodeError(f"the column {column.name} is missing")
            gap = pa.nulls(len(found), pa.int64() if column.int64 else pa.string())
            found = found.append_column(column.name, gap)
        values = found[column.name]
        if column.required and column.unless is None and values.null_count:
            raise EncodeError(f"{column.name} is NULL in {values.null_count} rows")
    schema = form.schema()
    picked = found.select([column.name for column in form.sent])
    return picked.rename_columns(schema.names).cast(schema)


# Receipts


def receipts_schema(*, null_text: bool) -> pa.Schema:
    """The 14 columns; with ``null_text`` none may be NULL."""
    schema = RECEIPTS.schema()
    if not null_text:
        return schema
    return pa.schema([field.with_nullable(False) for field in schema])


def receipts(table: pa.Table, *, null_text: bool = False) -> bytes:
    """Rows as one Parquet file: BYTE_ARRAY/UTF8 and INT64, REQUIRED where NULL is not allowed.

    With ``null_text`` a NULL is written as the text ``null``, as in the recipient's own sample.
    Raises `EncodeError` for a NULL elsewhere, or a missing column.
    """
    found = _sent(table, RECEIPTS)
    schema = receipts_schema(null_text=null_text)
    if null_text:
        columns = [
            column.fill_null(NULL_TEXT) if pa.types.is_string(column.type) else column
            for column in found.columns
        ]
        found = pa.table(columns, schema=schema)
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        schema,
        version="1.0",
        compression="snappy",
        use_dictionary=[name for name in schema.names if name in REPEATING_COLUMNS],
        # Whoever takes a file in reads all of it; of ids and instants they say nothing.
        write_statistics=False,
        store_schema=False,
    ) as writer:
        # In one piece each, or the bytes would depend on how rows came together; all at once they
        # would be there twice.
        for at in range(0, max(len(found), 1), _GROUP_ROWS):
            writer.write_table(found.slice(at, _GROUP_ROWS).combine_chunks(), _GROUP_ROWS)
    return sink.getvalue()


def read_receipts(content: bytes) -> pa.Table:
    """The rows of a file that `receipts` has made; the text ``null`` is NULL again."""
    table = pq.read_table(io.BytesIO(content))
    schema = RECEIPTS.schema()
    columns = []
    for field, column in zip(schema, table.columns, strict=True):
        is_null = pc.equal(column, NULL_TEXT) if field.nullable else None
        given = (
            column if is_null is None else pc.if_else(is_null, pa.scalar(None, pa.string()), column)
        )
        columns.append(given)
    return pa.table(columns, schema=schema)


def cut_receipts(
    table: pa.Table, *, rows: int, size: int, null_text: bool = False
) -> Iterator[Piece]:
    """Files of at most so many rows and, but for files of one row, so many bytes."""
    at, guess = 0, rows
    while at < len(table):
        count = min(guess, len(table) - at)
        content = receipts(table.slice(at, count), null_text=null_text)
        while len(content) > size and count > 1:
            count = guess = max(1, min(count - 1, count * size * 15 // (len(content) * 16)))
            content = receipts(table.slice(at, count), null_text=null_text)
        yield Piece(at, count, content)
        at += count


# The endpoint


def endpoint_items(table: pa.Table) -> list[dict[str, str]]:
    """The recipient's items, camelCase, every value a string, the country in upper case."""
    found = _sent(table, ENDPOINT)
    countries = found.schema.get_field_index("country")
    found = found.set_column(
        countries, found.schema.field(countries), pc.utf8_upper(found["country"])
    )
    items: list[dict[str, str]] = found.to_pylist()
    return items


def endpoint_body(items: list[dict[str, str]]) -> bytes:
    """The body of one request."""
    written = json.dumps({"playLogItem": items}, ensure_ascii=False, separators=(",", ":"))
    return written.encode()


def read_endpoint(content: bytes) -> list[dict[str, str]]:
    """The items of a body that `endpoint_body` has made."""
    items: list[dict[str, str]] = json.loads(content)["playLogItem"]
    return items


def cut_endpoint(table: pa.Table, *, rows: int = BATCH_ITEMS) -> Iterator[Piece]:
    """Bodies of at most so many items."""
    items = endpoint_items(table)
    for at in range(0, len(items), rows):
        some = items[at : at + rows]
        yield Piece(at, len(some), endpoint_body(some))


# Playlists


class Playlist(NamedTuple):
    """How playlists are written: the form of dates, whether with ``-HHMM``, and the last column.

    ``zone`` is the stream's own; dates and days are told by its clocks.
    """

    zone: tzinfo = UTC
    dates: DateForm = "yyyy-MM-dd"
    offset: bool = True
    ending: Ending = "duration"


def moment(text: str) -> datetime:
    """An instant of an accepted play; fractions are cut to microseconds, no zone is UTC."""
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        found = datetime.fromisoformat(cut)
    except ValueError:
        raise EncodeError(f"{text!r} is no instant") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def playlist_days(table: pa.Table, zone: tzinfo) -> list[str]:
    """For each row the day ``YYYY-MM-DD`` on which it began, by the stream's clocks."""
    starts = named(table)["starttime"].to_pylist()
    return [f"{moment(one).astimezone(zone):%Y-%m-%d}" for one in starts]


def playlist(table: pa.Table, how: Playlist) -> tuple[bytes, list[int]]:
    """One stream's plays of one day as text, and the rows of the table in the order written.

    A header, then a line a play, by start. Each run of tabs, line ends and control characters
    inside a value becomes one blank. Raises `EncodeError` for a required value that is blank.
    """
    rows = named(table).to_pylist()
    starts = [moment(row["starttime"]) for row in rows]
    order = sorted(range(len(rows)), key=starts.__getitem__)
    last = "duration" if how.ending == "duration" else "endtime"
    columns = [one for one in PLAYLIST.sent if one.name not in {"endtime", "duration"} - {last}]
    lines = ["\t".join(column.written for column in columns)]
    for at in order:
        ends = _ending(rows[at], starts[at])
        whole = {**rows[at], "starttime": _date(starts[at], how), "endtime": _date(ends, how)}
        whole["duration"] = _minutes(starts[at], ends)
        lines.append("\t".join(plain(whole[column.name], column.written) for column in columns))
    return ("\n".join(lines) + "\n").encode(), order


def plain(value: str | None, column: str) -> str:
    """A value on one line between tabs; raises `EncodeError` when nothing is left of it."""
    written = _UNPRINTABLE.sub(" ", value or "")
    if not written.strip():
        raise EncodeError(f"{column} is blank")
    return written


def _ending(row: dict[str, str | int | None], start: datetime) -> datetime:
    """When a play ended: its duration (a station's own, or seconds) says so, else its end time."""
    duration, end = row.get("duration"), row.get("endtime")
    if duration is not None:
        length = length_of(str(duration))
        return start + timedelta(seconds=int(duration) if length is None else length)
    if end is None:
        raise EncodeError("a play has neither an end time nor a duration")
    return moment(str(end))


def _date(instant: datetime, how: Playlist) -> str:
    local = instant.astimezone(how.zone)
    return local.strftime(_PATTERNS[how.dates] + (" %z" if how.offset else ""))


def _minutes(start: datetime, end: datetime) -> str:
    seconds = round((end - start).total_seconds())
    if seconds < 0:
        raise EncodeError("a play ends before it began")
    return f"{seconds // 60:02d}:{seconds % 60:02d}"
