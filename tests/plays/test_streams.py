"""The stream of plays that name none: a setting, or a folder of the inbox, says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyarrow import parquet

from feedengine.config import settings
from feedengine.plays import check

if TYPE_CHECKING:
    from pathlib import Path

WEEK = (
    "Title\tArtist\tAlbum\tLabel\tStart Time\tDuration\tstream\n"
    "Ferry\tNorth\tNight\tQuay\t2026-11-20 10:00:00 +0000\t03:00\t\n"
    "Ferry\tNorth\tNight\tQuay\t2026-11-20 11:00:00 +0000\t03:00\tits own\n"
)


def accepted(folder: Path, stream: str | None) -> list[dict[str, Any]]:
    """The accepted rows of the week, judged for a stream."""
    (folder / "week.txt").write_text(WEEK)
    made = settings(folder, stream=stream)
    check([folder / "week.txt"], made, form="playlist", out=folder / "out")
    rows: list[dict[str, Any]] = parquet.read_table(folder / "out" / "accepted.parquet").to_pylist()
    return rows


def test_a_stream_stands_in_for_a_missing_one_alone(tmp_path: Path) -> None:
    """A row that names its stream keeps it."""
    assert [row["stream"] for row in accepted(tmp_path, "main")] == ["main", "its own"]
    assert [row["stream"] or None for row in accepted(tmp_path, None)] == [None, "its own"]


def test_the_same_song_on_two_streams_is_two_plays(tmp_path: Path) -> None:
    """L1: the id of a row follows from its stream too, else the second would count as sent."""
    one, other = accepted(tmp_path, "one"), accepted(tmp_path, "other")
    assert one[0]["id"] != other[0]["id"]
    assert one[1]["id"] == other[1]["id"]
    assert accepted(tmp_path, "one") == one
