"""What people read of tracks and releases, over time, and how it finds them (L6).

Texts are codes of one table of texts; what is compared of them (`spelling.plain`) are codes of
another. A *credit* is a list of artists, in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.plays.holdings import Links, Objects
from feedengine.plays.names import Names, names_of
from feedengine.plays.past import BETWEEN, SPOKEN, Past, schema_of
from feedengine.plays.spelling import plain, plain_isrc
from feedengine.plays.timeline import (
    EVER_BEFORE,
    LAST,
    NONE,
    Codes,
    Instants,
    Places,
    Timeline,
    begins,
    spread,
    timeline_of,
)

JOINED = ", "
"""Between the artists of a credit, as it is sent."""


class Index(NamedTuple):
    """Which tracks ever had a key; the keys ascend.

    Those of ``keys[k]`` are ``tracks[offsets[k]:offsets[k + 1]]``.
    """

    keys: Instants
    offsets: Places
    tracks: Codes

    def find(self, keys: Instants) -> tuple[Places, Codes]:
        """All tracks of each row's key (below 0: none): the row of each, and the track."""
        if not len(self.keys):
            return np.zeros(0, np.int64), np.zeros(0, np.int32)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        place[(self.keys[place] != keys) | (keys < 0)] = NONE
        rows, places = spread(self.offsets, place.astype(np.int32))
        return rows, self.tracks[places]


class Credits(NamedTuple):
    """Lists of artists, whose ``names`` change over time.

    The artists of credit ``c`` are ``artists[offsets[c]:offsets[c + 1]]``.
    """

    offsets: Places
    artists: Codes
    names: Timeline

    def spelled(self, codes: Codes, as_of: Instants, texts: pa.Array) -> tuple[pa.Array, pa.Array]:
        """How credits are written in full, and the first artist of each; NULL where unknown."""
        rows, places = spread(self.offsets, codes)
        names = self.names.at(self.artists[places], as_of[rows])
        known = names != NONE
        rows, items = rows[known], texts.take(pa.array(names[known]))
        offsets = np.searchsorted(rows, np.arange(len(codes) + 1)).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), items)
        some = pa.array(np.diff(offsets) > 0)
        nothing = pa.scalar(None, pa.string())
        first = pa.array(np.minimum(offsets[:-1], max(0, len(items) - 1)))
        leading = items.take(first) if len(items) else pa.nulls(len(codes), pa.string())
        full = pc.if_else(some, pc.binary_join(lists, JOINED), nothing)
        return full, pc.if_else(some, leading, nothing)


class Words(NamedTuple):
    """What is read of tracks (``title``, ``sub_title``, ``isrc``, ``credit``) and of releases.

    Titles and names are codes of ``texts``, ``isrc`` one of ``isrcs``, ``label`` one of those whose
    names over time are ``labels``. ``by_words`` has the tracks by plain title and artist
    (`key_of`, codes of ``plains``), ``by_isrc`` by the code of an ISRC.
    """

    texts: pa.Array
    plains: Names
    isrcs: Names
    title: Timeline
    sub_title: Timeline
    isrc: Timeline
    credit: Timeline
    album: Timeline
    album_credit: Timeline
    label: Timeline
    labels: Timeline
    credits: Credits
    by_words: Index
    by_isrc: Index


def key_of(titles: Codes, artists: Codes) -> Instants:
    """The key of plain titles and artists, below 0 where one of them is unknown."""
    found: Instants = (titles.astype(np.int64) << 32) | artists
    return np.where((titles < 0) | (artists < 0), NONE, found)


class _Rows(NamedTuple):
    """The rows of an entity's history: whose each is, and when."""

    table: pa.Table
    owners: Places
    at: Instants
    objects: int

    def column(self, name: str) -> pa.Array:
        """A column as one array."""
        return column_of(self.table, name)

    def timeline(self, values: Codes) -> Timeline:
        """A fact of these objects."""
        return timeline_of(self.objects, self.owners, self.at, values)


def column_of(table: pa.Table, name: str) -> pa.Array:
    """A column of a table as one array."""
    found = table.column(name)
    return pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], found.type)


def _rows(table: pa.Table, objects: Objects | None = None) -> _Rows:
    ids, at = column_of(table, "id"), column_of(table, "at").to_numpy()
    if objects is not None:
        return _Rows(table, objects.of_id(ids).astype(np.int64), at, len(objects.named))
    names = names_of(ids)
    return _Rows(table, names.codes(ids).astype(np.int64), at, len(names.sizes))


def no_words() -> Words:
    """The words of a history that was read without them."""
    tables = {entity: schema_of(read).empty_table() for entity, read in SPOKEN.items()}
    nothing = np.zeros(1, np.int64)
    links = Links(
        nothing, np.zeros(0, np.int32), timeline_of(0, nothing[1:], nothing[1:], nothing[1:])
    )
    return words_of(Past(0, tables, {}), None, None, links)


