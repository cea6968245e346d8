"""The ledger of what has left: parcels, their numbers, and the plays in them (plays.md, "Out").

A play *has left* by a way out once a parcel that may reach the recipient holds it; which plays have
is asked and recorded in one transaction of the catalogue's only writer, so that of two deliverers
only one ever carries a play.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from feedengine.model.entities import table_named
from feedengine.model.play_ids import SIZE, Among, Mask
from feedengine.store.pages import asked
from feedengine.store.statements import statements, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from feedengine.model.keys import Series

PARCEL = table_named("parcel")
PLAYS = table_named("parcel_plays")
REFUSAL = table_named("play_refusal")
COLUMNS = PARCEL.names

BLOCK = 4096
"""Ids in one row of ``parcel_plays``, at most: 64 KB."""

PAGE = 512
"""Rows of ids in memory at once: 32 MB."""

STATUSES = (
    "prepared",
    "sending",
    "delivered",
    "in-doubt",
    "refused",
    "conflict",
    "expired",
    "dropped",
)
HOLDING = ("prepared", "sending", "delivered", "in-doubt", "conflict")
"""Statuses whose plays have left, or still may: nobody else carries them."""

_HOLDING = ", ".join(f"'{one}'" for one in HOLDING)


class Parcel(NamedTuple):
    """A row of ``parcel``; instants are canonical text."""

    id: int
    way: str
    series: str
    number: int | None
    key: str
    status: str
    plays: int
    digest: str
    size: int
    content: str
    begins: int
    oldest_at: str | None
    measured_at: str | None
    recorded_at: str
    attempts: int
    attempted_at: str | None
    delivered_at: str | None
    message: str | None
    rest_of: int | None


class New(NamedTuple):
    """A parcel that is to be recorded: its content lies in the outbox, its number is not given yet.

    ``ids`` has 16 bytes for each row. ``origins`` says of which earlier parcels they were, as runs
    ``(parcel or None, rows)``; empty: all leave for the first time. ``number`` is one that an
    expired parcel gave back.
    """

    series: Series
    digest: str
    size: int
    content: str
    begins: int
    ids: bytes
    oldest_at: str | None = None
    measured_at: str | None = None
    origins: tuple[tuple[int | None, int], ...] = ()
    rest_of: int | None = None
    number: int | None = None

    @property
    def plays(self) -> int:
        """Rows."""
        return len(self.ids) // SIZE


class Refused(NamedTuple):
    """A play taken out of a parcel, by its row from 0."""

    at_row: int
    play_id: str
    code: str
    reason: str


def last_id(connection: Connection) -> int:
    """The number of the newest parcel, whatever its way; ids ascend in the order of commits."""
    return int(connection.exec_driver_sql("SELECT max(id) FROM parcel").scalar() or 0)


def blocks(connection: Connection, way: str, after: int = 0) -> Iterator[bytes]:
    """The ids of all plays that have left by a way, in parcels behind ``after``, page by page."""
    text = (
        "SELECT p.parcel_id, p.part, p.ids FROM parcel_plays p JOIN parcel c ON c.id = p.parcel_id"
        " WHERE (p.parcel_id, p.part) > (?, ?) AND c.way = ? AND p.origin IS NULL"
        f" AND c.status IN ({_HOLDING}) ORDER BY p.parcel_id, p.part LIMIT {PAGE}"
    )
    at = (after, 2**31)
    while page := list(asked(connection, text, *at, way)):
        yield b"".join(bytes(row[2]) for row in page)
        at = page[-1][:2]
        if len(page) < PAGE:
            return


def left(connection: Connection, way: str, ids: bytes, after: int = 0) -> Mask:
    """A flag for each of these ids (16 bytes each): the play has left by this way."""
    among: Among | None = None
    for block in blocks(connection, way, after):
        among = among or Among(ids)
        among.show(block)
    return np.zeros(len(ids) // SIZE, np.bool_) if among is None else among.flags()


def numbers_after(connection: Connection, way: str, series: str) -> Iterator[int]:
    """The numbers of a series that are free, from the lowest on: gaps first, then onwards."""
    text = "SELECT count(number), max(number) FROM parcel WHERE way = ? AND series = ?"
    count, last = next(asked(connection, text, way, series))
    at = (last or 0) + 1
    if last is not None and count < last:
        text = "SELECT number FROM parcel WHERE way = ? AND series = ? AND number IS NOT NULL"
        taken = {row[0] for row in asked(connection, text, way, series)}
        yield from (number for number in range(1, at) if number not in taken)
    while True:
        yield at
        at += 1


def record(connection: Connection, way: str, at: str, news: Sequence[New]) -> list[Parcel]:
    """Give parcels their numbers and keep their plays; in the writer's transaction."""
    free: dict[str, Iterator[int]] = {}
    found: list[Parcel] = []
    plays: list[tuple[Any, ...]] = []
    first = last_id(connection) + 1
    for number_of, new in enumerate(news, first):
        name = new.series.name
        if name not in free:
            free[name] = numbers_after(connection, way, name)
        number = new.number or next(free[name])
        made = (number_of, way, name, number, new.series.key(number), "prepared", new.plays)
        content = (new.digest, new.size, new.content, new.begins, new.oldest_at, new.measured_at)
        found.append(Parcel(*made, *content, at, 0, None, None, None, new.rest_of))
        plays += ((number_of, part, *row) for part, row in enumerate(_parts(new)))
    made_by = statements(connection)
    write(connection, made_by.insert(PARCEL, COLUMNS), [tuple(one) for one in found])
    names = ("parcel_id", "part", "origin", "plays", "ids")
    write(connection, made_by.insert(PLAYS, names), plays)
    return found


