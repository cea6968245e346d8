"""What the tests of violence share: processes that fork, and how an undisturbed run ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from .forking import Fault
from .mounts import refusal
from .shared import SharedSites, goes_on
from .violence import Sites, State, Workers, finished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Postgres

    from .proxy import Message


def cannot(reason: str) -> NoReturn:
    """Say why a test cannot be made here: skipped on somebody's machine, failed where all must."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Processes that run commands."""
    made = Workers()
    yield made
    made.close()


@pytest.fixture(scope="session")
def _traced(workers: Workers) -> None:
    """Stopping a process at its system calls has to be allowed here."""
    with workers.one() as commands:
        done = commands("--version", fault=Fault(("/",), ("write",)))
    if done.status:
        cannot(f"a process cannot be stopped at its system calls here: {done.err.strip()[-200:]}")


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """Equal sites."""
    return Sites(tmp_path_factory.mktemp("sites"))


@pytest.fixture(scope="session")
def undisturbed(sites: Sites, workers: Workers) -> State:
    """How an undisturbed run ends."""
    with workers.one() as commands:
        return finished(commands, sites.new("undisturbed"))


@pytest.fixture(scope="session")
def _mounts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Mounting file systems has to be allowed here."""
    reason = refusal(tmp_path_factory.mktemp("mounts"))
    if reason:
        cannot(reason)


@pytest.fixture(scope="session")
def shared_sites(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> SharedSites:
    """Equal sites whose catalogues are on PostgreSQL."""
    return SharedSites(tmp_path_factory.mktemp("shared"), postgres.server)


@pytest.fixture(scope="session")
def messages(shared_sites: SharedSites, workers: Workers) -> list[Message]:
    """What an undisturbed run and its server say to each other."""
    with workers.one() as commands, shared_sites.behind("messages") as (root, proxy):
        assert not goes_on(commands("run", root))
        return proxy.messages
