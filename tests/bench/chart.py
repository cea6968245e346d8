"""The chart: CPU of the same work beside the floor and others, as SVG.

Drawn by altair and vl-convert in an environment of their own (``chart.txt``), like a peer's: nobody
else needs them. Run as a script it draws what it is given on standard input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_WIDTH = 420


def draw(folder: Path, target: Path) -> str:
    """Draw the results that are kept in ``folder``; gives the name of the picture.

    Raises `FailedError` where the library cannot be had, or fails.
    """
    from bench.cases import Result
    from bench.environment import python_of
    from bench.measure import FailedError

    kept = json.loads((folder / "results.json").read_text())
    panels = _panels([Result.of(row) for row in kept["results"]], kept["titles"])
    if not panels:
        raise FailedError("nothing to draw")
    ended = subprocess.run(
        [python_of(folder, "chart"), __file__, target],
        input=json.dumps(panels),
        text=True,
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        raise FailedError(ended.stderr[-300:])
    return target.name


def _panels(results: list[Any], titles: dict[str, str]) -> list[dict[str, Any]]:
    """A panel for each group that has a floor, with the ratios of its cases."""
    from bench import figures
    from bench.cases import groups

    found = []
    for key in groups(results):
        cases = [one for one in results if one.group == key]
        if cases[0].name != "floor":
            continue
        bars = []
        for one in cases:
            ratio = figures.ratio(cases, key, one.name, "floor")
            if ratio:
                bars.append({"name": one.name, "ratio": ratio, "told": f"{ratio:.1f} ×"})
        if len(bars) > 1:
            found.append({"title": titles[key], "bars": bars})
    return found


def main() -> None:
    """Draw, in the environment that has the library."""
    import altair as alt

    panels = json.load(sys.stdin)
    most = max(bar["ratio"] for panel in panels for bar in panel["bars"])
    domain = [0.5, most * 1.6]
    drawn = []
    for panel in panels:
        order = [bar["name"] for bar in panel["bars"]]
        base = alt.Chart(alt.Data(values=panel["bars"])).encode(
            y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X(
                "ratio:Q",
                title="CPU, times the floor's (logarithmic)",
                scale=alt.Scale(type="log", domain=domain),
            ),
            color=alt.condition(
                "indexof(datum.name, 'feedengine') == 0", alt.value("#0b6e8f"), alt.value("#9aa5ad")
            ),
        )
        bars = base.mark_bar().encode(x2=alt.datum(domain[0]))
        words = base.mark_text(align="left", dx=4, color="#222").encode(
            text="told:N", color=alt.value("#222")
        )
        drawn.append(
            alt.layer(bars, words).properties(
                title=panel["title"], width=_WIDTH, height=22 * len(order)
            )
        )
    picture = alt.vconcat(*drawn).resolve_scale(x="shared").configure(background="white")
    picture.configure_title(anchor="start").save(sys.argv[1])


if __name__ == "__main__":
    main()
