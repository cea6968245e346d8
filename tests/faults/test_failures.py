"""Faults instead of kills: calls that the machine refuses, once or for ever; full disks (P7)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from .failing import after_failure, badly_ended, error_for
from .forking import FAILING, Fault
from .mounts import command, mounted
from .violence import (
    LONG,
    SOME,
    Sites,
    State,
    Workers,
    chosen,
    finished,
    some_of_each,
    spread,
    told,
    unlike,
)

if TYPE_CHECKING:
    from pathlib import Path

    from .forking import Commands

pytestmark = [
    pytest.mark.usefixtures("_traced"),
    pytest.mark.timeout(7200 if LONG else 300),
]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for ever"])
def test_a_call_that_fails_is_told_and_never_blamed_on_a_package(
    workers: Workers, sites: Sites, undisturbed: State, *, lasting: bool
) -> None:
    """P7: on database, feeds, logs and Stack; exit 3 and a plain message, or coped with."""
    root = sites.new(f"fail-calls-{lasting}")
    with workers.one() as commands:
        calls = commands("run", root, fault=Fault((str(root),), FAILING)).calls
    points = chosen(calls)
    if not LONG:
        points = spread(points, 16) if lasting else some_of_each(calls, root, SOME)

    def trial(commands: Commands, number: int) -> str:
        root = sites.new(f"fail-{lasting}-{number}")
        error = error_for(calls[number - 1][0], number)
        fault = Fault((str(root),), FAILING, number, error, lasting=lasting)
        wrong = after_failure(commands, root, commands("run", root, fault=fault), undisturbed)
        return f"{error} at {calls[number - 1]}: {wrong}" if wrong else ""

    wrong = workers.over(points, trial)
    assert not wrong, told(wrong)


@pytest.mark.usefixtures("_mounts")
def test_a_disk_that_is_full_hurts_nothing_wherever_that_shows(
    workers: Workers, sites: Sites, undisturbed: State, tmp_path: Path
) -> None:
    """P7, P8: the disk grows step by step and the command is started again at every size."""
    step = 8 if LONG else 32
    refused = 0
    where = tmp_path / "disk"
    with workers.one() as commands, mounted(where, "-t", "tmpfs", "-o", "size=64m", "full"):
        root = sites.new("full", where)
        size = _kilobytes_used(where)
        while True:
            command("mount", "-o", f"remount,size={size}k", where)
            done = commands("run", root)
            assert not badly_ended(done), done
            if done.status != 3:
                break
            refused += 1
            size += step
        command("mount", "-o", "remount,size=64m", where)
        assert refused >= (40 if LONG else 10)
        found = finished(commands, root)._replace(logs={}, stack=undisturbed.stack)
        assert not unlike(found, undisturbed._replace(logs={}))


def _kilobytes_used(where: Path) -> int:
    found = os.statvfs(where)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 1024
