"""The Stack: which entries wait, in what order, and where they go."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.errors import RefusedError, UsageError
from feedengine.feeds.folder import MissingError, OutsideError, TooLargeError, UnreadableError
from feedengine.feeds.stack import (
    Manifest,
    Signature,
    Stack,
    StackEntry,
    Unfinished,
    client_mismatch,
    feed_missing,
    manifest_missing,
    no_packages,
    settled,
)

if TYPE_CHECKING:
    from pathlib import Path

    from feedengine.feeds.stack import Finished

ENTRY = b'<xml><Client>A</Client><Feed path="/2022/1"/></xml>'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty Stack."""
    (tmp_path / "Stack").mkdir()
    return tmp_path / "Stack"


@pytest.fixture
def stack(path: Path) -> Stack:
    """The same."""
    return Stack(path)


@pytest.fixture(params=["links", "no links"])
def _both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once on a file system with hard links, once without."""
    if request.param == "no links":

        def link(*_args: Any, **_kwargs: Any) -> None:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

        monkeypatch.setattr(os, "link", link)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_what_is_an_entry(path: Path, stack: Stack) -> None:
    """P2: names in `.xml`; hidden ones, unfinished ones and folders are none."""
    for name in (".1.xml", "1.xml.tmp", "1.xml.part", "1.xml~", "1.XML", "readme", ".xml", "1.xml"):
        (path / name).touch()
    for name in ("processed", "failed", "held", "folder.xml"):
        (path / name).mkdir()
    assert stack.scan() == ["1.xml"]


def test_entries_are_taken_by_number_then_by_text(path: Path, stack: Stack) -> None:
    """P3: numeric names by number, before others by text."""
    ordered = ["2.xml", "010.xml", "10.xml", "1666271452953.xml", "9" * 250 + ".xml"]
    ordered += ["-1.xml", "1.5.xml", "1a.xml", "A.xml", "a.xml", "²3.xml", "٣.xml"]
    shuffled = [*ordered]
    Random(1).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    for name in shuffled:
        (path / name).touch()
    assert stack.scan() == ordered


def test_many_entries_keep_their_order(path: Path, stack: Stack) -> None:
    """P3: 20,000 entries, written in any order."""
    numbers = list(range(20_000))
    Random(2).shuffle(numbers)  # noqa: S311 - an order, not a secret
    folder = os.open(path, os.O_RDONLY)
    try:
        for number in numbers:
            os.close(os.open(f"{number}.xml", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    finally:
        os.close(folder)
    assert stack.scan() == [f"{number}.xml" for number in range(20_000)]


def test_a_stack_that_is_gone_is_no_empty_stack(tmp_path: Path) -> None:
    """Errors of the environment pass unchanged."""
    with pytest.raises(FileNotFoundError):
        Stack(tmp_path / "Stack").scan()


def test_an_entry_is_read_with_its_signature(path: Path, stack: Stack) -> None:
    """P4: the signature is that of the file which was read."""
    (path / "1.xml").write_bytes(ENTRY)
    status = (path / "1.xml").stat()
    signature = Signature(status.st_ino, status.st_mtime_ns, len(ENTRY))
    assert stack.read("1.xml") == (ENTRY, signature)
    assert stack.signature("1.xml") == signature
    assert stack.load("1.xml") == StackEntry("1.xml", "A", "2022/1", signature)


def test_a_file_written_while_it_is_read_is_fresh(
    path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: what is written during the reading shows in the signature, so it is read again."""
    (path / "1.xml").write_bytes(ENTRY[:9])
    os.utime(path / "1.xml", (1, 1))
    real = os.read

    def late(descriptor: int, amount: int) -> bytes:
        data = real(descriptor, amount)
        (path / "1.xml").write_bytes(ENTRY)
        return data

    monkeypatch.setattr(os, "read", late)
    data, signature = stack.read("1.xml")
    assert data == ENTRY[:9]
    assert signature.size == len(ENTRY)
    assert signature.mtime_ns > 10**18


