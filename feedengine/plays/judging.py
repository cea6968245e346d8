"""A run of plays: intake, enrichment, look-up and judgement, a batch after the other.

Nothing is written here; `results` writes what came of it. The same inputs, catalogue, settings and
``now`` give the same verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from feedengine.plays.enrich import Fills, Made, enrich, ids_made
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
from feedengine.plays.lanes import in_order
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


def judged(found: Sequence[Source], job: Job, meter: Meter, threads: int = 1) -> Iterator[Judged]:
    """The verdicts over these sources, batch by batch in their order, ``threads`` of them at once.

    What a batch owes to those before it is done one after the other: the ids of rows without one,
    and which ids came before.
    """
    with Seen() as ids:
        standing = Standing(ids)
        for one in in_order(partial(_alone, job=job), _numbered(found, job, meter), threads):
            yield _settled(one, standing)


def judged_alone(raw: pa.RecordBatch, job: Job) -> Judged:
    """The verdict over one raw batch."""
    with Seen() as ids, Seen() as names:
        return _settled(_alone(_with_ids(raw, job, Numbers(names)), job), Standing(ids))


class _Numbered(NamedTuple):
    """A raw batch, and the ids that were made for those of its rows that have none (L1)."""

    raw: pa.RecordBatch
    made: Made


def _numbered(found: Sequence[Source], job: Job, meter: Meter) -> Iterator[_Numbered]:
    """The batches of these sources; identical rows are told apart within their file."""
    for source in found:
        with Seen() as names:
            numbers = Numbers(names)
            for raw in read([source], job.naming, meter):
                yield _with_ids(raw, job, numbers)


def _with_ids(raw: pa.RecordBatch, job: Job, numbers: Numbers) -> _Numbered:
    raw = raw if job.stream is None else of_stream(raw, job.stream)
    return _Numbered(raw, ids_made(raw, job.form, numbers))


class _Alone(NamedTuple):
    """A batch judged by itself: the halves of its ids, and which rows have one."""

    judged: Judged
    high: Words
    low: Words
    valid: Mask


def _alone(given_: _Numbered, job: Job) -> _Alone:
    """A batch judged by all that does not depend on other batches; may run beside others."""
    raw = given_.raw
    enriched = enrich(raw, job.form, job.fills, given_.made)
    looked = Looked(enriched.batch, {}, {}, {})
    if job.consulted.catalogue is not None:
        looked = job.consulted.catalogue.look(enriched.batch, job.form.name)
    broken = _joined(judge(looked.batch, job.form, job.terms, enriched.readings), looked.broken)
    high, low, named = enriched.readings.uuids(looked.batch.column("id"))
    valid = named & ~given(raw.column(FAULT))
    delivered = np.zeros(raw.num_rows, np.bool_)
    if job.consulted.delivered is not None:
        delivered = valid & job.consulted.delivered(high, low)
    warned = _joined(enriched.warned, looked.warned)
    accepted = good(raw.num_rows, broken) & ~delivered
    verdict = Verdict(raw, looked.batch, broken, warned, accepted, delivered)
    filled = Counter(enriched.filled)
    filled.update(looked.filled)
    return _Alone(Judged(verdict, filled, looked.matched), high, low, valid)


def _settled(one: _Alone, standing: Standing) -> Judged:
    """The batch judged as one of a run: of equal ids the first good row stands."""
    verdict = one.judged.verdict
    valid = one.valid & ~verdict.delivered
    repeated = standing.duplicates(one.high, one.low, valid, verdict.accepted)
    if not repeated.any():
        return one.judged
    broken = {**verdict.broken, "id-duplicate": repeated}
    verdict = verdict._replace(broken=broken, accepted=verdict.accepted & ~repeated)
    return one.judged._replace(verdict=verdict)


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
