"""SQL from the declarations, made once for each shape (house.md: one declaration).

Plain strings for the driver itself: the ORM measured twenty times slower, and SQLAlchemy's way to
the driver costs more than a small statement does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from feedengine.model.shapes import Table

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect

MOST_IDS = 5_000
"""Ids in one query."""

FEW_ROWS = 20
"""So many rows cost less by a statement that holds them than by ``COPY``, which is asked first."""

_COPY = "COPY"


class Statements:
    """The statements for one kind of database; each is made once."""

    def __init__(self, dialect: Dialect) -> None:
        """Placeholders and quotes as ``dialect`` has them."""
        self.quote = dialect.identifier_preparer.quote
        self.mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._array = dialect.name == "postgresql"
        self.sparse = not self._array
        """Whether an UPDATE names the columns that differ alone; else one does for all rows."""
        self.inserts: dict[str, str] = {}
        """PostgreSQL: what does the same as a ``COPY``, and quicker for few rows."""
        self.insert = cache(self._insert)
        self.update = cache(self._update)
        self.delete = cache(self._delete)
        self._named = cache(self._names)
        self._selected = cache(self._select_in)

    def names(self, columns: Iterable[str]) -> str:
        """Column names for a statement."""
        return self._named(tuple(columns))

    def _names(self, columns: tuple[str, ...]) -> str:
        return ", ".join(self.quote(name) for name in columns)

    def _insert(self, table: Table, columns: tuple[str, ...]) -> str:
        """Insert a row of ``columns``."""
        if self._array:
            place = f"{self.quote(table.name)} ({self.names(columns)})"
            text = f"{_COPY} {place} FROM STDIN"
            given = self._given(table, columns)
            self.inserts[text] = f"INSERT INTO {place} SELECT * FROM {given}"
            return text
        marks = ", ".join([self.mark] * len(columns))
        return f"INSERT INTO {self.quote(table.name)} ({self.names(columns)}) VALUES ({marks})"

    def _update(self, table: Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> str:
        """Set ``columns`` of the row with these ``keys``."""
        if self._array:
            sets = ", ".join(f"{self.quote(name)} = v.c{at}" for at, name in enumerate(columns))
            given = self._given(table, [*columns, *keys])
            where = self._joined(table, keys, len(columns))
            return f"UPDATE {self.quote(table.name)} SET {sets} FROM {given} WHERE {where}"
        sets = ", ".join(f"{self.quote(name)} = {self.mark}" for name in columns)
        return f"UPDATE {self.quote(table.name)} SET {sets} WHERE {self._where(keys)}"

    def _delete(self, table: Table, keys: tuple[str, ...], beyond: str | None = None) -> str:
        """Delete the rows with these ``keys``, and a larger ``beyond`` than given."""
        if self._array:
            given = self._given(table, keys if beyond is None else [*keys, beyond])
            where = self._joined(table, keys)
            if beyond is not None:
                where += f" AND {self.quote(table.name)}.{self.quote(beyond)} > v.c{len(keys)}"
            return f"DELETE FROM {self.quote(table.name)} USING {given} WHERE {where}"
        where = self._where(keys)
        if beyond is not None:
            where += f" AND {self.quote(beyond)} > {self.mark}"
        return f"DELETE FROM {self.quote(table.name)} WHERE {where}"

    def _where(self, keys: Sequence[str]) -> str:
        return " AND ".join(f"{self.quote(name)} = {self.mark}" for name in keys)

    @staticmethod
    def _given(table: Table, columns: Sequence[str]) -> str:
        """PostgreSQL: all rows of a statement, an array a column, as ``v(c0, c1, …)``."""
        from feedengine.store.postgres import array_of

        arrays = ", ".join(array_of(table, name) for name in columns)
        return f"unnest({arrays}) AS v({', '.join(f'c{at}' for at in range(len(columns)))})"

    def _joined(self, table: Table, keys: Sequence[str], first: int = 0) -> str:
        own = self.quote(table.name)
        found = (f"{own}.{self.quote(name)} = v.c{at}" for at, name in enumerate(keys, first))
        return " AND ".join(found)

    def select_in(
        self, table: Table, columns: Sequence[str], key: str, order: Sequence[str] = ()
    ) -> str:
        """``columns`` of the rows whose ``key`` is among the ids given as one parameter."""
        return self._selected(table, tuple(columns), key, tuple(order))

    def _select_in(
        self, table: Table, columns: tuple[str, ...], key: str, order: tuple[str, ...]
    ) -> str:
        own = self.quote(table.name)
        if not (self._array or order):  # in any order: no id need be sorted in, a quarter less
            names = ", ".join(f"{own}.{self.quote(name)}" for name in columns)
            given = f"json_each(?) CROSS JOIN {own}"
            return f"SELECT {names} FROM {given} WHERE {own}.{self.quote(key)} = json_each.value"
        among = f"= ANY({self.mark})" if self._array else "IN (SELECT value FROM json_each(?))"
        text = f"SELECT {self.names(columns)} FROM {own} WHERE {self.quote(key)} {among}"
        return text + (f" ORDER BY {self.names(order)}" if order else "")

    def ids(self, ids: Collection[Any]) -> Any:
        """Ids as the one parameter of `select_in`."""
        return list(ids) if self._array else json.dumps(list(ids))


@cache
def _for_dialect(dialect: Dialect) -> Statements:
    return Statements(dialect)


def statements(connection: Connection) -> Statements:
    """The statements for a connection's database."""
    return _for_dialect(connection.dialect)


