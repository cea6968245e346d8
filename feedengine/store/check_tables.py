"""What holds of every table by itself: canonical values, foreign keys, dense lists.

Each check yields a plain sentence for everything that does not hold (`feedengine.upkeep.check`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine.errors import quoted
from feedengine.model.entities import kinds, table_named
from feedengine.model.generated import TABLES
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from feedengine.model.scalars import Kept
    from feedengine.model.shapes import Column, Table

_DIGITS = "[0-9][0-9]"
_INSTANT = f"{_DIGITS * 2}-{_DIGITS}-{_DIGITS}T{_DIGITS}:{_DIGITS}:{_DIGITS}.{_DIGITS * 3}Z"

_NO_DECIMAL = (
    "typeof({0}) <> 'text' OR {0} = '' OR {0} GLOB '*[^0-9.]*' OR {0} GLOB '*.*.*'"
    " OR {0} GLOB '.*' OR {0} GLOB '*.' OR {0} GLOB '*.*0' OR {0} GLOB '0[0-9]*'"
)
_NO_INSTANT = (
    f"typeof({{0}}) <> 'text' OR {{0}} NOT GLOB '{_INSTANT}'"
    " OR date(substr({0}, 1, 10), '+0 days') IS NOT substr({0}, 1, 10)"
    " OR time(substr({0}, 12, 8)) IS NOT substr({0}, 12, 8)"
)

SHAPES: dict[Kept, tuple[str, str]] = {
    "text": ("text", "typeof({0}) <> 'text'"),
    "whole": ("whole numbers from 0", "typeof({0}) <> 'integer' OR {0} < 0"),
    "date": ("dates", "typeof({0}) <> 'text' OR date({0}, '+0 days') IS NOT {0}"),
    "decimal": ("canonical decimals", _NO_DECIMAL),
    "instant": ("canonical instants", _NO_INSTANT),
    "bytes": ("bytes", "typeof({0}) <> 'blob'"),
}
"""How a column is kept → what its values are, and SQL for a value that is none; for SQLite, which
would keep anything."""


def storage(connection: Connection) -> Iterator[str]:
    """SQLite's own check of its file, and of every value's form; PostgreSQL sees to both itself."""
    if connection.dialect.name != "sqlite":
        return
    for (said,) in asked(connection, "PRAGMA integrity_check"):
        # SQLite 3.40 finds NULLs that are none where a key does not stand first; see `_wrong`.
        if said != "ok" and not said.startswith("NULL value in "):
            yield f"the database file is damaged: {said}"
    for table in TABLES:
        wrong = [_wrong(column) for column in table.columns]
        counts = ", ".join(f"sum({one})" for one in wrong)
        shown = ", ".join(
            f"min(CASE WHEN {one} THEN quote({column.name}) END)"
            for one, column in zip(wrong, table.columns, strict=True)
        )
        row = next(asked(connection, f"SELECT {counts}, {shown} FROM {table.name}"))
        for at, column in enumerate(table.columns):
            if row[at]:
                what, example = SHAPES[column.kept][0], quoted(str(row[at + len(wrong)]))
                where = f"{table.name}.{column.name}"
                yield f"{where} is to hold {what}, but does not {row[at]} times, as in {example}"


def _wrong(column: Column) -> str:
    """SQL: the value of a column is none that it may hold."""
    shape = SHAPES[column.kept][1].format(column.name)
    if column.nullable:
        return f"({column.name} IS NOT NULL AND ({shape}))"
    return f"({column.name} IS NULL OR {shape})"


def foreign_keys(connection: Connection) -> Iterator[str]:
    """Everything that is referred to is there."""
    for table in TABLES:
        for column, parent in ((one.name, one.refers) for one in table.columns if one.refers):
            key = table_named(parent).key[0]
            text = (
                f"SELECT c.{table.key[0]}, c.{column} FROM {table.name} c"
                f" LEFT JOIN {parent} p ON p.{key} = c.{column}"
                f" WHERE c.{column} IS NOT NULL AND p.{key} IS NULL ORDER BY 1, 2"
            )
            for row in asked(connection, text):
                own, other = (quoted(str(value)) for value in row)
                yield f"{table.name} of {own}: {column} names {parent} {other}, which is not there"


def _repeated(connection: Connection, table: Table, columns: Sequence[str]) -> list[str]:
    """The first of ``columns``, wherever there is more than one row that is equal in all."""
    names = ", ".join(columns)
    text = f"SELECT {names} FROM {table.name} GROUP BY {names} HAVING count(*) > 1 ORDER BY {names}"
    return [quoted(str(row[0])) for row in asked(connection, text)]


def lists(connection: Connection) -> Iterator[str]:
    """P32: lists are numbered 1 to n, and no two items have the same key."""
    for table in TABLES:
        *owner, last = table.key
        if last == "position":
            names = ", ".join(owner)
            text = (
                f"SELECT {names} FROM {table.name} GROUP BY {names}"
                " HAVING min(position) <> 1 OR max(position) <> count(*) ORDER BY 1"
            )
            for row in asked(connection, text):
                yield f"{table.name} of {quoted(str(row[0]))} is not numbered 1 to n"
    for kind in kinds().values():
        for one in kind.lists:
            key = one.columns if one.is_link else [one.columns[at] for at in one.key]
            for owner_id in _repeated(connection, one.table, (one.owner_column, *key)):
                yield f"{one.table.name} of {owner_id} holds two items with the same key"
            for owner_id in _lacking(connection, one.table, one.owner_column, one.listed.one_of):
                wanted = " or ".join(one.listed.one_of)
                yield f"{one.table.name} of {owner_id} has neither {wanted}"


def _lacking(connection: Connection, table: Table, owner: str, one_of: Sequence[str]) -> list[str]:
    if not one_of:
        return []
    where = " AND ".join(f"{name} IS NULL" for name in one_of)
    rows = asked(connection, f"SELECT {owner} FROM {table.name} WHERE {where} ORDER BY 1")
    return [quoted(str(row[0])) for row in rows]


def link_positions(connection: Connection) -> Iterator[str]:
    """The tracks of a release have positions of their own, from 1."""
    table = table_named("release_track")
    for (release,) in asked(
        connection, f"SELECT DISTINCT release_id FROM {table.name} WHERE position < 1 ORDER BY 1"
    ):
        yield f"release_track of {quoted(str(release))} has a position below 1"
    for release in _repeated(connection, table, ("release_id", "position")):
        yield f"release_track of {release} has two tracks at one position"


def words(connection: Connection) -> Iterator[str]:
    """Countries are known ones, a validity allows or denies."""
    text = (
        "SELECT DISTINCT m.country FROM country_group_member m LEFT JOIN country c"
        " ON c.code = m.country WHERE c.code IS NULL AND m.country <> 'WW' ORDER BY 1"
    )
    for (country,) in asked(connection, text):
        yield f"country_group_member names {quoted(str(country))}, which is no country"
    for table in (table_named("track_validity"), table_named("validity")):
        where = "type NOT IN ('Allow', 'Deny')"
        text = f"SELECT {table.key[0]}, type FROM {table.name} WHERE {where} ORDER BY 1"
        for owner, found in asked(connection, text):
            yield f"{table.name} of {quoted(str(owner))} has the type {quoted(str(found))}"


TABLE_CHECKS: tuple[Callable[[Connection], Iterator[str]], ...] = (
    storage,
    foreign_keys,
    lists,
    link_positions,
    words,
)
"""In the order in which they are told."""
