"""Enrichment: what is filled, with what, and how it is counted (L1, L4, L5)."""

from __future__ import annotations

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.plays.enrich import PLAYS
from feedengine.plays.moments import micros_of
from feedengine.plays.stations import StationClock

from .batches import Said, play, song
from .slow import NOW

LOGGED = play(datetimelogged=None)


def ids(rows: list[dict[str, str | None]], sizes: tuple[int, ...] = ()) -> list[str]:
    """The ids that rows without one are given."""
    return Said(rows, "receipts", NOW, sizes).texts("id")


def test_a_missing_id_is_a_uuid_of_the_row() -> None:
    """Version 5, from the row alone; other rows have others."""
    one, other = ids([play(id=None), play(id=None, userid="x")])
    assert UUID(one).version == 5
    assert one != other
    assert ids([play(id=None, userid="x")]) == [other]


def test_an_id_is_the_uuid5_of_the_columns_in_their_order() -> None:
    """NULL is told from empty; anyone can compute it."""
    row = play(id=None, userid="")
    name = "\x1f".join("\x00" if value is None else value for value in row.values())
    assert ids([row]) == [str(uuid5(PLAYS, name))]


def test_identical_rows_have_different_ids_and_the_same_ones_every_time() -> None:
    """The n-th adds n, wherever the run is cut into batches."""
    rows = [play(id=None)] * 5 + [play(id=None, userid="x")] * 2 + [play(id=None)] * 4
    expected = ids(rows)
    assert len(set(expected)) == len(rows)
    for sizes in ((1,) * 11, (3, 3), (4, 1, 5)):
        assert ids(rows, sizes) == expected


@given(st.lists(st.integers(0, 3), max_size=30), st.lists(st.integers(1, 7), max_size=6))
def test_numbering_is_the_same_for_any_batches(users: list[int], sizes: list[int]) -> None:
    """Any repetition, any batches."""
    rows = [play(id=None, userid=str(user)) for user in users]
    expected = ids(rows)
    assert len(set(expected)) == len(rows)
    assert ids(rows, tuple(sizes)) == expected


def test_a_missing_instant_of_logging_is_now_or_the_play_when_it_is_just_ahead() -> None:
    """Not when it lies beyond the tolerance."""
    rows = [
        LOGGED,
        play(datetimelogged=None, datetimeplayed="2024-04-30T12:02:00Z"),
        play(datetimelogged=None, datetimeplayed="2024-04-30T12:06:00Z"),
    ]
    said = Said(rows, "receipts", NOW)
    assert said.texts("datetimelogged") == [
        "2024-04-30T12:00:00.123456Z",
        "2024-04-30T12:02:00.000000Z",
        "2024-04-30T12:00:00.123456Z",
    ]
    assert said.texts("datetimelogged_us")[0] == micros_of(NOW)
    assert said.filled == {"datetimelogged": 3}


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("2024-02-22T18:16:33.9293255Z", "2024-02-22T18:16:33.9293255Z"),
        ("2024-02-21T13:13:15.674", "2024-02-21T13:13:15.674Z"),
        ("2024-02-21T13:13:15+02:00", "2024-02-21T11:13:15.000000Z"),
        ("2024-02-21T13:13", "2024-02-21T13:13:00.000000Z"),
        ("2024-02-21T13:13:15,5-0430", "2024-02-21T17:43:15.500000Z"),
        ("20240221T131315Z", "2024-02-21T13:13:15.000000Z"),
        ("20240221T131315.5+0100", "2024-02-21T12:13:15.500000Z"),
        ("2024-W08-3T13:13:15", "2024-02-21T13:13:15.000000Z"),
        ("2024052T1313Z", "2024-02-21T13:13:00.000000Z"),
        ("2024-052T13", "2024-02-21T13:00:00.000000Z"),
        ("2023-366T00:00:00Z", "2023-366T00:00:00Z"),
        ("2024-0221T131315Z", "2024-0221T131315Z"),
        ("20240221", "20240221"),
        ("2024-02-21", "2024-02-21"),
        ("yesterday", "yesterday"),
    ],
)
def test_instants_are_written_in_utc(given_: str, written: str) -> None:
    """With the digits that came; what is no instant stays as it came."""
    assert Said([play(datetimeplayed=given_)], "receipts", NOW).texts("datetimeplayed") == [written]


