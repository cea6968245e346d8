"""The catalogue as arrays, with its whole history: all that judging plays asks of it.

Objects, names, sets and windows are codes (int32, from 0), instants microseconds since 1970 UTC.
Every fact has the intervals in which it held (`timeline`), deleted objects included, so one `Facts`
judges plays of all times (H3). It is immutable, and knows no database.
"""

from __future__ import annotations

from typing import NamedTuple

from feedengine.plays.holdings import Links, Objects
from feedengine.plays.permits import Sets, Windows
from feedengine.plays.timeline import Timeline
from feedengine.plays.words import Words


class Facts(NamedTuple):
    """The catalogue up to the change ``seq``, for one usage.

    ``own`` are the windows that a track's own validities leave open (A2); ``durations`` are in
    seconds, ``release_dates`` in days since 1 January of the year 1. ``words`` are empty where they
    were not asked for.
    """

    seq: int
    usage: str
    tracks: Objects
    releases: Objects
    links: Links
    sets: Sets
    windows: Windows
    own: Timeline
    durations: Timeline
    release_dates: Timeline
    words: Words