def test_an_entry_that_has_gone(stack: Stack) -> None:
    """P5: another run may have taken it."""
    for look in (stack.read, stack.load, stack.signature):
        with pytest.raises(MissingError):
            look("1.xml")


@pytest.mark.parametrize("name", ["../Feeds/1.xml", "/etc/passwd", "", ".", "..", "a\0.xml"])
def test_names_that_are_none(stack: Stack, name: str) -> None:
    """P2: an entry is directly in the Stack."""
    for use in (stack.read, stack.signature, stack.unhold, lambda n: stack.move(n, "failed")):
        with pytest.raises(OutsideError):
            use(name)


def test_links_and_pipes_are_no_entries(tmp_path: Path, path: Path, stack: Stack) -> None:
    """P2: they are seen, never followed, invalid, and can be moved away as they are."""
    (tmp_path / "secret.xml").write_bytes(ENTRY)
    (path / "1.xml").symlink_to(tmp_path / "secret.xml")
    (path / "2.xml").symlink_to("nowhere")
    (path / "3.xml").symlink_to(tmp_path)
    os.mkfifo(path / "4.xml")
    assert stack.scan() == ["1.xml", "2.xml", "3.xml", "4.xml"]
    for name in stack.scan():
        found = stack.load(name)
        assert isinstance(found, list)
        (fault,) = found
        assert (fault.code, fault.place) == ("entry-invalid", (None, name))
        assert str(tmp_path) not in fault.message + fault.hint
        assert stack.move(name, "failed", stack.signature(name)) == name
    assert stack.scan() == []
    assert (path / "failed/1.xml").is_symlink()
    assert (tmp_path / "secret.xml").read_bytes() == ENTRY


