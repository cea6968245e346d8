"""Availability: every clause of A1 to A3, and agreement with a literal reading of the rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedengine.catalogue.availability import (
    ALWAYS,
    Answer,
    Window,
    governing,
    intersect,
    judge,
    open_to,
    permitted,
    track_windows,
    usage_of,
    windows,
)
from feedengine.catalogue.territories import (
    EMPTY,
    EXCLUDED,
    TerritorySet,
    Validity,
    pull,
    territory_set,
)

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
Y20, Y21, Y22, Y23, Y24 = (f"20{year}-01-01T00:00:00.000000Z" for year in range(20, 25))
YEARS = (Y20, Y21, Y22, Y23, Y24)


def stream(
    starts_at: str | None = None, ends_at: str | None = None, kind: str = "Allow"
) -> Validity:
    """A validity of the usage streaming."""
    return Validity("StreamingValidity", kind, starts_at, ends_at)


def freeze(
    starts_at: str | None = None, ends_at: str | None = None, kind: str = "Allow"
) -> Validity:
    """A condition on all usages."""
    return Validity("FreezeMechanism", kind, starts_at, ends_at)


def listed(*validities: Validity) -> TerritorySet:
    """A list with one entry, US."""
    return territory_set([("US", validities)])


def moved(at: str, microseconds: int) -> str:
    """An instant a little later."""
    return (datetime.strptime(at, FORMAT) + timedelta(microseconds=microseconds)).strftime(FORMAT)  # noqa: DTZ007


def asked(
    release: TerritorySet | None,
    track: TerritorySet | None = None,
    *own: Validity,
    at: str = Y22,
) -> Answer:
    """The answer for streaming in the US."""
    return judge(release, track, own, "US", "streaming", at)


# ---- usages and windows


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("StreamingValidity", "streaming"),
        ("DOWNLOADValidity", "download"),
        ("FreezeMechanism", None),
        ("Excluded", None),
        ("Streamingvalidity", None),
        ("Validity", None),
        ("*Validity", None),
    ],
)
def test_usage_of_a_name(name: str, usage: str | None) -> None:
    """A1: ``<X>Validity`` belongs to the usage lower(X), any other name is a condition."""
    assert usage_of(name) == usage


def test_intersect_of_lists() -> None:
    """Windows are cut to what all lists cover; touching and overlapping ones become one."""
    assert intersect() == intersect([ALWAYS]) == (ALWAYS,)
    assert intersect([ALWAYS], []) == ()
    assert intersect([Window(Y21, Y22), Window(None, Y21)]) == (Window(None, Y22),)
    assert intersect(
        [Window(Y20, Y22), Window(Y23, None)], [Window(Y21, Y24)], [Window(None, None)]
    ) == (Window(Y21, Y22), Window(Y23, Y24))


def test_windows_of_an_entry_without_validities() -> None:
    """A1: an entry without validities permits any usage for ever."""
    assert windows(()) == {"*": (ALWAYS,)}


def test_windows_of_each_usage_under_the_conditions() -> None:
    """A1: a usage's Allows, within every condition, without any denial; empty ones left out."""
    download = Validity("DownloadValidity", "Allow", None, Y20)
    found = windows((stream(Y20, Y22), stream(Y22, None), freeze(Y21), freeze(Y23, Y24, "Deny")))
    assert found == {"streaming": (Window(Y21, Y23), Window(Y24, None))}
    assert windows((download, freeze(Y21))) == {}


def test_windows_left_open_by_a_track() -> None:
    """A2: each usage that is named, and every other one under ``*``; closed for ever is empty."""
    assert track_windows(()) == {"*": (ALWAYS,)}
    closed = Validity("DownloadValidity", "Deny", None, None)
    assert track_windows((stream(Y20, Y22), freeze(Y23, kind="Deny"), closed)) == {
        "*": (Window(None, Y23),),
        "download": (),
        "streaming": (Window(Y20, Y22),),
    }


def test_open_to_falls_back_to_any_usage() -> None:
    """A usage's own windows, else those of any usage, else none."""
    found = {"*": (ALWAYS,), "download": ()}
    assert (open_to(found, "download"), open_to(found, "streaming")) == ((), (ALWAYS,))
    assert open_to({}, "streaming") == ()


# ---- A1


