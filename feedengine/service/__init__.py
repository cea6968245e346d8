"""The service: watches the Stack for ever, and says how it is doing.

`watching` is the loop; all others serve it. What the loop does it tells to listeners (`hearing`):
logs, metrics and systemd are three of them, and the loop knows none.

From Python: `Watcher(settings, listeners, stop=event).run()`.
"""

from __future__ import annotations

from feedengine.service.hearing import ServiceListener, Trouble
from feedengine.service.watching import Watcher

__all__ = ["ServiceListener", "Trouble", "Watcher"]
