"""Sets of territories: canonical values, Push and Pull, and the factors they are kept in."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.catalogue.territories import (
    EMPTY,
    EXCLUDED,
    Entry,
    Part,
    TerritorySet,
    Validity,
    from_parts,
    group_id,
    parts,
    pull,
    push,
    territory_set,
    validity_set_id,
)

EARLY, LATE = "2020-01-01T00:00:00.000000Z", "2021-01-01T00:00:00.000000Z"
STREAM = Validity("StreamingValidity", "Allow", None, None)
STREAM_EARLY = Validity("StreamingValidity", "Allow", EARLY, None)
STREAM_UNTIL = Validity("StreamingValidity", "Allow", EARLY, LATE)
FREEZE = Validity("FreezeMechanism", "Deny", EARLY, LATE)

countries = st.sampled_from(["US", "GB", "DE", "XK", "WW"])
instants = st.sampled_from([None, EARLY, LATE])
validities = st.lists(
    st.builds(
        Validity,
        st.sampled_from(["StreamingValidity", "Freeze\u00e9"]),
        st.sampled_from(["Allow", "Deny"]),
        instants,
        instants,
    ),
    max_size=4,
)
entries = st.lists(st.tuples(countries, validities), max_size=8)
sets = entries.map(territory_set)


def named(*found: str) -> TerritorySet:
    """A set that names these countries, without validities."""
    return territory_set((country, ()) for country in found)


def test_entries_are_sorted_by_country_and_validities_in_time() -> None:
    """D7 in P36's terms: one content has one form, an open start first and an open end last."""
    made = territory_set([("US", [STREAM_EARLY, STREAM_UNTIL, STREAM, FREEZE, FREEZE]), ("DE", [])])
    assert made.entries == (("DE", ()), ("US", (FREEZE, STREAM, STREAM_UNTIL, STREAM_EARLY)))


def test_of_two_entries_of_a_country_the_later_wins() -> None:
    """P32: in a plain list the later of two items with one key replaces the earlier."""
    assert territory_set([("US", [STREAM]), ("US", [FREEZE])]).get("US") == (FREEZE,)


def test_a_set_is_frozen() -> None:
    """A set is a value: nobody changes it in place."""
    with pytest.raises(FrozenInstanceError):
        EMPTY.entries = ()  # type: ignore[misc]


def test_get_finds_only_what_is_named() -> None:
    """An entry is found by its own country, first, last or in between, and by nothing else."""
    made = named("DE", "GB", "US")
    assert [made.get(one) for one in ("DE", "GB", "US")] == [(), (), ()]
    assert [made.get(one) for one in ("AA", "FR", "WW")] == [None, None, None]


@given(sets)
def test_the_id_is_the_digest_of_the_canonical_json(made: TerritorySet) -> None:
    """The id is 32 digits of the SHA-256 of the entries as JSON without blanks."""
    text = json.dumps(made.entries, separators=(",", ":"), ensure_ascii=False)
    assert made.id == sha256(text.encode()).hexdigest()[:32]


@given(st.dictionaries(countries, validities), st.randoms(use_true_random=False))
def test_ids_do_not_depend_on_order(content: dict[str, list[Validity]], random: object) -> None:
    """Equal content is one value: equal, of one hash and one id."""
    shuffled = [(country, own[::-1] + own[:1]) for country, own in content.items()]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = territory_set(content.items()), territory_set(shuffled)
    assert (one, hash(one), one.id) == (other, hash(other), other.id)


@given(sets, sets)
def test_ids_tell_sets_apart(one: TerritorySet, other: TerritorySet) -> None:
    """Different content has a different id."""
    assert (one == other) == (one.id == other.id)


def test_push_begins_a_list() -> None:
    """P36: a Push on an undeclared list begins it."""
    assert push(None, "US", [STREAM]) == push(EMPTY, "US", [STREAM])
    assert push(None, "US", [STREAM]).entries == (("US", (STREAM,)),)


def test_push_replaces_what_was_excluded() -> None:
    """P36: a later Push replaces the Excluded entry."""
    excluded, _ = pull(named("WW"), "US")
    assert push(excluded, "US", []) == named("US", "WW")


