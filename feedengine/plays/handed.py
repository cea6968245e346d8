"""A judged batch as one process hands it to another: its columns once each, or those that count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from feedengine.plays.alone import Alone
from feedengine.plays.frames import COUNTRY_HELPER, FAULT, ROW, SOURCE, instant_helper
from feedengine.plays.repeats import place

PLACED = (SOURCE, ROW, FAULT)
"""The raw columns by which a row is found again."""

COUNTED = (instant_helper("datetimeplayed"), COUNTRY_HELPER)
"""The enriched columns by which rows are counted."""


def to_count(one: Alone) -> Alone:
    """The batch with the columns alone that are needed where no row is written."""
    return one._replace(raw=one.raw.select(PLACED), enriched=one.enriched.select(COUNTED))


class Handed(NamedTuple):
    """A judged batch; of the enriched columns in ``schema`` those in ``columns`` are not raw ones.

    ``one.enriched`` has none of them.
    """

    one: Alone
    schema: pa.Schema
    columns: Mapping[str, pa.Array]

    def whole(self) -> Alone:
        """The batch with its enriched columns."""
        raw = self.one.raw
        every = [
            self.columns[name] if name in self.columns else raw.column(name)
            for name in self.schema.names
        ]
        enriched = pa.RecordBatch.from_arrays(every, schema=self.schema)
        return self.one._replace(enriched=enriched)


def handed(one: Alone) -> Handed:
    """The batch as it is handed over."""
    came = {name: place(one.raw.column(name)) for name in one.raw.schema.names}
    schema = one.enriched.schema
    columns = {name: one.enriched.column(name) for name in schema.names}
    differ = {name: column for name, column in columns.items() if came.get(name) != place(column)}
    return Handed(one._replace(enriched=one.enriched.select([])), schema, differ)
