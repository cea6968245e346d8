"""The operator's work on a whole catalogue: rebuild it from history, check it, copy it."""

from __future__ import annotations

from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from feedengine.catalogue.asof import LINK, Past, Replay
from feedengine.catalogue.needs import Needs
from feedengine.catalogue.objects import link_ends
from feedengine.errors import RefusedError, ServiceError, UsageError
from feedengine.exporting import export_jsonl
from feedengine.model.entities import kinds, table_named
from feedengine.model.generated import TABLES
from feedengine.store.check_catalogue import CATALOGUE_CHECKS
from feedengine.store.check_history import HISTORY_CHECKS
from feedengine.store.check_ledger import LEDGER_CHECKS
from feedengine.store.check_runs import RUN_CHECKS
from feedengine.store.check_tables import TABLE_CHECKS
from feedengine.store.database import reading, writing
from feedengine.store.ledger import CHANGE
from feedengine.store.load import load
from feedengine.store.pages import pages
from feedengine.store.save import save_hand
from feedengine.store.statements import statements, write
from feedengine.store.upgrade import revision_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from feedengine.model.shapes import Table

BATCH_ROWS = 2_000
"""Changes that are replayed at a time, and more where the last package needs them."""

MOST_TOLD = 20
"""How many violations of one rule are told; of the others, how many there are."""


def rebuild(engine: Engine) -> int:
    """H2: make the catalogue anew from ``change``; returns how many changes were replayed.

    All in one transaction of the only writer: nobody sees a catalogue that is half there. History,
    ledger, territory sets, countries and usages stay. Raises `ServiceError` when history cannot be
    replayed; the catalogue is then as it was.
    """
    count = 0
    with writing(engine) as connection:
        quote = statements(connection).quote
        for table in reversed(_replayed_tables()):
            connection.exec_driver_sql(f"DELETE FROM {quote(table.name)}")
        for rows in _batches(connection):
            _replay(connection, rows)
            count += len(rows)
    return count


def _replayed_tables() -> list[Table]:
    """The tables that follow from history alone, what others refer to first."""
    found = {table_named("release_track"), table_named("track_window")}
    for kind in kinds().values():
        found.add(kind.table)
        found.update(one.table for one in kind.lists)
    return [table for table in TABLES if table in found]


_COLUMNS = ("seq", "entity", "entity_id", "document", "package_id", "changed_at")


def _batches(connection: Connection) -> Iterator[list[tuple[Past, str]]]:
    """Changes with their instants; whole packages, since only between them foreign keys hold."""
    batch: list[tuple[Past, str]] = []
    last = None
    for page in pages(connection, CHANGE, _COLUMNS):
        for *past, package, at in page:
            if len(batch) >= BATCH_ROWS and package != last:
                yield batch
                batch = []
            batch.append((Past(*past), at))
            last = package
    if batch:
        yield batch


def _replay(connection: Connection, rows: list[tuple[Past, str]]) -> None:
    """Carry a batch out on what it names, and save the difference as every batch is saved."""
    changed_at = {(past.entity, past.entity_id): at for past, at in rows if past.entity != LINK}
    try:
        ends = [link_ends(past.entity_id) for past, _ in rows if past.entity == LINK]
        needs = Needs(whole=set(changed_at), releases={release for release, _ in ends})
        replay = Replay(load(connection, needs))
        for past, _ in rows:
            replay.step(past)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        first, last = rows[0][0].seq, rows[-1][0].seq
        message = f"history cannot be replayed: a change from {first} to {last} is damaged"
        raise ServiceError(message, "see `feedengine db check`") from error
    save_hand(connection, replay.hand, changed_at, replay.linked)


_CHECKS = (*TABLE_CHECKS, *CATALOGUE_CHECKS, *HISTORY_CHECKS, *LEDGER_CHECKS, *RUN_CHECKS)


def check(engine: Engine) -> list[str]:
    """Every invariant of catalogue, history and ledger; what does not hold, in plain sentences.

    None: all is sound. Of each rule at most `MOST_TOLD` violations are told one by one.
    """
    told: list[str] = []
    with reading(engine) as connection:
        for rule in (
            *TABLE_CHECKS,
            *CATALOGUE_CHECKS,
            *HISTORY_CHECKS,
            *LEDGER_CHECKS,
            *RUN_CHECKS,
        ):
            found = rule(connection)
            try:
                told += islice(found, MOST_TOLD)
                more = sum(1 for _ in found)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                told.append(f"damage kept the check {rule.__name__} from its end: {error!r}")
                continue
            if more:
                told.append(f"… and {more} more of the last kind")
    return told


_MADE_BY_UPGRADE = (table_named("country"), table_named("usage"))
"""Tables that hold rows in an empty catalogue already."""


def copy(source: Engine, target: Engine) -> int:
    """Copy everything (catalogue, history, ledger) into an empty catalogue; returns the rows.

    In one transaction, and proven before it is committed: both must export equal bytes. Raises
    `UsageError` when the two are not at the same revision, `RefusedError` when the target holds
    anything, `ServiceError` when a database fails or the copy differs.
    """
    count = 0
    with reading(source) as old, writing(target) as new:
        _check_target(old, new)
        quote = statements(new).quote
        for table in _MADE_BY_UPGRADE:
            new.exec_driver_sql(f"DELETE FROM {quote(table.name)}")
        for table in TABLES:
            names = table.names
            text = statements(new).insert(table, names)
            for page in pages(old, table):
                write(new, text, page)
                count += len(page)
        if _digest(old) != _digest(new):
            raise ServiceError("the copy differs from its source", "see `feedengine db check`")
    return count


def _check_target(old: Connection, new: Connection) -> None:
    """Raise `UsageError` or `RefusedError` unless ``new`` can take a copy of ``old``."""
    have, wanted = revision_of(new), revision_of(old)
    if have != wanted:
        message = f"the target is at revision {have or 'none'}, the source at {wanted or 'none'}"
        raise UsageError(message, "run `feedengine db upgrade` on both first")
    quote = statements(new).quote
    for table in TABLES:
        if table in _MADE_BY_UPGRADE:
            continue
        if new.exec_driver_sql(f"SELECT 1 FROM {quote(table.name)} LIMIT 1").first() is not None:
            message = f"the target is not empty: {table.name} holds rows"
            raise RefusedError(message, "copy into a new database")


class _Digest:
    """A sink that keeps the SHA-256 of what is written."""

    def __init__(self) -> None:
        self.found = sha256()

    def write(self, data: bytes, /) -> None:
        self.found.update(data)


def _digest(connection: Connection) -> bytes:
    """The SHA-256 of all that can be exported."""
    digest = _Digest()
    export_jsonl(connection, digest, history=True)
    return digest.found.digest()
