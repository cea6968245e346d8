"""Undo: every change of a run taken back, itself a change (H2).

One transaction. What the run created is deleted, what it deleted comes back, what it updated gets
the document it had before; in packages of a page each, in an order that keeps every reference true:
what comes back first, then the links, then what goes. Saved as every batch is saved.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from feedengine.catalogue.asof import LINK
from feedengine.catalogue.needs import Needs
from feedengine.catalogue.objects import from_json, link_ends
from feedengine.errors import RefusedError
from feedengine.model.entities import kinds
from feedengine.packages import now_text
from feedengine.store import ledger
from feedengine.store.database import reading, writing
from feedengine.store.dependents import CHECKS, says_the_same
from feedengine.store.images import images, made_before, span_of
from feedengine.store.ledger import Outcome, Run
from feedengine.store.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from feedengine.store.dependents import Dependent
    from feedengine.store.images import Image, Span

ENTRY = "undo"
"""What stands as ``stack_entry`` of an undo: there was no entry."""

NO_ENTRY = "0:0:0"
"""… and as ``entry_signature``."""

MOST_TOLD = 100
"""So many of the later changes that stand in the way are told; the others are counted."""


class DependsError(RefusedError):
    """Later changes depend on the run: the first of them, and how many there are."""

    def __init__(self, number: int, dependents: list[Dependent], total: int) -> None:
        """Keep what stands in the way of undoing run ``number``."""
        super().__init__(
            f"run {number} cannot be undone: later changes depend on it ({total})",
            "undo those runs first, the last one first; or correct the objects with a new feed",
        )
        self.dependents = dependents
        self.total = total


class Undone(NamedTuple):
    """What an undo did, or would do: ``run`` is its own run, None when nothing was done.

    ``changes`` counts objects and links by entity and by what happens to them (``create`` is what
    comes back).
    """

    undoes: Run
    run: Run | None
    changes: dict[tuple[str, str], int]


def undo(database: Engine, number: int, *, dry: bool = False) -> Undone:
    """H2: take a run's changes back; with ``dry`` only say what that would be.

    Raises `DependsError` where later changes depend on it, `RefusedError` for what is no run that
    could be undone. The packages then count as applied no longer (P9).
    """
    with reading(database) if dry else writing(database) as connection:
        run = _undoable(connection, number)
        span = span_of(connection, number)
        counts = _checked(connection, span)
        done = None if dry else _take_back(connection, run, span)
    return Undone(run, done, dict(sorted(counts.items())))


def _undoable(connection: Connection, number: int) -> Run:
    """The run; raises `RefusedError` where there is nothing to take back, or not yet."""
    found = ledger.runs_where(connection, "id = ?", number)
    if not found:
        raise RefusedError(f"there is no run {number}", "see `feedengine feeds`")
    run = found[0]
    again = "to apply a feed again, write its Stack entry again"
    if run.undoes is not None:
        raise RefusedError(f"run {number} is itself the undo of run {run.undoes}", again)
    undone = ledger.runs_where(connection, "undoes = ?", number)
    if undone:
        raise RefusedError(f"run {number} was undone by run {undone[0].id}", again)
    if run.status == "held":
        raise RefusedError(f"run {number} is held: nothing of it is applied")
    same = "feed_path = ? AND (status = 'running' OR status = 'held' AND retry_of IS NOT NULL)"
    for other in ledger.runs_where(connection, same, run.feed_path):
        if other.status == "running":
            raise RefusedError(f"run {other.id} of its feed is still running", "wait for its end")
        hint = f"let it be taken; `feedengine feed retry {other.retry_of}` says where it stands"
        raise RefusedError(f"run {other.id}, a retry of its feed, waits to be taken", hint)
    where = "id = ? AND EXISTS (SELECT 1 FROM package_run p WHERE p.feed_run_id = feed_run.id"
    if not ledger.runs_where(connection, f"{where} AND p.status = 'applied')", number):
        raise RefusedError(f"nothing of run {number} was applied", "see `feedengine findings`")
    return run


def _checked(connection: Connection, span: Span) -> Counter[tuple[str, str]]:
    """What would happen, counted; raises `DependsError`."""
    counts: Counter[tuple[str, str]] = Counter()
    in_the_way = _in_the_way(connection, span, counts)
    told = list(islice(in_the_way, MOST_TOLD))
    if told:
        raise DependsError(span.run, told, len(told) + sum(1 for _ in in_the_way))
    return counts


def _in_the_way(
    connection: Connection, span: Span, counts: Counter[tuple[str, str]]
) -> Iterator[Dependent]:
    for entity in (*kinds(), LINK):
        for page in images(connection, span, entity):
            for check in CHECKS:
                yield from check(connection, span, page)
            for one in page:
                if one.returns:
                    counts[entity, "create" if one.now is None else "update"] += 1
                elif one.vanishes:
                    counts[entity, "delete"] += 1
    yield from says_the_same(connection, span)


def _take_back(connection: Connection, run: Run, span: Span) -> Run:
    """Carry it out: a run of its own, a package for each page."""
    at = now_text()
    counts = (0, 0, 0, 0)
    undoing = Run(
        0, ENTRY, NO_ENTRY, run.feed_path, run.client, at, None, "running", *counts, None, None
    )
    undoing = ledger.open_run(connection, undoing._replace(undoes=run.id))
    packages = 0
    for page in _pages(connection, span):
        if page:
            packages += 1
            _save(connection, undoing, span, page, packages)
    ended = now_text()
    undoing = undoing._replace(
        finished_at=ended, filed_at=ended, status="succeeded", packages=packages, applied=packages
    )
    ledger.save_run(connection, undoing)
    return undoing


def _pages(connection: Connection, span: Span) -> Iterator[list[Image]]:
    """All that changes, in an order in which every reference is true after each page."""
    for entity in kinds():
        for page in images(connection, span, entity):
            yield [one for one in page if one.returns]
    for page in images(connection, span, LINK):
        yield [one for one in page if one.returns or one.vanishes]
    for entity in reversed(tuple(kinds())):
        for page in images(connection, span, entity):
            yield [one for one in page if one.vanishes]


def _save(
    connection: Connection, undoing: Run, span: Span, page: Sequence[Image], number: int
) -> None:
    """One page, as a package that was applied."""
    started = now_text()
    links = [one for one in page if one.entity == LINK]
    whole = {(one.entity, one.entity_id) for one in page if one.entity != LINK}
    releases = {link_ends(one.entity_id)[0] for one in links}
    hand = load(connection, Needs(whole=whole, releases=releases))
    for one in page:
        if one.entity != LINK:
            kind = kinds()[one.entity]
            thing = None if one.before is None else from_json(kind, one.before)
            hand.put((one.entity, one.entity_id), thing)
    made = made_before(connection, span, [one.entity_id for one in links]) if links else {}
    for one in sorted(links, key=lambda link: made.get(link.entity_id, 0)):
        release, track = link_ends(one.entity_id)
        position = None if one.before is None else json.loads(one.before)["position"]
        hand.put_link(release, track, position)
    outcome = Outcome(
        f"{ENTRY}/{number}",
        None,
        None,
        None,
        None,
        "applied",
        started,
        now_text(),
        (),
        hand.settle(),
    )
    ledger.save_batch(connection, undoing, str(undoing.client), [outcome], hand)
