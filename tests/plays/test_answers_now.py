"""Answers from memory are those of the database, asked one by one or many at once (A4)."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from agree.memory import MemorySite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine import answering, asking
from feedengine.answering import Answers
from feedengine.engine import Engine
from feedengine.errors import RefusedError, UsageError
from feedengine.plays import lookup
from feedengine.plays.names import names_of
from feedengine.plays.present import REASONS, RULES
from feedengine.store.database import reading
from feedengine.store.pages import asked as rows_of

from .histories import BEGUN, RELEASES, TRACKS, Step, histories, instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from databases import Databases

pytestmark = pytest.mark.usefixtures("on_both")

QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

MOMENTS = tuple(instant(at) for at in (0, 5, 24))
QUESTIONS = list(product((*TRACKS, "nobody"), (None, *RELEASES, "nowhere"), ("GB", "FR"), MOMENTS))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Iterator[MemorySite]:
    """One catalogue for all examples."""
    folder = tmp_path_factory.mktemp("answers")
    made = MemorySite(folder, on_both.url(folder))
    yield made
    made.database.dispose()


def applied(site: MemorySite, steps: list[Step], feed: str = "1") -> None:
    """Apply these packages as one feed."""
    site.apply([step.document.encode() for step in steps], feed=feed)


def told(site: MemorySite, usage: str = "streaming") -> list[tuple[Any, ...]]:
    """What the database answers: yes or no, by which rule, on which release; None: refused."""
    found: list[tuple[Any, ...]] = []
    with reading(site.database) as connection:
        for track, release, country, at in QUESTIONS:
            try:
                said = asking.available(
                    connection, track, country=country, usage=usage, at=at, release=release
                )
                found.append((said["available"], said["rule"], said["release"]))
            except RefusedError:
                found.append((False, None, None))
    return found


def one_by_one(answers: Answers) -> list[tuple[Any, ...]]:
    """The same from memory, one after the other."""
    found: list[tuple[Any, ...]] = []
    for track, release, country, at in QUESTIONS:
        try:
            said = answers.available(track, country=country, at=at, release=release)
            assert (said.reason == "available") == said.available
            found.append((said.available, said.rule, said.release))
        except RefusedError:
            found.append((False, None, None))
    return found


def at_once(answers: Answers) -> list[tuple[Any, ...]]:
    """The same from memory, all at once."""
    tracks, releases, countries, at = (list(column) for column in zip(*QUESTIONS, strict=True))
    moments = pa.array([datetime.fromisoformat(one) for one in at], pa.timestamp("us", "UTC"))
    table = answers.available_many(tracks, countries, at=moments, releases=releases)
    found = []
    for row in table.to_pylist():
        rule = RULES[REASONS.index(row["reason"])]
        missing = row["reason"] == "not-found"
        found.append((row["available"], None if missing else rule, row["release"]))
    return found


@QUIET
@given(history=histories, first=st.integers(0, 9), usage=st.sampled_from(("streaming", "download")))
def test_memory_says_what_the_database_says(
    site: MemorySite, history: list[Step], first: int, usage: str
) -> None:
    """A1 to A4, as the catalogue stands: read whole, or read before its last packages came."""
    site.empty()
    applied(site, history[:first])
    before = Answers(site.database, None, usage, fresh_seconds=3600)
    early = told(site, usage)
    applied(site, history[first:], feed="2")
    wanted = told(site, usage)
    whole = Answers(site.database, None, usage)
    assert one_by_one(whole) == wanted
    assert at_once(whole) == wanted
    if early != wanted:
        assert at_once(before) == early
    before.refresh()
    assert one_by_one(before) == wanted
    assert at_once(before) == wanted


def test_the_view_says_the_same(site: MemorySite) -> None:
    """A4: the SQL that people are told to ask with."""
    site.empty()
    applied(site, BEGUN)
    text = (
        "SELECT count(*) FROM track_availability WHERE track_id = ? AND country = ?"
        " AND usage = 'streaming' AND (starts_at IS NULL OR starts_at <= ?)"
        " AND (ends_at IS NULL OR ends_at > ?)"
    )
    answers = Answers(site.database, None)
    with reading(site.database) as connection:
        for track, country, at in product(TRACKS, ("GB", "FR"), MOMENTS):
            ((seen,),) = rows_of(connection, text, track, country, at, at)
            assert answers.available(track, country=country, at=at).available == (seen > 0)


def test_after_many_changes_the_catalogue_is_read_anew(
    site: MemorySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed is looked up in the database, but not without end."""
    site.empty()
    answers = Answers(site.database, None)
    applied(site, BEGUN)
    monkeypatch.setattr(answering, "MOST_CHANGES", 2)
    answers.refresh()
    assert not answers._held.stale
    assert one_by_one(answers) == told(site)


