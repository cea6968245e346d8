"""DuckDB: the receipts' format rules as SQL, each row's reasons as a list.

It asks no catalogue, fills nothing in, and finds equal ids by a window over all of them.
"""

from __future__ import annotations

import json
import sys

import duckdb
from rules import COUNTRIES, LATEST, OLDEST, POSITIVE, REASONS, SHOPS, UUID, WHOLE


def words(values):
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def broken():
    """Rule → SQL for the rows that break it."""
    yield "id", f"id IS NULL OR NOT regexp_matches(id, '{UUID}')"
    yield "id-duplicate", "count(*) OVER (PARTITION BY id) > 1"
    for name in ("datetimelogged", "datetimeplayed"):
        at = f"try_cast({name} AS TIMESTAMP)"
        yield name, f"{at} IS NULL"
        yield f"{name}-too-old", f"{at} < TIMESTAMP '{OLDEST}'"
        yield f"{name}-future", f"{at} > TIMESTAMP '{LATEST}'"
    later = "try_cast(datetimeplayed AS TIMESTAMP) > try_cast(datetimelogged AS TIMESTAMP)"
    yield "played-after-logged", later
    yield "userid", "userid = ''"
    for name in ("trackid", "releaseid", "formatid"):
        yield name, f"{name} IS NULL OR NOT regexp_matches({name}, '{POSITIVE}')"
    yield "totaltimeplayed", "totaltimeplayed IS NULL OR totaltimeplayed < 0"
    yield "useragent", "useragent IS NULL OR length(useragent) NOT BETWEEN 1 AND 255"
    yield "transactionid", f"NOT regexp_matches(transactionid, '{WHOLE}')"
    yield "partnerid", f"partnerid IS NULL OR NOT regexp_matches(partnerid, '{WHOLE}')"
    yield "shopid", f"shopid IS NULL OR shopid NOT IN {words(SHOPS)}"
    yield "endreason", f"endreason IS NULL OR endreason NOT IN {words(REASONS)}"
    yield "country", f"country IS NULL OR country NOT IN {words(COUNTRIES)}"


def main():
    plays, out = sys.argv[1:3]
    connection = duckdb.connect(f"{out}.duckdb")
    named = ", ".join(f"CASE WHEN {rule} THEN '{name}' END" for name, rule in broken())
    reasons = f"list_filter([{named}], lambda x: x IS NOT NULL) AS reasons"
    connection.execute(f"CREATE TABLE judged AS SELECT *, {reasons} FROM read_parquet('{plays}')")
    connection.execute(
        "COPY (SELECT * EXCLUDE reasons FROM judged WHERE len(reasons) = 0)"
        f" TO '{out}.accepted' (FORMAT parquet, COMPRESSION zstd)"
    )
    connection.execute(
        f"COPY (SELECT * FROM judged WHERE len(reasons) > 0) TO '{out}.rejected' (FORMAT parquet)"
    )
    counted = "SELECT count(*), count(*) FILTER (len(reasons) > 0) FROM judged"
    rows, rejected = connection.execute(counted).fetchone()
    print(json.dumps({"rows": rows, "rejected": rejected}))


if __name__ == "__main__":
    main()
