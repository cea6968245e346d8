"""PostgreSQL ends and begins again under a watcher. SQLite's file: test_command.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from databases import Postgres

from feedengine.engine import Engine

from .running import DAY, Service, drop, track


@pytest.fixture
def root(tmp_path: Path, postgres: Postgres) -> Path:
    """A new site whose file says where its catalogue is."""
    made, url = tmp_path / "site", postgres.empty()
    Engine.init(made, database_url=url).close()
    (made / "feedengine.toml").write_text(f"database_url = {json.dumps(url)}\n", "utf-8")
    return made


@contextmanager
def down(postgres: Postgres) -> Iterator[None]:
    """Meanwhile it does not run."""
    postgres.server.halt()
    try:
        yield
    finally:
        postgres.server.start()


def test_a_database_that_goes_and_comes_back(root: Path, postgres: Postgres) -> None:
    """Told once and waited out; what was dropped meanwhile is applied afterwards."""
    with Service(root, "--poll-seconds", "0.2") as service:
        service.says("this process takes entries")
        with down(postgres):
            service.says("trying again", level="error")
            drop(root, 1, track(1))
        service.says("feed ended", entry=f"{DAY + 1}.xml", status="succeeded")
        service.says("all is well again")
        assert service.end() == 0
        assert len(service.lines("trying again", level="error")) <= 2  # cut off; then refused


def test_a_service_may_start_before_its_database(root: Path, postgres: Postgres) -> None:
    """After a power cut nobody knows which is up first."""
    with down(postgres):
        service = Service(root)
        service.says("trying again")
    with service:
        service.says("this process takes entries")
        assert service.end() == 0
