"""Hypothesis profiles: quick by default, thorough in CI; the databases that a suite runs on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from databases import KINDS, Asking, Databases, Postgres, kept_open, redirected
from hypothesis import HealthCheck, settings

# Tests that go through all tables find them declared, whichever of them runs first.
from feedengine.model import parcels, tables  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,  # a change is judged by its own merits, not by the day's luck
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the session's own."""
    made = Postgres()
    yield made
    made.server.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever uses ``on_both`` runs once for each kind of database."""
    if "on_both" in metafunc.fixturenames:
        alone = metafunc.definition.get_closest_marker("sqlite_alone")
        kinds = KINDS[:1] if alone else KINDS
        metafunc.parametrize("on_both", kinds, indirect=True, scope="module")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture is made, say whether the test is for both kinds of database."""
    Asking.both = "on_both" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="module")
def on_both(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """Where the sites of these tests have their catalogues."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    databases = Databases(request.param, server)
    with pytest.MonkeyPatch.context() as patch:
        redirected(databases, patch)
        databases.opened = kept_open(patch)
        yield databases
        databases.drop()


@pytest.fixture(autouse=True)
def _close_what_was_opened(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves a session open; an engine that lives longer opens a new one."""
    yield
    if "on_both" in request.fixturenames:
        request.getfixturevalue("on_both").close()
