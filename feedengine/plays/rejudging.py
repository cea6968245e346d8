"""Receipts judged again before they are sent again: as of their first delivery (plays.md, "Out").

The rows are those that were sent, or corrected ones in their place; both go the whole way of a
player's log, so a correction may be any log that has the ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.frames import BATCH_ROWS, RAW, SOURCE
from feedengine.plays.gather import Naming, raw_batch
from feedengine.plays.intake import read
from feedengine.plays.job import Consulted, job_for
from feedengine.plays.judging import Sum, judged_alone
from feedengine.plays.moments import micros_of
from feedengine.plays.repeats import batch_with, decoded
from feedengine.plays.reports import RECEIPTS
from feedengine.plays.results import accepted_rows
from feedengine.plays.sources import Meter, sources

if TYPE_CHECKING:
    from feedengine.config import Settings


class Rejudged(NamedTuple):
    """What is good of some rows (a flag each, and the rows as they are sent), and why not all."""

    good: pa.BooleanArray
    rows: pa.Table
    reasons: Counter[str]


Judge: TypeAlias = Callable[[pa.Table, datetime], Rejudged]
"""Judges raw rows as if it were that instant."""


def judge_for(settings: Settings, consulted: Consulted) -> Judge:
    """How a site judges receipts again; what has left already does not count here."""
    asked = consulted._replace(delivered=None)

    def judge(table: pa.Table, now: datetime) -> Rejudged:
        job = job_for(settings, "receipts", micros_of(now), asked)
        total, flags, rows = Sum(job.terms.now), [], []
        for batch in _batches(table):
            one = judged_alone(batch, job)
            total.add(one)
            flags.append(pa.array(one.verdict.accepted))
            rows.append(accepted_rows(one.verdict, job.form))
        good = pa.chunked_array(flags, pa.bool_()).combine_chunks()
        return Rejudged(good, pa.Table.from_batches(rows), total.reasons)

    return judge


def _batches(table: pa.Table) -> list[pa.RecordBatch]:
    names = RAW.names
    found: list[pa.RecordBatch] = table.select(names).combine_chunks().to_batches(BATCH_ROWS)
    return found


def sent_rows(table: pa.Table, key: str) -> pa.Table:
    """Rows of receipts as raw rows; their source is the parcel's key, their rows from 1."""
    texts = {
        name: table[name].combine_chunks().cast(pa.string()) for name in RECEIPTS.schema().names
    }
    return pa.Table.from_batches([raw_batch(key, texts, range(1, len(table) + 1))])


def corrected_rows(inputs: Sequence[str | Path], settings: Settings) -> pa.Table:
    """The rows of a log that have ids, as raw rows; raises `UsageError`."""
    found = sources([str(one) for one in inputs], None)
    naming = Naming(settings.play_columns)
    batches = [
        _plain(batch.filter(pc.is_valid(batch["id"])))
        for batch in read(found, naming, Meter(found))
    ]
    return pa.Table.from_batches(batches, schema=RAW).unify_dictionaries()


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A raw batch whose texts are no dictionaries, so that any two can stand in one table."""
    every = {name: decoded(batch.column(name)) for name in RAW.names if name != SOURCE}
    return batch_with(RAW, {**every, SOURCE: batch.column(SOURCE)})


def with_corrections(table: pa.Table, better: pa.Table) -> pa.Table:
    """The raw rows, each in its corrected form where there is one; the first of several."""
    place = pc.index_in(_folded(table), value_set=_folded(better).combine_chunks())
    kept, at = pc.is_valid(place), pc.fill_null(place, 0)
    columns = []
    for name in RAW.names:
        own, other = table[name], better[name]
        if name == SOURCE:
            own, other = own.cast(pa.string()), other.cast(pa.string())
        found = pc.if_else(kept, other.take(at), own) if len(better) else own
        columns.append(found.combine_chunks().dictionary_encode() if name == SOURCE else found)
    return pa.table(columns, schema=RAW)


def _folded(table: pa.Table) -> pa.ChunkedArray:
    return pc.utf8_lower(pc.utf8_trim_whitespace(table["id"]))
