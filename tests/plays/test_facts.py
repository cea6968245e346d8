"""The catalogue as arrays says of every play what the rows of history say, one after the other."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from agree.memory import MemorySite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine.plays import lookup
from feedengine.plays.loading import load
from feedengine.plays.lookup import permitted
from feedengine.plays.permits import country_codes
from feedengine.plays.timeline import LAST, NONE, micros
from feedengine.plays.verdicts import Asked, Judged, Register, Terms
from feedengine.store.database import reading
from feedengine.store.pages import asked as rows_of

from .histories import BEGUN, REFS, RELEASES, TRACKS, Step, date, histories, instant
from .slow_facts import Play, SlowTerms, Told, slow_facts, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from databases import Databases

pytestmark = pytest.mark.usefixtures("on_both")

QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Iterator[MemorySite]:
    """One catalogue for all examples."""
    folder = tmp_path_factory.mktemp("facts")
    made = MemorySite(folder, on_both.url(folder))
    yield made
    made.database.dispose()


def asked(plays: Sequence[Play]) -> Asked:
    """Plays as arrays."""
    texts = [pa.array([play[at] for play in plays], pa.string()) for at in range(4)]
    return Asked(
        texts[0],
        texts[1],
        micros(texts[3]),
        country_codes(texts[2]),
        np.array([play.seconds for play in plays], np.int64),
        np.ones(len(plays), np.bool_),
    )


def as_told(found: Judged) -> list[Told]:
    """What was found, play by play."""
    masks = {**found.broken, **found.warned}
    return [
        Told(track, release, frozenset(rule for rule, mask in masks.items() if mask[row]))
        for row, (track, release) in enumerate(
            zip(found.track_ids.to_pylist(), found.release_ids.to_pylist(), strict=True)
        )
    ]


FAR = 24
PLAYS = [
    Play(track, release, country, instant(at), seconds=4)
    for track, release, country, at in product(
        {*TRACKS, *REFS},
        [None, "", *{*RELEASES, *REFS}],
        ("GB", "FR"),
        (0, *range(2, 14), FAR),
    )
] + [Play(None, "1", "US", instant(5)), Play("", None, "US", instant(5), 9)]

terms = st.builds(
    SlowTerms,
    st.sampled_from(("7digital", "7digital", "other", "", "nobody's")),
    st.sampled_from(("refuse", "earliest-release", "first-linked")),
    st.booleans(),
)


@QUIET
@given(history=histories, given_terms=terms)
def test_arrays_say_what_the_rows_of_history_say(
    site: MemorySite, history: list[Step], given_terms: SlowTerms
) -> None:
    """H3, L2, L3, L10 to L13: for every id, country and microsecond of a small catalogue."""
    site.empty()
    site.apply([step.document.encode() for step in history])
    date(site.database, history)
    with reading(site.database) as connection:
        facts, slow = load(connection), slow_facts(connection)
    provider, policy, or_now = given_terms
    judge = "then-or-now" if or_now else "then"
    register = Register(facts, Terms(provider, policy, judge))  # type: ignore[arg-type]
    found = as_told(register.judged(asked(PLAYS)))
    for play, got in zip(PLAYS, found, strict=True):
        assert got == told(slow, play, given_terms), play


@QUIET
@given(history=histories)
def test_now_the_view_says_the_same(site: MemorySite, history: list[Step]) -> None:
    """A4: for what stands now, the arrays and the view ``track_availability`` give one answer."""
    site.empty()
    site.apply([step.document.encode() for step in history])
    text = (
        "SELECT track_id, coalesce(release_id, ''), country FROM track_availability"
        " WHERE usage = 'streaming' AND (starts_at IS NULL OR starts_at <= ?)"
        " AND (ends_at IS NULL OR ends_at > ?)"
    )
    moments = [instant(at) for at in (0, 5, FAR)]
    with reading(site.database) as connection:
        facts = load(connection)
        pairs = "SELECT t.id, coalesce(l.release_id, '') FROM track t LEFT JOIN release_track l"
        standing = list(rows_of(connection, f"{pairs} ON l.track_id = t.id"))
        seen = {at: set(rows_of(connection, text, at, at)) for at in moments}
    wanted = [
        (*pair, country, at) for pair in standing for country in ("GB", "FR") for at in moments
    ]
    if not wanted:
        return
    tracks, releases, countries, at = (pa.array(list(one)) for one in zip(*wanted, strict=True))
    plays = lookup.Plays(
        facts.tracks.of_id(tracks),
        facts.releases.of_id(releases),
        country_codes(countries),
        micros(at),
    )
    found = permitted(facts, plays, np.full(len(wanted), LAST))
    assert found.tolist() == [one[:3] in seen[one[3]] for one in wanted]


def test_pairs_are_looked_at_in_portions(site: MemorySite, monkeypatch: pytest.MonkeyPatch) -> None:
    """L3: however many releases hold a track, memory holds so many at a time; nothing changes."""
    site.empty()
    site.apply([step.document.encode() for step in BEGUN])
    with reading(site.database) as connection:
        register = Register(load(connection), Terms("", "first-linked"))
    whole = register.judged(asked(PLAYS))
    assert (whole.releases != NONE).any()
    monkeypatch.setattr(lookup, "PAIRS_AT_ONCE", 3)
    assert as_told(register.judged(asked(PLAYS))) == as_told(whole)


def test_of_no_plays_nothing_is_said_nor_of_an_empty_catalogue(site: MemorySite) -> None:
    """Batches may be empty, and so may be what they are looked up in."""
    site.empty()
    with reading(site.database) as connection:
        register = Register(load(connection, words=True), Terms())
    assert as_told(register.judged(asked([]))) == []
    found = as_told(register.judged(asked([Play("1", "2", "GB", instant(0)), *PLAYS[-1:]])))
    assert [one.rules for one in found] == [{"L10", "L11"}, frozenset()]
