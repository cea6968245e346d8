"""How plays are judged: what a run is told before it reads the first of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from feedengine.plays.enrich import Fills
from feedengine.plays.frames import Catalogue, FormatName, Mask
from feedengine.plays.gather import Naming
from feedengine.plays.judge import Terms
from feedengine.plays.reports import FORMATS, Format
from feedengine.plays.seen import Keys
from feedengine.plays.stations import StationClock

if TYPE_CHECKING:
    from feedengine.config import Settings

Delivered: TypeAlias = Callable[[Keys], Mask]
"""Which ids, in ascending order of their keys, this way out has delivered already."""


Opened: TypeAlias = Callable[[], Catalogue | None]
"""How another process comes by the same catalogue; None when it is not there any more."""


class Consulted(NamedTuple):
    """Who is asked besides: the catalogue, as of its change ``seq``, and what has left already.

    ``opened`` can be handed to another process, if there is one. ``notes`` say, for people, what is
    not asked.
    """

    catalogue: Catalogue | None = None
    delivered: Delivered | None = None
    seq: int | None = None
    notes: tuple[str, ...] = ()
    opened: Opened | None = None


NOBODY = Consulted()

FORMAT_ALONE = "judged by the format alone; no catalogue is asked (L2, L3, L6, L10-L13)"
"""The note of a run without a catalogue."""


@dataclass(frozen=True, slots=True)
class Job:
    """How plays are judged: the format, what fills, the terms, and who is asked besides."""

    form: Format
    fills: Fills
    terms: Terms
    naming: Naming
    consulted: Consulted = NOBODY
    stream: str | None = None


def job_for(settings: Settings, form: FormatName, now: int, consulted: Consulted = NOBODY) -> Job:
    """The job that the settings describe; ``now`` in microseconds since 1970 UTC."""
    configured = {
        "partnerid": settings.partner_id,
        "formatid": settings.format_id,
        "useragent": settings.user_agent,
    }
    fills = Fills(
        now,
        {name: value for name, value in configured.items() if value is not None},
        {country: str(shop) for country, shop in settings.shop_ids.items()},
        StationClock(settings.station_zone),
    )
    terms = Terms(
        now,
        frozenset(settings.permitted_shops),
        frozenset(settings.permitted_countries),
        settings.endpoint_max_seconds,
    )
    naming = Naming(settings.play_columns)
    return Job(FORMATS[form], fills, terms, naming, consulted, settings.stream)


def for_others(job: Job) -> Job | None:
    """The job as it is handed to another process; None if that could not ask the catalogue."""
    who = job.consulted
    if who.catalogue is not None and who.opened is None:
        return None
    return replace(job, consulted=Consulted(opened=who.opened))


def from_another(job: Job) -> Job | None:
    """A job that was handed over, with its catalogue; None when that is not there any more."""
    opened = job.consulted.opened
    if opened is None:
        return job
    catalogue = opened()
    return None if catalogue is None else replace(job, consulted=Consulted(catalogue))
