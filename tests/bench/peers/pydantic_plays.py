"""pydantic: the receipts' format rules as a model, row by row, with every error of a row.

It asks no catalogue, fills nothing in, and does not look for equal ids.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import pyarrow as pa
from pyarrow import parquet
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, model_validator
from rules import COUNTRIES, LATEST, OLDEST, POSITIVE, WHOLE


def recent(at):
    if not OLDEST <= at.replace(tzinfo=None) <= LATEST:
        raise ValueError("too old, or in the future")
    return at


Positive = Annotated[str, Field(pattern=POSITIVE)]
When = Annotated[datetime, AfterValidator(recent)]


class Play(BaseModel):
    """A row of receipts."""

    id: UUID
    datetimelogged: When
    userid: Annotated[str, Field(min_length=1)] | None
    trackid: Positive
    releaseid: Positive
    formatid: Positive
    datetimeplayed: When
    totaltimeplayed: Annotated[int, Field(ge=0)]
    useragent: Annotated[str, Field(min_length=1, max_length=255)]
    transactionid: Annotated[str, Field(pattern=WHOLE)] | None
    partnerid: Annotated[str, Field(pattern=WHOLE)]
    shopid: Literal["34", "480"]
    endreason: Literal["naturalEnd", "userSkipped", "other"]
    country: Literal[tuple(COUNTRIES)]

    @model_validator(mode="after")
    def in_order(self):
        """It is logged after it is played."""
        if self.datetimeplayed > self.datetimelogged:
            raise ValueError("played after it was logged")
        return self


def main():
    plays, out = sys.argv[1:3]
    check = TypeAdapter(Play).validate_python
    rejected = rows = 0
    with parquet.ParquetFile(plays) as file:
        accepted = parquet.ParquetWriter(f"{out}.accepted", file.schema_arrow, compression="zstd")
        for batch in file.iter_batches(65_536):
            good, bad = [], []
            for row in batch.to_pylist():
                try:
                    check(row)
                    good.append(row)
                except ValidationError as error:
                    reasons = [f"{one['loc']}: {one['type']}" for one in error.errors()]
                    bad.append({**row, "reasons": reasons})
            rows, rejected = rows + len(batch), rejected + len(bad)
            accepted.write_table(pa.Table.from_pylist(good, file.schema_arrow))
            if bad:
                parquet.write_table(pa.Table.from_pylist(bad), f"{out}.rejected.{rows}")
        accepted.close()
    print(json.dumps({"rows": rows, "rejected": rejected}))


if __name__ == "__main__":
    main()
