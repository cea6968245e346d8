"""The judge: every rule, alone and together, as the slow and obvious judge says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.plays.frames import PLAY_COLUMNS, FormatName
from feedengine.plays.judge import oldest, reasons
from feedengine.plays.moments import micros_of, text_of
from feedengine.plays.rules import RULES

from . import slow
from .batches import GOOD, Said, play, song
from .slow import NOW

UUIDS = ["e9fcaaa9-854b-44b7-bbd8-6a5072f286e2", "E9FCAAA9-854B-44B7-BBD8-6A5072F286E2"]
UUIDS += ["00000000-0000-0000-0000-000000000000", "e9fcaaa9-854b-44b7-bbd8-6a5072f286e"]
UUIDS += ["e9fcaaa9854b44b7bbd86a5072f286e2", "g9fcaaa9-854b-44b7-bbd8-6a5072f286e2"]
UUIDS += ["e9fcaaa9_854b-44b7-bbd8-6a5072f286e2", "e9fcaaa9-854b-44b7-bbd8-6a5072f286é"]
WHOLES = ["0", "1", "007", "-1", "+1", "1.0", " 1", "1 ", "٣", "", "9223372036854775807"]
WHOLES += ["9223372036854775808", "0" * 30, "0" * 30 + "34", "9" * 40, "480", "34", "x"]
TIMES = ["2024-04-28T13:13:15.674", "2024-04-28T13:13:15Z", "2024-04-28T13:13", "2024-04-28"]
TIMES += ["2024-04-28T13:13:15+02:00", "2024-04-28T13:13:15:0400", "2024-04-28T24:00:00Z"]
TIMES += ["2024-04-28T13:13:60Z", "2024-02-30T00:00:00Z", "0001-01-01T00:00:00+01:00"]
TIMES += ["9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-00:01", "2024-04-28 13:13:15"]
TIMES += ["2024-04-28T13:13:15.Z", "2024-04-28T13:13:15,5Z", "２024-04-28T13:13:15Z"]
TIMES += ["2024-04-28T13:13:15.1234567890Z", "2024-04-28T13:13:15z", "20240428T131315Z"]
EDGES = [timedelta(0), timedelta(minutes=5), timedelta(days=-61), timedelta(days=-60)]
EDGES += [slow.two_months_before(NOW) - NOW]


def moments() -> st.SearchStrategy[str]:
    """Instants close to what decides, and anywhere."""
    near = st.builds(
        lambda edge, micro: text_of(micros_of(NOW + edge + timedelta(microseconds=micro))),
        st.sampled_from(EDGES),
        st.integers(-1, 1),
    )
    anywhere = st.datetimes(timezones=st.just(UTC)).map(lambda one: text_of(micros_of(one)))
    return st.sampled_from(TIMES) | near | anywhere


VALUES: dict[str, st.SearchStrategy[str]] = {
    "id": st.sampled_from(UUIDS) | st.uuids().map(str),
    "datetimelogged": moments(),
    "datetimeplayed": moments(),
    "endreason": st.sampled_from(["naturalEnd", "userSkipped", "other", "naturalend", "Other "]),
    "country": st.sampled_from(["us", "GB", "uk", "XK", "zz", "USA", "WW", "worldwide", "ﬁ", "é"]),
    "userid": st.text(max_size=5),
    "useragent": st.text(max_size=5),
}
for _name in slow.LEAST:
    VALUES[_name] = st.sampled_from(WHOLES)


@st.composite
def plays(draw: st.DrawFn) -> dict[str, str | None]:
    """A play in which some columns are odd, missing or empty."""
    changed = draw(st.lists(st.sampled_from(PLAY_COLUMNS), max_size=3, unique=True))
    odd = st.none() | st.just("")
    return play(**{name: draw(odd | VALUES[name] | st.text(max_size=40)) for name in changed})


def _kept(rows: list[dict[str, str | None]]) -> list[dict[str, str | None]]:
    """Rows as intake would give them: the text null is NULL there, and here it is not tried."""
    return [{name: None if text == "null" else text for name, text in row.items()} for row in rows]


@pytest.mark.parametrize("form", ["receipts", "endpoint"])
@given(data=st.data())
def test_the_judge_and_the_slow_one_agree(form: FormatName, data: st.DataObject) -> None:
    """Any rows, in batches of any size: the same rules are broken by the same rows."""
    rows = _kept(data.draw(st.lists(plays(), min_size=1, max_size=12)))
    sizes = data.draw(st.lists(st.integers(1, 4), max_size=3))
    if form == "endpoint":
        rows = [{**row, "id": None} for row in rows]
    assert Said(rows, form, NOW, sizes).reasons == slow.judged(rows, form, NOW)


BREAKS: dict[str, dict[str, str | None]] = {
    "id-empty": {"id": ""},
    "id-invalid": {"id": "1"},
    "datetimelogged-empty": {"datetimelogged": ""},
    "datetimelogged-invalid": {"datetimelogged": "yesterday"},
    "userid-empty": {"userid": ""},
    "trackid-missing": {"trackid": None},
    "trackid-invalid": {"trackid": "0"},
    "releaseid-missing": {"releaseid": None},
    "releaseid-invalid": {"releaseid": "-5"},
    "formatid-missing": {"formatid": None},
    "formatid-empty": {"formatid": ""},
    "totaltimeplayed-missing": {"totaltimeplayed": None},
    "totaltimeplayed-invalid": {"totaltimeplayed": "1.5"},
    "useragent-missing": {"useragent": None},
    "useragent-empty": {"useragent": ""},
    "transactionid-empty": {"transactionid": ""},
    "transactionid-invalid": {"transactionid": "a"},
    "partnerid-missing": {"partnerid": None},
    "shopid-invalid": {"shopid": "x"},
    "shopid-not-permitted": {"shopid": "35"},
    "endreason-not-permitted": {"endreason": "natural"},
    "endreason-missing": {"endreason": None},
    "country-missing": {"country": None},
    "country-invalid": {"country": "ZZ"},
    "datetimeplayed-too-old": {"datetimeplayed": "2024-02-28T00:00:00Z"},
    "datetimeplayed-missing": {"datetimeplayed": None},
}


@pytest.mark.parametrize("rule", BREAKS)
def test_each_rule_is_broken_alone(rule: str) -> None:
    """A play that breaks one rule is refused for this one."""
    assert Said([play(**BREAKS[rule])], "receipts", NOW).reasons == [{rule}]


def test_rules_broken_in_pairs_are_both_named_in_the_order_of_their_table() -> None:
    """No rule hides another, whatever the pair."""
    names = list(BREAKS)
    pairs = [
        (one, other)
        for one in names
        for other in names
        if one < other and not BREAKS[one].keys() & BREAKS[other].keys()
    ]
    rows = [
        play(**{"id": None, **BREAKS[one], **BREAKS[other]}, stream=f"{at}")
        for at, (one, other) in enumerate(pairs)
    ]
    order = list(RULES)
    expected = [sorted(pair, key=order.index) for pair in pairs]
    assert Said(rows, "receipts", NOW).listed == expected


def test_a_good_play_breaks_no_rule() -> None:
    """Neither for the receipts nor for the endpoint."""
    assert Said([play()], "receipts", NOW).reasons == [set()]
    assert Said([play()], "endpoint", NOW).reasons == [set()]


def test_played_after_logged_is_refused_in_receipts_alone() -> None:
    """The endpoint does not get the instant of logging."""
    row = play(datetimelogged="2024-04-28T13:13:15.673Z")
    assert Said([row], "receipts", NOW).reasons == [{"datetimeplayed-after-datetimelogged"}]
    assert Said([row], "endpoint", NOW).reasons == [set()]


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (timedelta(days=-61), set()),
        (timedelta(days=-61, microseconds=-1), {"datetimeplayed-too-old"}),
        (timedelta(minutes=5), set()),
        (timedelta(minutes=5, microseconds=1), {"datetimeplayed-in-future"}),
    ],
)
def test_the_bounds_of_an_instant_are_taken_themselves(offset: timedelta, reason: set[str]) -> None:
    """61 times 24 hours back and five minutes ahead are still taken, to the microsecond."""
    row = play(datetimeplayed=text_of(micros_of(NOW + offset)), datetimelogged=None)
    found = Said([row], "receipts", NOW).reasons[0] - {"datetimeplayed-after-datetimelogged"}
    assert found == reason


def test_two_calendar_months_before_the_last_of_april_is_the_last_of_february() -> None:
    """The endpoint counts months, not days."""
    now = datetime(2023, 4, 30, 10, tzinfo=UTC)
    assert text_of(oldest(micros_of(now), "two months")) == "2023-02-28T10:00:00.000000Z"
    january = datetime(2024, 1, 15, tzinfo=UTC)
    assert text_of(oldest(micros_of(january), "two months")) == "2023-11-15T00:00:00.000000Z"


def test_of_equal_ids_the_first_good_row_stands() -> None:
    """A bad row before it is no obstacle; every later one, good or bad, repeats it."""
    rows = [play(trackid="0"), play(), play(), play(trackid="0"), play(id=UUIDS[1])]
    expected = [
        {"trackid-invalid"},
        set(),
        {"id-duplicate"},
        {"trackid-invalid", "id-duplicate"},
        {"id-duplicate"},
    ]
    for sizes in ([], [1, 1, 1, 1], [2], [3, 1]):
        assert Said(rows, "receipts", NOW, sizes).reasons == expected


def test_permitted_shops_and_countries_are_settings() -> None:
    """Others than the default are taken where they are set."""
    said = Said([play(shopid="35")], "receipts", NOW, permitted=frozenset({35}))
    assert said.reasons == [set()]
    said = Said([play()], "receipts", NOW, countries=frozenset({"GB"}))
    assert said.reasons == [{"country-not-permitted"}]


def test_the_endpoint_bounds_the_time_played_only_where_this_is_set() -> None:
    """Full tracks are streamed, whatever the recipient's text says of 60 seconds."""
    assert Said([play()], "endpoint", NOW).reasons == [set()]
    said = Said([play(), play(id=None, totaltimeplayed="60")], "endpoint", NOW, longest_seconds=60)
    assert said.reasons == [{"totaltimeplayed-too-long"}, set()]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, set()),
        ({"title": None}, {"title-missing"}),
        ({"album": " \u2003"}, {"album-empty"}),
        ({"starttime": "14:05:05"}, {"starttime-invalid"}),
        ({"starttime": "2009-06-25 14:05:05"}, set()),
        ({"starttime": "2024-05-01 14:05:05"}, {"starttime-in-future"}),
        ({"duration": None}, {"duration-missing"}),
        ({"duration": None, "endtime": "2024-04-28 14:09:43 -0400"}, set()),
        ({"endtime": "later"}, {"endtime-invalid"}),
        ({"duration": "4:60"}, {"duration-invalid"}),
        ({"starttime": None, "datetimeplayed": "2024-04-28T18:05:05Z"}, set()),
    ],
)
def test_the_playlist_judges_its_own_fields(changes: Any, reason: set[str]) -> None:
    """Texts are not blank, the start is no later than now, the end or the duration is there."""
    assert Said([song(**changes)], "playlist", NOW).reasons == [reason]


def test_reasons_of_no_rows_and_of_no_rule_are_empty_lists() -> None:
    """Neither is a special case to whoever writes them."""
    assert reasons(0, {}).to_pylist() == []
    assert reasons(2, {"L10": np.array([False, False])}).to_pylist() == [[], []]


def test_every_rule_says_what_it_means_and_how_it_is_cured() -> None:
    """One sentence each."""
    for rule in RULES.values():
        assert rule.says.endswith(".")
        assert rule.cure.endswith(".")
    assert set(GOOD) == set(PLAY_COLUMNS)
