"""What several cores gain at best: so many steps of plain Python, by so many processes.

    python loops.py PROCESSES STEPS

Cores that share what they calculate with, or a machine that others use as well, give less.
"""

from __future__ import annotations

import subprocess
import sys


def step(times: int) -> int:
    """Calculate something."""
    found = 0
    for number in range(times):
        found += number * number % 7
    return found


def main() -> None:
    """Alone, or shared out to processes."""
    processes, steps = map(int, sys.argv[1:])
    if processes == 1:
        step(steps)
        return
    command = [sys.executable, __file__, "1", str(steps // processes)]
    for one in [subprocess.Popen(command) for _ in range(processes)]:
        one.wait()


if __name__ == "__main__":
    main()
