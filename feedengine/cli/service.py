"""The service: watching the Stack for ever."""

from __future__ import annotations

from feedengine.cli.options import EVERY_UNSET, EveryFlag, Root, chosen


def watch(root: Root = None, *, settings: EveryFlag = EVERY_UNSET) -> int:
    """Watch until a signal ends it."""
    from feedengine.service.process import serve

    serve(chosen(root, settings), lambda: chosen(root, settings))
    return 0
