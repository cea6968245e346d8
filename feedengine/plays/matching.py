"""L6: which track a station played, when it logs no ids: by ISRC, else by title and artist.

Certainty is in percent, and says what a match rests on. What two texts have in common is
`spelling.plain`; whether a track was called so is asked as of the play (H3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.facts import Facts
from feedengine.plays.lookup import stand
from feedengine.plays.spelling import plain, plain_isrc
from feedengine.plays.texts import flags
from feedengine.plays.timeline import NONE, Codes, Instants, Mask, Places, begins, spread
from feedengine.plays.words import key_of

ISRC = 100
"""The ISRC is that of one track, or title, artist and album tell which of several."""

WITH_ALBUM = 90
"""Title and artist are one track's, and it was on the album named."""

WITHOUT_ALBUM = 85
"""Title and artist are one track's; no album is named."""

OTHER_ALBUM = 70
"""Title and artist are one track's, which was on no album of this name: perhaps another version."""

OF_SEVERAL = 50
"""Several recordings fit equally well."""

OTHER_LENGTH = 25
"""So much less certain, when it lasts more than `LENGTH_SECONDS` longer or shorter."""

LENGTH_SECONDS = 15
"""Fades and talking over an ending account for this much."""

SAME_RECORDING = 5
"""So much less certain, when several tracks fit equally well and have one ISRC: the first of the
catalogue stands for them."""

THRESHOLD = 80
"""A match below this is not taken: neither another album's version nor a guess among several."""

BASES = ("isrc", "title-artist-album", "title-artist", "uncertain")
"""How matches are counted: by what they rest on; those below the threshold are the last."""

_BY_ISRC, _BY_ALBUM, _BY_WORDS, _UNCERTAIN = range(4)


class Station(NamedTuple):
    """What a station logged of n plays: texts, NULL where there is none.

    ``seconds`` is how long they lasted (below 0: unknown), ``instants`` when they began; the rows
    ``wanted`` are to be matched.
    """

    isrcs: pa.Array
    titles: pa.Array
    artists: pa.Array
    albums: pa.Array
    seconds: Instants
    instants: Instants
    wanted: Mask


class Matched(NamedTuple):
    """The track of each row, how certain it is, and a place in `BASES`.

    ``tracks`` is `NONE` where nothing was certain enough, ``basis`` where nothing fitted at all.
    """

    tracks: Codes
    certainty: Codes
    basis: Codes


class _Fits(NamedTuple):
    """Tracks that may be what was played: the row of each, the track, how well it fits, and why."""

    rows: Places
    tracks: Codes
    score: Codes
    basis: Codes


def match(facts: Facts, station: Station, threshold: int = THRESHOLD) -> Matched:
    """The tracks that a station played, at least as certain as ``threshold`` (L6)."""
    found = _best(facts, _by_isrc(facts, station), station)
    left = station._replace(wanted=station.wanted & (found.tracks == NONE))
    if left.wanted.any():
        other = _best(facts, _by_words(facts, left), station)
        taken = other.tracks != NONE
        found = Matched(*(np.where(taken, new, old) for new, old in zip(other, found, strict=True)))
    unsure = (found.tracks != NONE) & (found.certainty < threshold)
    found.basis[unsure] = _UNCERTAIN
    found.tracks[unsure] = NONE
    return found


def _standing(facts: Facts, station: Station, rows: Places, tracks: Codes) -> Mask:
    return station.wanted[rows] & stand(facts.tracks, tracks, station.instants[rows])


def _by_isrc(facts: Facts, station: Station) -> _Fits:
    """The tracks that had the ISRC then; those called as the station says go before the others."""
    words = facts.words
    codes = words.isrcs.codes(plain_isrc(station.isrcs))
    rows, tracks = words.by_isrc.find(codes.astype(np.int64))
    kept = _standing(facts, station, rows, tracks)
    kept &= words.isrc.at(tracks, station.instants[rows]) == codes[rows]
    rows, tracks = rows[kept], tracks[kept]
    if not len(rows):
        return _NOTHING
    called = _titled(facts, station, rows, tracks) & _credited(facts, station, rows, tracks)
    score = ISRC + 2 * called + _on_album(facts, station, rows, tracks)
    return _Fits(rows, tracks, score.astype(np.int32), np.full(len(rows), _BY_ISRC, np.int32))


def _by_words(facts: Facts, station: Station) -> _Fits:
    """The tracks of this title by this artist then."""
    words = facts.words
    keys = key_of(
        words.plains.codes(plain(station.titles)), words.plains.codes(plain(station.artists))
    )
    keys[~station.wanted] = NONE
    rows, tracks = words.by_words.find(keys)
    kept = _standing(facts, station, rows, tracks)
    rows, tracks = rows[kept], tracks[kept]
    kept = _titled(facts, station, rows, tracks) & _credited(facts, station, rows, tracks)
    rows, tracks = rows[kept], tracks[kept]
    if not len(rows):
        return _NOTHING
    named = _given(station.albums)[rows]
    on = _on_album(facts, station, rows, tracks)
    score = np.where(on, WITH_ALBUM, np.where(named, OTHER_ALBUM, WITHOUT_ALBUM))
    lasts, seconds = facts.durations.at(tracks, station.instants[rows]), station.seconds[rows]
    other = (lasts >= 0) & (seconds >= 0) & (abs(lasts - seconds) > LENGTH_SECONDS)
    score = score - OTHER_LENGTH * other
    basis = np.where(on, _BY_ALBUM, _BY_WORDS)
    return _Fits(rows, tracks, score.astype(np.int32), basis.astype(np.int32))


