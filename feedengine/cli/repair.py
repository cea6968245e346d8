"""What an operator does about feeds that went wrong: take them again, take them back."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from feedengine.cli import output
from feedengine.cli.options import NO_PLACES, AsJson, PlaceFlags, Root, opened

SHOWN = 40
"""So many retries in the table; the others are counted."""

_SAID = {
    "waiting": "waiting on the Stack already",
    "held": "held; see feed release",
    "running": "running now",
    "gone": "its entry is no longer in Stack/failed",
}
"""What is told of a retry that was not queued."""


def feed_retry(
    run: Annotated[
        list[int] | None, Parameter(help="Runs' numbers.", validator=Number(gte=1, lte=2**63 - 1))
    ] = None,
    /,
    *,
    code: Annotated[str | None, Parameter(help="What failed with this code alone.")] = None,
    client: Annotated[str | None, Parameter(help="Feeds of this client alone.")] = None,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """P9: what failed is taken again."""
    with opened(root, settings) as engine:
        found = [one._asdict() for one in engine.retry(*(run or ()), code=code, client=client)]
    if as_json:
        output.document({"retries": found})
    else:
        _print_retries(found)
    refused = run and any(one["state"] in {"gone", "held"} for one in found)
    return 1 if refused else 0


def _print_retries(found: list[dict[str, Any]]) -> None:
    if not found:
        output.line("nothing to retry")
        return
    rows = (
        {
            **one,
            "feed": one["feed_path"] or one["stack_entry"],
            "packages": "all" if one["packages"] is None else one["packages"],
            "state": _SAID.get(one["state"], one["state"]),
        }
        for one in found[:SHOWN]
    )
    output.records(("retry_of", "run", "feed", "client", "packages", "state"), rows)
    if len(found) > SHOWN:
        output.line(f"… and {len(found) - SHOWN} more")
    states = Counter(one["state"] for one in found)
    output.line()
    output.line(", ".join(f"{count} {state}" for state, count in states.most_common()))
    if states["queued"]:
        output.line("`feedengine run` takes them")
