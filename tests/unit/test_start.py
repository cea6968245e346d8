"""What a command imports: start-up is most of what a short command costs.

Nothing is timed here; a library that takes long to import must not come in by the way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from feedengine.engine import Engine
from feedengine.feeds.author import new_feed

SLOW = frozenset(
    {
        *(
            "alembic",
            "boto3",
            "cyclopts",
            "httpx2",
            "lxml",
            "numpy",
            "oauthlib",
            "prometheus_client",
        ),
        *("psycopg", "pyarrow", "pydantic", "pydantic_settings", "rich", "sqlalchemy", "sqlmodel"),
        *("structlog", "tenacity", "watchdog", "xmlschema", "asyncio"),
    }
)
"""Whatever takes longer to import than a small command should take in all."""

ROOMS = frozenset({"feedengine.applying", "feedengine.engine", "feedengine.store"})
"""Our own that nobody needs who asks no catalogue."""

PACKAGE = """<xml><Schema action="Create"><Track><ID>t1</ID><Title>One</Title><Territories>
<Territory><Country>US</Country></Territory></Territories></Track></Schema></xml>"""

RUN = "import sys; from feedengine.cli import main; print(main.run(sys.argv[1:]), *sys.modules)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one track, and a package and a feed that nobody applied."""
    root = tmp_path_factory.mktemp("made") / "site"
    with Engine.init(root, settle_seconds=0) as engine:
        feed = new_feed(root, "Sony", milliseconds=1_600_000_000_000)
        feed.add(PACKAGE)
        feed.stack()
        engine.run()
    (root / "good.xml").write_text(PACKAGE)
    (root / "bad.xml").write_text(PACKAGE.replace("<Title>One</Title>", ""))
    return root


def brought(site: Path, *words: str) -> tuple[int, set[str]]:
    """The exit status of a command, and what of `SLOW` and `ROOMS` it has imported."""
    found = {name: text for name, text in os.environ.items() if not name.startswith("FEEDENGINE_")}
    made = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=site,
        env=found,
        capture_output=True,
        text=True,
        check=True,
    )
    status, *modules = made.stdout.splitlines()[-1].split()
    return int(status), (SLOW | ROOMS).intersection(modules)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--help",), 0),
        (("--version",), 0),
        (("plays", "--help"), 0),
        (("run", "--help"), 0),
        (("plays", "deliver", "--help"), 0),
        (("bogus",), 2),
        (("status", "--bogus"), 2),
        (("feeds", "--limit", "0"), 2),
        (("config", "--batch-packages", "0"), 2),
        (("status", "--root", "/nowhere/at/all"), 2),
    ],
)
def test_help_and_mistakes_import_nothing_slow(
    site: Path, words: tuple[str, ...], status: int
) -> None:
    """Whoever asks for help or mistypes waits for nothing."""
    assert brought(site, *words) == (status, set())


@pytest.mark.parametrize(("file", "status"), [("good.xml", 0), ("bad.xml", 1)])
@pytest.mark.parametrize("more", [(), ("--json",), ("--strict",), ("--max-depth", "32")])
def test_a_package_is_validated_by_the_parser_alone(
    site: Path, file: str, status: int, more: tuple[str, ...]
) -> None:
    """Validation imports lxml, and neither a database nor what declares its tables."""
    assert brought(site, "validate", file, *more) == (status, {"lxml"})


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--json"),
        ("available", "t1", "--country", "US"),
        ("show", "track", "t1", "--json"),
        ("show", "track", "t1", "--at", "2099-01-01", "--json"),
        ("show", "track", "t1", "--history", "--json"),
        ("feeds", "--json"),
        ("findings", "--json"),
        ("config", "--json"),
    ],
)
def test_a_question_needs_no_more_than_the_standard_library(
    site: Path, words: tuple[str, ...]
) -> None:
    """The standard library's SQLite is enough to ask, and to say how the site is set."""
    status, found = brought(site, *words)
    assert status == 0
    assert found - ROOMS <= ALLOWED.get(words[0], set())


ALLOWED = {"status": {"lxml"}}
"""What a question needs besides: the Stack is read by the parser."""