def test_the_own_entry_governs_before_worldwide() -> None:
    """A1: the entry of the country, else that of WW, else none."""
    made = territory_set([("US", [stream()]), ("WW", [freeze()])])
    assert governing(made, "US") == (stream(),)
    assert governing(made, "DE") == (freeze(),)
    assert governing(listed(), "DE") is None


def test_an_entry_without_validities_permits() -> None:
    """A1: no validities at all permit everything, and an own entry beats that of WW."""
    assert asked(territory_set([("US", []), ("WW", EXCLUDED)])).available


def test_worldwide_stands_for_countries_not_named() -> None:
    """A1: WW governs only where the country has no entry of its own."""
    made = territory_set([("US", [stream(Y23)]), ("WW", [])])
    assert judge(made, None, (), "DE", "streaming", Y22).available
    assert not judge(made, None, (), "US", "streaming", Y22).available


def test_a_country_that_is_not_named_is_refused() -> None:
    """A1: without an entry for the country or WW the list does not permit."""
    found = judge(None, listed(), (), "DE", "streaming", Y22)
    assert found == Answer(
        available=False, rule="A1", reason="the track's list does not name DE", window=None
    )


def test_the_empty_list_permits_nowhere() -> None:
    """P36, A1: declared empty permits nowhere."""
    assert asked(EMPTY) == Answer(
        available=False,
        rule="A1",
        reason="the release's list is empty and permits nowhere",
        window=None,
    )


def test_an_allow_of_the_usage_must_cover() -> None:
    """A1 (i): one of the usage's Allow windows covers the instant."""
    before, after = Window(moved(Y21, -9), Y21), Window(Y23, moved(Y23, 9))
    made = listed(stream(None, Y20), stream(*before), stream(*after), stream(Y24))
    assert asked(made, at=moved(Y21, -9)).window == before
    assert asked(made, at=Y23).window == after
    assert asked(made).reason == (
        "the release's list for US: streaming is allowed only until 2021-01-01 00:00:00 UTC"
        " and again from 2023-01-01 00:00:00 UTC"
    )


def test_an_allow_of_another_usage_is_not_enough() -> None:
    """A1 (i): validities without an Allow of the usage permit it nothing."""
    made = listed(Validity("DownloadValidity", "Allow", None, None), freeze())
    assert asked(made).reason == "the release's list for US: nothing allows streaming"


def test_each_condition_with_allows_must_cover() -> None:
    """A1 (ii): of every condition that has Allow windows one covers the instant."""
    other = Validity("Window", "Allow", None, None)
    assert asked(listed(stream(), freeze(Y21, Y23), other)).available
    assert asked(listed(stream(), freeze(Y23), other)).reason == (
        "the release's list for US: 'FreezeMechanism' allows only from 2023-01-01 00:00:00 UTC"
    )


@pytest.mark.parametrize("ends_at", [Y20, Y23])
def test_a_condition_of_which_every_window_is_empty_never_holds(ends_at: str) -> None:
    """A1 (ii): a window that ends before or as it starts cannot cover, and still has to."""
    assert asked(listed(stream(), freeze(Y23, ends_at))).reason == (
        "the release's list for US: 'FreezeMechanism' allows at no time"
    )


def test_no_denial_may_cover() -> None:
    """A1 (iii): a Deny of the usage or of a condition refuses; one of another usage does not."""
    download = Validity("DownloadValidity", "Deny", None, None)
    assert asked(listed(stream(), download, freeze(Y23, None, "Deny"))).available
    assert not asked(listed(stream(), stream(Y21, Y23, "Deny"))).available
    assert asked(listed(stream(), freeze(Y21, Y23, "Deny"))).reason == (
        "the release's list for US: 'FreezeMechanism' denies"
        " from 2021-01-01 00:00:00 UTC to 2023-01-01 00:00:00 UTC"
    )


def test_an_entry_with_denials_only_permits_nothing() -> None:
    """A1: outside its Deny windows too, such an entry permits nothing."""
    made = listed(freeze(Y23, Y24, "Deny"))
    assert asked(made).reason == "the release's list for US: nothing allows streaming"
    assert windows((freeze(Y23, Y24, "Deny"),)) == {}


def test_windows_are_half_open() -> None:
    """A1: ``[start, end)``: the start belongs to the window, the end does not."""
    made = listed(stream(Y21, Y23))
    inside = [asked(made, at=at).available for at in (Y21, moved(Y23, -1))]
    outside = [asked(made, at=at).available for at in (moved(Y21, -1), Y23)]
    assert (inside, outside) == ([True, True], [False, False])


