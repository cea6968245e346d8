"""Cases of the way out: plays taken through the floor, judged by the engine, and by others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.cases import Case, Command
from bench.environment import PEERS, python_of
from bench.workshop import COMMAND, HERE

if TYPE_CHECKING:
    from bench.workshop import Workshop

NOW = "2025-11-01T00:00:00Z"
"""When plays are judged; as in `plays`, which is too heavy to be imported where is measured."""

PEER_JUDGES = {
    "Polars": "polars_plays",
    "DuckDB": "duckdb_plays",
    "pandera": "pandera_plays",
    "pydantic": "pydantic_plays",
    "Great Expectations": "expectations_plays",
}
"""Name → script. What they have in common with the engine are the format's rules."""

_ALONE = (COMMAND, "plays", "check", "--play-processes", 0)
"""On one core, since CPU is compared; `on` compares cores."""

_REFUSED = (0, 1)
"""The command ends with 1 where rows are refused, and some are."""


def floor(shop: Workshop, tracks: int, amounts: tuple[int, ...]) -> Case:
    """Decode and encode."""

    def command(many: int) -> Command:
        out = shop.empty("floor-plays") / "out.parquet"
        return sys.executable, HERE / "floor_plays.py", shop.plays(tracks, many), out

    return Case("floor", command, amounts)


def alone(shop: Workshop, tracks: int, amounts: tuple[int, ...]) -> Case:
    """The engine, by the format alone: what others can do, too; nothing is written."""

    def command(many: int) -> Command:
        plays = shop.plays(tracks, many)
        return (*_ALONE, plays, "--no-catalogue", "--now", NOW, "--json")

    return Case("feedengine, by the format alone", command, amounts, fine=_REFUSED)


def check(shop: Workshop, tracks: int, amounts: tuple[int, ...], name: str = "") -> Case:
    """The engine, by format and catalogue as of each play; nothing is written."""

    def command(many: int) -> Command:
        plays, site = shop.plays(tracks, many), shop.kept_site(tracks)
        return (*_ALONE, plays, "--root", site, "--now", NOW, "--json")

    called = name or "feedengine, by format and catalogue"
    return Case(called, command, amounts, fine=_REFUSED, warm=True)


def on(shop: Workshop, tracks: int, amounts: tuple[int, ...], others: int | None = None) -> Case:
    """As `check`, by so many other processes, too; as many as the engine takes unless said."""

    def command(many: int) -> Command:
        plays, site = shop.plays(tracks, many), shop.kept_site(tracks)
        said = () if others is None else ("--play-processes", others)
        asked = (COMMAND, "plays", "check", plays, "--root", site, "--now", NOW, "--json")
        return (*asked, *said)

    called = "all cores" if others is None else "one core"
    return Case(called, command, amounts, fine=_REFUSED, warm=True)


def prepare(shop: Workshop, tracks: int, amounts: tuple[int, ...]) -> Case:
    """The engine, all of it: accepted and rejected rows, report and parcels are written."""

    def command(many: int) -> Command:
        plays, site = shop.plays(tracks, many), shop.kept_site(tracks)
        out = shop.empty("prepared") / "out"
        asked = ("--play-processes", 0, "--root", site, "--now", NOW, "--json")
        return (COMMAND, "plays", "prepare", plays, *asked, "--out", out, "--to", "folder")

    return Case("feedengine, judged and written", command, amounts, fine=_REFUSED, warm=True)


def judge(shop: Workshop, name: str, tracks: int, amounts: tuple[int, ...]) -> Case:
    """Somebody else's way to check the format's rules."""
    script = PEER_JUDGES[name]

    def command(many: int) -> Command:
        python = python_of(shop.folder, script)
        out = shop.empty(script) / "out"
        return python, PEERS / f"{script}.py", shop.plays(tracks, many), out

    return Case(name, command, amounts)
