"""Packages read by other processes: the same in every way, whoever reads them and whatever ends."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from feedengine import readers
from feedengine.feeds.document import Limits, Loader
from feedengine.feeds.folder import FeedFolder
from feedengine.model.entities import kinds
from feedengine.packages import Read, read_package
from feedengine.readers import Ahead, Reading
from tests.agree.test_skim import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
READING = Reading(Limits(), strict=False)
FEED = "2025/01/01/1"
UNUSUAL = (
    *(text.replace("<Schema", "<Schema xmlns:x='unusual'", 1) for text in USUAL),
    "<xml><Schema><Track><ID>1</ID><Titel>x</Titel></Track></Schema></xml>",
    "<xml><Schema action='Create'><Track><ID>1</ID><ISRC>wrong</ISRC></Track></Schema></xml>",
    "<xml><Schema action='Update'><Artist><ID>1</ID><Genres src='g.xml'/></Artist></Schema></xml>",
    "<xml><Schema",
    "",
)
SHARED = "<Genres><Genre><ID>g1</ID></Genre><Genre><ID>g2</ID></Genre></Genres>"


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[FeedFolder]:
    """Three hundred packages, most of them unusual; every tenth file is not there."""
    folder = tmp_path / FEED
    for number in range(300):
        (folder / f"{number:03}").mkdir(parents=True)
        if number % 10 != 9:
            texts = USUAL if number % 7 == 6 else UNUSUAL
            text = texts[number % len(texts)]
            (folder / f"{number:03}" / "package.xml").write_text(text)
    (folder / "g.xml").write_text(SHARED)
    with FeedFolder.open(tmp_path, FEED) as opened:
        yield opened


PATHS = [f"{number:03}/package.xml" for number in range(300)]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two packages it is known whether others are to read."""
    monkeypatch.setattr(readers, "SAMPLE", 2)
    monkeypatch.setattr(readers, "MANY", 1)


def here(feed: FeedFolder) -> partial[Read]:
    """Who reads in this process."""
    return partial(read_package, Loader(feed, Limits()), strict=False)


def told(read: Read) -> tuple[Any, ...]:
    """All that matters of a package that was read, but for the time."""
    faults = read.faults
    counts = (faults.errors, faults.warnings, faults.most, faults.total)
    asked = (read.request, read.asked, read.document.digest)
    return read.path, *map(repr, asked), read.findings(), counts, sorted(read.document.files)


@pytest.mark.parametrize("processes", [1, 3])
def test_whoever_reads_packages_they_are_the_same(feed: FeedFolder, processes: int) -> None:
    """In their order, with the same requests, digests and findings (P6, P9)."""
    want = [told(here(feed)(path)) for path in PATHS]
    with closing(Ahead(feed, READING, here(feed), processes)) as ahead:
        got = [told(read) for read in ahead.reads(iter(PATHS), len(PATHS))]
        assert len(ahead._readers) == processes
    assert got == want


def test_kinds_are_those_of_this_process(feed: FeedFolder) -> None:
    """An object's kind is compared by what it is."""
    with closing(Ahead(feed, READING, here(feed), 1)) as ahead:
        for read in ahead.reads(iter(PATHS), len(PATHS)):
            kind = getattr(read.request, "kind", None)
            assert kind is None or kind is kinds()[kind.name]


