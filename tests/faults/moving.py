"""Feeds that change while they are read: what may come of it, and how a producer does it (P2, P9).

A package is applied whole, from what was read, and its digest is of what was read: which of two
versions that is, is for nobody to say.
"""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.feeds.document import Loader
from feedengine.feeds.folder import FeedFolder

from .forking import FAILING, Fault
from .scenario import BEGAN, SETTINGS, track
from .violence import ended_well, spread

if TYPE_CHECKING:
    from .forking import Commands, Done
    from .violence import Workers

PACKAGES = 5
FEED = f"2023/11/14/{BEGAN}"
VERSIONS = ("old", "new")
READING = ("openat", "newfstatat", "read", "getdents64")

_EVERY = 'find "$1/Feeds" -name "$2" | while read f; do'
WAYS = {
    "replaced": f'{_EVERY} cp "${{f%.xml}}.$3" "$f.part" && mv "$f.part" "$f"; done',
    "overwritten": f'{_EVERY} cat "${{f%.xml}}.$3" > "$f"; done',
    "deleted": f'{_EVERY} rm "$f"; done',
    "linked": f'{_EVERY} ln -sf "$1/outside.xml" "$f"; done',
}
"""What a producer does to all files of a name at once, as text for a shell: root, name, version."""


def written(root: Path) -> None:
    """A site with one feed; beside each file of it lies its other version, of another length."""
    root.mkdir(parents=True)
    (root / "feedengine.toml").write_text(SETTINGS)
    Engine.init(root).close()
    (root / "outside.xml").write_text(_package(0, "outside"))
    feed = new_feed(root, "alpha", milliseconds=BEGAN)
    for number in range(PACKAGES):
        folder = feed.folder / f"packages/{number + 1}"
        folder.mkdir(parents=True)
        for version in VERSIONS:
            (folder / f"package.{version}").write_text(_package(number, version))
            (folder / f"label.{version}").write_text(_label(number, version))
        for name in ("package", "label"):
            (folder / f"{name}.xml").write_bytes((folder / f"{name}.old").read_bytes())
    feed.stack()


def _package(number: int, version: str) -> str:
    lengthened = version * 400 if version == "new" else version
    return (
        f'<xml><Schema action="Upsert"><Release><ID>r{number}</ID><Title>{version}</Title>'
        f"<SubTitle>{lengthened[:200]}</SubTitle><CLine>{version}</CLine>"
        '<Label src="label.xml"/></Release></Schema></xml>'
    )


def _label(number: int, version: str) -> str:
    return (
        f"<xml><Schema><Label><ID>{version}-{number}</ID><Name>{version}</Name></Label>"
        "</Schema></xml>"
    )


def possible(root: Path) -> dict[str, tuple[int, str, str]]:
    """By digest: which package it is of, in which version, with which version of its label."""
    found = {}
    for number, package, label in product(range(PACKAGES), VERSIONS, VERSIONS):
        path = f"packages/{number + 1}"
        folder = root / f"try/{number}{package}{label}"
        (folder / path).mkdir(parents=True)
        (folder / path / "package.xml").write_text(_package(number, package))
        (folder / path / "label.xml").write_text(_label(number, label))
        with FeedFolder.open(root / "try", folder.name) as feed:
            digest = Loader(feed).load(f"{path}/package.xml").digest
        found[digest] = (number, package, label)
    return found


def unlike_what_was_read(commands: Commands, root: Path, done: Done, *, fewer: bool = False) -> str:
    """What is wrong after a run: objects that are not what the digests say was read.

    ``fewer`` packages may have been found than there were.
    """
    if not ended_well(done):
        return f"ended badly: {done}"
    known = possible(root)
    wanted: dict[str, tuple[str, str]] = {}
    failed = 0
    lines = commands("export", "--history", "--root", root).out.splitlines()
    documents = [json.loads(line) for line in lines]
    for one in documents:
        if one["entity"] == "package_run":
            failed += one["document"]["status"] == "failed"
            if one["document"]["status"] == "applied":
                if one["document"]["digest"] not in known:
                    return f"applied something that was never there: {one}"
                number, package, label = known[one["document"]["digest"]]
                wanted[f"r{number}"] = (package, f"{label}-{number}")
    for one in documents:
        if one["entity"] == "release":
            found = one["document"]
            version, label = wanted.pop(one["id"], ("", ""))
            if (found["title"], found["c_line"], found["label_id"]) != (version, version, label):
                return f"digest of {version}, {label}; catalogue: {found}"
    if wanted or len(known) != PACKAGES * 4:
        return f"applied, and not there: {wanted}"
    (run,) = (one["document"] for one in documents if one["entity"] == "feed_run")
    whole = run["packages"] == PACKAGES or (fewer and run["packages"] < PACKAGES)
    return "" if whole and run["failed"] == failed else f"{run}, {failed} failed"


