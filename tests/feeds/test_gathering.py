"""Small feeds that are saved together come to what they would have come to one by one (P3, P7)."""

from __future__ import annotations

from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from feedengine import taking
from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.feeds.stack import Stack
from feedengine.store import ledger
from feedengine.store.database import reading
from feedengine.turn import LeasedTurn, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from feedengine.feeds.entries import StackEntry

DAY = 1_700_000_000_000
UP = '<View operator="Increase">1</View>'
KINDS = (
    ("Create", "<Title>T</Title>"),
    ("Upsert", "<Title>U</Title>"),
    ("Update", UP),
    ("Update", UP),
    ("Update", '<View operator="Decrease">1</View>'),
    ("Delete", ""),
    ("View", ""),
    ("Create", ""),
    ("Create", "<Title>T</Title"),
)


def track(number: int, action: str = "Create", more: str = "<Title>T</Title>") -> str:
    """A package about one track."""
    return f'<xml><Schema action="{action}"><Track><ID>t{number}</ID>{more}</Track></Schema></xml>'


def site(root: Path, **settings: Any) -> Engine:
    """A site that waits for nobody."""
    return Engine.init(root, grace_seconds=0, settle_seconds=0, **settings)


def drop(engine: Engine, number: int, *packages: str, client: str = "A", entry: int = 0) -> None:
    """Write a feed and its entry, which may be named otherwise."""
    feed = new_feed(engine.settings.root, client, milliseconds=DAY + number)
    for package in packages:
        feed.add(package)
    feed.stack().rename(engine.settings.stack / f"{DAY + (entry or number)}.xml")


