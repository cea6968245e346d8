"""Raw batches with the ids that their rows without one get (L1): what every run begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from feedengine.plays.enrich import Made, ids_made
from feedengine.plays.gather import of_stream
from feedengine.plays.intake import read
from feedengine.plays.job import Job
from feedengine.plays.seen import Numbers, Seen
from feedengine.plays.sources import Meter, Source

if TYPE_CHECKING:
    import pyarrow as pa


class Numbered(NamedTuple):
    """A raw batch, and the ids that were made for those of its rows that have none (L1)."""

    raw: pa.RecordBatch
    made: Made


def numbered(found: Sequence[Source], job: Job, meter: Meter) -> Iterator[Numbered]:
    """The batches of these sources; identical rows are told apart within their file."""
    for source in found:
        with Seen() as names:
            numbers = Numbers(names)
            for raw in read([source], job.naming, meter):
                yield with_ids(raw, job, numbers)


def with_ids(raw: pa.RecordBatch, job: Job, numbers: Numbers) -> Numbered:
    """The next batch of a file."""
    raw = raw if job.stream is None else of_stream(raw, job.stream)
    return Numbered(raw, ids_made(raw, job.form, numbers))
