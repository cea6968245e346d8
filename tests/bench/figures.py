"""From runs to figures: what an item costs, how steady that is, and ratios in the same run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.cases import Result


def best(result: Result, many: int) -> float:
    """The least CPU (seconds, server included) of the runs with so many items.

    Whatever else a machine does can only add to it.
    """
    return min(one.cpu + one.server for one in result.runs[many])


def per_item(result: Result) -> float | None:
    """Seconds of CPU that one more item costs: the slope between the two amounts."""
    if result.failed or not result.runs:
        return None
    many = sorted(result.runs)
    if len(many) == 1:
        return best(result, many[0]) / many[0]
    few, most = many[0], many[-1]
    return max(best(result, most) - best(result, few), 0.0) / (most - few)


def start_up(result: Result) -> float | None:
    """Seconds of CPU before the first item: what is left when the items are taken off."""
    each = per_item(result)
    if each is None or len(result.runs) < 2:
        return None
    few = min(result.runs)
    return max(best(result, few) - each * few, 0.0)


def spread(result: Result) -> float | None:
    """How far the runs with the most items lie apart, as a share of the best; None: of one run."""
    if result.failed or not result.runs:
        return None
    many = max(result.runs)
    found = [one.cpu + one.server for one in result.runs[many]]
    if len(found) < 2:
        return None
    return (max(found) - min(found)) / min(found)


def memory(result: Result) -> int | None:
    """The peak memory, bytes, with the most items; the least of the runs."""
    if result.failed or not result.runs:
        return None
    return min(one.memory for one in result.runs[max(result.runs)])


def wall_per_item(result: Result) -> float | None:
    """Seconds that one more item takes; on a busy machine this says little."""
    if result.failed or not result.runs:
        return None
    many = sorted(result.runs)
    least = [min(one.wall for one in result.runs[at]) for at in many]
    if len(many) == 1:
        return least[0] / many[0]
    return max(least[-1] - least[0], 0.0) / (many[-1] - many[0])


def io_per_item(result: Result) -> list[float] | None:
    """Read calls, write calls, bytes read and bytes written that one more item adds."""
    if result.failed or len(result.runs) < 2:
        return None
    few, most = min(result.runs), max(result.runs)
    told = [[one.io for one in result.runs[many] if one.io is not None] for many in (few, most)]
    if not all(told):
        return None
    least = [[min(numbers) for numbers in zip(*some, strict=True)] for some in told]
    return [max(much - little, 0) / (most - few) for little, much in zip(*least, strict=True)]


def wall_ratio(one: Result, base: Result) -> float | None:
    """How many times the wall time of another case one item takes."""
    mine, other = wall_per_item(one), wall_per_item(base)
    return None if mine is None or not other else mine / other


def named(results: Iterable[Result], group: str, name: str) -> Result | None:
    """The result of a case, where it was measured."""
    return next((one for one in results if (one.group, one.name) == (group, name)), None)


def ratio(results: Iterable[Result], group: str, name: str, to: str) -> float | None:
    """How many times the CPU of another case one item costs; both from the same run."""
    found = list(results)
    mine, other = named(found, group, name), named(found, group, to)
    if mine is None or other is None:
        return None
    cost, base = per_item(mine), per_item(other)
    return None if cost is None or not base else cost / base


def per_item_said(result: Result, key: str) -> float | None:
    """What one more item adds to a number that the process itself has told."""
    if result.failed or len(result.runs) < 2:
        return None
    few, most = min(result.runs), max(result.runs)
    least = [min(float(one.said[key]) for one in result.runs[many]) for many in (few, most)]
    return max(least[1] - least[0], 0.0) / (most - few)


def best_said(result: Result, key: str, *, most: bool) -> float | None:
    """The best of the numbers that the runs have told: the greatest, or the least; or None."""
    runs = result.runs[max(result.runs)] if result.runs else ()
    found = [float(one.said[key]) for one in runs if one.said[key] is not None]
    return (max if most else min)(found, default=None)
