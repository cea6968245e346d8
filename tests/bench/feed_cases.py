"""Cases of the way in: feeds applied by the floor, by the engine, and by others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cases import Case, Command
from bench.environment import PEERS, python_of
from bench.feeds import UNUSUAL
from bench.workshop import COMMAND, HERE, XSD

if TYPE_CHECKING:
    from bench.workshop import Workshop

MANY_ENTRIES = 10_000
"""So many cost seconds: what else the machine does weighs little beside them."""

PEER_LOADERS = {
    "xml2db": "xml2db_loader",
    "SQLModel": "sqlmodel_loader",
    "sqlite-utils": "sqlite_utils_loader",
    "dlt": "dlt_loader",
}
"""Name → script. What they have in common with the engine is a Create into an empty catalogue."""


def floor(shop: Workshop, kind: str, tracks: int, amounts: tuple[int, ...], *flags: str) -> Case:
    """The floor on SQLite; with ``--logs`` it writes logs, too."""

    def command(many: int) -> Command:
        feed, script = shop.feed(kind, tracks, many), HERE / "floor_feeds.py"
        return (sys.executable, script, shop.floor(tracks), feed.folder, feed.rows, XSD, *flags)

    return Case("floor with logs" if flags else "floor", command, amounts)


def engine(
    shop: Workshop, kind: str, tracks: int, amounts: tuple[int, ...], name: str = "feedengine"
) -> Case:
    """The command itself, on SQLite, into a catalogue of so many tracks."""

    def command(many: int) -> Command:
        return COMMAND, "run", shop.announced(shop.feed(kind, tracks, many), shop.site(tracks))

    return Case(name, command, amounts)


def cores(shop: Workshop, tracks: int, amounts: tuple[int, ...]) -> tuple[Case, ...]:
    """Packages that take long to read, by the engine alone, and with processes that read ahead."""

    def on(name: str, *flags: object) -> Case:
        def command(many: int) -> Command:
            site = shop.announced(shop.feed(UNUSUAL, tracks, many), shop.site(tracks))
            return COMMAND, "run", site, *flags

        return Case(name, command, amounts)

    return on("one core", "--readers", 0), on("all cores")


def sqlite(shop: Workshop, kind: str, tracks: int, amounts: tuple[int, ...]) -> tuple[Case, ...]:
    """Floor, floor with logs, engine."""
    bare = floor(shop, kind, tracks, amounts)
    logged = floor(shop, kind, tracks, amounts, "--logs")
    return bare, logged, engine(shop, kind, tracks, amounts)


def postgres(shop: Workshop, kind: str, tracks: int, amounts: tuple[int, ...]) -> tuple[Case, ...]:
    """Floor and engine on PostgreSQL, client and server together."""

    def bare(many: int) -> Command:
        feed, url = shop.feed(kind, tracks, many), shop.database("floor", tracks)
        return sys.executable, HERE / "floor_feeds.py", url, feed.folder, feed.rows, XSD

    def whole(many: int) -> Command:
        url = shop.database("site", tracks)
        site = Path(shop.work / "site-on-postgres")
        return COMMAND, "run", shop.announced(shop.feed(kind, tracks, many), site, url)

    return (
        Case("floor", bare, amounts, served=True),
        Case("feedengine", whole, amounts, served=True),
    )


def loader(shop: Workshop, name: str, amounts: tuple[int, ...]) -> Case:
    """Somebody else's way to load the feed of Creates into an empty database."""
    script = PEER_LOADERS[name]

    def command(many: int) -> Command:
        python = python_of(shop.folder, script)
        feed, target = shop.feed("create", 0, many), shop.empty(script)
        return python, PEERS / f"{script}.py", feed.folder, target / "catalogue.db", XSD

    return Case(name, command, amounts)


def statements(shop: Workshop, tracks: int, amounts: tuple[int, ...]) -> Case:
    """An identical re-delivery by the engine, its SQL timed apart."""

    def command(many: int) -> Command:
        site = shop.announced(shop.feed("repeat", tracks, many), shop.site(tracks))
        return sys.executable, HERE / "sql_time.py", site

    return Case("feedengine, its SQL timed", command, amounts)


def waiting(shop: Workshop, entries: int) -> Case:
    """So many Stack entries, a feed of one package each, into an empty catalogue."""

    def command(many: int) -> Command:
        return COMMAND, "run", shop.queued(many)

    once = 1 if entries >= MANY_ENTRIES else None
    return Case(
        f"{entries:,} waiting", command, (min(10, entries // 2), entries), most_repeats=once
    )
