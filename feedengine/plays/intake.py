"""Intake: every input as raw batches (`frames.RAW`), in bounded memory.

A row that cannot be read is a row of its own that says why, with file and line; nothing that an
input holds ends the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from feedengine.plays.columnar import read_parquet
from feedengine.plays.delimited import read_delimited
from feedengine.plays.gather import Naming
from feedengine.plays.jsonl import read_jsonl
from feedengine.plays.objects import read_json
from feedengine.plays.sources import Meter, Source, opened

if TYPE_CHECKING:
    import pyarrow as pa


def read(
    found: Sequence[Source], naming: Naming, meter: Meter, begin: int = 0
) -> Iterator[pa.RecordBatch]:
    """The raw batches of these sources, in their order; ``meter`` says how far reading is.

    Of Parquet the stretches from ``begin`` on are read. Raises `UsageError` for a file that may
    not be read, `ServiceError` for a disk that fails.
    """
    for source in found:
        with opened(source, meter) as stream:
            if source.kind == "jsonl":
                yield from read_jsonl(stream, source.name, naming)
            elif source.kind == "json":
                yield from read_json(stream, source.name, naming)
            elif source.kind == "parquet":
                yield from read_parquet(stream, source.name, naming, begin)
            else:
                quoting = source.kind == "csv"
                yield from read_delimited(stream, source.name, naming, quoting=quoting)
