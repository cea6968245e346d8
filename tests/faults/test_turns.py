"""Several engines on one Stack: one at a time, and none does harm that has lost its turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from store.sites import exported

from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.turn import turn_of
from feedengine.upkeep import check

from .frozen import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Databases, Postgres

COMMAND = (sys.executable, "-c", "from feedengine.cli.main import main; main()")
HERE = Path(__file__).parents[2]
FEEDS = 6
PATIENCE_SECONDS = 120


def track(number: int, action: str, more: str) -> str:
    """A package about one track."""
    return f'<xml><Schema action="{action}"><Track><ID>t{number}</ID>{more}</Track></Schema></xml>'


def stacked(root: Path) -> None:
    """Feeds of two clients that count: what is applied twice, or in another order, shows."""
    for number in range(FEEDS):
        feed = new_feed(root, "AB"[number % 2], milliseconds=1_700_000_000_000 + number)
        feed.add(track(number, "Create", f"<Title>T</Title><View>{number}</View>"))
        for step in range(4):
            more = f'<Title>{number}.{step}</Title><View operator="Increase">1</View>'
            feed.add(track(max(number - step, 0), "Update", more))
        feed.add(track(0, "Update", '<View operator="Decrease">1000</View>'))
        feed.stack()


def site(root: Path, url: str | None = None) -> Engine:
    """A site with feeds on its Stack; small batches, so that there are many commits."""
    url = url or f"sqlite:///{root / 'catalogue.db'}"
    Engine.init(root, database_url=url).close()
    settings = f'batch_packages = 2\ndatabase_url = "{url}"\n'
    (root / "feedengine.toml").write_text(settings, "utf-8")
    stacked(root)
    return Engine.at(root)


def started(root: Path) -> subprocess.Popen[str]:
    """The command, at work on a site."""
    return subprocess.Popen(
        [*COMMAND, "run", str(root), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a run that nobody disturbs leaves: catalogue, history and ledger."""
    with site(tmp_path_factory.mktemp("undisturbed")) as engine:
        engine.run()
        return exported(engine, history=True)


def assert_undisturbed(engine: Engine, undisturbed: bytes) -> None:
    """Nothing is lost, doubled, or in another order; nothing waits; every log is there once."""
    assert exported(engine, history=True) == undisturbed
    assert check(engine.database) == []
    stack = engine.settings.stack
    assert len([*stack.glob("processed/*.xml"), *stack.glob("failed/*.xml")]) == FEEDS
    assert list(stack.glob("*.xml")) == []
    logs = [path.parent for path in engine.settings.feeds.rglob("*.log")]
    assert len(logs) == len(set(logs)) == FEEDS * 6


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("engines", [2, 5])
def test_engines_take_turns(
    tmp_path: Path, on_both: Databases, undisturbed: bytes, engines: int
) -> None:
    """P3, P9: one takes the entries, the others wait and say so; the end is that of one alone."""
    with site(tmp_path / "site", on_both.url(tmp_path / "site")) as engine:
        running = [started(tmp_path / "site") for _ in range(engines)]
        told = [one.communicate(timeout=PATIENCE_SECONDS) for one in running]
        assert {one.returncode for one in running} <= {0, 1}, told
        assert_undisturbed(engine, undisturbed)


def test_a_second_engine_says_that_it_waits(tmp_path: Path) -> None:
    """On SQLite too: it says so once, and goes on when the first has ended."""
    with site(tmp_path) as engine:
        turn = turn_of(engine.settings.stack, engine.database)
        with turn.taken(threading.Event(), lambda _: None):
            second = started(tmp_path)
            assert second.stderr is not None
            heard = second.stderr.readline()
            assert second.poll() is None
        second.communicate(timeout=PATIENCE_SECONDS)
    assert "another feedengine is taking entries" in heard
    assert second.returncode == 1  # some packages of these feeds fail


class Frozen(NamedTuple):
    """A site whose first engine froze, and was woken when a second one had done the work."""

    engine: Engine
    second: int
    first: int
    told: str


@pytest.fixture(scope="module")
def frozen(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[dict[str, Frozen]]:
    """All points at once, since each takes as long as a lease lasts."""
    engines = {point: site(tmp_path_factory.mktemp("frozen"), postgres.empty()) for point in POINTS}
    firsts = {point: freezing(one.settings.root, point) for point, one in engines.items()}
    for first in firsts.values():
        until_frozen(first)
    seconds = {point: started(one.settings.root) for point, one in engines.items()}
    found = {}
    for point, second in seconds.items():
        told = second.communicate(timeout=PATIENCE_SECONDS)[1]
        firsts[point].send_signal(signal.SIGCONT)
        told += firsts[point].communicate(timeout=PATIENCE_SECONDS)[1]
        ended = second.returncode, firsts[point].returncode
        found[point] = Frozen(engines[point], *ended, told)
    yield found
    for one in engines.values():
        one.close()


def freezing(root: Path, point: str) -> subprocess.Popen[str]:
    """An engine that will freeze at a point."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.frozen", str(root), point],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_frozen(process: subprocess.Popen[str]) -> None:
    """Wait until a process has frozen; raises `AssertionError` when it ends instead."""
    for _ in range(PATIENCE_SECONDS * 20):
        _, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return
        assert not (status and os.WIFEXITED(status)), process.communicate()
        time.sleep(0.05)
    raise AssertionError("it never froze")


@pytest.mark.parametrize("point", POINTS)
def test_a_frozen_engine_hands_over_and_does_no_harm(
    frozen: dict[str, Frozen], undisturbed: bytes, point: str
) -> None:
    """The lease runs out, another takes over; the first finds, once awake, that its turn is over.

    Both end well, and what they leave is what one alone leaves. (The processes start at once on a
    small machine, so the time until the last has ended is no measure of the hand-over.)
    """
    one = frozen[point]
    assert {one.second, one.first} <= {0, 1}, one.told  # some packages of these feeds fail
    assert_undisturbed(one.engine, undisturbed)
