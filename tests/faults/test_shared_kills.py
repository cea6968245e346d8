"""SIGKILL before every call that leaves something behind, the catalogue on PostgreSQL (P5, P8, P9).

The seconds are let pass that the dead one's lease lasts (`lease_over`); how long a survivor really
waits is measured in `test_hand_over`.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from .forking import CHANGING, Fault
from .shared import SharedSites, ends_equal, lease_over
from .violence import LONG, spread, told

if TYPE_CHECKING:
    from pathlib import Path

    from .forking import Commands
    from .violence import State, Workers

pytestmark = [
    pytest.mark.usefixtures("_traced"),
    pytest.mark.timeout(7200 if LONG else 300),
]

RANDOM_KILLS = 500 if LONG else 2


def watching(root: Path, number: int = 0) -> Fault:
    """Tell what a run writes, moves and says to the server; kill before that of this number."""
    return Fault((str(root), "socket:"), (*CHANGING, "sendto"), first=number, kill=True)


def killed(commands: Commands, root: Path, number: int) -> None:
    """A run that is killed there, or has ended before."""
    commands("run", root, fault=watching(root, number))
    lease_over(root)


@pytest.fixture(scope="module")
def calls(workers: Workers, shared_sites: SharedSites) -> list[tuple[str, str]]:
    """What an undisturbed run does."""
    with workers.one() as commands:
        root = shared_sites.new("calls")
        return commands("run", root, fault=watching(root)).calls


def test_a_shared_run_that_is_killed_anywhere_is_finished_by_the_next(
    workers: Workers, shared_sites: SharedSites, undisturbed: State, calls: list[tuple[str, str]]
) -> None:
    """P9: nothing is lost, nothing applied, moved or logged twice."""
    assert {name for name, where in calls if where.startswith("socket:")} == {"sendto"}

    def trial(commands: Commands, number: int) -> str:
        root = shared_sites.new(f"kill-{number}")
        killed(commands, root, number)
        wrong = ends_equal(commands, root, undisturbed)
        return f"{calls[number - 1]}: {wrong}" if wrong else ""

    wrong = workers.over(spread(range(1, len(calls) + 1), None if LONG else 7), trial)
    assert not wrong, told(wrong)


def test_a_shared_recovery_that_is_killed_is_finished_by_the_next(
    workers: Workers, shared_sites: SharedSites, undisturbed: State, calls: list[tuple[str, str]]
) -> None:
    """P8, P9: what finishes a run that was cut short may be cut short itself."""
    firsts = spread(range(1, len(calls) + 1), 25 if LONG else 2)
    seconds = spread(range(1, 120), 40 if LONG else 1)

    def trial(commands: Commands, both: tuple[int, int]) -> str:
        root = shared_sites.new(f"recovery-{both[0]}-{both[1]}")
        for number in both:
            killed(commands, root, number)
        wrong = ends_equal(commands, root, undisturbed)
        return f"{calls[both[0] - 1]}: {wrong}" if wrong else ""

    wrong = workers.over([(first, second) for first in firsts for second in seconds], trial)
    assert not wrong, told(wrong)


def test_a_shared_run_may_be_killed_at_any_moment(
    workers: Workers, shared_sites: SharedSites, undisturbed: State
) -> None:
    """P9: at random moments, up to three times before it may end; the seed is told."""
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets

    def trial(commands: Commands, number: int) -> str:
        root = shared_sites.new(f"moment-{number}")
        for _ in range(chance.randint(1, 3)):
            commands("run", root, kill_after=chance.uniform(0, 1.5))
            lease_over(root)
        wrong = ends_equal(commands, root, undisturbed)
        return f"seed {seed}: {wrong}" if wrong else ""

    wrong = workers.over(range(RANDOM_KILLS), trial)
    assert not wrong, told(wrong)
