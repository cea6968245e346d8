"""The way out: raw play logs in; each row enriched, judged, written for its recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedengine.plays.checking import check
    from feedengine.plays.consulting import consulted
    from feedengine.plays.frames import Counts
    from feedengine.plays.preparing import Logs, judge_into, resubmitted

__all__ = [
    "Counts",
    "Logs",
    "check",
    "consulted",
    "judge_into",
    "resubmitted",
]

_HOMES = {
    "Counts": "frames",
    "Logs": "preparing",
    "check": "checking",
    "consulted": "consulting",
    "judge_into": "preparing",
    "resubmitted": "preparing",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"feedengine.plays.{_HOMES[name]}"), name)
