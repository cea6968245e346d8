"""May these countries use these tracks now? A1 to A3 of `Facts` as they stand, for many at once.

"Now" is about the catalogue: what it holds at its last change. The instants that are asked about
may be any. Pure functions; `feedengine.answering` keeps the facts and hands texts over.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from feedengine.plays.facts import Facts
from feedengine.plays.lookup import Plays, slices, stand
from feedengine.plays.timeline import (
    LAST,
    NONE,
    Codes,
    Mask,
    Places,
    Timeline,
    begins,
    spread,
    spread_sizes,
)

Reasons: TypeAlias = npt.NDArray[np.uint8]
"""Codes: places in `REASONS`."""

REASONS = ("available", "not-found", "undeclared", "list", "validities")
"""Why a question was answered so.

``not-found``: there is no such track, release, or link between them. ``undeclared`` (A3): neither
track nor release declares a territory list. ``list`` (A1): a territory list does not permit it.
``validities`` (A2): the track's own validities do not.
"""

RULES = ("A3", "P14", "A3", "A1", "A2")
"""The rule by which each of `REASONS` decides."""

AVAILABLE, NOT_FOUND, UNDECLARED, LIST, VALIDITIES = range(5)

ANY = -2
"""Instead of a release's code: any release that holds the track."""


class Found(NamedTuple):
    """The answers: a reason each, and the release that it is about (`NONE`: the track alone)."""

    reasons: Reasons
    releases: Codes


