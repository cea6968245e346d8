"""xml2db in its quickest way: 2,000 documents at a time, no validation, SQLite.

Its schema is one of its own (feeds.xsd): the protocol's, with its free order and sub-actions, it
cannot turn into tables. It appends documents, equal parts once; one wrong document ends a batch. It
does not hash, judge, update, keep history or a ledger, or write logs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from xml2db import DataModel

BATCH = 2000


def main():
    feed, database = sys.argv[1:3]
    schema = str(Path(__file__).with_name("feeds.xsd"))
    model = DataModel(schema, short_name="music", connection_string=f"sqlite:///{database}")
    model.create_all_tables()
    folder = f"{feed}/packages"
    paths = [f"{folder}/{name}/package.xml" for name in sorted(os.listdir(folder))]
    for start in range(0, len(paths), BATCH):
        flat = document = None
        for path in paths[start : start + BATCH]:
            document = model.parse_xml(path, iterparse=False, flat_data=flat)
            flat = document.data
        document.insert_into_target_tables()
    print(json.dumps({"packages": len(paths)}))


if __name__ == "__main__":
    main()