def written_twice(root: Path) -> None:
    """A site with two feeds, the first of them announced; ``other.xml`` is the second's entry."""
    root.mkdir(parents=True)
    (root / "feedengine.toml").write_text(SETTINGS)
    Engine.init(root).close()
    for number in (1, 2):
        feed = new_feed(root, "alpha", milliseconds=BEGAN + number)
        feed.add(track(f"t{number}"))
        feed.stack()
    (root / f"Stack/{BEGAN + 2}.xml").rename(root / "other.xml")


ANOTHER = f'mv "$1/other.xml" "$1/Stack/{BEGAN + 1}.xml"'
"""Another entry takes the place of the one whose feed is being run, as text for a shell."""


def never_taken(commands: Commands, root: Path) -> str:
    """What is wrong after a run in which the entry was replaced: the second feed must have run."""
    if (root / "other.xml").exists():
        return "was not replaced"
    done = commands("show", "track", "t2", "--root", root, "--json")
    left = sorted(one.name for one in (root / "Stack").glob("*.xml"))
    return f"never taken; on the Stack: {left}" if done.status or left else ""


def changed(
    workers: Workers, template: Path, way: str, most: int | None, mutant: str = ""
) -> list[str]:
    """What is wrong where all packages, or their labels, change before a call that looks there."""
    folder = template.parent

    def copied(name: str) -> Path:
        return Path(shutil.copytree(template, folder / f"{way}-{name}"))

    def trial(commands: Commands, one: tuple[int, str]) -> str:
        number, name = one
        root = copied(f"{name}-{number}")
        script = ("sh", "-c", WAYS[way], "sh", str(root), name, "new")
        fault = Fault((str(root / "Feeds" / FEED),), READING, number, meanwhile=script)
        done = commands("run", root, fault=fault, mutant=mutant)
        wrong = unlike_what_was_read(commands, root, done, fewer=way == "deleted")
        shutil.rmtree(root)
        return wrong

    with workers.one() as commands:
        root = copied("calls")
        fault = Fault((str(root / "Feeds" / FEED),), READING)
        calls = commands("run", root, fault=fault, mutant=mutant).calls
    points = spread(range(1, len(calls) + 1), most)
    return workers.over(product(points, ("package.xml", "label.xml")), trial)


def replaced(workers: Workers, template: Path, mutant: str = "") -> list[str]:
    """What is wrong where another entry takes the place of one before a call on the Stack."""
    folder = template.parent

    def watching(root: Path, number: int = 0) -> Fault:
        script = ("sh", "-c", ANOTHER, "sh", str(root)) if number else ()
        return Fault((str(root / "Stack"),), FAILING, number, meanwhile=script)

    def trial(commands: Commands, number: int) -> str:
        root = Path(shutil.copytree(template, folder / f"entry-{number}"))
        commands("run", root, fault=watching(root, number), mutant=mutant)
        commands("run", root, mutant=mutant)
        wrong = never_taken(commands, root)
        return f"{calls[number - 1]}: {wrong}" if wrong else ""

    with workers.one() as commands:
        root = Path(shutil.copytree(template, folder / "entry-calls"))
        calls = commands("run", root, fault=watching(root), mutant=mutant).calls
    # Between the last look at a file and the call that takes its name away nobody can look again.
    return workers.over([n for n, one in enumerate(calls, 1) if one[0] != "unlinkat"], trial)
