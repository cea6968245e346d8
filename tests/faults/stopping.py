"""Engines that stop once, forked by a process that has imported everything already.

``python -m tests.faults.stopping`` reads a line for each: ROOT, POINT, CALL and breaks of `SHARED`,
as JSON, and answers with its process id. What the engine says is in ROOT/said-PID, its exit status
in ROOT/ended-PID. At the call of this number to the POINT it makes ROOT/at-PID and stands there,
its lease being renewed, until there is ROOT/go-PID; then it freezes as a whole.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import tenacity

from feedengine import applying
from feedengine.cli import site
from feedengine.cli.main import run
from feedengine.store import ledger, postgres

from .shared_mutants import SHARED

POINTS: dict[str, tuple[Any, str]] = {
    "before a batch": (applying.FeedApplier, "_transaction"),
    "in a batch": (ledger, "save_batch"),
}
IMPORTED = (psycopg, tenacity, site, postgres)
"""What a run imports only when it needs it."""


def stop_at(root: Path, owner: Any, name: str, call: int) -> None:
    """Let the call of this number to a function stand, and then freeze."""
    real = getattr(owner, name)
    calls = 0

    def stopping(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            (root / f"at-{os.getpid()}").touch()
            while not (root / f"go-{os.getpid()}").exists():
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGSTOP)
        return real(*args, **kwargs)

    setattr(owner, name, stopping)


def engine(root: Path, point: str, call: int, *broken: str) -> NoReturn:
    """Be an engine."""
    status = 70
    try:
        said = os.open(root / f"said-{os.getpid()}", os.O_WRONLY | os.O_CREAT, 0o644)
        for stream in (1, 2):
            os.dup2(said, stream)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8")
        for one in broken:
            SHARED[one]()
        stop_at(root, *POINTS[point], call)
        status = run(["run", str(root)])
        (root / f"ended-{os.getpid()}").write_text(str(status))
    finally:
        os._exit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            folder, *rest = json.loads(line)
            engine(Path(folder), *rest)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
