"""The judge: an enriched batch in, the rows that break each rule out (plays, section Judge).

Pure: a function of the batch, the format and the terms; no row is looked at by itself. Which rules
there are follows from the columns that `reports` declares.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.model.instants import EPOCH
from feedengine.plays.frames import (
    COUNTRY_HELPER,
    FAULT,
    REASONS,
    Mask,
    Masks,
    instant_helper,
    length_helper,
)
from feedengine.plays.moments import DAY, SECOND, micros_of
from feedengine.plays.repeats import Readings
from feedengine.plays.reports import DAYS_PERMITTED, FUTURE_SECONDS, Age, Column, Format
from feedengine.plays.rules import AFTER_LOGGED, RULE_ORDER
from feedengine.plays.texts import Ints, Wholes, flags, given


@dataclass(frozen=True, slots=True)
class Terms:
    """What a judgement depends on besides the rows.

    ``now`` is in microseconds since 1970 UTC. ``shops`` are the permitted shopids; ``countries``
    the permitted countries in upper case, all of ISO's when empty. ``longest_seconds`` bounds
    ``totaltimeplayed`` at the endpoint, None does not.
    """

    now: int
    shops: frozenset[int] = frozenset({34, 480})
    countries: frozenset[str] = frozenset()
    longest_seconds: int | None = None


def oldest(now: int, age: Age) -> int:
    """The oldest instant that is taken: 61 times 24 hours, or two calendar months, before now.

    Two months before 30 April is the last day of February.
    """
    if age == "61 days":
        return now - DAYS_PERMITTED * DAY
    moment = EPOCH + timedelta(microseconds=now)
    year, month = divmod(moment.year * 12 + moment.month - 1 - 2, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return micros_of(moment.replace(year=year, month=month + 1, day=min(moment.day, last)))


def judge(
    batch: pa.RecordBatch, form: Format, terms: Terms, readings: Readings | None = None
) -> Masks:
    """Every rule of a format that some row of an enriched batch breaks, with those rows.

    Duplicate ids are not seen here, since they are a matter of the whole run (`standing`), nor is
    the catalogue. A row that could not be read breaks only the rule that says why. ``readings``
    are what has been read of the batch already.
    """
    readings = readings or Readings()
    readable = ~given(batch.column(FAULT))
    found: dict[str, Mask] = {}
    for column in form.columns:
        for kind, mask in _broken(batch, column, form, terms, readings):
            if (those := mask & readable).any():
                found[f"{column.name}-{kind}"] = those
    if form.played_after_logged:
        mask = _after_logged(batch) & readable
        if mask.any():
            found[AFTER_LOGGED.name] = mask
    if not readable.all():
        found |= faults(batch)
    return found


def faults(batch: pa.RecordBatch) -> Masks:
    """The rows that could not be read, by what was wrong with them."""
    column = batch.column(FAULT)
    return {
        name: flags(pc.fill_null(pc.equal(column, name), False))
        for name in pc.unique(column.drop_null()).to_pylist()
    }


def _broken(
    batch: pa.RecordBatch, column: Column, form: Format, terms: Terms, readings: Readings
) -> Iterator[tuple[str, Mask]]:
    """The rules of one column, each with the rows that break it."""
    array = batch.column(column.name)
    if column.required:
        missing = ~given(array)
        if column.unless is not None:
            missing &= ~given(batch.column(column.unless))
        yield "missing", missing
    taken = readings.parts(array)
    filled, empty = _filled(taken.values, readings, blank=column.blank)
    if empty.any():
        yield "empty", taken.rows(empty)
    for kind, mask in _text_rules(taken.values, column, filled, terms, readings):
        if mask.any():
            yield kind, taken.rows(mask)
    if column.kind == "instant":
        yield from _instant_rules(batch, column, taken.rows(filled), terms.now)
    elif column.kind == "length":
        yield from _length_rules(batch, column, taken.rows(filled), form, terms)
    elif column.kind == "country":
        yield from _country_rules(batch, taken.rows(filled), terms, readings)


def _text_rules(
    texts: pa.Array, column: Column, filled: Mask, terms: Terms, readings: Readings
) -> Iterator[tuple[str, Mask]]:
    """The rules of a column that a text breaks whatever stands beside it in its row."""
    if column.kind == "uuid":
        yield "invalid", filled & ~readings.uuids(texts)[2]
    elif column.kind == "whole":
        yield from _whole_rules(readings.wholes(texts), column, filled, terms)
    elif column.choices:
        among = pc.is_in(texts, value_set=pa.array(column.choices, pa.string()))
        yield "not-permitted", filled & ~flags(among)
    if column.longest is not None:
        yield "too-long", _longer(texts, readings.lengths(texts), column.longest)


def _filled(texts: pa.Array, readings: Readings, *, blank: bool) -> tuple[Mask, Mask]:
    """Where there is a value, and where it is there and empty (or ``blank``)."""
    lengths = readings.lengths(pc.utf8_trim_whitespace(texts) if blank else texts)
    filled = lengths > 0
    return filled, given(texts) & ~filled


def _longer(array: pa.Array, lengths: Ints, longest: int) -> Mask:
    """Where a text has more characters than ``longest``; ``lengths`` are in bytes."""
    found: Mask = lengths > longest
    if found.any():
        found = flags(pc.fill_null(pc.greater(pc.utf8_length(array), longest), False))
    return found


def _helper(batch: pa.RecordBatch, name: str) -> tuple[Ints, Mask]:
    """A helper's values (0 where NULL) and where it is not NULL."""
    array = batch.column(name)
    return pc.fill_null(array, 0).to_numpy(), given(array)