@given(sets, countries, validities)
def test_pushing_twice_is_pushing_once(
    before: TerritorySet, country: str, own: list[Validity]
) -> None:
    """P32: the entry is replaced in place, the others stay, and once is enough."""
    once = push(before, country, own)
    assert push(once, country, own) == once
    assert once == territory_set([*before.entries, (country, own)])


def test_pull_removes_the_entry() -> None:
    """P33: a territory is pulled by its country, whatever its validities."""
    assert pull(territory_set([("US", [STREAM]), ("GB", [])]), "US") == (named("GB"), True)


def test_pull_of_the_last_country_leaves_the_empty_set() -> None:
    """P36: declared empty is not the same as never declared."""
    assert pull(named("US"), "US") == (EMPTY, True)


def test_pull_without_a_match_changes_nothing() -> None:
    """P33: neither the country nor WW is there: no match."""
    assert pull(named("US"), "GB") == (named("US"), False)
    assert pull(EMPTY, "WW") == (EMPTY, False)


def test_pull_on_an_undeclared_list_leaves_it_undeclared() -> None:
    """P36: only a declaration declares."""
    assert pull(None, "US") == (None, False)


@pytest.mark.parametrize("before", [named("WW"), named("US", "WW")], ids=["unnamed", "named"])
def test_pull_under_worldwide_leaves_excluded(before: TerritorySet) -> None:
    """P36: what WW would still let in gets one open Deny named Excluded; again changes nothing."""
    after, matched = pull(before, "US")
    assert matched
    assert after == territory_set([("US", [Validity("Excluded", "Deny", None, None)]), ("WW", [])])
    assert pull(after, "US") == (after, True)


def test_pull_of_worldwide_removes_that_entry_alone() -> None:
    """P36: pulling WW leaves the named countries, the excluded ones too."""
    before = territory_set([("GB", []), ("US", EXCLUDED), ("WW", [])])
    assert pull(before, "WW") == (territory_set([("GB", []), ("US", EXCLUDED)]), True)


def test_pull_of_an_excluded_country_without_worldwide_removes_it() -> None:
    """P36: once WW is gone, an Excluded entry is an entry like any other."""
    assert pull(territory_set([("US", EXCLUDED)]), "US") == (EMPTY, True)


@given(sets, countries, validities)
def test_push_undoes_pull(before: TerritorySet, country: str, own: list[Validity]) -> None:
    """P35: after a Pull, a Push gives what the Push alone would have given."""
    after, _ = pull(before, country)
    assert push(after, country, own) == push(before, country, own)


def test_parts_group_countries_with_equal_validities() -> None:
    """Countries with equal validities are one part; parts stand by their first country."""
    made = territory_set([("US", [STREAM]), ("DE", []), ("GB", [STREAM]), ("AT", [STREAM])])
    assert parts(made) == (Part(("AT", "GB", "US"), (STREAM,)), Part(("DE",), ()))
    assert parts(EMPTY) == ()


@given(sets)
def test_from_parts_undoes_parts(made: TerritorySet) -> None:
    """A set comes back from its parts, in whatever order they are read."""
    assert from_parts(parts(made)) == from_parts(reversed(parts(made))) == made


@given(st.lists(countries, max_size=5), validities)
def test_ids_of_the_factors_do_not_depend_on_order(group: list[str], own: list[Validity]) -> None:
    """A group of countries and an entry's validities have one id for every order."""
    assert group_id(group) == group_id(reversed(group))
    assert validity_set_id(own) == validity_set_id(reversed(own))


def test_ids_of_the_factors_are_digests_of_their_canonical_json() -> None:
    """The ids are 32 digits of SHA-256, so that every installation has the same."""
    entry: Entry = ("US", (FREEZE,))
    text = f'[["FreezeMechanism","Deny","{EARLY}","{LATE}"]]'
    assert validity_set_id(entry[1]) == sha256(text.encode()).hexdigest()[:32]
    assert group_id(["US", "DE"]) == sha256(b'["DE","US"]').hexdigest()[:32]