def _parts(new: New) -> Iterator[tuple[int | None, int, bytes]]:
    """Origin, rows and ids of each row of ``parcel_plays``."""
    at = 0
    for origin, rows in new.origins or ((None, new.plays),):
        for start in range(at, at + rows, BLOCK):
            part = new.ids[start * SIZE : min(start + BLOCK, at + rows) * SIZE]
            yield origin, len(part) // SIZE, part
        at += rows


def change(connection: Connection, parcel: int, was: Sequence[str], values: dict[str, Any]) -> bool:
    """Set columns of a parcel if its status is one of ``was``; False when it is another by now."""
    made = statements(connection)
    sets = ", ".join(f"{made.quote(name)} = {made.mark}" for name in values)
    among = ", ".join([made.mark] * len(was))
    text = f"UPDATE parcel SET {sets} WHERE id = {made.mark} AND status IN ({among})"
    done = connection.exec_driver_sql(text, (*values.values(), parcel, *was))
    return bool(done.rowcount == 1)


def refuse(connection: Connection, parcel: int, at: str, refused: Iterable[Refused]) -> None:
    """Keep which plays of a parcel were taken out, and why."""
    names = ("parcel_id", "at_row", "play_id", "code", "reason", "at")
    rows = [(parcel, *one, at) for one in refused]
    write(connection, statements(connection).insert(REFUSAL, names), rows)


def parcels_where(
    connection: Connection, where: str, *values: Any, order: str = "id", limit: int | None = None
) -> list[Parcel]:
    """The parcels for which ``where`` (SQL with ``?`` for each of ``values``) holds."""
    cut = "" if limit is None else f" LIMIT {limit}"
    names = statements(connection).names(COLUMNS)
    text = f"SELECT {names} FROM parcel WHERE {where} ORDER BY {order}{cut}"
    return [Parcel(*row) for row in asked(connection, text, *values)]


def parcel_of(connection: Connection, number: int) -> Parcel | None:
    """A parcel by its number."""
    return next(iter(parcels_where(connection, "id = ?", number)), None)


def ids_of(connection: Connection, parcel: int) -> bytes:
    """The ids of a parcel's plays, 16 bytes each, in the order of its rows."""
    text = "SELECT ids FROM parcel_plays WHERE parcel_id = ? ORDER BY part"
    return b"".join(bytes(row[0]) for row in asked(connection, text, parcel))


def origins_of(connection: Connection, parcel: int) -> tuple[tuple[int | None, int], ...]:
    """Of which earlier parcels a parcel's rows were, as `New.origins`."""
    text = "SELECT origin, plays FROM parcel_plays WHERE parcel_id = ? ORDER BY part"
    return tuple((row[0], row[1]) for row in asked(connection, text, parcel))


def sent_again(connection: Connection, origin: int) -> Iterator[bytes]:
    """The ids of the plays of a parcel that were sent again since, or are about to be."""
    text = (
        "SELECT p.ids FROM parcel_plays p JOIN parcel c ON c.id = p.parcel_id"
        f" WHERE p.origin = ? AND c.status IN ({_HOLDING}) ORDER BY p.parcel_id, p.part"
    )
    for (ids,) in asked(connection, text, origin):
        yield bytes(ids)


def carried_by(connection: Connection, way: str, ids: bytes) -> dict[bytes, tuple[int, int]]:
    """For each of these ids, the parcel that delivered it first by a way, and its row from 0."""
    text = (
        "SELECT p.parcel_id, p.part, p.ids FROM parcel_plays p JOIN parcel c ON c.id = p.parcel_id"
        " WHERE (p.parcel_id, p.part) > (?, ?) AND c.way = ? AND c.status = 'delivered'"
        f" AND p.origin IS NULL ORDER BY p.parcel_id, p.part LIMIT {PAGE}"
    )
    among = Among(ids)
    wanted = {ids[at : at + SIZE] for at in range(0, len(ids), SIZE)}
    found: dict[bytes, tuple[int, int]] = {}
    at: tuple[int, int] = (0, -1)
    begins, current = 0, 0
    while page := list(asked(connection, text, *at, way)):
        for parcel, _, block in page:
            begins = 0 if parcel != current else begins
            current, data = parcel, bytes(block)
            for row in among.through(data):
                one = data[row * SIZE : (row + 1) * SIZE]
                if one in wanted:
                    found[one] = (parcel, begins + row)
            begins += len(data) // SIZE
        at = page[-1][:2]
    return found


def contents(connection: Connection) -> set[str]:
    """The files of the outbox that some parcel names."""
    return {row[0] for row in asked(connection, "SELECT DISTINCT content FROM parcel")}


def forget(connection: Connection, before: str) -> list[str]:
    """Forget the plays of parcels that were settled before an instant; the files to be removed.

    The parcels themselves stay, so that numbers are never given twice. Plays whose age nobody
    limits are never forgotten: they could leave again.
    """
    old = (
        "oldest_at IS NOT NULL AND status NOT IN ('prepared', 'sending', 'in-doubt', 'conflict')"
        " AND COALESCE(delivered_at, recorded_at) < ?"
    )
    text = f"SELECT id FROM parcel WHERE {old} AND content <> ''"
    numbers = [row[0] for row in asked(connection, text, before)]
    shared = (
        f"SELECT DISTINCT content FROM parcel WHERE content <> '' AND {old} AND content NOT IN"
        f" (SELECT content FROM parcel WHERE NOT ({old}))"
    )
    files = [row[0] for row in asked(connection, shared, before, before)]
    mark = statements(connection).mark
    for number in numbers:
        for text in (
            f"DELETE FROM parcel_plays WHERE parcel_id = {mark}",
            f"UPDATE parcel SET content = '' WHERE id = {mark}",
        ):
            connection.exec_driver_sql(text, (number,))
    return files
