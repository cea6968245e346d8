"""How many cores there are for this process."""

from __future__ import annotations

import os


def cores() -> int:
    """How many this process may use, which may be fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # pragma: no cover - not on Linux
        return os.cpu_count() or 1
