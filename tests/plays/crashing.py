"""A process that delivers, and is killed (SIGKILL) at the k-th step of what others can see.

Run by `test_crashes` with a folder as its argument: for each line ``k now to`` on standard input it
forks a child, which delivers and dies at its k-th step, and answers with how the child ended. A
step is a commit, a file given its name, or a request; each is two points: before it, and after.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import event

from feedengine import config
from feedengine.engine import Engine
from feedengine.plays import folder, outbox, s3
from feedengine.plays.deliver import Site, deliver
from feedengine.plays.endpoint import Endpoint
from feedengine.plays.pace import Pace
from feedengine.plays.rounds import go_round
from feedengine.plays.s3 import Bucket


class Steps:
    """Counts steps, and kills the process at one of them."""

    def __init__(self, last: int) -> None:
        """Die at the step ``last``, counted from 1; 0: never."""
        self.last, self.count = last, 0

    def step(self) -> None:
        """Before or after something that others can see."""
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, place: Any, name: str) -> None:
        """Make every call of ``place.name`` two steps."""
        real: Callable[..., Any] = getattr(place, name)

        def stepping(*given: Any, **more: Any) -> Any:
            self.step()
            found = real(*given, **more)
            self.step()
            return found

        setattr(place, name, stepping)


def _unsynced(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def run(root: Path, last: int, now: datetime, to: Any) -> None:
    """Deliver, and die on the way or not."""
    steps = Steps(last)
    for name in ("rename", "replace", "unlink"):
        steps.around(Path, name)
    steps.around(os, "link")
    steps.around(outbox, "write_synced")
    steps.around(folder, "write_synced")
    steps.around(Bucket, "_put")
    steps.around(Endpoint, "_asked")
    settings = config.settings(root)
    os.fsync = lambda _: None  # a process that is killed loses nothing of what it has written
    Pace.full = lambda _: None  # type: ignore[method-assign]
    with Engine(settings) as engine:
        event.listen(engine.database, "connect", _unsynced)
        event.listen(engine.database, "commit", lambda _: steps.step())
        event.listen(engine.database, "begin", lambda _: steps.step())
        site = Site(settings, engine.database, now=lambda: now)
        if to == "inbox":
            go_round(site, lambda _: None)
        else:
            deliver(site, root / "a.parquet", to)


def main() -> None:
    """Answer until standard input ends."""
    root = Path(sys.argv[1])
    if "AWS_ENDPOINT_URL" in os.environ:  # made once, connected to nothing yet: 300 ms a child
        made = s3._client()
        s3._client = lambda: made  # type: ignore[assignment]
    for name in ("httpx2", "oauthlib.oauth1", "tenacity", "pyarrow.parquet"):
        import_module(name)
    for line in sys.stdin:
        last, now, to = line.split()
        child = os.fork()
        if child == 0:
            run(root, int(last), datetime.fromisoformat(now), to)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{ended}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
