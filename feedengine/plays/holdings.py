"""Tracks, releases and the links between them, over time: what names mean, and what holds what.

Objects, names and links are codes (int32, from 0), instants microseconds since 1970 UTC.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from feedengine.plays.names import Names
from feedengine.plays.timeline import NONE, Codes, Places, Timeline, last_not_after

AMBIGUOUS = np.iinfo(np.int32).max
"""Instead of an object's code: a name that several objects have."""


class Objects(NamedTuple):
    """The tracks, or the releases, and the names they go by.

    ``names`` holds their own ids and their references' ids. ``own[name]`` is the object of that id,
    ``named[object]`` the other way about. The ids that name ``n`` has at providers are
    ``meant[n]:meant[n + 1]``: ``meant_by`` their providers, ``means`` whom they mean over time
    (`AMBIGUOUS` where two objects have it). The references of object ``o`` are
    ``references[o]:references[o + 1]``: ``providers`` and, over time, the ``referred`` name.
    ``stands``: 1 while the object is there, `NONE` while it is deleted. ``territories``: its set.
    """

    names: Names
    own: Codes
    named: Codes
    provider_names: pa.Array
    meant: Places
    meant_by: Codes
    means: Timeline
    references: Places
    providers: Codes
    referred: Timeline
    stands: Timeline
    territories: Timeline

    def of_id(self, ids: pa.Array) -> Codes:
        """The object of each of the catalogue's own ids, whether it stands or not."""
        found = self.names.codes(ids)
        known = found >= 0
        found[known] = self.own[found[known]]
        return found


class Links(NamedTuple):
    """The release–track links: those of track ``t`` are ``offsets[t]:offsets[t + 1]``.

    ``releases`` ascend within a track. ``made`` is, while a link stands, its order of making among
    all links, else `NONE`.
    """

    offsets: Places
    releases: Codes
    made: Timeline

    def of(self, tracks: Codes, releases: Codes) -> Codes:
        """The link of each track and release, `NONE` where there never was one."""
        found = np.full(len(tracks), NONE, np.int32)
        rows = np.flatnonzero((tracks >= 0) & (releases >= 0))
        begin, end = self.offsets[tracks[rows]], self.offsets[tracks[rows] + 1]
        some = begin < end
        rows, begin, end = rows[some], begin[some], end[some]
        wanted = releases[rows]
        place = last_not_after(begin, end, self.releases, wanted)
        hit = self.releases[place] == wanted
        found[rows[hit]] = place[hit]
        return found
