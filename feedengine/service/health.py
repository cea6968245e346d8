"""Whether the service on this machine goes on: ``python -m feedengine.service.health``.

Asks its metrics, as a container's health check does: exits 0 when the loop has told lately that it
goes on, 1 when not, or when nobody answers.
"""

from __future__ import annotations

import os
import re
import sys
import urllib.request

from feedengine.config import PREFIX
from feedengine.service.metrics import HOST

SILENT_SECONDS = 120.0
"""So long may it be silent: one batch may be long."""


def healthy(port: int) -> bool:
    """Whether the service whose metrics are at ``port`` goes on."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=4) as answer:
            text = answer.read().decode()
    except OSError:
        return False
    found = re.search(r"^feedengine_loop_silent_seconds (\S+)$", text, re.MULTILINE)
    return found is not None and float(found[1]) < SILENT_SECONDS


if __name__ == "__main__":
    sys.exit(not healthy(int(os.environ.get(f"{PREFIX}METRICS_PORT", "0"))))
