"""A round: what lies in the inbox is judged and entered into the ledger, then what waits is sent.

A log leaves the inbox when everything of it is in the ledger; so whatever ends a round, and
whenever, the next one finds the log, or the plays, and knows which of them have left. A recipient
who is away keeps neither logs nor other recipients waiting.
"""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from feedengine.errors import FeedengineError, ServiceError, UsageError
from feedengine.plays import filing
from feedengine.plays.carriers import NotSentError
from feedengine.plays.deliver import Site, To, deliver, way_name
from feedengine.plays.diary import begun, write_diary
from feedengine.plays.entering import enter
from feedengine.plays.inbox import Drop, inbox_of, look
from feedengine.plays.news import (
    Ending,
    Failure,
    Judgement,
    Kept,
    Sending,
    Standing,
    Told,
)
from feedengine.plays.outlets import FORMS, outlet
from feedengine.plays.preparing import Logs, judge_into
from feedengine.plays.results import ACCEPTED
from feedengine.plays.sending import Tally
from feedengine.plays.timetable import LATE, last_due, overdue
from feedengine.plays.turn import going_round
from feedengine.store import parcels
from feedengine.store.database import reading
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from feedengine.plays.frames import FormatName


class EndedError(NotSentError):
    """Somebody has asked for the end; raised where nothing is under way."""


class Batch(NamedTuple):
    """Logs that are judged together."""

    form: FormatName
    stream: str | None
    drops: Sequence[Drop]


def go_round(site: Site, told: Told, *, only_due: bool = False) -> bool:
    """Make a round, and tell of it; returns whether nothing is left to be tried again.

    With ``only_due`` nothing is done where another process has made the round meanwhile. Raises
    `FeedengineError` and `OSError` for what concerns the round as a whole, and `EndedError`.
    """
    with going_round(site.settings.plays, site.database, site.said, site.pause):
        if only_due and not _due(site):
            told(Ending(done=True))
            return True
        return _Round(site, told).go()


def _due(site: Site) -> bool:
    now = site.now()
    diary = begun(site.settings.plays, now)
    return overdue(site.settings.deliver_at, diary.done, now) is not None


