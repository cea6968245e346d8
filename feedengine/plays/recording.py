"""From accepted plays to recorded parcels: what has left before is left out, numbers are taken.

A parcel's content is on the disk before the transaction that gives it a number and claims its
plays; so a crash leaves a file that nobody names, or a parcel that can be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from feedengine.errors import UsageError
from feedengine.model.instants import instant_text
from feedengine.model.keys import Series
from feedengine.model.play_ids import SIZE, Mask, packed, repeated
from feedengine.plays.ages import limit_of, young_rows
from feedengine.plays.encode import named
from feedengine.plays.frames import STREAM
from feedengine.plays.outbox import Outbox, digest_of
from feedengine.plays.packing import Packed, Packing, rows_where
from feedengine.store import parcels
from feedengine.store.database import reading, writing
from feedengine.store.parcels import New, Parcel

if TYPE_CHECKING:
    from sqlalchemy import Engine

WINDOW = 1 << 21
"""Plays that are looked for at once among all that have left: 32 MB of ids."""

BATCH = 1 << 16


class Recorder:
    """Records the parcels of one run. Counts what it leaves out.

    ``now`` tells the instant. Rows of equal id within the run leave once.
    """

    def __init__(
        self,
        database: Engine,
        outbox: Outbox,
        way: str,
        packing: Packing,
        now: Callable[[], datetime],
    ) -> None:
        """For one way out."""
        self.database, self.outbox, self.way, self.packing = database, outbox, way, packing
        self.now = now
        self.rows = self.already_delivered = self.too_old = 0
        self._mark = 0
        self._waiting: dict[Series, list[pa.Table]] = {}

    def parcels(self, accepted: Path) -> Iterator[list[Parcel]]:
        """Record all plays of a Parquet file; yields the parcels of each transaction."""
        for series, table in self._series(accepted):
            yield self._recorded(series, table)

    def planned(self, accepted: Path) -> Iterator[tuple[str, Packed]]:
        """The keys and contents that `parcels` would record now; nothing is written."""
        numbers: dict[str, Iterator[int]] = {}
        for series, table in self._series(accepted):
            if series.name not in numbers:
                with reading(self.database) as connection:
                    free = parcels.numbers_after(connection, self.way, series.name)
                    numbers[series.name] = count(next(free))
            for one in self.packing.pack(self._once(table)):
                yield series.key(next(numbers[series.name])), one

    def _series(self, accepted: Path) -> Iterator[tuple[Series, pa.Table]]:
        """The fresh plays, by series, as many at once as are packed together."""
        self._waiting = {}
        group = self.packing.group
        for table in self._fresh(accepted):
            for series, some in self.packing.split(table, self.now()).items():
                self._waiting.setdefault(series, []).append(some)
                while group is not None and _rows(self._waiting[series]) >= group:
                    whole = pa.concat_tables(self._waiting.pop(series))
                    self._waiting[series] = [whole.slice(group)]
                    yield series, whole.slice(0, group)
            if group is not None:
                yield from self._overflow(8 * group)
        for series in sorted(self._waiting):
            if _rows(self._waiting[series]):
                yield series, pa.concat_tables(self._waiting.pop(series))

    def _overflow(self, most: int) -> Iterator[tuple[Series, pa.Table]]:
        """Many series at once (days, partners): the largest go first, to keep memory bounded."""
        while sum(map(_rows, self._waiting.values())) > most:
            series = max(self._waiting, key=lambda one: (_rows(self._waiting[one]), one))
            yield series, pa.concat_tables(self._waiting.pop(series))

    def _fresh(self, accepted: Path) -> Iterator[pa.Table]:
        """The plays that have not left and are not too old, window by window."""
        with _opened(accepted) as ids, _opened(accepted) as whole:
            if "id" not in ids.schema_arrow.names:
                raise UsageError(f"{accepted} holds no plays", "name what `plays check` has made")
            batches = _sized(_batches(whole, self._carried(whole)))
            for window in _windows(_batches(ids, ["id"])):
                self.rows += len(window) // SIZE
                gone = self._gone(window)
                self.already_delivered += int(gone.sum())
                for at in range(0, len(gone), BATCH):
                    table = next(batches)
                    yield self._young(rows_where(table, ~gone[at : at + BATCH]))

    def _carried(self, file: parquet.ParquetFile) -> list[str]:
        """The columns that make parcels; where a row was read is not among them."""
        wanted = {"id", STREAM, *(column.name for column in self.packing.form.columns)}
        every = file.schema_arrow
        known = named(every.empty_table()).column_names
        return [own for own, name in zip(every.names, known, strict=True) if name in wanted]

    def _gone(self, window: bytes) -> Mask:
        """Which plays of a window have left; those that wait are looked at again, too.

        So the check at the recording need only look at parcels that are newer than this.
        """
        with reading(self.database) as connection:
            mark = parcels.last_id(connection)
            for series, tables in list(self._waiting.items()):
                if _rows(tables):
                    whole = pa.concat_tables(tables)
                    found = parcels.left(connection, self.way, _ids(whole), self._mark)
                    self.already_delivered += int(found.sum())
                    self._waiting[series] = [rows_where(whole, ~found)]
            self._mark = mark
            return parcels.left(connection, self.way, window)

    def _young(self, table: pa.Table) -> pa.Table:
        """The plays that the recipient still takes."""
        age = limit_of(self.packing.form)
        if age is None:
            return table
        keep = young_rows(table, self.packing.form, age, self.now())
        self.too_old += int((~keep).sum())
        return rows_where(table, keep)

    def _once(self, table: pa.Table) -> pa.Table:
        """Of rows with equal ids the first."""
        again = repeated(_ids(table))
        self.already_delivered += int(again.sum())
        return rows_where(table, ~again)

    def _recorded(self, series: Series, table: pa.Table) -> list[Parcel]:
        """Record the plays of a series, but for those that leave by somebody else meanwhile."""
        table = self._once(table)
        while len(table):
            news = kept_in(self.outbox, series, list(self.packing.pack(table)))
            with writing(self.database) as connection:
                gone = parcels.left(connection, self.way, _ids(table), self._mark)
                if not gone.any():
                    at = instant_text(self.now())
                    return parcels.record(connection, self.way, at, news)
            self.already_delivered += int(gone.sum())
            table = rows_where(table, ~gone)
        return []


def kept_in(outbox: Outbox, series: Series, packed_ones: list[Packed]) -> list[New]:
    """Contents as parcels to be recorded; all in one file of the outbox, on the disk."""
    name = outbox.keep(b"".join(one.content for one in packed_ones))
    news, begins = [], 0
    for one in packed_ones:
        size = len(one.content)
        digest = digest_of(one.content)
        news.append(New(series, digest, size, name, begins, one.ids, one.oldest_at))
        begins += size
    return news


def _ids(table: pa.Table) -> bytes:
    return packed(named(table)["id"])


def _rows(tables: Iterable[pa.Table]) -> int:
    return sum(len(one) for one in tables)


def _opened(path: Path) -> parquet.ParquetFile:
    try:
        return parquet.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path} cannot be read: {error}", "name accepted.parquet") from None


def _batches(
    file: parquet.ParquetFile, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """One row group after the other: read all at once they would be held all at once."""
    for group in range(file.metadata.num_row_groups):
        yield from file.iter_batches(BATCH, row_groups=[group], columns=columns, use_threads=False)


def _windows(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Ids, `WINDOW` at once; all but the last window have exactly as many."""
    held: list[bytes] = []
    for batch in _sized(batches):
        held.append(packed(batch["id"]))
        if len(held) * BATCH >= WINDOW:
            yield b"".join(held)
            held = []
    if held:
        yield b"".join(held)


def _sized(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of exactly `BATCH` rows, but for the last: what is read twice is cut alike."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch)
        while rows >= BATCH:
            whole = pa.Table.from_batches(held)
            yield whole.slice(0, BATCH)
            held = whole.slice(BATCH).to_batches()
            rows -= BATCH
    if rows:
        yield pa.Table.from_batches(held)
