"""Leaf types: how a value is read from XML, written in XSD, kept in SQL and put in Arrow.

One object each. A read value is *canonical*: text, or a whole number; instants are text of fixed
width ``YYYY-MM-DDTHH:MM:SS.ffffffZ`` in UTC, dates ``YYYY-MM-DD``, decimals plain text without
trailing zeros. The same value stands in the catalogue, in history and in every export.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

from feedengine.model.identifiers import country_code, doubt_grid, doubt_gtin, doubt_isrc
from feedengine.model.instants import (
    BareDate,
    InvalidValueError,
    Remarks,
    date_of,
    instant_reader,
)

Value: TypeAlias = str | int

Kept: TypeAlias = Literal["text", "whole", "decimal", "date", "instant", "bytes"]
"""How a column's values are kept; `feedengine.model.sqltypes` has the SQL types."""

LARGEST_INTEGER = 2**63 - 1
LARGEST_DECIMAL = 10**18 - Decimal("1e-18")


def decimal_text(number: Decimal) -> str:
    """The canonical text of a decimal: plain, without trailing zeros."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text or "0"


def _text(text: str, _unit: str | None, _remarks: Remarks) -> Value:
    return text


def _identifier(text: str, _unit: str | None, _remarks: Remarks) -> Value:
    if len(text) > 255:
        raise InvalidValueError("an ID has 1 to 255 characters")
    return text


_INTEGER = re.compile(r"\+?[0-9]{1,19}")
_DECIMAL = re.compile(r"\+?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})")


def _integer(text: str, _unit: str | None, _remarks: Remarks) -> Value:
    if _INTEGER.fullmatch(text) and (number := int(text)) <= LARGEST_INTEGER:
        return number
    raise InvalidValueError("a whole number from 0 to 9223372036854775807 is wanted")


@lru_cache(maxsize=4096)
def _decimal_of(text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        raise InvalidValueError("a decimal number such as 0.25, at least 0, is wanted")
    return decimal_text(Decimal(text))


def _decimal(text: str, _unit: str | None, _remarks: Remarks) -> Value:
    return _decimal_of(text)


_PERIOD = re.compile(
    r"P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:\.0*)?S)?)?"
)


def _duration(text: str, unit: str | None, remarks: Remarks) -> Value:
    if _INTEGER.fullmatch(text):
        return _integer(text, unit, remarks)
    period = _PERIOD.fullmatch(text)
    if period is None or unit == "seconds" or not any(period.groups()):
        raise InvalidValueError(
            'whole seconds with type="seconds", or an ISO 8601 duration such as PT3M46S, are wanted'
        )
    days, hours, minutes, seconds = (int(part or 0) for part in period.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _date(text: str, unit: str | None, _remarks: Remarks) -> Value:
    return date_of(text, unit)


def _permission(text: str, _unit: str | None, _remarks: Remarks) -> Value:
    if text not in {"Allow", "Deny"}:
        raise InvalidValueError("Allow or Deny is wanted")
    return text


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf type.

    ``pattern`` is the lexical form for XSD (None: any text); ``units`` are the words that its
    ``type=`` attribute may hold; ``read(text, unit, remarks)`` takes trimmed, non-empty text and
    returns the canonical value, adds doubts to ``remarks``, or raises `InvalidValueError`.
    """

    name: str
    read: Callable[[str, str | None, Remarks], Value]
    kept: Kept
    arrow: str
    meaning: str
    pattern: str | None = None
    units: tuple[str, ...] = ()
    numeric: bool = False


_INSTANT_UNITS = ("unixtime", "unixtimestamp", "ISO-YMD", "ISO-2023A12")
_INSTANT_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+\-][0-9]{2}(:?[0-9]{2})?|:[0-9]{4})?)?"
    r"|-?[0-9]{1,15}(\.[0-9]{1,9})?"
)


def _doubted(doubt: Callable[[str], str | None]) -> Callable[[str, str | None, Remarks], Value]:
    """A reader of text that remarks ``identifier-suspect`` where ``doubt`` has a reason (P18)."""

    def read(text: str, _unit: str | None, remarks: Remarks) -> Value:
        reason = doubt(text)
        if reason is not None:
            remarks.append(("identifier-suspect", reason))
        return text

    return read


def _country(text: str, _unit: str | None, remarks: Remarks) -> Value:
    return country_code(text, remarks)


TEXT = Scalar("Text", _text, "text", "string", "text")
ID = Scalar("Identifier", _identifier, "text", "string", "opaque text, 1..255 characters")
INTEGER = Scalar(
    "Integer",
    _integer,
    "whole",
    "int64",
    "whole number ≥ 0",
    pattern=r"\+?[0-9]{1,19}",
    numeric=True,
)
DECIMAL = Scalar(
    "Decimal",
    _decimal,
    "decimal",
    "string",
    "exact decimal ≥ 0",
    pattern=r"\+?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})",
    numeric=True,
)
DURATION = Scalar(
    "Duration",
    _duration,
    "whole",
    "int64",
    "seconds",
    pattern=r"\+?[0-9]{1,19}|P([0-9]{1,6}D)?(T([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}(\.0*)?S)?)?",
    units=("seconds",),
)
DATE = Scalar(
    "Date",
    _date,
    "date",
    "date32",
    "date",
    pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}|-?[0-9]{1,15}(\.[0-9]{1,9})?",
    units=("ISO-YMD", "unixtime", "unixtimestamp"),
)


def _instant_scalar(name: str, bare: BareDate, meaning: str) -> Scalar:
    """The three kinds of instants differ only in what a bare date means."""
    return Scalar(
        name,
        instant_reader(bare),
        "instant",
        "timestamp[us, UTC]",
        meaning,
        pattern=_INSTANT_PATTERN,
        units=_INSTANT_UNITS,
    )


INSTANT = _instant_scalar("Instant", "assumed", "instant in UTC")
STARTS = _instant_scalar("StartOfWindow", "start", "first instant of a window, UTC")
ENDS = _instant_scalar("EndOfWindow", "end", "instant after a window, UTC")
PERMISSION = Scalar(
    "Permission", _permission, "text", "string", "Allow or Deny", pattern="Allow|Deny"
)
COUNTRY = Scalar(
    "Country",
    _country,
    "text",
    "string",
    "ISO 3166-1 alpha-2, or WW",
    pattern=r"[A-Za-z]{2}|[Ww][Oo][Rr][Ll][Dd][Ww][Ii][Dd][Ee]",
)
ISRC = Scalar("Isrc", _doubted(doubt_isrc), "text", "string", "ISRC as given")
GRID = Scalar("Grid", _doubted(doubt_grid), "text", "string", "GRid as given")
GTIN = Scalar("ProductNumber", _doubted(doubt_gtin), "text", "string", "GTIN as given")

SCALARS = (
    TEXT,
    ID,
    INTEGER,
    DECIMAL,
    DURATION,
    DATE,
    INSTANT,
    STARTS,
    ENDS,
    PERMISSION,
    COUNTRY,
    ISRC,
    GRID,
    GTIN,
)
