"""The logs beside packages (P8): named once, whole at once, never over another."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.feeds import descriptors
from feedengine.feeds.folder import FeedFolder, MissingError, OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENT = 1666271452953


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A feed with a package in a folder of its own."""
    (tmp_path / "feed/packages/01").mkdir(parents=True)
    return tmp_path / "feed"


@pytest.fixture
def opened(feed: Path) -> Iterator[FeedFolder]:
    """The same, open."""
    with FeedFolder.open(feed.parent, "feed") as opened:
        yield opened


def write(opened: FeedFolder, milliseconds: int = MOMENT, text: bytes = b"text\n") -> str:
    """A success log of the package."""
    return opened.write_log("packages/01/package.xml", milliseconds, "success", text)


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system where a file has one name only."""

    def link(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)


@pytest.fixture(params=["links", "no links"])
def _both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once on a file system with hard links, once without."""
    if request.param == "no links":
        refuse_links(monkeypatch)


@pytest.mark.usefixtures("_both")
def test_a_log_stands_beside_its_package(feed: Path, opened: FeedFolder) -> None:
    """P8: `<milliseconds>.success.log`, whole, and nothing else is left."""
    assert write(opened) == f"packages/01/{MOMENT}.success.log"
    assert (feed / f"packages/01/{MOMENT}.success.log").read_bytes() == b"text\n"
    assert len(list((feed / "packages/01").iterdir())) == 1
    assert opened.write_log("manifest.xml", 5, "error", b"") == "5.error.log"
    assert (feed / "5.error.log").read_bytes() == b""


@pytest.mark.usefixtures("_both")
def test_a_taken_name_takes_the_next_millisecond(feed: Path, opened: FeedFolder) -> None:
    """P8: nothing is ever replaced, not even a link or a folder of that name."""
    folder = feed / "packages/01"
    (folder / f"{MOMENT}.success.log").write_bytes(b"another's")
    (folder / f"{MOMENT + 1}.success.log").symlink_to("nowhere")
    (folder / f"{MOMENT + 2}.success.log").mkdir()
    assert write(opened) == f"packages/01/{MOMENT + 3}.success.log"
    assert (folder / f"{MOMENT}.success.log").read_bytes() == b"another's"
    assert not (folder / "nowhere").exists()
    assert len(list(folder.iterdir())) == 4


@pytest.mark.usefixtures("_both")
def test_the_very_same_log_is_written_once(feed: Path, opened: FeedFolder) -> None:
    """P8: whoever was frozen while another wrote the log finds it there."""
    folder = feed / "packages/01"
    (folder / f"{MOMENT}.success.log").write_bytes(b"another's")
    assert write(opened) == f"packages/01/{MOMENT + 1}.success.log"
    with FeedFolder.open(feed.parent, "feed") as again:
        assert write(again) == f"packages/01/{MOMENT + 1}.success.log"
    assert len(list(folder.iterdir())) == 2


def test_an_abandoned_temporary_file_is_in_nobodys_way(feed: Path, opened: FeedFolder) -> None:
    """P8: what a crash has left, or a link planted there, is neither used nor replaced."""
    folder = feed / "packages/01"
    (folder / f".{MOMENT}.success.log.tmp").symlink_to(feed / "victim")
    (folder / f".{MOMENT + 1}.success.log.tmp").write_bytes(b"half")
    assert write(opened) in {f"packages/01/{MOMENT + n}.success.log" for n in range(3)}
    assert not (feed / "victim").exists()
    assert (folder / f".{MOMENT + 1}.success.log.tmp").read_bytes() == b"half"


