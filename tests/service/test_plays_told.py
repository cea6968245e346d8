"""How rounds of plays are told: lines of the log, each once, and numbers."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from feedengine.plays.diary import Diary
from feedengine.plays.news import Ending, Failure, Judgement, Kept, Said, Sending, Standing
from feedengine.service.logs import Log
from feedengine.service.plays_log import PlaysReporter
from feedengine.service.plays_metrics import PlaysMetrics

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
JUDGED = Judgement("receipts", None, 2, 10, 7, 2, 1, {"L10": 2, "L12": 1}, "judged/x")


class Told:
    """A reporter and the lines that it wrote."""

    def __init__(self) -> None:
        """At level info: what is told again is left out."""
        self.stream = io.StringIO()
        self.reporter = PlaysReporter(Log(self.stream, "info"))

    def lines(self) -> list[dict[str, Any]]:
        """Those written since the last time."""
        found = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        self.stream.seek(0)
        self.stream.truncate()
        return found

    def events(self) -> list[tuple[str, str]]:
        """Their levels and events."""
        return [(one["level"], one["event"]) for one in self.lines()]


@pytest.fixture
def told() -> Told:
    """A new reporter."""
    return Told()


def test_what_stays_is_told_once_for_as_long_as_it_lies_there(told: Told) -> None:
    """Looks come every minute; gone and back again it is news. A round's own is told each day."""
    one, other = Kept("a.doc", "no kind"), Kept("b.txt", "no stream")
    for _ in range(3):
        told.reporter.inbox(1, None, [one])
    told.reporter.plays(one)
    told.reporter.plays(other)
    told.reporter.plays(other)
    assert [line["file"] for line in told.lines()] == ["a.doc", "b.txt"]
    told.reporter.plays(Ending(done=True))
    told.reporter.inbox(1, None, [one])
    told.reporter.plays(other)
    assert [line["file"] for line in told.lines()] == ["b.txt"]
    told.reporter.plays(Ending(done=True))
    told.reporter.inbox(0, None, [])
    told.reporter.inbox(1, None, [one])
    assert [line["file"] for line in told.lines()] == ["a.doc"]


def test_trouble_is_told_when_it_begins_when_it_changes_and_when_it_is_over(told: Told) -> None:
    """Each attempt is told only to those who want to know all."""
    away = Failure("environment", "nobody answers", "wait")
    for _ in range(3):
        told.reporter.round_begins(NOON)
        told.reporter.plays(away)
        told.reporter.plays(Ending(done=False))
    told.reporter.plays(Failure("defect", "KeyError: 'x'", "report it", "Traceback …"))
    assert told.events() == [
        ("info", "plays are due"),
        ("error", "plays are tried again"),
        ("error", "a defect of feedengine; plays are tried again"),
    ]
    told.reporter.plays(Ending(done=True))
    told.reporter.plays(Ending(done=True))
    told.reporter.plays(away)
    assert told.events() == [("info", "plays leave again"), ("error", "plays are tried again")]


def test_what_was_refused_is_a_warning(told: Told) -> None:
    """Rows, whole plays, and what waits for people; what does not change is told once."""
    told.reporter.plays(JUDGED)
    told.reporter.plays(JUDGED._replace(rejected=0))
    told.reporter.plays(Sending("receipts folder", 7, 1))
    told.reporter.plays(Sending("endpoint x", 7, 1, refused=2))
    for standing in (Standing(), Standing(1), Standing(1), Standing(1, 2), Standing()):
        told.reporter.plays(standing)
    told.reporter.plays(Said("a library"))
    assert told.events() == [
        ("warning", "plays judged"),
        ("info", "plays judged"),
        ("info", "plays delivered"),
        ("warning", "plays delivered"),
        ("warning", "plays not delivered yet"),
        ("warning", "plays not delivered yet"),
        ("info", "a round of plays says"),
    ]


def test_numbers_follow_the_rounds() -> None:
    """Counts by outcome and rule, what waits, when the last was done; also of a process before."""
    registry = CollectorRegistry()
    metrics = PlaysMetrics(registry)

    def asked(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"feedengine_{name}", labels)

    metrics.diary(Diary(NOON, NOON, Standing(1, 2, 3)))
    assert asked("plays_undelivered", status="in_doubt") == 2
    assert asked("plays_last_round_timestamp_seconds") == NOON.timestamp()
    metrics.inbox(3, time.time() - 100, [Kept("a", "b")])
    assert (asked("inbox_files"), asked("inbox_left_files")) == (3, 1)
    age = asked("inbox_oldest_seconds")
    assert age is not None
    assert 99 < age < 200
    for news in (JUDGED, Sending("x", 7, 1, 1, 2), Standing(4), Failure("environment", "x")):
        metrics.plays(news)
    for outcome, plays in (("accepted", 7), ("rejected", 2), ("already-delivered", 1)):
        assert asked("plays_judged_total", outcome=outcome) == plays
    assert asked("plays_rejected_total", rule="L10") == 2
    assert (asked("plays_delivered_total"), asked("plays_refused_total")) == (7, 3)
    assert asked("plays_undelivered", status="waiting") == 4
    assert asked("plays_trouble") == 1
    metrics.plays(Ending(done=False))
    assert asked("plays_trouble") == 1
    metrics.plays(Ending(done=True))
    assert asked("plays_trouble") == 0
