"""Raw batches for tests, and what the judge says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from feedengine.plays.enrich import Fills, enrich, ids_made
from feedengine.plays.frames import DICTIONARY_COLUMNS, KNOWN_COLUMNS, FormatName
from feedengine.plays.gather import batch_of
from feedengine.plays.judge import Terms, good, judge, reasons
from feedengine.plays.moments import micros_of
from feedengine.plays.repeats import batch_with, decoded
from feedengine.plays.reports import FORMATS
from feedengine.plays.seen import Numbers, Seen, Standing, ids_of
from feedengine.plays.texts import uuids

GOOD = {
    "id": "e9fcaaa9-854b-44b7-bbd8-6a5072f286e2",
    "datetimelogged": "2024-04-29T18:16:33.9293255Z",
    "userid": "12345-abcd-6789-efghijk",
    "trackid": "145213707",
    "releaseid": "19699577",
    "formatid": "55",
    "datetimeplayed": "2024-04-28T13:13:15.674",
    "totaltimeplayed": "194",
    "useragent": "Mozilla/5.0 (Linux; Android 7.0; SM)",
    "transactionid": None,
    "partnerid": "12345",
    "shopid": "480",
    "endreason": "naturalEnd",
    "country": "us",
}
"""A row that every rule of receipts and endpoint lets pass."""

SONG = {
    "title": "Paper Lanterns",
    "artist": "The Night Ferries",
    "album": "Harbour",
    "label": "Small Hours",
    "starttime": "2024-04-28 14:05:05 -0400",
    "duration": "4:38",
}
"""A row that every rule of the playlist lets pass."""


def play(**changes: str | None) -> dict[str, str | None]:
    """A good play with some columns changed."""
    return {**dict.fromkeys(KNOWN_COLUMNS), **GOOD, **changes}


def song(**changes: str | None) -> dict[str, str | None]:
    """A good entry of a playlist with some columns changed."""
    return {**dict.fromkeys(KNOWN_COLUMNS), **SONG, **changes}


def raw(rows: Sequence[Mapping[str, str | None]]) -> pa.RecordBatch:
    """Rows as a raw batch of one file."""
    return batch_of("plays.jsonl", [(place, dict(row)) for place, row in enumerate(rows, 1)])


def repeating(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with dictionaries where a batch may have them."""
    every = {
        name: batch[name].dictionary_encode() if name in DICTIONARY_COLUMNS else batch[name]
        for name in batch.schema.names
    }
    return batch_with(batch.schema, every)


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without such dictionaries."""
    every = {
        name: decoded(batch[name]) if name in DICTIONARY_COLUMNS else batch[name]
        for name in batch.schema.names
    }
    return batch_with(batch.schema, every)


class Said:
    """What became of rows: the rules each breaks, the enriched batch, what was filled."""

    def __init__(
        self,
        rows: Sequence[Mapping[str, str | None]],
        form: FormatName,
        now: datetime,
        sizes: Sequence[int] = (),
        **settings: Any,
    ) -> None:
        """Judge rows in batches of these ``sizes``, the rest as one."""
        terms = {_TERMS[name]: settings.pop(name) for name in list(settings) if name in _TERMS}
        self.reasons: list[set[str]] = []
        self.listed: list[list[str]] = []
        batches, at = [], 0
        self.filled: dict[str, int] = {}
        self.warned: dict[str, int] = {}
        micros = micros_of(now)
        with Seen(sealed=8) as ids, Seen(sealed=8) as names:
            standing, numbers = Standing(ids), Numbers(names)
            for size in (*sizes, len(rows)):
                part = rows[at : at + size]
                at += size
                batch = raw(part)
                made = ids_made(batch, FORMATS[form], numbers)
                one = enrich(batch, FORMATS[form], Fills(micros, **settings), made)
                broken = dict(judge(one.batch, FORMATS[form], Terms(micros, **terms)))
                fine = good(len(part), broken)
                repeated = standing.duplicates(ids_of(*uuids(one.batch.column("id"))), fine)
                broken["id-duplicate"] = repeated
                self.listed += reasons(len(part), broken).to_pylist()
                batches.append(one.batch)
                for name, many in one.filled.items():
                    self.filled[name] = self.filled.get(name, 0) + many
                for name, mask in one.warned.items():
                    self.warned[name] = self.warned.get(name, 0) + int(mask.sum())
        self.reasons = [set(listed) for listed in self.listed]
        self.enriched = pa.Table.from_batches(batches)

    def texts(self, column: str) -> list[Any]:
        """A column as enriched."""
        values: list[Any] = self.enriched.column(column).to_pylist()
        return values


_TERMS = {"permitted": "shops", "countries": "countries", "longest_seconds": "longest_seconds"}
