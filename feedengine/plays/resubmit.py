"""Receipts that the recipient has reported as failed: taken out of what was sent, and sent again.

They go to the failures path, in a series of their own. Ages are measured from the first delivery:
a play that was young enough then may be corrected later. A play is sent again once for each time
it was reported; the same notice twice sends nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from feedengine.errors import UsageError, quoted
from feedengine.model.instants import instant_text
from feedengine.model.play_ids import Among, Mask, packed, unpacked
from feedengine.plays import encode
from feedengine.plays.deliver import Site, To, carrier_of, packing_of, way_name, way_to
from feedengine.plays.notices import Notice
from feedengine.plays.packing import Packing
from feedengine.plays.recording import kept_in
from feedengine.plays.rejudging import Judge, sent_rows, with_corrections
from feedengine.plays.sending import Sender, Tally
from feedengine.plays.turn import delivering
from feedengine.store import parcels
from feedengine.store.database import reading, writing
from feedengine.store.parcels import Parcel

if TYPE_CHECKING:
    from sqlalchemy import Connection

ORIGIN = "origin"


class Resubmitted(NamedTuple):
    """What became of a notice, in plays; ``reasons`` are the rules that the rejected ones break."""

    named: int
    already_sent: int
    rejected: int
    delivered: int
    keys: list[str]
    reasons: dict[str, int]


def resubmit(
    site: Site,
    notice: Notice,
    judge: Judge,
    *,
    to: To | None = None,
    corrected: pa.Table | None = None,
) -> Resubmitted:
    """Send again what a notice names, judged again by `rejudging.judge_for`.

    ``corrected`` holds better rows by their ids (`rejudging.corrected_rows`).
    Raises `UsageError` when the notice names what was not delivered by this way out.
    """
    to, _ = way_to(site.settings, to, "receipts")
    way = way_name(site.settings, to, "receipts")
    packing = packing_of(site.settings, "receipts", again=True)
    tally = Tally(told=site.told)
    with (
        carrier_of(site, to, "receipts") as carrier,
        delivering(site.settings.plays, site.database, site.said),
    ):
        sender = Sender(site.database, site.outbox, carrier, packing, site.now, tally)
        with reading(site.database) as connection:
            found = _found(connection, way, notice)
        table, again = _fresh(site, found)
        good, reasons = _judged(found, table, corrected, judge)
        carrier.begin([])
        for some in _recorded(site, way, packing, found, good):
            sender.send(some)
    count = sum(len(rows) for rows in found.values())
    rejected = len(table) - len(good)
    return Resubmitted(
        count, again, rejected, tally.delivered, tally.keys, dict(sorted(reasons.items()))
    )


def _found(connection: Connection, way: str, notice: Notice) -> dict[Parcel, list[int]]:
    """The parcels that a notice names, each with its rows."""
    found: dict[Parcel, set[int]] = {}
    for file, rows in notice.files.items():
        parcel = _parcel(connection, way, file)
        every = range(parcel.plays)
        if rows is not None and not rows <= set(every):
            message = f"{quoted(file)} has {parcel.plays} rows, and the notice names others"
            raise UsageError(message, "say --rows-from 0 if it counts from 0")
        found.setdefault(parcel, set()).update(every if rows is None else rows)
    for file, plays in notice.within.items():
        parcel = _parcel(connection, way, file)
        rows_of = {
            one: row for row, one in enumerate(unpacked(parcels.ids_of(connection, parcel.id)))
        }
        if not plays <= set(rows_of):
            message = f"{quoted(file)} does not hold the play {min(plays - set(rows_of))}"
            raise UsageError(message, "see `feedengine plays status`")
        found.setdefault(parcel, set()).update(rows_of[one] for one in plays)
    _find_ids(connection, way, notice.ids, found)
    return {parcel: sorted(rows) for parcel, rows in sorted(found.items())}


def _find_ids(
    connection: Connection, way: str, plays: frozenset[str], found: dict[Parcel, set[int]]
) -> None:
    """Plays that are named alone: the rows by which they left for the first time."""
    ids = {bytes.fromhex(one.replace("-", "")): one for one in plays}
    carried = parcels.carried_by(connection, way, b"".join(sorted(ids)))
    for one, text in sorted(ids.items()):
        number, row = carried.get(one, (0, 0))
        carrying = parcels.parcel_of(connection, number)
        if carrying is None:
            message = f"the play {text} was not delivered by {way}"
            raise UsageError(message, "see `feedengine plays status`")
        found.setdefault(carrying, set()).add(row)


def _parcel(connection: Connection, way: str, file: str) -> Parcel:
    """The delivered parcel that a file's name means: its key, the end of it, or a URL of it."""
    name = file.replace("\\", "/").rpartition("/")[2]
    where = "way = ? AND status = 'delivered' AND substr(key, length(key) - ?) = ?"
    ends = parcels.parcels_where(connection, where, way, len(name), f"/{name}")
    given = f"/{file}"
    same = [one for one in ends if given.endswith(f"/{one.key}") or f"/{one.key}".endswith(given)]
    if len(same) != 1:
        many = f"{len(same)} files" if same else "no file"
        message = f"{quoted(file)} names {many} delivered by {way}"
        raise UsageError(message, "name it by its whole key")
    return same[0]


