"""A snapshot of `Facts` on disk: one Arrow IPC file, mapped into memory when it is read.

Every array is a column of one row that holds it as a list, so nothing is copied on the way in, and
processes that read the same file share its pages. It is written aside and renamed.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

import numpy as np
import pyarrow as pa

from feedengine.plays.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = "1"
"""Changes whenever the arrays of `Facts`, or what they mean, do."""

_KEY = b"key"


class Snapshot(NamedTuple):
    """Where facts are kept, and the key that tells their history from others."""

    path: Path
    key: str

    def facts(self) -> Facts | None:
        """As `read_snapshot`."""
        return read_snapshot(self.path, self.key)


def write_snapshot(path: Path, key: str, facts: Facts) -> None:
    """Keep facts under a key; whoever reads meanwhile finds the file before or the one after.

    Raises `OSError` where that is not possible, and leaves nothing behind.
    """
    columns = {name: _column(value) for name, value in leaves("", facts)}
    metadata = {_KEY: f"{FORMAT} {key}".encode()}
    table = pa.table(columns).replace_schema_metadata(metadata)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with pa.OSFile(str(aside), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read_snapshot(path: Path, key: str) -> Facts | None:
    """The facts kept under this key; None when there are none, or others, or they are damaged."""
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        if reader.schema.metadata.get(_KEY) != f"{FORMAT} {key}".encode():
            return None
        batch = reader.get_batch(0)
        found: Facts = _built(Facts, "", batch)
    except (OSError, pa.ArrowInvalid, KeyError, AttributeError, IndexError):
        return None
    return found


def leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The arrays and scalars of nested named tuples, by their path."""
    if isinstance(value, tuple):
        for field, inside in zip(value._fields, value, strict=True):  # type: ignore[attr-defined]
            yield from leaves(f"{name}.{field}" if name else field, inside)
    else:
        yield name, value


def _column(value: Any) -> pa.Array:
    """One row that holds the whole value."""
    if isinstance(value, str | int):
        return pa.array([value])
    items = value if isinstance(value, pa.Array) else pa.array(value)
    return pa.LargeListArray.from_arrays(pa.array([0, len(items)], pa.int64()), items)


def _built(kind: Any, name: str, batch: pa.RecordBatch) -> Any:
    """A value of a type, of the columns whose names begin with ``name``."""
    if kind in (str, int):
        return batch.column(name)[0].as_py()
    if hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        prefix = f"{name}." if name else ""
        return kind(*(_built(hints[field], prefix + field, batch) for field in kind._fields))
    items = batch.column(name).values
    if kind is pa.Array:
        return items
    found = items.to_numpy()
    assert isinstance(found, np.ndarray)  # noqa: S101 - numbers without NULLs are not copied
    return found