def test_an_excluded_country() -> None:
    """P36, A1: what was pulled from under WW is refused, its neighbours are not."""
    made, _ = pull(territory_set([("WW", [])]), "US")
    assert asked(made).reason == "the release's list for US: 'Excluded' denies at all times"
    assert judge(made, None, (), "DE", "streaming", Y22).available


def test_a_reason_tells_when_worldwide_decided() -> None:
    """A1: the reader finds the entry that decided."""
    made = territory_set([("WW", [stream(), freeze(None, moved(Y24, 5), "Deny")])])
    assert asked(made).reason == (
        "the release's list for US (by its entry WW): 'FreezeMechanism' denies"
        " until 2024-01-01 00:00:00.000005 UTC"
    )


# ---- A2, A3


def test_a_tracks_own_validities_are_one_more_condition() -> None:
    """A2: (ii) and (iii) hold for a track's own validities."""
    assert asked(listed(), None, freeze(Y23)).rule == "A2"
    assert asked(listed(), None, freeze(Y21, None, "Deny")) == Answer(
        available=False,
        rule="A2",
        reason="the track's own validities: 'FreezeMechanism' denies"
        " from 2021-01-01 00:00:00 UTC on",
        window=None,
    )


def test_a_tracks_own_allow_is_needed_only_where_there_is_one() -> None:
    """A2: (i) holds only where a track's own validities hold an Allow of the usage."""
    download = Validity("DownloadValidity", "Allow", Y23, None)
    assert asked(listed(), None, download).available
    assert judge(listed(), None, [download], "US", "download", Y22).rule == "A2"


def test_no_list_is_not_available() -> None:
    """A3: at least one level declares a list."""
    assert asked(None, None, stream()) == Answer(
        available=False, rule="A3", reason="no territory list is declared", window=None
    )


def test_one_level_is_enough() -> None:
    """A3: a level that declares no list is not asked; a track on no release stands on its own."""
    for found in (asked(listed(stream(Y21))), asked(None, listed(stream(Y21)))):
        assert (found.available, found.rule, found.window) == (True, "A3", Window(Y21, None))
    assert asked(None, listed(stream(Y21))).reason == (
        "the track's list permits streaming in US: available from 2021-01-01 00:00:00 UTC on"
    )


def test_every_level_that_declares_a_list_must_permit() -> None:
    """A3: the release's list, the track's list and the track's validities cut one window."""
    found = asked(listed(stream(Y20, Y24)), listed(stream(Y21, None)), freeze(None, Y23))
    assert found == Answer(
        available=True,
        rule="A3",
        reason="the release's list and the track's list permit streaming in US:"
        " available from 2021-01-01 00:00:00 UTC to 2023-01-01 00:00:00 UTC",
        window=Window(Y21, Y23),
    )
    assert asked(listed(), EMPTY).reason == "the track's list is empty and permits nowhere"
    assert asked(EMPTY, listed()).reason == "the release's list is empty and permits nowhere"


def test_text_of_a_feed_is_quoted_in_reasons() -> None:
    """A name out of a feed cannot write to somebody's terminal."""
    bad = Validity("\u009b2J", "Deny", None, None)
    assert asked(listed(bad)).reason == "the release's list for US: '\\u009b2J' denies at all times"


# ---- the rules once more, word by word

USAGES = ("streaming", "download", "*", "other")
NAMES = (
    "StreamingValidity",
    "STREAMINGValidity",
    "DownloadValidity",
    "FreezeMechanism",
    "Excluded",
    "streaming",
    "Validity",
    "*Validity",
)
INSTANTS = tuple(
    sorted(
        {moved(at, by) for at in YEARS for by in (-1, 0, 1)}
        | {"0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"}
    )
)

edges = st.sampled_from([None, *YEARS])
one_validity = st.builds(
    Validity, st.sampled_from(NAMES), st.sampled_from(["Allow", "Deny"]), edges, edges
)
some_validities = st.lists(one_validity, max_size=6).map(tuple)
some_lists = st.none() | st.dictionaries(
    st.sampled_from(["US", "DE", "WW"]), some_validities, max_size=3
).map(lambda content: territory_set(content.items()))


def covers(one: Validity | Window, at: str) -> bool:
    """``[start, end)``; an open start or end is open for ever."""
    return not (one.starts_at and at < one.starts_at) and not (one.ends_at and at >= one.ends_at)


