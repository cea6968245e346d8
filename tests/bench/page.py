"""The page: goals and ratios first, then what they come from, who the others are, and where."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from bench import figures
from bench.cases import Result, groups
from bench.environment import PEERS, versions
from bench.goals import GOALS, Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, text: bool = False) -> str:
    """A Markdown table; all columns but the first are numbers, unless they are ``text``."""
    rule = [":--", *["--:" if not text else ":--"] * (len(heads) - 1)]
    lines = (heads, rule, *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None) -> str:
    """Three digits that count, or a dash for what there is not."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def plain(text: str) -> str:
    """A reason in one line of a table."""
    return " ".join(text.replace("|", "/").split())[-160:]


_PLURALS = {"entry": "entries"}


def _costs(found: Sequence[Result]) -> str:
    """Ratios to the first case, then what they come from."""
    base = found[0]
    units = _PLURALS.get(base.unit, f"{base.unit}s")
    heads = (f"× {base.name}", f"{units} a CPU-second", "CPU each, µs", "wall each, µs",
             "start-up CPU, ms", "peak, MB", "spread")  # fmt: skip
    return table(("", *heads), [_cost(found, one, base) for one in found])


def _cost(found: Sequence[Result], one: Result, base: Result) -> tuple[str, ...]:
    each, wall = figures.per_item(one), figures.wall_per_item(one)
    if one.failed or not each or wall is None:
        return _nothing(one, 7)
    ratio = figures.ratio(found, one.group, one.name, base.name)
    start, memory, spread = figures.start_up(one), figures.memory(one), figures.spread(one)
    return (
        one.name,
        number(ratio),
        f"{1 / each:,.0f}",
        number(each * 1e6),
        number(wall * 1e6),
        "" if start is None else f"{start * 1e3:,.0f}",
        "" if memory is None else f"{memory / 1e6:,.0f}",
        "" if spread is None else f"{spread:.0%}",
    )


def _nothing(one: Result, columns: int) -> tuple[str, ...]:
    """Why there is no figure; never one that was not measured."""
    reason = f"not measured: {plain(one.failed)}" if one.failed else "too little to tell"
    return (one.name, reason, *[""] * (columns - 1))


def _starts(found: Sequence[Result]) -> str:
    rows = []
    for one in found:
        each, wall, memory = (
            figures.per_item(one), figures.wall_per_item(one), figures.memory(one)
        )  # fmt: skip
        if each is None or wall is None or memory is None:
            rows.append(_nothing(one, 4))
            continue
        ratio = figures.ratio(found, one.group, one.name, found[0].name)
        figures_told = (number(ratio), f"{each * 1e3:,.0f}", f"{wall * 1e3:,.0f}")
        rows.append((one.name, *figures_told, f"{memory / 1e6:,.0f}"))
    return table(("", f"× {found[0].name}", "CPU, ms", "wall, ms", "peak, MB"), rows)


def _answers(found: Sequence[Result]) -> str:
    rows = []
    for one in found:
        if one.failed or not one.runs:
            rows.append(_nothing(one, 6))
            continue
        most = [figures.best_said(one, key, most=True) for key in ("batched", "single", "asked")]
        view, loaded = (figures.best_said(one, key, most=False) for key in ("view", "loaded"))
        told = ("–" if view is None else f"{view:.3f}", number(loaded))
        memory = figures.memory(one)
        rows.append(
            (one.name, *map(number, most), *told, "" if memory is None else f"{memory / 1e6:,.0f}")
        )
    heads = ("batched, a CPU-second", "single, a CPU-second", "of the database, a CPU-second",
             "SQL view, ms of CPU each", "loading, s of CPU", "peak, MB")  # fmt: skip
    return table(("", *heads), rows)


def _cores(found: Sequence[Result]) -> str:
    """Wall time to that of the first case, and what the cores cost in CPU and memory."""
    base, rows = found[0], []
    for one in found:
        each, wall = figures.per_item(one), figures.wall_per_item(one)
        faster, memory = figures.wall_ratio(one, base), figures.memory(one)
        if not each or wall is None or memory is None:
            rows.append(_nothing(one, 4))
            continue
        ratio = figures.ratio(found, one.group, one.name, base.name)
        told = (number(faster), number(wall * 1e6), number(ratio), f"{memory / 1e6:,.0f}")
        rows.append((one.name, *told))
    heads = (f"× wall of {base.name}", "wall each, µs", f"× CPU of {base.name}", "peak, MB")
    return table(("", *heads), rows)


def _sql(found: Sequence[Result]) -> str:
    rows = []
    for one in found:
        sql, each = figures.per_item_said(one, "sql"), figures.per_item(one)
        if sql is None or not each:
            rows.append(_nothing(one, 3))
        else:
            rows.append((one.name, f"{sql / each:.0%}", number(sql * 1e6), number(each * 1e6)))
    return table(("", "share of all CPU", "SQL each, µs of CPU", "all each, µs of CPU"), rows)


_WHY_LARGER = """\
Calls and bytes are of all files together: two reads and a log for the package, the rest are pages
of SQLite. Ids are random, so that every row has a place of its own in each index. In a small
catalogue those pages are still in SQLite's cache when they are needed again. In a larger one the
leaves are not, and each index costs a read and a write; in one larger still the level above the
leaves is not either. That is one more page an index for every level of its tree that the cache no
longer holds: the cost grows as the depth of an index does, a step with every factor of ten or more.
Processors know the same steps between their own caches and memory."""
_WHY_WAITING = """\
The folder is listed and put in order once; feeds of few packages that follow each other share a
transaction, up to 64 of them. Each feed then has a catalogue before it that is larger by those that
were taken already, and so costs what Create costs in a larger catalogue."""
_WHY = {
    "growth-create": _WHY_LARGER,
    "growth-update": _WHY_LARGER,
    "growth-waiting": _WHY_WAITING,
}


