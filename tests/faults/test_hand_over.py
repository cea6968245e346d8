"""An engine that dies or freezes is followed by another within ten seconds, and does no harm.

A lease lasts for six seconds. Each mistake that could be made here is made once, and shows.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from feedengine.engine import Engine
from feedengine.store import lease
from feedengine.store.database import open_database, reading, writing
from feedengine.store.ledger import Run, open_run, runs_where
from feedengine.taking import Taker
from feedengine.telling import NOBODY
from feedengine.turn import turn_of

from .engines import HAND_OVER_SECONDS, Case, Ended, Engines, played
from .proxy import Cut
from .shared import COMMIT, ends_equal, goes_on
from .shared_mutants import SHARED
from .violence import LONG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from databases import Postgres
    from sqlalchemy import Engine as Database

    from .forking import Commands
    from .proxy import Message
    from .shared import SharedSites
    from .violence import State, Workers

pytestmark = pytest.mark.timeout(7200 if LONG else 300)

IN, BEFORE = "in a batch", "before a batch"
RIGHT = {
    "frozen in a batch": Case(IN, killed=False),
    "frozen before a batch": Case(BEFORE, killed=False),
    "killed, its clock ahead": Case(IN, first=("clock_is_ahead",)),
    "two of three killed": Case(IN, engines=3),
    **({"killed": Case(IN), "four of five killed": Case(IN, call=2, engines=5)} if LONG else {}),
}
WRONG = {
    "no_fence": Case(BEFORE, killed=False, first=("no_fence",)),
    "ends_no_sessions": Case(IN, killed=False, others=("ends_no_sessions",)),
    "asks_its_own_clock": Case(
        IN, first=("asks_its_own_clock", "clock_is_ahead"), others=("asks_its_own_clock",)
    ),
}
AT = "2026-01-01T00:00:00.000000Z"
BEGUN = Run(0, "1.xml", "1:1:1", "not/there", "a", AT, None, "running", 0, 0, 0, 0, None, None)


@pytest.fixture(scope="module")
def ended(shared_sites: SharedSites) -> dict[str, tuple[Path, Ended]]:
    """All cases at once, since each waits until leases are over."""
    cases = {**RIGHT, **WRONG}
    roots = {name: shared_sites.new(f"hand-over-{n}") for n, name in enumerate(cases)}
    with Engines() as engines, ThreadPoolExecutor(len(cases)) as pool:
        found = pool.map(partial(played, engines), roots.values(), cases.values())
        return dict(zip(cases, zip(roots.values(), found, strict=True), strict=True))


@pytest.mark.parametrize("name", RIGHT)
def test_another_engine_follows(
    workers: Workers, undisturbed: State, ended: dict[str, tuple[Path, Ended]], name: str
) -> None:
    """P9: each hand-over within ten seconds; the end is that of one engine alone."""
    root, found = ended[name]
    assert not found.wrong
    assert len(found.seconds) == RIGHT[name].engines - 1
    assert max(found.seconds) <= HAND_OVER_SECONDS
    with workers.one() as commands:
        assert not ends_equal(commands, root, undisturbed)


@pytest.mark.parametrize("mutant", WRONG)
def test_mistakes_of_turns_show(
    workers: Workers, undisturbed: State, ended: dict[str, tuple[Path, Ended]], mutant: str
) -> None:
    """Nobody follows in time, or something was done twice."""
    root, found = ended[mutant]
    with workers.one() as commands:
        assert found.wrong or ends_equal(commands, root, undisturbed)


def test_a_batch_that_is_tried_again_shows(
    workers: Workers, shared_sites: SharedSites, undisturbed: State, messages: list[Message]
) -> None:
    """An engine that takes a lost answer for a lost commit applies something twice."""

    def wrong(commands: Commands, number: int) -> str:
        # How many messages lie between two commits differs from run to run; commits do not.
        cut = Cut(number, "after", COMMIT)
        with shared_sites.behind(f"tried-{number}", cut) as (root, _):
            done = commands("run", root, mutant="tries_batches_again")
            return goes_on(done) or ends_equal(commands, root, undisturbed)

    commits = sum(one.text.startswith(COMMIT) for one in messages)
    with workers.one() as commands:
        assert any(wrong(commands, number) for number in range(commits // 3, commits + 1))


@pytest.mark.parametrize("right", [True, False])
def test_a_lease_changes_hands_only_while_nobody_writes(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, *, right: bool
) -> None:
    """What the last holder was writing has ended by then; the mistake is seen."""
    monkeypatch.setattr(lease, "try_writing", lease.try_writing)
    if not right:
        SHARED["lease_outside_the_lock"]()
    url = postgres.empty()
    database, other = open_database(url), open_database(url)
    with closing_all(database, other), writing(other):
        assert (lease.acquire(database, 0) is None) == right


@pytest.mark.parametrize("right", [True, False])
def test_recovery_waits_for_a_commit_that_is_under_way(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, *, right: bool
) -> None:
    """A run that was begun by it is finished; the mistake is seen."""
    monkeypatch.setattr(Taker, "recover", Taker.recover)
    if not right:
        SHARED["recovers_outside_the_lock"]()
    url = postgres.empty()
    other = open_database(url)
    with Engine.init(tmp_path, database_url=url) as engine, closing_all(other):
        turn, stop = turn_of(engine.settings.stack, engine.database), threading.Event()
        with turn.taken(stop, lambda _: None):
            recovering = threading.Thread(
                target=Taker(engine.settings, turn, NOBODY, stop).recover, daemon=True
            )
            with writing(other) as connection:
                begun = open_run(connection, BEGUN)
                recovering.start()
                recovering.join(0.5)
            recovering.join()
            with reading(other) as connection:
                (found,) = runs_where(connection, "id = ?", begun.id)
    assert (found.status == "failed") == right  # its feed is not there


@contextmanager
def closing_all(*databases: Database) -> Iterator[None]:
    """End all sessions at the end."""
    try:
        yield
    finally:
        for one in databases:
            one.dispose()
