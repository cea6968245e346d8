"""Whose turn it is, and who may ask meanwhile, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from databases import Databases

from feedengine.config import Settings
from feedengine.engine import Engine
from feedengine.turn import turn_of

from .listening import watched
from .running import DAY, drop, track, until


@pytest.fixture
def shared(tmp_path: Path, on_both: Databases) -> Settings:
    """A new site whose catalogue is where the suite runs."""
    assert on_both.kind
    with Engine.init(tmp_path / "site") as engine:
        return engine.settings.but(poll_seconds=0.1)


def test_one_after_the_other(shared: Settings) -> None:
    """Two watchers on a Stack: the second says so once, and takes over when the first ends."""
    with watched(shared) as (first, one):
        until(lambda: one.heard("turn", True))
        with watched(shared) as (second, two):
            until(lambda: two.heard("stands by"))
            second.reload()
            drop(shared.root, 1, track(1))
            until(lambda: one.heard("ended"))
            first.end()
            until(lambda: two.heard("turn", True))
            drop(shared.root, 2, track(2))
            until(lambda: two.heard("ended", f"{DAY + 2}.xml", "succeeded"))
    assert sum(told[0] == "stands by" for told in two.told) == 1


@pytest.mark.usefixtures("soon")
def test_a_turn_that_was_lost_is_waited_for(
    shared: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock file that was removed, a lease that ran out: no more walks; it is taken anew."""
    with watched(shared) as (_, ear):
        until(lambda: ear.heard("looked"))
        with Engine(shared) as engine:
            kind = type(turn_of(shared.stack, engine.database))
        real, calls = kind.kept, iter([False])
        monkeypatch.setattr(kind, "kept", lambda self: next(calls, True) and real(self))
        until(lambda: ("turn", False) in ear.told)
        drop(shared.root, 1, track(1))
        until(lambda: ear.heard("ended", f"{DAY + 1}.xml", "succeeded"))