def is_condition(name: str) -> bool:
    """A name that is not ``<X>Validity``."""
    return not name.endswith("Validity") or name in {"Validity", "*Validity"}


def is_of(name: str, usage: str) -> bool:
    """A name that belongs to the usage."""
    return not is_condition(name) and name.lower() == usage + "validity"


def rule_i(own: tuple[Validity, ...], usage: str, at: str) -> bool:
    """An Allow window of U covers t."""
    return any(one.type == "Allow" and is_of(one.name, usage) and covers(one, at) for one in own)


def rule_ii(own: tuple[Validity, ...], at: str) -> bool:
    """For each condition that has Allow windows, one of them covers t."""
    allows = [one for one in own if is_condition(one.name) and one.type == "Allow"]
    return all(
        any(one.name == name and covers(one, at) for one in allows)
        for name in {one.name for one in allows}
    )


def rule_iii(own: tuple[Validity, ...], usage: str, at: str) -> bool:
    """No Deny window of U or of a condition covers t."""
    denies = [one for one in own if one.type == "Deny"]
    return not any(
        (is_of(one.name, usage) or is_condition(one.name)) and covers(one, at) for one in denies
    )


def entry_permits(own: tuple[Validity, ...], usage: str, at: str) -> bool:
    """A1 for the entry that governs."""
    return not own or (rule_i(own, usage, at) and rule_ii(own, at) and rule_iii(own, usage, at))


def list_permits(territories: TerritorySet, country: str, usage: str, at: str) -> bool:
    """A1."""
    content = dict(territories.entries)
    own = content.get(country, content.get("WW"))
    return own is not None and entry_permits(own, usage, at)


def track_holds(own: tuple[Validity, ...], usage: str, at: str) -> bool:
    """A2."""
    allows = any(one.type == "Allow" and is_of(one.name, usage) for one in own)
    return (
        rule_ii(own, at)
        and rule_iii(own, usage, at)
        and (rule_i(own, usage, at) if allows else True)
    )


def are_canonical(found: tuple[Window, ...]) -> bool:
    """Sorted, disjoint, none empty, none touching its neighbour."""
    return all(
        not (one.starts_at and one.ends_at) or one.starts_at < one.ends_at for one in found
    ) and all(
        one.ends_at is not None and after.starts_at is not None and one.ends_at < after.starts_at
        for one, after in pairwise(found)
    )


@given(some_validities)
@example((stream(Y20, Y22), stream(Y22, Y24), freeze(Y23, Y21, "Deny")))
def test_windows_agree_with_the_rules(own: tuple[Validity, ...]) -> None:
    """A1: an instant lies in a window if and only if the rules permit it."""
    found = windows(own)
    assert all(found.values())
    assert all(are_canonical(one) for one in found.values())
    for usage in USAGES:
        open_windows = open_to(found, usage)
        for at in INSTANTS:
            covered = any(covers(one, at) for one in open_windows)
            assert covered == entry_permits(own, usage, at)


@given(some_validities)
def test_track_windows_agree_with_the_rules(own: tuple[Validity, ...]) -> None:
    """A2: an instant lies in a window if and only if the rules leave it open."""
    found = track_windows(own)
    assert all(are_canonical(one) for one in found.values())
    for usage in USAGES:
        for at in INSTANTS:
            covered = any(covers(one, at) for one in open_to(found, usage))
            assert covered == track_holds(own, usage, at)


@given(some_lists, some_lists, some_validities, st.sampled_from(USAGES))
def test_judge_agrees_with_the_rules(
    release: TerritorySet | None,
    track: TerritorySet | None,
    own: tuple[Validity, ...],
    usage: str,
) -> None:
    """A3: judge, the windows and the rules give one answer at every instant."""
    declared = [one for one in (release, track) if one is not None]
    lists = [permitted(one, "US", usage) for one in declared]
    together = intersect(*lists, open_to(track_windows(own), usage)) if declared else ()
    for at in INSTANTS:
        a1 = all(list_permits(one, "US", usage, at) for one in declared)
        a2 = track_holds(own, usage, at)
        answer = judge(release, track, own, "US", usage, at)
        assert answer.available == (bool(declared) and a1 and a2)
        assert answer.rule == ("A3" if not declared else "A1" if not a1 else "A3" if a2 else "A2")
        assert answer.window == next((one for one in together if covers(one, at)), None)
