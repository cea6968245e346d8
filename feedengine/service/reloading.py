"""Settings read again while the service runs: which of them hold, and which wait for a restart."""

from __future__ import annotations

from typing import NamedTuple

from feedengine.config import Settings, declared

FIXED = ("root", "feeds_path", "stack_path", "database_url", "poll_only", "metrics_port")
"""Where things are, and what is set up once: they hold until the service is started again."""


class Compared(NamedTuple):
    """The settings that hold now, the names of those that changed, and of those that could not."""

    settings: Settings
    changed: list[str]
    fixed: list[str]


def compared(old: Settings, new: Settings) -> Compared:
    """What becomes of ``old`` when ``new`` was read."""
    differing = [name for name in declared() if getattr(old, name) != getattr(new, name)]
    kept = {name: getattr(old, name) for name in FIXED}
    return Compared(
        new.but(**kept),
        [name for name in differing if name not in FIXED],
        [name for name in differing if name in FIXED],
    )
