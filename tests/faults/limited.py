"""A run of the Stack in a process of its own, with bounded memory: `python -m …limited ROOT`.

Prints how many bytes the process has grown by. More than the address space allowed is a
`MemoryError`, more processor time than allowed the end of the process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

ADDRESSES = 700 * 1024 * 1024
SECONDS = 120
REPOSITORY = Path(__file__).parents[2]


def run(root: Path) -> dict[str, Any]:
    """What a run under limits says of itself."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.faults.limited", str(root)],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def peak() -> int:
    """The most bytes of memory this process has held.

    Not `ru_maxrss`, where Linux counts in what the process before `exec` has held.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main(root: str) -> None:
    """Run under limits."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    from feedengine.engine import Engine  # under the limits

    with Engine.at(root) as engine:
        before = peak()
        result = engine.run()
    json.dump({"grown": peak() - before, "runs": len(result.runs)}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
