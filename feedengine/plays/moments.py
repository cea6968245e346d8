"""Columns of instants: ISO 8601 text to microseconds and back (L4), a column at a time.

The common forms have fixed places: ``2024-02-22T18:16:33``, a fraction of up to nine digits, and
``Z``, ``+01:00`` or nothing. They are read eight bytes at a time. Whatever is not of that kind goes
to the strict grammar of `feedengine.model.instants`, text by text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from feedengine.model.instants import EPOCH, InvalidValueError, _from_iso, instant_text
from feedengine.plays.frames import Mask
from feedengine.plays.texts import Ints, Rows, Words, byte, repeated, rows_of, texts, uniques, word

SECOND = 1_000_000
DAY = 86_400 * SECOND

_U = np.uint64


class Instants(NamedTuple):
    """Texts read as instants: microseconds since 1970 UTC, and where they are instants.

    ``utc`` marks the texts that end in ``Z`` and can be written as they are; ``bare`` those that
    need no more than a ``Z``.
    """

    micros: Ints
    valid: Mask
    utc: Mask
    bare: Mask


def _months() -> tuple[Ints, Ints]:
    """For each month of the years 1 to 9999: days from 1970 to its first, and how many it has."""
    firsts = np.arange("0001-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]")
    days = firsts.astype(np.int64)
    return days[:-1], np.diff(days)


_FIRSTS, _LASTING = _months()

_DATE_PUNCTUATION = _U(0x2D00002D00000000)  # bytes 4 and 7 of YYYY-MM-
_DATE_PLACES = _U(0xFF0000FF00000000)
_TIME_PUNCTUATION = _U(0x00003A0000540000)  # T and : of DDTHH:MM
_TIME_PLACES = _U(0x0000FF0000FF0000)
_SECONDS_PLACES = _U(0x0000FF0000FF0000)
_SECONDS_PUNCTUATION = _U(0x00003A00003A0000)  # both : of HH:MM:SS


def _digits(found: Words, places: np.uint64) -> Mask:
    """Whether every byte outside ``places`` is a digit."""
    plain = (found & ~places) | (repeated(0x30) & places)
    high = plain & repeated(0xF0)
    carried = (plain + repeated(0x06)) & repeated(0xF0)
    fine: Mask = (high == repeated(0x30)) & (carried == repeated(0x30))
    return fine


def _two(found: Words, at: int) -> Ints:
    """The two digits at byte ``at`` of a word."""
    tens = (found >> _U(8 * at)) & _U(15)
    ones = (found >> _U(8 * at + 8)) & _U(15)
    return (tens * _U(10) + ones).astype(np.int64)


def _seconds(rows: Rows) -> tuple[Ints, Mask]:
    """The first 19 bytes of each row as seconds since 1970, and where they are a time."""
    date, middle, clock = word(rows, 0), word(rows, 8), word(rows, 11)
    fine = (date & _DATE_PLACES) == _DATE_PUNCTUATION
    fine &= (middle & _TIME_PLACES) == _TIME_PUNCTUATION
    fine &= (clock & _SECONDS_PLACES) == _SECONDS_PUNCTUATION
    fine &= _digits(date, _DATE_PLACES)
    fine &= _digits(middle, _TIME_PLACES)
    fine &= _digits(clock, _SECONDS_PLACES)
    year = _two(date, 0) * 100 + _two(date, 2)
    month, day = _two(date, 5), _two(middle, 0)
    hour, minute, second = _two(clock, 0), _two(clock, 3), _two(clock, 6)
    fine &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    fine &= (hour <= 23) & (minute <= 59) & (second <= 59)
    index = np.where(fine, (year - 1) * 12 + month - 1, 0)
    fine &= day <= _LASTING[index]
    days = _FIRSTS[index] + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second, fine


def _fraction(rows: Rows, digits: int) -> tuple[Ints, Mask]:
    """A point (or comma) and so many digits after the first 19 bytes, in microseconds (cut)."""
    point = byte(rows, 19)
    fine: Mask = point == ord(".")
    micros = np.zeros(len(rows.starts), np.int64)
    for place in range(digits):
        digit = byte(rows, 20 + place) - np.uint8(48)
        fine &= digit <= 9
        if place < 6:
            micros += digit.astype(np.int64) * 10 ** (5 - place)
    return micros, fine


def _offset(rows: Rows, at: int) -> tuple[Ints, Mask]:
    """``+01:00`` at byte ``at``, in seconds east of UTC."""
    parts = [byte(rows, at + place) - np.uint8(48) for place in (1, 2, 4, 5)]
    sign, colon = byte(rows, at), byte(rows, at + 3)
    fine: Mask = ((sign == ord("+")) | (sign == ord("-"))) & (colon == ord(":"))
    for part in parts:
        fine &= part <= 9
    hours, minutes = (parts[0] * 10 + parts[1]), (parts[2] * 10 + parts[3])
    fine &= (hours <= 23) & (minutes <= 59)
    east = hours.astype(np.int64) * 3600 + minutes.astype(np.int64) * 60
    return np.where(sign == ord("-"), -east, east), fine


def instants(column: pa.Array) -> Instants:
    """A column of ISO 8601 texts as instants; without a zone they are UTC (L4)."""
    of, rows = texts(column), len(column)
    found = Instants(
        np.zeros(rows, np.int64),
        np.zeros(rows, np.bool_),
        np.zeros(rows, np.bool_),
        np.zeros(rows, np.bool_),
    )
    lengths = np.bincount(np.minimum(of.lengths, 40), minlength=41) if rows else np.zeros(41)
    for length in (int(one) for one in np.flatnonzero(lengths) if 19 <= one <= 35):
        at = np.flatnonzero(of.lengths == length)
        _read(found, rows_of(of, at), at, length)
    strange = np.flatnonzero(of.valid & ~found.valid)
    if len(strange):
        _read_strange(found, column, strange)
    return found


def _read(found: Instants, rows: Rows, at: Ints, length: int) -> None:
    """Rows of one length whose texts may have a fixed form."""
    seconds, fine = _seconds(rows)
    last, sixth = byte(rows, length - 1), byte(rows, length - 6)
    zulu = last == ord("Z")
    signed = ((sixth == ord("+")) | (sixth == ord("-"))) & (length >= 25)
    for kind, tail in ((zulu, 1), (signed, 6), (~zulu & ~signed, 0)):
        digits = length - tail - 20
        if not kind.any() or digits < -1 or digits == 0 or digits > 9:
            continue
        these = kind & fine
        micros = seconds * SECOND
        if digits > 0:
            parts, fits = _fraction(rows, digits)
            micros, these = micros + parts, these & fits
        if tail == 6:
            east, fits = _offset(rows, length - 6)
            micros, these = micros - east * SECOND, these & fits
            these &= (micros >= EARLIEST) & (micros <= LATEST)
        places = at[these]
        found.micros[places] = micros[these]
        found.valid[places] = True
        found.utc[places] = tail == 1
        found.bare[places] = tail == 0


def _read_strange(found: Instants, column: pa.Array, at: Ints) -> None:
    """What has no fixed form, by the strict grammar, each different text once."""
    values, places = uniques(column.take(pa.array(at)))
    read = [None if text is None else instant_of(text) for text in values]
    micros = np.array([0 if one is None else one for one in read], np.int64)
    valid = np.array([one is not None for one in read], np.bool_)
    found.micros[at] = micros[places]
    found.valid[at] = valid[places]


def instant_of(text: str) -> int | None:
    """One ISO 8601 text as microseconds since 1970 UTC, or None: the grammar behind all of this.

    Feeds know the extended notation alone (P16); logs may have any (L4).
    """
    try:
        return micros_of(_from_iso(text, []))
    except InvalidValueError:
        return _other_notation(text)


_OTHER = re.compile(
    r"(?P<year>[0-9]{4})(?P<dash>-?)"
    r"(?:(?P<date>[0-9]{2}(?P=dash)[0-9]{2}|W[0-9]{2}(?P=dash)[0-9])|(?P<day>[0-9]{3}))"
    r"T(?P<clock>[0-9]{2}(?::?[0-9]{2}){0,2}(?:[.,][0-9]+)?(?:Z|[+-][0-9:]{2,5})?)"
)


def _other_notation(text: str) -> int | None:
    """Basic notation (``20240221T131315Z``), weeks, days of the year, hours alone."""
    found = _OTHER.fullmatch(text)
    if found is None:
        return None
    day = found["date"] or "01" + found["dash"] + "01"
    try:
        moment = datetime.fromisoformat(f"{found['year']}{found['dash']}{day}T{found['clock']}")
        if found["day"]:
            moment += timedelta(days=int(found["day"]) - 1)
            if moment.year != int(found["year"]) or found["day"] == "000":
                return None
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return micros_of(zoned.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def micros_of(moment: datetime) -> int:
    """An instant as microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def text_of(micros: int) -> str:
    """The canonical text of microseconds since 1970 UTC."""
    return instant_text(EPOCH + timedelta(microseconds=micros))


EARLIEST = micros_of(datetime(1, 1, 1, tzinfo=UTC))
LATEST = micros_of(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))


def texts_of(micros: Ints) -> pa.Array:
    """Instants as canonical texts ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    spelled = np.datetime_as_string(micros.astype("datetime64[us]"))
    return pa.array(np.char.add(spelled, "Z").astype(object), pa.string())
