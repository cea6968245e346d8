"""What a process costs: its CPU, its time, its memory, and the CPU of a server that it keeps busy.

Whoever measures must stay small itself: Linux counts the memory of the process that starts another
as the other's own peak until the other has grown beyond it. So nothing heavy is imported here, and
everything that makes feeds and catalogues runs in processes of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU (user and system, its children included), seconds of wall time, peak memory.

    ``memory`` is in bytes; ``server`` are the CPU seconds of the database server meanwhile.
    ``said`` is what the process printed last, where that is JSON.
    """

    cpu: float
    wall: float
    memory: int
    server: float = 0.0
    said: Any = None
    io: tuple[int, int, int, int] | None = None
    """Its read calls, write calls, bytes read and bytes written, files of all kinds together."""

    def as_row(self) -> dict[str, Any]:
        """As kept in the results."""
        return asdict(self)


class FailedError(Exception):
    """A measured process failed; the message is the end of what it said."""


def measured(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    fine: Sequence[int] = (0,),
    server: int | None = None,
) -> Spent:
    """Run a command to its end; ``server`` is the process id of a PostgreSQL to be watched.

    What the process reports as ``aside`` (seconds of CPU) is taken off. Raises `FailedError` where
    it does not end with a status of ``fine``.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        before = 0.0 if server is None else server_cpu(server)
        begun = time.perf_counter()
        process = subprocess.Popen(
            [str(one) for one in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **(env or {})},
        )
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        io = _io(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        served = 0.0 if server is None else server_cpu(server) - before
        if process.returncode not in fine:
            raise FailedError(_tail(err) or _tail(out) or f"status {process.returncode}")
        said = _json(_tail(out, 100_000))
    aside = said.get("aside", 0.0) if isinstance(said, dict) else 0.0
    cpu = usage.ru_utime + usage.ru_stime - aside
    return Spent(cpu, wall, usage.ru_maxrss * 1024, served, said, io)


def _io(pid: int) -> tuple[int, int, int, int] | None:
    """What a process that has ended has read and written; None where the kernel does not tell."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return None
    told = dict(line.split(": ") for line in lines)
    calls, written, read_bytes, written_bytes = (
        int(told[name]) for name in ("syscr", "syscw", "rchar", "wchar")
    )
    return calls, written, read_bytes, written_bytes


def _tail(file: Any, most: int = 2000) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - most))
    return bytes(file.read()).decode(errors="replace").strip()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return json.loads(text.rpartition("\n")[2])
    except ValueError:
        return None


def server_cpu(pid: int) -> float:
    """The CPU seconds of a process, its children, and those children that have ended."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (_ticks(pid, 4) + sum(_ticks(int(child), 2) for child in children)) / _TICK


def _ticks(pid: int, fields: int) -> int:
    """Of user, system, and both of the children that have ended, the first so many together."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended, maybe while it was read
        return 0
    found = stat.rpartition(")")[2].split()[11:15]
    return sum(int(one) for one in found[:fields])