def answered(facts: Facts, asked: Plays) -> Found:
    """A3 for each question; its release may be `ANY`, and is `NONE` where there is none such.

    Of `ANY` the first linked release on which the track is available answers, else the first of
    all; a track on no release stands on its own list. Countries must be known.
    """
    sizes = np.maximum(spread_sizes(facts.links.offsets, asked.tracks), 1)
    found = [_answered(facts, asked.rows(np.arange(a, b))) for a, b in slices(sizes)]
    if not found:
        return Found(np.zeros(0, np.uint8), np.zeros(0, np.int32))
    return Found(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _answered(facts: Facts, asked: Plays) -> Found:
    count = len(asked.tracks)
    reasons = np.full(count, NOT_FOUND, np.uint8)
    releases = np.full(count, NONE, np.int32)
    rows, order, pairs = _pairs(facts, asked)
    said = _reasons(facts, pairs)
    best = np.lexsort((order, said != AVAILABLE, rows))
    best = best[begins(rows[best])]
    reasons[rows[best]], releases[rows[best]] = said[best], pairs.releases[best]
    return Found(reasons, releases)


def _pairs(facts: Facts, asked: Plays) -> tuple[Places, Codes, Plays]:
    """What each question is about: its row, the order of the link, and the pair to be judged."""
    links = facts.links
    as_of = np.full(len(asked.tracks), LAST, np.int64)
    there = stand(facts.tracks, asked.tracks, as_of)
    any_ = there & (asked.releases == ANY)
    rows, places = spread(links.offsets, np.where(any_, asked.tracks, NONE).astype(np.int32))
    made = links.made.at(places.astype(np.int32), as_of[:1].repeat(len(places)))
    on = made >= 0
    rows, places, made = rows[on], places[on], made[on]
    alone = any_.copy()
    alone[rows] = False
    alone_rows = np.flatnonzero(alone)
    named = np.flatnonzero(there & (asked.releases >= 0))
    link = links.of(asked.tracks[named], asked.releases[named])
    named = named[links.made.at(link, as_of[: len(link)]) >= 0]
    every = np.concatenate((rows, alone_rows, named))
    releases = np.concatenate(
        (links.releases[places], np.full(len(alone_rows), NONE, np.int32), asked.releases[named])
    ).astype(np.int32)
    order = np.concatenate((made, np.zeros(len(alone_rows) + len(named), np.int32)))
    return every, order, asked.rows(every)._replace(releases=releases)


def _reasons(facts: Facts, pairs: Plays) -> Reasons:
    """Why each pair is available, or is not: of several reasons the one that `judge` would tell."""
    as_of = np.full(len(pairs.tracks), LAST, np.int64)
    found = np.where(
        facts.windows.open(facts.own.at(pairs.tracks, as_of), pairs.instants),
        np.uint8(AVAILABLE),
        np.uint8(VALIDITIES),
    )
    declared: Mask = np.zeros(len(found), np.bool_)
    for objects, codes in ((facts.tracks, pairs.tracks), (facts.releases, pairs.releases)):
        sets = objects.territories.at(codes, as_of)
        rows = np.flatnonzero(sets >= 0)
        declared[rows] = True
        windows = facts.sets.governing(sets[rows], pairs.countries[rows])
        found[rows[~facts.windows.open(windows, pairs.instants[rows])]] = LIST
    found[~declared] = UNDECLARED
    return found


class One:
    """The same for one question at a time, without the cost of arrays of one."""

    def __init__(self, facts: Facts) -> None:
        """Of these facts."""
        self.facts = facts
        self._stands = _last(facts.tracks.stands)
        self._own = _last(facts.own)
        self._track_set = _last(facts.tracks.territories)
        self._release_set = _last(facts.releases.territories)
        self._made = _last(facts.links.made)
        self._code = facts.tracks.names.code
        self._object = facts.tracks.own.item
        self._release_code = facts.releases.names.code
        self._release_object = facts.releases.own.item
        self._offset = facts.links.offsets.item
        self._release = facts.links.releases.item
        self._starts, self._ends = facts.windows.starts.item, facts.windows.ends.item

    def answer(self, track: str, release: str | None, country: int, at: int) -> tuple[int, int]:
        """The reason's code, and the release's (`NONE`: the track by itself)."""
        name = self._code(track)
        code = self._object(name) if name >= 0 else NONE
        if code < 0 or self._stands(code) != 1:
            return NOT_FOUND, NONE
        begin, end = self._offset(code), self._offset(code + 1)
        links = [
            (made, self._release(at_))
            for at_ in range(begin, end)
            if (made := self._made(at_)) >= 0
        ]
        if release is not None:
            name = self._release_code(release)
            wanted = self._release_object(name) if name >= 0 else NONE
            links = [link for link in links if link[1] == wanted]
            if not links:
                return NOT_FOUND, NONE
        own = self._open(self._own(code), at)
        listed = self._listed(self._track_set(code), country, at)
        first: tuple[int, int] | None = None
        for _, on in sorted(links) or [(0, NONE)]:
            found = self._reason(own, listed, on, country, at)
            if found == AVAILABLE:
                return found, on
            first = first or (found, on)
        assert first is not None  # noqa: S101 - there is always a pair
        return first

    def _reason(self, own: bool, listed: bool | None, on: int, country: int, at: int) -> int:  # noqa: FBT001
        over = None if on < 0 else self._listed(self._release_set(on), country, at)
        if over is None and listed is None:
            return UNDECLARED
        if over is False or listed is False:
            return LIST
        return AVAILABLE if own else VALIDITIES

    def _listed(self, set_: int, country: int, at: int) -> bool | None:
        """Whether a territory set permits; None where there is none (not declared)."""
        return None if set_ < 0 else self._open(self.facts.sets.governing_one(set_, country), at)

    def _open(self, code: int, at: int) -> bool:
        if code < 0:
            return False
        if self._starts(code) <= at < self._ends(code):
            return True
        several = self.facts.windows.several
        if not len(several.starts) or several.first.item(code) >= NONE:
            return False
        found = self.facts.windows.open(np.array([code], np.int32), np.array([at], np.int64))
        return bool(found[0])


class _last:  # noqa: N801 - a function of one code
    """The value that each object of a timeline has now."""

    def __init__(self, timeline: Timeline) -> None:
        self.first, self.runs = timeline.first.item, timeline.runs.item
        self.values = timeline.values.item

    def __call__(self, code: int) -> int:
        found = self.first(code)
        return found if found >= NONE else self.values(self.runs(-1 - found) - 1)
