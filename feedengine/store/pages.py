"""Rows in the order of their key, page by page: memory stays bounded whatever the size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Table

PAGE = 1_000
"""Rows in a page."""


def key_of(table: Table) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    return tuple(column.name for column in table.primary_key.columns)


def pages(
    connection: Connection, table: Table, columns: Sequence[str] = (), *, size: int = PAGE
) -> Iterator[list[tuple[Any, ...]]]:
    """A table's rows in the order of its primary key, text by code point; no empty page.

    ``columns`` (all unless given) must name those of the key. Each page begins behind the last one,
    so rows may be changed meanwhile, and no query stays open.
    """
    made = statements(connection)
    names = tuple(columns) or tuple(column.name for column in table.columns)
    key = key_of(table)
    at = [names.index(name) for name in key]
    begin = f"SELECT {made.names(names)} FROM {made.quote(table.name)}"
    behind = f" WHERE ({made.names(key)}) > ({', '.join([made.mark] * len(key))})"
    end = f" ORDER BY {made.names(key)} LIMIT {size}"
    page = connection.exec_driver_sql(begin + end).fetchall()
    while page:
        yield [tuple(row) for row in page]
        if len(page) < size:
            return
        last = tuple(page[-1][index] for index in at)
        page = connection.exec_driver_sql(begin + behind + end, last).fetchall()


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
