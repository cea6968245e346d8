"""What is measured, and at which sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from bench import cases
from bench.cases import Group
from bench.feeds import KINDS

if TYPE_CHECKING:
    from bench.workshop import Workshop


class Size(NamedTuple):
    """How much work: ``tracks`` in the catalogue before, ``packages`` of the two runs.

    87,000 tracks with their labels, artists and releases are 100,000 objects.
    """

    tracks: int
    packages: tuple[int, int]
    repeats: int


SIZES = {
    "small": Size(5_000, (100, 1_000), 1),
    "default": Size(87_000, (500, 5_000), 3),
    "large": Size(87_000, (1_000, 10_000), 5),
}

_TITLES = {
    "create": "Create",
    "update": "Updates with sub-actions",
    "repeat": "identical re-delivery",
}


FEED_PEERS = {"SQLModel": "sqlmodel_loader"}
"""Name → script; what they do is a Create into an empty catalogue, all that they have in common."""


def plan(shop: Workshop, size: Size, *, peers: bool = True) -> Iterator[Group]:
    """The groups in the order in which they are measured."""
    for kind in KINDS:
        title = f"{_TITLES[kind]}, SQLite"
        found = cases.applying(shop, kind, size.tracks, size.packages)
        yield Group(f"{kind}-sqlite", title, "package", found)
    found = cases.applying(shop, "create", 0, size.packages)
    if peers:
        few = (size.packages[0] // 2, size.packages[1] // 4)
        found += tuple(cases.peer(shop, *one, few) for one in FEED_PEERS.items())
    yield Group("peers-feeds", "Create into an empty catalogue: others", "package", found)
    if shop.server is not None:
        for kind in KINDS:
            title = f"{_TITLES[kind]}, PostgreSQL"
            found = cases.applying_postgres(shop, kind, size.tracks, size.packages)
            yield Group(f"{kind}-postgresql", title, "package", found)