_NO_CODES = np.zeros(0, np.int32)
_NOTHING = _Fits(np.zeros(0, np.int64), _NO_CODES, _NO_CODES, _NO_CODES)


def _best(facts: Facts, fits: _Fits, station: Station) -> Matched:
    """Of each row's tracks the one that fits best; of equal ones the first in the catalogue."""
    count = len(station.wanted)
    found = Matched(*(np.full(count, NONE, np.int32) for _ in range(3)))
    order = np.lexsort((fits.tracks, -fits.score, fits.rows))
    rows, tracks = fits.rows[order], fits.tracks[order]
    score, basis = fits.score[order], fits.basis[order]
    first = np.flatnonzero(begins(rows))
    leader = np.repeat(first, np.diff(np.append(first, len(rows))))
    rivals = (np.arange(len(rows)) != leader) & (score == score[leader])
    isrc = facts.words.isrc.at(tracks, station.instants[rows])
    other = rivals & ((isrc != isrc[leader]) | (isrc == NONE))
    rival, foreign = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    rival[rows[rivals]], foreign[rows[other]] = True, True
    at = rows[first]
    certain = np.minimum(score[first], ISRC)
    certain = np.where(rival[at], certain - SAME_RECORDING, certain)
    certain = np.where(foreign[at], np.minimum(certain, OF_SEVERAL), certain)
    found.tracks[at], found.certainty[at], found.basis[at] = tracks[first], certain, basis[first]
    return found


def _given(column: pa.Array) -> Mask:
    """Where there is a text that is not empty."""
    return flags(pc.fill_null(pc.not_equal(column, ""), False))


def _equal(some: pa.Array, others: pa.Array) -> Mask:
    return flags(pc.fill_null(pc.equal(some, others), False))


def _titled(facts: Facts, station: Station, rows: Places, tracks: Codes) -> Mask:
    """Which tracks had the station's title then, with their sub-title or without."""
    words, at = facts.words, station.instants[rows]
    wanted = plain(station.titles.take(pa.array(rows)))
    title = spelled(words.texts, words.title.at(tracks, at))
    both = pc.binary_join_element_wise(
        title, spelled(words.texts, words.sub_title.at(tracks, at)), " "
    )
    return _equal(plain(title), wanted) | _equal(plain(both), wanted)


def _credited(facts: Facts, station: Station, rows: Places, tracks: Codes) -> Mask:
    """Which tracks were by the station's artist then, alone or first of several."""
    words, at = facts.words, station.instants[rows]
    wanted = plain(station.artists.take(pa.array(rows)))
    of, found_credits = credits_of(facts, tracks, at)
    found = np.zeros(len(rows), np.bool_)
    for way in words.credits.spelled(found_credits, at[of], words.texts):
        found[of[_equal(plain(way), wanted.take(pa.array(of)))]] = True
    return found


def credits_of(facts: Facts, tracks: Codes, instants: Instants) -> tuple[Places, Codes]:
    """The credit of each track, or those of its releases where it had none: the row, the credit."""
    own = facts.words.credit.at(tracks, instants)
    lacking = np.where(own == NONE, tracks, NONE)
    rows, releases = holding(facts, lacking, instants)
    theirs = facts.words.album_credit.at(releases, instants[rows])
    with_own, named = np.flatnonzero(own != NONE), theirs != NONE
    return np.concatenate((with_own, rows[named])), np.concatenate((own[with_own], theirs[named]))


def holding(facts: Facts, tracks: Codes, instants: Instants) -> tuple[Places, Codes]:
    """The releases that held each track: the row, the release; the first linked first."""
    rows, places = spread(facts.links.offsets, tracks)
    made = facts.links.made.at(places.astype(np.int32), instants[rows])
    releases = facts.links.releases[places]
    kept = (made >= 0) & stand(facts.releases, releases, instants[rows])
    order = np.lexsort((made[kept], rows[kept]))
    return rows[kept][order], releases[kept][order]


def album_of(facts: Facts, station: Station, tracks: Codes) -> Codes:
    """The release of the album's name that held each track, the first linked; `NONE`: none did."""
    found = np.full(len(tracks), NONE, np.int32)
    rows, releases = holding(facts, tracks, station.instants)
    titles = facts.words.album.at(releases, station.instants[rows])
    title = plain(spelled(facts.words.texts, titles))
    same = _equal(title, plain(station.albums.take(pa.array(rows)))) & _given(station.albums)[rows]
    found[rows[same][::-1]] = releases[same][::-1]
    return found


def _on_album(facts: Facts, station: Station, rows: Places, tracks: Codes) -> Mask:
    """Which tracks were on a release of the station's album name then."""
    albums = station.albums.take(pa.array(rows))
    part = station._replace(albums=albums, instants=station.instants[rows])
    on: Mask = album_of(facts, part, tracks) != NONE
    return on


def spelled(texts: pa.Array, codes: Codes) -> pa.Array:
    """The texts of codes, NULL below 0."""
    return texts.take(pa.array(codes, mask=codes < 0))
