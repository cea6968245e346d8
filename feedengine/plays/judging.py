"""A run of plays: intake, enrichment, look-up and judgement, a batch after the other.

Nothing is written here; `results` writes what came of it. The same inputs, catalogue, settings and
``now`` give the same verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from feedengine.plays.enrich import Fills, enrich
from feedengine.plays.frames import (
    FAULT,
    Catalogue,
    Counts,
    FormatName,
    Looked,
    Mask,
    Masks,
    Verdict,
)
from feedengine.plays.gather import Naming, of_stream
from feedengine.plays.intake import read
from feedengine.plays.judge import Terms, good, judge
from feedengine.plays.reports import FORMATS, Format
from feedengine.plays.rules import RULE_ORDER
from feedengine.plays.seen import Numbers, Seen, Standing
from feedengine.plays.sources import Meter, Source
from feedengine.plays.stations import StationClock
from feedengine.plays.sums import Countries, Days, Summary, outcomes
from feedengine.plays.texts import Words, given

if TYPE_CHECKING:
    import pyarrow as pa

    from feedengine.config import Settings

Delivered: TypeAlias = Callable[[Words, Words], Mask]
"""Which ids, given by their halves, this way out has delivered already."""


class Consulted(NamedTuple):
    """Who is asked besides: the catalogue, as of its change ``seq``, and what has left already.

    ``notes`` say, for people, what is not asked.
    """

    catalogue: Catalogue | None = None
    delivered: Delivered | None = None
    seq: int | None = None
    notes: tuple[str, ...] = ()


NOBODY = Consulted()

FORMAT_ALONE = "judged by the format alone; no catalogue is asked (L2, L3, L6, L10-L13)"
"""The note of a run without a catalogue."""


@dataclass(frozen=True, slots=True)
class Job:
    """How plays are judged: the format, what fills, the terms, and who is asked besides."""

    form: Format
    fills: Fills
    terms: Terms
    naming: Naming
    consulted: Consulted = NOBODY
    stream: str | None = None


def job_for(settings: Settings, form: FormatName, now: int, consulted: Consulted = NOBODY) -> Job:
    """The job that the settings describe; ``now`` in microseconds since 1970 UTC."""
    configured = {
        "partnerid": settings.partner_id,
        "formatid": settings.format_id,
        "useragent": settings.user_agent,
    }
    fills = Fills(
        now,
        {name: value for name, value in configured.items() if value is not None},
        {country: str(shop) for country, shop in settings.shop_ids.items()},
        StationClock(settings.station_zone),
    )
    terms = Terms(
        now,
        frozenset(settings.permitted_shops),
        frozenset(settings.permitted_countries),
        settings.endpoint_max_seconds,
    )
    naming = Naming(settings.play_columns)
    return Job(FORMATS[form], fills, terms, naming, consulted, settings.stream)


class Judged(NamedTuple):
    """A batch judged: its verdict, and what was filled and matched in it."""

    verdict: Verdict
    filled: Mapping[str, int]
    matched: Mapping[str, int]


def judged(found: Sequence[Source], job: Job, meter: Meter) -> Iterator[Judged]:
    """The verdicts over these sources, batch by batch in their order."""
    with Seen() as ids:
        standing = Standing(ids)
        for source in found:
            with Seen() as names:
                numbers = Numbers(names)
                for raw in read([source], job.naming, meter):
                    yield _judged(raw, job, numbers, standing)


def judged_alone(raw: pa.RecordBatch, job: Job) -> Judged:
    """The verdict over one raw batch."""
    with Seen() as ids, Seen() as names:
        return _judged(raw, job, Numbers(names), Standing(ids))


def _judged(raw: pa.RecordBatch, job: Job, numbers: Numbers, standing: Standing) -> Judged:
    raw = raw if job.stream is None else of_stream(raw, job.stream)
    enriched = enrich(raw, job.form, job.fills, numbers)
    looked = Looked(enriched.batch, {}, {}, {})
    if job.consulted.catalogue is not None:
        looked = job.consulted.catalogue.look(enriched.batch, job.form.name)
    broken = dict(
        _joined(judge(looked.batch, job.form, job.terms, enriched.readings), looked.broken)
    )
    rows = raw.num_rows
    accepted = good(rows, broken)
    high, low, named = enriched.readings.uuids(looked.batch.column("id"))
    valid = named & ~given(raw.column(FAULT))
    delivered = np.zeros(rows, np.bool_)
    if job.consulted.delivered is not None:
        delivered = valid & job.consulted.delivered(high, low)
    repeated = standing.duplicates(high, low, valid & ~delivered, accepted & ~delivered)
    if repeated.any():
        broken["id-duplicate"] = repeated
    accepted &= ~repeated & ~delivered
    warned = _joined(enriched.warned, looked.warned)
    verdict = Verdict(raw, looked.batch, broken, warned, accepted, delivered)
    filled = Counter(enriched.filled)
    filled.update(looked.filled)
    return Judged(verdict, filled, looked.matched)


def _joined(some: Masks, others: Masks) -> Masks:
    """Both together; a rule that both name is broken where either says so."""
    found = dict(some)
    for name, mask in others.items():
        if mask.any():
            found[name] = mask | found[name] if name in found else mask
    return found


class Sum:
    """Counts over a run, as batches come; ``now`` in microseconds since 1970 UTC."""

    def __init__(self, now: int) -> None:
        """Nothing counted yet."""
        self.rows = self.accepted = self.delivered = 0
        self.reasons: Counter[str] = Counter()
        self.filled: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.matched: Counter[str] = Counter()
        self.days, self.countries = Days(now), Countries()

    def add(self, one: Judged) -> None:
        """Count a batch in."""
        verdict = one.verdict
        self.rows += verdict.raw.num_rows
        self.accepted += int(verdict.accepted.sum())
        self.delivered += int(verdict.delivered.sum())
        counted = ~verdict.delivered
        self.reasons.update(_counts(verdict.broken, counted))
        self.warnings.update(_counts(verdict.warned, counted))
        self.filled.update(one.filled)
        self.matched.update(one.matched)
        came = outcomes(verdict.accepted, verdict.delivered)
        self.days.count(verdict.enriched, came)
        self.countries.count(verdict.enriched, came)

    def counts(self) -> Counts:
        """The sum so far; rules in the order of their table, columns by name."""
        return Counts(
            self.rows,
            self.accepted,
            self.rows - self.accepted - self.delivered,
            self.delivered,
            dict(sorted(self.reasons.items(), key=lambda one: RULE_ORDER[one[0]])),
            dict(sorted(self.filled.items())),
            dict(sorted(self.warnings.items())),
        )

    def summary(self) -> Summary:
        """The sum so far, by day and country too."""
        return Summary(
            self.counts(),
            self.days.counts(),
            self.countries.counts(),
            dict(sorted(self.matched.items())),
        )


def _counts(masks: Masks, counted: Mask) -> dict[str, int]:
    every = {name: int((mask & counted).sum()) for name, mask in masks.items()}
    return {name: rows for name, rows in every.items() if rows}
