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
import pyarrow.compute as pc

from feedengine.model.instants import EPOCH, InvalidValueError, _from_iso, instant_text
from feedengine.plays.frames import Mask
from feedengine.plays.texts import (
    Ints,
    Rows,
    Texts,
    Words,
    byte,
    repeated,
    rows_of,
    texts,
    uniques,
    word,
)

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


def _months() -> tuple[Words, Words]:
    """For each month: the day before its first, counted from 1970 modulo 2^64, and how many it has.

    A month's place is its number plus twelve times its year, of the years 1 to 9999.
    """
    firsts = np.arange("-001-12", "10000-02", dtype="datetime64[M]").astype("datetime64[D]")
    days = firsts.astype(np.int64)
    return (days[:-1] - 1).view(_U), np.diff(days).view(_U)


_FIRSTS, _LASTING = _months()
_FIRST_MONTH = 13


class _Form(NamedTuple):
    """What eight bytes of a text have to be, a byte each.

    A byte is right if, what is not ``kept`` of it left out and ``least`` taken away, it stays below
    128 with ``room`` added.
    """

    kept: np.uint64
    least: np.uint64
    room: np.uint64


def _form(example: str) -> _Form:
    """A digit where the example has 0, its own character elsewhere; anything behind its end."""
    text = example.encode()
    room = bytes(118 if one == ord("0") else 127 for one in text)
    words = (b"\xff" * len(text), text, room)
    return _Form(*(_U(int.from_bytes(one.ljust(8, b"\0"), "little")) for one in words))


_DATE, _MIDDLE, _CLOCK = _form("0000-00-"), _form("00T00:00"), _form("00:00:00")
_FRACTIONS = tuple(_form("." + "0" * digits) for digits in range(8))
_HIGH, _TEN, _BYTE = repeated(0x80), _U(10), _U(0xFF)


def _taken(found: Words, form: _Form) -> tuple[Words, Words]:
    """The digits of each word, a byte each, and a word with a high bit where it is not right."""
    digits = (found & form.kept) ^ form.least
    return digits, (digits + form.room) | digits


def _pairs(digits: Words) -> Words:
    """In each byte the number that its digit and the next one are."""
    return digits * _TEN + (digits >> _U(8))


def _at(numbers: Words, place: int) -> Words:
    """The number at a byte."""
    return (numbers >> _U(8 * place)) & _BYTE


def _seconds(rows: Rows) -> tuple[Ints, Mask]:
    """The first 19 bytes of each row as seconds since 1970, and where they are a time."""
    date, wrong = _taken(word(rows, 0), _DATE)
    middle, also = _taken(word(rows, 8), _MIDDLE)
    clock, too = _taken(word(rows, 11), _CLOCK)
    fine = ((wrong | also | too) & _HIGH) == 0
    date, clock = _pairs(date), _pairs(clock)
    month, day = _at(date, 5), _at(_pairs(middle), 0)
    hour, minute, second = _at(clock, 0), _at(clock, 3), _at(clock, 6)
    place = (_at(date, 0) * _U(100) + _at(date, 2)) * _U(12) + month
    fine &= (place >= _FIRST_MONTH) & (month - _U(1) < 12)
    fine &= (hour <= 23) & (minute <= 59) & (second <= 59)
    place = np.where(fine, place, _U(_FIRST_MONTH)).view(np.int64)
    fine &= day - _U(1) < _LASTING[place]
    hours = (_FIRSTS[place] + day) * _U(24) + hour
    return ((hours * _U(60) + minute) * _U(60) + second).view(np.int64), fine


def _fraction(rows: Rows, digits: int) -> tuple[Ints, Mask]:
    """A point and so many digits (1 to 9) after the first 19 bytes, in microseconds (cut)."""
    found, wrong = _taken(word(rows, 19), _FRACTIONS[min(digits, 7)])
    fine = (wrong & _HIGH) == 0
    for place in range(7, digits):
        fine &= byte(rows, 20 + place) - np.uint8(48) <= 9
    pairs = _pairs(found >> _U(8))
    micros = (_at(pairs, 0) * _U(100) + _at(pairs, 2)) * _U(100) + _at(pairs, 4)
    return micros.view(np.int64), fine


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
    of = texts(column)
    found = _fixed(of)
    strange = np.flatnonzero(of.valid & ~found.valid)
    if len(strange):
        _read_respelled(found, column, strange)
        strange = strange[~found.valid[strange]]
    if len(strange):
        _read_strange(found, column, strange)
    return found


def _fixed(of: Texts) -> Instants:
    """The texts that have a fixed form."""
    rows = len(of.starts)
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
        places, micros = (at, micros) if these.all() else (at[these], micros[these])
        found.micros[places] = micros
        found.valid[places] = True
        found.utc[places] = tail == 1
        found.bare[places] = tail == 0


_DAY, _MINUTE = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]{2}:[0-9]{2}"
_RESPELLED = (
    ("^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})", r"\1-\2-\3T\4:\5:\6"),
    (f"^({_DAY}T{_MINUTE})(Z|[+-].*)?$", r"\1:00\2"),
    (r"(T.*[+-][0-9]{2})([0-9]{2})$", r"\1:\2"),
    (r"(T.*[+-][0-9]{2})$", r"\1:00"),
)
"""Other notations that programs write in every row: basic, without seconds, ``+0100``, ``+01``."""


def _read_respelled(found: Instants, column: pa.Array, at: Ints) -> None:
    """Texts that have a fixed form once they are written otherwise; they are not sent as they came.

    What is read so, the strict grammar reads so too.
    """
    spelled = column.take(pa.array(at))
    for pattern, instead in _RESPELLED:
        spelled = pc.replace_substring_regex(spelled, pattern, instead)
    read = _fixed(texts(spelled))
    found.micros[at] = read.micros
    found.valid[at] = read.valid


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
    rows = len(micros)
    if not rows:
        return pa.array([], pa.string())
    letters = np.full((rows, 27), ord("Z"), np.uint8)
    spelled = pa.array(micros, pa.timestamp("us")).cast(pa.string())
    letters[:, :26] = np.frombuffer(spelled.buffers()[2], np.uint8, 26 * rows).reshape(rows, 26)
    letters[:, 10] = ord("T")
    offsets = pa.py_buffer(np.arange(0, 27 * rows + 1, 27, dtype=np.int32))
    return pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(letters))
