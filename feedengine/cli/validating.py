"""Validation: packages, feeds and Stack entries judged, nothing applied."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from feedengine.cli import output
from feedengine.cli.options import NO_FLAGS, AsJson, Flags, Root, chosen, switch
from feedengine.cli.parameters import Parameter
from feedengine.config import PREFIX, find_root
from feedengine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feedengine.config import Settings
    from feedengine.validating import Validated


def validate(
    path: Annotated[list[Path], Parameter(help="Packages, feeds' folders or Stack entries.")],
    /,
    *,
    against_catalogue: Annotated[
        bool, switch("Try the actions too, dry, and print the plan.")
    ] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: Flags = NO_FLAGS,
) -> int:
    """Judge each PATH; exits 1 when there are errors."""
    from feedengine.validating import validated

    site = chosen(root or root_for(path, needed=against_catalogue), settings)
    with ExitStack() as until:
        against = None
        if against_catalogue:
            from feedengine.engine import Engine

            against = until.enter_context(Engine(site))
        found = validated(path, site, against=against)
        if as_json:
            results = list(found)
            output.document(_document(results))
            return 1 if _counts(results)["error"] else 0
        return _told(found)


def root_for(paths: Sequence[Path], *, needed: bool) -> Path | None:
    """The site of the current folder, else of the first path; None where a variable names it.

    Packages can be judged without one: unless it is ``needed``, the current folder will do.
    """
    if f"{PREFIX}ROOT" in os.environ:
        return None
    for start in (Path.cwd(), paths[0].absolute().parent):
        with suppress(UsageError):
            return find_root(start)
    return None if needed else Path.cwd()


def refused(paths: Sequence[Path], settings: Settings, *, as_json: bool) -> bool:
    """Whether these have errors; what was found is printed where they have."""
    from feedengine.validating import validate as judged

    results = judged(paths, settings)
    if not _counts(results)["error"]:
        return False
    if as_json:
        output.document(_document(results))
    else:
        _told(results)
    return True


def _counts(results: Iterable[Validated]) -> Counter[str]:
    return Counter(found.severity for one in results for found in one.findings)


def _document(results: list[Validated]) -> dict[str, Any]:
    """The results for machines; a finding has the keys of the ledger."""
    counts = _counts(results)
    return {
        "errors": counts["error"],
        "warnings": counts["warning"],
        "validated": [
            {
                "path": one.path,
                "kind": one.kind,
                "findings": [_finding(found._asdict()) for found in one.findings],
                "plan": one.plan,
            }
            for one in results
        ],
    }


def _finding(values: dict[str, Any]) -> dict[str, Any]:
    return {"col" if name == "column" else name: value for name, value in values.items()}


def _told(results: Iterable[Validated]) -> int:
    """The results for people: what has findings or a plan, then the sum; the exit status."""
    from feedengine.feeds.outcome import line_of

    counts: Counter[str] = Counter()
    for one in results:
        counts[one.kind] += 1
        counts.update(found.severity for found in one.findings)
        if one.findings or one.plan:
            output.line(f"{one.kind} {one.path}")
        for found in one.findings:
            output.line(f"  {line_of(found)}")
        for step in one.plan:
            output.line(f"  would {step}")
    kinds = ", ".join(f"{many}: {counts[kind]}" for kind, many in _KINDS if counts[kind])
    output.line(f"{kinds}; errors: {counts['error']}, warnings: {counts['warning']}")
    return 1 if counts["error"] else 0


_KINDS = (("entry", "entries"), ("feed", "feeds"), ("package", "packages"))
