"""What is measured beside what: a case is one way to do the job of its group.

All cases of a group run in turn, repeat after repeat, so that a machine that is slower for a while
is so for all of them. Each run is a process of its own, at two amounts of work: the difference
between them is what an item costs, and start-up stands apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from subprocess import CalledProcessError
from typing import Any, TypeAlias

from bench.measure import FailedError, Spent, measured

Command: TypeAlias = Sequence[Any]


@dataclass(frozen=True)
class Case:
    """One way to do a job: ``command`` gets ready for so many items and gives what is to be run.

    ``amounts`` are the items of the small and of the large run; ``fine`` the exit statuses that
    are no failure. ``served`` says that the PostgreSQL server's CPU counts, too. ``warm``: a run
    before the first that counts, because what it leaves (a snapshot) is there in life, too.
    """

    name: str
    command: Callable[[int], Command]
    amounts: tuple[int, ...]
    fine: tuple[int, ...] = (0,)
    served: bool = False
    warm: bool = False
    most_repeats: int | None = None
    """For what takes long, and of which one run tells enough."""


@dataclass(frozen=True)
class Group:
    """Cases side by side; the first is what the others are compared with.

    ``key`` names it in results and on the command line, ``unit`` what is counted; ``repeats`` is
    said where they differ from the size's.
    """

    key: str
    title: str
    unit: str
    cases: tuple[Case, ...]
    repeats: int | None = None


@dataclass
class Result:
    """What was measured of a case: runs by amount of items, or why there are none."""

    group: str
    name: str
    unit: str
    runs: dict[int, list[Spent]] = field(default_factory=dict)
    failed: str = ""

    def as_row(self) -> dict[str, Any]:
        """As kept in the results."""
        runs = {str(many): [one.as_row() for one in found] for many, found in self.runs.items()}
        own = {"group": self.group, "name": self.name, "unit": self.unit, "failed": self.failed}
        return {**own, "runs": runs}

    @classmethod
    def of(cls, row: dict[str, Any]) -> Result:
        """What `as_row` has made."""
        runs = {int(many): [Spent(**one) for one in found] for many, found in row["runs"].items()}
        return cls(row["group"], row["name"], row["unit"], runs, row["failed"])


def run(
    group: Group, repeats: int, server: int | None, said: Callable[[str], None] = lambda _: None
) -> list[Result]:
    """Measure a group: every case at every amount, in turn, so many times."""
    results = {case.name: Result(group.key, case.name, group.unit) for case in group.cases}
    repeats = group.repeats or repeats
    for repeat in range(repeats):
        for case in group.cases:
            result = results[case.name]
            if case.most_repeats is not None and repeat >= case.most_repeats:
                continue
            for many in case.amounts:
                if result.failed:
                    continue
                said(f"{group.key}: {case.name}, {many:,} ({repeat + 1} of {repeats})")
                try:
                    _measure(case, many, result, server)
                except (FailedError, CalledProcessError, OSError) as error:
                    result.failed = str(error)
                    said(f"  failed: {error}")
    return list(results.values())


def _measure(case: Case, many: int, result: Result, server: int | None) -> None:
    watched = server if case.served else None
    if case.warm and many not in result.runs:
        measured(case.command(many), fine=case.fine)
    spent = measured(case.command(many), fine=case.fine, server=watched)
    result.runs.setdefault(many, []).append(spent)


def groups(results: Sequence[Result]) -> Iterator[str]:
    """The keys of the groups in the order in which they were measured."""
    yield from dict.fromkeys(one.group for one in results)
