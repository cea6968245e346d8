"""A slow and obvious judge: one row, one rule after the other, in plain Python.

Rows are dictionaries of raw texts. It shares nothing with the judge it is held against but the
grammar of instants and the list of countries.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from feedengine.model.identifiers import COUNTRIES
from feedengine.model.instants import EPOCH
from feedengine.plays.moments import instant_of

Row = dict[str, str | None]

_RECEIPTS = """id datetimelogged trackid releaseid formatid datetimeplayed totaltimeplayed useragent
partnerid shopid endreason country"""
_ENDPOINT = """userid country trackid useragent datetimeplayed totaltimeplayed formatid releaseid
endreason"""
NEEDED = {"receipts": _RECEIPTS.split(), "endpoint": _ENDPOINT.split()}
MAY_BE_NULL = {"receipts": ["userid", "transactionid"], "endpoint": []}
LEAST = {"trackid": 1, "releaseid": 1, "formatid": 1}
LEAST |= {"transactionid": 0, "partnerid": 0, "shopid": 0, "totaltimeplayed": 0}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def instant(text: str | None) -> datetime | None:
    """An instant, or None."""
    found = None if text is None else instant_of(text)
    return None if found is None else EPOCH + timedelta(microseconds=found)


def whole(text: str) -> int | None:
    """A whole number in digits, or None."""
    return int(text) if re.fullmatch("[0-9]+", text) else None


def country(text: str | None) -> str | None:
    """A country's code in upper case, or None."""
    upper = text.upper() if text is not None and text.isascii() else ""
    upper = "GB" if upper == "UK" else upper
    return upper if upper in COUNTRIES else None


def two_months_before(now: datetime) -> datetime:
    """The same day two months earlier, or that month's last."""
    year, month = now.year, now.month - 2
    if month < 1:
        year, month = year - 1, month + 12
    for day in (now.day, 30, 29, 28):
        try:
            return now.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    raise AssertionError


def reasons(row: Row, form: str, now: datetime, shops: Sequence[int] = (34, 480)) -> set[str]:
    """Every rule that a row breaks, but for duplicates; a row without an id is given one."""
    played, logged = instant(row["datetimeplayed"]), instant(row["datetimelogged"])
    if row["datetimelogged"] is None:
        near = played is not None and played <= now + timedelta(minutes=5)
        logged = max(now, played) if near and played is not None else now
    found: set[str] = set()
    for name in NEEDED[form] + MAY_BE_NULL[form]:
        found |= {f"{name}-{kind}" for kind in _column(name, row[name], form, shops)}
    instants = {"datetimeplayed": played}
    if form == "receipts":
        instants["datetimelogged"] = logged
        if played is not None and logged is not None and played > logged:
            found.add("datetimeplayed-after-datetimelogged")
    for name, moment in instants.items():
        old = two_months_before(now) if form == "endpoint" else now - timedelta(days=61)
        if moment is not None and moment < old:
            found.add(f"{name}-too-old")
        if moment is not None and moment > now + timedelta(minutes=5):
            found.add(f"{name}-in-future")
    return found


def _column(name: str, text: str | None, form: str, shops: Sequence[int]) -> list[str]:
    if text is None:
        given = name in {"id", "datetimelogged"}
        return [] if name in MAY_BE_NULL[form] or given else ["missing"]
    if not text:
        return ["empty"]
    if name == "id":
        return [] if _UUID.fullmatch(text) else ["invalid"]
    if name in {"datetimeplayed", "datetimelogged"}:
        return [] if instant(text) else ["invalid"]
    if name in LEAST:
        number = whole(text)
        if number is None or number < LEAST[name]:
            return ["invalid"]
        if name == "totaltimeplayed" and number >= 2**63:
            return ["invalid"]
        return ["not-permitted"] if name == "shopid" and number not in shops else []
    if name == "endreason":
        return [] if text in {"naturalEnd", "userSkipped", "other"} else ["not-permitted"]
    if name == "country":
        return [] if country(text) else ["invalid"]
    return []


def judged(rows: Sequence[Row], form: str, now: datetime) -> list[set[str]]:
    """Every rule that each row of a run breaks."""
    standing: set[UUID] = set()
    found = []
    for row in rows:
        broken = reasons(row, form, now)
        text = row["id"]
        if text is not None and _UUID.fullmatch(text):
            if UUID(text) in standing:
                broken.add("id-duplicate")
            elif not broken:
                standing.add(UUID(text))
        found.append(broken)
    return found


NOW = datetime(2024, 4, 30, 12, 0, 0, 123456, tzinfo=UTC)
