"""The page says what was measured, and says so where nothing was."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from bench import cases, figures, page
from bench.cases import Case, Group, Result
from bench.goals import GOALS, Found
from bench.measure import FailedError, Spent, measured
from bench.plan import SIZES, plan

MACHINE = {"date": "2026-11-21 12:00 UTC", "processor": "a small one"}


def result(name: str, small: float, large: float, group: str = "sqlite-create") -> Result:
    """A case that took so many seconds of CPU for 100 and for 1,100 packages."""
    runs = {
        100: [Spent(small, small, 50_000_000), Spent(small * 2, small, 60_000_000)],
        1100: [Spent(large * 1.5, large, 80_000_000), Spent(large, large, 90_000_000)],
    }
    return Result(group, name, "package", runs)


def kept(*results: Result) -> dict[str, Any]:
    """As a run keeps it."""
    return {
        "size": "small",
        "tracks": 5000,
        "seed": 1,
        "countries": 50,
        "machine": MACHINE,
        "titles": {one.group: "Create, SQLite" for one in results},
        "disk": {"1000": 4_000_000},
        "results": [one.as_row() for one in results],
    }


def row(text: str, begin: str) -> list[str]:
    """The cells of the first row of a table that begins so."""
    line = next(one for one in text.splitlines() if one.startswith(f"| {begin} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_an_item_costs_the_difference_of_the_best_runs_and_start_up_stands_apart() -> None:
    """Here 2 s less 1 s for 1,000 packages more; 100 of them cost 0.1 s of the first second."""
    one = result("floor", 1.0, 2.0)
    assert figures.per_item(one) == pytest.approx(0.001)
    assert figures.start_up(one) == pytest.approx(0.9)
    assert figures.spread(one) == pytest.approx(0.5)
    assert figures.memory(one) == 80_000_000


def test_ratios_come_first() -> None:
    """The engine takes three times the floor's CPU a package."""
    written = page.written(kept(result("floor", 1.0, 2.0), result("feedengine", 2.0, 5.0)))
    assert row(written, "floor")[1:4] == ["1.00", "1,000", "1,000"]
    assert row(written, "feedengine")[1:4] == ["3.00", "333", "3,000"]


def test_of_cores_wall_time_comes_first() -> None:
    """Here a second core saves half of the time, and costs a quarter more CPU."""
    one = {100: [Spent(1.0, 1.0, 50_000_000)], 1100: [Spent(2.0, 3.0, 60_000_000)]}
    both = {100: [Spent(1.0, 1.0, 50_000_000)], 1100: [Spent(2.25, 2.0, 70_000_000)]}
    found = (
        Result("cores-plays", name, "play", runs)
        for name, runs in (("one core", one), ("all cores", both))
    )
    written = page.written(kept(*found))
    assert row(written, "one core")[1:] == ["1.00", "2,000", "1.00", "60"]
    assert row(written, "all cores")[1:] == ["0.50", "1,000", "1.25", "70"]


def test_what_could_not_be_measured_says_why_and_has_no_figure() -> None:
    """A peer that cannot be installed is no peer that is slow."""
    failed = Result("sqlite-create", "xml2db", "package", {}, "could not be installed: no | such")
    written = page.written(kept(result("floor", 1.0, 2.0), failed))
    assert row(written, "xml2db")[1:3] == [
        "not measured: could not be installed: no / such",
        "",
    ]


def test_server_and_client_count_together() -> None:
    """On PostgreSQL half of the work is the server's."""
    runs = {1: [Spent(1.0, 1.0, 1, 0.0)], 11: [Spent(2.0, 1.0, 1, 4.0)]}
    assert figures.per_item(Result("postgresql-create", "x", "package", runs)) == 0.5


@pytest.mark.parametrize(("engine", "said"), [(2.4, "**met**"), (2.8, "missed")])
def test_a_goal_is_met_or_missed_and_said_so(engine: float, said: str) -> None:
    """1.4 and 1.8 times the floor, where 1.5 is the goal."""
    results = [result("floor", 1.0, 2.0), result("feedengine", 1.0, engine)]
    assert GOALS[0].row(Found(results, {}))[3] == said


def test_goals_that_nothing_was_measured_for_are_not_met() -> None:
    """An empty run keeps no promise, and breaks none."""
    assert {goal.row(Found([], {}))[3] for goal in GOALS} == {"not measured"}


