"""Apply what is on the Stack of a site, and say how much CPU went into SQLite's driver.

    python sql_time.py SITE

Every call of a cursor or connection of the ``sqlite3`` module is timed, commits included, whoever
makes it.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

_spent = 0.0
_calls = 0


def timed(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call; the CPU that this thread spends in it is added up."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        global _spent, _calls  # noqa: PLW0603 - the one sum of this process
        begun = time.thread_time()
        try:
            return call(*arguments, **named)
        finally:
            _spent += time.thread_time() - begun
            _calls += 1

    return wrapped


class Cursor(sqlite3.Cursor):
    """A cursor that is timed."""

    execute = timed(sqlite3.Cursor.execute)
    executemany = timed(sqlite3.Cursor.executemany)
    fetchone = timed(sqlite3.Cursor.fetchone)
    fetchmany = timed(sqlite3.Cursor.fetchmany)
    fetchall = timed(sqlite3.Cursor.fetchall)
    __next__ = timed(sqlite3.Cursor.__next__)


class Connection(sqlite3.Connection):
    """A connection whose cursors are timed."""

    commit = timed(sqlite3.Connection.commit)

    def cursor(self, *_: Any) -> Cursor:  # type: ignore[override]
        """Always ours."""
        return super().cursor(Cursor)

    def execute(self, *arguments: Any) -> Cursor:
        """By a cursor of ours."""
        return self.cursor().execute(*arguments)

    def executemany(self, *arguments: Any) -> Cursor:
        """By a cursor of ours."""
        return self.cursor().executemany(*arguments)


def main() -> None:
    """Run, and tell."""
    connect = sqlite3.connect

    def ours(*arguments: Any, **named: Any) -> Any:
        return connect(*arguments, **{"factory": Connection, **named})

    sqlite3.connect = sqlite3.dbapi2.connect = ours  # type: ignore[attr-defined]
    from feedengine import Engine

    with Engine.at(sys.argv[1]) as engine:
        result = engine.run()
    packages = sum(run.packages for run in result.runs)
    print(json.dumps({"packages": packages, "sql": _spent, "calls": _calls}))


if __name__ == "__main__":
    main()
