"""How old a play may be when it is sent, and how old those of a table are (plays.md, "Judge")."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.model.instants import instant_text
from feedengine.plays.encode import named
from feedengine.plays.reports import DAYS_PERMITTED, Age, Format

SECONDS_TEXT = 19
"""``YYYY-MM-DDTHH:MM:SS``: what instants in UTC are compared by, as text."""


def limit_of(form: Format) -> Age | None:
    """How old the plays of a format may be; None where nobody asks."""
    return next((column.oldest for column in form.columns if column.oldest), None)


def cutoff(age: Age, now: datetime) -> datetime:
    """The oldest instant that may be sent: 61 × 24 hours, or two calendar months, before now.

    Two months before 30 April is the last day of February.
    """
    if age == "61 days":
        return now - timedelta(days=DAYS_PERMITTED)
    year, month = divmod(now.year * 12 + now.month - 1 - 2, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last))


def oldest_of(table: pa.Table, form: Format) -> pa.Array:
    """For each row the oldest of the instants whose age is limited, as text up to its second.

    Instants are as they are sent: ISO 8601 in UTC.
    """
    found = named(table)
    texts = [
        # Instants are ASCII: cut as bytes, which need not be counted as characters.
        pc.binary_slice(found[column.name].combine_chunks().cast(pa.binary()), 0, SECONDS_TEXT)
        for column in form.columns
        if column.oldest
    ]
    least = texts[0]
    for one in texts[1:]:
        least = pc.if_else(pc.less(one, least), one, least)
    return least.cast(pa.string())


def young(oldest: pa.Array, age: Age, now: datetime) -> npt.NDArray[np.bool_]:
    """A flag for each row of `oldest_of`: it may be sent at ``now``. To the second, downwards."""
    least = instant_text(cutoff(age, now))
    whole = least[:SECONDS_TEXT]
    compare = pc.greater_equal if least[SECONDS_TEXT:] == ".000000Z" else pc.greater
    flags: npt.NDArray[np.bool_] = compare(oldest, whole).to_numpy(zero_copy_only=False)
    return flags


def young_rows(table: pa.Table, form: Format, age: Age, now: datetime) -> npt.NDArray[np.bool_]:
    """What `young` says of `oldest_of`, without making its texts."""
    least = instant_text(cutoff(age, now))
    # Whatever follows a second in a text stands before the last of ASCII.
    bound = least[:SECONDS_TEXT] + ("" if least[SECONDS_TEXT:] == ".000000Z" else "\x7f")
    found = named(table)
    flags = [
        pc.greater_equal(found[column.name], bound).to_numpy()
        for column in form.columns
        if column.oldest
    ]
    every: npt.NDArray[np.bool_] = np.logical_and.reduce(flags)
    return every


def least_of(table: pa.Table, form: Format) -> str | None:
    """The least of `oldest_of`, as a canonical instant; None of no rows."""
    if not len(table):
        return None
    found = named(table)
    texts = [pc.min(found[column.name]).as_py() for column in form.columns if column.oldest]
    return canonical(min(texts)[:SECONDS_TEXT])


def canonical(seconds: str) -> str:
    """The canonical instant of a text of `oldest_of`."""
    return f"{seconds}.000000Z"
