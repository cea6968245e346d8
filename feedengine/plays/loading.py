"""Loading `Facts`: from the database, page by page, or from a snapshot of an earlier load."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feedengine.catalogue.availability import ANY_USAGE
from feedengine.model.entities import table_named
from feedengine.plays.assembly import Territories, assemble
from feedengine.plays.past import JUDGED, SPOKEN, read_past
from feedengine.plays.snapshot import Snapshot, write_snapshot
from feedengine.store.pages import asked, pages
from feedengine.store.upgrade import revision_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from feedengine.plays.facts import Facts

PAGE_ROWS = 20_000
"""Rows of a table in a page."""

_TEXT = pa.string()


def load(
    connection: Connection,
    *,
    usage: str = "streaming",
    words: bool = False,
    folder: Path | None = None,
) -> Facts:
    """The facts of all history up to now, in the one transaction that ``connection`` is in.

    ``words`` are loaded besides for L6. With ``folder``, from the snapshot there where it is of the
    same history, which takes milliseconds; else from the database, and a snapshot is written for
    the next time. Where that cannot be (a full disk, no permission), the next load is slow, too.
    """
    if folder is None:
        return _loaded(connection, usage, words=words)
    return load_kept(connection, folder, usage=usage, words=words)[0]


def load_kept(
    connection: Connection, folder: Path, *, usage: str = "streaming", words: bool = False
) -> tuple[Facts, Snapshot | None]:
    """As `load`, and the snapshot that keeps them now, if one does."""
    key = history_key(connection, usage)
    for spoken in (True,) if words else (False, True):
        snapshot = Snapshot(folder / SNAPSHOTS[spoken], key)
        if (kept := snapshot.facts()) is not None:
            return kept, snapshot
    found = _loaded(connection, usage, words=words)
    snapshot = Snapshot(folder / SNAPSHOTS[words], key)
    try:
        write_snapshot(*snapshot, found)
    except OSError:
        return found, None
    return found, snapshot


SNAPSHOTS = ("facts.arrow", "facts-and-words.arrow")
"""The snapshots of a site: without words, and with them."""


def _loaded(connection: Connection, usage: str, *, words: bool) -> Facts:
    past = read_past(connection, SPOKEN if words else JUDGED)
    return assemble(past, read_territories(connection, usage), usage)


def history_key(connection: Connection, usage: str) -> str:
    """What tells one history from another: revision, and the first and last change.

    A catalogue that was made anew, or is another one, has another digest even at the same ``seq``.
    """
    columns = "seq, package_id, entity, entity_id, action, client, changed_at, document"
    ends = [
        next(asked(connection, f"SELECT {columns} FROM change ORDER BY seq {order} LIMIT 1"), None)
        for order in ("", "DESC")
    ]
    text = repr((revision_of(connection), usage, ends))
    seq = 0 if ends[1] is None else ends[1][0]
    return f"{seq} {sha256(text.encode()).hexdigest()}"


def read_territories(connection: Connection, usage: str) -> Territories:
    """All territory sets, and the windows of one usage."""
    part = pages(
        connection,
        table_named("territory_part"),
        ("territory_set_id", "country_group_id", "validity_set_id"),
        size=PAGE_ROWS,
    )
    member = pages(connection, table_named("country_group_member"), size=PAGE_ROWS)
    sets = pages(connection, table_named("territory_set"), size=PAGE_ROWS)
    return Territories(
        _together(("set",), sets).column("set").combine_chunks(),
        _together(("set", "group", "validity"), part),
        _together(("group", "country"), member),
        _together(("validity", "starts_at", "ends_at"), _windows(connection, usage)),
    )


def _windows(connection: Connection, usage: str) -> Iterable[list[tuple[Any, ...]]]:
    """The windows of a usage, or of any where a validity set has none for it alone (A1).

    `availability.windows` gives a set either windows by usage or one for any.
    """
    text = (
        "SELECT validity_set_id, starts_at, ends_at, position FROM validity_window"
        " WHERE (validity_set_id, position) > (?, ?) AND usage IN (?, ?)"
        f" ORDER BY validity_set_id, position LIMIT {PAGE_ROWS}"
    )
    at: tuple[str, int] = ("", -1)
    while page := list(asked(connection, text, *at, usage, ANY_USAGE)):
        yield [row[:3] for row in page]
        at = (page[-1][0], page[-1][3])


def _together(names: Sequence[str], found: Iterable[list[tuple[Any, ...]]]) -> pa.Table:
    """Pages of rows as one table of text."""
    schema = pa.schema([(name, _TEXT) for name in names])
    made = [
        pa.table([pa.array(column, _TEXT) for column in zip(*page, strict=True)], schema=schema)
        for page in found
    ]
    return pa.concat_tables(made) if made else schema.empty_table()
