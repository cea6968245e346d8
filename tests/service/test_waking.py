"""What wakes the loop: events of one folder, and everything that may make an observer deaf."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedengine.service import filesystems, waking
from feedengine.service.waking import MOST_MISSED, Eyes

from .running import LIMIT_SECONDS


class Seen:
    """Eyes on a folder, and what they told."""

    def __init__(self, stack: Path, *, poll_only: bool = False, kind: str | None = None) -> None:
        """Not open yet."""
        self.bell = threading.Event()
        self.told: list[tuple[str, str]] = []
        self.eyes = Eyes(
            stack,
            self.bell,
            lambda way, reason: self.told.append((way, reason)),
            poll_only=poll_only,
            silent_at=lambda _: kind,
        )

    def rings(self) -> bool:
        """Whether it rings, sooner or later."""
        return self.bell.wait(LIMIT_SECONDS)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "Stack").mkdir()
    return tmp_path / "Stack"


@pytest.fixture
def seen(stack: Path) -> Iterator[Seen]:
    """Eyes on it, open."""
    made = Seen(stack)
    made.eyes.open()
    yield made
    made.eyes.close()


def test_a_new_entry_rings(stack: Path, seen: Seen) -> None:
    """Written in place, or renamed to its name, from here or from elsewhere."""
    assert seen.told == [("events", "the file system tells of them")]
    (stack / "1.xml").write_bytes(b"<xml/>")
    assert seen.rings()
    seen.bell.clear()
    (stack.parent / "2.tmp").write_bytes(b"<xml/>")
    (stack.parent / "2.tmp").rename(stack / "2.xml")
    assert seen.rings()
    seen.bell.clear()
    (stack / "1.xml").rename(stack / "3.xml")
    assert seen.rings()


def test_the_lock_rings_for_nobody(stack: Path, seen: Seen) -> None:
    """Else a watcher that fails would wake itself."""
    with (stack / ".lock").open("w"):
        pass
    assert not seen.bell.wait(0.05)


def test_a_folder_made_anew_is_watched_again(stack: Path, seen: Seen) -> None:
    """Also when it has the inode of the old one, as file systems like to do."""
    for number in range(5):
        for path in stack.iterdir():
            path.unlink()
        stack.rmdir()
        assert seen.rings()
        stack.mkdir()
        observer = seen.eyes._observer
        for _ in range(1000):
            if seen.eyes._observer is not observer:
                break
            seen.eyes.open()
            threading.Event().wait(0.005)
        seen.bell.clear()
        (stack / f"{number}.xml").write_bytes(b"<xml/>")
        assert seen.rings()
        seen.bell.clear()


def test_a_folder_that_was_replaced_is_watched(stack: Path, seen: Seen) -> None:
    """By its device and inode."""
    stack.rename(stack.with_name("old"))
    stack.mkdir()
    assert seen.eyes.open() is True
    assert seen.eyes.open() is False
    (stack / "1.xml").write_bytes(b"<xml/>")
    assert seen.rings()


def test_a_folder_that_goes_and_comes_back(stack: Path, seen: Seen) -> None:
    """While it is away nobody watches, and nothing fails."""
    stack.rename(stack.with_name("away"))
    assert seen.eyes.open() is True
    assert seen.eyes.open() is False
    stack.with_name("away").rename(stack)
    assert seen.eyes.open() is True
    (stack / "1.xml").write_bytes(b"<xml/>")
    assert seen.rings()


def test_a_stack_may_be_a_link(tmp_path: Path, stack: Path) -> None:
    """What it leads to is watched."""
    (tmp_path / "link").symlink_to(stack)
    seen = Seen(tmp_path / "link")
    seen.eyes.open()
    (stack / "1.xml").write_bytes(b"<xml/>")
    assert seen.rings()
    seen.eyes.close()


def test_what_no_event_tells_of_is_watched_again(stack: Path, seen: Seen) -> None:
    """An overflowed queue, a remounted share: a fresh observer; after a few in vain, none."""
    for _ in range(MOST_MISSED - 1):
        before = seen.eyes._observer
        seen.eyes.missed()
        seen.eyes.open()
        assert seen.eyes._observer not in {None, before}
    seen.eyes.heard()
    for _ in range(MOST_MISSED):
        seen.eyes.missed()
        seen.eyes.open()
    assert seen.eyes._observer is None
    assert [way for way, _ in seen.told] == ["events", "polling"]
    seen.eyes.missed()
    assert seen.eyes.open() is False
    (stack / "1.xml").write_bytes(b"<xml/>")
    assert not seen.bell.wait(0.05)


@pytest.mark.parametrize(
    ("poll_only", "kind", "reason"),
    [(True, None, "poll_only is set"), (False, "NFS", "NFS does not tell what others write")],
)
def test_where_events_do_not_come_it_polls(
    stack: Path, *, poll_only: bool, kind: str | None, reason: str
) -> None:
    """By order, and on file systems that others write to; told once."""
    seen = Seen(stack, poll_only=poll_only, kind=kind)
    seen.eyes.open()
    seen.eyes.open()
    assert seen.told == [("polling", reason)]
    assert seen.eyes._observer is None


@pytest.mark.parametrize("place", ["__init__", "start"])
def test_a_folder_that_cannot_be_watched_is_polled(
    stack: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The kernel has only so many watches to give, and so many instances of them."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(28, "inotify limit reached")

    monkeypatch.setattr(waking.Observer, place, refused)
    monkeypatch.setattr(waking.Observer, "stop", lambda _: None)
    seen = Seen(stack)
    seen.eyes.open()
    [(way, reason)] = seen.told
    assert (way, "inotify limit reached" in reason) == ("polling", True)


def test_a_file_system_of_this_machine_is_not_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """statfs(2) is asked, and what it does not know is trusted."""
    assert filesystems.silent(Path("/proc")) is None
    assert filesystems.silent(tmp_path / "nowhere") is None
    monkeypatch.setitem(filesystems._SILENT, 0x9FA0, "proc")
    assert filesystems.silent(Path("/proc")) == "proc"
