"""Great Expectations on pandas: the receipts' format rules as expectations, complete results.

It asks no catalogue, fills nothing in, and writes no rejected rows: it gives the places of the rows
that break each expectation.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import pandas as pd
from great_expectations import expectations as e
from rules import COUNTRIES, INSTANT, LATEST, OLDEST, POSITIVE, REASONS, SHOPS, UUID, WHOLE

PARSED = {"logged at": "datetimelogged", "played at": "datetimeplayed"}


def expected():
    """The rules."""
    for name, pattern in (
        ("id", UUID), ("datetimelogged", INSTANT), ("datetimeplayed", INSTANT),
        ("trackid", POSITIVE), ("releaseid", POSITIVE), ("formatid", POSITIVE),
        ("transactionid", WHOLE), ("partnerid", WHOLE),
    ):  # fmt: skip
        yield e.ExpectColumnValuesToMatchRegex(column=name, regex=pattern)
    for name in ("id", "datetimelogged", "datetimeplayed", "trackid", "releaseid", "formatid",
                 "totaltimeplayed", "useragent", "partnerid", "shopid", "endreason",
                 "country"):  # fmt: skip
        yield e.ExpectColumnValuesToNotBeNull(column=name)
    yield e.ExpectColumnValuesToBeUnique(column="id")
    low, high = (pd.Timestamp(at, tz="UTC") for at in (OLDEST, LATEST))
    for name in PARSED:
        yield e.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
    yield e.ExpectColumnValueLengthsToBeBetween(column="userid", min_value=1)
    yield e.ExpectColumnValueLengthsToBeBetween(column="useragent", min_value=1, max_value=255)
    yield e.ExpectColumnValuesToBeBetween(column="totaltimeplayed", min_value=0)
    for name, values in (("shopid", SHOPS), ("endreason", REASONS), ("country", COUNTRIES)):
        yield e.ExpectColumnValuesToBeInSet(column=name, value_set=values)


def main():
    plays, out = sys.argv[1:3]
    rows = pd.read_parquet(plays)
    for name, column in PARSED.items():
        rows[name] = pd.to_datetime(rows[column], utc=True, format="ISO8601", errors="coerce")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("plays").add_dataframe_asset("plays")
    batch = source.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    suite = gx.ExpectationSuite("receipts", expectations=list(expected()))
    found = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    wrong = set()
    for one in found.results:
        wrong.update(one.result.get("unexpected_index_list") or ())
    rows.drop(index=list(wrong), columns=list(PARSED)).to_parquet(
        f"{out}.accepted", compression="zstd"
    )
    print(json.dumps({"rows": len(rows), "rejected": len(wrong)}))


if __name__ == "__main__":
    main()
