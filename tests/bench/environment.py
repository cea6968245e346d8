"""Environments for peers, made on demand; and what the machine is."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from bench.measure import FailedError

HERE = Path(__file__).parent
PEERS = HERE / "peers"


def python_of(folder: Path, peer: str) -> Path:
    """The interpreter of an environment with what ``peers/<peer>.txt`` pins.

    Raises `FailedError` with pip's last words where that cannot be installed; tried once a run.
    """
    wanted = next(one for one in (PEERS / f"{peer}.txt", HERE / f"{peer}.txt") if one.is_file())
    target = folder / "environments" / f"{peer}-{_digest(wanted)}"
    python, done = target / "bin" / "python", target / "done"
    if not done.is_file():
        if target in _FAILED:
            raise FailedError(_FAILED[target])
        try:
            _install(target, python, wanted)
        except FailedError as error:
            _FAILED[target] = str(error)
            raise
        done.touch()
    return python


_FAILED: dict[Path, str] = {}


def _install(target: Path, python: Path, wanted: Path) -> None:
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(target)],
        [str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)],
    ):
        env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        if ended.returncode:
            lines = [one for one in ended.stderr.splitlines() if one.startswith("ERROR")]
            reason = (lines or ended.stderr.splitlines() or ["no reason given"])[-1]
            raise FailedError(f"could not be installed: {reason[:200]}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()[:8]


def versions(peer: str) -> str:
    """What is pinned for a peer: itself, by the first line."""
    return (PEERS / f"{peer}.txt").read_text().split()[0].replace("==", " ")


def machine() -> dict[str, str]:
    """What figures depend on: the machine, its versions, the date (UTC)."""
    import sqlite3

    found = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "busy": f"{os.getloadavg()[2]:.1f} processes ran on average (15 minutes) at the end",
    }
    if commit := _commit():
        found["commit"] = commit
    for name in ("feedengine", "lxml", "SQLAlchemy", "psycopg", "pyarrow", "numpy"):
        found[name] = metadata.version(name)
    return found


def _commit() -> str:
    """The commit that is checked out, where it is known."""
    command = ["git", "-C", HERE, "rev-parse", "--short", "HEAD"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ended.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
