"""SQL from the declarations, made once for each shape (house.md: one declaration).

Plain strings for `Connection.exec_driver_sql`: the ORM measured twenty times slower.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection, Dialect, Table


MOST_IDS = 5_000
"""Ids in one query."""

_COPY = "COPY"


class Statements:
    """The statements for one kind of database; each is made once."""

    def __init__(self, dialect: Dialect) -> None:
        """Placeholders and quotes as ``dialect`` has them."""
        self.quote = dialect.identifier_preparer.quote
        self.mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._array = dialect.name == "postgresql"
        self.insert = cache(self._insert)
        self.update = cache(self._update)
        self.delete = cache(self._delete)

    def names(self, columns: Iterable[str]) -> str:
        """Column names for a statement."""
        return ", ".join(self.quote(name) for name in columns)

    def _insert(self, table: Table, columns: tuple[str, ...]) -> str:
        """Insert a row of ``columns``."""
        if self._array:
            return f"{_COPY} {self.quote(table.name)} ({self.names(columns)}) FROM STDIN"
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
        among = f"= ANY({self.mark})" if self._array else "IN (SELECT value FROM json_each(?))"
        text = (
            f"SELECT {self.names(columns)} FROM {self.quote(table.name)}"
            f" WHERE {self.quote(key)} {among}"
        )
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


def rows_in(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    key: str,
    ids: Iterable[Any],
    order: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """The rows whose ``key`` is among ``ids``, in the order of their keys where ``order`` says."""
    made = statements(connection)
    wanted = sorted(ids)
    text = made.select_in(table, columns, key, order)
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(wanted), MOST_IDS):
        chunk = made.ids(wanted[start : start + MOST_IDS])
        found.extend(connection.exec_driver_sql(text, (chunk,)).fetchall())
    return found


def write(connection: Connection, text: str, rows: list[tuple[Any, ...]]) -> None:
    """Run one statement of `Statements` for all rows; no two of an UPDATE have the same key."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(text, rows)
    elif text.startswith(_COPY):
        from feedengine.store.postgres import copy_rows

        copy_rows(connection, text, rows)
    else:
        connection.exec_driver_sql(text, tuple(map(list, zip(*rows, strict=True))))
