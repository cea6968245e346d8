"""Questions to a catalogue, which change nothing; the answers are ready for JSON.

The command, the Python API and whoever serves the catalogue otherwise ask here, so that they all
say the same (A4). Instants are canonical text throughout.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from feedengine.catalogue.availability import ANY_USAGE, Answer, judge
from feedengine.catalogue.objects import Object, as_document
from feedengine.catalogue.territories import TerritorySet, Validity
from feedengine.config import Settings
from feedengine.errors import RefusedError, UsageError, quoted
from feedengine.model.codes import codes
from feedengine.model.entities import Kind, kinds
from feedengine.model.identifiers import WORLDWIDE, country_code
from feedengine.model.instants import InvalidValueError, instant_text
from feedengine.model.scalars import INSTANT
from feedengine.store.history import history_of, object_at
from feedengine.store.ledger import FEED_RUN, PACKAGE_RUN, RUN_COLUMNS, Run
from feedengine.store.load import LINKS, load_objects, load_sets
from feedengine.store.statements import rows_in, statements

if TYPE_CHECKING:
    from sqlalchemy import Connection

Answered: TypeAlias = dict[str, Any]
"""An object of JSON."""

MANY = 500
"""Values in one IN (…)."""

_SPELLING = "IDs are told apart by upper and lower case too (P14)"

_KEPT_TO_ITSELF = frozenset({"entry_signature"})
"""What the engine alone has a use for."""


def kind_named(name: str) -> Kind:
    """The kind of a table's name; raises `UsageError`."""
    found = kinds().get(name)
    if found is None:
        raise UsageError(f"{quoted(name)} is no kind of object", f"kinds: {', '.join(kinds())}")
    return found


def instant_of(text: str | None) -> str:
    """The canonical instant of ISO 8601 text (a bare date is its 00:00 UTC); None is now.

    Raises `UsageError` (P16).
    """
    if text is None:
        return instant_text(datetime.now(UTC))
    try:
        return str(INSTANT.read(text.strip(), None, []))
    except InvalidValueError:
        hint = "write it like 2022-10-30T11:12:00Z or 2022-10-30"
        raise UsageError(f"{quoted(text)} is no instant", hint) from None


def country_of(text: str) -> str:
    """The upper-case ISO 3166-1 code, `UK` read as `GB`; raises `UsageError` (P18)."""
    with suppress(InvalidValueError):
        code = country_code(text.strip(), [])
        if code != WORLDWIDE:
            return code
    raise UsageError(
        f"{quoted(text)} is no country", "give one country by its ISO 3166-1 code, such as GB"
    )


def usage_named(text: str) -> str:
    """A usage in lower case, such as ``streaming``; raises `UsageError` where none is named."""
    usage = text.strip().lower()
    if usage in {"", ANY_USAGE}:
        raise UsageError(f"{quoted(text)} is no usage", "name one, such as streaming or download")
    return usage


def code_named(name: str) -> str:
    """The code of a finding; raises `UsageError` for what is none."""
    if name not in codes():
        from difflib import get_close_matches  # where something is wrong

        near = get_close_matches(name, codes(), 1)
        hint = f"{near[0]} is the nearest" if near else "they stand in the reference of findings"
        raise UsageError(f"{quoted(name)} is no code of a finding", hint)
    return name


def run_row(run: Run) -> Answered:
    """A feed run, as the ledger has it."""
    found = zip(RUN_COLUMNS, run, strict=True)
    return {name: value for name, value in found if name not in _KEPT_TO_ITSELF}


def _rows(connection: Connection, text: str, values: Sequence[Any] = ()) -> list[Answered]:
    """The rows of a query (``?`` for each of ``values``) as dictionaries of columns."""
    marked = text.replace("?", statements(connection).mark)
    found = connection.exec_driver_sql(marked, tuple(values)).mappings()
    return [dict(row) for row in found]


