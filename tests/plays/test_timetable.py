"""When a round is due: once a day, made up when it was missed; and the diary that knows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from feedengine.config import settings
from feedengine.errors import UsageError
from feedengine.plays.diary import Diary, begun, inbox_status, read_diary, write_diary
from feedengine.plays.news import Standing
from feedengine.plays.outlets import delivers
from feedengine.plays.timetable import last_due, next_due, overdue

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    """An instant of November 2026, UTC."""
    return datetime.fromisoformat(f"2026-11-{text}+00:00")


@pytest.mark.parametrize(
    ("said", "last"),
    [("03:00", "21T03:00"), ("12:00", "21T12:00"), ("12:00:01", "20T12:00:01")],
)
def test_a_time_of_day_is_due_once_a_day(said: str, last: str) -> None:
    """The time itself counts as come."""
    assert last_due(said, NOON) == at(last)
    assert next_due(said, NOON) == at(last) + DAY


def test_a_missed_time_is_made_up() -> None:
    """However many days were missed: for the last of them."""
    assert overdue("03:00", at("21T03:05"), NOON) is None
    assert overdue("03:00", at("21T02:59"), NOON) == at("21T03:00")
    assert overdue("03:00", at("12T03:05"), NOON) == at("21T03:00")


def test_a_clock_that_was_set_back_holds_nothing_up(tmp_path: Path) -> None:
    """A round that lies ahead is one of now: tomorrow's is due again."""
    write_diary(tmp_path, Diary(at("20T00:00"), at("28T03:00")))
    found = begun(tmp_path, NOON)
    assert found == Diary(at("20T00:00"), NOON) == read_diary(tmp_path)
    assert overdue("03:00", found.done, NOON + DAY) == at("22T03:00")


def test_a_diary_is_kept_and_one_that_is_damaged_begun_anew(tmp_path: Path) -> None:
    """What it says comes back; a broken file is none."""
    assert begun(tmp_path, NOON) == Diary(NOON)
    kept = Diary(NOON, NOON + DAY, Standing(1, 2, 3))
    write_diary(tmp_path, kept)
    assert begun(tmp_path, NOON + 2 * DAY) == kept
    assert kept.done == NOON + DAY
    for text in ("{", "[]", '{"since": "x"}', '{"since": null, "last": 3, "standing": 4}'):
        (tmp_path / ".round").write_text(text)
        assert read_diary(tmp_path) is None


def test_status_says_when_the_next_is_due(tmp_path: Path) -> None:
    """Never where the service does not deliver; at once where one was missed."""
    assert inbox_status(settings(tmp_path), NOON)["next"] is None
    made = settings(tmp_path, deliver_plays=True, deliver_at="03:00")
    found = inbox_status(made, NOON)
    assert (found["next"], found["overdue"]) == ("2026-11-22T03:00:00.000000Z", False)
    write_diary(made.plays, Diary(NOON - DAY))
    found = inbox_status(made, NOON)
    assert (found["next"], found["overdue"]) == ("2026-11-21T03:00:00.000000Z", True)
    assert (found["last"], found["files"]) == (None, 0)


def test_who_delivers(tmp_path: Path) -> None:
    """By default those who have a way out; the setting has the last word."""
    assert not delivers(settings(tmp_path))
    assert delivers(settings(tmp_path, s3_bucket="plays"))
    assert delivers(settings(tmp_path, endpoint_url="https://host/path"))
    assert not delivers(settings(tmp_path, s3_bucket="plays", deliver_plays=False))
    assert delivers(settings(tmp_path, deliver_plays=True))


@pytest.mark.parametrize("said", ["3:00", "24:00", "03:60", "noon", "03:00Z"])
def test_what_is_no_time_of_day_is_refused(tmp_path: Path, said: str) -> None:
    """With the setting's name."""
    with pytest.raises(UsageError, match="deliver_at: a time of day"):
        settings(tmp_path, deliver_at=said)
