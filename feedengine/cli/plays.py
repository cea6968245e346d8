"""Plays: judged, and later prepared and delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from feedengine.cli import output
from feedengine.cli.options import NO_PLAYS, AsJson, Limit, PlayFlags, Root, chosen, switch
from feedengine.cli.parameters import Parameter
from feedengine.cli.validating import root_for

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.plays.frames import Counts, FormatName
    from feedengine.plays.job import Consulted
    from feedengine.plays.judging import Judged
    from feedengine.plays.sources import Meter
    from feedengine.plays.sums import Came, Summary

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
To: TypeAlias = Annotated[
    Literal["s3", "endpoint", "folder"] | None,
    Parameter(help="The way out; s3 when a bucket is set and nothing is said."),
]
NoAvailability: TypeAlias = Annotated[
    bool, switch("Leave out whether tracks were available where they were played (L12).")
]


def check(
    inputs: Inputs,
    /,
    *,
    form: Form = "receipts",
    kind: Input = None,
    now: Now = None,
    list_: Annotated[Limit, Parameter(name="--list")] = 20,
    to: To = None,
    no_availability: NoAvailability = False,
    no_catalogue: Annotated[bool, switch("Judge by the format alone.")] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlayFlags = NO_PLAYS,
) -> int:
    """Judge plays; exits 1 when rows are refused."""
    from feedengine.plays.checking import How, summarise

    site = chosen(root or root_for([Path(one) for one in inputs], needed=False), settings)
    refused = Refused(list_)
    alone = no_catalogue or (root is None and not site.has_catalogue)
    with _asked(site, form, to, alone=alone, availability=not no_availability) as who:
        for note in () if no_catalogue else who.notes:
            output.notice(f"note: {note}")
        with bar(refused) as told:
            summary = summarise(inputs, site, How(form, kind, now, who), told)
    counts = summary.counts
    if as_json:
        output.document(counts._asdict())
    else:
        shown(counts, refused, summary)
    return 1 if counts.rejected else 0


@contextmanager
def _asked(
    site: Settings, form: FormatName, to: Any, *, alone: bool, availability: bool
) -> Iterator[Consulted]:
    """The site's catalogue and ledger; the format alone where there are none."""
    from feedengine.plays.job import FORMAT_ALONE, Consulted

    if alone:
        yield Consulted(notes=(FORMAT_ALONE,))
        return
    from feedengine.engine import Engine
    from feedengine.plays.consulting import consulted
    from feedengine.plays.deliver import way_known

    with Engine(site) as engine:
        way = way_known(site, to, form)
        with consulted(site, engine.database, form, way=way, availability=availability) as who:
            yield who


class Refused:
    """The first refused rows with their reasons, for people."""

    def __init__(self, most: int) -> None:
        """Keep so many."""
        self.most = most
        self.rows: list[tuple[str, str]] = []

    def add(self, one: Judged) -> None:
        """Keep what there is room for."""
        if len(self.rows) >= self.most or not one.verdict.rejected.any():
            return
        from feedengine.plays.results import rejected_places

        found = rejected_places(one.verdict).slice(0, self.most - len(self.rows))
        for row in found.to_pylist():
            self.rows.append((f"{row['source']}:{row['row']}", ", ".join(row["reasons"])))


def shown(counts: Counts, refused: Refused, summary: Summary | None = None) -> None:
    """The sum for people: refused rows, then rows by rule, day, country, column and warning."""
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
    if summary is not None:
        _spread("day", list(summary.by_day.items()), refused.most)
        countries = sorted(summary.by_country.items(), key=lambda one: (-one[1].rows, one[0]))
        _spread("country", countries[::-1], refused.most)
    matched = {} if summary is None else summary.matched
    sums = (("filled", counts.filled), ("matched", matched), ("warnings", counts.warnings))
    for title, found in sums:
        if found:
            output.line(f"{title}: " + ", ".join(f"{name} {many}" for name, many in found.items()))
    said = f"rows: {counts.rows}, accepted: {counts.accepted}, rejected: {counts.rejected}"
    more = f", already delivered: {counts.already_delivered}" if counts.already_delivered else ""
    output.line(said + more)


def _spread(kind: str, found: list[tuple[str, Came]], most: int) -> None:
    """Rows by day or country, the last ``most`` of them first; nothing where there is only one."""
    if len(found) < 2:
        return
    outcomes = ["accepted", "rejected"]
    if any(came.already_delivered for _, came in found):
        outcomes.append("already_delivered")
    rows = [(name, *(getattr(came, one) for one in outcomes)) for name, came in found[-most:]]
    output.table((kind, *(one.replace("_", " ") for one in outcomes)), rows[::-1])
    if len(found) > most:
        output.line(f"… and {len(found) - most} more; see --list")
    output.line()


@contextmanager
def bar(refused: Refused) -> Iterator[Callable[[Judged, Meter], None]]:
    """A progress bar over the bytes of the inputs; refused rows are kept to be shown."""
    import pyarrow as pa

    # Arrow's own pool keeps what is free and asks the kernel for it page by page: for batches that
    # come and go the system's takes a tenth less memory, and less time.
    pa.set_memory_pool(pa.system_memory_pool())
    with output.reading() as told:
        rows = 0

        def heard(one: Judged, meter: Meter) -> None:
            nonlocal rows
            rows += one.verdict.raw.num_rows
            refused.add(one)
            told(rows, meter.done, meter.total)

        yield heard
