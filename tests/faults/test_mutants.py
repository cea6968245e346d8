"""Engines that are broken on purpose: were one not seen, the suite would be worth nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from . import moving
from .failing import after_failure, error_for
from .forking import FAILING, KILLED, Fault
from .mutants import FAILED, MUTANTS
from .mutants import KILLED as SEEN_BY_KILLS
from .violence import (
    LONG,
    MOST,
    SOME,
    WORKERS,
    Sites,
    State,
    Workers,
    chosen,
    finished,
    some_of_each,
    unlike,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .forking import Commands

pytestmark = [
    pytest.mark.usefixtures("_traced"),
    pytest.mark.timeout(7200 if LONG else 300),
]


def seen(
    workers: Workers, points: Sequence[int], trial: Callable[[Commands, int], str]
) -> list[str]:
    """What a suite sees that stops at the first mistake."""
    for first in range(0, len(points), WORKERS):
        wrong = workers.over(points[first : first + WORKERS], trial)
        if wrong:
            return wrong
    return []


@pytest.mark.parametrize("mutant", SEEN_BY_KILLS)
def test_a_mistake_is_seen_by_a_kill(
    workers: Workers, sites: Sites, undisturbed: State, mutant: str
) -> None:
    """P5, P8, P9: the points of the short form are enough for each of them."""
    root = sites.new(f"{mutant}-calls")
    with workers.one() as commands:
        calls = commands("run", root, fault=Fault((str(root),)), mutant=mutant).calls

    def trial(commands: Commands, number: int) -> str:
        root = sites.new(f"{mutant}-{number}")
        fault = Fault((str(root),), first=number, kill=True)
        done = commands("run", root, fault=fault, mutant=mutant)
        try:
            wrong = unlike(finished(commands, root, mutant), undisturbed)
        except AssertionError as error:
            wrong = str(error)
        shutil.rmtree(root)
        return wrong if done.status == KILLED else ""

    assert seen(workers, chosen(calls, MOST), trial)


@pytest.mark.parametrize("mutant", FAILED)
def test_a_mistake_is_seen_by_a_call_that_fails(
    workers: Workers, sites: Sites, undisturbed: State, mutant: str
) -> None:
    """P7: whose fault it is that a package cannot be read."""
    root = sites.new(f"{mutant}-calls")
    with workers.one() as commands:
        calls = commands("run", root, fault=Fault((str(root),), FAILING)).calls

    def trial(commands: Commands, number: int) -> str:
        root = sites.new(f"{mutant}-{number}")
        error = error_for(calls[number - 1][0], number)
        fault = Fault((str(root),), FAILING, number, error)
        done = commands("run", root, fault=fault, mutant=mutant)
        return after_failure(commands, root, done, undisturbed, mutant)

    points = [n for n in some_of_each(calls, root, SOME) if calls[n - 1][0] == "openat"]
    assert seen(workers, points, trial)


def test_a_mistake_is_seen_by_an_entry_that_is_replaced(workers: Workers, tmp_path: Path) -> None:
    """P5: the entry that is moved must be the one that was read."""
    template = tmp_path / "template"
    moving.written_twice(template)
    wrong = moving.replaced(workers, template, "moves_whatever_is_there")
    assert wrong


def test_a_mistake_is_seen_by_packages_that_are_rewritten(workers: Workers, tmp_path: Path) -> None:
    """P9: the digest must be of what was applied."""
    template = tmp_path / "template"
    moving.written(template)
    wrong = moving.changed(workers, template, "replaced", 6, "reads_twice")
    assert wrong


def test_there_is_a_test_for_every_mutant() -> None:
    """None is left over."""
    elsewhere = {"moves_whatever_is_there", "reads_twice"}
    assert set(MUTANTS) == {*SEEN_BY_KILLS, *FAILED, *elsewhere}
