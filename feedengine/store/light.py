"""Questions to a catalogue in a file, by the standard library alone.

Importing SQLAlchemy takes longer than all that a question costs otherwise. So what only asks, and
asks an SQLite file that was named by nothing but its root, asks through this: as much of
SQLAlchemy's connection as questions use, with the same settings. Whatever writes, and whatever is
on PostgreSQL, goes through `feedengine.store.database`.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from feedengine.store.database import READER_PRAGMAS, failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection


class _Dialect:
    """What statements ask of a database's dialect; it is its own preparer of identifiers."""

    name = "sqlite"
    paramstyle = "qmark"

    @property
    def identifier_preparer(self) -> _Dialect:
        """Who quotes."""
        return self

    def quote(self, name: str) -> str:
        """A name in quotes."""
        return '"' + name.replace('"', '""') + '"'


_DIALECT = _Dialect()


class _Rows:
    """The rows of a query, as they come."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._cursor

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All of them."""
        return self._cursor.fetchall()

    def first(self) -> tuple[Any, ...] | None:
        """The first, or None; no other is read."""
        found: tuple[Any, ...] | None = self._cursor.fetchone()
        self._cursor.close()
        return found

    def scalar(self) -> Any:
        """The first value of the first row, or None."""
        found = self.first()
        return None if found is None else found[0]

    def mappings(self) -> Iterator[Mapping[str, Any]]:
        """Each as a mapping of columns."""
        names = [one[0] for one in self._cursor.description]
        return (dict(zip(names, row, strict=True)) for row in self._cursor)


class _LightConnection:
    dialect = _DIALECT

    def __init__(self, driver: sqlite3.Connection) -> None:
        self.driver_connection = driver

    @property
    def connection(self) -> _LightConnection:
        """What holds the driver's own connection (`statements.driver_of`)."""
        return self

    def exec_driver_sql(self, text: str, values: Sequence[Any] = ()) -> _Rows:
        """Run a query."""
        return _Rows(self.driver_connection.execute(text, tuple(values)))


class LightDatabase:
    """A catalogue's file, for reading; may be shared between threads."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = path
        self._idle: list[sqlite3.Connection] = []

    def _open(self) -> sqlite3.Connection:
        # One thread at a time uses it, though not always the same.
        url = f"{self._path.absolute().as_uri()}?mode=rw"  # never makes a file
        driver = sqlite3.connect(url, uri=True, isolation_level=None, check_same_thread=False)
        for pragma in (*READER_PRAGMAS, "PRAGMA query_only = ON"):
            driver.execute(pragma)
        return driver

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view of the catalogue.

        Raises `ServiceError` when the file cannot be read.
        """
        try:
            driver = self._idle.pop() if self._idle else self._open()
            try:
                driver.execute("BEGIN")
                yield cast("Connection", _LightConnection(driver))
            finally:
                if driver.in_transaction:
                    driver.execute("ROLLBACK")
                self._idle.append(driver)
        except sqlite3.Error as error:
            failed(error)

    def close(self) -> None:
        """Close the file; it is opened again by the next question."""
        while self._idle:
            self._idle.pop().close()
