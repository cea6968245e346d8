"""What becomes of plays, as lines of the service's log."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from feedengine.plays.news import (
    Ending,
    Failure,
    Judgement,
    Kept,
    News,
    Said,
    Sending,
    Standing,
)
from feedengine.service.hearing import ServiceListener

if TYPE_CHECKING:
    from datetime import datetime

    from feedengine.service.logs import Log


class PlaysReporter(ServiceListener):
    """Writes the log. What cannot go is told once, and again by the next day's round."""

    def __init__(self, log: Log) -> None:
        """Write to ``log``."""
        self._log = log
        self._seen: frozenset[Kept] = frozenset()
        self._kept: set[Kept] = set()
        self._failed: set[str] = set()
        self._standing = Standing()

    def inbox(self, files: int, oldest: float | None, left: Sequence[Kept]) -> None:
        """What cannot go, as soon as it is seen."""
        del files, oldest
        for one in left:
            self._stays(one)
        self._seen = frozenset(left)

    def _stays(self, one: Kept) -> None:
        if one not in self._kept and one not in self._seen:
            self._kept.add(one)
            self._log.write(
                "warning", "plays stay in the inbox", file=one.name, because=one.because
            )

    def round_begins(self, due: datetime) -> None:
        """Told when it is the first for its time."""
        level = "debug" if self._failed else "info"
        self._log.write(level, "plays are due", due=due.isoformat())

    def plays(self, news: News) -> None:
        """Whatever a round tells."""
        self._tell(news)

    @singledispatchmethod
    def _tell(self, news: News) -> None:
        raise TypeError(news)

    @_tell.register
    def _(self, news: Judgement) -> None:
        level = "warning" if news.rejected else "info"
        values = {**news._asdict(), "format": news.form}
        del values["form"]
        self._log.write(level, "plays judged", **values)

    @_tell.register
    def _(self, news: Kept) -> None:
        self._stays(news)

    @_tell.register
    def _(self, news: Sending) -> None:
        level = "warning" if news.refused or news.too_old else "info"
        self._log.write(level, "plays delivered", **news._asdict())

    @_tell.register
    def _(self, news: Standing) -> None:
        """What needs people or another round, when it is another than before."""
        if news != self._standing and any(news):
            self._log.write("warning", "plays not delivered yet", **news._asdict())
        self._standing = news

    @_tell.register
    def _(self, news: Failure) -> None:
        """The first of its kind, until a round is done."""
        known = news.error in self._failed
        self._failed.add(news.error)
        level = "debug" if known else "error"
        if news.kind == "defect":
            values = {"error": news.error, "hint": news.hint, "exception": news.trace}
            event = "a defect of feedengine; plays are tried again"
            self._log.write(level, event, **{key: one for key, one in values.items() if one})
        else:
            event = "plays are tried again"
            self._log.write(level, event, error=news.error, hint=news.hint)

    @_tell.register
    def _(self, news: Said) -> None:
        self._log.write("info", "a round of plays says", said=news.text)

    @_tell.register
    def _(self, news: Ending) -> None:
        if news.done:
            self._kept.clear()
            if self._failed:
                self._failed.clear()
                self._log.write("info", "plays leave again")