def _instant_rules(
    batch: pa.RecordBatch, column: Column, filled: Mask, now: int
) -> Iterator[tuple[str, Mask]]:
    micros, valid = _helper(batch, instant_helper(column.name))
    yield "invalid", filled & ~valid
    if column.oldest is not None:
        yield "too-old", valid & (micros < oldest(now, column.oldest))
    if column.future:
        yield "in-future", valid & (micros > now + FUTURE_SECONDS * SECOND)


def _whole_rules(
    found: Wholes, column: Column, filled: Mask, terms: Terms
) -> Iterator[tuple[str, Mask]]:
    fine = found.digits & (found.positive if column.minimum else True)
    yield "invalid", filled & ~fine
    if column.permitted:
        allowed = found.fits & np.isin(found.values, np.array(sorted(terms.shops), np.int64))
        yield "not-permitted", fine & ~allowed


def _length_rules(
    batch: pa.RecordBatch, column: Column, filled: Mask, form: Format, terms: Terms
) -> Iterator[tuple[str, Mask]]:
    seconds, valid = _helper(batch, length_helper(column.name))
    yield "invalid", filled & ~valid
    if form.name == "endpoint" and terms.longest_seconds is not None:
        yield "too-long", valid & (seconds > terms.longest_seconds)


def _country_rules(
    batch: pa.RecordBatch, filled: Mask, terms: Terms, readings: Readings
) -> Iterator[tuple[str, Mask]]:
    codes = batch.column(COUNTRY_HELPER)
    valid = given(codes)
    yield "invalid", filled & ~valid
    if terms.countries:
        taken = readings.parts(codes)
        permitted = pa.array(sorted(terms.countries), pa.string())
        among = taken.rows(flags(pc.is_in(taken.values, value_set=permitted)))
        yield "not-permitted", valid & ~among


def _after_logged(batch: pa.RecordBatch) -> Mask:
    played, has_played = _helper(batch, instant_helper("datetimeplayed"))
    logged, has_logged = _helper(batch, instant_helper("datetimelogged"))
    found: Mask = has_played & has_logged & (played > logged)
    return found


def good(rows: int, broken: Masks) -> Mask:
    """The rows that break no rule."""
    found = np.ones(rows, np.bool_)
    for mask in broken.values():
        found &= ~mask
    return found


def reasons(rows: int, broken: Masks) -> pa.ListArray:
    """For each row the rules that it breaks, in the order of their table."""
    names = sorted(broken, key=RULE_ORDER.__getitem__)
    places = [np.flatnonzero(broken[name]) for name in names]
    sizes = np.array([len(one) for one in places], np.int64)
    every = np.concatenate(places) if places else np.zeros(0, np.int64)
    rules = np.repeat(np.arange(len(names)), sizes)
    order = np.argsort(every, kind="stable")
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(np.bincount(every, minlength=rows), out=offsets[1:])
    table = pa.array(names, pa.string())
    items = table.take(pa.array(rules[order])) if names else table
    return pa.ListArray.from_arrays(pa.array(offsets), items, type=REASONS)
