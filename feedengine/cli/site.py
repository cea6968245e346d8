"""The site: making it, running it, how it stands, how it is set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli import output
from feedengine.cli.options import (
    EVERY_UNSET,
    NO_FLAGS,
    NO_PLACES,
    AsJson,
    EveryFlag,
    Flags,
    PlaceFlags,
    Root,
    given,
    opened,
)

if TYPE_CHECKING:
    from feedengine.engine import Engine
    from feedengine.runner import Result

RUNS_SHOWN = 40
"""So many runs in the table at the end; those that did not succeed come first."""

_REFUSED = frozenset({"failed", "partial", "held"})


def init(root: Root = None, *, as_json: AsJson = False, settings: PlaceFlags = NO_PLACES) -> int:
    """Make a site at ROOT, FEEDENGINE_ROOT or the current folder."""
    from feedengine.config import FILE, PREFIX, masked
    from feedengine.engine import Engine

    folder = root or Path(os.environ.get(f"{PREFIX}ROOT") or Path.cwd())
    with Engine.init(folder, **given(settings)) as engine:
        made = engine.settings
    answer = {
        "root": str(made.root),
        "feeds": str(made.feeds),
        "stack": str(made.stack),
        "settings": str(made.root / FILE),
        "database": masked(made.database),
    }
    if as_json:
        output.document(answer)
    else:
        output.pairs(answer)
    return 0


def run(root: Root = None, *, as_json: AsJson = False, settings: Flags = NO_FLAGS) -> int:
    """Apply what is on the Stack, then say what became of it."""
    with opened(root, settings) as engine:
        with output.progress() as (told, said):
            result = engine.run(told, said)
        summary = _summary(engine, result)
    if as_json:
        output.document(summary)
    else:
        _print_summary(summary)
    if result.unlogged:
        output.notice(
            f"warning: logs that could not be written: {result.unlogged};"
            " the ledger has all that they would say"
        )
    refused = any(one.status in _REFUSED for one in result.runs)
    return 1 if refused or result.waiting else 0


def _summary(engine: Engine, result: Result) -> dict[str, Any]:
    from feedengine.asking import run_row

    numbers = ("packages", "applied", "failed", "skipped")
    return {
        **{name: sum(getattr(one, name) for one in result.runs) for name in numbers},
        "runs": [run_row(one) for one in result.runs],
        "waiting": [one._asdict() for one in result.waiting],
        "unlogged": result.unlogged,
        "most_frequent": engine.most_frequent([one.id for one in result.runs]),
    }


def _print_summary(summary: dict[str, Any]) -> None:
    runs, waiting = summary["runs"], summary["waiting"]
    if not runs and not waiting:
        output.line("nothing is on the Stack")
        return
    refused = [one for one in runs if one["status"] in _REFUSED]
    if runs:
        listed = runs
        if len(runs) > RUNS_SHOWN:
            others = [one for one in runs if one["status"] not in _REFUSED]
            listed = [*refused, *others][:RUNS_SHOWN]
        columns = ("feed", "client", "status", "packages", "applied", "failed", "skipped")
        named = ({**one, "feed": one["feed_path"] or one["stack_entry"]} for one in listed)
        output.records(columns, named)
        if len(listed) < len(runs):
            output.line(f"… and {len(runs) - len(listed)} more; all: feedengine feeds")
    if waiting:
        output.line()
        output.line("waiting:")
        output.records(("name", "client", "reason"), waiting)
    if summary["most_frequent"]:
        output.line()
        output.records(("findings", "severity", "code"), summary["most_frequent"])
        look = refused or [one for one in runs if one["packages"]] or runs
        output.line()
        output.line(f"look next: feedengine findings --run {look[0]['id']}")


def status(root: Root = None, *, as_json: AsJson = False, settings: PlaceFlags = NO_PLACES) -> int:
    """How things stand."""
    from feedengine.cli.plays_inbox import shown

    with opened(root, settings) as engine:
        found = engine.status()
    if as_json:
        output.document(found)
        return 0
    queue, last = found["queue"], found["last_run"]
    oldest = queue["oldest"]
    since = (
        f" (oldest: {oldest['entry']}, {output.lasting(oldest['age_seconds'])})" if oldest else ""
    )
    change = found["last_change"]
    output.pairs(
        {
            "site": found["root"],
            "waiting": f"{queue['waiting']}{since}",
            "running": _running(found["turn"]),
            "held": len(found["held"]),
            "last run": f"{last['id']}, {last['status']}, {last['started_at'][:19]}Z"
            if last
            else "none",
            "last change": f"{change['seq']}, {change['changed_at'][:19]}Z" if change else "none",
            "objects": ", ".join(f"{name} {count}" for name, count in found["objects"].items()),
            "plays": shown(found["plays"]),
        }
    )
    if found["held"]:
        output.line()
        output.line("held; let one through with: feedengine feed release ID")
        output.records(("id", "feed_path", "client", "started_at"), found["held"])
    if found["clients"]:
        output.line()
        output.records(("client", "runs", "last_run", "last_started"), found["clients"])
    return 0


def _running(turn: dict[str, Any] | None) -> str:
    """Whether a run or a watcher takes entries, and who, where the database knows."""
    if turn is None:
        return "no"
    return f"yes ({turn['holder']}, since {turn['since'][:19]}Z)" if turn["holder"] else "yes"


def config(root: Root = None, *, as_json: AsJson = False, settings: EveryFlag = EVERY_UNSET) -> int:
    """Each setting with where it came from; secrets are masked."""
    from feedengine.config import origins

    found = [one._asdict() for one in origins(root, **given(settings))]
    for one in found:
        one["value"] = str(one["value"]) if isinstance(one["value"], Path) else one["value"]
    if as_json:
        output.document({"settings": found})
    else:
        rows = ({**one, "value": output.spoken(one["value"])} for one in found)
        output.records(("name", "value", "origin", "description"), rows)
    return 0
