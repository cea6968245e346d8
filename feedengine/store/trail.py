"""History and ledger as documents, told without what only this database knows.

Left out are numbers that count rows, instants, and the marks of Stack entries: two catalogues that
went the same way tell the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from feedengine.store.ledger import (
    CHANGE,
    CHANGE_COLUMNS,
    FEED_RUN,
    FINDING,
    FINDING_COLUMNS,
    PACKAGE_COLUMNS,
    PACKAGE_RUN,
    RUN_COLUMNS,
)
from feedengine.store.pages import PAGE, asked, pages
from feedengine.store.statements import rows_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from feedengine.model.shapes import Table

Told: TypeAlias = tuple[str, dict[str, Any]]
"""A table's name, and a row of it as a document; NULLs left out."""

_NOT_TOLD = frozenset(
    {
        *("id", "seq", "package_id", "feed_run_id", "package_run_id", "retry_of", "undoes"),
        "entry_signature",
    }
)


def _told(table: Table, row: Iterable[Any]) -> Told:
    document = {
        column.name: value
        for column, value in zip(table.columns, row, strict=True)
        if value is not None and column.name not in _NOT_TOLD and column.kept != "instant"
    }
    return table.name, document


def changes_until(connection: Connection, seq: int | None) -> Iterator[Told]:
    """All changes in their order, up to ``seq`` where one is given."""
    number = CHANGE_COLUMNS.index("seq")
    for page in pages(connection, CHANGE):
        for row in page:
            if seq is not None and row[number] > seq:
                return
            name, told = _told(CHANGE, row)
            if "document" in told:
                told["document"] = json.loads(told["document"])
            yield name, told


def runs_until(connection: Connection, at: str | None) -> Iterator[Told]:
    """The feed runs begun at or before the instant ``at`` (all, where it is None), in their order.

    Each is followed by its own findings, then its packages, each with its findings behind it.
    """
    number, started = RUN_COLUMNS.index("id"), RUN_COLUMNS.index("started_at")
    for page in pages(connection, FEED_RUN):
        for row in page:
            if at is None or row[started] <= at:
                yield _told(FEED_RUN, row)
                yield from _own_findings(connection, row[number])
                yield from _packages(connection, row[number])


def _own_findings(connection: Connection, run: int) -> Iterator[Told]:
    columns = ", ".join(FINDING_COLUMNS)
    where = "feed_run_id = ? AND package_run_id IS NULL"
    for row in asked(connection, f"SELECT {columns} FROM finding WHERE {where} ORDER BY id", run):
        yield _told(FINDING, row)


def _packages(connection: Connection, run: int) -> Iterator[Told]:
    text = (
        f"SELECT {', '.join(PACKAGE_COLUMNS)} FROM package_run"
        f" WHERE feed_run_id = ? AND id > ? ORDER BY id LIMIT {PAGE}"
    )
    number, owner = PACKAGE_COLUMNS.index("id"), FINDING_COLUMNS.index("package_run_id")
    last = 0
    while page := list(asked(connection, text, run, last)):
        ids = [row[number] for row in page]
        last = ids[-1]
        findings: dict[int, list[Told]] = {}
        for row in rows_in(connection, FINDING, FINDING_COLUMNS, "package_run_id", ids, ("id",)):
            findings.setdefault(row[owner], []).append(_told(FINDING, row))
        for row in page:
            yield _told(PACKAGE_RUN, row)
            yield from findings.get(row[number], ())