def driver_of(connection: Connection) -> Any:
    """The driver's own connection: SQLAlchemy's way to it costs more than a small statement."""
    return connection.connection.driver_connection


class Wanted(NamedTuple):
    """``columns`` of the rows whose ``key`` is among ``ids``, in the order that ``order`` says."""

    table: Table
    columns: Sequence[str]
    key: str
    ids: Iterable[str]
    order: Sequence[str] = ()


def rows_in(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    key: str,
    ids: Iterable[Any],
    order: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """The rows of one `Wanted`."""
    return rows_in_each(connection, [Wanted(table, columns, key, ids, order)])[0]


def rows_asked(connection: Connection, text: str, ids: Iterable[str]) -> list[tuple[Any, ...]]:
    """The rows of a query whose one parameter is ids."""
    made = statements(connection)
    names = sorted(ids)
    asked = [(text, made.ids(names[at : at + MOST_IDS])) for at in range(0, len(names), MOST_IDS)]
    return [row for some in _rows_of(connection, asked) for row in some]


def rows_in_each(connection: Connection, wanted: Sequence[Wanted]) -> list[list[tuple[Any, ...]]]:
    """The rows of each that is wanted; PostgreSQL is asked for all at once."""
    made = statements(connection)
    asked: list[tuple[str, Any]] = []
    owners: list[int] = []
    for owner, one in enumerate(wanted):
        ids = sorted(set(one.ids))
        if not ids:
            continue
        text = made.select_in(one.table, one.columns, one.key, one.order)
        for start in range(0, len(ids), MOST_IDS):
            asked.append((text, made.ids(ids[start : start + MOST_IDS])))
            owners.append(owner)
    found: list[list[tuple[Any, ...]]] = [[] for _ in wanted]
    for owner, some in zip(owners, _rows_of(connection, asked), strict=True):
        found[owner].extend(some)
    return found


def _rows_of(connection: Connection, asked: Sequence[tuple[str, Any]]) -> Iterable[Any]:
    if connection.dialect.name != "postgresql":
        sqlite = driver_of(connection)
        return (sqlite.execute(text, (ids,)).fetchall() for text, ids in asked)
    from feedengine.store.postgres import rows_of

    return rows_of(connection, asked)


def first_row(connection: Connection, text: str) -> Any:
    """The first row of a query without parameters."""
    if connection.dialect.name != "postgresql":
        return driver_of(connection).execute(text).fetchone()
    from feedengine.store.postgres import answers

    return answers(connection, text)[0]


@contextmanager
def together(connection: Connection, *, few: bool) -> Iterator[None]:
    """Where it is ``few`` that is written, let PostgreSQL answer all `write` at the end, at once.

    Inside, rows come by `rows_in`, its like and `first_row` alone.
    """
    if few and connection.dialect.name == "postgresql":
        from feedengine.store.postgres import pipeline

        with pipeline(connection):
            yield
    else:
        yield


def write(connection: Connection, text: str, rows: list[tuple[Any, ...]]) -> None:
    """Run one statement of `Statements` for all rows; no two of an UPDATE have the same key."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        driver_of(connection).executemany(text, rows)
        return
    from feedengine.store.postgres import copy_rows, write_rows

    if not text.startswith(_COPY):
        write_rows(connection, text, rows)
    elif len(rows) <= FEW_ROWS:
        write_rows(connection, statements(connection).inserts[text], rows)
    else:
        copy_rows(connection, text, statements(connection).inserts[text], rows)
