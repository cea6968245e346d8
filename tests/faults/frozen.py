"""Runs a site and freezes itself once, at a point: ``python -m tests.faults.frozen ROOT POINT``.

Frozen as a host is whose machine sleeps: every thread stops, and goes on when it is woken.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from feedengine import applying, taking
from feedengine.cli.main import main
from feedengine.feeds.stack import Stack
from feedengine.store import ledger

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS: dict[str, tuple[Any, str, int]] = {
    "before a batch is saved": (ledger, "save_batch", 4),
    "before a run is begun": (ledger, "open_run", 2),
    "before a run is kept, in its transaction": (ledger, "save_run", 5),
    "between a commit and its logs": (applying.FeedApplier, "_write_logs", 4),
    "before a log": (applying, "write_log", 5),
    "before an entry is filed": (taking.Taker, "_file", 1),
    "before an entry is moved": (Stack, "move", 2),
    "before entries are marked as filed": (taking.Taker, "mark_filed", 1),
}
"""Point → what is called there, and at which of its calls the process freezes."""


def freeze_at(owner: Any, name: str, call: int) -> None:
    """Let the call of this number to a function find the process frozen."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def freezing(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGSTOP)
        return real(*args, **kwargs)

    setattr(owner, name, freezing)


if __name__ == "__main__":
    freeze_at(*POINTS[sys.argv[2]])
    sys.argv[1:] = ["run", sys.argv[1]]
    main()
