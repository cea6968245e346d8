"""What is measured beside what: a case is one way to do the job of its group.

All cases of a group run in turn, repeat after repeat, so that a machine that is slower for a while
is so for all of them. Each run is a process of its own, at two amounts of work: the difference
between them is what an item costs, and start-up stands apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.environment import PEERS, python_of
from bench.measure import FailedError, Spent, measured
from bench.workshop import COMMAND, HERE, XSD

if TYPE_CHECKING:
    from bench.workshop import Workshop

Command = Sequence[Any]


@dataclass(frozen=True)
class Case:
    """One way to do a job: ``command`` gets ready for so many items and gives what is to be run.

    ``amounts`` are the items of the small and of the large run; ``fine`` the exit statuses that
    are no failure. ``served`` says that the PostgreSQL server's CPU counts, too.
    """

    name: str
    command: Callable[[int], Command]
    amounts: tuple[int, ...]
    fine: tuple[int, ...] = (0,)
    served: bool = False


@dataclass(frozen=True)
class Group:
    """Cases side by side; the first is what the others are compared with.

    ``key`` names it in results and on the command line, ``unit`` what is counted.
    """

    key: str
    title: str
    unit: str
    cases: tuple[Case, ...]


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
        return {"group": self.group, "name": self.name, "unit": self.unit, "failed": self.failed,
                "runs": runs}  # fmt: skip

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
    for repeat in range(repeats):
        for case in group.cases:
            result = results[case.name]
            for many in case.amounts:
                if result.failed:
                    continue
                said(f"{group.key}: {case.name}, {many:,} ({repeat + 1} of {repeats})")
                try:
                    watched = server if case.served else None
                    spent = measured(case.command(many), fine=case.fine, server=watched)
                    result.runs.setdefault(many, []).append(spent)
                except (FailedError, OSError) as error:
                    result.failed = str(error)
    return list(results.values())


def applying(shop: Workshop, kind: str, tracks: int, amounts: tuple[int, ...]) -> tuple[Case, ...]:
    """Feeds of a kind into a catalogue of so many tracks, on SQLite."""

    def floor(*flags: str) -> Callable[[int], Command]:
        def command(many: int) -> Command:
            feed = shop.feed(kind, tracks, many)
            script = HERE / "floor_feeds.py"
            return (sys.executable, script, shop.floor(tracks), feed.folder, feed.rows, XSD, *flags)

        return command

    def engine(many: int) -> Command:
        return COMMAND, "run", shop.announced(shop.feed(kind, tracks, many), shop.site(tracks))

    return (
        Case("floor", floor(), amounts),
        Case("floor with logs", floor("--logs"), amounts),
        Case("feedengine", engine, amounts),
    )


def applying_postgres(
    shop: Workshop, kind: str, tracks: int, amounts: tuple[int, ...]
) -> tuple[Case, ...]:
    """The same on PostgreSQL, client and server together."""

    def floor(many: int) -> Command:
        feed, url = shop.feed(kind, tracks, many), shop.database("floor", tracks)
        return sys.executable, HERE / "floor_feeds.py", url, feed.folder, feed.rows, XSD

    def engine(many: int) -> Command:
        url = shop.database("site", tracks)
        site = Path(shop.work / "site-on-postgres")
        return COMMAND, "run", shop.announced(shop.feed(kind, tracks, many), site, url)

    return (
        Case("floor", floor, amounts, served=True),
        Case("feedengine", engine, amounts, served=True),
    )


def peer(shop: Workshop, name: str, script: str, amounts: tuple[int, ...]) -> Case:
    """Somebody else's way to load the feed of Creates into an empty database."""

    def command(many: int) -> Command:
        python = python_of(shop.folder, script)
        feed, target = shop.feed("create", 0, many), shop.empty(script)
        return python, PEERS / f"{script}.py", feed.folder, target, XSD

    return Case(name, command, amounts)


def groups(results: Sequence[Result]) -> Iterator[str]:
    """The keys of the groups in the order in which they were measured."""
    yield from dict.fromkeys(one.group for one in results)
