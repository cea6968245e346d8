"""THE outgoing formats: each column with its type and rules, declared once.

The judge, the table of rules (`rules`), the Parquet schema, the fields of the JSON, the header of
the playlist and the reference page follow from it; a new format is one more `Format`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import pyarrow as pa

from feedengine.plays.frames import FormatName

Kind: TypeAlias = Literal["uuid", "instant", "text", "whole", "choice", "country", "length"]
"""What a column holds: ``whole`` is an integer as text, ``length`` a time in whole seconds."""

Age: TypeAlias = Literal["61 days", "two months"]

DAYS_PERMITTED = 61
"""Receipts: this many times 24 hours before now is the oldest instant that is taken."""

FUTURE_SECONDS = 300
"""How far an instant may lie in the future: clocks differ."""

END_REASONS = ("naturalEnd", "userSkipped", "other")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an outgoing format.

    ``name`` is its name in a batch, ``written`` how the recipient spells it. ``required``: not
    NULL; what may be NULL may still never be empty. ``minimum`` is the least whole number,
    ``longest`` counts characters. ``oldest`` bounds an instant; ``future`` says that it is refused
    when it lies ahead. ``unless`` names the column that may stand in for a required one. ``int64``
    is written as a number, all others as text. ``sent`` is false for what only this way out needs.
    """

    name: str
    written: str
    kind: Kind
    required: bool = True
    minimum: int = 0
    longest: int | None = None
    choices: tuple[str, ...] = ()
    permitted: bool = False
    oldest: Age | None = None
    future: bool = False
    blank: bool = False
    unless: str | None = None
    int64: bool = False
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Format:
    """An outgoing format: its columns in their order, and how ``country`` is written (L4)."""

    name: FormatName
    recipient: str
    columns: tuple[Column, ...]
    lower_country: bool = False
    played_after_logged: bool = False

    @property
    def sent(self) -> tuple[Column, ...]:
        """The columns that the recipient gets, in order."""
        return tuple(column for column in self.columns if column.sent)

    def column(self, name: str) -> Column | None:
        """The column of this name in a batch, if the format has it."""
        return next((column for column in self.columns if column.name == name), None)

    def schema(self) -> pa.Schema:
        """The Arrow schema of what is sent: order, names, types, and what may be NULL."""
        fields = [
            pa.field(
                column.written,
                pa.int64() if column.int64 else pa.string(),
                nullable=not column.required or column.unless is not None,
            )
            for column in self.sent
        ]
        return pa.schema(fields)


def _key(name: str = "id", *, sent: bool) -> Column:
    return Column(name, name, "uuid", sent=sent)


def _id(
    name: str,
    written: str,
    minimum: int = 1,
    *,
    required: bool = True,
    permitted: bool = False,
) -> Column:
    return Column(name, written, "whole", required, minimum, permitted=permitted)


RECEIPTS = Format(
    "receipts",
    "the catalogue's supplier, as Parquet in a bucket",
    (
        _key(sent=True),
        Column("datetimelogged", "datetimelogged", "instant", oldest="61 days", future=True),
        Column("userid", "userid", "text", required=False),
        _id("trackid", "trackid"),
        _id("releaseid", "releaseid"),
        _id("formatid", "formatid"),
        Column("datetimeplayed", "datetimeplayed", "instant", oldest="61 days", future=True),
        Column("totaltimeplayed", "totaltimeplayed", "length", int64=True),
        Column("useragent", "useragent", "text", longest=255),
        _id("transactionid", "transactionid", 0, required=False),
        _id("partnerid", "partnerid", 0),
        _id("shopid", "shopid", 0, permitted=True),
        Column("endreason", "endreason", "choice", choices=END_REASONS),
        Column("country", "country", "country", permitted=True),
    ),
    lower_country=True,
    played_after_logged=True,
)

ENDPOINT = Format(
    "endpoint",
    "the catalogue's supplier, as JSON over HTTP",
    (
        _key(sent=False),
        Column("userid", "userId", "text"),
        Column("country", "country", "country", permitted=True),
        _id("trackid", "trackId"),
        Column("useragent", "userAgent", "text", longest=256),
        Column("datetimeplayed", "dateTimePlayed", "instant", oldest="two months", future=True),
        Column("totaltimeplayed", "totalTimePlayed", "length"),
        _id("formatid", "formatId"),
        _id("releaseid", "releaseId"),
        Column("endreason", "endReason", "choice", choices=END_REASONS),
    ),
)

PLAYLIST = Format(
    "playlist",
    "a station's royalty service, as tab-delimited text",
    (
        _key(sent=False),
        Column("title", "Title", "text", blank=True),
        Column("artist", "Artist", "text", blank=True),
        Column("album", "Album", "text", blank=True),
        Column("label", "Label", "text", blank=True),
        Column("starttime", "Start Time", "instant", future=True),
        Column("endtime", "End Time", "instant", required=False),
        Column("duration", "Duration", "length", unless="endtime"),
    ),
)

FORMATS: dict[FormatName, Format] = {form.name: form for form in (RECEIPTS, ENDPOINT, PLAYLIST)}
