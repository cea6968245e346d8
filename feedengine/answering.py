"""Availability for programs that ask often: the catalogue kept in memory, and kept fresh.

`Answers` says what `asking.available` says (A4), hundreds of times as often. What changed since the
catalogue was read into memory is asked of the database, until so much has changed that it is read
anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine import asking
from feedengine.errors import RefusedError
from feedengine.plays.consulting import SNAPSHOTS
from feedengine.plays.loading import load
from feedengine.plays.lookup import Plays
from feedengine.plays.permits import PLACES
from feedengine.plays.present import (
    AVAILABLE,
    NOT_FOUND,
    REASONS,
    RULES,
    Found,
    One,
    answered,
)
from feedengine.plays.timeline import NONE, Codes
from feedengine.questioning import (
    Texts,
    column,
    countries_of,
    country_place,
    instants_of,
    micros_of,
    of_length,
    releases_of,
    text_of,
)
from feedengine.store.database import reading
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from feedengine.plays.facts import Facts

FRESH_SECONDS = 1.0
"""An answer may be as old as this."""

MOST_CHANGES = 500
"""Changes since the catalogue was read that are looked up in the database; then it is read anew."""


class Verdict(NamedTuple):
    """One answer: ``reason`` is of `REASONS`, ``rule`` the one that decided, ``release`` it is on.

    ``release`` is None for a track that stands by itself.
    """

    available: bool
    reason: str
    rule: str
    release: str | None


class _Held(NamedTuple):
    """What is in memory: facts, the change they go up to, and the tracks that changed since."""

    facts: Facts
    one: One
    seq: int
    stale: frozenset[str]


class Answers:
    """Availability for one usage, many times over; may be shared between threads.

    ``fresh_seconds`` is how old an answer may be at most: so often the database is asked whether
    something has changed. Made by `Engine.answers`.
    """

    def __init__(
        self,
        database: Engine,
        folder: Path | None,
        usage: str = "streaming",
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        """Read the catalogue, from the snapshot in ``folder`` where that is of the same history.

        Raises `UsageError` for what is no usage.
        """
        self.usage = asking.usage_named(usage)
        self.fresh_seconds = fresh_seconds
        self._database = database
        self._folder = _folder_of(folder, self.usage)
        self._lock = Lock()
        with reading(database) as connection:
            self._held = self._read(connection)
        self._until = time.monotonic() + fresh_seconds

    def available(
        self,
        track: str,
        *,
        country: str,
        at: str | datetime | None = None,
        release: str | None = None,
    ) -> Verdict:
        """A3 for one track, country and instant (None: now); on a release, or on any.

        Raises what `asking.available` raises.
        """
        held = self._fresh()
        place = country_place(country)
        if track in held.stale:
            return self._asked(track, country, at, release)
        reason, on = held.one.answer(track, release, place, micros_of(at))
        if reason == NOT_FOUND:
            return self._asked(track, country, at, release)  # which says what it is that is not
        spelled = None if on < 0 else _own_id(held.facts, on)
        return Verdict(reason == AVAILABLE, REASONS[reason], RULES[reason], spelled)

    def available_many(
        self,
        tracks: Texts,
        country: str | Texts,
        *,
        at: str | datetime | pa.Array | pa.ChunkedArray | None = None,
        releases: Texts | None = None,
    ) -> pa.Table:
        """A3 for n questions: a table of ``available``, ``reason`` (of `REASONS`) and ``release``.

        ``country`` and ``at`` are one for all, or a column; ``at`` as a column is of timestamps, in
        UTC where they name no zone. In ``releases`` NULL is any. What is not there is
        ``not-found``, and no error. Raises `UsageError` for what is no country or instant, and for
        columns of different lengths.
        """
        held = self._fresh()
        ids = column(tracks)
        count = len(ids)
        on = None if releases is None else of_length(count, column(releases), "releases")
        questions = Plays(
            held.facts.tracks.of_id(ids),
            releases_of(held.facts, count, on),
            countries_of(count, country),
            instants_of(count, at),
        )
        found = answered(held.facts, questions)
        spelled = _spelled(held.facts, found.releases)
        if held.stale:
            spelled = self._mend(held, ids, on, questions, found, spelled)
        reasons = pa.DictionaryArray.from_arrays(
            pa.array(found.reasons.astype(np.int8)), pa.array(REASONS)
        )
        yes = pa.array(found.reasons == AVAILABLE)
        return pa.table({"available": yes, "reason": reasons, "release": spelled})

    def refresh(self) -> None:
        """Learn at once of all that was committed before; else it is done within `fresh_seconds`.

        Raises `ServiceError` when the database does not answer.
        """
        with self._lock, reading(self._database) as connection:
            self._held = self._renewed(connection, self._held)
            self._until = time.monotonic() + self.fresh_seconds

    def _fresh(self) -> _Held:
        if time.monotonic() >= self._until:
            self.refresh()
        return self._held

    def _read(self, connection: Connection) -> _Held:
        if self._folder is not None:
            with suppress(OSError):  # without it the catalogue is read anew every time
                self._folder.mkdir(parents=True, exist_ok=True)
        facts = load(connection, usage=self.usage, folder=self._folder)
        return _Held(facts, One(facts), facts.seq, frozenset())

    def _renewed(self, connection: Connection, held: _Held) -> _Held:
        """What is held, with what changed since; or all of it, read anew."""
        text = "SELECT seq, entity, entity_id FROM change WHERE seq >= ? ORDER BY seq LIMIT ?"
        rows = list(asked(connection, text, held.seq, MOST_CHANGES + 2))
        if held.seq and (not rows or rows[0][0] != held.seq):
            return self._read(connection)  # another history
        changes = rows[1:] if held.seq else rows
        if not changes:
            return held
        since = len(held.stale) + len(changes)
        if since > MOST_CHANGES:
            return self._read(connection)
        stale = held.stale.union(_touched(held.facts, [(row[1], row[2]) for row in changes]))
        return held._replace(seq=changes[-1][0], stale=stale)

    def _asked(
        self, track: str, country: str, at: str | datetime | None, release: str | None
    ) -> Verdict:
        """The answer of the database."""
        with reading(self._database) as connection:
            return _verdict(
                asking.available(
                    connection,
                    track,
                    country=country,
                    usage=self.usage,
                    at=text_of(micros_of(at)) if isinstance(at, datetime) else at,
                    release=release,
                )
            )

    def _mend(
        self,
        held: _Held,
        ids: pa.Array,
        on: pa.Array | None,
        questions: Plays,
        found: Found,
        spelled: pa.Array,
    ) -> pa.Array:
        """Ask the database about the tracks that changed: ``found`` in place; the releases."""
        among = pc.is_in(ids, value_set=pa.array(sorted(held.stale), pa.string()))
        rows = np.flatnonzero(among.to_numpy(zero_copy_only=False))
        if not len(rows):
            return spelled
        names = spelled.to_pylist()
        codes = tuple(PLACES)
        with reading(self._database) as connection:
            for row in rows.tolist():
                said = _verdict_or_none(
                    connection,
                    ids[row].as_py(),
                    country=codes[questions.countries[row]],
                    usage=self.usage,
                    at=text_of(int(questions.instants[row])),
                    release=None if on is None else on[row].as_py(),
                )
                found.reasons[row] = NOT_FOUND if said is None else REASONS.index(said.reason)
                names[row] = None if said is None else said.release
        return pa.array(names, pa.string())


def _folder_of(folder: Path | None, usage: str) -> Path | None:
    """Where the snapshot of a usage is: that of streaming is the one that judging plays keeps."""
    if folder is None:
        return None
    below = folder / SNAPSHOTS
    return below if usage == "streaming" else below / sha256(usage.encode()).hexdigest()[:16]


def _touched(facts: Facts, changes: Sequence[tuple[str, str]]) -> set[str]:
    """The tracks whose answer these changed objects and links may change."""
    from feedengine.catalogue.asof import LINK
    from feedengine.catalogue.objects import link_ends

    found = {name for entity, name in changes if entity == "track"}
    found |= {link_ends(name)[1] for entity, name in changes if entity == LINK}
    releases = [name for entity, name in changes if entity == "release"]
    if releases:
        codes = facts.releases.of_id(pa.array(releases, pa.string()))
        places = np.flatnonzero(np.isin(facts.links.releases, codes[codes >= 0]))
        tracks = np.searchsorted(facts.links.offsets, places, side="right") - 1
        names = facts.tracks.names.spelled(facts.tracks.named[np.unique(tracks)])
        found.update(names.to_pylist())
    return found


_DECIDED = {(True, "A3"): "available", (False, "A3"): "undeclared", (False, "A1"): "list"}


def _verdict(said: dict[str, Any]) -> Verdict:
    reason = _DECIDED.get((said["available"], said["rule"]), "validities")
    return Verdict(said["available"], reason, said["rule"], said["release"])


def _verdict_or_none(connection: Connection, track: str, **asked_for: Any) -> Verdict | None:
    try:
        return _verdict(asking.available(connection, track, **asked_for))
    except RefusedError:
        return None


def _own_id(facts: Facts, release: int) -> str:
    found: str = facts.releases.names.texts[facts.releases.named.item(release)].as_py()
    return found


def _spelled(facts: Facts, releases: Codes) -> pa.Array:
    known = np.where(releases >= 0, releases, 0)
    if not len(facts.releases.named):
        return pa.nulls(len(releases), pa.string())
    names = np.where(releases >= 0, facts.releases.named[known], NONE).astype(np.int32)
    return facts.releases.names.spelled(names)
