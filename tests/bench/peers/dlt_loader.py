"""dlt: nested dictionaries into child tables of SQLite, by its SQLAlchemy destination, appended.

It does not hash, validate, judge, know Updates with sub-actions, keep history or a ledger of
packages, or write logs. A package that is wrong ends the load.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
from records import records


def main():
    feed, path = sys.argv[1:3]
    os.environ["DLT_DATA_DIR"] = f"{path}.dlt"
    counted = {}

    def rows():
        for kind, found in records(feed):
            counted[kind] = counted.get(kind, 0) + 1
            yield dlt.mark.with_table_name(found, kind)

    destination = dlt.destinations.sqlalchemy(f"sqlite:///{path}")
    pipeline = dlt.pipeline(
        "music", pipelines_dir=f"{path}.pipelines", destination=destination, dataset_name="music"
    )
    pipeline.run(dlt.resource(rows, name="things", primary_key="ID"), write_disposition="append")
    print(json.dumps({"packages": sum(counted.values())}))


if __name__ == "__main__":
    main()
