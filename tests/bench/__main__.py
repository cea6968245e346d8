"""Measure feedengine beside its floor and others, and write docs/performance.md.

From make: make bench SIZE=large BENCH="--grown 10000 100000 1000000 10000000".
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import cases, chart, page
from bench.environment import machine
from bench.measure import FailedError
from bench.plan import SIZES, plan
from bench.workshop import PROJECT, Workshop


def main() -> int:
    """Measure what is asked for; results are kept in .bench, the page in docs."""
    flags = _flags()
    if flags.page:
        _write(PROJECT / ".bench", PROJECT / "docs")
        return 0
    size = SIZES[flags.size]
    if flags.grown:
        size = size._replace(grown=tuple(flags.grown))
    if flags.waiting:
        size = size._replace(waiting=tuple(flags.waiting))
    server = None
    if not flags.no_postgres:
        from servers import PostgresServer

        server = PostgresServer(settings=("-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"))
    try:
        shop = Workshop(PROJECT / ".bench", server=server)
        results, titles = [], {}
        for group in plan(shop, size, peers=not flags.no_peers and flags.size != "small"):
            if not flags.only or group.key.startswith(tuple(flags.only)):
                pid = None if server is None else server.pid
                titles[group.key] = group.title
                results += cases.run(group, flags.repeats or size.repeats, pid, _said)
    finally:
        if server is not None:
            server.stop()
    kept = {
        "size": flags.size,
        "machine": machine(),
        "titles": titles,
        "disk": shop.sizes(),
        "results": [one.as_row() for one in results],
    }
    (shop.folder / "results.json").write_text(json.dumps(kept, indent=1))
    whole = flags.size != "small" and not flags.only
    _write(shop.folder, PROJECT / "docs" if whole else shop.folder)
    return 0


def _write(folder: Path, target: Path) -> None:
    """The page, and its chart where that can be drawn."""
    kept = json.loads((folder / "results.json").read_text())
    try:
        drawn = chart.draw(folder, target / "performance.svg")
    except FailedError as error:
        _said(f"no chart: {error}")
        drawn = ""
    (target / "performance.md").write_text(page.written(kept, drawn))
    _said(f"written: {target / 'performance.md'}")


_ONLY = (
    "only groups whose names begin so, such as sqlite or growth-plays; like what size small"
    " measures, this becomes .bench/performance.md"
)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="default", help="how much work")
    parser.add_argument("--only", nargs="*", default=[], metavar="GROUP", help=_ONLY)
    parser.add_argument("--repeats", type=int, metavar="N", help="runs of every case")
    parser.add_argument("--grown", type=int, nargs="+", metavar="TRACKS", help="growth by these")
    parser.add_argument("--waiting", type=int, nargs="+", metavar="ENTRIES", help="the same")
    parser.add_argument("--page", action="store_true", help="only write the last run's page anew")
    parser.add_argument("--no-postgres", action="store_true", help="only SQLite")
    parser.add_argument("--no-peers", action="store_true", help="nobody else")
    return parser.parse_args()


def _said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
