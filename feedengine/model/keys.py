"""Where a parcel goes: series and keys, as each recipient's own text has them.

A series is everything about a key but its number; numbers count from 1 within a series.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import quote

Style = Literal["numbered", "plain"]

NUMBER_DIGITS = 12
_NUMBERED = re.compile(r"(.*?)([0-9]{12})(\.[a-z]+)")


class Series(NamedTuple):
    """What keys begin and end with; ``plain`` ones name no number but from the second on."""

    name: str
    suffix: str
    style: Style = "numbered"

    def key(self, number: int) -> str:
        """The key of a number."""
        if self.style == "numbered":
            return f"{self.name}{number:0{NUMBER_DIGITS}d}{self.suffix}"
        return f"{self.name}{self.suffix}" if number == 1 else f"{self.name}_{number}{self.suffix}"


def safe(name: str) -> str:
    """A name as one step of a key: what could end the step, or hide it, is written ``%XX``."""
    written = quote(name, safe=" ")
    return "%2E" + written[1:] if written.startswith(".") else written


def receipts(partner: str, day: str) -> Series:
    """Receipts of a partner on a UTC day ``YYYY-MM-DD``."""
    return Series(f"receipts/radio/{safe(partner)}/{day}_{safe(partner)}_NONSUBSTREAM_", ".parquet")


def failures(partner: str, day: str) -> Series:
    """Receipts that are sent again, after the recipient's notice, on a UTC day."""
    return Series(f"failures/nonsubstream/{safe(partner)}/{day}/{day}_", ".parquet")


def endpoint(day: str) -> Series:
    """Requests to the endpoint recorded on a UTC day; the recipient never sees their keys."""
    return Series(f"endpoint/{day}/{day}_", ".json")


def playlist(stream: str, day: str) -> Series:
    """A stream's playlist of a day; plays that come later make a second file of the same day."""
    return Series(f"playlists/{safe(stream)}/{day}_{safe(stream)}", ".txt", "plain")


def series_of(name: str, key: str) -> Series:
    """The series of a parcel, from its name and one of its keys."""
    numbered = _NUMBERED.fullmatch(key)
    if numbered is not None and numbered[1] == name:
        return Series(name, numbered[3])
    return Series(name, "." + key.rpartition(".")[2], "plain")
