"""The power goes: what is on the disk then is only what had reached it (P5, P8, P9).

The site is on an ext4 in a file. The process stands still at a system call while the file is
copied; nothing syncs it first, so the copy holds what the disk held. The copy is mounted, which
replays its journal as after a power cut, and the engine is started on it.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .forking import KILLED, Fault
from .mounts import command, formatted, mounted
from .scenario import BEGAN
from .violence import (
    LONG,
    Sites,
    State,
    Workers,
    chosen,
    finished,
    logs,
    stack,
    told,
    unlike,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .forking import Commands

pytestmark = [
    pytest.mark.usefixtures("_traced", "_mounts"),
    pytest.mark.timeout(7200 if LONG else 300),
]


@pytest.fixture(scope="module")
def image(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk with a site on it, synced."""
    folder = tmp_path_factory.mktemp("power")
    made = formatted(folder / "disk.img")
    with mounted(folder / "disk", "-o", "loop", str(made)) as disk:
        sites.new("power", disk)
    return made


@contextmanager
def disk(image: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """A copy of the disk, mounted: the file it is in, and the site's root."""
    folder = image.parent / name
    folder.mkdir()
    own = folder / "disk.img"
    command("cp", "--sparse=always", image, own)
    with mounted(folder / "at", "-o", "loop", str(own)) as at:
        yield own, at / "site-power"
    shutil.rmtree(folder)


def kept(commands: Commands, root: Path, wanted: State) -> str:
    """What is wrong with what the disk holds: an entry lost, or a log of what is not committed."""
    entries = {name for names in wanted.stack.values() for name in names if name.endswith(".xml")}
    there = {name for names in stack(root).values() for name in names}
    lost = entries - there - {f"{BEGAN + 13}.xml"}  # which comes between the two runs
    if lost:
        return f"lost entries: {lost}"
    committed: Counter[tuple[str, str]] = Counter()
    feed = ""
    done = commands("export", "--history", "--root", root)
    for one in map(json.loads, done.out.splitlines()):
        if one["entity"] == "feed_run":
            feed = one["document"].get("feed_path")
        elif one["entity"] == "package_run" and one["document"]["status"] != "already-applied":
            committed[feed, one["document"]["path"]] += 1
    for folder, found in logs(root).items():
        for _, text in found:
            path = text.partition(" ")[0].replace("\\udc", "\\x")  # a byte that is no UTF-8
            feed = next((one for one, _ in committed if f"/{one}" in f"/{folder}"), "")
            if path.endswith("package.xml") and not committed[feed, path]:
                return f"a log of what is not committed: {folder}: {text}"
            committed[feed, path] -= 1
    return ""


def test_after_a_power_cut_nothing_is_lost_and_nothing_said_that_is_not_so(
    workers: Workers, image: Path, undisturbed: State
) -> None:
    """P5, P8, P9: what a log says is committed, no entry is lost, and the next run finishes all."""
    with workers.one() as commands, disk(image, "calls") as (_, root):
        calls = commands("run", root, fault=Fault((str(root),))).calls

    def trial(commands: Commands, number: int) -> str:
        left = image.parent / f"left-{number}.img"
        with disk(image, str(number)) as (own, root):
            copying = ("cp", "--sparse=always", str(own), str(left))
            fault = Fault((str(root),), first=number, kill=True, meanwhile=copying)
            if commands("run", root, fault=fault).status != KILLED:
                command(*copying)  # it is over: the power goes now
        with disk(left, f"after-{number}") as (_, root):
            wrong = kept(commands, root, undisturbed) or unlike(
                finished(commands, root), undisturbed
            )
        left.unlink()
        return f"{calls[number - 1]}: {wrong}" if wrong else ""

    points = [*chosen(calls, None if LONG else 8), len(calls), 0]
    wrong = workers.over(points, trial)
    assert not wrong, told(wrong)