def _growth(found: Sequence[Result]) -> str:
    """What an item costs at each size, what it reads and writes, and why."""
    rows = []
    for one in found:
        io = figures.io_per_item(one)
        if io is None:
            rows.append(_nothing(one, 4))
        else:
            reads, writes, read, written = io
            rows.append(
                (one.name, number(reads), number(read / 1e3), number(writes), number(written / 1e3))
            )
    heads = ("read calls each", "KB read", "write calls", "KB written")
    return f"{_costs(found)}\n\n{table(('', *heads), rows)}\n\n{_WHY[found[0].group]}"


_TABLES: dict[str, Callable[[Sequence[Result]], str]] = {
    "start": _starts,
    "answers": _answers,
    "sqlite-statements": _sql,
    "growth-create": _growth,
    "growth-update": _growth,
    "growth-waiting": _growth,
}
"""Groups that are told in a way of their own."""


def group_table(results: Sequence[Result], key: str) -> str:
    """One group as a table."""
    told = _cores if key.startswith("cores-") else _TABLES.get(key, _costs)
    return told([one for one in results if one.group == key])


def _disk(sizes: Mapping[int, int]) -> str:
    rows = [
        (f"{tracks:,} tracks", number(size / tracks), f"{size / 1e6:,.0f}")
        for tracks, size in sorted(sizes.items())
    ]
    return table(("", "bytes a track", "MB in all"), rows)


def others() -> str:
    """Who the others are: what each does and does not do, by its own docstring."""
    parts = []
    for pins in sorted(PEERS.glob("*.txt")):
        tree = ast.parse(pins.with_suffix(".py").read_text())
        first, _, rest = (ast.get_docstring(tree) or "").partition("\n\n")
        text = " ".join(f"{first} {rest}".split())
        parts.append(f"- {text} ({versions(pins.stem)})")
    return "\n".join(parts)


def written(kept: Mapping[str, Any], chart: str = "") -> str:
    """The whole page of what a run has kept; ``chart`` is the name of the picture beside it."""
    results = [Result.of(row) for row in kept["results"]]
    disk = {int(tracks): size for tracks, size in kept["disk"].items()}
    found = Found(results, disk)
    goals = table(
        ("", "goal", "measured", ""), [goal.row(found) for goal in GOALS], text=True
    )  # fmt: skip
    titles = kept["titles"]
    parts = [_HEAD.format(**kept, date=kept["machine"]["date"])]
    if chart:
        parts.append(f"![CPU of the same work, beside the floor and others]({chart})")
    parts += [f"## Goals\n\n{_GOALS}\n\n{goals}", f"## Measured\n\n{_READ}"]
    parts += [f"### {titles[key]}\n\n{group_table(results, key)}" for key in groups(results)]
    if disk:
        parts.append(f"### Catalogues on disk\n\n{_disk(disk)}")
    parts.append(f"## Who the others are\n\n{_OTHERS}\n\n{others()}")
    rows = [(name, value) for name, value in kept["machine"].items()]
    parts.append("## Where this was measured\n\n" + table(("", ""), rows, text=True))
    return "\n\n".join(parts) + "\n"


_HEAD = """\
# Performance

How fast is feedengine, how far from the floor, how far ahead of what else there is, and how does
its cost grow? `make bench` has measured this and written this page: {date}, size `{size}`,
{tracks:,} tracks in the catalogue beforehand, {countries} countries in every list, seed {seed}.
It does the same on your machine. Ratios come first: they hold elsewhere, seconds do not."""

_GOALS = """\
What the project wants to be held to. Each figure comes from the tables below; what is compared was
run side by side. Goals a CPU-second, or in microseconds, were set on a machine on which xml2db did
2,900 packages a CPU-second and a SQLModel loader 330: the tables tell how this one compares."""

_READ = """\
The *floor* reads, hashes, parses and validates each package, and writes the rows that it leaves
behind: catalogue, history, ledger. It decides nothing, extracts nothing and asks nothing. It is a
script of its own, frozen; a faster engine cannot move it. *With logs* it also writes the file that
the protocol wants beside each package. For plays the floor decodes and encodes Parquet.

Every figure is the least of its runs, which take turns. *CPU each* is what one more item costs: the
difference between a large and a small run, in user and system time, on PostgreSQL with the
server's. *Start-up* is what is left. *Spread* says how far the runs of one case lie apart: where it
is large, the machine had other things to do. Wall time says little on such a machine.

*Both cores* says how much of the wall time is left when the engine may use all cores, and what that
costs in CPU and memory. It says something on a quiet machine alone, and beside what is left for two
processes of plain Python there, which calculate and do nothing else: half, if cores share nothing.
Everywhere else plays are judged on one core, since CPU is compared.

Packages are lifelike: tracks of two to three kilobytes with links, references and a list of
countries, releases with a street date for each country, artists, labels. Of Updates nine in ten
are of a track. Ids are random."""

_OTHERS = """\
Each is installed on demand, in an environment of its own, with these versions. Each does as much of
the same work as it can. None does all of it:"""
