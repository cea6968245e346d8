"""What the catalogue says of a batch of plays: L2, L3 and L10 to L13 together, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.facts import Facts
from feedengine.plays.holdings import AMBIGUOUS
from feedengine.plays.lookup import (
    Directory,
    Judge,
    Plays,
    Policy,
    available,
    choose,
    directory,
    find,
    held,
    outgoing,
    stand,
    too_long,
)
from feedengine.plays.repeats import decoded, each
from feedengine.plays.texts import texts
from feedengine.plays.timeline import NONE, Codes, Instants, Mask


class Asked(NamedTuple):
    """What is asked of n plays; row ``i`` of each column is the same play.

    ``tracks`` and ``releases`` are ids as they were logged, NULL where there is none. ``instants``
    are when they were played (microseconds since 1970 UTC), ``countries`` codes of
    `permits.country_codes` (`NONE`: unknown), ``seconds`` how long they were played (below 0:
    unknown). What is not ``readable``, or has no instant, is not judged.
    """

    tracks: pa.Array
    releases: pa.Array
    instants: Instants
    countries: Codes
    seconds: Instants
    readable: Mask


class Judged(NamedTuple):
    """What was found of n plays.

    ``tracks`` and ``releases`` are the objects (`NONE`: none), ``track_ids`` and ``release_ids``
    what to send (as logged, where there is nothing better), ``chosen`` the rows whose release was
    filled in (L3), ``broken`` the rows that break each rule, ``warned`` those to be warned of.
    """

    tracks: Codes
    releases: Codes
    track_ids: pa.Array
    release_ids: pa.Array
    chosen: Mask
    broken: dict[str, Mask]
    warned: dict[str, Mask]


@dataclass(frozen=True, slots=True)
class Terms:
    """How plays are looked up: the settings of L2, L3 and L12.

    ``sends_ids``: the recipient gets ids, so an object without the provider's reference is refused.
    """

    provider: str = "7digital"
    policy: Policy = "refuse"
    judge: Judge = "then"
    availability: bool = True
    sends_ids: bool = True


class Register:
    """The facts as one site's plays are looked up in them; made once, used for every batch."""

    def __init__(self, facts: Facts, terms: Terms) -> None:
        """For these settings."""
        self.facts, self.terms = facts, terms
        self.tracks = directory(facts.tracks, terms.provider)
        self.releases = directory(facts.releases, terms.provider)

    def judged(self, asked: Asked, known_as: tuple[Codes, Codes] | None = None) -> Judged:
        """The plays judged, each by the catalogue as it stood when it was played.

        ``known_as`` are tracks and releases that are known otherwise than by an id (L6), `NONE`
        elsewhere. A rule is judged where what it speaks of is there: L12 of a known track, and of a
        release only if that held it. That an id is missing is the format's affair.
        """
        names = each(asked.tracks, self.facts.tracks.names.codes)
        others = each(asked.releases, self.facts.releases.names.codes)
        found = find(self.tracks, _readable(names, asked), asked.instants)
        releases = find(self.releases, _readable(others, asked), asked.instants)
        logged = asked.readable & _filled(asked.tracks)
        given = asked.readable & _filled(asked.releases)
        if known_as is not None:
            found = np.where(known_as[0] >= 0, known_as[0], found)
            releases = np.where(known_as[1] >= 0, known_as[1], releases)
            given |= known_as[1] >= 0
        known = stand(self.facts.tracks, found, asked.instants) & asked.readable
        tracked = np.where(known, found, NONE).astype(np.int32)
        broken = {
            "L2": (found == AMBIGUOUS) | (releases == AMBIGUOUS),
            "L10": logged & ~known & (found != AMBIGUOUS),
        }
        releases, chosen = self._released(asked, tracked, releases, given, broken)
        sent = self._sent(asked, (tracked, names), (releases, others), broken)
        long = too_long(self.facts, tracked, asked.instants, asked.seconds)
        return Judged(tracked, releases, *sent, chosen, broken, {"L13": long})

    def _released(
        self,
        asked: Asked,
        tracks: Codes,
        releases: Codes,
        given: Mask,
        broken: dict[str, Mask],
    ) -> tuple[Codes, Mask]:
        """L3, L11, L12: the releases, and where they were filled in."""
        facts, at = self.facts, asked.instants
        known = stand(facts.releases, releases, at) & given
        pair = known & (tracks >= 0)
        on = np.zeros(len(at), np.bool_)
        rows = np.flatnonzero(pair)
        on[rows] = held(facts, tracks[rows], releases[rows], at[rows])
        broken["L11"] = given & (releases != AMBIGUOUS) & ~np.where(tracks >= 0, on, known)
        denied = np.zeros(len(at), np.bool_)
        if self.terms.availability:
            rows = np.flatnonzero(on & (asked.countries >= 0))
            plays = Plays(tracks, releases, asked.countries, at).rows(rows)
            denied[rows] = ~available(facts, plays, self.terms.judge)
        found = np.where(known, releases, NONE).astype(np.int32)
        chosen = self._choose(asked, tracks, found, ~given, broken, denied)
        broken["L12"] = denied
        return found, chosen

    def _choose(
        self,
        asked: Asked,
        tracks: Codes,
        releases: Codes,
        missing: Mask,
        broken: dict[str, Mask],
        denied: Mask,
    ) -> Mask:
        """L3: fill in what is missing, in place; returns where that was done."""
        asks = self.terms.judge if self.terms.availability else None
        placed = (asked.countries >= 0) if asks else True
        rows = np.flatnonzero(asked.readable & missing & (tracks >= 0) & placed)
        choice = choose(
            self.facts,
            tracks[rows],
            asked.countries[rows],
            asked.instants[rows],
            self.terms.policy,
            asks,
        )
        releases[rows] = choice.releases
        refused = choice.several & (choice.releases == NONE)
        broken["L3"] = np.zeros(len(tracks), np.bool_)
        if self.terms.sends_ids:
            broken["L3"][rows] = refused
        if asks:
            denied[rows] = ~choice.available
        chosen = np.zeros(len(tracks), np.bool_)
        chosen[rows] = choice.releases >= 0
        return chosen

    def _sent(
        self,
        asked: Asked,
        tracks: tuple[Codes, Codes],
        releases: tuple[Codes, Codes],
        broken: dict[str, Mask],
    ) -> tuple[pa.Array, pa.Array]:
        """L2: the ids to send, of pairs of the objects found and the names logged."""
        ids, lacking = _ids(self.tracks, tracks, asked.tracks, asked.instants)
        others, also = _ids(self.releases, releases, asked.releases, asked.instants)
        if self.terms.sends_ids:
            broken["L2"] = broken["L2"] | lacking | also
        return ids, others


def _readable(names: Codes, asked: Asked) -> Codes:
    """The names of the rows that can be judged."""
    return names if asked.readable.all() else np.where(asked.readable, names, NONE)


def _ids(
    names: Directory, found: tuple[Codes, Codes], logged: pa.Array, instants: Instants
) -> tuple[pa.Array, Mask]:
    """The ids to send, as logged where there is none; and where an object has none."""
    objects, codes = found
    sent = outgoing(names, objects, instants)
    lacking: Mask = (objects >= 0) & (sent == NONE)
    other = np.flatnonzero((sent >= 0) & (sent != codes))
    if not len(other):
        return logged, lacking
    if len(other) == len(sent):
        return names.objects.names.spelled(sent), lacking
    spelled = names.objects.names.spelled(sent[other])
    mask = np.zeros(len(sent), np.bool_)
    mask[other] = True
    return pc.replace_with_mask(decoded(logged), pa.array(mask), spelled), lacking


def _filled(ids: pa.Array) -> Mask:
    """Where there is an id that is not empty."""
    return each(ids, lambda texts_: texts(texts_).lengths > 0)
