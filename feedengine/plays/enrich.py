"""Enrichment (L1, L4, L5): what is missing and can be known is filled, texts are normalised.

Pure: a function of the batch and the settings; only ids depend on what was seen before
(`Numbering`), and are made first. The look-ups in the catalogue (L2, L3, L6) are `lookup`'s.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.model.identifiers import WORLDWIDE, country_code
from feedengine.model.instants import InvalidValueError
from feedengine.plays.frames import (
    COUNTRY_HELPER,
    ENRICHED,
    FAULT,
    KNOWN_COLUMNS,
    ROW,
    SOURCE,
    Mask,
    Masks,
    instant_helper,
    length_helper,
)
from feedengine.plays.moments import SECOND, Instants, instants, texts_of
from feedengine.plays.repeats import Readings, batch_with, chosen, decoded
from feedengine.plays.reports import FUTURE_SECONDS, Format
from feedengine.plays.stations import StationClock, lengths_of, lengths_written
from feedengine.plays.texts import (
    Ints,
    Words,
    given,
    numbers,
    uniques,
    uuid_texts,
)

PLAYS = UUID("c4bb45a6-9b37-5e0c-9a0c-5a4a4f7b5d11")
"""The name space of the ids that are made for plays (L1)."""


@dataclass(frozen=True, slots=True)
class Fills:
    """What stands in for missing values: column → text, and country → shopid.

    ``now`` is in microseconds since 1970 UTC; ``clock`` reads and writes a station's local times.
    """

    now: int
    values: Mapping[str, str] = field(default_factory=dict)
    shops: Mapping[str, str] = field(default_factory=dict)
    clock: StationClock = field(default_factory=StationClock)


class Numbering(Protocol):
    """Tells identical rows of a file apart."""

    def ids(self, names: Sequence[bytes], /) -> tuple[Words, Words]:
        """For each row, given as it came, the halves of an id that no other row of it has."""


class Made(NamedTuple):
    """Ids that were made (L1): of which rows, and their halves, row by row of those.

    ``readings`` are what has been read of the batch for it.
    """

    where: Mask
    high: Words
    low: Words
    readings: Readings


class Enriched(NamedTuple):
    """An enriched batch, what was filled in it by column, and what is to be warned of.

    ``readings`` of it may be used again.
    """

    batch: pa.RecordBatch
    filled: Mapping[str, int]
    warned: Masks
    readings: Readings


def ids_made(raw: pa.RecordBatch, form: Format, numbering: Numbering) -> Made:
    """L1: a readable row without an id gets one that follows from the row as it came.

    Where the recipient never sees it, an id that is no UUID gives way to one, too. Batches must
    come in the order of their file.
    """
    readings, ids = Readings(), raw.column("id")
    column = form.column("id")
    seen = column is None or column.sent
    where = ~given(raw.column(FAULT)) & ~(given(ids) if seen else readings.uuids(ids)[2])
    if not where.any():
        return Made(where, np.zeros(0, np.uint64), np.zeros(0, np.uint64), readings)
    return Made(where, *numbering.ids(_names(raw.filter(pa.array(where)))), readings)


def enrich(raw: pa.RecordBatch, form: Format, fills: Fills, made: Made) -> Enriched:
    """L1, L4, L5 for a batch as it came; ``made`` are the ids of its rows that have none."""
    work = _Work(raw, form, fills, made.readings)
    work.country()
    work.instants()
    work.configured()
    work.lengths()
    work.useragent()
    work.ids(made)
    return work.done()


class _Work:
    """A batch on its way: its columns, its helpers, what was filled."""

    def __init__(self, raw: pa.RecordBatch, form: Format, fills: Fills, readings: Readings) -> None:
        self.raw, self.form, self.fills = raw, form, fills
        self.rows = raw.num_rows
        self.readable = ~given(raw.column(FAULT))
        self.columns = {name: raw.column(name) for name in KNOWN_COLUMNS}
        self.helpers: dict[str, pa.Array] = {}
        self.filled: Counter[str] = Counter()
        self.warned: dict[str, Mask] = {}
        self.readings = readings

    def missing(self, name: str) -> Mask:
        """Where a readable row has no value."""
        found: Mask = self.readable & ~given(self.columns[name])
        return found

    def fill(self, name: str, where: Mask, values: pa.Array | pa.Scalar) -> None:
        """Put values where they are missing, and count them."""
        many = int(where.sum())
        if many:
            own = decoded(self.columns[name])
            self.columns[name] = pc.if_else(pa.array(where), decoded(values), own)
            if self.form.column(name) is not None:
                self.filled[name] += many

    def country(self) -> None:
        """L4: the code by P18, written in the letters of the format."""
        if (value := self.fills.values.get("country")) is not None:
            self.fill("country", self.missing("country"), pa.scalar(value))
        values, places = uniques(self.columns["country"])
        codes = [_country(text) for text in values]
        self.warned["country-alias"] = np.array([alias for _, alias in codes], np.bool_)[places]
        self.helpers[COUNTRY_HELPER] = chosen([code for code, _ in codes], places)
        lower = self.form.lower_country
        texts_ = [
            text if code is None else (code.lower() if lower else code)
            for text, (code, _) in zip(values, codes, strict=True)
        ]
        self.columns["country"] = chosen(texts_, places)

    def instants(self) -> None:
        """L4: instants in UTC; what a station calls Start Time is when the play began (L1)."""
        station = {name: self.fills.clock.read(self.columns[name]) for name in _STATION}
        played = self._instant("datetimeplayed")
        started = station["starttime"]
        self._written("endtime", station["endtime"], given(self.columns["endtime"]))
        lent = self.missing("datetimeplayed") & started.valid
        began = Instants(
            np.where(lent, started.micros, played.micros),
            played.valid | lent,
            played.utc,
            played.bare,
        )
        self._keep("datetimeplayed", began)
        if lent.any():
            self.fill("datetimeplayed", lent, _spelled(began.micros, lent))
        back = self.missing("starttime") & played.valid
        start = started._replace(
            micros=np.where(back, played.micros, started.micros), valid=started.valid | back
        )
        self._written("starttime", start, start.valid & ~back)
        if self.form.column("starttime") is not None and back.any():
            self.fill("starttime", back, self.fills.clock.write(start.micros, back))
        self._logged(began)

    def _written(self, name: str, read: Instants, own: Mask) -> None:
        """A station's own time, in the form in which it is sent."""
        self._keep(name, read)
        own = own & read.valid
        if own.any():
            written = self.fills.clock.write(read.micros, own)
            self.columns[name] = pc.if_else(pa.array(own), written, self.columns[name])

    def _instant(self, name: str) -> Instants:
        """An ISO 8601 column read, and its text in UTC."""
        column = self.columns[name]
        read = instants(column)
        bare = read.valid & read.bare
        other = read.valid & ~read.bare & ~read.utc
        if bare.any():
            zulu = pc.binary_join_element_wise(column, pa.scalar("Z"), pa.scalar(""))
            column = zulu if bare.all() else pc.if_else(pa.array(bare), zulu, column)
        if other.any():
            column = pc.if_else(pa.array(other), _spelled(read.micros, other), column)
        self.columns[name] = column
        return read

    def _logged(self, played: Instants) -> None:
        """L1: logged at the later of now and the play, where that lies within tolerance."""
        read = self._instant("datetimelogged")
        where = self.missing("datetimelogged")
        now = self.fills.now
        if where.any():
            near = played.valid & (played.micros <= now + FUTURE_SECONDS * SECOND)
            later = np.where(near, np.maximum(played.micros, now), now)
            read = read._replace(
                micros=np.where(where, later, read.micros), valid=read.valid | where
            )
            self.fill("datetimelogged", where, _spelled(later, where))
        self._keep("datetimelogged", read)

    def _keep(self, name: str, read: Instants) -> None:
        self.helpers[instant_helper(name)] = numbers(read.micros, read.valid)

    def configured(self) -> None:
        """L1: values from the configuration; the shop by country."""
        for name, value in self.fills.values.items():
            if name != "country":
                self.fill(name, self.missing(name), pa.scalar(value))
        if self.fills.shops:
            values, places = uniques(self.helpers[COUNTRY_HELPER])
            shops = chosen([self.fills.shops.get(code or "") for code in values], places)
            self.fill("shopid", self.missing("shopid") & given(shops), shops)

    def lengths(self) -> None:
        """Whole seconds; L6: what a station calls Duration is the time played."""
        found = self.readings.wholes(self.columns["totaltimeplayed"])
        played = numbers(found.values, found.fits)
        self.helpers[length_helper("totaltimeplayed")] = played
        seconds = lengths_of(self.columns["duration"])
        if self.form.column("duration") is not None:
            lent = self.missing("duration") & ~given(self.columns["endtime"]) & given(played)
            self.fill("duration", lent, lengths_written(played))
            seconds = pc.if_else(pa.array(lent), played, seconds)
        self.helpers[length_helper("duration")] = seconds

    def useragent(self) -> None:
        """L5: cut to what the recipient takes."""
        column = self.form.column("useragent")
        if column is None or column.longest is None:
            return
        array = self.columns["useragent"]
        values = self.readings.parts(array).values
        if int(self.readings.lengths(values).max(initial=0)) <= column.longest:
            return
        array = decoded(array)
        long = pc.fill_null(pc.greater(pc.utf8_length(array), column.longest), False)
        self.warned["useragent-cut"] = long.to_numpy(zero_copy_only=False)
        self.columns["useragent"] = pc.utf8_slice_codeunits(array, 0, column.longest)

    def ids(self, made: Made) -> None:
        """L1: the ids that were made."""
        if not made.where.any():
            return
        spread = uuid_texts(made.high, made.low).take(_spread(made.where))
        self.columns["id"] = pc.if_else(pa.array(made.where), spread, self.columns["id"])
        column = self.form.column("id")
        if column is not None and column.sent:
            self.filled["id"] += len(made.high)

    def done(self) -> Enriched:
        """The enriched batch."""
        kept = {SOURCE: self.raw.column(SOURCE), ROW: self.raw.column(ROW)}
        every = {**self.columns, **self.helpers, **kept, FAULT: self.raw.column(FAULT)}
        batch = batch_with(ENRICHED, every)
        warned = {name: mask for name, mask in self.warned.items() if mask.any()}
        return Enriched(batch, +self.filled, warned, self.readings)