def test_an_entry_too_large_is_invalid(path: Path, stack: Stack) -> None:
    """P2, P11: refused by its size, unread."""
    with (path / "1.xml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TooLargeError):
        stack.read("1.xml")
    found = stack.load("1.xml")
    assert isinstance(found, list)
    assert [fault.code for fault in found] == ["entry-invalid"]


def test_an_entry_that_may_not_be_read_may_be_yet(
    path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: permission may still come, as the rest of a file may; then it is invalid."""
    (path / "1.xml").write_bytes(ENTRY)
    real = os.open

    def refused(name: Any, *args: Any, **kwargs: Any) -> int:
        if name == "1.xml":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(UnreadableError):
        stack.read("1.xml")
    found = stack.load("1.xml")
    assert isinstance(found, Unfinished)
    assert found.fault.code == "entry-invalid"


@pytest.mark.parametrize(
    ("mtime", "first_seen", "now", "expected"),
    [
        (100.0, 100.0, 101.9, False),
        (100.0, 100.0, 102.0, True),
        (100.0, 150.0, 150.0, True),
        (99.0, 100.0, 100.5, False),
        (500.0, 100.0, 101.9, False),
        (500.0, 100.0, 102.0, True),
        (101.0, 100.0, 102.0, True),
    ],
)
def test_when_a_file_counts_as_written(
    mtime: float, first_seen: float, now: float, *, expected: bool
) -> None:
    """P4: two seconds from mtime; a future mtime counts from when it was first seen."""
    signature = Signature(1, int(mtime * 1e9), 5)
    assert settled(signature, now, now - first_seen) is expected


def test_the_settle_time_is_a_setting() -> None:
    """P4: 2 s is the default only."""
    signature = Signature(1, 100 * 10**9, 5)
    assert not settled(signature, 129.0, 29.0, settle=30.0)
    assert settled(signature, 100.0, 0.0, settle=0.0)


@pytest.mark.usefixtures("_both")
@pytest.mark.parametrize("to", ["processed", "failed", "held"])
def test_a_finished_entry_leaves_the_stack(path: Path, stack: Stack, to: Finished) -> None:
    """P5: to the folder of what became of it; a taken name gets `.2`, `.3`."""
    for turn, name in enumerate(["1666.xml", "1666.2.xml", "1666.3.xml"]):
        (path / "1666.xml").write_bytes(b"%d" % turn)
        assert stack.move("1666.xml", to) == name
        assert (path / to / name).read_bytes() == b"%d" % turn
    assert names(path) == [to]
    assert names(path / to) == ["1666.2.xml", "1666.3.xml", "1666.xml"]


@pytest.mark.usefixtures("_both")
def test_a_name_as_long_as_can_be_gets_a_number(path: Path, stack: Stack) -> None:
    """P5: the number fits where the name fills all 255 bytes."""
    name = "é" * 125 + "x.xml"
    for _ in range(2):
        (path / name).touch()
        moved = stack.move(name, "processed")
    assert moved.endswith(".2.xml")
    assert len(os.fsencode(moved)) <= 255
    assert len(names(path / "processed")) == 2


def test_moving_what_has_gone(path: Path, stack: Stack) -> None:
    """P5: an entry that another run has moved is missing, and nothing is made."""
    with pytest.raises(MissingError):
        stack.move("1.xml", "processed")
    with pytest.raises(MissingError):
        stack.unhold("1.xml")
    assert names(path / "processed") == []


def test_an_entry_that_was_replaced_stays(path: Path, stack: Stack) -> None:
    """P9: a second entry under the same name, written meanwhile, is a new attempt."""
    (path / "1.xml").write_bytes(ENTRY)
    _, signature = stack.read("1.xml")
    (path / "new.tmp").write_bytes(ENTRY + b"\n")
    (path / "new.tmp").rename(path / "1.xml")
    with pytest.raises(MissingError):
        stack.move("1.xml", "processed", signature)
    assert stack.scan() == ["1.xml"]
    assert stack.move("1.xml", "processed", stack.signature("1.xml")) == "1.xml"


@pytest.mark.usefixtures("_both")
def test_entries_are_moved_together_and_none_is_replaced(path: Path, stack: Stack) -> None:
    """P5: a taken name gets a number; what has gone, or is another's by now, is passed over."""
    for name in ("1.xml", "2.xml", "3.xml", "4.xml"):
        (path / name).write_bytes(ENTRY)
    known = [(name, stack.signature(name)) for name in stack.scan()]
    (path / "processed").mkdir()
    (path / "processed" / "1.xml").write_bytes(b"earlier")
    (path / "2.xml").unlink()
    (path / "3.xml").unlink()
    (path / "3.xml").write_bytes(ENTRY + b" ")
    stack.move_all(known, "processed")
    assert stack.scan() == ["3.xml"]
    there = {one.name: one.read_bytes() for one in (path / "processed").iterdir()}
    assert there == {"1.xml": b"earlier", "1.2.xml": ENTRY, "4.xml": ENTRY}


def test_an_entry_that_is_replaced_while_all_are_moved_stays(
    path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P5: put in its place when the move has half begun, it is a new entry."""
    (path / "1.xml").write_bytes(ENTRY)
    signature = stack.signature("1.xml")
    real = os.link

    def link(source: str, *given: Any, **named: Any) -> None:
        real(source, *given, **named)
        (path / "new").write_bytes(ENTRY + b" ")
        (path / "new").rename(path / "1.xml")

    monkeypatch.setattr(os, "link", link)
    stack.move_all([("1.xml", signature)], "processed")
    assert (path / "1.xml").read_bytes() == ENTRY + b" "
    assert (path / "processed" / "1.xml").read_bytes() == ENTRY


@pytest.mark.usefixtures("_both")
def test_two_movers_move_once(path: Path, stack: Stack) -> None:
    """P5: whoever comes second finds the entry gone, and nothing is lost or doubled."""
    for turn in range(30):
        (path / "1.xml").write_bytes(b"%d" % turn)
        start = threading.Barrier(2)

        def mover(start: threading.Barrier = start) -> None:
            start.wait()
            with suppress(MissingError):
                stack.move("1.xml", "processed")

        threads = [threading.Thread(target=mover) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    texts = sorted(file.read_bytes() for file in (path / "processed").iterdir())
    assert [text for text in texts if text] == sorted(b"%d" % turn for turn in range(30))


def test_both_folders_are_synced(path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """P5: the new name is on disk before the old one goes."""
    (path / "1.xml").touch()
    seen: list[tuple[int, bool, bool]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        seen.append((inode, (path / "1.xml").exists(), (path / "processed/1.xml").exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    stack.move("1.xml", "processed")
    inodes = (path / "processed").stat().st_ino, path.stat().st_ino
    assert seen == [(inodes[0], True, True), (inodes[1], False, True)]


@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_folders_that_cannot_be_synced(
    path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch, number: int, *, passes: bool
) -> None:
    """P5: some file systems sync no folders; a disk that fails is another matter."""
    (path / "1.xml").touch()

    def fsync(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    if passes:
        with pytest.raises(OSError, match=os.strerror(number)):
            stack.move("1.xml", "processed")
    else:
        assert stack.move("1.xml", "processed") == "1.xml"


def test_a_held_entry_comes_back_under_its_name(path: Path, stack: Stack) -> None:
    """G1: a released entry waits again where it stood, and takes nobody's place."""
    (path / "1.xml").write_bytes(b"held")
    stack.move("1.xml", "held")
    assert stack.scan() == []
    (path / "1.xml").write_bytes(b"new")
    with pytest.raises(RefusedError):
        stack.unhold("1.xml")
    assert (path / "1.xml").read_bytes() == b"new"
    (path / "1.xml").unlink()
    assert stack.unhold("1.xml") == "1.xml"
    assert (path / "1.xml").read_bytes() == b"held"
    assert names(path / "held") == []


def test_a_side_folder_that_is_none(tmp_path: Path, path: Path, stack: Stack) -> None:
    """P5: entries never go through a link; the operator is told, without a path of the disk."""
    (tmp_path / "outside").mkdir()
    (path / "processed").symlink_to(tmp_path / "outside")
    (path / "failed").touch()
    (path / "1.xml").touch()
    for to in ("processed", "failed"):
        with pytest.raises(UsageError, match=f"Stack/{to}") as caught:
            stack.move("1.xml", to)
        assert str(tmp_path) not in caught.value.message
    assert names(tmp_path / "outside") == []
    assert stack.scan() == ["1.xml"]


def test_the_log_of_a_bad_entry_stands_beside_it(path: Path, stack: Stack) -> None:
    """P8: in `failed/`; a taken name takes the next millisecond."""
    assert stack.write_log(1666, b"another\n") == "1666.error.log"
    assert stack.write_log(1666, b"why\n") == "1667.error.log"
    assert (path / "failed/1667.error.log").read_bytes() == b"why\n"
    assert stack.scan() == []


def test_the_findings_of_a_feed() -> None:
    """P4, P6: each names what it is about, relative to `Feeds/` or the Stack."""
    entry = StackEntry("1.xml", "Sony", "2022/1", Signature(1, 2, 3))
    mismatch = client_mismatch(entry, Manifest("sony\x1b", "*"))
    assert mismatch.code == "client-mismatch"
    assert "'sony\\u001b'" in mismatch.message
    assert "'Sony'" in mismatch.message
    found = no_packages("packages/*/*/package.xml", ["packages/01/package.xml"])
    assert found.code == "no-packages"
    assert found.message == (
        "'packages/*/*/package.xml' matches no package; there are 'packages/01/package.xml'"
    )
    assert "no package.xml" in no_packages("*", []).message
    assert feed_missing(entry).code == "feed-missing"
    assert manifest_missing(entry).code == "manifest-missing"
    assert {fault.rule for fault in (feed_missing(entry), manifest_missing(entry))} == {"P4"}
