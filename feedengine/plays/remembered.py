"""What has left, for whoever judges: asked batch by batch, read from the ledger once.

Every batch of a run asks whether its plays have left already. The ids of the ledger are laid down
once in the structure that the run keeps its own ids in (`seen`): 16 bytes each on the disk, some 4
in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from feedengine.plays.job import Delivered
from feedengine.plays.seen import Keys, Seen, keys
from feedengine.store import parcels
from feedengine.store.database import reading

if TYPE_CHECKING:
    from sqlalchemy import Engine


@contextmanager
def remembered(database: Engine, way: str) -> Iterator[Delivered]:
    """The question `job.Consulted.delivered` asks: which ids have left."""
    with Seen() as seen:
        with reading(database) as connection:
            for block in parcels.blocks(connection, way):
                halves = np.frombuffer(block, ">u8").astype(np.uint64)
                seen.add(_ordered(keys(halves[::2], halves[1::2])))

        yield seen.has


def _ordered(some: Keys) -> Keys:
    order = np.argsort(some.mixed)
    return Keys(some.mixed[order], some.low[order])
