"""Packages judged against a catalogue, and nothing applied (``validate --against-catalogue``).

The engine's own walk: load, decide in memory, package after package, each seeing what the one
before left. Of more than one batch those before are saved in a transaction that is always rolled
back, so that memory stays bounded and the catalogue as it was.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, NoReturn

from feedengine.applying import FeedApplier
from feedengine.catalogue.needs import needs_of
from feedengine.catalogue.objects import Object, as_document, link_id
from feedengine.errors import Fault, Finding, quoted
from feedengine.feeds.document import finding
from feedengine.feeds.folder import MANIFEST
from feedengine.guards import mass_deletion
from feedengine.lateness import feed_order
from feedengine.packages import now_text
from feedengine.store import ledger
from feedengine.store.database import reading, writing
from feedengine.store.earlier import Earlier
from feedengine.store.ledger import Run
from feedengine.store.load import load
from feedengine.turn import Turn
from feedengine.validating import Batch, Validated, Walk
from feedengine.walk import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from feedengine.catalogue.hand import Touched
    from feedengine.config import Settings
    from feedengine.store.ledger import Outcome
    from feedengine.walk import Feed


def planned(
    paths: Sequence[Path], settings: Settings, database: Database, *, strict: bool
) -> Iterator[Validated]:
    """What `validating.validated` gives against a catalogue; a single batch needs no lock."""
    walk = Planner(settings, database, strict=strict)
    chunks = walk.chunks(paths)
    head: list[Validated | Batch] = []
    for chunk in chunks:
        head.append(chunk)
        if sum(isinstance(one, Batch) for one in head) > 1:
            with _rolled_back(database) as connection:
                for one in chain(head, chunks):
                    yield from walk.decided(connection, one, keep=True)
            return
    with reading(database) as connection:
        found = [result for one in head for result in walk.decided(connection, one, keep=False)]
    yield from found


@contextmanager
def _rolled_back(database: Database) -> Iterator[Connection]:
    """A transaction of the catalogue's writer that is never committed."""
    with suppress(_UndoneError), writing(database) as connection:
        yield connection
        _undo()


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing behind."""


def _undo() -> NoReturn:
    raise _UndoneError


class Planner(Walk):
    """From paths to packages read, and from there to what a catalogue makes of them."""

    def __init__(self, settings: Settings, database: Database, *, strict: bool) -> None:
        """Against this catalogue."""
        super().__init__(settings, strict=strict)
        self.database = database

    def reader(self, feed: Feed) -> FeedApplier:
        """Who would apply the feed, with what the ledger knows of it (P9, G2)."""
        feeds = absolute(self.settings.feeds)
        inside = feed.place != feeds and feed.place.is_relative_to(feeds)
        path = feed.place.relative_to(feeds).as_posix() if inside else None
        run = Run(0, "", "", path, feed.client, now_text(), None, "running", *(0,) * 4, None, None)
        turn = Turn(self.settings.stack, self.database)
        applier = FeedApplier(self.settings, turn, run, feed.folder)
        applier.strict = applier.strict or self.strict
        if path is not None:
            with reading(self.database) as connection:
                runs = ledger.runs_where(connection, "feed_path = ?", path)
                applier.earlier = Earlier(runs)
                others = ledger.feed_paths_of(connection, feed.client)
            applier.late = any(feed_order(one) > feed_order(path) for one in others)
        return applier

    def held(self, feed: Feed) -> list[Finding]:
        """G1: whether the engine would hold the feed."""
        if len(feed.packages) <= self.settings.hold_count:
            return []
        message = mass_deletion(self.settings, self.database, feed.folder, feed.packages)
        return [] if message is None else [finding(_HELD._replace(message=message), MANIFEST)]

    def decided(
        self, connection: Connection, chunk: Validated | Batch, *, keep: bool
    ) -> Iterator[Validated]:
        """The results of a chunk; with ``keep`` its changes are saved for those behind it."""
        if isinstance(chunk, Validated):
            yield chunk
            return
        applier, names, reads = chunk
        assert isinstance(applier, FeedApplier)  # noqa: S101 - `reader` made it
        done = applier.earlier.applied(connection, [read.path for read in reads])
        known = [done.get((read.path, read.document.digest)) for read in reads]
        fresh = [read for read, old in zip(reads, known, strict=True) if old is None]
        requests = [read.request for read in fresh if read.request is not None]
        hand = load(connection, needs_of(requests))
        newer = applier._newer(connection, requests) if applier.late else set()
        terms = applier.terms(connection, hand, newer)
        outcomes = [
            applier._decide(read, hand, terms, newer, None)
            if old is None
            else applier._unchanged(read, old)
            for read, old in zip(reads, known, strict=True)
        ]
        if keep:
            if not applier.run.id:
                applier.run = ledger.open_run(connection, applier.run)
            ledger.save_batch(connection, applier.run, applier.client, outcomes, hand)
        for name, outcome in zip(names, outcomes, strict=True):
            yield Validated(name, "package", list(outcome.findings), plan_of(outcome))


_HELD = Fault("feed-held", "G1", (None, MANIFEST), "")


def plan_of(outcome: Outcome) -> list[str]:
    """What a package would change, in the order of first touch."""
    if outcome.status == "already-applied":
        return ["skip it: it was applied before, and is unchanged"]
    return [_line(touched) for touched in outcome.touched]


def _line(touched: Touched) -> str:
    kind, name, before, after = touched
    shown = quoted(name if isinstance(name, str) else link_id(*name))[1:-1]
    if before is None or after is None:
        return f"{'create' if before is None else 'delete'} {kind} {shown}"
    fields = ["position"]
    if isinstance(before, Object) and isinstance(after, Object):
        old, new = as_document(before), as_document(after)
        fields = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return f"update {kind} {shown}: {', '.join(fields)}"
