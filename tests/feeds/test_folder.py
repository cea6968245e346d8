"""Everything that is opened under `Feeds/`: reading, and finding packages."""

from __future__ import annotations

import errno
import gc
import os
import socket
import tempfile
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedengine.feeds import folder
from feedengine.feeds.folder import (
    FeedFolder,
    MissingError,
    OutsideError,
    TooLargeError,
    UnreadableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FEED = "2022/10/11/1666271452953"
LIMIT = 1000


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """The document's first feed, and a secret beside `Feeds/`."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "package.xml").write_bytes(b"outside")
    feed = tmp_path / "Feeds" / FEED
    for number in ("01", "02"):
        (feed / "packages" / number).mkdir(parents=True)
        (feed / "packages" / number / "package.xml").write_bytes(b"inside " + number.encode())
    (feed / "manifest.xml").write_bytes(b"<xml/>")
    return feed


@pytest.fixture
def opened(feed: Path) -> Iterator[FeedFolder]:
    """The same, open."""
    with FeedFolder.open(feed.parents[3], FEED) as opened:
        yield opened


def descriptors() -> int:
    """How many descriptors this process holds."""
    gc.collect()  # what earlier tests have left must not be closed meanwhile
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_read_ahead_is_read_from_the_disk_once(feed: Path, opened: FeedFolder) -> None:
    """G1: the guard has looked at every package before the first is applied."""
    path = "packages/01/package.xml"
    assert opened.read_ahead(path, LIMIT) == b"inside 01"
    (feed / path).write_bytes(b"another")
    with pytest.raises(TooLargeError):
        opened.read(path, 3)
    assert opened.read_ahead(path, LIMIT) == b"another"
    (feed / path).unlink()
    assert opened.read(path, LIMIT) == b"another"
    with pytest.raises(MissingError):
        opened.read(path, LIMIT)


def test_what_is_kept_of_reading_ahead_is_bounded(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second file is read again, and once the first is, there is room."""
    monkeypatch.setattr(folder, "AHEAD_BYTES", 10)
    first, second = (f"packages/0{number}/package.xml" for number in (1, 2))
    opened.read_ahead(first, LIMIT)
    opened.read_ahead(second, LIMIT)
    for path in (first, second):
        (feed / path).write_bytes(b"another")
    assert opened.read(second, LIMIT) == b"another"
    assert opened.read(first, LIMIT) == b"inside 01"
    opened.read_ahead(second, LIMIT)
    (feed / second).unlink()
    assert opened.read(second, LIMIT) == b"another"


def test_reads_files_of_the_feed(opened: FeedFolder) -> None:
    """P1: paths are relative to the feed's folder."""
    assert opened.read("manifest.xml", LIMIT) == b"<xml/>"
    assert opened.read("packages/01/package.xml", LIMIT) == b"inside 01"
    assert opened.read("packages/02/package.xml", LIMIT) == b"inside 02"
    assert opened.read("packages/01/package.xml", LIMIT) == b"inside 01"


def test_empty_files_are_read(feed: Path, opened: FeedFolder) -> None:
    """P11: an empty file is no document, but it is a file."""
    (feed / "empty.xml").touch()
    assert opened.read("empty.xml", 0) == b""


def test_a_feed_that_is_not_there(tmp_path: Path, feed: Path) -> None:
    """P4: a feed that is missing, or is a file, is told apart from one that leads outside."""
    before = descriptors()
    for path in ("2022/10/11/2", "2023/1", f"{FEED}/manifest.xml", "x" * 300):
        with pytest.raises(MissingError) as caught:
            FeedFolder.open(tmp_path / "Feeds", path)
        assert str(tmp_path) not in str(caught.value)
    assert feed.is_dir()
    assert descriptors() == before


@pytest.mark.parametrize("path", ["..", "../outside", "/etc", "2022/../..", "", "2022//10", "a\0"])
def test_a_feed_path_that_is_not_plain(tmp_path: Path, feed: Path, path: str) -> None:
    """P2: a feed is a plain path below `Feeds/`."""
    assert feed.is_dir()
    with pytest.raises(OutsideError):
        FeedFolder.open(tmp_path / "Feeds", path)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_feed_behind_a_link_is_outside(tmp_path: Path, feed: Path, depth: int) -> None:
    """P40: no component below `Feeds/` may be a symbolic link, wherever it leads."""
    component = [feed, *feed.parents][depth]
    component.rename(tmp_path / "moved")
    component.symlink_to(tmp_path / "moved")
    before = descriptors()
    with pytest.raises(OutsideError):
        FeedFolder.open(tmp_path / "Feeds", FEED)
    assert descriptors() == before


def test_the_root_itself_may_be_a_link(tmp_path: Path, feed: Path) -> None:
    """P1: where `Feeds/` lies is the operator's choice."""
    (tmp_path / "link").symlink_to(feed.parents[3])
    with FeedFolder.open(tmp_path / "link", FEED) as opened:
        assert opened.read("manifest.xml", LIMIT) == b"<xml/>"


def test_a_root_that_is_gone_is_no_fault_of_the_feed(tmp_path: Path) -> None:
    """Errors of the environment pass unchanged."""
    with pytest.raises(FileNotFoundError):
        FeedFolder.open(tmp_path / "Feeds", FEED)


@pytest.mark.parametrize(
    "path",
    [
        "nothing.xml",
        "nothing/package.xml",
        "manifest.xml/package.xml",
        "packages",
        "packages/01",
        "packages/01/package.xml/x",
        "x" * 300,
        "y" * 300 + "/package.xml",
    ],
)
def test_what_is_not_there(opened: FeedFolder, path: str) -> None:
    """P40: nothing, or a folder where a file is wanted, is missing."""
    with pytest.raises(MissingError):
        opened.read(path, LIMIT)


@pytest.mark.parametrize(
    "path",
    [
        "../1666271452953/manifest.xml",
        "packages/../manifest.xml",
        "packages//01/package.xml",
        "./manifest.xml",
        "/etc/passwd",
        "/manifest.xml",
        "",
        ".",
        "..",
        "packages/",
        "a\0b",
        "a\0/b",
    ],
)
def test_paths_that_are_not_plain_are_never_opened(opened: FeedFolder, path: str) -> None:
    """P40: `..`, absolute paths and gaps are refused before anything is opened."""
    with pytest.raises(OutsideError):
        opened.read(path, LIMIT)


def test_a_link_in_place_of_a_file(tmp_path: Path, feed: Path, opened: FeedFolder) -> None:
    """P40: links are refused, those that stay in the feed and broken ones too."""
    targets = [tmp_path / "outside/package.xml", feed / "manifest.xml", Path("nowhere")]
    for number, target in enumerate([*targets, Path("link3.xml")]):
        (feed / f"link{number}.xml").symlink_to(target)
        with pytest.raises(OutsideError, match="symbolic link"):
            opened.read(f"link{number}.xml", LIMIT)


def test_a_link_in_place_of_a_folder(tmp_path: Path, feed: Path, opened: FeedFolder) -> None:
    """P40: a link on the way is refused at every depth."""
    (feed / "top").symlink_to(tmp_path / "outside")
    (feed / "packages/03").symlink_to(tmp_path / "outside")
    (feed / "packages/04").symlink_to("01")
    (feed / "packages/05").symlink_to("nowhere")
    for path in ("top", "packages/03", "packages/04", "packages/05"):
        with pytest.raises(OutsideError, match="symbolic link"):
            opened.read(f"{path}/package.xml", LIMIT)


def test_what_is_no_regular_file_is_never_waited_for(feed: Path, opened: FeedFolder) -> None:
    """P40: pipes, sockets and devices are refused at once."""
    os.mkfifo(feed / "pipe.xml")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(feed)
        try:
            listener.bind("socket.xml")
        finally:
            os.chdir(here)
        for name in ("pipe.xml", "socket.xml"):
            with pytest.raises(OutsideError, match="not a regular file"):
                opened.read(name, LIMIT)


def test_too_large_files_are_refused_unread(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11: over the limit is refused before it is read."""
    (feed / "fits.xml").write_bytes(b"x" * LIMIT)
    (feed / "large.xml").write_bytes(b"x" * (LIMIT + 1))
    assert len(opened.read("fits.xml", LIMIT)) == LIMIT
    monkeypatch.delattr(os, "read")
    with pytest.raises(TooLargeError):
        opened.read("large.xml", LIMIT)


@pytest.mark.parametrize(("more", "refused"), [(1, False), (500, False), (501, True), (9000, True)])
def test_a_file_that_grows_while_it_is_read(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch, more: int, *, refused: bool
) -> None:
    """P11: the limit holds for what is read, not for what the size was."""
    path = feed / "growing.xml"
    path.write_bytes(b"x" * 500)
    read = os.read
    grown: list[int] = []

    def growing(descriptor: int, amount: int) -> bytes:
        if not grown:
            with path.open("ab") as end:
                grown.append(end.write(b"y" * more))
        return read(descriptor, amount)

    monkeypatch.setattr(os, "read", growing)
    if refused:
        with pytest.raises(TooLargeError, match="grew"):
            opened.read("growing.xml", LIMIT)
    else:
        assert opened.read("growing.xml", LIMIT) == b"x" * 500 + b"y" * more


def test_a_file_that_shrinks_while_it_is_read(
    feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11: what is there in the end is what was read."""
    path = feed / "shrinking.xml"
    path.write_bytes(b"x" * 500)
    read = os.read

    def shrinking(descriptor: int, amount: int) -> bytes:
        os.truncate(path, 10)
        return read(descriptor, amount)

    monkeypatch.setattr(os, "read", shrinking)
    assert opened.read("shrinking.xml", LIMIT) == b"x" * 10


def failing(monkeypatch: pytest.MonkeyPatch, function: str, name: str, number: int) -> None:
    """Make a call of `os` fail when it is about ``name``."""
    real = getattr(os, function)

    def fails(first: Any, *args: Any, **kwargs: Any) -> Any:
        if first == name:
            raise OSError(number, os.strerror(number), first)
        return real(first, *args, **kwargs)

    monkeypatch.setattr(os, function, fails)


@pytest.mark.parametrize("name", ["package.xml", "01", "packages"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_permission_is_told_apart(
    opened: FeedFolder, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    """P40: a file, or a folder on the way, that may not be read is unreadable, not missing."""
    failing(monkeypatch, "open", name, number)
    with pytest.raises(UnreadableError):
        opened.read("packages/01/package.xml", LIMIT)


@pytest.mark.parametrize("name", ["package.xml", "01"])
@pytest.mark.parametrize(
    "number", [errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ESTALE, errno.ETIMEDOUT]
)
def test_errors_of_the_machine_pass_unchanged(
    opened: FeedFolder, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    """House: environment errors are retried by the caller and never blamed on a package."""
    failing(monkeypatch, "open", name, number)
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        opened.read("packages/01/package.xml", LIMIT)
    assert caught.value.errno == number
    monkeypatch.undo()
    assert opened.read("packages/01/package.xml", LIMIT) == b"inside 01"


def test_a_disk_that_fails_while_reading_leaks_nothing(
    opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """House: EIO passes unchanged, and the descriptor is given back."""
    opened.read("packages/01/package.xml", LIMIT)
    before = descriptors()

    def broken(_descriptor: int, _amount: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", broken)
    with pytest.raises(OSError, match="error"):
        opened.read("packages/01/package.xml", LIMIT)
    assert descriptors() == before


def test_few_folders_are_kept_open(feed: Path, opened: FeedFolder) -> None:
    """A feed of any size and depth needs a handful of descriptors, and gives them back."""
    before = descriptors()
    deep = "/".join(["d"] * 100)
    (feed / deep).mkdir(parents=True)
    (feed / deep / "a.xml").write_bytes(b"deep")
    for number in range(60):
        (feed / "packages" / f"x{number}").mkdir()
        (feed / "packages" / f"x{number}" / "package.xml").write_bytes(b"%d" % number)
    for number in range(60):
        assert opened.read(f"packages/x{number}/package.xml", LIMIT) == b"%d" % number
        assert opened.read("packages/01/package.xml", LIMIT) == b"inside 01"
    assert opened.read(f"{deep}/a.xml", LIMIT) == b"deep"
    assert f"{deep}/a.xml" in list(opened.packages("**"))
    assert descriptors() <= before + 16
    opened.close()
    opened.close()
    assert descriptors() == before - 1
    with pytest.raises(OSError, match="descriptor"):
        opened.read("manifest.xml", LIMIT)


def test_a_folder_swapped_between_opening_and_reading(
    tmp_path: Path, feed: Path, opened: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P40: a link put in the way of a folder that is already open changes nothing."""
    real = os.open

    def swapped(name: str, *args: Any, **kwargs: Any) -> int:
        if name == "package.xml":
            (feed / "packages/01").rename(feed / "packages/old")
            (feed / "packages/01").symlink_to(tmp_path / "outside")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", swapped)
    assert opened.read("packages/01/package.xml", LIMIT) == b"inside 01"


def test_nothing_outside_is_read_in_a_race(tmp_path: Path, feed: Path) -> None:
    """P40: a folder that turns into a link and back, 3,000 reads, never the file outside."""
    folder, aside = feed / "packages/01", feed / "packages/aside"
    link = feed / "packages/link"
    link.symlink_to(tmp_path / "outside")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            folder.rename(aside)
            link.rename(folder)
            folder.rename(link)
            aside.rename(folder)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen: set[bytes | str] = set()
    try:
        for _ in range(3000):
            with FeedFolder.open(tmp_path / "Feeds", FEED) as opened:
                try:
                    seen.add(opened.read("packages/01/package.xml", LIMIT))
                except (MissingError, OutsideError) as error:
                    seen.add(type(error).__name__)
    finally:
        done.set()
        swapper.join()
    assert seen <= {b"inside 01", "MissingError", "OutsideError"}


def packages(feed: Path, glob: str) -> list[str]:
    """What a glob finds in a feed."""
    with FeedFolder.open(feed.parents[3], FEED) as opened:
        return list(opened.packages(glob))


def test_the_documents_own_glob_does_not_match_its_own_package(feed: Path) -> None:
    """P6: `packages/*/*/package.xml` matches nothing; the message names what is there."""
    assert packages(feed, "packages/*/*/package.xml") == []
    with FeedFolder.open(feed.parents[3], FEED) as opened:
        assert opened.package_files() == ["packages/01/package.xml", "packages/02/package.xml"]


def test_at_most_five_package_files_are_named(feed: Path) -> None:
    """P6: enough to see the mistake."""
    for number in range(3, 12):
        (feed / f"packages/{number}").mkdir()
        (feed / f"packages/{number}/package.xml").touch()
    (feed / "package.xml").touch()
    (feed / "packages/01/old-package.xml").touch()
    with FeedFolder.open(feed.parents[3], FEED) as opened:
        found = opened.package_files()
    assert found == ["package.xml", *(f"packages/{n}/package.xml" for n in ("01", "02", "3", "4"))]


def test_packages_run_in_natural_order(feed: Path) -> None:
    """P6: `2` before `10`, component by component; files and folders among each other."""
    for name in ("2", "10", "10.b", "1-a"):
        (feed / "packages" / name).mkdir()
        (feed / "packages" / name / "p10.xml").touch()
        (feed / "packages" / name / "p9.xml").touch()
    (feed / "packages/3.xml").touch()
    assert packages(feed, "packages/**/*.xml") == [
        "packages/01/package.xml",
        "packages/1-a/p9.xml",
        "packages/1-a/p10.xml",
        "packages/02/package.xml",
        "packages/2/p9.xml",
        "packages/2/p10.xml",
        "packages/3.xml",
        "packages/10/p9.xml",
        "packages/10/p10.xml",
        "packages/10.b/p9.xml",
        "packages/10.b/p10.xml",
    ]


@pytest.mark.parametrize(
    "glob", ["packages/*/package.xml", "packages/0?/package.xml", "**/package.xml", "**/p*e.xml"]
)
def test_every_way_to_write_it_finds_the_same(feed: Path, glob: str) -> None:
    """P6: wildcards, names and `**`."""
    assert packages(feed, glob) == ["packages/01/package.xml", "packages/02/package.xml"]


def test_one_package_at_the_top(feed: Path) -> None:
    """The document's second feed: `package.xml` beside its manifest."""
    (feed / "package.xml").touch()
    assert packages(feed, "package.xml") == ["package.xml"]
    assert packages(feed, "*.xml") == ["package.xml"]
    assert packages(feed, "Package.xml") == []
    assert packages(feed, "nothing/here.xml") == []
    assert packages(feed, "x" * 300) == []


def test_our_own_files_and_the_manifest_are_no_packages(feed: Path) -> None:
    """P6, P8: logs, logs being written and the feed's manifest are never given."""
    for name in ("1.success.log", "2.error.log", ".3.success.log.tmp", ".4.error.log.tmp"):
        (feed / "packages/01" / name).touch()
    (feed / "packages/manifest.xml").touch()
    (feed / "packages/01/5.success.log").symlink_to("nowhere")
    everything = packages(feed, "**")
    assert everything == [
        "packages/01/package.xml",
        "packages/02/package.xml",
        "packages/manifest.xml",
    ]
    assert packages(feed, "manifest.xml") == []
    assert packages(feed, "packages/01/.*") == []
    assert packages(feed, "packages/01/1.success.log") == []


def test_hidden_files_need_to_be_named(feed: Path) -> None:
    """P6: a wildcard never matches a hidden name."""
    (feed / ".git").mkdir()
    (feed / ".git/package.xml").touch()
    (feed / ".package.xml").touch()
    assert packages(feed, "*.xml") == []
    assert ".git/package.xml" not in packages(feed, "**/package.xml")
    assert packages(feed, ".git/*.xml") == [".git/package.xml"]
    assert packages(feed, ".*") == [".package.xml"]


def test_links_are_given_as_they_are_and_never_followed(tmp_path: Path, feed: Path) -> None:
    """P40: a link where something could match fails as a package, so that nothing is lost."""
    (feed / "packages/03").symlink_to(tmp_path / "outside")
    (feed / "packages/04").mkdir()
    (feed / "packages/04/package.xml").symlink_to(tmp_path / "outside/package.xml")
    (feed / "other").symlink_to(tmp_path / "outside")
    found = packages(feed, "packages/*/package.xml")
    assert found[2:] == ["packages/03", "packages/04/package.xml"]
    assert packages(feed, "packages/03/package.xml") == ["packages/03"]
    assert packages(feed, "**/package.xml") == ["other", *found]
    with FeedFolder.open(feed.parents[3], FEED) as opened:
        for path in ("other", *found[2:]):
            with pytest.raises(OutsideError):
                opened.read(path, LIMIT)


def test_what_is_no_regular_file_is_given_and_fails(feed: Path) -> None:
    """P40: a pipe named like a package is not passed over."""
    os.mkfifo(feed / "packages/01/pipe.xml")
    assert "packages/01/pipe.xml" in packages(feed, "packages/*/*.xml")


def test_a_folder_that_may_not_be_listed_is_given(
    feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P6: what cannot be looked into is not passed over, and fails when it is read."""
    failing(monkeypatch, "open", "01", errno.EACCES)
    assert packages(feed, "packages/*/*.xml") == ["packages/01", "packages/02/package.xml"]
    monkeypatch.undo()
    failing(monkeypatch, "stat", "01/package.xml", errno.EACCES)
    assert packages(feed, "packages/*/package.xml") == ["packages/01", "packages/02/package.xml"]


def test_a_folder_that_changes_while_it_is_walked(tmp_path: Path, feed: Path) -> None:
    """P40: one that turns into a link is given as such, one that goes is passed over."""
    for number in ("03", "04"):
        (feed / "packages" / number).mkdir()
        (feed / "packages" / number / "package.xml").touch()
    with FeedFolder.open(feed.parents[3], FEED) as opened:
        found = opened.packages("packages/*/*.xml")
        assert next(found) == "packages/01/package.xml"
        (feed / "packages/02").rename(tmp_path / "gone")
        (feed / "packages/03").rename(tmp_path / "moved")
        (feed / "packages/03").symlink_to(tmp_path / "outside")
        assert list(found) == ["packages/03", "packages/04/package.xml"]


def test_errors_of_the_machine_pass_unchanged_from_a_walk(
    feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """House: a disk that fails is no reason to take a feed for shorter than it is."""
    for function, name in (("open", "01"), ("stat", "01/package.xml")):
        failing(monkeypatch, function, name, errno.EIO)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            packages(feed, "packages/*/*.xml" if function == "open" else "packages/*/package.xml")
        monkeypatch.undo()


def test_a_file_system_that_ignores_case_is_listed(
    feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P6: globs stay case-sensitive where the file system is not."""
    real = os.stat

    def blind(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        return real(path.lower() if isinstance(path, str) else path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", blind)
    assert packages(feed, "packages/*/Package.xml") == []
    assert packages(feed, "packages/*/package.xml") != []


@pytest.mark.parametrize("glob", ["../*", "/packages/*", "packages\\*", "packages//*", ""])
def test_globs_that_point_outside_are_refused_at_once(opened: FeedFolder, glob: str) -> None:
    """P6: told when asked, not when the first package is wanted."""
    with pytest.raises(OutsideError):
        opened.packages(glob)


TREES = st.lists(
    st.lists(st.sampled_from(["a", "b", "10", "2", ".h", "p.xml"]), min_size=1, max_size=4),
    max_size=8,
)
GLOBS = st.lists(
    st.sampled_from(["*", "a", "[ab]", "?", "*.xml", "p.xml", "1*"]), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(TREES, GLOBS)
def test_a_walk_finds_what_the_obvious_search_finds(tree: list[list[str]], glob: list[str]) -> None:
    """P6: the walk, on real folders, against a listing of everything."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for parts in tree:
            path = root.joinpath("f", *parts)
            if not path.exists() and not any(above.is_file() for above in path.parents):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        files = [path.relative_to(root / "f") for path in root.glob("f/**/*") if path.is_file()]
        expected = {
            str(file)
            for file in files
            if len(file.parts) == len(glob)
            and not any(part.startswith(".") for part in file.parts)
            and all(map(fnmatchcase, file.parts, glob))
        }
        (root / "f").mkdir(exist_ok=True)
        with FeedFolder.open(root, "f") as opened:
            found = list(opened.packages("/".join(glob)))
    assert set(found) == expected
    assert len(found) == len(expected)
