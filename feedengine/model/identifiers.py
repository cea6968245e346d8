"""Identifier checks and country codes (P18): doubts, never refusals, but for unknown countries."""

from __future__ import annotations

import re

import iso3166

from feedengine.model.instants import InvalidValueError, Remarks

WORLDWIDE = "WW"
"""The one token for every country that a territory set does not name."""

_WORLDWIDE_WORDS = {"WORLDWIDE": WORLDWIDE, "WW": WORLDWIDE, "XW": WORLDWIDE}
_ALIASES = {"UK": "GB"}
COUNTRIES: dict[str, str] = {
    code: entry.name for code, entry in iso3166.countries_by_alpha2.items()
}
"""ISO 3166-1 alpha-2 code → English name; ``XK`` (Kosovo) is among them."""


class UnknownCountryError(InvalidValueError):
    """No ISO 3166-1 alpha-2 code, none of its aliases, and not worldwide (P18)."""

    code = "country-unknown"
    rule = "P18"


def country_code(text: str, remarks: Remarks) -> str:
    """The upper-case code of a country, or ``WW``; raises `UnknownCountryError`."""
    code = text.upper() if text.isascii() else ""
    if code in COUNTRIES:
        return code
    if code in _WORLDWIDE_WORDS:
        return WORLDWIDE
    if code in _ALIASES:
        remarks.append(("country-alias", f"{code} is read as {_ALIASES[code]}"))
        return _ALIASES[code]
    raise UnknownCountryError("an ISO 3166-1 alpha-2 code such as GB, or Worldwide, is wanted")


_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_GRID = re.compile(r"A1[A-Z0-9]{16}")
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def doubt_isrc(text: str) -> str | None:
    """Why this is hardly an ISRC, or None; spaces, hyphens and a leading ``ISRC`` do not count."""
    bare = text.upper().replace(" ", "").replace("-", "").removeprefix("ISRC").lstrip(":")
    if _ISRC.fullmatch(bare):
        return None
    return "an ISRC has two letters, three letters or digits, and seven digits"


def doubt_gtin(text: str) -> str | None:
    """Why this is hardly a GTIN (8, 12, 13 or 14 digits with a check digit), or None."""
    if not (text.isascii() and text.isdigit() and len(text) in {8, 12, 13, 14}):
        return "a product number is a GTIN of 8, 12, 13 or 14 digits"
    digits = [int(digit) for digit in text.zfill(14)]
    if (3 * sum(digits[0::2]) + sum(digits[1::2])) % 10:
        return "the check digit of the product number is wrong"
    return None


def gtin14(text: str) -> str | None:
    """The 14-digit key of a product number, or None when it is not 8 to 14 digits (P18)."""
    return text.zfill(14) if text.isascii() and text.isdigit() and 8 <= len(text) <= 14 else None


def doubt_grid(text: str) -> str | None:
    """Why this is hardly a GRid (18 characters, ISO 7064 MOD 37,36 check character), or None."""
    bare = text.upper().removeprefix("GRID:").replace("-", "")
    if not _GRID.fullmatch(bare):
        return "a GRid has 18 letters and digits and begins with A1"
    check = 36
    for character in bare[:-1]:
        check = (check + _BASE36.index(character)) % 36 or 36
        check = check * 2 % 37
    if (check + _BASE36.index(bare[-1])) % 36 != 1:
        return "the check character of the GRid is wrong"
    return None
