"""Judging plays without sending them: ``feedengine plays check`` and its Python API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from feedengine.beside import beside
from feedengine.errors import UsageError, quoted
from feedengine.plays.examples import Examples
from feedengine.plays.job import NOBODY, Consulted, job_for
from feedengine.plays.judging import Judged, Sum, judged
from feedengine.plays.moments import instant_of, micros_of
from feedengine.plays.report import About, report
from feedengine.plays.results import Results, write_report, write_summary
from feedengine.plays.sources import Meter, sources

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.plays.frames import Counts, FormatName
    from feedengine.plays.sums import Summary


def check(
    inputs: Sequence[str | Path],
    settings: Settings,
    *,
    form: FormatName = "receipts",
    kind: str | None = None,
    now: str | int | None = None,
    consulted: Consulted = NOBODY,
    out: Path | None = None,
    told: Callable[[Judged, Meter], None] = lambda _one, _meter: None,
) -> Counts:
    """Judge plays against a format, and against the catalogue where one is consulted.

    ``inputs`` are files, folders or ``-``; ``kind`` stands for their extensions; ``now`` is the
    instant of judgement, ISO 8601 or microseconds since 1970 UTC. ``consulted`` is what
    `consulting.consulted` gives. ``out`` takes accepted.parquet, rejected.parquet, summary.json and
    report.html. ``told`` hears of every batch. Raises `UsageError` and `ServiceError`.
    """
    how = How(form, kind, now, consulted, out)
    return summarise(inputs, settings, how, told).counts


class How(NamedTuple):
    """How plays are judged: the arguments of `check`."""

    form: FormatName = "receipts"
    kind: str | None = None
    now: str | int | None = None
    consulted: Consulted = NOBODY
    out: Path | None = None


def summarise(
    inputs: Sequence[str | Path],
    settings: Settings,
    how: How,
    told: Callable[[Judged, Meter], None] = lambda _one, _meter: None,
) -> Summary:
    """As `check`; gives the sums by day and country too."""
    found = sources([str(one) for one in inputs], how.kind)
    job = job_for(settings, how.form, micros(how.now), how.consulted)
    total, meter = Sum(job.terms.now), Meter(found)
    others = beside(settings.play_processes)
    if how.out is None:
        for one in judged(found, job, meter, others, rows=False):
            total.add(one)
            told(one, meter)
        return total.summary()
    examples = Examples()
    with Results(how.out, job.form) as results:
        for one in judged(found, job, meter, others):
            total.add(one)
            results.add(one.verdict)
            examples.add(one.verdict)
            told(one, meter)
    summary = total.summary()
    names = tuple(str(one) for one in inputs)
    about = About(job.form, job.terms.now, names, how.consulted.seq, how.consulted.notes)
    write_summary(how.out, summary)
    write_report(how.out, report(summary, about, examples.found))
    return summary


def micros(now: str | int | None) -> int:
    """The instant of judgement in microseconds since 1970 UTC."""
    if isinstance(now, int):
        return now
    if now is None:
        return micros_of(datetime.now(UTC))
    found = instant_of(now)
    if found is None:
        raise UsageError(f"{quoted(now)} is no instant", "write it as 2022-10-30T11:12:00Z")
    return found