def test_countries_are_written_as_the_recipient_has_them() -> None:
    """Lower case in receipts, upper case at the endpoint; UK is GB, with a warning."""
    rows = [play(country=text) for text in ("Us", "uk", "Atlantis", "WW", "")]
    receipts, endpoint = (Said(rows, form, NOW) for form in ("receipts", "endpoint"))  # type: ignore[arg-type]
    assert receipts.texts("country") == ["us", "gb", "Atlantis", "WW", ""]
    assert endpoint.texts("country") == ["US", "GB", "Atlantis", "WW", ""]
    assert receipts.texts("country_code") == ["US", "GB", None, None, None]
    assert receipts.warned == {"country-alias": 1}


def test_configured_values_stand_in_for_missing_ones() -> None:
    """Counted by column; what is there stays."""
    missing = play(partnerid=None, formatid=None, useragent=None, shopid=None)
    said = Said(
        [missing, play(), play(shopid=None, country="FR")],
        "receipts",
        NOW,
        values={"partnerid": "7", "formatid": "8", "useragent": "radio"},
        shops={"US": "480"},
    )
    assert said.texts("partnerid") == ["7", "12345", "12345"]
    assert said.texts("shopid") == ["480", "480", None]
    assert said.filled == {"partnerid": 1, "formatid": 1, "useragent": 1, "shopid": 1}


@pytest.mark.parametrize(("form", "longest"), [("receipts", 255), ("endpoint", 256)])
def test_a_long_useragent_is_cut_and_counted(form: str, longest: int) -> None:
    """By characters, not by bytes."""
    rows = [play(useragent="é" * longest), play(id=None, useragent="é" * (longest + 1))]
    said = Said(rows, form, NOW)  # type: ignore[arg-type]
    assert said.texts("useragent") == ["é" * longest] * 2
    assert said.warned == {"useragent-cut": 1}
    assert said.reasons == [set(), set()]


def test_the_playlist_takes_start_and_duration_from_a_players_log() -> None:
    """Counted, and written as its recipient reads them."""
    said = Said(
        [play(title="t", artist="a")],
        "playlist",
        NOW,
        clock=StationClock("America/New_York"),
    )
    assert said.texts("starttime") == ["2024-04-28 09:13:15 -0400"]
    assert said.texts("duration") == ["03:14"]
    assert said.filled == {"starttime": 1, "duration": 1}


@pytest.mark.parametrize(
    "text",
    ["04/28/2024 14:05:05", "4/28/2024 14:05:05", "2024-4-28 14:05:05", "04-28-2024 14:05:05"],
)
def test_a_stations_times_are_local_unless_they_say_otherwise(text: str) -> None:
    """Three forms of dates, with or without leading zeros and offset."""
    clock = StationClock("America/New_York")
    for given_ in (text, f"{text} -0400"):
        said = Said([song(starttime=given_)], "playlist", NOW, clock=clock)
        assert said.texts("starttime") == ["2024-04-28 14:05:05 -0400"]
        assert said.texts("datetimeplayed") == ["2024-04-28T18:05:05.000000Z"]
    assert Said([song(starttime=text)], "playlist", NOW).texts("starttime_us") != [
        Said([song(starttime=text)], "playlist", NOW, clock=clock).texts("starttime_us")[0]
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4:38", 278), ("04:38", 278), ("61:38", 3698), ("1:01:38", 3698), ("0:00", 0)]
    + [(text, None) for text in ("278", "4:6", "4:60", "1:60:00", "1:1:38", "-4:38", "4:38.5")],
)
def test_durations_are_minutes_and_seconds(text: str, seconds: int | None) -> None:
    """Minutes above 59, or hours; nothing else."""
    said = Said([song(duration=text)], "playlist", NOW)
    assert said.texts("duration_int") == [seconds]
    assert (said.reasons == [set()]) is (seconds is not None)
