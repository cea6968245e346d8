"""What waits on the Stack, look by look: always what one scan of the folder would say (P2, P3)."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from feedengine.feeds import line
from feedengine.feeds.line import Line
from feedengine.feeds.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable


def _file(path: Path) -> None:
    path.write_text("<xml/>")


def _folder(path: Path) -> None:
    path.mkdir()


def _link(path: Path) -> None:
    path.symlink_to("nowhere")


MAKERS: tuple[Callable[[Path], None], ...] = (_file, _file, _file, _folder, _link)
NAMES = (*(f"{number}.xml" for number in range(30)), "007.xml", "7.tmp", ".8.xml", "a.xml", "B.xml")


def _removed(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()


@pytest.mark.parametrize("few", [0, 3, 1000])
def test_a_line_is_what_a_scan_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """P3: whatever comes and goes between two looks, few at a time or many.

    An entry that has become a folder is met once more, and then there is nothing to read.
    """
    monkeypatch.setattr(line, "FEW", few)
    chance, found = Random(few), Line(tmp_path)  # noqa: S311 - no secret
    before: list[str] = []
    for _ in range(150):
        for name in chance.sample(NAMES, chance.randint(0, 6)):
            path = tmp_path / name
            if os.path.lexists(path):
                _removed(path)
                if chance.random() < 0.6:
                    continue
            chance.choice(MAKERS)(path)
        new, gone = found.look()
        names = [name for name in found.names if not (tmp_path / name).is_dir()]
        assert names == Stack(tmp_path).scan()
        assert set(before).difference(gone).union(new) == set(found.names)
        before = list(found.names)


def test_what_goes_while_it_is_looked_at_is_met_when_it_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: a name that was listed and had gone is no entry, and is one the next time."""
    path, found = tmp_path / "1.xml", Line(tmp_path)
    _file(path)
    real = os.listdir

    def listdir(descriptor: int) -> list[str]:
        names = real(descriptor)
        path.unlink()
        return names

    monkeypatch.setattr(os, "listdir", listdir)
    found.look()
    monkeypatch.undo()
    assert found.names == []
    _file(path)
    assert found.look() == (["1.xml"], [])
    assert found.names == ["1.xml"]
