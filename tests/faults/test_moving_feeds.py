"""Feeds that change while they are read, folders that cannot be written, clocks that jump."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from feedengine.engine import Engine
from feedengine.store.database import reading

from . import moving
from .clocks import CLOCKS
from .conftest import cannot
from .forking import KILLED, Fault
from .mounts import command, mounted, refusal
from .violence import (
    LONG,
    Sites,
    State,
    Workers,
    between,
    finished,
    state,
    told,
    unlike,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .forking import Commands

pytestmark = [
    pytest.mark.usefixtures("_traced"),
    pytest.mark.timeout(7200 if LONG else 300),
]


@pytest.mark.parametrize("way", moving.WAYS)
def test_a_package_that_changes_is_applied_whole_from_what_was_read(
    workers: Workers, tmp_path: Path, way: str
) -> None:
    """P9, P40: packages or their ``src`` files change before any call that looks at them."""
    template = tmp_path / "template"
    moving.written(template)
    wrong = moving.changed(workers, template, way, None if LONG else 5)
    assert not wrong, told(wrong)


def test_an_entry_that_takes_the_place_of_another_is_taken_too(
    workers: Workers, tmp_path: Path
) -> None:
    """P5: only the very file that was read is moved; a producer's next one is a new entry."""
    template = tmp_path / "template"
    moving.written_twice(template)
    wrong = moving.replaced(workers, template)
    assert not wrong, told(wrong)


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_that_jumps_changes_no_more_than_instants(
    workers: Workers, sites: Sites, undisturbed: State, clock: str
) -> None:
    """H1: ``changed_at`` never decreases, with kills on the way too; all else is as ever."""

    def trial(commands: Commands, number: int) -> str:
        root = sites.new(f"{clock}-{number}")
        if number:
            fault = Fault((str(root),), first=number, kill=True)
            if commands("run", root, fault=fault, mutant=clock).status != KILLED:
                return "was not killed"
        wrong = unlike(finished(commands, root, clock), undisturbed)
        with Engine.at(root) as engine, reading(engine.database) as connection:
            found = connection.exec_driver_sql("SELECT changed_at FROM change ORDER BY seq")
            instants = [row[0] for row in found]
        if instants != sorted(instants) or not instants:
            return f"instants: {instants}"
        return wrong

    wrong = workers.over(range(0, 500, 20 if LONG else 160), trial)
    assert not wrong, told(wrong)


@contextmanager
def _unwritable(folder: Path) -> Iterator[None]:
    """A folder that cannot be written: mounted so for root, without permission for others."""
    if os.geteuid() == 0:
        with mounted(folder, "--bind", str(folder)):
            command("mount", "-o", "remount,bind,ro", folder)
            yield
        return
    folders = [Path(one) for one, _, _ in os.walk(folder)]
    for one in folders:
        one.chmod(0o500)
    try:
        yield
    finally:
        for one in folders:
            one.chmod(0o700)


def test_a_feed_that_cannot_be_written_is_applied_and_that_is_told_once(
    workers: Workers, undisturbed: State, sites: Sites
) -> None:
    """P8: on a read-only share there are no logs; the database has it all, the run says so."""
    root = sites.new("read-only")
    if os.geteuid() == 0 and (reason := refusal(root)):
        cannot(reason)
    with workers.one() as commands:
        with _unwritable(root / "Feeds"):
            first = commands("run", root)
            second = commands("run", root)
        commands.session(*between(root))
        with _unwritable(root / "Feeds"):
            third = commands("run", root)
        found = state(commands, root)
    unlogged = sum(len(logs) for logs in undisturbed.logs.values())
    said = [re.search(r"logs that could not be written: (\d+)", one.err) for one in (first, third)]
    assert all(said), (first, third)
    assert sum(int(one[1]) for one in said if one) == unlogged
    assert [len(one.err.splitlines()) for one in (first, second, third)] == [1, 0, 1], (
        first,
        third,
    )
    assert not unlike(found, undisturbed._replace(logs={}))
