"""Rows in the order of their key, page by page: memory stays bounded whatever the size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.store.statements import driver_of, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from feedengine.model.shapes import Table

PAGE = 1_000
"""Rows in a page."""


def asked(connection: Connection, text: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, written with ``?`` for each of ``values``, as they come."""
    marked = text.replace("?", statements(connection).mark)
    yield from driver_of(connection).execute(marked, values)


def pages(
    connection: Connection,
    table: Table,
    columns: Sequence[str] = (),
    *,
    key: Sequence[str] = (),
    size: int = PAGE,
) -> Iterator[list[tuple[Any, ...]]]:
    """A table's rows in the order of a unique key, text by code point; no empty page.

    ``key`` is the primary key unless given, ``columns`` (all unless given) name those of the key.
    Each page begins behind the last one, so rows may change meanwhile, and no query stays open.
    """
    made = statements(connection)
    names = tuple(columns) or table.names
    keys = tuple(key) or table.key
    at = [names.index(name) for name in keys]
    begin = f"SELECT {made.names(names)} FROM {made.quote(table.name)}"
    behind = f" WHERE ({made.names(keys)}) > ({', '.join('?' * len(keys))})"
    end = f" ORDER BY {made.names(keys)} LIMIT {size}"
    page = list(asked(connection, begin + end))
    while page:
        yield page
        if len(page) < size:
            return
        last = [page[-1][index] for index in at]
        page = list(asked(connection, begin + behind + end, *last))


def ids_of(connection: Connection, table: Table, *, size: int = PAGE) -> Iterator[list[str]]:
    """The ids of a table's rows, by code point, page by page."""
    for page in pages(connection, table, ("id",), size=size):
        yield [row[0] for row in page]


def among(connection: Connection, column: str) -> str:
    """SQL: ``column`` is among the ids given as one parameter (`Statements.ids`)."""
    if connection.dialect.name == "postgresql":
        return f"{column} = ANY(%s)"
    return f"{column} IN (SELECT value FROM json_each(?))"


def given_ids(connection: Connection) -> str:
    """SQL: a table with the one column ``value``, the ids given as one parameter."""
    if connection.dialect.name == "postgresql":
        return "(SELECT unnest(%s::text[]) AS value)"
    return "json_each(?)"
