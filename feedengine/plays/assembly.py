"""From tables of history to `Facts`: pure, and without a loop over changes.

What is looped over in Python are territory sets, different lists of validities, and names that
several objects have had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine.catalogue.asof import LINK
from feedengine.catalogue.availability import open_to, track_windows
from feedengine.catalogue.territories import Validity
from feedengine.plays.facts import Facts
from feedengine.plays.holdings import AMBIGUOUS, Links, Objects
from feedengine.plays.names import names_of
from feedengine.plays.past import validities_in
from feedengine.plays.permits import SetParts, Sets, Windows, sets_of, windows_of
from feedengine.plays.timeline import (
    EVER_BEFORE,
    LAST,
    NONE,
    Codes,
    Instants,
    Places,
    Runs,
    Timeline,
    begins,
    micros,
    runs_of,
    timeline,
    timeline_of,
)
from feedengine.plays.words import column_of, no_words, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feedengine.plays.names import Names
    from feedengine.plays.past import Past


class Territories(NamedTuple):
    """The tables of territory sets, as they are needed.

    ``sets``: ids. ``parts``: ``set``, ``group``, ``validity`` (ids), by set and group.
    ``members``: ``group``, ``country``. ``windows``: ``validity``, ``starts_at``, ``ends_at`` of
    the usage (or of any), by validity set and position.
    """

    sets: pa.Array
    parts: pa.Table
    members: pa.Table
    windows: pa.Table


def assemble(past: Past, territories: Territories, usage: str) -> Facts:
    """The facts of this history."""
    set_names = names_of(territories.sets)
    tracks = _objects(past, "track", set_names)
    releases = _objects(past, "release", set_names)
    track_rows, release_rows = past.rows["track"], past.rows["release"]
    of_track = _owners(tracks, track_rows)
    own_texts = column_of(track_rows, "validity")  # by page, and together, each different text once
    sets, windows, first_own = _sets(territories, set_names, own_texts.dictionary, usage)
    stood = column_of(track_rows, "stands").to_numpy(zero_copy_only=False)
    own = np.where(stood, own_texts.indices.to_numpy() + first_own, NONE)
    at = _numbers(track_rows, "at")
    links = _links(past.rows[LINK], tracks, releases)
    seconds = column_of(track_rows, "duration_seconds")
    return Facts(
        past.seq,
        usage,
        tracks,
        releases,
        links,
        sets,
        windows,
        timeline_of(len(tracks.named), of_track, at, own),
        timeline_of(len(tracks.named), of_track, at, _bounded(seconds)),
        timeline_of(
            len(releases.named),
            _owners(releases, release_rows),
            _numbers(release_rows, "at"),
            _days(column_of(release_rows, "release_date")),
        ),
        words_of(past, tracks, releases, links) if "artist" in past.rows else no_words(),
    )


def _numbers(table: pa.Table, name: str) -> Instants:
    found: Instants = column_of(table, name).to_numpy()
    return found


def _bounded(seconds: pa.Array) -> Codes:
    """Durations as values of a timeline: 68 years at most."""
    found: Instants = pc.fill_null(seconds, NONE).to_numpy()
    return np.minimum(found, np.iinfo(np.int32).max).astype(np.int32)


_YEAR_ONE = np.datetime64("0001-01-01", "D").astype(np.int64)


def _days(dates: pa.Array) -> Codes:
    """Dates as days since the first of year 1."""
    found = np.full(len(dates), NONE, np.int32)
    there = dates.is_valid().to_numpy(zero_copy_only=False)
    texts = dates.drop_null().to_numpy(zero_copy_only=False).astype("S10")
    found[there] = texts.astype("datetime64[D]").astype(np.int64) - _YEAR_ONE
    return found


def _owners(objects: Objects, rows: pa.Table) -> Places:
    """The object of each row of history."""
    return objects.of_id(column_of(rows, "id")).astype(np.int64)


def _objects(past: Past, entity: str, set_names: Names) -> Objects:
    """The objects of an entity, and their names."""
    rows, references = past.rows[entity], past.references[entity]
    ids = pc.unique(rows.column("id"))
    names = names_of(ids, references.column("ref"))
    named = names.codes(ids)
    own = np.full(len(names.hashes), NONE, np.int32)
    own[named] = np.arange(len(named), dtype=np.int32)
    owners = own[names.codes(column_of(rows, "id"))].astype(np.int64)
    at = _numbers(rows, "at")
    stands = np.where(column_of(rows, "stands").to_numpy(zero_copy_only=False), 1, NONE)
    declared = set_names.codes(column_of(rows, "territory_set_id"))
    found = _references(references, names, owners, at)
    return Objects(
        names,
        own,
        named,
        found.provider_names,
        *_meanings(found, len(names.hashes)),
        np.searchsorted(found.owners, np.arange(len(named) + 1)).astype(np.int64),
        found.providers,
        timeline(len(found.owners), found.runs),
        timeline_of(len(named), owners, at, stands),
        timeline_of(len(named), owners, at, declared),
    )


class _References(NamedTuple):
    """The references that objects ever had, by object and provider; ``runs`` are their names."""

    provider_names: pa.Array
    owners: Places
    providers: Codes
    runs: Runs


def _references(table: pa.Table, names: Names, owners: Places, at: Instants) -> _References:
    """The references of objects over time; ``owners`` and ``at`` are those of all their rows.

    A row of history that names no id at a provider, where another row of the object does, says
    that there is none.
    """
    rows = _numbers(table, "row")
    encoded = column_of(table, "provider").dictionary_encode()
    providers = encoded.indices.to_numpy().astype(np.int64)
    many = max(1, len(encoded.dictionary))
    pairs, of = np.unique(owners[rows] * many + providers, return_inverse=True)
    begin = np.searchsorted(pairs, owners * many)
    sizes = np.searchsorted(pairs, (owners + 1) * many) - begin
    offsets = np.cumsum(sizes) - sizes
    every = np.repeat(np.arange(len(owners)), sizes)
    pair = np.repeat(begin - offsets, sizes) + np.arange(len(every))
    values = np.full(len(every), NONE, np.int32)
    values[offsets[rows] + of - begin[rows]] = names.codes(column_of(table, "ref"))
    return _References(
        encoded.dictionary,
        pairs // many,
        (pairs % many).astype(np.int32),
        runs_of(pair, at[every], values),
    )


def _meanings(found: _References, names: int) -> tuple[Places, Codes, Timeline]:
    """Of each name: its ids at providers, and whom each means over time."""
    runs = found.runs
    many = max(1, len(found.provider_names))
    held = np.flatnonzero(runs.values != NONE)
    keys = runs.values[held].astype(np.int64) * many + found.providers[runs.objects[held]]
    ids, of = np.unique(keys, return_inverse=True)
    owners = found.owners[runs.objects[held]]
    over = held + 1 < len(runs.objects)
    over[over] = runs.objects[held[over] + 1] == runs.objects[held[over]]
    changes = np.concatenate((of, of[over]))
    starts = np.concatenate((runs.starts[held], runs.starts[held[over] + 1]))
    whom = np.concatenate((owners, owners[over]))
    begin = np.repeat([True, False], [len(of), int(over.sum())])
    values = np.where(begin, whom, NONE)
    shared = _shared(len(ids), of, owners)[changes]
    told = _told(changes[shared], starts[shared], whom[shared], begin[shared])
    alone = ~shared
    return (
        np.searchsorted(ids // many, np.arange(names + 1)).astype(np.int64),
        (ids % many).astype(np.int32),
        timeline_of(
            len(ids),
            np.concatenate((changes[alone], told[0])),
            np.concatenate((starts[alone], told[1])),
            np.concatenate((values[alone], told[2])),
        ),
    )


def _shared(count: int, of: Places, owners: Places) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of ``count`` ids have ever meant more than one object."""
    least, most = np.full(count, LAST), np.full(count, EVER_BEFORE)
    np.minimum.at(least, of, owners)
    np.maximum.at(most, of, owners)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = least < most
    return found