class _Round:
    """One round; ``failed`` and ``unfinished`` say why there may have to be another soon."""

    def __init__(self, site: Site, told: Told) -> None:
        self.site, self.told = site, told
        self.plays = site.settings.plays
        self.began = site.now()
        self.failed = False
        self.unfinished: list[Kept] = []

    def go(self) -> bool:
        inbox_of(self.site.settings).mkdir(parents=True, exist_ok=True)
        filing.sweep(self.plays)
        seen = look(self.site.settings)
        for one in seen.left:
            kept = Kept(one.name, one.because)
            if one.unfinished:
                self.unfinished.append(kept)
            else:
                self.told(kept)
        for batch in batches(seen.drops):
            self._take(batch)
        for form in FORMS:
            for to in {outlet(self.site.settings, form), "folder"} - {None}:
                self._send(to, form)
        done = self._done()
        self.told(Ending(done))
        return done

    def _take(self, batch: Batch) -> None:
        """Judge, enter and file; what cannot be taken together is taken one by one."""
        try:
            self._judge(batch)
        except EndedError:
            raise
        except (ServiceError, OSError) as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - one bad log keeps no other waiting
            if len(batch.drops) > 1:
                for drop in batch.drops:
                    self._take(batch._replace(drops=[drop]))
            elif isinstance(error, UsageError):
                self.told(Kept(batch.drops[0].name, f"{error}; {error.hint}"))
            else:
                self._fail(error)

    def _judge(self, batch: Batch) -> None:
        site, to = self.site, outlet(self.site.settings, batch.form)
        assert to is not None  # noqa: S101 - `look` has left what has no way out
        if batch.stream is not None:
            of_stream = site.settings.but(stream=batch.stream)
            site = replace(site, settings=of_stream)
        folder = filing.run_folder(self.plays, self.began, batch.form, batch.stream)
        aside = filing.aside_of(folder)
        logs = Logs([one.path for one in batch.drops])
        try:
            counts = judge_into(site, logs, aside, batch.form, to, lambda *_: site.pause(0))
            entered = enter(site, aside / ACCEPTED, to, batch.form)
            aside.rename(folder)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)  # a full disk has need of the room
            raise
        already = counts.already_delivered + entered.already_delivered
        sums = (counts.rows, counts.accepted, counts.rejected, already, dict(counts.reasons))
        where = folder.relative_to(self.plays).as_posix()
        self.told(Judgement(batch.form, batch.stream, len(batch.drops), *sums, where))
        for drop in batch.drops:
            self._file(drop)

    def _file(self, drop: Drop) -> None:
        """A log has done its duty: its plays are in the ledger."""
        if filing.changed(drop):
            self.unfinished.append(Kept(drop.name, "it was changed while it was read"))
            return
        try:
            filing.file_away(self.plays, drop, self.began)
        except FileNotFoundError:
            return  # somebody has taken it away
        except OSError as error:
            because = f"it was delivered, and cannot be moved to done: {error.strerror}"
            self.told(Kept(drop.name, because))

    def _send(self, to: To | None, form: FormatName) -> None:
        """Send what waits for a way out, if anything does."""
        if to is None or not self._waits(way_name(self.site.settings, to, form)):
            return
        so_far = Tally()

        def told(tally: Tally) -> None:
            nonlocal so_far
            so_far = tally
            self.site.pause(0)

        way = way_name(self.site.settings, to, form)
        try:
            deliver(replace(self.site, told=told), None, to, form)
        except EndedError:
            self._sent(way, so_far)
            raise
        except Exception as error:  # noqa: BLE001 - the other recipients are not kept waiting
            self._fail(error)
        self._sent(way, so_far)

    def _waits(self, way: str) -> bool:
        doubt = ", 'in-doubt'" if self.site.settings.endpoint_in_doubt == "retry" else ""
        where = f"way = ? AND status IN ('prepared', 'sending'{doubt})"
        with reading(self.site.database) as connection:
            return bool(parcels.parcels_where(connection, where, way, limit=1))

    def _sent(self, way: str, tally: Tally) -> None:
        if tally.keys or tally.refused or tally.expired:
            sums = (tally.delivered, len(tally.keys), tally.refused, tally.expired)
            self.told(Sending(way, *sums))

    def _done(self) -> bool:
        """Whether this was all for the day; then it is written down."""
        standing = standing_of(self.site)
        self.told(standing)
        late = self.site.now() >= last_due(self.site.settings.deliver_at, self.began) + LATE
        if self.failed or (self.unfinished and not late):
            return False
        for one in self.unfinished:
            self.told(one)
        diary = begun(self.plays, self.site.now())
        write_diary(self.plays, diary._replace(last=self.site.now(), standing=standing))
        try:
            filing.forget(self.plays, self.began, self.site.settings.keep_plays_days)
        except OSError as error:
            self._fail(error)  # told; there is another round tomorrow
        return True

    def _fail(self, error: Exception) -> None:
        self.failed = True
        self.told(failure_of(error))


def batches(drops: Iterable[Drop]) -> list[Batch]:
    """What is judged together: logs of one format and stream, in the order of their names."""
    found = []
    for _, some in groupby(sorted(drops, key=_kind), key=_kind):
        together = list(some)
        found.append(Batch(together[0].form, together[0].stream, together))
    return found


def _kind(drop: Drop) -> tuple[str, str]:
    return drop.form, drop.stream or ""


def standing_of(site: Site) -> Standing:
    """What has not been delivered, in plays of all ways out."""
    text = (
        "SELECT status, sum(plays) FROM parcel"
        " WHERE status IN ('prepared', 'sending', 'in-doubt', 'conflict') GROUP BY status"
    )
    with reading(site.database) as connection:
        found = {status: int(plays) for status, plays in asked(connection, text)}
    waiting = found.get("prepared", 0) + found.get("sending", 0)
    return Standing(waiting, found.get("in-doubt", 0), found.get("conflict", 0))


def failure_of(error: Exception) -> Failure:
    """What went wrong, told apart: a `FeedengineError` or `OSError` is the environment's."""
    if isinstance(error, FeedengineError):
        return Failure("environment", error.message, error.hint)
    if isinstance(error, OSError):
        what = ": ".join(str(one) for one in (error.filename, error.strerror or error) if one)
        return Failure("environment", what, "look at the disk, its room and its permissions")
    trace = "".join(traceback.format_exception(error))
    return Failure("defect", f"{type(error).__name__}: {error}", "please report it", trace)
