"""What is measured, and at which sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from bench import command_cases, feed_cases, play_cases
from bench.cases import Group
from bench.feeds import KINDS

if TYPE_CHECKING:
    from bench.workshop import Workshop


class Size(NamedTuple):
    """How much work.

    ``tracks`` stand in the catalogue before (100,000 tracks are 115,000 objects); ``packages`` and
    ``plays`` are the amounts of the two runs of a case; ``grown`` are catalogues, in tracks, and
    ``waiting`` Stack entries, by which growth is told.
    """

    tracks: int
    packages: tuple[int, int]
    plays: tuple[int, int]
    repeats: int
    grown: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()


SIZES = {
    "small": Size(5_000, (100, 1_000), (10_000, 100_000), 1),
    "default": Size(
        100_000, (300, 3_000), (100_000, 1_000_000), 3, (10_000, 100_000), (100, 1_000, 10_000)
    ),
    "large": Size(
        100_000,
        (1_000, 10_000),
        (200_000, 2_000_000),
        3,
        (10_000, 100_000, 1_000_000),
        (100, 1_000, 10_000, 100_000),
    ),
}

_TITLES = {
    "create": "Create",
    "update": "Updates with sub-actions",
    "repeat": "Identical re-delivery",
}


def plan(shop: Workshop, size: Size, *, peers: bool = True) -> Iterator[Group]:
    """The groups in the order in which they are measured."""
    yield from _feeds(shop, size)
    yield from _plays(shop, size, peers=peers)
    if peers:
        few = (size.packages[0], size.packages[1] // 2)
        found = [feed_cases.sqlite(shop, "create", 0, size.packages)[i] for i in (0, 2)]
        found += [feed_cases.loader(shop, name, few) for name in feed_cases.PEER_LOADERS]
        yield Group(
            "others-feeds", "Create, SQLite, into an empty catalogue", "package", tuple(found)
        )
    starts = command_cases.starts(shop, size.tracks)
    yield Group("start", "Start-up", "start", starts, repeats=10)
    yield from _growth(shop, size)


def _feeds(shop: Workshop, size: Size) -> Iterator[Group]:
    for kind in KINDS:
        found = feed_cases.sqlite(shop, kind, size.tracks, size.packages)
        yield Group(f"sqlite-{kind}", f"{_TITLES[kind]}, SQLite", "package", found)
    title = "Both cores: the machine itself"
    yield Group("cores-machine", title, "step", command_cases.loops(), repeats=5)
    enough = max(size.packages[1], 2_500)  # else nobody reads ahead
    cores = feed_cases.cores(shop, size.tracks, (enough, 3 * enough))
    title = "Both cores: applying packages that are read from their trees"
    yield Group("cores-feeds", title, "package", cores)
    timed = feed_cases.statements(shop, size.tracks, size.packages)
    yield Group("sqlite-statements", "Identical re-delivery, SQL apart", "package", (timed,))
    if shop.server is not None:
        for kind in KINDS:
            found = feed_cases.postgres(shop, kind, size.tracks, size.packages)
            yield Group(f"postgresql-{kind}", f"{_TITLES[kind]}, PostgreSQL", "package", found)


def _plays(shop: Workshop, size: Size, *, peers: bool) -> Iterator[Group]:
    found = [
        way(shop, size.tracks, size.plays)
        for way in (play_cases.floor, play_cases.alone, play_cases.check, play_cases.prepare)
    ]
    if peers:
        few = (size.plays[0] // 2, size.plays[1] // 4)
        found += [play_cases.judge(shop, name, size.tracks, few) for name in play_cases.PEER_JUDGES]
    yield Group("plays", "Judging plays", "play", tuple(found))
    enough = max(size.plays[1], 1_000_000)  # else nobody judges besides
    amounts = (enough, 3 * enough)
    cores = tuple(play_cases.on(shop, size.tracks, amounts, others) for others in (0, None))
    yield Group("cores-plays", "Both cores: judging plays", "play", cores, repeats=5)


def _growth(shop: Workshop, size: Size) -> Iterator[Group]:
    """What an item costs as the catalogue grows, and as entries wait."""
    for kind in ("create", "update"):
        found = tuple(
            feed_cases.engine(shop, kind, tracks, size.packages, f"{tracks:,} tracks")
            for tracks in size.grown
        )
        if found:
            yield Group(f"growth-{kind}", f"Growth: {_TITLES[kind]}", "package", found, 2)
    if size.grown:
        found = tuple(
            play_cases.check(shop, tracks, size.plays, f"{tracks:,} tracks")
            for tracks in size.grown
        )
        yield Group("growth-plays", "Growth: judging plays", "play", found, 2)
    if size.waiting:
        found = tuple(feed_cases.waiting(shop, entries) for entries in size.waiting)
        yield Group("growth-waiting", "Growth: Stack entries", "entry", found, 5)
    found = tuple(command_cases.answers(shop, tracks) for tracks in size.grown or (size.tracks,))
    yield Group("answers", "Availability answers", "answer", found, 1)