def _where(wanted: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The condition that every column named has its value; None wants nothing."""
    given = {column: value for column, value in wanted.items() if value is not None}
    return " AND ".join(f"{column} = ?" for column in given) or "1 = 1", list(given.values())


def status(settings: Settings, connection: Connection) -> Answered:
    """How things stand: queue, what is held, the last run, the catalogue, the inbox of plays."""
    from feedengine.plays.diary import inbox_status
    from feedengine.turn import holder_of  # asked for by this question alone

    queue = queue_of(settings.stack)
    held = "SELECT * FROM feed_run WHERE status = 'held' AND released_at IS NULL ORDER BY id"
    last = "SELECT * FROM feed_run ORDER BY id DESC LIMIT 1"
    change = "SELECT seq, changed_at FROM change ORDER BY seq DESC LIMIT 1"
    clients = (
        "SELECT client, count(*) AS runs, max(id) AS last_run, max(started_at) AS last_started"
        " FROM feed_run WHERE client IS NOT NULL GROUP BY client ORDER BY client"
    )
    taking = holder_of(settings.stack, connection)
    return {
        "root": str(settings.root),
        "queue": queue,
        "busy": taking is not None,
        "turn": None if taking is None else taking._asdict(),
        "held": [_public(row) for row in _rows(connection, held)],
        "last_run": next((_public(row) for row in _rows(connection, last)), None),
        "objects": {
            name: _rows(connection, f"SELECT count(*) AS n FROM {kind.table.name}")[0]["n"]
            for name, kind in kinds().items()
        },
        "clients": _rows(connection, clients),
        "last_change": next(iter(_rows(connection, change)), None),
        "plays": inbox_status(settings),
    }


def _public(row: Answered) -> Answered:
    return {name: value for name, value in row.items() if name not in _KEPT_TO_ITSELF}


def queue_of(stack: Path) -> Answered:
    """How many entries wait, and the one that has waited longest (age in seconds, by mtime).

    Raises `UsageError` when there is no Stack.
    """
    from feedengine.feeds.stack import Stack  # asked for by this question alone

    try:
        names = Stack(stack).scan()
    except FileNotFoundError:
        raise UsageError("there is no Stack folder", "make it with `feedengine init`") from None
    oldest: tuple[float, str] | None = None
    for name in names:
        with suppress(OSError):  # taken away meanwhile
            found = (os.lstat(stack / name).st_mtime, name)
            oldest = found if oldest is None else min(oldest, found)
    longest = None
    if oldest is not None:
        longest = {"entry": oldest[1], "age_seconds": max(0.0, round(time.time() - oldest[0], 1))}
    return {"waiting": len(names), "oldest": longest}


def feeds(
    connection: Connection,
    *,
    client: str | None = None,
    status: str | None = None,
    limit: int = 20,
) -> list[Answered]:
    """The feed runs, newest first; ``undone_by`` is the run that took one back (H2), or None."""
    where, values = _where({"client": client, "status": status})
    text = (
        "SELECT r.*, (SELECT max(u.id) FROM feed_run u WHERE u.undoes = r.id) AS undone_by"
        f" FROM feed_run r WHERE {where} ORDER BY id DESC LIMIT ?"
    )
    return [_public(row) for row in _rows(connection, text, [*values, limit])]


_FROM_FINDINGS = (
    " FROM finding f JOIN feed_run r ON r.id = f.feed_run_id"
    " LEFT JOIN package_run p ON p.id = f.package_run_id"
)


def findings(
    connection: Connection,
    *,
    run: int | None = None,
    code: str | None = None,
    client: str | None = None,
    severity: str | None = None,
    limit: int = 50,
) -> Answered:
    """What was found: ``total``, ``by_code`` (counts by code and client), ``findings``.

    ``by_code`` has the most frequent first, with the number of runs, the last of them and the cure.
    The findings of the newest run come first, in the order in which they were made. Raises
    `RefusedError` for a run that never was, `UsageError` for a code that is none.
    """
    if code is not None:
        code_named(code)
    if run is not None and not _rows(connection, "SELECT id FROM feed_run WHERE id = ?", [run]):
        raise RefusedError(f"there is no run {run}", "see `feedengine feeds`")
    where, values = _where(
        {"f.feed_run_id": run, "f.code": code, "r.client": client, "f.severity": severity}
    )
    text = (
        "SELECT f.id, f.feed_run_id, f.package_run_id, r.feed_path, r.client, p.path AS package,"
        " f.severity, f.code, f.rule, f.file, f.line, f.col, f.xpath, f.message, f.hint"
        f"{_FROM_FINDINGS} WHERE {where} ORDER BY f.feed_run_id DESC, f.id LIMIT ?"
    )
    grouped = (
        "SELECT f.severity, f.code, r.client, count(*) AS findings,"
        " count(DISTINCT r.id) AS runs, max(r.id) AS last_run"
        " FROM finding f JOIN feed_run r ON r.id = f.feed_run_id"
        f" WHERE {where} GROUP BY f.severity, f.code, r.client"
        " ORDER BY count(*) DESC, f.code, coalesce(r.client, ''), f.severity"
    )
    by_code = _rows(connection, grouped, values)
    for row in by_code:
        row["cure"] = codes()[row["code"]].cure if row["code"] in codes() else ""
    return {
        "total": sum(row["findings"] for row in by_code),
        "by_code": by_code,
        "findings": _rows(connection, text, [*values, limit]),
    }


def most_frequent(connection: Connection, runs: Sequence[int], most: int = 5) -> list[Answered]:
    """The codes that these runs' findings have most often, with how often."""
    found: Counter[tuple[str, str]] = Counter()
    for start in range(0, len(runs), MANY):
        chunk = runs[start : start + MANY]
        marks = ", ".join("?" * len(chunk))
        text = (
            "SELECT severity, code, count(*) AS findings FROM finding"
            f" WHERE feed_run_id IN ({marks}) GROUP BY severity, code"
        )
        for row in _rows(connection, text, chunk):
            found[row["severity"], row["code"]] += row["findings"]
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return [{"severity": s, "code": c, "findings": n} for (s, c), n in ordered[:most]]


def show(connection: Connection, kind: str, name: str) -> Answered:
    """An object as it is now: its document and more.

    ``changed_at``; ``territories`` as a list (None: never declared); ``track`` of a release,
    ``release`` of a track: the ids at the other end of its links, in order. Raises `RefusedError`
    when there is none.
    """
    thing = _found(connection, kind_named(kind), name)
    at = rows_in(connection, thing.kind.table, ("changed_at",), "id", [name])
    answer = {**as_document(thing), "changed_at": at[0][0]}
    for shared in thing.kind.shared:
        answer[shared.name] = _linked(connection, shared.owner, shared.name, name)
    if thing.kind.territory_index is not None:
        answer["territories"] = _declared(connection, answer.get("territory_set_id"))
    return answer


def show_at(connection: Connection, kind: str, name: str, at: str) -> Answered:
    """An object as of an instant, in the form of `show`; `RefusedError` when there was none."""
    found, instant = kind_named(kind), instant_of(at)
    document = object_at(connection, kind, name, instant)
    if document is None:
        hint = f"its history: feedengine show {kind} {name} --history"
        raise RefusedError(f"there was no {kind} {quoted(name)} at {instant}", hint)
    text = (
        "SELECT changed_at FROM change WHERE entity = ? AND entity_id = ? AND changed_at <= ?"
        " ORDER BY seq DESC LIMIT 1"
    )
    changed = _rows(connection, text, [kind, name, instant])
    answer = {**document, "changed_at": changed[0]["changed_at"]}
    for shared in found.shared:
        answer.setdefault(shared.name, [])
    if found.territory_index is not None:
        answer["territories"] = _declared(connection, document.get("territory_set_id"))
    return answer


def history(connection: Connection, kind: str, name: str, at: str | None = None) -> list[Answered]:
    """The changes of an object, or of a link (``release_track``), the first first; up to ``at``.

    Each with its ``feed_run_id``, and what that run ``undoes`` (H2), or None. Raises
    `RefusedError` when there never was one.
    """
    if kind != LINKS.name:
        kind_named(kind)
    found = history_of(connection, kind, name)
    if not found:
        raise RefusedError(f"there never was a {kind} {quoted(name)}", _SPELLING)
    until = None if at is None else instant_of(at)
    kept = [one for one in found if until is None or one["changed_at"] <= until]
    runs = _runs_of(connection, {one["package_id"] for one in kept})
    for one in kept:
        one["feed_run_id"], one["undoes"] = runs[one["package_id"]]
    return kept


def _runs_of(connection: Connection, packages: Iterable[int]) -> dict[int, tuple[int, int | None]]:
    """The run of each package, and the run that it undoes."""
    columns = ("id", "feed_run_id")
    runs = dict(rows_in(connection, PACKAGE_RUN, columns, "id", packages))
    undoes = dict(rows_in(connection, FEED_RUN, ("id", "undoes"), "id", set(runs.values())))
    return {package: (run, undoes[run]) for package, run in runs.items()}


def _declared(connection: Connection, set_id: str | None) -> list[Answered] | None:
    """A territory list as people read it; None where none was ever declared (P36)."""
    return None if set_id is None else territory_rows(load_sets(connection, [set_id])[set_id])


def territory_rows(territories: TerritorySet) -> list[Answered]:
    """A territory list as people read it: each country with its validities."""
    return [
        {"country": country, "validities": [one._asdict() for one in validities]}
        for country, validities in territories.entries
    ]


def _found(connection: Connection, kind: Kind, name: str) -> Object:
    things = load_objects(connection, kind, [name])
    if not things:
        raise RefusedError(f"there is no {kind.name} {quoted(name)}", _SPELLING)
    return things[0]


def _linked(connection: Connection, owner: str, other: str, name: str) -> list[str]:
    """The ids at the other end of an owner's links, in the owner's order."""
    order = ("position", "track_id") if owner == "release" else ("linked_seq", "release_id")
    rows = rows_in(connection, LINKS, (f"{other}_id",), f"{owner}_id", [name], order)
    return [row[0] for row in rows]


def available(
    connection: Connection,
    track: str,
    *,
    country: str,
    usage: str = "streaming",
    at: str | None = None,
    release: str | None = None,
) -> Answered:
    """A3: may the country use the track at the instant (None: now), and why.

    Without ``release``: on any release that holds it; the first that is available answers, else the
    first of all; a track on no release stands on its own list. ``track`` and ``release`` in the
    answer are the pair that was judged. Raises `RefusedError` for a track, a release or a pair that
    there is none of, `UsageError` for what is no country, usage or instant.
    """
    asked = (country_of(country), usage_named(usage), instant_of(at))
    thing = _found(connection, kinds()["track"], track)
    held_by = _linked(connection, "track", "release", track)
    if release is not None and release not in held_by:
        _found(connection, kinds()["release"], release)
        raise RefusedError(
            f"the release {quoted(release)} does not hold the track {quoted(track)}",
            "without a release, any that holds it is asked",
        )
    pairs: list[str | None] = [release] if release is not None else [*held_by]
    first: tuple[str | None, Answer] | None = None
    for one, answer in _judged(connection, thing, pairs or [None], asked):
        if answer.available:
            return _answered(track, one, answer)
        first = first or (one, answer)
    assert first is not None  # noqa: S101 - there is always a pair
    return _answered(track, *first)


def _judged(
    connection: Connection,
    track: Object,
    releases: Sequence[str | None],
    asked: tuple[str, str, str],
) -> Iterable[tuple[str | None, Answer]]:
    """The track on each of these releases, judged by the one code that does (A1–A3)."""
    index = next(one.index for one in track.kind.lists if one.name == "validity")
    validities = [Validity(*item) for item in track.lists[index]]
    table, columns = kinds()["release"].table, ("id", "territory_set_id")
    names = [one for one in releases if one is not None]
    owned = {None: None, **dict(rows_in(connection, table, columns, "id", names))}
    own = track.value("territory_set_id")
    sets = load_sets(connection, {str(one) for one in (*owned.values(), own) if one is not None})
    for one in releases:
        lists = [None if name is None else sets[str(name)] for name in (owned[one], own)]
        yield one, judge(lists[0], lists[1], validities, *asked)


def _answered(track: str, release: str | None, answer: Answer) -> Answered:
    return {
        "available": answer.available,
        "reason": answer.reason,
        "rule": answer.rule,
        "window": None if answer.window is None else answer.window._asdict(),
        "track": track,
        "release": release,
    }
