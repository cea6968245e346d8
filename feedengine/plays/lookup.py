"""Plays against the catalogue as it stood when each was played: L2, L3 and L10 to L13.

Pure functions of `Facts` and arrays, one entry a play: objects are codes (`NONE`: none), instants
microseconds since 1970 UTC, countries as `permits.country_codes` gives them. No row is looked at by
itself.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.facts import Facts
from feedengine.plays.holdings import AMBIGUOUS, Objects
from feedengine.plays.timeline import (
    LAST,
    NONE,
    Codes,
    Instants,
    Mask,
    Places,
    spread,
    spread_sizes,
)

Judge: TypeAlias = Literal["then", "then-or-now"]
Policy: TypeAlias = Literal["refuse", "earliest-release", "first-linked"]

TOLERANCE_SECONDS = 2
"""L13: players count a little more than a track lasts."""

PAIRS_AT_ONCE = 1 << 20
"""Plays times releases in memory at a time: some tracks are on thousands of compilations."""


class Directory(NamedTuple):
    """The names of tracks or releases for those who log and send ids of one provider (L2).

    ``ids[name]`` is the name's id at the provider and ``references[object]`` the object's reference
    to it (`NONE`: there is none). Without a provider the catalogue's own ids are sent.
    """

    objects: Objects
    provider: int | None
    ids: Codes
    references: Codes


def directory(objects: Objects, provider: str) -> Directory:
    """The directory of a provider's name; of none, where it is empty."""
    if not provider:
        nobody = np.full(0, NONE, np.int32)
        return Directory(objects, None, nobody, nobody)
    code: int = pc.index(objects.provider_names, pa.scalar(provider, pa.string())).as_py()
    return Directory(
        objects,
        code,
        _only(objects.meant, objects.meant_by == code),
        _only(objects.references, objects.providers == code),
    )


def _only(offsets: Places, wanted: Mask) -> Codes:
    """Of each group the one place that is wanted."""
    found = np.full(len(offsets) - 1, NONE, np.int32)
    places = np.flatnonzero(wanted)
    found[np.searchsorted(offsets, places, side="right") - 1] = places
    return found


def find(names: Directory, codes: Codes, instants: Instants) -> Codes:
    """L2: the object that each name (`Names.codes`) means as of its instant.

    First as the configured provider's id, then as the catalogue's own, then as any other's. `NONE`
    where none does, `AMBIGUOUS` where several objects are meant within one step.
    """
    objects = names.objects
    found = np.full(len(codes), NONE, np.int32)
    if names.provider is not None:
        rows = np.flatnonzero(codes >= 0)
        found[rows] = objects.means.at(names.ids[codes[rows]], instants[rows])
    for step in (_owned, _elsewhere):
        rows = np.flatnonzero((found == NONE) & (codes >= 0))
        if len(rows):
            found[rows] = step(names, codes[rows], instants[rows])
    return found


def _owned(names: Directory, codes: Codes, instants: Instants) -> Codes:
    """The object of this id of the catalogue's own, while it stands."""
    objects = names.objects
    found = objects.own[codes]
    found[objects.stands.at(found, instants) != 1] = NONE
    return found


def _elsewhere(names: Directory, codes: Codes, instants: Instants) -> Codes:
    """The object that this is an id of at other providers."""
    objects = names.objects
    rows, ids = spread(objects.meant, codes)
    means = objects.means.at(ids.astype(np.int32), instants[rows])
    kept = means != NONE  # not at the configured provider: that was asked first
    rows, means = rows[kept], means[kept]
    found = np.full(len(codes), NONE, np.int32)
    found[rows] = means
    found[rows[found[rows] != means]] = AMBIGUOUS
    return found


def outgoing(names: Directory, found: Codes, instants: Instants) -> Codes:
    """L2: the names to send; `NONE` where there is no object, or no reference to it then."""
    objects = names.objects
    known = np.where(found == AMBIGUOUS, NONE, found)
    if names.provider is None:
        codes = np.full(len(found), NONE, np.int32)
        codes[known >= 0] = objects.named[known[known >= 0]]
    else:
        references = np.full(len(found), NONE, np.int32)
        rows = np.flatnonzero(known >= 0)
        references[rows] = names.references[known[rows]]
        codes = objects.referred.at(references, instants)
    return codes


def stand(objects: Objects, found: Codes, as_of: Instants) -> Mask:
    """Which objects were there; not `NONE`, and not what is ambiguous (L10, L11)."""
    known = np.where(found == AMBIGUOUS, NONE, found)
    there: Mask = objects.stands.at(known, as_of) == 1
    return there


def held(facts: Facts, tracks: Codes, releases: Codes, as_of: Instants) -> Mask:
    """L11: whether there was a link; of a release or track that is `NONE` there is none.

    Both have to stand besides: before its first appearance a link counts, before its release's
    return the release does not (H3).
    """
    links = facts.links.of(tracks, releases)
    there: Mask = facts.links.made.at(links, as_of) >= 0
    return there


class Plays(NamedTuple):
    """What availability is asked of: track, release (`NONE`: on its own), country, when played."""

    tracks: Codes
    releases: Codes
    countries: Codes
    instants: Instants

    def rows(self, rows: npt.NDArray[np.integer] | Mask) -> Plays:
        """Some of these plays."""
        return Plays(
            self.tracks[rows], self.releases[rows], self.countries[rows], self.instants[rows]
        )


