"""feedengine: music catalogue feeds in, a relational catalogue out, with its whole history."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.engine import Engine
    from feedengine.errors import FeedengineError, Finding

__all__ = ["Engine", "FeedengineError", "Finding", "Settings", "__version__"]
__version__ = "0.1.0"

_HOMES = {
    "Engine": "feedengine.engine",
    "FeedengineError": "feedengine.errors",
    "Finding": "feedengine.errors",
    "Settings": "feedengine.config",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `feedengine --help` stays quick."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(_HOMES[name]), name)
