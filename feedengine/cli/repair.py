"""What an operator does about feeds that went wrong: take them again, take them back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from feedengine.cli import output
from feedengine.cli.options import (
    NO_PLACES,
    AsJson,
    PlaceFlags,
    Root,
    RunNumber,
    opened,
    switch,
)
from feedengine.cli.parameters import Number, Parameter

if TYPE_CHECKING:
    from feedengine.undoing import DependsError, Undone

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


def feed_undo(
    run: RunNumber,
    /,
    *,
    dry_run: Annotated[bool, switch("Only say what would be done.")] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """H2: every change of a run is taken back, which is itself a change."""
    from feedengine.undoing import DependsError

    with opened(root, settings) as engine:
        try:
            done = engine.undo(run, dry=dry_run)
        except DependsError as error:
            return _print_dependents(error, as_json=as_json)
    if as_json:
        output.document(_undone(done))
    else:
        _print_undone(done)
    return 0


def _undone(done: Undone) -> dict[str, Any]:
    from feedengine.asking import run_row

    return {
        "undoes": done.undoes.id,
        "run": None if done.run is None else run_row(done.run),
        "changes": [
            {"entity": entity, "action": action, "count": count}
            for (entity, action), count in done.changes.items()
        ],
    }


def _print_undone(done: Undone) -> None:
    number, feed = done.undoes.id, done.undoes.feed_path
    if done.changes:
        found = _undone(done)["changes"]
        output.records(("count", "entity", "action"), found)
        output.line()
    if done.run is None:
        output.line(f"an undo of run {number} ({feed}) would do this; nothing is done")
    else:
        output.line(f"run {number} ({feed}) is undone by run {done.run.id}")


def _print_dependents(error: DependsError, *, as_json: bool) -> int:
    """What stands in the way: on standard output, as it is the answer."""
    found = [one._asdict() for one in error.dependents]
    if as_json:
        told = {"message": error.message, "hint": error.hint, "status": error.exit_status}
        output.document({"error": told, "dependents": found, "total": error.total})
    else:
        output.records(("entity", "entity_id", "seq", "run", "why"), found)
        if error.total > len(found):
            output.line(f"… and {error.total - len(found)} more")
    return output.error(error.message, error.hint, error.exit_status, as_json=False)