def test_large_packages_are_handed_over_a_few_at_a_time(
    feed: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their answers come in several parts."""
    small = "from feedengine import readers; readers.ANSWER_BYTES = 900; readers.main()"
    monkeypatch.setattr(readers, "_COMMAND", (sys.executable, "-c", small))
    with closing(Ahead(feed, READING, here(feed), 1)) as ahead:
        got = [told(read) for read in ahead.reads(iter(PATHS), len(PATHS))]
    assert got == [told(here(feed)(path)) for path in PATHS]


@pytest.mark.parametrize(("ahead", "characters"), [(50, 10_000), (150, 10_000), (10_000, 100)])
def test_no_more_is_asked_for_than_there_is_room(
    feed: FeedFolder, monkeypatch: pytest.MonkeyPatch, ahead: int, characters: int
) -> None:
    """However little that is, everything comes."""
    monkeypatch.setattr(readers, "AHEAD", ahead)
    monkeypatch.setattr(readers, "ASKED_CHARACTERS", characters)
    with closing(Ahead(feed, READING, here(feed), 2)) as reader:
        assert [read.path for read in reader.reads(iter(PATHS), len(PATHS))] == PATHS


@pytest.mark.parametrize("many", [2, 0])
def test_few_packages_are_read_here(feed: FeedFolder, many: int) -> None:
    """Starting a process takes longer."""
    with closing(Ahead(feed, READING, here(feed), 1)) as ahead:
        assert [read.path for read in ahead.reads(iter(PATHS), many)] == PATHS
        assert ahead._readers == []


def test_usual_packages_are_read_here(tmp_path: Path) -> None:
    """They are read at a glance."""
    for number in range(9):
        (tmp_path / FEED / f"{number:03}").mkdir(parents=True)
        (tmp_path / FEED / f"{number:03}" / "package.xml").write_text(USUAL[0])
    with (
        FeedFolder.open(tmp_path, FEED) as feed,
        closing(Ahead(feed, READING, here(feed), 1)) as ahead,
    ):
        assert len(list(ahead.reads(iter(PATHS[:9]), 300))) == 9
        assert ahead._readers == []


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_reader_that_is_killed_has_not_given_is_read_here(
    feed: FeedFolder, processes: int
) -> None:
    """Nothing is lost, nothing comes twice."""
    got = []
    with closing(Ahead(feed, READING, here(feed), processes)) as ahead:
        for read in ahead.reads(iter(PATHS), len(PATHS)):
            got.append(read.path)
            if len(got) == 60:
                os.kill(ahead._readers[0]._beside.process.pid, signal.SIGKILL)
    assert got == PATHS


@pytest.mark.parametrize("command", [(sys.executable, "-c", "pass"), ("/nowhere/python",)])
def test_readers_that_cannot_even_begin_are_done_without(
    feed: FeedFolder, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """As where there is no room for another process."""
    monkeypatch.setattr(readers, "_COMMAND", command)
    with closing(Ahead(feed, READING, here(feed), 2)) as ahead:
        assert [read.path for read in ahead.reads(iter(PATHS), len(PATHS))] == PATHS


_HALF_AN_ANSWER = """
import socket, sys
asker = socket.socket(fileno=int(sys.argv[1]))
asker.sendall(b"\\0\\0\\1\\0half")
asker.shutdown(socket.SHUT_WR)
while asker.recv(65536):
    pass
"""


def test_an_answer_that_is_cut_short_is_none(
    feed: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a reader that is killed while it hands over."""
    monkeypatch.setattr(readers, "_COMMAND", (sys.executable, "-c", _HALF_AN_ANSWER))
    with closing(Ahead(feed, READING, here(feed), 1)) as ahead:
        assert [read.path for read in ahead.reads(iter(PATHS), len(PATHS))] == PATHS


_BROKEN_DISK = """
import errno, sys
from feedengine import readers
from feedengine.feeds.folder import FeedFolder
whole = FeedFolder.read
def read(self, path, limit):
    if path.startswith("123"):
        raise OSError(errno.EIO, "broken")
    return whole(self, path, limit)
FeedFolder.read = read
readers.main()
"""


def test_the_machines_errors_are_no_packages_fault(
    feed: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They pass upwards, as if met in this process; what was asked for before is given."""
    monkeypatch.setattr(readers, "_COMMAND", (sys.executable, "-c", _BROKEN_DISK))
    got: list[str] = []
    with (
        closing(Ahead(feed, READING, here(feed), 1)) as ahead,
        pytest.raises(OSError, match="broken") as it,
    ):
        got.extend(read.path for read in ahead.reads(iter(PATHS), len(PATHS)))
    assert got == PATHS[:102]
    assert it.value.errno == errno.EIO


def test_readers_end_when_nobody_wants_more(feed: FeedFolder) -> None:
    """As when the run is stopped."""
    with closing(Ahead(feed, READING, here(feed), 2)) as ahead:
        reads = ahead.reads(iter(PATHS), len(PATHS))
        for _ in range(5):
            next(reads)
        processes = [reader._beside.process for reader in ahead._readers]
    assert len(processes) == 2
    assert [process.returncode for process in processes] == [0, 0]


_FROZEN = """
import os, signal, sys
from functools import partial
from pathlib import Path
from feedengine import readers
from tests.feeds.test_readers import FEED, PATHS, READING, here
from feedengine.feeds.folder import FeedFolder
readers.SAMPLE, readers.MANY = 2, 1
with FeedFolder.open(Path(sys.argv[1]), FEED) as feed:
    ahead = readers.Ahead(feed, READING, here(feed), 1)
    reads = ahead.reads(iter(PATHS), len(PATHS))
    for _ in range(5):
        next(reads)
    print(ahead._readers[0]._beside.process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_readers_end_with_whom_they_read_for(feed: FeedFolder, tmp_path: Path) -> None:
    """Also when that is killed: nobody asks any more."""
    assert feed.descriptor >= 0
    done = subprocess.run(
        [sys.executable, "-c", _FROZEN, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    reader = Path("/proc") / done.stdout.decode().strip()
    for _ in range(500):
        if not reader.exists() or "Z" in (reader / "stat").read_text().split()[2]:
            return
        time.sleep(0.02)
    pytest.fail("it reads on")
