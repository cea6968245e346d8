"""What is made up for measuring is lifelike, and the same every time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from pyarrow import parquet

from bench import feeds, plays
from bench.rows import things
from bench.world import GENRES, World
from feedengine.config import Settings
from feedengine.plays.checking import check

if TYPE_CHECKING:
    from pathlib import Path


def digest(folder: Path) -> str:
    """Of all files below a folder, with their paths."""
    found = hashlib.sha256()
    for one in sorted(folder.rglob("*")):
        if one.is_file():
            found.update(str(one.relative_to(folder)).encode() + one.read_bytes())
    return found.hexdigest()


@pytest.mark.parametrize("kind", feeds.KINDS)
def test_the_same_seed_makes_the_same_feed(tmp_path: Path, kind: str) -> None:
    """Bytes, paths and the rows for the floor; another seed makes others."""
    made = []
    for number, seed in enumerate((1, 1, 2)):
        feeds.make(tmp_path / str(number), kind, World(seed, countries=5), 500, 60)
        made.append(digest(tmp_path / str(number)))
    assert made[0] == made[1] != made[2]


def test_a_part_of_the_world_is_the_same_however_it_is_come_to() -> None:
    """So a catalogue of any size needs no memory, and a feed can begin anywhere."""
    whole = list(World(countries=5).things(0, 1500))
    assert whole[things(1000) :] == list(World(countries=5).things(1000, 1500))
    assert len(whole) == things(1500)


def test_a_catalogue_begins_with_its_genres() -> None:
    """They are there once, however many tracks there are."""
    assert things(0) == 0
    assert things(500) - GENRES == things(1000) - things(500)


def test_tracks_are_of_two_to_three_kilobytes() -> None:
    """As they are in life, with a list of 50 countries."""
    packages = list(feeds.packages_of("create", World(), 0, 300))
    sizes = [len(one.xml.encode()) for one in packages if one.after.kind == "track"]
    assert 2_000 < sum(sizes) / len(sizes) < 3_000


def test_updates_edit_in_every_way_and_each_thing_once() -> None:
    """Push, Pull, Increase and Decrease; what an Update leaves differs from what was before."""
    packages = list(feeds.packages_of("update", World(countries=5), 500, 200))
    words = {
        word.lower()
        for one in packages
        for element in etree.fromstring(one.xml.encode()).iter()
        for word in (element.get("action"), element.get("operator"))
        if word is not None
    }
    assert {"push", "pull", "increase", "decrease"} <= words
    assert all(one.before is not None and one.before != one.after for one in packages)
    assert len({one.after.document["id"] for one in packages}) == len(packages)


def test_plays_are_the_same_every_time_and_mostly_right(tmp_path: Path) -> None:
    """Some break a rule of the format, each rule that players break."""
    world = World(countries=5)
    for name in "ab":
        plays.make(tmp_path / f"{name}.parquet", world, 500, 2_000)
    same = [parquet.read_table(tmp_path / f"{name}.parquet") for name in "ab"]
    assert same[0].equals(same[1])
    counts = check([tmp_path / "a.parquet"], Settings(root=tmp_path), now=plays.NOW)
    assert counts.rows == 2_000
    assert 20 < counts.rejected < 120
    assert len(counts.reasons) == len(plays._FAULTS)
