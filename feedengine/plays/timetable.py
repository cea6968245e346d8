"""When plays leave: once a day, at a time of day in UTC. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

DAY = timedelta(days=1)

LATE = timedelta(hours=1)
"""So long after its time a round waits for files that are still being written."""


def last_due(at: str, now: datetime) -> datetime:
    """The last time, up to ``now`` (UTC), at which a round was to begin; ``at`` is HH:MM[:SS]."""
    hour, minute, second = (int(one) for one in f"{at}:00".split(":")[:3])
    today = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    return today if today <= now else today - DAY


def next_due(at: str, now: datetime) -> datetime:
    """The first time after ``now`` (UTC) at which a round is to begin."""
    return last_due(at, now) + DAY


def overdue(at: str, done: datetime, now: datetime) -> datetime | None:
    """The time for which no round was made, the last one having ended at ``done``; None: all well.

    Of several missed days only the last counts: one round takes everything.
    """
    due = last_due(at, now)
    return due if done < due else None
