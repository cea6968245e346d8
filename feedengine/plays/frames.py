"""The form of a batch of plays between the steps: Arrow schemas, names of columns, verdicts.

A *raw* batch is what `intake` hands out: every known column as nullable text, as it came. An
*enriched* batch is what `enrich` makes of it and `judge` reads: the same columns, filled and
normalised, and typed helpers beside them. Row ``i`` of either is the same play.

Everything here is a value; nothing opens a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask: TypeAlias = npt.NDArray[np.bool_]
"""One flag a row."""

Masks: TypeAlias = Mapping[str, Mask]
"""Rule or warning → the rows it is true of. A name that is true of no row may be left out."""

FormatName: TypeAlias = Literal["receipts", "endpoint", "playlist"]

BATCH_ROWS = 65_536
"""Rows in a batch, at most."""

PLAY_COLUMNS = (
    "id",
    "datetimelogged",
    "userid",
    "trackid",
    "releaseid",
    "formatid",
    "datetimeplayed",
    "totaltimeplayed",
    "useragent",
    "transactionid",
    "partnerid",
    "shopid",
    "endreason",
    "country",
)
"""What players log, in the order of the receipts."""

PLAYLIST_COLUMNS = ("title", "artist", "album", "label", "starttime", "endtime", "duration")
"""What stations log; a file may write ``Start Time``: blanks in names of columns do not count."""

STREAM = "stream"

KNOWN_COLUMNS = (*PLAY_COLUMNS, *PLAYLIST_COLUMNS, "isrc", STREAM)
"""Every column that is read; ``stream`` names a play's stream, ``isrc`` finds its track (L6)."""

REPEATING_COLUMNS = (
    "formatid",
    "useragent",
    "partnerid",
    "shopid",
    "endreason",
    "country",
    "stream",
)
"""What many plays have alike: worth a dictionary in Parquet, which costs time for all others."""

DICTIONARY_COLUMNS = frozenset(PLAY_COLUMNS) - {"id", "datetimelogged", "datetimeplayed"}
"""What may come as a dictionary: all that is read text by text, of whatever row it is."""

INSTANT_COLUMNS = ("datetimelogged", "datetimeplayed", "starttime", "endtime")
LENGTH_COLUMNS = ("totaltimeplayed", "duration")


def instant_helper(column: str) -> str:
    """The helper of an instant: microseconds since 1970 UTC, null where there is no such value."""
    return f"{column}_us"


def length_helper(column: str) -> str:
    """The helper of a length in whole seconds, null where there is none or it is above 2^63 − 1."""
    return f"{column}_int"


COUNTRY_HELPER = "country_code"
"""The helper of ``country``: its ISO 3166-1 alpha-2 code in upper case (P18), null if none."""

SOURCE, ROW, FAULT, CONTENT = "source", "row", "fault", "content"

_PLACE = (
    pa.field(SOURCE, pa.dictionary(pa.int32(), pa.string()), nullable=False),
    pa.field(ROW, pa.int64(), nullable=False),
)

RAW = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in KNOWN_COLUMNS),
        *_PLACE,
        pa.field(FAULT, pa.string()),
        pa.field(CONTENT, pa.string()),
    ]
)
"""A raw batch.

``source`` is the file as it was named, ``row`` where the row begins in it: its line, from 1, in
text; its number, from 1, in Parquet and in a JSON array. A row that cannot be read has the rule it
breaks in ``fault`` (`row-…`), its text, cut, in ``content``, and NULL in all columns; a row that
can be read has NULL in both.

A column of texts may be a dictionary of texts instead, none of them NULL (`repeats`), here as in an
enriched batch; only those of `DICTIONARY_COLUMNS` are.
"""

_COUNTRY = pa.dictionary(pa.int32(), pa.string())

ENRICHED = pa.schema(
    [
        *(pa.field(name, _COUNTRY if name == "country" else pa.string()) for name in KNOWN_COLUMNS),
        *(pa.field(instant_helper(name), pa.int64()) for name in INSTANT_COLUMNS),
        *(pa.field(length_helper(name), pa.int64()) for name in LENGTH_COLUMNS),
        pa.field(COUNTRY_HELPER, _COUNTRY),
        *_PLACE,
        pa.field(FAULT, pa.string()),
    ]
)
"""An enriched batch.

Texts are as they will be sent (instants in UTC, ``country`` in the letters of the format); what
cannot be normalised stays as it came, and its helper is null. ``datetimeplayed`` is filled from
``starttime`` and the other way about, so `datetimeplayed_us` is when the play began, everywhere.
"""

REASONS = pa.list_(pa.field("item", pa.string(), nullable=False))
"""The type of the column ``reasons``: the rules that a row breaks, in the order of their table."""


class Looked(NamedTuple):
    """What the catalogue says of an enriched batch (L2, L3, L6, L10 to L13).

    ``batch`` has the same rows in the same order and the schema `ENRICHED`, its columns filled and
    translated (their helpers too). ``broken`` and ``warned`` name rules of `reports.RULES`;
    ``filled`` counts the values filled, by column, ``matched`` the certainty of matches by its
    name (L6).
    """

    batch: pa.RecordBatch
    broken: Masks
    warned: Masks
    filled: Mapping[str, int]
    matched: Mapping[str, int] = {}


class Catalogue(Protocol):
    """The catalogue as arrays, as of each play: what `lookup` gives and `judging` asks.

    Rows whose ``fault`` is not null are to be left as they are.
    """

    def look(self, batch: pa.RecordBatch, form: FormatName, /) -> Looked:
        """Look up the rows of an enriched batch for a format."""


class Verdict(NamedTuple):
    """What became of the rows of one batch.

    ``broken`` maps a rule to the rows that break it, ``warned`` a warning to the rows it is true
    of. ``delivered`` marks the plays that were sent before, whatever they break now: neither
    accepted nor rejected. ``accepted`` marks those among the others that break no rule.
    """

    raw: pa.RecordBatch
    enriched: pa.RecordBatch
    broken: Masks
    warned: Masks
    accepted: Mask
    delivered: Mask

    @property
    def rejected(self) -> Mask:
        """The rows that break a rule."""
        return ~(self.accepted | self.delivered)


class Counts(NamedTuple):
    """The sum of a run, as ``--json`` prints it: rows, and rows by rule, column and warning."""

    rows: int
    accepted: int
    rejected: int
    already_delivered: int
    reasons: Mapping[str, int]
    filled: Mapping[str, int]
    warnings: Mapping[str, int]
