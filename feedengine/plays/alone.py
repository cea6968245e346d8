"""A batch of plays judged by itself: by all that does not depend on other batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from feedengine.plays.enrich import enrich
from feedengine.plays.frames import FAULT, Looked, Masks
from feedengine.plays.job import Job
from feedengine.plays.judge import judge
from feedengine.plays.numbering import Numbered
from feedengine.plays.seen import Ids, ids_of
from feedengine.plays.texts import given


class Alone(NamedTuple):
    """A batch as it came and enriched, with the rules that are true of some of its rows.

    ``ids`` are those of its readable rows.
    """

    raw: pa.RecordBatch
    enriched: pa.RecordBatch
    broken: Masks
    warned: Masks
    filled: Mapping[str, int]
    matched: Mapping[str, int]
    ids: Ids


def alone(one: Numbered, job: Job) -> Alone:
    """The batch enriched, looked up and judged by the format."""
    raw = one.raw
    enriched = enrich(raw, job.form, job.fills, one.made)
    looked = Looked(enriched.batch, {}, {}, {})
    if job.consulted.catalogue is not None:
        looked = job.consulted.catalogue.look(enriched.batch, job.form.name)
    broken = _joined(judge(looked.batch, job.form, job.terms, enriched.readings), looked.broken)
    warned = _joined(enriched.warned, looked.warned)
    filled = Counter(enriched.filled)
    filled.update(looked.filled)
    high, low, named = enriched.readings.uuids(looked.batch.column("id"))
    ids = ids_of(high, low, named & ~given(raw.column(FAULT)))
    return Alone(raw, looked.batch, broken, warned, filled, looked.matched, ids)


def _joined(some: Masks, others: Masks) -> Masks:
    """Both together; a rule that both name is broken where either says so."""
    found = {name: mask for name, mask in some.items() if mask.any()}
    for name, mask in others.items():
        if mask.any():
            found[name] = mask | found[name] if name in found else mask
    return found
