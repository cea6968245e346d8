"""The way out: raw play logs in; each row enriched, judged, written for its recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedengine.plays.checking import check
    from feedengine.plays.frames import Counts

__all__ = ["Counts", "check"]

_HOMES = {"Counts": "feedengine.plays.frames", "check": "feedengine.plays.checking"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(_HOMES[name]), name)