def rows(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with reading(engine.database) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No feed is a small one."""
    monkeypatch.setattr(taking, "MOST_PACKAGES", -1)


@contextmanager
def commits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many transactions are written meanwhile."""
    made: list[int] = []

    def counting(written: Any) -> Any:
        @contextmanager
        def counted(turn: Turn) -> Iterator[Any]:
            with written(turn) as connection:
                yield connection
            made.append(1)

        return counted

    with monkeypatch.context() as patched:
        for kind in (Turn, LeasedTurn):
            patched.setattr(kind, "_written", counting(kind._written))
        yield made


def test_small_feeds_share_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P9: thirty feeds, thirty runs, and one transaction beside recovering and marking as filed."""
    with site(tmp_path / "site") as engine:
        for number in range(1, 31):
            drop(engine, number, track(number), client="AB"[number % 2])
        with commits(monkeypatch) as made:
            result = engine.run()
        assert len(made) == 3
        assert [(run.id, run.status) for run in result.runs] == [
            (number, "succeeded") for number in range(1, 31)
        ]
        assert rows(engine, "SELECT count(*) FROM feed_run WHERE filed_at IS NULL") == [(0,)]
        assert len(list((engine.settings.stack / "processed").iterdir())) == 30
        assert len(list(engine.settings.feeds.rglob("*.success.log"))) == 30


def many(engine: Engine, seed: int) -> None:
    """Feeds of few packages that get in each other's way, and some that are announced twice."""
    chance = Random(seed)  # noqa: S311 - no secret
    order = chance.sample(range(1, 41), 40)
    for entry, number in enumerate(order, 1):
        packages = [
            track(chance.randint(1, 5), *chance.choice(KINDS)) for _ in range(chance.randint(0, 3))
        ]
        drop(engine, number, *packages, client=chance.choice("AAB"), entry=entry)
    waiting = sorted(engine.settings.stack.glob("*.xml"))
    for entry, path in enumerate(chance.sample(waiting, 8), 100):
        (engine.settings.stack / f"{DAY + entry}.xml").write_bytes(path.read_bytes())
    (engine.settings.stack / f"{DAY + 20}.5.xml").write_text("<xml><Client>A</Client")


def what_came_of_it(engine: Engine) -> list[Any]:
    """Catalogue, history, ledger, Stack and logs, without instants."""
    stack, feeds = engine.settings.stack, engine.settings.feeds
    runs = "id, stack_entry, feed_path, client, status, packages, applied, failed, skipped"
    changes = "seq, package_id, entity, entity_id, action, client, document"
    packages = "id, feed_run_id, path, entity, entity_id, action, status"
    findings = "id, feed_run_id, package_run_id, severity, code, file, message"
    texts = (
        "SELECT id, title, view FROM track ORDER BY id",
        f"SELECT {changes} FROM change ORDER BY seq",
        f"SELECT {runs} FROM feed_run ORDER BY id",
        f"SELECT {packages} FROM package_run ORDER BY id",
        f"SELECT {findings} FROM finding ORDER BY id",
    )
    logs = sorted(
        (str(path.parent.relative_to(feeds)), path.name.split(".", 1)[1], path.read_text())
        for path in feeds.rglob("*.log")
    )
    places = sorted(str(path.relative_to(stack)) for path in stack.rglob("*.xml"))
    return [*(rows(engine, text) for text in texts), logs, places]


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("seed", range(4))
def test_feeds_together_come_to_what_they_come_to_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """P7, G2, G3: late feeds, other clients' objects and failing packages among them."""
    settings: Any = {"ownership": bool(seed % 2), "late_feeds": ("warn", "refuse")[seed // 2]}
    found = []
    for name in ("together", "alone"):
        with site(tmp_path / name, **settings) as engine, monkeypatch.context() as patched:
            if name == "alone":
                alone(patched)
            many(engine, seed)
            with commits(monkeypatch) as made:
                engine.run()
            found.append((what_came_of_it(engine), len(made)))
    (together, few), (one_by_one, more) = found
    assert together == one_by_one
    assert few < more


@pytest.mark.usefixtures("on_both")
def test_what_the_database_refuses_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: a transaction that cannot be kept is taken apart; the others are applied once."""
    save = ledger.save_batch

    def refusing(connection: Any, run: Any, client: str, outcomes: Any, hand: Any) -> None:
        save(connection, run, client, outcomes, hand)
        if client == "B" and outcomes[0].status == "applied":
            connection.exec_driver_sql("INSERT INTO country SELECT * FROM country")

    with site(tmp_path / "site", late_feeds="refuse") as engine:
        drop(engine, 1, track(1))
        drop(engine, 2, track(1, "Update", UP))
        drop(engine, 3, track(2), client="B")
        drop(engine, 4, track(1, "Update", UP))
        monkeypatch.setattr(ledger, "save_batch", refusing)
        result = engine.run()
        assert [(run.client, run.status) for run in result.runs] == [
            ("A", "succeeded"),
            ("A", "succeeded"),
            ("B", "failed"),
            ("A", "succeeded"),
        ]
        assert rows(engine, "SELECT id, view FROM track") == [("t1", 2)]
        assert rows(engine, "SELECT code FROM finding") == [("schema-invalid",)]


def test_a_feed_that_is_announced_twice_in_a_row_is_applied_once(tmp_path: Path) -> None:
    """P9: the second entry finds what the first one did, though both wait together."""
    with site(tmp_path / "site") as engine:
        drop(engine, 1, track(1))
        drop(engine, 2, track(1, "Update", UP))
        first = engine.settings.stack / f"{DAY + 2}.xml"
        for number in (3, 4):
            (engine.settings.stack / f"{DAY + number}.xml").write_bytes(first.read_bytes())
        result = engine.run()
        assert [(run.applied, run.skipped) for run in result.runs] == [
            (1, 0),
            (1, 0),
            (0, 1),
            (0, 1),
        ]
        assert rows(engine, "SELECT view FROM track") == [(1,)]


def test_a_retry_among_small_feeds_keeps_its_run(tmp_path: Path) -> None:
    """P5: what an operator asked to take again is not taken for a new feed."""
    with site(tmp_path / "site") as engine:
        drop(engine, 1, track(1, "Update", UP))
        engine.run()
        drop(engine, 2, track(2))
        engine.retry()
        drop(engine, 3, track(3))
        result = engine.run()
        assert [(run.id, run.retry_of, run.status) for run in result.runs] == [
            (2, 1, "failed"),
            (3, None, "succeeded"),
            (4, None, "succeeded"),
        ]


def test_what_a_feed_among_them_holds_back_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3, G1: one that is taken alone after all may be held, and its client's others with it."""
    real = taking.Taker._take_alone

    def held(taker: taking.Taker, entry: StackEntry, found: Any) -> Any:
        if entry.name != f"{DAY + 1}.xml":
            return real(taker, entry, found)
        taker.blocked[entry.client] = taking.HELD
        return None

    with site(tmp_path / "site") as engine:
        drop(engine, 1, track(1, "Update", UP))
        engine.run()
        engine.retry()
        drop(engine, 2, track(2))
        drop(engine, 3, track(3), client="B")
        monkeypatch.setattr(taking.Taker, "_take_alone", held)
        result = engine.run()
        assert [(run.client, run.status) for run in result.runs] == [("B", "succeeded")]
        assert [(one.name, one.reason) for one in result.waiting] == [
            (f"{DAY + 2}.xml", taking.HELD)
        ]


def test_what_waits_behind_a_held_feed_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G1: until it is let through, and then all of them come in their order."""
    read: list[str] = []
    real = Stack.load

    def load(stack: Stack, name: str) -> Any:
        read.append(name)
        return real(stack, name)

    with site(tmp_path / "site", hold_count=1) as engine:
        drop(engine, 1, *(track(number) for number in range(4)))
        engine.run()
        drop(engine, 2, *(track(number, "Delete", "") for number in range(1, 4)))
        for number in range(3, 9):
            drop(engine, number, track(number + 10))
        monkeypatch.setattr(Stack, "load", load)
        with watched(engine) as look:
            look()
            assert len(read) == 7
            look()
            drop(engine, 9, track(30), client="B")
            look()
            assert read[7:] == [f"{DAY + 9}.xml"]
            assert rows(engine, "SELECT count(*) FROM track") == [(5,)]
            engine.release(2)
            look()
            taken = rows(engine, "SELECT stack_entry FROM feed_run ORDER BY id")
            wanted = [1, 2, 9, *range(3, 9)]
            assert [name for (name,) in taken] == [f"{DAY + one}.xml" for one in wanted]


@contextmanager
def watched(engine: Engine) -> Iterator[Any]:
    """Look after look of one runner, as a service has them."""
    import threading

    from feedengine.runner import Runner
    from feedengine.telling import NOBODY
    from feedengine.turn import turn_of

    turn = turn_of(engine.settings.stack, engine.database)
    with turn.taken(threading.Event(), lambda _: None):
        runner = Runner(engine.settings, turn, NOBODY)
        runner.taker.recover()
        yield runner.look
