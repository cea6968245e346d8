"""Whoever asks is answered at once, whatever the watcher does."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from databases import Databases

from feedengine.engine import Engine
from feedengine.store.locks import WRITER_LOCK

from .running import COMMAND, DAY, Service, drop, track, until

SOON_SECONDS = 20
"""Less than the 30 seconds that a writer waits for another, and far more than an answer takes."""


@pytest.fixture
def root(tmp_path: Path, on_both: Databases) -> Path:
    """A new site whose file says where its catalogue is."""
    made = tmp_path / "site"
    Engine.init(made).close()
    if on_both.postgres is not None:
        url = f"database_url = {json.dumps(on_both.url(made))}\n"
        (made / "feedengine.toml").write_text(url, "utf-8")
    return made


@contextmanager
def writing(root: Path, on_both: Databases) -> Iterator[None]:
    """The catalogue's only writer is somebody who takes their time."""
    if on_both.postgres is None:
        with closing(sqlite3.connect(root / "catalogue.db", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()
        return
    with psycopg.connect(on_both.url(root)) as session:
        session.execute("SELECT pg_advisory_xact_lock(%s)", [WRITER_LOCK])
        yield


def status(root: Path) -> Any:
    """What the command says, as JSON."""
    clean = {key: one for key, one in os.environ.items() if not key.startswith("FEEDENGINE_")}
    asked = [*COMMAND, "status", str(root), "--json"]
    done = subprocess.run(asked, capture_output=True, timeout=SOON_SECONDS, check=True, env=clean)
    return json.loads(done.stdout)


def test_status_says_that_a_watcher_has_the_turn(root: Path, on_both: Databases) -> None:
    """By the lock, or by the lease, which also knows who."""
    assert status(root)["busy"] is False
    with Service(root) as service:
        service.says("this process takes entries")
        found = status(root)
        assert found["busy"] is True
        if on_both.postgres is not None:
            assert f":{service.process.pid}:" in found["turn"]["holder"]
            assert found["turn"]["since"] < found["turn"]["expires"]
        assert service.end() == 0
    assert status(root)["busy"] is False


def test_status_never_waits_for_the_writer(root: Path, on_both: Databases) -> None:
    """Neither for another's transaction, nor for the watcher that waits behind it."""
    with Service(root) as service:
        service.says("this process takes entries")
        with writing(root, on_both):
            drop(root, 1, track(1))
            until(lambda: status(root)["queue"]["waiting"] == 1)
            found = status(root)
            assert (found["busy"], found["objects"]["track"]) == (True, 0)
        service.says("feed ended", entry=f"{DAY + 1}.xml", status="succeeded")
        assert status(root)["objects"]["track"] == 1


def test_status_in_the_middle_of_a_feed(root: Path) -> None:
    """What is committed so far."""
    drop(root, 1, *(track(number) for number in range(300)))
    with Service(root, "--batch-packages", "5") as service:
        found = until(lambda: (now := status(root))["last_run"] and now)
        assert found["busy"] is True
        assert found["last_run"]["packages"] == found["objects"]["track"]
        service.says("feed ended", packages=300, status="succeeded")