def _fresh(site: Site, found: dict[Parcel, list[int]]) -> tuple[pa.Table, int]:
    """The rows named, with the parcel they were in; without those that were sent again already."""
    tables, again = [], 0
    for parcel, rows in found.items():
        table = encode.read_receipts(site.outbox.read(parcel)).take(pa.array(rows, pa.int64()))
        with reading(site.database) as connection:
            gone = _gone(connection, parcel.id, packed(table["id"]))
        again += int(gone.sum())
        table = table.filter(pa.array(~gone))
        tables.append(table.append_column(ORIGIN, pa.array([parcel.id] * len(table), pa.int64())))
    return pa.concat_tables(tables), again


def _gone(connection: Connection, origin: int, ids: bytes) -> Mask:
    among = Among(ids)
    for block in parcels.sent_again(connection, origin):
        among.show(block)
    return among.flags()


def _judged(
    found: dict[Parcel, list[int]], table: pa.Table, corrected: pa.Table | None, judge: Judge
) -> tuple[pa.Table, Counter[str]]:
    """The rows that are good, each judged as of its first delivery; why others are not."""
    good, reasons = [], Counter[str]()
    for parcel in found:
        own = table.filter(pc.equal(table[ORIGIN], parcel.id))
        if not len(own):
            continue
        raw = sent_rows(own, parcel.key)
        if corrected is not None:
            raw = with_corrections(raw, corrected)
        one = judge(raw, _first_delivery(parcel))
        origins = pa.array([parcel.id] * len(one.rows), pa.int64())
        good.append(one.rows.append_column(ORIGIN, origins))
        reasons.update(one.reasons)
    if not good:
        return table.slice(0, 0), reasons
    return pa.concat_tables(good), reasons


def _first_delivery(parcel: Parcel) -> datetime:
    return datetime.fromisoformat(parcel.measured_at or parcel.delivered_at or parcel.recorded_at)


def _recorded(
    site: Site, way: str, packing: Packing, found: dict[Parcel, list[int]], table: pa.Table
) -> Iterator[list[Parcel]]:
    """Record the parcels of the failures path."""
    first = {parcel.id: instant_text(_first_delivery(parcel)) for parcel in found}
    for series, some in packing.split(table, site.now()).items():
        origins = some[ORIGIN].to_pylist()
        news, at = [], 0
        for new in kept_in(site.outbox, series, list(packing.pack(some))):
            those = origins[at : at + new.plays]
            at += new.plays
            runs = tuple((one, len(list(same))) for one, same in groupby(those))
            measured = min(first[one] for one in those)
            news.append(new._replace(origins=runs, measured_at=measured))
        with writing(site.database) as connection:
            made = parcels.record(connection, way, instant_text(site.now()), news)
        yield made
