"""Measure feedengine beside its floor and others, and write docs/performance.md.

From make: make bench SIZE=large BENCH="--grown 10000 100000 1000000 10000000".
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import cases, chart, page
from bench.environment import machine
from bench.measure import FailedError
from bench.plan import SIZES, plan
from bench.workshop import PROJECT, Workshop

if TYPE_CHECKING:
    from servers import PostgresServer


def main() -> int:
    """Measure what is asked for; results are kept in .bench, the page in docs."""
    flags = _flags()
    folder, docs = PROJECT / ".bench", PROJECT / "docs"
    if not flags.page:
        server = _server(flags)
        shop = Workshop(folder, server, seed=flags.seed, countries=flags.countries)
        try:
            _measure(flags, shop)
        finally:
            shop.clear()
            if server is not None:
                server.stop()
    whole = flags.size != "small" and not flags.only
    _write(folder, docs if whole else folder)
    return 0


def _server(flags: argparse.Namespace) -> PostgresServer | None:
    """A PostgreSQL as operators have it: it syncs, and has some memory."""
    if flags.no_postgres:
        return None
    from servers import PostgresServer

    return PostgresServer(settings=("-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"))


def _measure(flags: argparse.Namespace, shop: Workshop) -> None:
    """Group by group; what is known is kept after each."""
    size = SIZES[flags.size]
    size = size._replace(grown=tuple(flags.grown or size.grown))
    size = size._replace(waiting=tuple(flags.waiting or size.waiting))
    sizes = sorted({size.tracks, *size.grown})
    pid = None if shop.server is None else shop.server.pid
    titles, rows = _kept(flags, shop.folder) if flags.go_on else ({}, [])
    for group in plan(shop, size, peers=not flags.no_peers and flags.size != "small"):
        if group.key in titles or (flags.only and not group.key.startswith(tuple(flags.only))):
            continue
        titles[group.key] = group.title
        found = cases.run(group, flags.repeats or size.repeats, pid, _said)
        rows += [one.as_row() for one in found]
        kept = {
            "size": flags.size,
            "tracks": size.tracks,
            "seed": flags.seed,
            "countries": flags.countries,
            "machine": machine(),
            "titles": titles,
            "disk": {one: shop.sizes()[one] for one in sizes if one in shop.sizes()},
            "results": rows,
        }
        (shop.folder / "results.json").write_text(json.dumps(kept, indent=1))


def _kept(flags: argparse.Namespace, folder: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """What a run that was cut short has measured of the same; a group is measured whole or not."""
    kept = json.loads((folder / "results.json").read_text())
    if any(kept[name] != getattr(flags, name) for name in ("size", "seed", "countries")):
        raise SystemExit("the last run was of another size, seed or number of countries")
    return kept["titles"], kept["results"]


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
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what is made up")
    parser.add_argument("--countries", type=int, default=50, metavar="N", help="of every list")
    parser.add_argument("--go-on", action="store_true", help="with what a run cut short has left")
    parser.add_argument("--page", action="store_true", help="only write the last run's page anew")
    parser.add_argument("--no-postgres", action="store_true", help="only SQLite")
    parser.add_argument("--no-peers", action="store_true", help="nobody else")
    return parser.parse_args()


def _said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
