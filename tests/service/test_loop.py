"""The loop in this process: what wakes it, what it makes of trouble, whom it tells."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feedengine.config import Settings, settings
from feedengine.engine import Engine
from feedengine.errors import ServiceError, UsageError
from feedengine.runner import Runner
from feedengine.service import housekeeping, patience, watching
from feedengine.service.hearing import ServiceListener
from feedengine.service.patience import Spell
from feedengine.service.watching import Watcher

from .listening import Ear, watched
from .running import DAY, LIMIT_SECONDS, drop, track, until


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    """A new site that is looked at often."""
    Engine.init(tmp_path / "site").close()
    return settings(tmp_path / "site", poll_seconds=0.1)


def failing(
    monkeypatch: pytest.MonkeyPatch, times: int, error: Callable[[], Exception], name: str = "look"
) -> None:
    """Let the runner's walks fail so many times."""
    real, calls = getattr(Runner, name), iter(range(times))

    def fail(self: Runner) -> Any:
        if next(calls, None) is not None:
            raise error()
        return real(self)

    monkeypatch.setattr(Runner, name, fail)


def test_lost_events_delay_and_lose_nothing(
    site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scan is the truth: an observer that never says anything is given up after a while."""
    monkeypatch.setattr("feedengine.service.waking._Handler.on_any_event", lambda *_: None)
    with watched(site) as (_, ear):
        until(lambda: ear.heard("watches", "events"))
        for number in range(1, 6):
            drop(site.root, number, track(number))
            until(lambda: ear.heard("ended", f"{DAY + number}.xml", "succeeded"))  # noqa: B023
            until(lambda: ear.told[-1] == ("looked", 0))
        until(lambda: ear.heard("watches", "polling", "entries came that no event told of"))


def test_an_event_wakes_it(site: Settings) -> None:
    """Long before it would have looked by itself."""
    with watched(site.but(poll_seconds=60.0)) as (_, ear):
        until(lambda: ear.heard("looked"))
        drop(site.root, 1, track(1))
        until(lambda: ear.heard("ended"))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "environment"),
        (lambda: ServiceError("the database failed: gone"), "environment"),
        (lambda: ValueError("unexpected"), "defect"),
    ],
)
def test_trouble_is_waited_out(
    site: Settings, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception], kind: str
) -> None:
    """Each attempt begins anew, the turn is let go of meanwhile, and the end of it is told."""
    failing(monkeypatch, 3, error)
    drop(site.root, 1, track(1))
    with watched(site) as (_, ear):
        until(lambda: ear.heard("ended", f"{DAY + 1}.xml", "succeeded"))
        until(lambda: ear.heard("recovered", 3))
    assert [one[:3] for one in ear.told if one[0] == "troubled"] == [
        ("troubled", kind, tries) for tries in (1, 2, 3)
    ]
    assert [one[1] for one in ear.told if one[0] == "turn"] == [True, False] * 4


@pytest.mark.usefixtures("soon")
def test_every_attempt_recovers_first(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """P9: what the last attempt left half done is finished before anything else is taken."""
    found: list[str] = []
    real = watching.Runner.look
    monkeypatch.setattr(
        "feedengine.taking.Taker.recover", lambda _: found.append("recover"), raising=True
    )

    def look(self: Runner) -> Any:
        found.append("look")
        if found.count("look") == 2:
            raise OSError(errno.EIO, "broken")
        return real(self)

    monkeypatch.setattr(Runner, "look", look)
    with watched(site):
        until(lambda: len(found) >= 5)
    assert found[:5] == ["recover", "look", "look", "recover", "look"]


def test_waits_grow_and_end() -> None:
    """Twice as long each time, up to a limit, a little different each time."""
    ear = Ear()
    spell = Spell(ear)
    waits = [spell.failed(OSError()) for _ in range(12)]
    assert all(0.8 * 0.5 * 2**n <= wait <= 0.5 * 2**n for n, wait in enumerate(waits[:6]))
    assert max(waits) <= patience.LONGEST_SECONDS
    spell.over()
    spell.over()
    assert [one for one in ear.told if one[0] == "recovered"] == [("recovered", 12)]
    assert spell.failed(OSError()) <= 0.5


def test_a_new_entry_shortens_the_wait(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever drops one after the disk has room again need not wait for the longest wait."""
    monkeypatch.setattr(patience, "FIRST_SECONDS", 1000.0)
    monkeypatch.setattr(patience, "LONGEST_SECONDS", 1000.0)
    failing(monkeypatch, 1, lambda: OSError(errno.ENOSPC, "full"))
    with watched(site) as (_, ear):
        until(lambda: ear.heard("troubled"))
        time.sleep(0.01)  # the wait has begun
        drop(site.root, 1, track(1))
        until(lambda: ear.heard("ended"))


def test_a_listener_that_breaks_stops_nothing(site: Settings) -> None:
    """What is told cannot fail a run; the first defect of the kind is passed on."""

    class Broken(ServiceListener):
        def ended(self, *_: object) -> None:
            raise ValueError("broken")

    broken: list[Exception] = []
    drop(site.root, 1, track(1))
    drop(site.root, 2, track(2))
    with watched(site, others=(Broken(),), broken=broken.append) as (_, ear):
        until(lambda: ear.heard("ended", f"{DAY + 2}.xml", "succeeded"))
        until(lambda: ear.told[-1] == ("looked", 0))
    assert [str(one) for one in broken] == ["broken"]
    assert not ear.heard("troubled")


def test_each_package_is_a_sign_of_life(site: Settings) -> None:
    """A batch that is read from a slow share tells nothing for minutes, and does not hang."""
    with watched(site) as (watcher, ear):
        until(lambda: ear.heard("looked"))
        assert watcher.runner is not None
        before = watcher.pulse.beaten()
        until(lambda: not watcher.runner.stop.is_set() and watcher.pulse.beaten() > before)


def test_runs_are_not_kept(site: Settings) -> None:
    """A service that runs for a year must not remember every feed of it."""
    with watched(site) as (watcher, ear):
        for number in range(1, 4):
            drop(site.root, number, track(number))
        until(lambda: ear.heard("ended", f"{DAY + 3}.xml", "succeeded"))
        assert watcher.runner is not None
        assert watcher.runner.taker.runs == []


def test_what_is_old_is_removed_once_a_day(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the settings that say what is kept; when that fails, later again."""
    monkeypatch.setattr(housekeeping, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(housekeeping, "AGAIN_SECONDS", 0.0)
    processed = site.stack / "processed"
    processed.mkdir()
    os.utime(drop(site.root, 1, track(1)).stack(), (0, 0))
    (site.stack / f"{DAY + 1}.xml").rename(processed / "old.xml")
    real, refusals = Engine.prune, iter([OSError(errno.EIO, "broken")])

    def prune(self: Engine) -> Any:
        for error in refusals:
            raise error
        return real(self)

    monkeypatch.setattr(Engine, "prune", prune)
    with watched(site.but(keep_entries_days=0)) as (_, ear):
        until(lambda: sum(one[0] == "pruned" for one in ear.told) == 2)
        drop(site.root, 2, track(2))
        until(lambda: ear.heard("ended", f"{DAY + 2}.xml", "succeeded"))
    first, second = (one[1] for one in ear.told if one[0] == "pruned")
    assert isinstance(first, OSError)
    assert second.entries == 1
    assert not (processed / "old.xml").exists()


def test_nothing_is_removed_unless_it_is_wanted(
    site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings keep everything at first."""
    monkeypatch.setattr(housekeeping, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(Engine, "prune", pytest.fail)
    with watched(site) as (_, ear):
        until(lambda: sum(one[0] == "looked" for one in ear.told) > 3)
    assert not ear.heard("pruned")


def test_what_never_was_a_site_is_an_error(tmp_path: Path) -> None:
    """Not waited for."""
    (tmp_path / "feedengine.toml").touch()
    with pytest.raises(UsageError, match="no catalogue"):
        Watcher(settings(tmp_path)).run()


def test_a_stop_of_ones_own(site: Settings) -> None:
    """From Python: any event will do."""
    stop = threading.Event()
    watcher = Watcher(site, (Ear(),), stop=stop)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    stop.set()
    thread.join(LIMIT_SECONDS)
    assert not thread.is_alive()


def test_many_that_wait_are_read_once(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a missing feed: later walks do not open what has not changed."""
    for number in range(50):
        drop(site.root, number, track(number))
    (site.root / "Feeds").rename(site.root / "away")
    (site.root / "Feeds").mkdir()
    read: list[str] = []
    real = Runner._entry

    def counted(self: Runner, name: str) -> Any:
        read.append(name)
        return real(self, name)

    monkeypatch.setattr(Runner, "_entry", counted)
    with watched(site) as (_, ear):
        until(lambda: sum(one == ("looked", 50) for one in ear.told) >= 4)
        (site.root / "Feeds").rmdir()
        (site.root / "away").rename(site.root / "Feeds")
        until(lambda: ear.heard("ended", f"{DAY + 49}.xml", "succeeded"))
    counts = {name: read.count(name) for name in read}
    assert all(counts[f"{DAY + n}.xml"] == 2 for n in range(1, 50))  # when they came, when taken
