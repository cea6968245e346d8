"""The page: tables of ratios first, and what they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench import figures
from bench.cases import groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.cases import Result

Table = tuple["Sequence[str]", "Sequence[Sequence[str]]"]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right: all columns but the first."""
    rule = [":--", *["--:"] * (len(heads) - 1)]
    lines = (heads, rule, *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def group_table(results: Sequence[Result], key: str) -> str:
    """One group: ratios to its first case, then what they come from."""
    found = [one for one in results if one.group == key]
    base = found[0]
    heads = ("", f"× {base.name}", f"{base.unit}s a CPU-second", "CPU each, µs", "wall each, µs",
             "start-up CPU, ms", "peak, MB", "spread")  # fmt: skip
    return table(heads, [_row(results, one, base) for one in found])


def _row(results: Sequence[Result], one: Result, base: Result) -> tuple[str, ...]:
    if one.failed:
        return (one.name, f"not measured: {plain(one.failed)}", *[""] * 6)
    each, wall = figures.per_item(one), figures.wall_per_item(one)
    if not each or wall is None:
        return (one.name, "too little to tell", *[""] * 6)
    ratio = figures.ratio(results, one.group, one.name, base.name)
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


def written(kept: Mapping[str, Any], results: Sequence[Result], titles: Mapping[str, str]) -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(size=kept["size"])]
    parts += [f"### {titles[key]}\n\n{group_table(results, key)}" for key in groups(results)]
    rows = [(name, value) for name, value in kept["machine"].items()]
    parts.append("## Where this was measured\n\n" + table(("", ""), rows))
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
# Performance

`make bench` has written this page (size: {size}). Ratios come first: they hold on other machines
better than seconds do."""
