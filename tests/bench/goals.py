"""What the project has promised of its speed, and whether this run keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bench import figures

if TYPE_CHECKING:
    from bench.cases import Result


class Found(NamedTuple):
    """All that a page is made of: results, and the bytes of catalogues by their tracks."""

    results: Sequence[Result]
    disk: Mapping[int, int]


class Goal(NamedTuple):
    """A promise: what is asked for, the figure of a run (None: not measured), and its bound.

    With ``least`` the figure has to reach the bound, else to stay within it.
    """

    says: str
    figure: Callable[[Found], float | None]
    bound: float
    least: bool = False
    form: str = "{:,.2f}"

    def row(self, found: Found) -> tuple[str, str, str, str]:
        """Promise, bound, what was found, and what became of it."""
        bound = ("≥ " if self.least else "≤ ") + self.form.format(self.bound)
        value = self.figure(found)
        if value is None:
            return self.says, bound, "–", "not measured"
        kept = value >= self.bound if self.least else value <= self.bound
        return self.says, bound, self.form.format(value), "**met**" if kept else "missed"


def _to_floor(group: str) -> Callable[[Found], float | None]:
    return lambda found: figures.ratio(found.results, group, "feedengine", "floor")


def _times(group: str, other: str) -> Callable[[Found], float | None]:
    """How many times as much as another the engine does with the same CPU."""
    return lambda found: figures.ratio(found.results, group, other, "feedengine")


def _speed(group: str, name: str) -> Callable[[Found], float | None]:
    def speed(found: Found) -> float | None:
        result = figures.named(found.results, group, name)
        each = None if result is None else figures.per_item(result)
        return 1 / each if each else None

    return speed


def _memory(group: str, name: str) -> Callable[[Found], float | None]:
    def megabytes(found: Found) -> float | None:
        result = figures.named(found.results, group, name)
        most = None if result is None else figures.memory(result)
        return None if most is None else most / 1e6

    return megabytes


def _start(name: str) -> Callable[[Found], float | None]:
    def milliseconds(found: Found) -> float | None:
        result = figures.named(found.results, "start", name)
        each = None if result is None else figures.per_item(result)
        return None if each is None else each * 1e3

    return milliseconds


def _statements(found: Found) -> float | None:
    result = figures.named(found.results, "sqlite-statements", "feedengine, its SQL timed")
    each = None if result is None else figures.per_item_said(result, "sql")
    return None if each is None else each * 1e6


def _answers(key: str) -> Callable[[Found], float | None]:
    """Of the largest catalogue that was asked."""

    def said(found: Found) -> float | None:
        asked = [one for one in found.results if one.group == "answers" and not one.failed]
        return figures.best_said(asked[-1], key, most=key != "view") if asked else None

    return said


def _a_track(found: Found) -> float | None:
    return max(found.disk) and found.disk[max(found.disk)] / max(found.disk) if found.disk else None


def _cores(group: str) -> Callable[[Found], float | None]:
    """How many times as soon all cores are done as one."""

    def sooner(found: Found) -> float | None:
        one = figures.named(found.results, group, "one core")
        both = figures.named(found.results, group, "all cores")
        return None if one is None or both is None else figures.wall_ratio(one, both)

    return sooner


_CATALOGUE = "feedengine, by format and catalogue"

GOALS = (
    Goal("Create, SQLite: CPU to the floor's", _to_floor("sqlite-create"), 1.5),
    Goal("Updates with sub-actions, SQLite: CPU to the floor's", _to_floor("sqlite-update"), 2),
    Goal("Create, PostgreSQL: CPU to the floor's", _to_floor("postgresql-create"), 1.5),
    Goal("Updates, PostgreSQL: CPU to the floor's", _to_floor("postgresql-update"), 2),
    Goal("Identical re-delivery: µs of SQL a package", _statements, 10),
    Goal("Packages a CPU-second to xml2db's", _times("others-feeds", "xml2db"), 3, least=True),
    Goal("Packages a CPU-second to a SQLModel loader's", _times("others-feeds", "SQLModel"), 25,
         least=True),
    Goal("PostgreSQL: packages a CPU-second, client and server",
         _speed("postgresql-create", "feedengine"), 5000, least=True, form="{:,.0f}"),
    Goal("Judging: plays a CPU-second, with reasons", _speed("plays", _CATALOGUE), 1.5e6,
         least=True, form="{:,.0f}"),
    Goal("Judging: peak memory, MB", _memory("plays", _CATALOGUE), 250, form="{:,.0f}"),
    Goal("All cores to one: applying what takes long to read", _cores("cores-feeds"), 1.5,
         least=True),
    Goal("All cores to one: judging", _cores("cores-plays"), 1.5, least=True),
    Goal("`feedengine validate` of a package: ms of CPU in all",
         _start("feedengine validate PACKAGE"), 150, form="{:,.0f}"),
    Goal("`feedengine --help`: ms of CPU in all", _start("feedengine --help"), 100,
         form="{:,.0f}"),
    Goal("Catalogue on disk, history included: bytes a track", _a_track, 4096, form="{:,.0f}"),
    Goal("Availability: batched answers a CPU-second", _answers("batched"), 200_000, least=True,
         form="{:,.0f}"),
    Goal("Availability: single answers a CPU-second", _answers("single"), 20_000, least=True,
         form="{:,.0f}"),
    Goal("Availability: ms of CPU of the SQL view's answer", _answers("view"), 1, form="{:.3f}"),
)  # fmt: skip
