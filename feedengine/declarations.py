"""The declarations as plain values: written, or compared, by ``python -m feedengine.declarations``.

`feedengine.model.tables` and its like are SQLModel classes, whose import takes most of a second of
work. What follows from them is written into `feedengine.model.generated`, which everything else
reads; ``make verify`` fails when the two differ.
"""

from __future__ import annotations

import inspect
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import SQLModel

from feedengine.model import ledger, parcels, scalars, tables
from feedengine.model.shapes import Column, Listed, Part, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy

PLACE = Path(__file__).parent / "model" / "generated.py"

_PARTS: dict[str, Part] = {
    tables.__name__: "catalogue",
    ledger.__name__: "ledger",
    parcels.__name__: "parcels",
}

_HEAD = '''\
"""The tables as values: made from the declarations in `feedengine.model.tables` and its like.

Change those, then ``make docs``; ``make verify`` fails when this is not what they say.
"""

# ruff: noqa: E501

from __future__ import annotations

from feedengine.model.scalars import {scalars}
from feedengine.model.shapes import Column, Listed, Read, Table

TABLES: tuple[Table, ...] = (
'''

_TAIL = ''')
"""Every table, what others refer to first."""

OBJECTS: tuple[str, ...] = {objects}
"""The tables of objects, what others refer to first."""

LISTS: tuple[str, ...] = {lists}
"""The tables whose rows are collections of an object."""
'''


def declared() -> list[Table]:
    """Every table of the declarations, what others refer to first."""
    found = {}
    for module, part in _PARTS.items():
        for one in vars(sys.modules[module]).values():
            if inspect.isclass(one) and hasattr(one, "__table__") and one.__module__ == module:
                found[one.__table__.name] = _table(one, part)
    return [found[table.name] for table in SQLModel.metadata.sorted_tables]


def _table(one: Any, part: Part) -> Table:
    table: sqlalchemy.Table = one.__table__
    alone: tuple[Listed, ...] = (one.listed,) if hasattr(one, "listed") else ()
    listed = getattr(one, "seen_from", alone)
    note = (one.__doc__ or "").partition(".")[0]
    return Table(table.name, one.__name__, note, part, tuple(_columns(table)), listed)


def _columns(table: sqlalchemy.Table) -> Iterator[Column]:
    for column in table.columns:
        refers = next((key.column.table.name for key in column.foreign_keys), None)
        info = column.info
        yield Column(
            column.name,
            info.get("scalar"),
            nullable=bool(column.nullable),
            key=column.primary_key,
            refers=refers,
            read=info.get("read"),
            one=info.get("one", False),
        )


_NAMES = {one: name for name, one in vars(scalars).items() if isinstance(one, scalars.Scalar)}


def _said(value: Any) -> str:
    """A value as Python writes it: scalars by their names, named tuples without their defaults."""
    if isinstance(value, scalars.Scalar):
        return _NAMES[value]
    if hasattr(value, "_fields"):
        defaults = value._field_defaults
        given = [
            f"{name}={_said(one)}"
            for name, one in zip(value._fields, value, strict=True)
            if name not in defaults or defaults[name] != one
        ]
        return f"{type(value).__name__}({', '.join(given)})"
    if isinstance(value, tuple):
        return f"({', '.join(_said(one) for one in value)}{',' * (len(value) == 1)})"
    return repr(value)


def text() -> str:
    """The module `feedengine.model.generated`, as it must be."""
    found = declared()
    used = {column.scalar for table in found for column in table.columns if column.scalar}
    lines = [_HEAD.format(scalars=", ".join(sorted(_NAMES[one] for one in used)))]
    for table in found:
        head = ", ".join(map(repr, (table.name, table.declared, table.note, table.part)))
        columns = "".join(f"            {_said(column)},\n" for column in table.columns)
        listed = f"        {_said(table.listed)},\n" if table.listed else ""
        lines.append(
            f"    Table(\n        {head},\n        (\n{columns}        ),\n{listed}    ),\n"
        )
    objects, lists = (_said(tuple(map(_name, some))) for some in (tables.OBJECTS, tables.LISTS))
    lines.append(_TAIL.format(objects=objects, lists=lists))
    return "".join(lines)


def _name(one: type[SQLModel]) -> str:
    return str(one.__tablename__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the module; with ``--check`` say whether it has drifted, and 1 when it has."""
    parser = ArgumentParser(prog="python -m feedengine.declarations", description="The tables.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 on drift")
    asked = parser.parse_args(arguments)
    drifted = not PLACE.is_file() or PLACE.read_bytes() != text().encode()
    if drifted and not asked.check:
        PLACE.write_bytes(text().encode())
    if drifted:
        sys.stdout.write(f"{PLACE.name} {'has drifted' if asked.check else 'written'}\n")
    return 1 if asked.check and drifted else 0


if __name__ == "__main__":
    sys.exit(main())
