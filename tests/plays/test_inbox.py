"""What lies in the inbox: what can be taken as what, and what stays, and why."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.config import Settings, settings
from feedengine.plays.inbox import Look, look

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An inbox, still empty."""
    made = tmp_path / "Plays" / "inbox"
    made.mkdir(parents=True)
    return made


def site(inbox: Path, **more: Any) -> Settings:
    """Its site; nothing has to lie still."""
    return settings(inbox.parents[1], **{"inbox_settle_seconds": 0, "deliver_plays": True, **more})


def put(inbox: Path, *names: str) -> None:
    """Files with something in them."""
    for name in names:
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_text("{}\n")


def taken(found: Look) -> list[tuple[str, str, str | None]]:
    """Name, format and stream of what can be taken."""
    return [(one.name, one.form, one.stream) for one in found.drops]


def stays(found: Look, name: str) -> str:
    """Why a file stays."""
    [left] = [one for one in found.left if one.name == name]
    return left.because


def test_folders_say_format_and_stream(inbox: Path) -> None:
    """The first folder says the format, receipts where it says none; the next one the stream."""
    put(inbox, "a.jsonl", "receipts/b.csv.gz", "shop 7/2026/c.parquet", "Endpoint/d.json")
    put(inbox, "playlist/e.txt", "playlist/main/f.tsv", "playlist/main/old/g.txt")
    assert taken(look(site(inbox))) == [
        ("Endpoint/d.json", "endpoint", None),
        ("a.jsonl", "receipts", None),
        ("playlist/e.txt", "playlist", None),
        ("playlist/main/f.tsv", "playlist", "main"),
        ("playlist/main/old/g.txt", "playlist", "main"),
        ("receipts/b.csv.gz", "receipts", None),
        ("shop 7/2026/c.parquet", "receipts", None),
    ]


def test_what_is_still_being_written_waits(inbox: Path) -> None:
    """By its name, or because it changed lately: also where a copy has kept its old mtime."""
    put(inbox, "a.jsonl.part", "b.jsonl.filepart", "c.jsonl", "d.jsonl", ".e.jsonl", ".dir/f.jsonl")
    os.utime(inbox / "d.jsonl", (0, 0))
    found = look(site(inbox, inbox_settle_seconds=60))
    assert taken(found) == []
    assert [(one.name, one.unfinished) for one in found.left] == [
        ("a.jsonl.part", True),
        ("b.jsonl.filepart", True),
        ("c.jsonl", True),
        ("d.jsonl", True),
    ]
    later = look(site(inbox, inbox_settle_seconds=60), time.time() + 61)
    assert [name for name, _, _ in taken(later)] == ["c.jsonl", "d.jsonl"]


def test_a_time_that_lies_ahead_keeps_nobody_waiting(inbox: Path) -> None:
    """A player's clock may be wrong; when the file came is known all the same."""
    put(inbox, "a.jsonl")
    os.utime(inbox / "a.jsonl", (2**33, 2**33))
    found = look(site(inbox, inbox_settle_seconds=60), time.time() + 61)
    assert [name for name, _, _ in taken(found)] == ["a.jsonl"]


def test_what_can_never_go_says_why(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown kinds, links, what is no file, what may not be read; others go all the same."""
    put(inbox, "a.jsonl", "notes.doc", "secret.jsonl")
    (inbox / "link.jsonl").symlink_to(inbox / "a.jsonl")
    (inbox / "folder").symlink_to(inbox.parent)
    os.mkfifo(inbox / "pipe.jsonl")
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: path.name != "secret.jsonl" and real(path, mode)
    )
    found = look(site(inbox))
    assert taken(found) == [("a.jsonl", "receipts", None)]
    assert "does not say what it is" in stays(found, "notes.doc")
    assert "link" in stays(found, "link.jsonl")
    assert "link" in stays(found, "folder")
    assert "no file" in stays(found, "pipe.jsonl")
    assert "permission denied" in stays(found, "secret.jsonl")
    assert found.files == 6


def test_a_folder_that_cannot_be_read_is_told(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And keeps no other waiting."""
    put(inbox, "a.jsonl", "locked/b.jsonl")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = look(site(inbox))
    assert [name for name, _, _ in taken(found)] == ["a.jsonl"]
    assert stays(found, "locked") == "the folder cannot be read: Permission denied"


def test_without_a_way_out_it_stays(inbox: Path) -> None:
    """Each format by its own way: a bucket does not take what is for the endpoint."""
    put(inbox, "a.jsonl", "endpoint/b.jsonl")
    bucket = site(inbox, deliver_plays=None, s3_bucket="plays")
    assert [name for name, _, _ in taken(look(bucket))] == ["a.jsonl"]
    assert "endpoint_url" in stays(look(bucket), "endpoint/b.jsonl")
    nowhere = look(site(inbox, deliver_plays=None))
    assert "s3_bucket" in stays(nowhere, "a.jsonl")
    assert len(taken(look(site(inbox)))) == 2


def test_there_need_be_no_inbox(tmp_path: Path) -> None:
    """Nothing lies in it then."""
    assert look(settings(tmp_path)) == Look([], [])
