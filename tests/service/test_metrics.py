"""Metrics, as a scrape sees them."""

from __future__ import annotations

import re
import socket
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from feedengine.config import Settings
from feedengine.engine import Engine
from feedengine.service.hearing import Trouble
from feedengine.service.metrics import Metrics, served
from feedengine.service.pulse import Pulse

from .running import DAY, Service, drop, track, until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A new site."""
    Engine.init(tmp_path / "site").close()
    return tmp_path / "site"


def scrape(url: str) -> dict[str, float]:
    """Each sample with its labels, by name, as text."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
        text = answer.read().decode()
    return {
        one.name + "".join(f" {value}" for value in one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_a_scrape_tells_how_it_goes(root: Path) -> None:
    """Counts by outcome, the queue, the turn; no label that a client could make up."""
    with Service(root, "--metrics-port", "0", "--grace-seconds", "60") as service:
        url = service.says("metrics are served")["url"]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", url)
        service.says("this process takes entries")
        drop(root, 1, track(1), track(1), track(1, "View", ""))
        service.says("feed ended", status="partial")
        drop(root, 2, track(2), client="B")
        service.says("feed ended", status="succeeded")
        late = drop(root, 3, track(3), client="C")
        late.folder.rename(late.folder.with_name("hidden"))
        drop(root, 4, track(3), client="C")
        until(lambda: scrape(url)["feedengine_queue_entries"] == 2)
        found = scrape(url)
        assert service.end() == 0
    wanted = {
        "feedengine_packages_total applied": 2,
        "feedengine_packages_total viewed": 1,
        "feedengine_packages_total failed": 1,
        "feedengine_packages_total already-applied": 0,
        "feedengine_feeds_total partial": 1,
        "feedengine_feeds_total succeeded": 1,
        "feedengine_findings_total already-exists": 1,
        "feedengine_turn": 1,
        "feedengine_held_feeds": 0,
        "feedengine_trouble": 0,
        "feedengine_errors_total environment": 0,
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["feedengine_queue_oldest_seconds"] > 0
    assert found["feedengine_last_success_timestamp_seconds"] > 1.7e9
    assert all(found[f"feedengine_step_seconds_total {step}"] > 0 for step in ("read", "save"))
    assert any(name.startswith("feedengine_build_info ") for name in found)
    assert not [name for name in found if " B" in name or " C" in name]


def test_a_scrape_asks_nobody(root: Path) -> None:
    """While the database keeps everybody waiting, numbers come all the same."""
    with Service(root, "--metrics-port", "0") as service:
        url = service.says("metrics are served")["url"]
        service.says("this process takes entries")
        with closing(sqlite3.connect(root / "catalogue.db", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            drop(root, 1, track(1))
            until(lambda: scrape(url)["feedengine_queue_entries"] == 1)
            connection.rollback()


def test_a_port_in_use_is_told_and_stops_nothing(root: Path) -> None:
    """Feeds matter more."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Service(root, "--metrics-port", str(port)) as service:
            assert service.says("no metrics")["port"] == port
            drop(root, 1, track(1))
            service.says("feed ended", entry=f"{DAY + 1}.xml")


def test_unless_a_port_is_set_nothing_listens(root: Path) -> None:
    """Two sites on one machine would be in each other's way."""
    with Service(root) as service:
        service.says("this process takes entries")
        assert not service.lines("metrics are served")


def test_the_queue_is_counted_as_it_shrinks(tmp_path: Path) -> None:
    """By walks and by feeds that end; the age is that of the oldest file."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, Settings(root=tmp_path), Pulse())
    (tmp_path / "Stack").mkdir()
    (tmp_path / "Stack/1.xml").touch()
    metrics.found(["1.xml", "2.xml"], 3)
    metrics.troubled(Trouble("defect", ValueError(), 1, 0.5))
    with served(registry, 0) as url:
        found = scrape(url)
        metrics.found([], 0)
        after = scrape(url)
    assert (found["feedengine_queue_entries"], found["feedengine_held_feeds"]) == (2, 3)
    assert (found["feedengine_trouble"], found["feedengine_errors_total defect"]) == (1, 1)
    assert after["feedengine_queue_oldest_seconds"] == 0
