"""The rows of ``change`` as Arrow tables: what judging plays needs of each document, and no more.

Documents are read page by page by Arrow's JSON reader, so memory holds one page of them. The tables
take some 150 bytes a change; `facts` makes arrays of them and lets them go.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from feedengine.catalogue.asof import LINK
from feedengine.plays.timeline import micros
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from sqlalchemy import Connection

PAGE_ROWS = 20_000
"""Changes in memory as documents, at most."""

BETWEEN, BEHIND = "\x1f", "\x1e"
"""Between the parts of an item and between items: no XML, so no document, holds these."""

_TEXT, _NUMBER = pa.string(), pa.int64()
_REFERENCES = pa.list_(pa.struct([("provider", _TEXT), ("ref_id", _TEXT)]))
_VALIDITY_COLUMNS = ("name", "type", "starts_at", "ends_at")
_VALIDITIES = pa.list_(pa.struct([(name, _TEXT) for name in _VALIDITY_COLUMNS]))
_IDS = pa.list_(_TEXT)

Read: TypeAlias = dict[str, dict[str, pa.DataType]]

JUDGED: Read = {
    "track": {
        "territory_set_id": _TEXT,
        "reference": _REFERENCES,
        "validity": _VALIDITIES,
        "duration_seconds": _NUMBER,
    },
    "release": {
        "territory_set_id": _TEXT,
        "reference": _REFERENCES,
        "release_date": _TEXT,
    },
    LINK: {},
}
"""What judging reads of each entity's documents; a territory list by its set's id."""

_WORDS: Read = {
    "track": {"title": _TEXT, "sub_title": _TEXT, "isrc": _TEXT, "artist": _IDS},
    "release": {"title": _TEXT, "label_id": _TEXT, "artist": _IDS},
    "artist": {"name": _TEXT},
    "label": {"name": _TEXT},
}
SPOKEN: Read = {
    entity: {**JUDGED.get(entity, {}), **_WORDS.get(entity, {})} for entity in {**JUDGED, **_WORDS}
}
"""What L6 reads besides: the words."""


class Past(NamedTuple):
    """History as tables, each in the order of ``seq``.

    ``rows[entity]`` has ``seq``, ``id``, ``at`` (microseconds since 1970 UTC), ``stands`` (false:
    it was deleted) and what is read of its documents: ``validity`` and ``artist`` as one text each
    (``""``: none). ``references[entity]`` has ``row`` (a row of that table), ``provider``, ``ref``.
    """

    seq: int
    rows: dict[str, pa.Table]
    references: dict[str, pa.Table]


def read_past(connection: Connection, wanted: Read, *, page: int = PAGE_ROWS) -> Past:
    """All of history, in one transaction of ``connection``; ``wanted`` of each document."""
    rows: dict[str, list[pa.Table]] = {entity: [] for entity in wanted}
    references: dict[str, list[pa.Table]] = {"track": [], "release": []}
    counted = dict.fromkeys(wanted, 0)
    seq = 0
    for found in _pages(connection, page):
        seq = found[-1][0]
        by_entity: dict[str, list[tuple[Any, ...]]] = {entity: [] for entity in wanted}
        for row in found:
            if row[1] in by_entity:
                by_entity[row[1]].append(row)
        for entity, own in by_entity.items():
            if own:
                table = _table(wanted[entity], own)
                if entity in references:
                    references[entity].append(_references(table, counted[entity]))
                    table = table.drop_columns(["reference"])
                counted[entity] += len(own)
                rows[entity].append(table)
    return Past(
        seq,
        {entity: _together(schema_of(wanted[entity]), found) for entity, found in rows.items()},
        {entity: _together(_REFERENCE_ROWS, found) for entity, found in references.items()},
    )


def _together(schema: pa.Schema, found: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(found) if found else schema.empty_table()


def _pages(connection: Connection, size: int) -> Iterator[list[tuple[Any, ...]]]:
    text = (
        "SELECT seq, entity, entity_id, changed_at, document FROM change"
        f" WHERE seq > ? ORDER BY seq LIMIT {size}"
    )
    found = list(asked(connection, text, 0))
    while found:
        yield found
        if len(found) < size:
            return
        found = list(asked(connection, text, found[-1][0]))


_ABOUT = (
    ("seq", pa.int64()),
    ("id", _TEXT),
    ("at", pa.int64()),
    ("stands", pa.bool_()),
)
_REFERENCE_ROWS = pa.schema([("row", pa.int64()), ("provider", _TEXT), ("ref", _TEXT)])


def schema_of(wanted: dict[str, pa.DataType]) -> pa.Schema:
    """The columns of an entity's table, without references."""
    kept = {_IDS: _TEXT, _VALIDITIES: pa.dictionary(pa.int32(), _TEXT)}
    read = [(name, kept.get(kind, kind)) for name, kind in wanted.items() if kind != _REFERENCES]
    return pa.schema([*_ABOUT, *read])


def _table(wanted: dict[str, pa.DataType], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """One page's rows of an entity; ``reference`` still as lists."""
    seqs, _, names, instants, documents = zip(*rows, strict=True)
    stands = np.array([document is not None for document in documents], np.bool_)
    columns: dict[str, Any] = {
        "seq": pa.array(seqs, pa.int64()),
        "id": pa.array(names, _TEXT),
        "at": pa.array(micros(pa.array(instants, _TEXT)), pa.int64()),
        "stands": pa.array(stands),
    }
    if wanted:
        read = _read(wanted, [document for document in documents if document is not None])
        places = pa.array(np.cumsum(stands) - 1, mask=~stands)
        for name, kind in wanted.items():
            column = read.column(name).combine_chunks().take(places)
            if kind == _VALIDITIES:
                column = _validity_text(column).dictionary_encode()
            elif kind == _IDS:
                column = _joined(column, column.flatten(), BETWEEN)
            columns[name] = column
    return pa.table(columns)


def _read(wanted: dict[str, pa.DataType], documents: list[str]) -> pa.Table:
    schema = pa.schema(list(wanted.items()))
    if not documents:
        return schema.empty_table()
    text = "\n".join(documents).encode()
    return arrow_json.read_json(
        io.BytesIO(text),
        # One block: an object that lies across two would have to fit both.
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="ignore"
        ),
    )


def _joined(lists: pa.ListArray, items: pa.Array, between: str) -> pa.Array:
    """The texts of each list as one; ``items`` stand for the lists' own."""
    sizes = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), items), between)


def _validity_text(lists: pa.ListArray) -> pa.Array:
    items = lists.flatten()
    parts = [pc.fill_null(items.field(name), "") for name in _VALIDITY_COLUMNS]
    return _joined(lists, pc.binary_join_element_wise(*parts, BETWEEN), BEHIND)


def validities_in(text: str) -> list[tuple[str, str, str | None, str | None]]:
    """The own validities of a track, of the text that stands for them."""
    found = []
    for item in text.split(BEHIND) if text else ():
        name, kind, start, end = item.split(BETWEEN)
        found.append((name, kind, start or None, end or None))
    return found


def _references(table: pa.Table, before: int) -> pa.Table:
    """The references of one page's objects; ``before`` rows of the entity came with earlier pages.

    A reference without an id refers to nothing and is left out.
    """
    lists = table.column("reference").combine_chunks()
    items = lists.flatten()
    rows = pc.list_parent_indices(lists).to_numpy() + before
    found = pa.table(
        [pa.array(rows, pa.int64()), items.field("provider"), items.field("ref_id")],
        schema=_REFERENCE_ROWS,
    )
    return found.filter(pc.is_valid(found.column("ref")))
