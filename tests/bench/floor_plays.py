"""The floor under judging plays. FROZEN, as floor_feeds.py is: decode Parquet, encode Parquet.

python floor_plays.py PLAYS OUT
"""

from __future__ import annotations

import json
import sys

from pyarrow import parquet

ROWS = 65_536


def main():
    plays, out = sys.argv[1:]
    with parquet.ParquetFile(plays) as file:
        rows = file.metadata.num_rows
        with parquet.ParquetWriter(out, file.schema_arrow, compression="zstd") as writer:
            for batch in file.iter_batches(ROWS):
                writer.write_batch(batch)
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
