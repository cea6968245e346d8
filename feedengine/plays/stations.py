"""A station's own notation: local times in three forms, lengths as ``mm:ss`` (playlist log)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.frames import Mask
from feedengine.plays.moments import SECOND, Instants, instant_of, micros_of
from feedengine.plays.texts import Ints, uniques

TimeForm: TypeAlias = Literal["yyyy-MM-dd", "MM/dd/yyyy", "MM-dd-yyyy"]

_CLOCK = r" ([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?: ?([+-][0-9]{2}:?[0-9]{2}))?"
_YEAR_FIRST = re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})" + _CLOCK)
_MONTH_FIRST = re.compile(r"(?P<m>[0-9]{1,2})([/-])(?P<d>[0-9]{1,2})\2(?P<y>[0-9]{4})" + _CLOCK)
_LENGTH = re.compile(r"(?:([0-9]{1,4}):)?([0-9]{1,6}):([0-5][0-9])")

_WRITTEN: dict[TimeForm, str] = {
    "yyyy-MM-dd": "%Y-%m-%d %H:%M:%S",
    "MM/dd/yyyy": "%m/%d/%Y %H:%M:%S",
    "MM-dd-yyyy": "%m-%d-%Y %H:%M:%S",
}


@dataclass(frozen=True, slots=True)
class StationClock:
    """How a station's times are read and written.

    ``zone`` is the IANA name of the zone in which times without an offset are. Written times have
    the offset, unless ``offset`` is false.
    """

    zone: str = "UTC"
    form: TimeForm = "yyyy-MM-dd"
    offset: bool = True

    def read(self, column: pa.Array) -> Instants:
        """Times in any of the three forms, or ISO 8601, each different text once."""
        values, places = uniques(column)
        zone = ZoneInfo(self.zone)
        read = [None if text is None else _time(text, zone) for text in values]
        micros = np.array([one or 0 for one in read], np.int64)
        valid = np.array([one is not None for one in read], np.bool_)
        no = np.zeros(len(column), np.bool_)
        return Instants(micros[places], valid[places], no, no)

    def write(self, micros: Ints, where: Mask) -> pa.Array:
        """The marked instants as texts (whole seconds, cut), NULL elsewhere."""
        seconds = pa.array(micros // SECOND, pa.timestamp("s", self.zone), mask=~where)
        return pc.strftime(seconds, _WRITTEN[self.form] + (" %z" if self.offset else ""))


def _time(text: str, zone: tzinfo) -> int | None:
    """One time as microseconds since 1970 UTC, or None.

    A local time that comes twice (clocks set back) is the first of both.
    """
    found = _YEAR_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if found is None:
        return instant_of(text)
    hour, minute, second, offset = found.groups()[-4:]
    try:
        moment = datetime(
            int(found["y"]),
            int(found["m"]),
            int(found["d"]),
            int(hour),
            int(minute),
            int(second),
            tzinfo=zone if offset is None else _offset(offset),
        )
        return micros_of(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> tzinfo:
    """``-0400`` as a zone; raises `ValueError` beyond a day."""
    digits = text[1:].replace(":", "")
    if int(digits[2:]) > 59:
        raise ValueError(text)
    east = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-east if text[0] == "-" else east)


def lengths_of(column: pa.Array) -> pa.Array:
    """Lengths ``m:ss`` or ``h:mm:ss`` in seconds; minutes may exceed 59 where no hours stand."""
    values, places = uniques(column)
    seconds = [None if text is None else length_of(text) for text in values]
    return pa.array(seconds, pa.int64()).take(pa.array(places))


def length_of(text: str) -> int | None:
    """One length in seconds; None where it is none."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    if hours is not None and (int(minutes) > 59 or len(minutes) != 2):
        return None
    return (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)


def lengths_written(seconds: pa.Array) -> pa.Array:
    """Seconds as ``mm:ss``; an hour has 60 minutes and more."""
    encoded = seconds.dictionary_encode()
    written = [f"{one // 60:02d}:{one % 60:02d}" for one in encoded.dictionary.to_pylist()]
    return pa.array(written, pa.string()).take(encoded.indices)