def _told(
    ids: Places, starts: Instants, whom: Places, begin: Iterable[bool]
) -> tuple[Places, Instants, Places]:
    """Whom ids mean that several objects have had: after each change nobody, one, or several."""
    events = sorted(zip(ids.tolist(), starts.tolist(), whom.tolist(), begin, strict=True))
    told: list[tuple[int, int, int]] = []
    holders: set[int] = set()
    last: int | None = None
    for name, start, one, begins_now in events:
        if name != last:
            holders, last = set(), name
        if begins_now:
            holders.add(one)
        else:
            holders.discard(one)
        means = next(iter(holders), NONE) if len(holders) < 2 else AMBIGUOUS
        told.append((name, start, means))
    rows = np.array(told, np.int64).reshape(-1, 3)
    return rows[:, 0], rows[:, 1], rows[:, 2]


def _links(rows: pa.Table, tracks: Objects, releases: Objects) -> Links:
    """The links, each known by the codes of its two ends."""
    ids = column_of(rows, "id")
    release = releases.of_id(_end_of(ids, 0)).astype(np.int64)
    track = tracks.of_id(_end_of(ids, 1)).astype(np.int64)
    many = max(1, len(releases.named))
    keys, of = np.unique(track * many + release, return_inverse=True)
    stands = column_of(rows, "stands").to_numpy(zero_copy_only=False)
    return Links(
        np.searchsorted(keys // many, np.arange(len(tracks.named) + 1)).astype(np.int64),
        (keys % many).astype(np.int32),
        timeline_of(len(keys), of, _numbers(rows, "at"), _made(of, stands)),
    )


def _end_of(ids: pa.Array, end: int) -> pa.Array:
    """The release (0) or the track (1) of ``release/track``, as `link_ends` has it."""
    found = pc.list_element(pc.split_pattern(ids, "/"), end)
    return pc.replace_substring(pc.replace_substring(found, "%2F", "/"), "%25", "%")


def _made(links: Places, stands: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Places:
    """For each row the row that made its link: the first, or the first after it was gone."""
    order = np.argsort(links, kind="stable")
    there, own = stands[order], begins(links[order])
    own[1:] |= ~there[:-1]
    making = np.maximum.accumulate(np.where(own, np.arange(len(order)), 0))
    found = np.full(len(order), NONE, np.int64)
    found[order] = np.where(there, order[making], NONE)
    return found


def _sets(
    given: Territories, set_names: Names, own_texts: pa.Array, usage: str
) -> tuple[Sets, Windows, int]:
    """Sets and windows; where the windows of the different own validities begin among these."""
    groups = names_of(given.parts.column("group"))
    validities = names_of(given.parts.column("validity"))
    members: list[list[str]] = [[] for _ in range(len(groups.hashes))]
    of_group = groups.codes(column_of(given.members, "group"))
    for group, country in zip(of_group, given.members.column("country").to_pylist(), strict=True):
        if group >= 0:
            members[group].append(country)
    lists = validities.codes(column_of(given.windows, "validity")).astype(np.int64)
    starts = micros(column_of(given.windows, "starts_at"), EVER_BEFORE)
    ends = micros(column_of(given.windows, "ends_at"), LAST)
    used = lists >= 0
    first = len(validities.hashes)
    own = _own_windows(own_texts.to_pylist(), usage, first)
    windows = windows_of(
        first + len(own_texts),
        np.concatenate((lists[used], own[0])),
        np.concatenate((starts[used], own[1])),
        np.concatenate((ends[used], own[2])),
    )
    set_codes = set_names.codes(column_of(given.parts, "set")).astype(np.int64)
    order = np.argsort(set_codes, kind="stable")
    parts = SetParts(
        set_codes[order],
        groups.codes(column_of(given.parts, "group")).astype(np.int64)[order],
        validities.codes(column_of(given.parts, "validity"))[order],
    )
    return sets_of(len(set_names.hashes), parts, members), windows, first


def _own_windows(texts: Sequence[str], usage: str, first: int) -> tuple[Places, Instants, Instants]:
    """A2: the windows that each of these lists of validities leaves open, numbered from ``first``.

    `_sets` gives them their codes.
    """
    lists, starts, ends = [], [], []
    for number, text in enumerate(texts, first):
        found = track_windows([Validity(*one) for one in validities_in(text)])
        for window in open_to(found, usage):
            lists.append(number)
            starts.append(window.starts_at)
            ends.append(window.ends_at)
    return (
        np.array(lists, np.int64),
        micros(pa.array(starts, pa.string()), EVER_BEFORE),
        micros(pa.array(ends, pa.string()), LAST),
    )
