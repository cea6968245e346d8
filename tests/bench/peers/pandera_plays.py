"""pandera on Polars: the receipts' format rules as a schema, validated lazily.

It asks no catalogue and fills nothing in. It gives failures as a table of cases, from which the
rejected rows are picked; instants are checked by their bounds as text.
"""

from __future__ import annotations

import json
import sys

import pandera.polars as pa
import polars as pl
from rules import COUNTRIES, INSTANT, LATEST, OLDEST, POSITIVE, REASONS, SHOPS, UUID, WHOLE

BATCH = 200_000
WHEN = [
    pa.Check.str_matches(INSTANT),
    pa.Check.ge(OLDEST.isoformat()),
    pa.Check.le(LATEST.isoformat()),
]
SCHEMA = pa.DataFrameSchema(
    {
        "id": pa.Column(str, pa.Check.str_matches(UUID)),
        "datetimelogged": pa.Column(str, WHEN),
        "userid": pa.Column(str, pa.Check.str_length(1, 10_000), nullable=True),
        "trackid": pa.Column(str, pa.Check.str_matches(POSITIVE)),
        "releaseid": pa.Column(str, pa.Check.str_matches(POSITIVE)),
        "formatid": pa.Column(str, pa.Check.str_matches(POSITIVE)),
        "datetimeplayed": pa.Column(str, WHEN),
        "totaltimeplayed": pa.Column(int, pa.Check.ge(0)),
        "useragent": pa.Column(str, pa.Check.str_length(1, 255)),
        "transactionid": pa.Column(str, pa.Check.str_matches(WHOLE), nullable=True),
        "partnerid": pa.Column(str, pa.Check.str_matches(WHOLE)),
        "shopid": pa.Column(str, pa.Check.isin(SHOPS)),
        "endreason": pa.Column(str, pa.Check.isin(REASONS)),
        "country": pa.Column(str, pa.Check.isin(COUNTRIES)),
    }
)


def main():
    plays, out = sys.argv[1:3]
    whole = pl.read_parquet(plays)
    refused, good = [], []
    for start in range(0, len(whole), BATCH):
        batch = whole.slice(start, BATCH)
        try:
            SCHEMA.validate(batch, lazy=True)
            good.append(batch)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases.filter(pl.col("index").is_not_null())
            reasons = cases.group_by("index").agg(pl.col("check").alias("reasons"))
            indexed = batch.with_row_index("index").with_columns(pl.col("index").cast(pl.Int32))
            reasons = reasons.with_columns(pl.col("index").cast(pl.Int32))
            refused.append(indexed.join(reasons, on="index"))
            good.append(indexed.join(reasons, on="index", how="anti"))
    pl.concat(good, how="diagonal").write_parquet(f"{out}.accepted")
    if refused:
        pl.concat(refused).write_parquet(f"{out}.rejected")
    rejected = sum(map(len, refused))
    print(json.dumps({"rows": len(whole), "rejected": rejected}))


if __name__ == "__main__":
    main()