def test_every_goal_has_its_figure_when_everything_is_measured() -> None:
    """Groups and cases are named by goals as they are named where they are planned."""
    shop = SimpleNamespace(server="there")
    said = {"sql": 1.0, "batched": 1.0, "single": 1.0, "asked": 1.0, "view": 1.0, "loaded": 1.0}
    results = []
    for group in plan(shop, SIZES["default"]):  # type: ignore[arg-type]
        for case in group.cases:
            runs = {many: [Spent(many, many, many, 0.0, said)] for many in case.amounts}
            results.append(Result(group.key, case.name, group.unit, runs))
    told = {goal.says: goal.row(Found(results, {1000: 1}))[3] for goal in GOALS}
    lacking = [says for says, became in told.items() if became == "not measured"]
    assert lacking == []
    page.written({**kept(*results), "titles": {one.group: one.group for one in results}})


def test_all_cases_of_a_group_take_turns() -> None:
    """A machine that is slow for a while is so for all of them."""
    turns = []

    def case(name: str) -> Case:
        def command(many: int) -> cases.Command:
            turns.append((name, many))
            return sys.executable, "-c", "pass"

        return Case(name, command, (1, 2))

    found = cases.run(Group("a", "A", "item", (case("one"), case("two"))), 2, None)
    assert turns == [("one", 1), ("one", 2), ("two", 1), ("two", 2)] * 2
    assert [len(one.runs[2]) for one in found] == [2, 2]


def test_a_case_that_fails_is_told_and_the_others_go_on() -> None:
    """It is not tried again."""
    broken = Case("broken", lambda _: (sys.executable, "-c", "raise SystemExit('no way')"), (1,))
    fine = Case("fine", lambda _: (sys.executable, "-c", "pass"), (1,))
    found = cases.run(Group("a", "A", "item", (broken, fine)), 3, None)
    assert [one.failed for one in found] == ["no way", ""]
    assert len(found[1].runs[1]) == 3


def test_results_are_read_back_as_they_were_kept() -> None:
    """So a page can be written anew from the last run."""
    one = result("floor", 1.0, 2.0)
    assert Result.of(one.as_row()) == one


def test_what_a_process_calls_aside_is_taken_off() -> None:
    """The floor's rows are made beforehand, and loading them is no work of the floor."""
    spent = measured([sys.executable, "-c", "print('{\"aside\": 1000}')"])
    assert spent.cpu < 0
    assert spent.said == {"aside": 1000}


def test_a_status_that_is_no_failure_is_fine() -> None:
    """Plays that are refused end the command with 1."""
    command = [sys.executable, "-c", "raise SystemExit(1)"]
    measured(command, fine=(0, 1))
    with pytest.raises(FailedError):
        measured(command)


def test_the_others_say_themselves_what_they_do_not_do() -> None:
    """From their docstrings, with the version that is pinned."""
    told = page.others()
    assert "(xml2db 0.15.1)" in told
    assert told.count("\n- ") == 8


def test_growth_says_what_an_item_reads_and_writes_and_why() -> None:
    """Here 2 read calls of 4 KB and half a write call more for each of 1,000 packages more."""
    runs = {
        100: [Spent(1, 1, 50_000_000, io=(200, 50, 900_000, 1_000))],
        1100: [
            Spent(2, 2, 50_000_000, io=(2_200, 550, 4_900_000, 201_000)),
            Spent(2, 2, 50_000_000, io=(2_300, 560, 4_900_000, 201_000)),
        ],
    }
    one = Result("growth-create", "10,000 tracks", "package", runs)
    assert figures.io_per_item(one) == [2.0, 0.5, 4000.0, 200.0]
    written = page.group_table([one], "growth-create")
    assert "| 10,000 tracks | 2.00 | 4.00 | 0.50 | 0.20 |" in written
    assert "the depth of an index" in written
    told = Result("growth-create", "10,000 tracks", "package", {1: [Spent(1, 1, 1)]})
    assert "too little to tell" in page.group_table([told], "growth-create")


def test_what_takes_long_is_run_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case may say so; the others of its group take turns as often as the group has it."""
    monkeypatch.setattr(cases, "measured", lambda *_, **__: Spent(1, 1, 1))
    both = (
        Case("short", lambda _: ("true",), (1,)),
        Case("long", lambda _: ("true",), (1,), most_repeats=1),
    )
    found = cases.run(Group("some", "Some", "item", both, 3), 1, None)
    assert [len(one.runs[1]) for one in found] == [3, 1]


def test_what_has_been_read_and_written_is_told_of_a_process_that_has_ended() -> None:
    """By the kernel, where it does."""
    spent = measured([sys.executable, "-c", "print('x' * 100_000)"])
    assert spent.io is None or spent.io[3] >= 100_000