def test_another_history_is_noticed(site: MemorySite) -> None:
    """A catalogue that was made anew under the same name is read anew."""
    site.empty()
    applied(site, BEGUN)
    answers = Answers(site.database, None)
    site.empty()
    answers.refresh()
    assert one_by_one(answers) == told(site)


def test_changes_are_seen_in_time(site: MemorySite) -> None:
    """With ``fresh_seconds`` 0 at once, otherwise not before it is time."""
    site.empty()
    applied(site, BEGUN[:1])
    quick, slow = (Answers(site.database, None, fresh_seconds=n) for n in (0, 3600))
    shut = "<Release><ID>1</ID><Territories/></Release>"
    applied(site, [Step(f'<xml><Schema action="Update">{shut}</Schema></xml>', 1)], feed="2")
    assert not quick.available("1", country="GB").available
    assert slow.available("1", country="GB").available
    slow.refresh()
    assert not slow.available("1", country="GB").available


def test_pairs_are_looked_at_in_portions(site: MemorySite, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many releases hold a track, memory holds so many at a time; nothing changes."""
    site.empty()
    applied(site, BEGUN)
    answers = Answers(site.database, None)
    monkeypatch.setattr(lookup, "PAIRS_AT_ONCE", 3)
    assert at_once(answers) == told(site)


def test_of_no_questions_nothing_is_said_nor_of_an_empty_catalogue(site: MemorySite) -> None:
    """Batches may be empty, and so may be what they are about."""
    site.empty()
    answers = Answers(site.database, None)
    assert answers.available_many([], "GB").num_rows == 0
    assert at_once(answers) == told(site)


def test_questions_come_in_many_forms(site: MemorySite) -> None:
    """Columns of Arrow or lists; one country or instant for all; any spelling of them."""
    site.empty()
    applied(site, BEGUN)
    answers = Answers(site.database, None)
    tracks = pa.chunked_array([["1"], ["2", None]])
    wanted = [True, True, False]
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    naive = pa.array([moment.replace(tzinfo=None)] * 3, pa.timestamp("s"))
    spelled: list[tuple[Any, Any]] = [
        ("gb", None),
        (["GB", "uk", "FR"], "2020-01-01"),
        (pa.array(["GB", "US", "FR"]), moment),
        ("GB", moment.replace(tzinfo=None)),
        ("GB", naive),
        ("GB", pa.chunked_array([naive])),
    ]
    for country, at in spelled:
        found = answers.available_many(tracks, country, at=at)
        assert found.column("available").to_pylist() == wanted
    assert answers.available("1", country="uk", at=moment.replace(tzinfo=None)).available


@pytest.mark.parametrize(
    "wrong",
    [
        {"country": "ZZ"},
        {"country": ["GB", "WW"]},
        {"country": ["GB"]},
        {"country": ["GB", None]},
        {"at": "soon"},
        {"at": pa.array(["2020-01-01", "2020-01-01"])},
        {"at": pa.array([datetime(2020, 1, 1, tzinfo=UTC), None])},
        {"releases": ["1"]},
    ],
)
def test_wrong_questions_are_refused(site: MemorySite, wrong: dict[str, Any]) -> None:
    """What cannot be meant is said, never guessed."""
    answers = Answers(site.database, None)
    with pytest.raises(UsageError):
        answers.available_many(["1", "2"], **{"country": "GB", **wrong})


@pytest.mark.parametrize("wrong", [{"country": "ZZ"}, {"country": "WW"}, {"at": "soon"}])
def test_a_wrong_question_is_refused(site: MemorySite, wrong: dict[str, Any]) -> None:
    """One by one as at once; and a usage must be one."""
    answers = Answers(site.database, None)
    with pytest.raises(UsageError):
        answers.available("1", **{"country": "GB", **wrong})
    with pytest.raises(UsageError):
        Answers(site.database, None, "*")


def test_the_engine_keeps_a_snapshot(tmp_path: Path) -> None:
    """The next start reads what the last has left; each usage has its own."""
    with Engine.init(tmp_path / "site") as engine:
        for usage in ("streaming", "download", "streaming"):
            assert engine.answers(usage).available_many(["1"], "GB").num_rows == 1
        kept = sorted(file.name for file in engine.settings.plays.rglob("*.arrow"))
    assert kept == ["facts.arrow", "facts.arrow"]


@given(st.lists(st.text(max_size=40), max_size=30), st.text(max_size=20))
def test_a_text_has_the_code_that_a_column_has(known: list[str], other: str) -> None:
    """Names are found one by one as they are all at once."""
    known = [one.encode("utf-8", "ignore").decode() for one in known]
    names = names_of(pa.array(known, pa.string()))
    asked = [*known, other.encode("utf-8", "ignore").decode()]
    assert [names.code(one) for one in asked] == names.codes(pa.array(asked)).tolist()
