"""THE tables of what was done: history and ledger (catalogue.md, "History", "The ledger")."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import SQLModel

from feedengine.model.declare import column
from feedengine.model.scalars import ID, INSTANT, INTEGER, TEXT


def _few(name: str, column_name: str, where: str) -> Index:
    """An index of the few rows for which ``where`` holds."""
    return Index(name, column_name, sqlite_where=text(where), postgresql_where=text(where))


class FeedRun(SQLModel, table=True):
    """One attempt at a feed, announced by one Stack entry.

    ``status``: running, succeeded, partial, failed, held. ``entry_signature`` tells the entry file
    from a later one of the same name; ``filed_at`` is set once logs are written and the entry is
    moved (P5); ``released_at`` when an operator let a held feed, or a retry, through (G1).
    ``retry_of`` names the run whose failed packages this one takes again, ``retry_code`` the one
    finding it is about; ``undoes`` the run whose changes this one took back (H2), then
    ``stack_entry`` is ``undo``; ``pruned_at`` is set once retention has removed its findings and
    the packages that were not applied.
    """

    __tablename__ = "feed_run"
    __table_args__ = (
        Index("ix_feed_run_feed", "feed_path"),
        Index("ix_feed_run_client", "client"),
        _few("ix_feed_run_unfiled", "status", "filed_at IS NULL"),
        _few("ix_feed_run_undoes", "undoes", "undoes IS NOT NULL"),
    )
    id: int = column(INTEGER, key=True)
    stack_entry: str = column(TEXT)
    entry_signature: str = column(TEXT)
    feed_path: str | None = column(TEXT, default=None)
    client: str | None = column(TEXT, default=None)
    started_at: datetime = column(INSTANT)
    finished_at: datetime | None = column(INSTANT, default=None)
    status: str = column(TEXT)
    packages: int = column(INTEGER)
    applied: int = column(INTEGER)
    failed: int = column(INTEGER)
    skipped: int = column(INTEGER)
    released_at: datetime | None = column(INSTANT, default=None)
    filed_at: datetime | None = column(INSTANT, default=None)
    retry_of: int | None = column(INTEGER, default=None)
    retry_code: str | None = column(TEXT, default=None)
    undoes: int | None = column(INTEGER, default=None)
    pruned_at: datetime | None = column(INSTANT, default=None)


class PackageRun(SQLModel, table=True):
    """What became of one package in one feed run: applied, already-applied, viewed or failed.

    ``digest`` is the SHA-256 of everything it read (P9); ``entity`` the table's name.
    """

    __tablename__ = "package_run"
    __table_args__ = (Index("ix_package_run_feed_run", "feed_run_id"),)
    id: int = column(INTEGER, key=True)
    feed_run_id: int = column(INTEGER, foreign_key="feed_run.id")
    path: str = column(TEXT)
    digest: str | None = column(TEXT, default=None)
    entity: str | None = column(TEXT, default=None)
    entity_id: str | None = column(ID, default=None)
    action: str | None = column(TEXT, default=None)
    status: str = column(TEXT)
    started_at: datetime = column(INSTANT)
    finished_at: datetime = column(INSTANT)


class FindingRow(SQLModel, table=True):
    """One finding of a package, or of a feed as a whole (``package_run_id`` NULL)."""

    __tablename__ = "finding"
    __table_args__ = (
        Index("ix_finding_feed_run", "feed_run_id"),
        Index("ix_finding_package_run", "package_run_id"),
        Index("ix_finding_code", "code"),
    )
    id: int = column(INTEGER, key=True)
    feed_run_id: int = column(INTEGER, foreign_key="feed_run.id")
    package_run_id: int | None = column(INTEGER, foreign_key="package_run.id", default=None)
    severity: str = column(TEXT)
    code: str = column(TEXT)
    rule: str = column(TEXT)
    file: str = column(TEXT)
    line: int = column(INTEGER)
    col: int = column(INTEGER)
    xpath: str = column(TEXT)
    message: str = column(TEXT)
    hint: str = column(TEXT)


class Change(SQLModel, table=True):
    """H1: one row for every object whose document changed; ``document`` NULL once deleted."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_entity", "entity", "entity_id", "seq"),)
    seq: int = column(INTEGER, key=True)
    package_id: int = column(INTEGER, foreign_key="package_run.id", index=True)
    entity: str = column(TEXT)
    entity_id: str = column(TEXT)
    action: str = column(TEXT)
    client: str = column(TEXT)
    changed_at: datetime = column(INSTANT)
    document: str | None = column(TEXT, default=None)


class StackLease(SQLModel, table=True):
    """Who takes entries from the Stack: one row, kept by PostgreSQL's clock.

    ``fence`` grows with every holder: whoever writes shows that it is still its own, so that a
    watcher whose lease has run out can do no harm when it wakes up again.
    """

    __tablename__ = "stack_lease"
    id: int = column(INTEGER, key=True)
    holder: str = column(TEXT)
    fence: int = column(INTEGER)
    taken_at: datetime = column(INSTANT)
    expires_at: datetime = column(INSTANT)