def permitted(facts: Facts, plays: Plays, as_of: Instants) -> Mask:
    """A1 to A3: which plays the lists and validities permit that stood at ``as_of``."""
    declared = np.zeros(len(plays.tracks), np.bool_)
    fine = facts.windows.open(facts.own.at(plays.tracks, as_of), plays.instants)
    levels = ((facts.releases, plays.releases), (facts.tracks, plays.tracks))
    for objects, codes in levels:
        sets = objects.territories.at(codes, as_of)
        rows = np.flatnonzero(sets >= 0)
        declared[rows] = True
        windows = facts.sets.governing(sets[rows], plays.countries[rows])
        fine[rows] &= facts.windows.open(windows, plays.instants[rows])
    return fine & declared & (plays.countries >= 0)


def available(facts: Facts, plays: Plays, judge: Judge) -> Mask:
    """L12: which plays were available then, or by what the catalogue knows now.

    Now counts only where track and release, and the link between them, still stand.
    """
    found = permitted(facts, plays, plays.instants)
    if judge == "then-or-now" and not found.all():
        rows = np.flatnonzero(~found)
        found[rows] = _now(facts, plays.rows(rows))
    return found


def _now(facts: Facts, plays: Plays) -> Mask:
    as_of = np.full(len(plays.tracks), LAST, np.int64)
    there = stand(facts.tracks, plays.tracks, as_of)
    on_release = plays.releases >= 0
    on = held(facts, plays.tracks, plays.releases, as_of)
    there &= ~on_release | (on & stand(facts.releases, plays.releases, as_of))
    return there & permitted(facts, plays, as_of)


class Choice(NamedTuple):
    """L3: the release chosen for each play (`NONE`: none).

    ``several`` were left to choose from; ``available``: the track was, on some release, or on its
    own where it was on none.
    """

    releases: Codes
    several: Mask
    available: Mask


def choose(
    facts: Facts,
    tracks: Codes,
    countries: Codes,
    instants: Instants,
    policy: Policy,
    judge: Judge | None,
) -> Choice:
    """L3: the release that held the track, and on which it was available there and then.

    A release on which it was available then goes before one that is so by ``judge`` only now.
    Without ``judge`` availability is not asked for.
    """
    sizes = spread_sizes(facts.links.offsets, tracks)
    found = [
        _chosen(
            facts, Plays(tracks[a:b], tracks[a:b], countries[a:b], instants[a:b]), policy, judge
        )
        for a, b in slices(sizes)
    ]
    if not found:
        nothing = np.zeros(0, np.bool_)
        return Choice(np.zeros(0, np.int32), nothing, nothing)
    return Choice(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def slices(sizes: Places) -> list[tuple[int, int]]:
    """Slices of rows with `PAIRS_AT_ONCE` members together, or one row of more."""
    slices, begin = [], 0
    ends = np.cumsum(sizes)
    while begin < len(sizes):
        before = ends[begin - 1] if begin else 0
        end = int(np.searchsorted(ends, before + PAIRS_AT_ONCE, side="right"))
        end = max(end, begin + 1)
        slices.append((begin, end))
        begin = end
    return slices


def _chosen(facts: Facts, given: Plays, policy: Policy, judge: Judge | None) -> Choice:
    rows, places = spread(facts.links.offsets, given.tracks)
    pairs = given.rows(rows)._replace(releases=facts.links.releases[places])
    made = facts.links.made.at(places.astype(np.int32), pairs.instants)
    on = (made >= 0) & stand(facts.releases, pairs.releases, pairs.instants)
    rows, made, pairs = rows[on], made[on], pairs.rows(on)
    count = len(given.tracks)
    alone = np.bincount(rows, minlength=count) == 0
    open_ = _open(facts, rows, pairs, judge)
    rows, made, pairs = rows[open_], made[open_], pairs.rows(open_)
    found = np.bincount(rows, minlength=count)
    several, there = found > 1, found > 0
    chosen = _first(facts, rows, made, pairs, policy, count)
    if policy == "refuse":
        chosen[several] = NONE
    if judge is not None:
        own = given._replace(releases=np.full(count, NONE, np.int32))
        there[alone] = available(facts, own.rows(alone), judge)
    return Choice(chosen, several, there & (given.tracks >= 0))


def _open(facts: Facts, rows: Places, pairs: Plays, judge: Judge | None) -> Mask:
    """Which pairs of a play (``rows``) and a release are available."""
    if judge is None:
        return np.ones(len(rows), np.bool_)
    found = permitted(facts, pairs, pairs.instants)
    if judge == "then-or-now" and len(rows):
        none_then = np.bincount(rows[found], minlength=int(rows[-1]) + 1) == 0
        late = np.flatnonzero(none_then[rows])
        found[late] = available(facts, pairs.rows(late), judge)
    return found


def _first(
    facts: Facts, rows: Places, made: Codes, pairs: Plays, policy: Policy, count: int
) -> Codes:
    """Of each row's releases the first linked, or the one of the earliest release date.

    Of equal dates the first linked; a release without a date comes last.
    """
    order = np.lexsort((made, rows))
    if policy == "earliest-release":
        dates = facts.release_dates.at(pairs.releases, pairs.instants)
        dates[dates == NONE] = np.iinfo(np.int32).max
        order = np.lexsort((made, dates, rows))
    chosen = np.full(count, NONE, np.int32)
    backwards = order[::-1]
    chosen[rows[backwards]] = pairs.releases[backwards]
    return chosen


def too_long(facts: Facts, tracks: Codes, instants: Instants, seconds: Instants) -> Mask:
    """L13: played for more seconds than the track lasts; not where either is unknown (below 0)."""
    lasts = facts.durations.at(tracks, instants)
    found: Mask = (lasts >= 0) & (seconds > lasts.astype(np.int64) + TOLERANCE_SECONDS)
    return found
