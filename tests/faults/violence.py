"""Sites to do violence to, what an undisturbed run makes of them, and whether two ends are equal.

Nothing here knows which database holds the catalogue: `Sites` is given its URL, and everything is
asked through the command. What is done to the runs is in the tests.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from typing import NamedTuple, TypeVar

from .forking import Commands, Done
from .scenario import HELD_RUN, written

Item = TypeVar("Item")

LONG = os.environ.get("TORTURE") == "1"
"""Everything is enumerated; otherwise what is chosen here and there."""

MOST = 36
"""So many points of a run are killed at in the short form …"""
SOME = 1
"""… and so many calls fail of each name and place."""

WORKERS = 2
MOST_TOLD = 5

_SIDES = ("processed", "failed", "held")


class State(NamedTuple):
    """What is compared; ``logs`` are the texts beside the packages, by folder."""

    export: str
    check: str
    stack: dict[str, list[str]]
    logs: dict[str, list[tuple[str, str]]]


class Sites:
    """Makes equal sites, each used once."""

    def __init__(self, folder: Path, url: Callable[[Path], str] | None = None) -> None:
        """Make them below ``folder``; ``url`` makes an empty database for a site."""
        self.folder = folder
        self.url = url
        self._template = folder / "template"
        if url is None:
            written(self._template)

    def new(self, name: object, folder: Path | None = None) -> Path:
        """A site on which everything is announced and nothing applied."""
        root = (folder or self.folder) / f"site-{name}"
        if self.url is None:
            shutil.copytree(self._template, root)
        else:
            written(root, self.url(root))
        return root


class Workers:
    """Processes that run commands, as many as are used at once."""

    def __init__(self) -> None:
        """Start them."""
        self._idle: Queue[Commands] = Queue()
        self._all = [Commands() for _ in range(WORKERS)]
        for one in self._all:
            self._idle.put(one)

    def close(self) -> None:
        """End them."""
        for one in self._all:
            one.close()

    @contextmanager
    def one(self) -> Iterator[Commands]:
        """One of them, for as long as it is needed."""
        commands = self._idle.get()
        try:
            yield commands
        finally:
            self._idle.put(commands)

    def over(self, items: Iterable[Item], trial: Callable[[Commands, Item], str]) -> list[str]:
        """Try every item, some at once; what was wrong, behind its item. A trial says ``""``."""

        def one(item: Item) -> str:
            with self.one() as commands:
                said = trial(commands, item)
            return f"{item}: {said}" if said else ""

        with ThreadPoolExecutor(WORKERS) as pool:
            return [said for said in pool.map(one, items) if said]


def chosen(calls: Sequence[tuple[str, str]], most: int | None = None) -> list[int]:
    """The numbers (from 1) of calls that differ from the one before; at most ``most``, spread.

    What is written one page after the other into one file counts once at its beginning and once at
    its end: a transaction that is not whole is none, however much of it is there.
    """
    found = [
        number
        for number, call in enumerate(calls, 1)
        if call != calls[number - 2] or number == 1 or call not in calls[number : number + 1]
    ]
    return spread(found, most)


def spread(numbers: Sequence[int], most: int | None) -> list[int]:
    """At most ``most`` of the numbers, evenly from the first to the last."""
    if most is None or len(numbers) <= most:
        return list(numbers)
    return [numbers[(2 * n + 1) * len(numbers) // (2 * most)] for n in range(most)]


def some_of_each(calls: Sequence[tuple[str, str]], root: Path, each: int) -> list[int]:
    """The numbers of calls, so many of each name on each kind of file: by place and ending."""
    kinds: dict[tuple[str, str, str], list[int]] = {}
    for number in chosen(calls):
        name, path = calls[number - 1]
        place = os.path.relpath(path, root).partition("/")[0]
        kinds.setdefault((name, place, Path(path).suffix), []).append(number)
    return sorted(number for numbers in kinds.values() for number in spread(numbers, each))


def told(wrong: list[str]) -> str:
    """The first of what was wrong, for an assertion's message."""
    return "\n".join([f"{len(wrong)} wrong", *wrong[:MOST_TOLD]])


def finished(commands: Commands, root: Path, mutant: str = "") -> State:
    """Run until nothing is left, an operator letting the held feed through; how it stands then.

    Raises `AssertionError` when a command does not come to its end.
    """
    run = ["run", root]
    return state(commands, root, run, *between(root), run, mutant=mutant)


def between(root: Path) -> list[list[str | Path]]:
    """Between the two runs: a feed is announced anew, the held one is let through."""
    return [["announce", root], ["feed", "release", HELD_RUN, "--root", root]]


def run_once(commands: Commands, root: Path) -> None:
    """A run that nobody disturbs; raises `AssertionError` when it does not come to its end."""
    done = commands("run", root)
    assert ended_well(done), done


def ended_well(done: Done) -> bool:
    """Whether a command came to its end: nothing on standard error, 0, or 1 for what it refused."""
    return done.status in {0, 1} and not done.err.strip()


def state(commands: Commands, root: Path, *lines: Sequence[str | Path], mutant: str = "") -> State:
    """How a site stands when these commands have been run.

    Raises `AssertionError` when one of them does not come to its end.
    """
    asking = [["export", "--history", "--root", root], ["db", "check", root]]
    done = commands.session(*lines, *asking, mutant=mutant)
    assert len(done) == len(lines) + 2, done[-1]
    assert not done[-1].err.strip(), done[-1]
    export, check = done[-2:]
    return State(export.out, f"{check.status} {check.out}", stack(root), logs(root))


def stack(root: Path) -> dict[str, list[str]]:
    """The entries by where they are; logs, which have instants in their names, by their texts."""
    folder = root / "Stack"
    found = {side: _names(folder / side) for side in ("", *_SIDES)}
    found["failed"] = [name for name in found["failed"] if not name.endswith(".log")]
    found["texts"] = sorted(text for _, text in _logs(folder / "failed"))
    return found


def _names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return sorted(e.name for e in os.scandir(folder) if e.is_file() and e.name != ".lock")
    return []


def logs(root: Path) -> dict[str, list[tuple[str, str]]]:
    """What has been written below ``Feeds/``: ending and text of each log, by folder."""
    found: dict[str, list[tuple[str, str]]] = {}
    for folder, _, _ in os.walk(root / "Feeds"):
        written_here = _logs(Path(folder))
        if written_here:
            found[os.path.relpath(folder, root)] = written_here
    return found


def _logs(folder: Path) -> list[tuple[str, str]]:
    """Ending and text of what is no XML; a temporary name is an ending of its own."""
    found = []
    for name in _names(folder):
        if not name.endswith(".xml"):
            text = (folder / name).read_text("utf-8")
            found.append((name.lstrip(".0123456789"), text))
    return sorted(found)


def unlike(found: State, wanted: State) -> str:
    """What is not as it should be; nothing where all is."""
    for name in State._fields:
        one, other = getattr(found, name), getattr(wanted, name)
        if one == other:
            continue
        if isinstance(one, str):
            lines, right = one.splitlines(), other.splitlines()
            more = [line for line in lines if line not in right]
            less = [line for line in right if line not in lines]
            return f"{name}: has {more[:3]}, lacks {less[:3]}"
        keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        return f"{name}: " + "; ".join(
            f"{key}: {one.get(key)}, not {other.get(key)}" for key in keys[:2]
        )
    return ""
