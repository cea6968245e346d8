"""``make bench``: measure, and write the page.

python -m bench [--size small|default|large] [--only GROUP ...] [--no-postgres] [--no-peers]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import cases, page
from bench.environment import machine
from bench.plan import SIZES, plan
from bench.workshop import PROJECT, Workshop


def main() -> int:
    """Measure what is asked for; results are kept in .bench, the page in docs."""
    flags = _flags()
    size = SIZES[flags.size]
    server = None
    if not flags.no_postgres:
        from servers import PostgresServer

        server = PostgresServer(settings=("-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"))
    try:
        shop = Workshop(PROJECT / ".bench", server=server)
        results, titles = [], {}
        for group in plan(shop, size, peers=not flags.no_peers):
            if not flags.only or any(group.key.startswith(one) for one in flags.only):
                pid = None if server is None else server.pid
                titles[group.key] = group.title
                results += cases.run(group, flags.repeats or size.repeats, pid, _said)
    finally:
        if server is not None:
            server.stop()
    rows = [one.as_row() for one in results]
    kept = {"size": flags.size, "machine": machine(), "titles": titles, "results": rows}
    (shop.folder / "results.json").write_text(json.dumps(kept, indent=1))
    whole = flags.size != "small" and not flags.only
    target = PROJECT / "docs" / "performance.md" if whole else shop.folder / "performance.md"
    target.write_text(page.written(kept, results, titles))
    _said(f"written: {target}")
    return 0


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="default")
    parser.add_argument("--only", nargs="*", default=[], metavar="GROUP")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    return parser.parse_args()


def _said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
