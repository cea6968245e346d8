"""An enriched batch looked up in the catalogue: what `frames.Catalogue` asks for, from `Facts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.facts import Facts
from feedengine.plays.frames import (
    COUNTRY_HELPER,
    FAULT,
    FormatName,
    Looked,
    Mask,
    instant_helper,
    length_helper,
)
from feedengine.plays.matching import (
    BASES,
    THRESHOLD,
    Station,
    album_of,
    credits_of,
    match,
    spelled,
)
from feedengine.plays.permits import country_codes
from feedengine.plays.repeats import batch_with, each
from feedengine.plays.spelling import plain
from feedengine.plays.stations import lengths_written
from feedengine.plays.texts import flags, given, numbers
from feedengine.plays.timeline import NONE, Codes, Instants
from feedengine.plays.verdicts import Asked, Judged, Register, Terms

_UNKNOWN = -1


class Looker:
    """The catalogue as one site's plays are looked up in it (`frames.Catalogue`).

    ``facts`` hold words where playlists are looked up (L6); a match is taken from ``threshold``
    percent on.
    """

    def __init__(self, facts: Facts, terms: Terms, threshold: int = THRESHOLD) -> None:
        """For these settings."""
        self.register, self.threshold = Register(facts, terms), threshold
        stations = replace(terms, sends_ids=False, policy="first-linked")
        self.stations = Register(facts, stations)

    def look(self, batch: pa.RecordBatch, form: FormatName, /) -> Looked:
        """L2, L3, L10 to L13 for each row; for playlists L6 too."""
        asked = _asked(batch)
        if form == "playlist":
            return self._playlist(batch, asked)
        found = self.register.judged(asked)
        sides = (
            ("trackid", found.track_ids, asked.tracks),
            ("releaseid", found.release_ids, asked.releases),
        )
        columns = {name: ids for name, ids, logged in sides if ids is not logged}
        chosen = int(found.chosen.sum())
        filled = {"releaseid": chosen} if chosen else {}
        return Looked(_with(batch, columns), _some(found.broken), _some(found.warned), filled)

    def _playlist(self, batch: pa.RecordBatch, asked: Asked) -> Looked:
        """L6, and the catalogue's rules for the rows whose track is known."""
        facts = self.stations.facts
        by_id = self.stations.judged(asked)
        station = _station(batch, asked, asked.readable & (by_id.tracks == NONE))
        matched = match(facts, station, self.threshold)
        tracks = np.where(by_id.tracks == NONE, matched.tracks, by_id.tracks).astype(np.int32)
        albums = np.where(by_id.releases == NONE, album_of(facts, station, tracks), NONE)
        found = self.stations.judged(asked, (tracks, albums.astype(np.int32)))
        known = found.tracks >= 0
        broken = {name: mask & known for name, mask in found.broken.items() if name != "L2"}
        columns, filled, differs = _words(facts, batch, station, found)
        length = _length(facts, batch, station, found)
        if length is not None:
            columns |= length
            filled["duration"] = (
                len(batch)
                - columns["duration"].null_count
                - int(given(batch.column("duration")).sum())
            )
        warned = {**found.warned, "L6": differs}
        counts = Counter(BASES[basis] for basis in matched.basis[matched.basis != NONE].tolist())
        return Looked(_with(batch, columns), _some(broken), _some(warned), filled, dict(counts))


def _asked(batch: pa.RecordBatch) -> Asked:
    instants = batch.column(instant_helper("datetimeplayed"))
    seconds = batch.column(length_helper("totaltimeplayed"))
    return Asked(
        batch.column("trackid"),
        batch.column("releaseid"),
        pc.fill_null(instants, 0).to_numpy(),
        each(batch.column(COUNTRY_HELPER), country_codes),
        pc.fill_null(seconds, _UNKNOWN).to_numpy(),
        ~given(batch.column(FAULT)) & given(instants),
    )


def _station(batch: pa.RecordBatch, asked: Asked, wanted: Mask) -> Station:
    length = pc.coalesce(
        batch.column(length_helper("duration")), batch.column(length_helper("totaltimeplayed"))
    )
    return Station(
        batch.column("isrc"),
        batch.column("title"),
        batch.column("artist"),
        batch.column("album"),
        pc.fill_null(length, _UNKNOWN).to_numpy(),
        asked.instants,
        wanted,
    )


def _with(batch: pa.RecordBatch, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """The batch with these columns in the place of its own."""
    if not columns:
        return batch
    every = {name: columns.get(name, batch.column(name)) for name in batch.schema.names}
    return batch_with(batch.schema, every)


def _some(masks: Mapping[str, Mask]) -> dict[str, Mask]:
    """The rules that are true of some row."""
    return {name: mask for name, mask in masks.items() if mask.any()}


def _words(
    facts: Facts, batch: pa.RecordBatch, station: Station, found: Judged
) -> tuple[dict[str, pa.Array], dict[str, int], Mask]:
    """L6: the texts filled in, how many of each, and where the station's differ."""
    differs = np.zeros(len(batch), np.bool_)
    columns, filled = {}, {}
    for name, ways in _spellings(facts, found, station.instants).items():
        own = batch.column(name)
        blank = ~flags(pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(own), ""), False))
        there = given(ways[0])
        known = plain(own)
        same = [flags(pc.fill_null(pc.equal(plain(way), known), False)) for way in ways]
        differs |= there & ~blank & ~np.logical_or.reduce(same)
        put = there & blank & ~given(batch.column(FAULT))
        if put.any():
            columns[name] = pc.if_else(pa.array(put), ways[0], own)
            filled[name] = int(put.sum())
    return columns, filled, differs


def _spellings(facts: Facts, found: Judged, at: Instants) -> dict[str, list[pa.Array]]:
    """Of each column how the catalogue writes it; what may stand for it besides comes behind."""
    words, texts = facts.words, facts.words.texts
    title = spelled(texts, words.title.at(found.tracks, at))
    sub_title = spelled(texts, words.sub_title.at(found.tracks, at))
    rows, found_credits = credits_of(facts, found.tracks, at)
    credit = np.full(len(at), NONE, np.int32)
    credit[rows[::-1]] = found_credits[::-1]
    labels = words.labels.at(words.label.at(found.releases, at), at)
    return {
        "title": [title, pc.binary_join_element_wise(title, sub_title, " ")],
        "artist": list(words.credits.spelled(credit, at, texts)),
        "album": [spelled(texts, words.album.at(found.releases, at))],
        "label": [spelled(texts, labels)],
    }


def _length(
    facts: Facts, batch: pa.RecordBatch, station: Station, found: Judged
) -> dict[str, pa.Array] | None:
    """L6: the track's own length where the station says nothing of one; None where it does."""
    lasts: Codes = facts.durations.at(found.tracks, station.instants)
    said = given(batch.column("duration")) | given(batch.column("endtime"))
    lent = ~said & (lasts >= 0)
    if not lent.any():
        return None
    seconds = numbers(lasts.astype(np.int64), lent)
    helper = length_helper("duration")
    return {
        "duration": pc.coalesce(batch.column("duration"), lengths_written(seconds)),
        helper: pc.coalesce(batch.column(helper), seconds),
    }
