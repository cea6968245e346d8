"""A run of plays: intake, enrichment, look-up and judgement, a batch after the other.

Nothing is written here; `results` writes what came of it. The same inputs, catalogue, settings and
``now`` give the same verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from feedengine.plays.alone import Alone, alone
from feedengine.plays.frames import Counts, Mask, Masks, Verdict
from feedengine.plays.job import Job
from feedengine.plays.judge import good
from feedengine.plays.numbering import with_ids
from feedengine.plays.rules import RULE_ORDER
from feedengine.plays.seen import Numbers, Seen, Standing
from feedengine.plays.sharing import Inputs, Sharing
from feedengine.plays.sources import Meter, Source
from feedengine.plays.sums import Countries, Days, Summary, outcomes

if TYPE_CHECKING:
    import pyarrow as pa


class Judged(NamedTuple):
    """A batch judged: its verdict, and what was filled and matched in it."""

    verdict: Verdict
    filled: Mapping[str, int]
    matched: Mapping[str, int]


def judged(
    found: Sequence[Source], job: Job, meter: Meter, others: int = 0, *, rows: bool = True
) -> Iterator[Judged]:
    """The verdicts over these sources, batch by batch in their order.

    So many ``others``, processes, read and judge besides. Which ids came before, and which have
    left already, is found here, a batch after the other. Without ``rows`` batches may have those
    columns alone by which rows are found and counted (`handed`).
    """
    with Seen() as ids, closing(Sharing(Inputs(found, meter), job, others, rows=rows)) as sharing:
        yield from map(partial(_settled, job=job, standing=Standing(ids)), sharing.judged())


def judged_alone(raw: pa.RecordBatch, job: Job) -> Judged:
    """The verdict over one raw batch."""
    with Seen() as ids, Seen() as names:
        return _settled(alone(with_ids(raw, job, Numbers(names)), job), job, Standing(ids))


def _settled(one: Alone, job: Job, standing: Standing) -> Judged:
    """The batch judged as one of a run.

    What has left counts no more; of equal ids the first good row stands.
    """
    rows, ids, broken = one.raw.num_rows, one.ids, one.broken
    delivered = np.zeros(rows, np.bool_)
    if job.consulted.delivered is not None:
        delivered[ids.rows] = job.consulted.delivered(ids.keys)
        ids = ids.of(~delivered)
    accepted = good(rows, broken) & ~delivered
    repeated = standing.duplicates(ids, accepted)
    if repeated.any():
        broken, accepted = {**broken, "id-duplicate": repeated}, accepted & ~repeated
    verdict = Verdict(one.raw, one.enriched, broken, one.warned, accepted, delivered)
    return Judged(verdict, one.filled, one.matched)


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