_STATION = ("starttime", "endtime")


def _spread(where: Mask) -> pa.Array:
    """For each row its place among the marked ones; NULL where it is none of them."""
    return pa.array(np.cumsum(where) - 1, pa.int64(), mask=~where)


def _spelled(micros: Ints, where: Mask) -> pa.Array:
    """Canonical texts of the marked rows, NULL elsewhere."""
    return texts_of(micros[where]).take(_spread(where))


def _country(text: str | None) -> tuple[str | None, bool]:
    """The code of a country (P18) and whether it is an alias; the whole world is no country."""
    remarks: list[tuple[str, str]] = []
    try:
        code = country_code(text or "", remarks)
    except InvalidValueError:
        return None, False
    return (None if code == WORLDWIDE else code), bool(remarks)


def _names(raw: pa.RecordBatch) -> list[bytes]:
    """Each row as it came, in one line: its columns in their order, NULL told from empty.

    Two rows that differ may give the same line only where they hold control characters; they are
    then told apart by their number.
    """
    columns = [pc.fill_null(decoded(raw.column(name)), "\x00") for name in KNOWN_COLUMNS]
    joined = pc.binary_join_element_wise(*columns, pa.scalar("\x1f"))
    found: list[bytes] = joined.cast(pa.binary()).to_pylist()
    return found


def numbered_name(name: bytes, number: int) -> bytes:
    """L1: the n-th identical row after the first adds n."""
    return b"%s\x1f%d" % (name, number) if number else name


def hashed(names: Sequence[bytes]) -> tuple[Words, Words]:
    """L1: the UUIDv5 of each name in the name space `PLAYS`, as its upper and lower 64 bits."""
    begun = hashlib.sha1(PLAYS.bytes, usedforsecurity=False)
    digests = bytearray()
    for name in names:
        one = begun.copy()
        one.update(name)
        digests += one.digest()[:16]
    halves = np.frombuffer(bytes(digests), ">u8").astype(np.uint64).reshape(-1, 2)
    version, variant = np.uint64(5 << 12), np.uint64(1 << 63)
    high = (halves[:, 0] & ~np.uint64(15 << 12)) | version
    return high, (halves[:, 1] & ~np.uint64(3 << 62)) | variant
