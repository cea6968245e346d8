"""Exactly once, shown by violence: SIGKILL before every system call that leaves something behind.

After each kill the command is started again until nothing is left; then catalogue, history, ledger,
Stack and logs must be what an undisturbed run makes of them (P5, P8, P9, G1, H1).
"""

from __future__ import annotations

import random
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from .forking import KILLED, Commands, Fault
from .scenario import HELD_RUN, announced_again
from .violence import (
    LONG,
    MOST,
    Sites,
    State,
    Workers,
    between,
    chosen,
    finished,
    run_once,
    spread,
    state,
    told,
    unlike,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.usefixtures("_traced"),
    pytest.mark.timeout(7200 if LONG else 300),
]

RANDOM_KILLS = 1000 if LONG else 10


def after(commands: Commands, root: Path, wanted: State, *, released: bool = False) -> str:
    """What is wrong once everything has been started again; the site is used up."""
    try:
        if not released:
            return unlike(finished(commands, root), wanted)
        return unlike(state(commands, root, ["run", root]), wanted)
    except AssertionError as error:
        return str(error)
    finally:
        shutil.rmtree(root)


def watching(root: Path, number: int = 0) -> Fault:
    """Tell the calls about a site, and kill before the one of this number."""
    return Fault((str(root),), first=number, kill=True)


def points(calls: list[tuple[str, str]], most: int) -> list[int]:
    """All of them in the long form; where something changes, and not too many, in the short."""
    return list(range(1, len(calls) + 1)) if LONG else chosen(calls, most)


def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(
    workers: Workers, sites: Sites, undisturbed: State
) -> None:
    """P9: nothing is lost, nothing applied, moved or logged twice."""
    root = sites.new("calls")
    with workers.one() as commands:
        calls = commands("run", root, fault=watching(root)).calls

    def trial(commands: Commands, number: int) -> str:
        root = sites.new(f"run-{number}")
        done = commands("run", root, fault=watching(root, number))
        wrong = after(commands, root, undisturbed)
        return f"{calls[number - 1]}, {done.status}: {wrong}" if wrong else ""

    wrong = workers.over(points(calls, MOST), trial)
    assert not wrong, told(wrong)


def test_a_release_that_is_killed_anywhere_can_be_repeated(
    workers: Workers, sites: Sites, undisturbed: State
) -> None:
    """G1: the held feed is let through once, and its entry is not lost on its way back."""

    def ready(commands: Commands, name: str) -> tuple[Path, list[str | Path]]:
        root = sites.new(name)
        run_once(commands, root)
        return root, ["feed", "release", HELD_RUN, "--root", root]

    with workers.one() as commands:
        root, words = ready(commands, "release-calls")
        calls = commands(*words, fault=watching(root)).calls

    def trial(commands: Commands, number: int) -> str:
        root, words = ready(commands, f"release-{number}")
        if commands(*words, fault=watching(root, number)).status != KILLED:
            return "was not killed"
        again = commands(*words)
        announced_again(root)
        if "is not held" not in again.err and again.status:
            return f"could not be repeated: {again}"
        return after(commands, root, undisturbed, released=True)

    wrong = workers.over(points(calls, 6), trial)
    assert not wrong, told(wrong)


def test_the_run_after_a_release_can_be_killed_anywhere(
    workers: Workers, sites: Sites, undisturbed: State
) -> None:
    """G1, P9: the released run keeps its number and is applied once, the rewritten package too."""

    def ready(commands: Commands, name: str) -> Path:
        root = sites.new(name)
        run_once(commands, root)
        commands.session(*between(root))
        return root

    with workers.one() as commands:
        root = ready(commands, "released-calls")
        calls = commands("run", root, fault=watching(root)).calls

    def trial(commands: Commands, number: int) -> str:
        root = ready(commands, f"released-{number}")
        commands("run", root, fault=watching(root, number))
        wrong = after(commands, root, undisturbed, released=True)
        return f"{calls[number - 1]}: {wrong}" if wrong else ""

    wrong = workers.over(points(calls, 8), trial)
    assert not wrong, told(wrong)


def test_a_recovery_that_is_killed_is_finished_by_the_next(
    workers: Workers, sites: Sites, undisturbed: State
) -> None:
    """P8, P9: what finishes a run that was cut short may be cut short itself."""
    root = sites.new("recovery-calls")
    with workers.one() as commands:
        calls = commands("run", root, fault=watching(root)).calls

    def begun(commands: Commands, first: int, name: object) -> Path:
        root = sites.new(f"recovery-{first}-{name}")
        commands("run", root, fault=watching(root, first))
        return root

    def seconds(commands: Commands, first: int) -> list[tuple[int, int]]:
        root = begun(commands, first, "calls")
        found = chosen(commands("run", root, fault=watching(root)).calls)
        shutil.rmtree(root)
        # The work of recovery stands at the beginning; what follows is a run like any other.
        return [(first, second) for second in spread(found[:40], 20 if LONG else 2)]

    def trial(commands: Commands, both: tuple[int, int]) -> str:
        root = begun(commands, both[0], both[1])
        commands("run", root, fault=watching(root, both[1]))
        wrong = after(commands, root, undisturbed)
        return f"{calls[both[0] - 1]}: {wrong}" if wrong else ""

    with workers.one() as commands:
        firsts = chosen(calls, 90 if LONG else 6)
        pairs = [pair for first in firsts for pair in seconds(commands, first)]
    wrong = workers.over(pairs, trial)
    assert not wrong, told(wrong)


def test_a_run_may_be_killed_at_any_moment_again_and_again(
    workers: Workers, sites: Sites, undisturbed: State
) -> None:
    """P9: at random moments, up to four times before it may end; the seed is told."""
    root = sites.new("moments")
    with workers.one() as commands:
        began = time.monotonic()
        run_once(commands, root)
        lasted = time.monotonic() - began
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    trials: list[list[float]] = []
    while sum(map(len, trials)) < RANDOM_KILLS:
        trials.append([chance.uniform(0, lasted) for _ in range(chance.randint(1, 4))])

    def trial(commands: Commands, number: int) -> str:
        root = sites.new(f"moment-{number}")
        for moment in trials[number]:
            commands("run", root, kill_after=moment)
        wrong = after(commands, root, undisturbed)
        return f"seed {seed}: {wrong}" if wrong else ""

    wrong = workers.over(range(len(trials)), trial)
    assert not wrong, told(wrong)