def test_many_packages_in_one_folder_and_one_millisecond(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: each gets a name of its own, and no name is tried over and over."""
    tries, link = [], os.link

    def counted(*args: Any, **kwargs: Any) -> None:
        tries.append(args)
        link(*args, **kwargs)

    monkeypatch.setattr(os, "link", counted)
    names = [opened.write_log(f"p{n}.xml", MOMENT, "success", b"%d" % n) for n in range(300)]
    assert names == [f"{MOMENT + n}.success.log" for n in range(300)]
    assert len(tries) == 300
    assert opened.write_log("a.xml", MOMENT, "error", b"1") == f"{MOMENT}.error.log"
    assert opened.write_log("a.xml", MOMENT - 1, "error", b"2") == f"{MOMENT - 1}.error.log"
    assert opened.write_log("a.xml", MOMENT - 1, "error", b"3") == f"{MOMENT + 1}.error.log"
    assert opened.write_log("a.xml", MOMENT + 9, "error", b"4") == f"{MOMENT + 9}.error.log"
    assert len(list(feed.glob("*.log"))) == 304


@pytest.mark.usefixtures("_both")
def test_writers_at_the_same_time_lose_nothing(feed: Path) -> None:
    """P8: four writers, one folder, one millisecond: every log is there, whole."""
    start = threading.Barrier(4)

    def writer(number: int) -> None:
        with FeedFolder.open(feed.parent, "feed") as opened:
            start.wait()
            for turn in range(40):
                write(opened, text=b"%d of %d" % (turn, number))

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [path.read_bytes() for path in (feed / "packages/01").iterdir()]
    assert sorted(texts) == sorted(b"%d of %d" % (t, n) for t in range(40) for n in range(4))


def test_short_writes_are_completed(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: a log is whole before it has its name."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
    write(opened, text=b"x" * 100)
    assert (feed / f"packages/01/{MOMENT}.success.log").read_bytes() == b"x" * 100


@pytest.mark.parametrize(
    ("function", "number"), [("write", errno.ENOSPC), ("link", errno.EROFS), ("open", errno.EROFS)]
)
def test_a_disk_that_takes_no_log_is_the_operators(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch, function: str, number: int
) -> None:
    """P8: the error passes unchanged, nothing half-written is left, and later ones are written."""
    real = getattr(os, function)

    def fails(*args: Any, **kwargs: Any) -> Any:
        if function == "open" and not str(args[0]).endswith(".tmp"):
            return real(*args, **kwargs)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, function, fails)
    with pytest.raises(OSError, match=os.strerror(number)):
        write(opened)
    monkeypatch.undo()
    assert list((feed / "packages/01").iterdir()) == []
    assert write(opened) == f"packages/01/{MOMENT}.success.log"


def test_without_links_a_failed_rename_leaves_nothing(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: the empty file that held the name goes too."""
    refuse_links(monkeypatch)

    def rename(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write(opened)
    assert list((feed / "packages/01").iterdir()) == []


def test_a_log_never_leaves_the_feed(tmp_path: Path, feed: Path, opened: FeedFolder) -> None:
    """P40: a folder that became a link takes no log, and a missing one is not made."""
    (tmp_path / "outside").mkdir()
    (feed / "packages/02").symlink_to(tmp_path / "outside")
    for path, error in (
        ("packages/02/package.xml", OutsideError),
        ("../package.xml", OutsideError),
        ("packages/03/package.xml", MissingError),
    ):
        with pytest.raises(error):
            opened.write_log(path, MOMENT, "error", b"")
    assert list((tmp_path / "outside").iterdir()) == []


def test_an_interrupted_move_is_completed(tmp_path: Path) -> None:
    """P5: a file that has both names after a crash is moved, not doubled."""
    (tmp_path / "a").write_bytes(b"x")
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").write_bytes(b"x")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert descriptors.move_in(folder, "a", folder, "b")
        assert not descriptors.move_in(folder, "b", folder, "c")
    finally:
        os.close(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]


def test_a_name_that_is_given_up_meanwhile_counts_as_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: the next name is as good, and what was to be moved is still there."""
    (tmp_path / "a").write_bytes(b"x")

    def link(*_args: Any, **_kwargs: Any) -> None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    monkeypatch.setattr(os, "link", link)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert not descriptors.move_in(folder, "a", folder, "b")
    finally:
        os.close(folder)
    assert (tmp_path / "a").read_bytes() == b"x"


def test_logs_are_found_again_and_what_a_crash_left_of_them_goes(
    feed: Path, opened: FeedFolder
) -> None:
    """P8: first lines by their time; half-written ones and names without text are taken away."""
    folder = feed / "packages/01"
    write(opened, MOMENT, b"p applied\nmore\n")
    opened.write_log("packages/01/package.xml", MOMENT, "error", b"p failed")
    (folder / f".{MOMENT}.success.log.tmp").write_bytes(b"p app")
    (folder / f"{MOMENT + 1}.success.log").touch()
    (folder / f"{MOMENT + 2}.success.log").symlink_to("package.xml")
    (folder / f"{MOMENT + 3}.success.log").mkdir()
    others = ["notes.log", f".{MOMENT}.success.log", f"{MOMENT}.success.log.tmp", "1.error.log.tmp"]
    for name in others:
        (folder / name).touch()
    found = opened.logs("packages/01")
    assert sorted(found) == [(MOMENT, "error", b"p failed"), (MOMENT, "success", b"p applied")]
    left = {entry.name for entry in folder.iterdir()} - set(others)
    assert left == {
        *(f"{MOMENT + number}.success.log" for number in (0, 2, 3)),
        f"{MOMENT}.error.log",
    }


def test_a_file_system_is_synced_and_one_that_is_not_there_is_left(tmp_path: Path) -> None:
    """P8: for logs, before a run counts as filed; errors of the machine are told."""
    descriptors.sync_file_system(tmp_path)
    descriptors.sync_file_system(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError):
        descriptors.sync_file_system(Path(__file__))
