"""Instants and dates by a strict grammar of our own (P16).

`datetime.fromisoformat` succeeds on ``2022-10-30T11:12:00:0400`` and is wrong by hours, so nothing
reaches it from a feed. A canonical instant is text of fixed width ``YYYY-MM-DDTHH:MM:SS.ffffffZ``
in UTC, a canonical date ``YYYY-MM-DD``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

Remarks: TypeAlias = list[tuple[str, str]]
"""Doubts about a value that is taken all the same: ``(code of the warning, message)``."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS_ABOVE = 10**11
"""P16: a ``unixtime`` above this counts milliseconds."""


class InvalidValueError(ValueError):
    """The text is no value of its type; the message says what would be (P16)."""

    code = "value-invalid"
    rule = "P16"


def instant_text(moment: datetime) -> str:
    """The canonical text of an instant; a naive one is taken as UTC."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{utc.isoformat(timespec='microseconds')[:26]}Z"


def canonical_instant(text: str) -> str:
    """The canonical text of what PostgreSQL writes in UTC, such as ``2022-10-30 11:12:00+00``."""
    whole, _, fraction = text.removesuffix("+00").partition(".")
    return f"{whole[:10]}T{whole[11:]}.{fraction:0<6}Z"


_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?|:[0-9]{4})?"
)
_UNIX = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_UNIX_UNITS = ("unixtime", "unixtimestamp")
_WANT_INSTANT = (
    "an instant such as 2022-10-30T11:12:00Z is wanted, or with its type= a unixtime or a date"
)
_WANT_DATE = "a date such as 1992-01-31 is wanted"


def _from_unix(text: str, wanted: str) -> datetime:
    if not _UNIX.fullmatch(text):
        raise InvalidValueError(wanted)
    seconds = Decimal(text)
    if abs(seconds) > MILLISECONDS_ABOVE:
        seconds /= 1000
    try:
        return EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError:
        raise InvalidValueError(wanted) from None


def _day(text: str, wanted: str) -> date:
    found = _DAY.fullmatch(text)
    if found is None:
        raise InvalidValueError(wanted)
    year, month, day = found.groups()
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise InvalidValueError(f"{wanted}: {error}") from None


def _zone(text: str | None, remarks: Remarks) -> timezone:
    """P16: no zone is UTC; ``:0400`` means ``+04:00``; both are remarked."""
    if text == "Z":
        return UTC
    if text is None:
        remarks.append(("offset-assumed", "the instant has no zone; it is taken as UTC"))
        return UTC
    if text[0] == ":":
        remarks.append(("offset-assumed", f"{text} is taken as +{text[1:3]}:{text[3:]}"))
        text = "+" + text[1:]
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise InvalidValueError(_WANT_INSTANT)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _from_iso(text: str, remarks: Remarks) -> datetime:
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise InvalidValueError(_WANT_INSTANT)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    midnight_after = (hour, minute, second or "00") == ("24", "00", "00") and not (
        fraction or ""
    ).strip("0")
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            0 if midnight_after else int(hour),
            int(minute),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            tzinfo=_zone(zone, remarks),
        ).astimezone(UTC)
        return moment + timedelta(days=1) if midnight_after else moment
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(f"{_WANT_INSTANT}: {error}") from None


BareDate: TypeAlias = Literal["assumed", "start", "end"]


@lru_cache(maxsize=8192)
def _instant_of(
    text: str, unit: str | None, bare: BareDate
) -> tuple[str, tuple[tuple[str, str], ...]]:
    remarks: Remarks = []
    if unit in _UNIX_UNITS:
        moment = _from_unix(text, "seconds or milliseconds since 1970 are wanted (type=unixtime)")
    elif unit == "ISO-YMD" or (unit is None and _DAY.fullmatch(text)):
        first = _day(text, _WANT_DATE)
        moment = datetime(first.year, first.month, first.day, tzinfo=UTC)
        if bare == "end":
            try:
                moment += timedelta(days=1)
            except OverflowError:
                raise InvalidValueError(_WANT_DATE) from None
        if bare == "assumed":
            remarks.append(("offset-assumed", "a bare date is taken as 00:00 UTC of that day"))
    else:
        moment = _from_iso(text, remarks)
    return instant_text(moment), tuple(remarks)


def instant_reader(bare: BareDate) -> Callable[[str, str | None, Remarks], str | int]:
    """P16 for instants; what a bare date means depends on the field (A1: an end ends its day)."""

    def read(text: str, unit: str | None, remarks: Remarks) -> str | int:
        value, remarked = _instant_of(text, unit, bare)
        if remarked:
            remarks.extend(remarked)
        return value

    return read


@lru_cache(maxsize=8192)
def date_of(text: str, unit: str | None) -> str:
    """The canonical date of a date, or of a unixtime in UTC (P16)."""
    if unit in _UNIX_UNITS:
        return _from_unix(text, "seconds or milliseconds since 1970 are wanted").date().isoformat()
    return _day(text, _WANT_DATE).isoformat()
