"""Plays: judged, and later prepared and delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from feedengine.cli import output
from feedengine.cli.options import NO_PLAYS, AsJson, Limit, PlayFlags, Root, chosen, switch
from feedengine.cli.parameters import Parameter
from feedengine.cli.validating import root_for

if TYPE_CHECKING:
    from feedengine.plays.frames import Counts
    from feedengine.plays.judging import Judged
    from feedengine.plays.sources import Meter

Inputs: TypeAlias = Annotated[
    list[str],
    Parameter(
        name="IN",
        help="Files, folders, or - for standard input.",
    ),
]
Form: TypeAlias = Annotated[
    Literal["receipts", "endpoint", "playlist"],
    Parameter(name="--format", help="For which recipient."),
]
Input: TypeAlias = Annotated[
    str | None,
    Parameter(name="--input", help="What the inputs are, whatever their names: csv, jsonl.gz, …"),
]
Now: TypeAlias = Annotated[
    str | None, Parameter(help="Judge as of this instant: 2022-10-30T11:12:00Z.")
]


def check(
    inputs: Inputs,
    /,
    *,
    form: Form = "receipts",
    kind: Input = None,
    now: Now = None,
    list_: Annotated[Limit, Parameter(name="--list")] = 20,
    no_catalogue: Annotated[bool, switch("Judge by the format alone.")] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlayFlags = NO_PLAYS,
) -> int:
    """Judge plays; exits 1 when rows are refused."""
    from feedengine.plays.checking import check as checked

    site = chosen(root or root_for([Path(one) for one in inputs], needed=False), settings)
    refused = _Refused(list_)
    if not no_catalogue:
        output.notice(
            "note: judged by the format alone; no catalogue is asked (L2, L3, L6, L10-L13)"
        )
    with _bar() as told:

        def heard(one: Judged, meter: Meter) -> None:
            refused.add(one)
            told(one, meter)

        counts = checked(inputs, site, form=form, kind=kind, now=now, told=heard)
    if as_json:
        output.document(counts._asdict())
    else:
        _print(counts, refused)
    return 1 if counts.rejected else 0


class _Refused:
    """The first refused rows with their reasons, for people."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.rows: list[tuple[str, str]] = []

    def add(self, one: Judged) -> None:
        """Keep what there is room for."""
        if len(self.rows) >= self.most or not one.verdict.rejected.any():
            return
        from feedengine.plays.results import rejected_rows

        found = rejected_rows(one.verdict).slice(0, self.most - len(self.rows))
        for row in found.select(["source", "row", "reasons"]).to_pylist():
            self.rows.append((f"{row['source']}:{row['row']}", ", ".join(row["reasons"])))


def _print(counts: Counts, refused: _Refused) -> None:
    """The sum for people: refused rows, then rows by rule, column and warning."""
    from feedengine.plays.rules import RULES

    if refused.rows:
        output.table(("refused", "because"), refused.rows)
        if counts.rejected > len(refused.rows):
            output.line(f"… and {counts.rejected - len(refused.rows)} more; see --list")
        output.line()
        rows = [
            (name, many, RULES[name].says, RULES[name].cure)
            for name, many in counts.reasons.items()
        ]
        output.table(("rule", "rows", "meaning", "cure"), rows)
        output.line()
    for title, found in (("filled", counts.filled), ("warnings", counts.warnings)):
        if found:
            output.line(f"{title}: " + ", ".join(f"{name} {many}" for name, many in found.items()))
    said = f"rows: {counts.rows}, accepted: {counts.accepted}, rejected: {counts.rejected}"
    more = f", already delivered: {counts.already_delivered}" if counts.already_delivered else ""
    output.line(said + more)


@contextmanager
def _bar() -> Iterator[Callable[[Judged, Meter], None]]:
    """A progress bar over the bytes of the inputs."""
    with output.reading() as told:
        rows = 0

        def heard(one: Judged, meter: Meter) -> None:
            nonlocal rows
            rows += one.verdict.raw.num_rows
            told(rows, meter.done, meter.total)

        yield heard
