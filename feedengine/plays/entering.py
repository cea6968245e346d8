"""Accepted plays entered into the ledger, to be sent later: from then on their log may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedengine.plays.deliver import packing_of, way_name
from feedengine.plays.recording import Recorder
from feedengine.plays.turn import delivering

if TYPE_CHECKING:
    from pathlib import Path

    from feedengine.plays.deliver import Site, To
    from feedengine.plays.frames import FormatName


class Entered(NamedTuple):
    """What became of accepted plays; those that are neither of the two are in ``parcels``."""

    rows: int
    already_delivered: int
    too_old: int
    parcels: int


def enter(site: Site, accepted: Path, to: To, form: FormatName) -> Entered:
    """Record the plays of ``accepted`` (Parquet) that have not left by this way; nothing is sent.

    What `deliver` does before it sends: ended at any moment and called again it goes on. Raises
    `UsageError` for plays that cannot be packed.
    """
    way, packing = way_name(site.settings, to, form), packing_of(site.settings, form)
    recorder, parcels = Recorder(site.database, site.outbox, way, packing, site.now), 0
    with delivering(site.settings.plays, site.database, site.said, site.pause):
        for some in recorder.parcels(accepted):
            parcels += len(some)
            site.pause(0)
    return Entered(recorder.rows, recorder.already_delivered, recorder.too_old, parcels)
