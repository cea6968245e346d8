"""Leaf values: dates, instants, numbers, identifiers, countries (P16, P18)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean, grid

from feedengine.model.identifiers import (
    COUNTRIES,
    country_code,
    doubt_grid,
    doubt_gtin,
    doubt_isrc,
    gtin14,
)
from feedengine.model.instants import InvalidValueError, Remarks, instant_text
from feedengine.model.scalars import (
    DATE,
    DECIMAL,
    DURATION,
    ENDS,
    INSTANT,
    INTEGER,
    PERMISSION,
    STARTS,
    Scalar,
)

NOON = "2022-10-30T12:00:00.000000Z"


def read(scalar: Scalar, text: str, unit: str | None = None) -> tuple[object, list[str]]:
    """The value and the codes of what was remarked."""
    remarks: Remarks = []
    value = scalar.read(text, unit, remarks)
    return value, [code for code, _ in remarks]


@pytest.mark.parametrize(
    ("text", "unit", "value", "remarked"),
    [
        ("2022-10-30T12:00:00Z", None, NOON, []),
        ("2022-10-30T16:00:00+04:00", None, NOON, []),
        ("2022-10-30T16:00:00+0400", None, NOON, []),
        ("2022-10-30T16+04", None, None, []),
        ("2022-10-30T07:30:00-04:30", "ISO-2023A12", NOON, []),
        ("2022-10-30T12:00:00", None, NOON, ["offset-assumed"]),
        ("2022-10-30T16:00:00:0400", "ISO-2023A12", NOON, ["offset-assumed"]),
        ("2022-10-30T12:00:00.0000001Z", None, NOON, []),
        ("2022-10-29T24:00:00Z", None, "2022-10-30T00:00:00.000000Z", []),
        ("2022-10-30T12:00:60Z", None, None, []),
        ("2022-10-30T24:00:01Z", None, None, []),
        ("2022-10-30 12:00:00Z", None, None, []),
        ("2022-10-30t12:00:00z", None, None, []),
        ("2022-02-30T12:00:00Z", None, None, []),
        ("9999-12-31T23:00:00-02:00", None, None, []),
        ("1667131200", "unixtime", NOON, []),
        ("1667131200000", "unixtime", NOON, []),
        ("1667131200.5", "unixtimestamp", "2022-10-30T12:00:00.500000Z", []),
        ("-1", "unixtime", "1969-12-31T23:59:59.000000Z", []),
        ("soon", "unixtime", None, []),
        ("1667131200", None, None, []),
        ("2022-10-30", "ISO-2023A12", None, []),
        ("2022-10-30", "ISO-YMD", "2022-10-30T00:00:00.000000Z", ["offset-assumed"]),
        ("30.10.2022", "ISO-YMD", None, []),
    ],
)
def test_instants(text: str, unit: str | None, value: str | None, remarked: list[str]) -> None:
    """P16: a strict grammar; `fromisoformat` would read some of these wrongly."""
    if value is None:
        with pytest.raises(InvalidValueError):
            read(INSTANT, text, unit)
    else:
        assert read(INSTANT, text, unit) == (value, remarked)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_every_instant_is_read_as_it_is_meant(moment: datetime, minutes: int) -> None:
    """P16: any ISO 8601 instant with a zone becomes the same instant in UTC."""
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    value, remarked = read(INSTANT, zoned.isoformat())
    assert (value, remarked) == (instant_text(zoned), [])
    assert datetime.fromisoformat(str(value)) == zoned.astimezone(UTC)


def test_bare_dates_of_windows() -> None:
    """A1: an end given as a bare date includes that whole UTC day."""
    assert read(STARTS, "2022-12-31") == ("2022-12-31T00:00:00.000000Z", [])
    assert read(ENDS, "2022-12-31") == ("2023-01-01T00:00:00.000000Z", [])
    with pytest.raises(InvalidValueError):
        read(ENDS, "9999-12-31")


@pytest.mark.parametrize(
    ("scalar", "text", "unit", "value"),
    [
        (DATE, "1992-01-31", "ISO-YMD", "1992-01-31"),
        (DATE, "1667131200", "unixtime", "2022-10-30"),
        (DATE, "1992-1-31", None, None),
        (DATE, "1992-02-30", None, None),
        (INTEGER, "+5", None, 5),
        (INTEGER, "9223372036854775807", None, 2**63 - 1),
        (INTEGER, "9223372036854775808", None, None),
        (INTEGER, "-1", None, None),
        (INTEGER, "1.0", None, None),
        (INTEGER, "١٢", None, None),
        (DECIMAL, "00.2500", None, "0.25"),
        (DECIMAL, "10.", None, "10"),
        (DECIMAL, ".5", None, "0.5"),
        (DECIMAL, "100", None, "100"),
        (DECIMAL, "1e3", None, None),
        (DECIMAL, ".", None, None),
        (DURATION, "226", "seconds", 226),
        (DURATION, "226", None, 226),
        (DURATION, "PT3M46S", None, 226),
        (DURATION, "P1DT1H", None, 90000),
        (DURATION, "PT3M46S", "seconds", None),
        (DURATION, "P", None, None),
        (DURATION, "3:46", None, None),
        (PERMISSION, "Allow", None, "Allow"),
        (PERMISSION, "allow", None, None),
    ],
)
def test_values(scalar: Scalar, text: str, unit: str | None, value: object) -> None:
    """P16: each type's own form, and nothing else."""
    if value is None:
        with pytest.raises(InvalidValueError):
            read(scalar, text, unit)
    else:
        assert read(scalar, text, unit) == (value, [])


@given(st.decimals(0, 10**17, places=6))
def test_decimals_are_exact(number: Decimal) -> None:
    """P34: what is read is the number itself, without trailing zeros."""
    value, _ = read(DECIMAL, f"{number:f}")
    assert Decimal(str(value)) == number
    assert not ("." in str(value) and str(value).endswith(("0", ".")))


@given(st.text("0123456789", min_size=7, max_size=15))
def test_gtin_check_digits(text: str) -> None:
    """P18: the same verdict as python-stdnum's."""
    expected = len(text) in {8, 12, 13, 14} and ean.is_valid(text)
    assert (doubt_gtin(text) is None) == expected
    assert gtin14(text) == (text.zfill(14) if 8 <= len(text) <= 14 else None)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=15, max_size=15))
def test_grid_check_characters(body: str) -> None:
    """P18: the same verdict as python-stdnum's, for the right check character and the others."""
    for last in "0AZ5":
        text = f"A1{body}{last}"
        assert (doubt_grid(text) is None) == grid.is_valid(text)


@pytest.mark.parametrize("text", ["USEWC0761141", "US-EWC-07-61141", "ISRC US EWC 07 61141"])
def test_isrc(text: str) -> None:
    """P18: spaces, hyphens and a leading ISRC do not count."""
    assert doubt_isrc(text) is None
    assert doubt_isrc(text[:-1]) is not None


def test_countries() -> None:
    """P18: ISO 3166-1 in any case, XK among them; UK is GB; three words for worldwide."""
    remarks: Remarks = []
    assert [country_code(code.lower(), remarks) for code in COUNTRIES] == list(COUNTRIES)
    assert [country_code(word, remarks) for word in ("Worldwide", "ww", "XW")] == ["WW"] * 3
    assert remarks == []
    assert country_code("uk", remarks) == "GB"
    assert [code for code, _ in remarks] == ["country-alias"]
    for wrong in ("ZZ", "USA", "ﬁ", ""):
        with pytest.raises(InvalidValueError):
            country_code(wrong, [])
