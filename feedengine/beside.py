"""Processes of our own program that work for this one, on the other cores.

Each has a socket to whoever started it, and ends by itself once nobody is at its other end.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from feedengine.cores import cores

MOST = 8
"""So many processes beside this one, unless more are asked for."""

_PATIENCE_SECONDS = 5.0

_KEEPING = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 24),
}
"""For glibc: memory that each batch takes and gives back again is not given back to the system,
which would have to clear it each time."""


def beside(wanted: int | None) -> int:
    """How many: as many as ``wanted``, or one for each core but this process's own."""
    return min(cores() - 1, MOST) if wanted is None else wanted


def running(module: str) -> tuple[str, ...]:
    """The command that runs ``main`` of a module; nothing is imported from the working folder.

    The module has its own name there, as whatever is handed over has that is defined in it.
    """
    return (sys.executable, "-P", "-c", f"from {module} import main; main()")


class Beside:
    """A process that was started by this one; it knows from `asked` for whom it works."""

    def __init__(self, command: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        """Start it, with a socket and these descriptors. Raises `OSError`."""
        here, there = socket.socketpair()
        try:
            with there:
                passed = (there.fileno(), *descriptors)
                self.process = subprocess.Popen(  # noqa: S603 - our own program
                    [*command, *map(str, passed)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=passed,
                    env={**_KEEPING, **os.environ},
                )
        except BaseException:
            here.close()
            raise
        self.socket = here

    def close(self) -> None:
        """Let it end."""
        self.socket.close()
        try:
            self.process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def asked() -> tuple[socket.socket, list[int]]:
    """For a process that was started: whom it works for, and the descriptors that it was given.

    Ctrl-C is for whoever started it, and lets this one end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own, *others = map(int, sys.argv[1:])
    return socket.socket(fileno=own), others
