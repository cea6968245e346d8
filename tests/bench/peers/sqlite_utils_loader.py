"""sqlite-utils: every object as a row, its lists as JSON in it, 1,000 packages a transaction.

It replaces a row that is there. It does not hash, validate, judge, know Updates with sub-actions,
link or normalise, keep history or a ledger, or write logs.
"""

from __future__ import annotations

import json
import sys
from itertools import islice

import sqlite_utils
from records import records

BATCH = 1000


def main():
    feed, path = sys.argv[1:3]
    database = sqlite_utils.Database(path)
    stream, done = records(feed), 0
    while batch := list(islice(stream, BATCH)):
        kinds = {}
        for kind, found in batch:
            kinds.setdefault(kind, []).append(found)
        for kind, found in kinds.items():
            database[kind].insert_all(found, pk="ID", replace=True, alter=True, batch_size=BATCH)
        done += len(batch)
    database.close()
    print(json.dumps({"packages": done}))


if __name__ == "__main__":
    main()
