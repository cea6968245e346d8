"""The guard against mass deletion (G1): held before anything of a feed is applied."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeGuard

from feedengine.config import Settings
from feedengine.errors import Fault, Finding, RefusedError
from feedengine.feeds.changes import Change, Request
from feedengine.feeds.document import Loader, file_findings
from feedengine.feeds.entries import Signature
from feedengine.feeds.folder import FeedFolder, FeedPathError, MissingError
from feedengine.feeds.parse import parse
from feedengine.feeds.stack import Stack
from feedengine.model.entities import kinds
from feedengine.packages import limits_of, now_text
from feedengine.store import ledger
from feedengine.store.database import reading, writing
from feedengine.store.ledger import Run
from feedengine.store.load import known_ids
from feedengine.store.statements import rows_in, statements
from feedengine.turn import Turn

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MAY_DELETE = re.compile(rb"=[\s\0]*[\"'][\s\0]*(?:&|d\0?(?:&|e\0?(?:&|l)))", re.IGNORECASE)
"""An attribute that begins with ``del``, or with what may be that in references; UTF-16 too."""


def _may_delete(data: bytes) -> bool:
    """Whether a package may be a Delete; of most it is clear that they are none (P12)."""
    return _MAY_DELETE.search(data) is not None


def mass_deletion(
    settings: Settings, database: Engine, folder: FeedFolder, packages: Iterable[str]
) -> str | None:
    """G1: why the feed is held, found by a scan for Deletes before it runs."""
    loader = Loader(folder, limits_of(settings))
    doomed: dict[str, set[str]] = {}
    for path in packages:
        try:
            data = folder.read_ahead(path, settings.max_package_bytes)
        except FeedPathError:
            continue
        if _may_delete(data):
            request = parse(loader.load(path)).request
            if _removes(request):
                doomed.setdefault(request.kind.name, set()).add(request.id)
    with reading(database) as connection:
        for kind, ids in doomed.items():
            if len(ids) > settings.hold_count:
                message = _too_many(settings, connection, kind, ids)
                if message is not None:
                    return message
    return None


def _too_many(settings: Settings, connection: Connection, kind: str, ids: set[str]) -> str | None:
    table = kinds()[kind].table
    there = known_ids(connection, table, ids)
    owners: dict[str, int] = {}
    for _, client in rows_in(connection, table, ("id", "client"), "id", there):
        owners[client] = owners.get(client, 0) + 1
    mark = statements(connection).mark
    for client, count in owners.items():
        text = f"SELECT count(*) FROM {table.name} WHERE client = {mark}"
        total = connection.exec_driver_sql(text, (client,)).scalar() or 0
        share = settings.hold_share
        if count > settings.hold_count and count > share * total:
            return f"the feed deletes {count} of {total} objects ({kind}) of one client"
    return None


def _removes(request: Request | None) -> TypeGuard[Change]:
    """Whether a package deletes an object; a ReleaseSetting is none (P44)."""
    return isinstance(request, Change) and request.action == "delete" and not request.setting


def hold(turn: Turn, run: Run, message: str) -> tuple[Run, list[Finding]]:
    """G1: nothing of the run is applied, for what `mass_deletion` has said; its finding."""
    fault = Fault("feed-held", "G1", (None, run.stack_entry), message)
    with turn.writing() as connection:
        run = ledger.kept(connection, run._replace(status="held", released_at=None))
        hint = f"if it is meant: `feedengine feed release {run.id}`"
        found = file_findings([fault._replace(hint=hint)], b"")
        ledger.save_findings(connection, run, found)
    return run, found


def put_aside(turn: Turn, stack: Stack, run: Run, signature: Signature) -> Run:
    """G1: the entry of a held run goes to ``held/``, if it is still the one of this signature."""
    turn.check()
    with suppress(MissingError):  # taken away meanwhile; the run stays held
        held = stack.move(run.stack_entry, "held", signature)
        if held != run.stack_entry:
            run = run._replace(stack_entry=held)
            with turn.writing() as connection:
                ledger.save_run(connection, run)
    return run


def release(settings: Settings, database: Engine, number: int) -> Run:
    """G1: let a held feed through; raises `RefusedError` when the run is not held."""
    with writing(database) as connection:
        found = ledger.runs_where(connection, "id = ?", number)
        if not found or found[0].status != "held" or found[0].released_at is not None:
            raise RefusedError(f"run {number} is not held", "see `feedengine feeds`")
        run = found[0]._replace(released_at=now_text())
        ledger.save_run(connection, run)
        try:
            _unhold(Stack(settings.stack), run)
        except MissingError:
            message = f"the entry {run.stack_entry} is no longer in Stack/held"
            raise RefusedError(message, "drop its Stack entry again; the run stays held") from None
    return run


def _unhold(stack: Stack, run: Run) -> None:
    """Put the entry back; it may wait already, when a release was cut short before it was kept."""
    try:
        stack.unhold(run.stack_entry)
    except MissingError:
        if stack.signature(run.stack_entry).mark != run.entry_signature:
            raise
