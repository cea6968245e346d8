"""Recorded parcels to their recipient, one after the other; what is known is in the ledger first.

Before a parcel is sent the ledger says *sending*; afterwards what became of it. A run that ends in
between leaves *sending*: where sending twice does no harm the parcel is sent again, elsewhere it is
in doubt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from feedengine.errors import ServiceError
from feedengine.model.instants import instant_text
from feedengine.model.keys import series_of
from feedengine.model.play_ids import Mask, kept, unpacked
from feedengine.plays.ages import canonical, cutoff, limit_of, young
from feedengine.plays.carriers import Carrier, NotSentError, Refusal, Sent
from feedengine.plays.outbox import MissingContentError, Outbox, digest_of
from feedengine.plays.packing import Packing
from feedengine.plays.reports import Age
from feedengine.store import parcels
from feedengine.store.database import reading, writing
from feedengine.store.parcels import New, Parcel, Refused

if TYPE_CHECKING:
    from sqlalchemy import Engine

MOST_REFUSALS = 3
"""So many requests refused as a whole, one after the other, and no more are sent."""


@dataclass(slots=True)
class Tally:
    """What a run has sent so far, in plays; ``told`` hears of every parcel."""

    delivered: int = 0
    refused: int = 0
    expired: int = 0
    in_doubt: int = 0
    conflicts: int = 0
    missing: int = 0
    keys: list[str] = field(default_factory=list)
    told: Callable[[Tally], None] = field(default=lambda _: None)


class Sender:
    """Sends the parcels of one way out. Only one process does so at a time (`turn`)."""

    def __init__(
        self,
        database: Engine,
        outbox: Outbox,
        carrier: Carrier,
        packing: Packing,
        now: Callable[[], datetime],
        tally: Tally,
    ) -> None:
        """For one way out; ``tally`` is counted up."""
        self.database, self.outbox, self.carrier = database, outbox, carrier
        self.packing, self.now, self.tally = packing, now, tally
        self._refusals = 0

    def waiting(self, *, retry: bool = False) -> list[Parcel]:
        """What earlier runs have left, in the order of record, after a look at what they began.

        With ``retry`` parcels in doubt are sent again.
        """
        was = ["sending"] if not self.carrier.repeatable else []
        doubt = "prepared" if retry else "in-doubt"
        with writing(self.database) as connection:
            if retry:
                was.append("in-doubt")
            for one in was:
                for parcel in parcels.parcels_where(
                    connection, "way = ? AND status = ?", self.carrier.way, one
                ):
                    message = parcel.message or "the run that sent it ended before the answer came"
                    values = {"status": doubt, "message": message}
                    parcels.change(connection, parcel.id, (one,), values)
        with reading(self.database) as connection:
            where = "way = ? AND status IN ('prepared', 'sending')"
            return parcels.parcels_where(connection, where, self.carrier.way)

    def send(self, some: Iterable[Parcel]) -> None:
        """Send parcels, and those that become of them; raises `ServiceError` when that must end."""
        left = deque(some)
        while left:
            parcel = left.popleft()
            try:
                left.extendleft(reversed(self._one(parcel)))
            except MissingContentError as error:
                self.tally.missing += parcel.plays
                self._note(parcel, str(error))
            self.tally.told(self.tally)

    def _one(self, parcel: Parcel) -> list[Parcel]:
        """Send one parcel; the parcels that carry the rest of it, if need be."""
        content = self.outbox.read(parcel)
        age = limit_of(self.packing.form)
        if age is not None and self._too_old(parcel, age):
            return self._expired(parcel, content, age)
        at = instant_text(self.now())
        values = {"status": "sending", "attempts": parcel.attempts + 1, "attempted_at": at}
        if not self._changed(parcel, values):
            return []  # somebody else has dealt with it meanwhile
        begun = parcel._replace(status="sending", attempts=parcel.attempts + 1, attempted_at=at)
        try:
            sent = self.carrier.send(begun, content)
        except ServiceError as error:
            back = {"message": str(error)}
            if isinstance(error, NotSentError) and not self.carrier.repeatable:
                back["status"] = "prepared"
            with suppress(ServiceError):  # what is told is why it was not sent
                self._changed(begun, back)
            raise
        return self._after(begun, content, sent)

    def _changed(self, parcel: Parcel, values: dict[str, Any]) -> bool:
        with writing(self.database) as connection:
            return parcels.change(connection, parcel.id, (parcel.status,), values)

    def _note(self, parcel: Parcel, message: str) -> None:
        self._changed(parcel, {"message": message})

    def _after(self, parcel: Parcel, content: bytes, sent: Sent) -> list[Parcel]:
        """Keep what became of a parcel."""
        tally, at = self.tally, instant_text(self.now())
        if sent.outcome != "refused":
            values: dict[str, Any] = {"status": sent.outcome, "message": sent.message or None}
            if sent.outcome == "delivered":
                values["delivered_at"] = at
                tally.delivered += parcel.plays
                tally.keys.append(parcel.key)
                self._refusals = 0
            elif sent.outcome == "in-doubt":
                tally.in_doubt += parcel.plays
            else:
                tally.conflicts += parcel.plays
            with writing(self.database) as connection:
                was = ("sending", "in-doubt")  # another run may have given up on this one
                parcels.change(connection, parcel.id, was, values)
            return []
        return self._refused(parcel, content, sent)

    def _refused(self, parcel: Parcel, content: bytes, sent: Sent) -> list[Parcel]:
        """Take out what the recipient refuses; the rest leaves in a parcel of its own."""
        refusals = sent.refusals or tuple(
            Refusal(row, "refused", sent.message) for row in range(parcel.plays)
        )
        self._refusals = 0 if sent.refusals else self._refusals + 1
        self.tally.refused += len({one.row for one in refusals})
        rest = self._without(parcel, content, refusals, "refused", sent.message)
        if self._refusals >= MOST_REFUSALS:
            message = f"{self._refusals} requests in a row were refused as a whole: {sent.message}"
            raise NotSentError(message, "what is left waits; see `feedengine plays status`")
        return rest

    def _too_old(self, parcel: Parcel, age: Age) -> bool:
        if parcel.oldest_at is None:
            return False
        return parcel.oldest_at < instant_text(cutoff(age, self._measured(parcel)))

    def _measured(self, parcel: Parcel) -> datetime:
        """What ages are measured from: now, or the first delivery of what is sent again."""
        return datetime.fromisoformat(parcel.measured_at) if parcel.measured_at else self.now()

    def _expired(self, parcel: Parcel, content: bytes, age: Age) -> list[Parcel]:
        """A parcel has waited until some of its plays were too old: the young ones leave alone.

        When it is certain that the parcel never arrived, its number is given back and carries what
        is left of it.
        """
        absent = parcel.status == "prepared"
        if not absent:
            there = self.carrier.there(parcel)
            if there:
                return self._after(parcel, content, Sent("delivered"))
            if there is None:
                return self._after(parcel, content, Sent("in-doubt", "too old to be sent again"))
        keep = young(self.packing.oldest(content), age, self._measured(parcel))
        code = "datetimeplayed-too-old"
        reason = "it waited until it was too old to be sent"
        gone = tuple(Refusal(int(row), code, reason) for row in np.flatnonzero(~keep))
        self.tally.expired += len(gone)
        return self._without(parcel, content, gone, "expired", reason)

    def _without(
        self,
        parcel: Parcel,
        content: bytes,
        gone: tuple[Refusal, ...],
        status: str,
        message: str,
    ) -> list[Parcel]:
        """End a parcel, and record what is left of it when some rows are gone."""
        keep = np.ones(parcel.plays, np.bool_)
        keep[[one.row for one in gone]] = False
        with reading(self.database) as connection:
            ids = parcels.ids_of(connection, parcel.id)
            origins = parcels.origins_of(connection, parcel.id)
        named = unpacked(ids)
        refused = {one.row: Refused(one.row, named[one.row], one.code, one.reason) for one in gone}
        number = parcel.number if status == "expired" else None
        left = self._left(parcel, content, keep, ids, origins, number) if keep.any() else []
        values: dict[str, Any] = {"status": status, "message": message}
        if status == "expired":
            values["number"] = None
        with writing(self.database) as connection:
            if not parcels.change(connection, parcel.id, (parcel.status,), values):
                return []
            at = instant_text(self.now())
            parcels.refuse(connection, parcel.id, at, refused.values())
            return parcels.record(connection, parcel.way, at, left)

    def _left(
        self,
        parcel: Parcel,
        content: bytes,
        keep: Mask,
        ids: bytes,
        origins: tuple[tuple[int | None, int], ...],
        number: int | None,
    ) -> list[New]:
        """What is left of a parcel, with its content in the outbox."""
        made = self.packing.kept(content, keep)
        age = limit_of(self.packing.form)
        oldest = min(self.packing.oldest(made).to_pylist()) if age else None
        left, at = [], 0
        for origin, rows in origins:
            left.append((origin, int(keep[at : at + rows].sum())))
            at += rows
        new = New(
            series_of(parcel.series, parcel.key),
            digest_of(made),
            len(made),
            self.outbox.keep(made),
            0,
            kept(ids, keep),
            canonical(oldest) if oldest else None,
            parcel.measured_at,
            tuple((origin, rows) for origin, rows in left if rows),
            parcel.id,
            number,
        )
        return [new]
