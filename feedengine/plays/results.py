"""What a run leaves in a folder: the rows that were accepted and rejected, their sum, its page.

Equal verdicts give equal bytes. Files appear under their names when they are complete.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
from pyarrow import parquet

from feedengine.plays.frames import (
    CONTENT,
    KNOWN_COLUMNS,
    REASONS,
    REPEATING_COLUMNS,
    ROW,
    SOURCE,
    Verdict,
)
from feedengine.plays.judge import reasons
from feedengine.plays.repeats import decoded
from feedengine.plays.report import Report
from feedengine.plays.reports import Format
from feedengine.plays.sums import Summary

GROUP_ROWS = 1 << 17

_REPEATING = {*REPEATING_COLUMNS, SOURCE}

ACCEPTED, REJECTED = "accepted.parquet", "rejected.parquet"
SUMMARY, REPORT = "summary.json", "report.html"

_PLACE = [pa.field(SOURCE, pa.string(), nullable=False), pa.field(ROW, pa.int64(), nullable=False)]

REJECTED_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in KNOWN_COLUMNS),
        *_PLACE,
        pa.field("reasons", REASONS, nullable=False),
        pa.field(CONTENT, pa.string()),
    ]
)
"""Refused rows as they came; ``content`` is the text of a row that could not be read, cut."""


def accepted_schema(form: Format) -> pa.Schema:
    """What is accepted, as it will be sent: ``id``, the format's columns, ``stream``, the place."""
    names = [column.name for column in form.columns]
    fields = [
        pa.field(name, pa.int64() if column.int64 else pa.string())
        for name, column in zip(names, form.columns, strict=True)
    ]
    return pa.schema([*fields, pa.field("stream", pa.string()), *_PLACE])


def accepted_rows(verdict: Verdict, form: Format) -> pa.RecordBatch:
    """The accepted rows of a batch, by `accepted_schema`."""
    schema = accepted_schema(form)
    kept = verdict.enriched.select(schema.names).filter(pa.array(verdict.accepted))
    columns = [decoded(kept.column(field.name)).cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def rejected_places(verdict: Verdict) -> pa.RecordBatch:
    """The places of the rejected rows of a batch, and the rules that each breaks."""
    at = pa.array(verdict.rejected)
    kept = verdict.raw.select([SOURCE, ROW]).filter(at)
    every = reasons(len(verdict.accepted), verdict.broken)
    return kept.append_column("reasons", every.filter(at))


def rejected_rows(verdict: Verdict) -> pa.RecordBatch:
    """The rejected rows of a batch, by `REJECTED_SCHEMA`."""
    at = pa.array(verdict.rejected)
    kept = verdict.raw.filter(at)
    named = {
        **{name: decoded(kept.column(name)) for name in (*KNOWN_COLUMNS, ROW, CONTENT)},
        SOURCE: kept.column(SOURCE).cast(pa.string()),
        "reasons": reasons(verdict.raw.num_rows, verdict.broken).filter(at),
    }
    return pa.RecordBatch.from_arrays(
        [named[name] for name in REJECTED_SCHEMA.names], schema=REJECTED_SCHEMA
    )


class _Table:
    """A Parquet file that grows; it has its name when it is complete.

    Rows are gathered to groups of `GROUP_ROWS`, which take less time and room than small ones.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.part = path, path.with_name(f".{path.name}.part")
        repeating = [name for name in schema.names if name in _REPEATING]
        self.writer = parquet.ParquetWriter(
            self.part, schema, compression="zstd", use_dictionary=repeating, write_statistics=False
        )
        self.waiting: list[pa.RecordBatch] = []
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self.waiting.append(batch)
        self.rows += batch.num_rows
        if self.rows >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self.rows:
            self.writer.write_table(pa.Table.from_batches(self.waiting), self.rows)
        self.waiting, self.rows = [], 0

    def close(self) -> None:
        self._flush()
        self.writer.close()
        _settle(self.part, self.path)


def _settle(part: Path, path: Path) -> None:
    """Give a complete file its name, so that it also survives a power cut."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)


class Results:
    """The files of a run in a folder. A context manager: without an error it completes them."""

    def __init__(self, folder: Path, form: Format) -> None:
        """Begin the files; raises `OSError`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.form = folder, form
        self.accepted = _Table(folder / ACCEPTED, accepted_schema(form))
        self.rejected = _Table(folder / REJECTED, REJECTED_SCHEMA)

    def __enter__(self) -> Self:
        """The files."""
        return self

    def add(self, verdict: Verdict) -> None:
        """Write a batch's rows."""
        self.accepted.write(accepted_rows(verdict, self.form))
        self.rejected.write(rejected_rows(verdict))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Complete the files, or take away what was begun."""
        if error is not None:
            for table in (self.accepted, self.rejected):
                table.writer.close()
                table.part.unlink(missing_ok=True)
            return
        self.accepted.close()
        self.rejected.close()


def write_summary(folder: Path, summary: Summary) -> None:
    """The sum of a run as JSON with sorted keys."""
    _write(folder / SUMMARY, json.dumps(summary.document(), indent=2, sort_keys=True) + "\n")


def write_report(folder: Path, found: Report) -> None:
    """The page of a run."""
    # Jinja is imported by those alone who write a page.
    from feedengine.plays.page import html

    _write(folder / REPORT, html(found))


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8", newline="\n")
    _settle(part, path)
