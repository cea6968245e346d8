"""When the last round of plays was: a file beside the inbox, so that a missed one is made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from feedengine.model.instants import instant_text
from feedengine.plays.durable import sync_folder, write_synced
from feedengine.plays.inbox import look
from feedengine.plays.news import Standing
from feedengine.plays.outlets import delivers
from feedengine.plays.timetable import next_due, overdue

if TYPE_CHECKING:
    from feedengine.config import Settings

FILE = ".round"


class Diary(NamedTuple):
    """The last round that was done: when it ended, and what it left; ``last`` is None before it.

    ``since`` is when the service first looked after the inbox: nothing was missed before.
    """

    since: datetime
    last: datetime | None = None
    standing: Standing = Standing()

    @property
    def done(self) -> datetime:
        """Up to when nothing was missed."""
        return self.last or self.since


def read_diary(plays: Path) -> Diary | None:
    """The diary; None where there is none, or none that can be understood. Raises `OSError`."""
    try:
        found = json.loads((plays / FILE).read_text("utf-8"))
        last = found["last"] and datetime.fromisoformat(found["last"])
        since = datetime.fromisoformat(found["since"])
        return Diary(since, last or None, Standing(**found["standing"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_diary(plays: Path, diary: Diary) -> None:
    """Keep a diary, whole or not at all. Raises `OSError`."""
    plays.mkdir(parents=True, exist_ok=True)
    last = None if diary.last is None else instant_text(diary.last)
    values = {"since": instant_text(diary.since), "last": last}
    text = json.dumps({**values, "standing": diary.standing._asdict()}, indent=2) + "\n"
    aside = plays / f"{FILE}.part"
    write_synced(aside, text.encode())
    aside.replace(plays / FILE)
    sync_folder(plays)


def begun(plays: Path, now: datetime) -> Diary:
    """The diary; begun now where there is none. Raises `OSError`.

    A round that lies ahead, since the clock was set back, counts as one of now; else there would be
    none until then.
    """
    found = read_diary(plays)
    if found is not None and found.done <= now:
        return found
    made = Diary(now) if found is None else found._replace(last=now)
    write_diary(plays, made)
    return made


def inbox_status(settings: Settings, now: datetime | None = None) -> dict[str, Any]:
    """How the inbox stands, ready for JSON; instants are canonical text, ages in seconds.

    ``next`` is when the service delivers next, None where it does not; ``overdue``: that instant
    has passed without a round.
    """
    now = now or datetime.now(UTC)
    seen, diary = look(settings), read_diary(settings.plays)
    due = missed = None
    if delivers(settings):
        at = settings.deliver_at
        missed = diary and overdue(at, diary.done, now)
        due = missed or next_due(at, now)
    oldest = None if seen.oldest is None else max(0.0, round(now.timestamp() - seen.oldest, 1))
    return {
        "files": seen.files,
        "oldest_seconds": oldest,
        "left": [{"name": one.name, "because": one.because} for one in seen.left],
        "next": None if due is None else instant_text(due),
        "overdue": missed is not None,
        "last": instant_text(diary.last) if diary and diary.last else None,
    }
