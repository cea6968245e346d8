"""The command ``feedengine`` in children of a process that has imported and used it already.

Starting Python costs twenty times what a small run does; a fork costs next to nothing. A child
ends as a process does: killed for good, its descriptors closed, its locks gone, its files as they
are. Each `Commands` is one such process; several may be used at once, each by one thread.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from . import tracing
from .clocks import CLOCKS
from .mutants import MUTANTS
from .scenario import announced_again, written
from .shared_mutants import SHARED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .tracing import Act, Call

REPOSITORY = Path(__file__).parents[2]
KILLED = -signal.SIGKILL

_MARK = "\0ended\n"
"""Stands between the outputs of two commands of a session, behind the exit status."""

LONGEST = 120
"""Seconds after which a command is taken to be hanging and is ended."""

CHANGING = (
    "write", "writev", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate", "rename",
    "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "fchmod",
    "fchown",
)  # fmt: skip
"""Calls between which a kill can leave something different behind.

Opening is not among them: a file that it makes is empty, and the next call fills it. What SQLite
writes through shared memory is gone with the last process that has it open, or rebuilt.
"""

FAILING = (*CHANGING, "open", "openat", "read", "pread64", "getdents64", "newfstatat", "fcntl",
           "flock", "syncfs")  # fmt: skip
"""Calls that the machine can refuse."""


class Fault(NamedTuple):
    """What happens at the calls numbered ``first`` (from 1) and, where it lasts, all after it.

    ``below`` are beginnings of the paths that count, ``calls`` the names. ``error`` is an error's
    name (``ENOSPC``), ``kill`` ends the process before the call is carried out, and ``meanwhile``
    is a command that runs while the process stands still. Without any of them calls are told.
    """

    below: tuple[str, ...]
    calls: tuple[str, ...] = CHANGING
    first: int = 0
    error: str = ""
    lasting: bool = False
    kill: bool = False
    meanwhile: tuple[str, ...] = ()


class Done(NamedTuple):
    """How a command ended: exit status (or minus the signal), what it said, the calls watched."""

    status: int
    out: str
    err: str
    calls: list[tuple[str, str]]


class Commands:
    """Runs commands one after the other; to be closed."""

    def __init__(self) -> None:
        """Start the process that forks."""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.faults.forking"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if name[:11] != "FEEDENGINE_"},
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def __call__(
        self,
        *arguments: str | Path,
        fault: Fault | None = None,
        mutant: str = "",
        kill_after: float | None = None,
        user: int | None = None,
    ) -> Done:
        """Run ``feedengine ARGUMENTS`` and wait for its end.

        ``mutant`` is a broken engine of `MUTANTS` or `SHARED`, or a broken clock of `CLOCKS`,
        ``kill_after`` seconds until SIGKILL, ``user`` the number of another user to run as (root
        only).
        """
        words = [str(one) for one in arguments]
        return self._asked(
            lines=[words], fault=fault, mutant=mutant, kill_after=kill_after, user=user
        )

    def session(self, *lines: Sequence[str | Path], mutant: str = "") -> list[Done]:
        """Run several commands one after the other in one process, as far as they end well.

        The line ``announce ROOT`` is what a producer does between two runs.
        """
        words = [[str(one) for one in line] for line in lines]
        whole = self._asked(lines=words, mutant=mutant)
        parts = whole.out.split(_MARK)
        ends = [part.rpartition("\n") for part in parts[:-1]]
        done = [Done(int(status), out, "", []) for out, _, status in ends]
        return [*done, whole._replace(out=parts[-1])]

    def _asked(self, **asked: Any) -> Done:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the forking process is gone"
        return Done(*json.loads(answer))


def main() -> None:
    """Answer requests, one a line, until there are no more."""
    import feedengine.cli.main  # here, because the tests import this module too

    with tempfile.TemporaryDirectory() as folder:
        _warm(Path(folder))
    gc.collect()
    gc.freeze()
    del feedengine
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def _warm(folder: Path) -> None:
    """Use everything once, so that children need not import, compile or read schemas."""
    said = sys.stdout, sys.stderr
    with Path(os.devnull).open("w", encoding="utf-8") as sys.stdout:
        sys.stderr = sys.stdout
        written(folder / "site")
        site = str(folder / "site")
        for words in (("run",), ("db", "check"), ("feeds", "--json")):
            _command([*words, site])
        for words in (("export", "--history"), ("feed", "release", "99")):
            _command([*words, "--root", site])
    sys.stdout, sys.stderr = said


def _command(arguments: Sequence[str]) -> int:
    from feedengine.cli.main import run

    if arguments[0] == "announce":
        return 0 if announced_again(Path(arguments[1])) else 70
    return run(arguments)


def _session(lines: Sequence[Sequence[str]]) -> int:
    """Run commands until one ends badly; the exit status of the last."""
    for line in lines[:-1]:
        status = _command(line)
        if status not in {0, 1}:
            return status
        sys.stdout.write(f"\n{status}{_MARK}")
    return _command(lines[-1])


def _answer(asked: dict[str, Any]) -> Done:
    fault = Fault(*asked["fault"]) if asked.get("fault") else None
    out, err = os.memfd_create("out"), os.memfd_create("err")
    gate, opened = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(asked, fault, (gate, opened, out, err))
    os.close(gate)
    calls: list[Call] = []
    if fault is not None:
        try:
            tracing.seize(pid)
        except OSError as error:  # not allowed here
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return Done(70, "", str(error), [])
    os.write(opened, b"!")
    os.close(opened)
    if fault is not None:
        status = tracing.follow(pid, _decider(fault, pid, calls))
    else:
        status = _waited(pid, asked.get("kill_after"))
    said = [_text(one) for one in (out, err)]
    return Done(os.waitstatus_to_exitcode(status), *said, [(*one,) for one in calls])


def _decider(fault: Fault, pid: int, calls: list[Call]) -> Any:
    below = tuple(fault.below)

    def end() -> None:
        os.kill(pid, signal.SIGKILL)

    def meanwhile() -> None:
        subprocess.run(fault.meanwhile, check=True, stdout=subprocess.DEVNULL)
        if fault.kill:
            end()

    act: Act = meanwhile if fault.meanwhile else end if fault.kill else None
    if fault.error:
        act = getattr(errno, fault.error)

    def decide(call: Call) -> Act:
        if not call.path.startswith(below):
            return None
        calls.append(call)
        number = len(calls)
        return act if number == fault.first or (fault.lasting and number > fault.first) else None

    return decide


def _waited(pid: int, kill_after: float | None) -> int:
    if kill_after is not None:
        descriptor = os.pidfd_open(pid)
        if not select.select([descriptor], [], [], kill_after)[0]:
            os.kill(pid, signal.SIGKILL)
        os.close(descriptor)
    return os.waitpid(pid, 0)[1]


def _text(descriptor: int) -> str:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode("utf-8", "backslashreplace")


def _child(
    asked: dict[str, Any], fault: Fault | None, descriptors: tuple[int, int, int, int]
) -> NoReturn:
    """Become the command."""
    gate, opened, out, err = descriptors
    status = 70
    try:
        os.close(opened)
        os.read(gate, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        signal.alarm(LONGEST)
        if asked["mutant"]:
            {**MUTANTS, **CLOCKS, **SHARED}[asked["mutant"]]()
        if asked.get("user") is not None:
            os.setgroups([])
            os.setgid(asked["user"])
            os.setuid(asked["user"])
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
        if fault is not None:
            tracing.watch_me(fault.calls)
        status = _session(asked["lines"])
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - a child must not come back into the loop of its parent
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