def words_of(past: Past, tracks: Objects | None, releases: Objects | None, links: Links) -> Words:
    """The words of this history."""
    track, release = _rows(past.rows["track"], tracks), _rows(past.rows["release"], releases)
    artist, label = _rows(past.rows["artist"]), _rows(past.rows["label"])
    texts = names_of(
        *(track.column(name) for name in ("title", "sub_title")),
        *(rows.column(name) for rows, name in ((release, "title"), (artist, "name"))),
        label.column("name"),
    )
    keys = names_of(track.column("artist"), release.column("artist"))
    names = artist.timeline(texts.codes(artist.column("name")))
    made = _credits(keys, names_of(artist.column("id")), names)
    credited = [_credit(keys, rows) for rows in (track, release)]
    isrc_texts = plain_isrc(track.column("isrc"))
    isrcs = names_of(isrc_texts)
    isrc = isrcs.codes(isrc_texts)
    titles = _titles(track)
    called = _called(_holders(track, release, credited, links), made, texts.texts)
    plains = names_of(titles[1], called[1])
    by_words = _by_words(titles, called, plains)
    return Words(
        texts.texts,
        plains,
        isrcs,
        track.timeline(texts.codes(track.column("title"))),
        track.timeline(texts.codes(track.column("sub_title"))),
        track.timeline(isrc),
        track.timeline(credited[0]),
        release.timeline(texts.codes(release.column("title"))),
        release.timeline(credited[1]),
        release.timeline(names_of(label.column("id")).codes(release.column("label_id"))),
        label.timeline(texts.codes(label.column("name"))),
        made,
        by_words,
        _index(isrc.astype(np.int64), track.owners),
    )


def _credits(keys: Names, artists: Names, names: Timeline) -> Credits:
    """The credits that these texts stand for."""
    lists = pc.split_pattern(keys.texts, BETWEEN)
    sizes = pc.list_value_length(lists).to_numpy() if len(lists) else np.zeros(0, np.int32)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Credits(offsets, artists.codes(lists.flatten()), names)


def _credit(keys: Names, rows: _Rows) -> Codes:
    """The credit of each row of history; `NONE` where no artist is named."""
    texts = rows.column("artist")
    found = keys.codes(texts)
    found[pc.fill_null(pc.equal(texts, ""), True).to_numpy(zero_copy_only=False)] = NONE
    return found


def _titles(track: _Rows) -> tuple[Places, pa.Array]:
    """Tracks and the plain titles they ever had; a title with its sub-title counts as one, too."""
    titles, subs = track.column("title"), track.column("sub_title")
    both = pc.binary_join_element_wise(titles, subs, " ")  # NULL without a sub-title
    return (
        np.concatenate((track.owners, track.owners)),
        plain(pa.concat_arrays([titles, both])),
    )


def _holders(
    track: _Rows, release: _Rows, credited: list[Codes], links: Links
) -> tuple[Places, Codes]:
    """Tracks and the credits they ever had; of a track that never had one, its releases'."""
    own = np.flatnonzero(credited[0] != NONE)
    without = np.ones(track.objects, np.bool_)
    without[track.owners[own]] = False
    lacking = np.flatnonzero(without).astype(np.int32)
    rows, places = spread(links.offsets, lacking)
    theirs = np.argsort(release.owners, kind="stable")
    begin = np.searchsorted(release.owners[theirs], np.arange(release.objects + 1))
    linked, versions = spread(begin, links.releases[places])
    found = credited[1][theirs[versions]]
    named = found != NONE
    return (
        np.concatenate((track.owners[own], lacking[rows[linked[named]]])),
        np.concatenate((credited[0][own], found[named])),
    )


def _called(
    holders: tuple[Places, Codes], made: Credits, texts: pa.Array
) -> tuple[Places, pa.Array]:
    """Tracks and the plain artists they went by: in full and the first alone.

    As artists were first called and as they are called at last; who was renamed twice is not found
    by the name between.
    """
    tracks, codes = _pairs(holders[0], holders[1].astype(np.int64))
    known = np.unique(codes).astype(np.int32)
    ways = [
        way
        for moment in (EVER_BEFORE, LAST)
        for way in made.spelled(known, np.full(len(known), moment), texts)
    ]
    of = np.searchsorted(known, codes)
    return np.tile(tracks, len(ways)), pa.concat_arrays([plain(way).take(of) for way in ways])


def _by_words(
    titles: tuple[Places, pa.Array], called: tuple[Places, pa.Array], plains: Names
) -> Index:
    """Every title of a track with every name that it went by."""
    title = _pairs(titles[0], plains.codes(titles[1]).astype(np.int64))
    artist = _pairs(called[0], plains.codes(called[1]).astype(np.int64))
    begin = np.searchsorted(artist[0], title[0])
    sizes = np.searchsorted(artist[0], title[0], side="right") - begin
    rows = np.repeat(np.arange(len(sizes)), sizes)
    places = np.repeat(begin - (np.cumsum(sizes) - sizes), sizes) + np.arange(len(rows))
    keys = key_of(title[1][rows].astype(np.int32), artist[1][places].astype(np.int32))
    return _index(keys, title[0][rows])


def _index(keys: Instants, tracks: Places) -> Index:
    """The tracks of each key that is not below 0, each once."""
    known = keys >= 0
    every, members = _pairs(keys[known], tracks[known])
    first = np.flatnonzero(begins(every))
    return Index(every[first], np.append(first, len(every)), members.astype(np.int32))


def _pairs(some: Places, others: Places) -> tuple[Places, Places]:
    """The different pairs, in order; without those whose second is `NONE`."""
    known = others != NONE
    some, others = some[known], others[known]
    order = np.lexsort((others, some))
    some, others = some[order], others[order]
    kept = begins(some)
    kept[1:] |= others[1:] != others[:-1]
    return some[kept], others[kept]
