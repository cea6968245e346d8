"""Several engines on one Stack, of which one after the other stops, is killed or frozen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

REPOSITORY = Path(__file__).parents[2]
WAITS = "another feedengine is taking entries"
HAND_OVER_SECONDS = 10.0
STARTING_SECONDS = 90.0


class Case(NamedTuple):
    """Where engines stop, how often that was called there, how they end, what breaks them.

    The first engine has other breaks than those that follow it.
    """

    point: str
    call: int = 4
    killed: bool = True
    engines: int = 2
    first: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Ended(NamedTuple):
    """How long each hand-over took, and what was wrong."""

    seconds: list[float]
    wrong: str


class Engines:
    """Starts engines, from several threads; a context manager."""

    def __init__(self) -> None:
        """Start the process that forks."""
        self._guard = threading.Lock()
        self._forking = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.stopping"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        """The engines themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Start no more."""
        self._forking.communicate()

    def started(self, root: Path, case: Case, broken: tuple[str, ...]) -> _Engine:
        """An engine at work."""
        assert self._forking.stdin is not None
        assert self._forking.stdout is not None
        with self._guard:
            asked = [str(root), case.point, case.call, *broken]
            self._forking.stdin.write(json.dumps(asked) + "\n")
            self._forking.stdin.flush()
            return _Engine(root, int(self._forking.stdout.readline()))


class _Engine:
    """An engine: what it says and how it ends is in files."""

    def __init__(self, root: Path, pid: int) -> None:
        self.pid = pid
        self.at, self.go, self.said, self.ended = (
            root / f"{name}-{pid}" for name in ("at", "go", "said", "ended")
        )

    def waits(self) -> bool:
        """Whether it waits for its turn."""
        return self.said.exists() and WAITS in self.said.read_text()

    def thaw(self) -> str:
        """Let it go on, wherever it stands or is frozen; what is wrong with how it ends."""
        self.go.touch()
        while Path(f"/proc/{self.pid}").exists():
            self.signal(signal.SIGCONT)
            time.sleep(0.05)
        well = self.ended.exists() and self.ended.read_text() in {"0", "1"}
        return "" if well else self.said.read_text() or "it was killed"

    def signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


def played(engines: Engines, root: Path, case: Case) -> Ended:
    """Let all but the last stop in their turn; the last, and who only froze, come to the end."""
    url = tomllib.loads((root / "feedengine.toml").read_text())["database_url"]
    all_of_them = [engines.started(root, case, case.first)]
    seconds: list[float] = []
    try:
        with closing(psycopg.connect(url, autocommit=True)) as session:
            holder = _seen(lambda: _standing(all_of_them), STARTING_SECONDS)
            for _ in range(case.engines - 1):
                all_of_them.append(engines.started(root, case, case.others))  # noqa: PERF401
            waiting = all_of_them[1:]
            while waiting and holder is not None:
                taken = _handed_over(session, holder, waiting, killed=case.killed)
                if taken is None:
                    return Ended(seconds, "nobody follows")
                seconds.append(taken)
                holder = _seen(partial(_standing, waiting), STARTING_SECONDS)
                waiting = [one for one in waiting if one is not holder]
        if holder is None:
            return Ended(seconds, "nobody stood any more")
        left = [holder] if case.killed else reversed(all_of_them)
        return Ended(seconds, "".join(one.thaw() for one in left))
    finally:
        for one in all_of_them:
            one.signal(signal.SIGKILL)


def _handed_over(
    session: psycopg.Connection, holder: _Engine, waiting: list[_Engine], *, killed: bool
) -> float | None:
    """End or freeze the holder once all others wait; the seconds until another commits."""
    _seen(lambda: all(one.waits() for one in waiting) or None, STARTING_SECONDS)
    done, began = _progress(session), time.monotonic()
    if killed:
        holder.signal(signal.SIGKILL)
    else:
        holder.go.touch()
    if _seen(lambda: _progress(session) - done or None, HAND_OVER_SECONDS) is None:
        return None
    return time.monotonic() - began


def _standing(engines: list[_Engine]) -> _Engine | None:
    return next((one for one in engines if one.at.exists()), None)


def _progress(session: psycopg.Connection) -> int:
    row = session.execute("SELECT count(*) FROM package_run").fetchone()
    assert row is not None
    return int(row[0])


def _seen(look: Callable[[], Found | None], longest: float) -> Found | None:
    """What is seen, looked for again and again; None when it was not seen in so many seconds."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    return None
