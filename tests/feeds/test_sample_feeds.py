"""The sample feeds give the rows beside them: example, test and documentation at once."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from databases import Databases, asked_as_people_do
from lxml import etree
from sqlmodel import SQLModel

from feedengine import config, readers
from feedengine.engine import Engine
from feedengine.feeds.author import new_feed

SAMPLES = Path(__file__).parents[2] / "sample_feeds"
ENTRIES = sorted(file.name for file in (SAMPLES / "Stack").glob("*.xml"))
INSTANTS = {
    "changed_at",
    "entry_signature",
    "filed_at",
    "finished_at",
    "released_at",
    "started_at",
}
"""Columns that no two runs have in common."""

Rows = list[list[Any]]


class Check(NamedTuple):
    """A question that people ask of the catalogue, and the rows that must answer it."""

    asks: str
    sql: str
    rows: Rows


class Expected(NamedTuple):
    """What must become of one Stack entry, as ``expected/`` has it."""

    entry: str
    feed: str | None
    client: str
    status: str
    findings: Rows
    packages: dict[str, dict[str, Any]]
    checks: list[dict[str, Any]]


class Done(NamedTuple):
    """What has become of one Stack entry, and how the catalogue answered right after it."""

    status: str
    findings: Rows
    packages: dict[str, dict[str, Any]]
    answers: list[Rows]
    folder: str


def expected(entry: str) -> Expected:
    """The file of expectations of a Stack entry."""
    text = (SAMPLES / "expected" / entry).with_suffix(".json").read_text("utf-8")
    return Expected(**json.loads(text))


def checks(entry: str) -> list[Check]:
    """The questions that stand for the catalogue after an entry."""
    return [Check(**one) for one in expected(entry).checks]


def ask(root: Path, sql: str) -> Rows:
    """The rows of a query, asked as a newcomer would: with nothing of ours between."""
    return [list(row) for row in asked_as_people_do(config.settings(root).database, sql)]


def site(root: Path, **settings: Any) -> Engine:
    """A site with the sample feeds and an empty Stack."""
    shutil.copytree(SAMPLES / "Feeds", root / "Feeds")
    return Engine.init(root, **settings)


def drop(root: Path, *entries: str) -> None:
    """Put entries on the Stack."""
    for entry in entries:
        shutil.copy(SAMPLES / "Stack" / entry, root / "Stack" / entry)


def all_applied(root: Path, **settings: Any) -> Path:
    """A site to which all sample feeds have been applied in one run."""
    with site(root, **settings) as engine:
        drop(root, *ENTRIES)
        engine.run()
    return root


def done(root: Path, entry: str, questions: list[Check]) -> Done:
    """What the ledger, the catalogue and the Stack say of an entry."""
    run, status = ask(root, f"SELECT id, status FROM feed_run WHERE stack_entry = '{entry}'")[0]
    found = "SELECT severity, code FROM finding WHERE {} ORDER BY severity, code"
    whole = ask(root, found.format(f"feed_run_id = {run} AND package_run_id IS NULL"))
    packages = {
        path: {"status": became, "findings": ask(root, found.format(f"package_run_id = {number}"))}
        for number, path, became in ask(
            root, f"SELECT id, path, status FROM package_run WHERE feed_run_id = {run} ORDER BY id"
        )
    }
    left = [file.parent.name for file in (root / "Stack").rglob(entry)]
    answers = [ask(root, one.sql) for one in questions]
    return Done(status, whole, packages, answers, ", ".join(left))


def tables(root: Path) -> dict[str, Rows]:
    """Every table of the catalogue as a sorted list of rows, without the instants of the runs."""
    found = {}
    for table in SQLModel.metadata.sorted_tables:
        if table.name != "stack_lease":
            shown = ", ".join(one.name for one in table.columns if one.name not in INSTANTS)
            rows = ask(root, f"SELECT {shown} FROM {table.name}")
            found[table.name] = sorted(rows, key=repr)
    return found


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> dict[str, Done]:
    """What becomes of each entry when the Stack is run after every one of them."""
    assert on_both.kind
    root = tmp_path_factory.mktemp("one_by_one")
    found = {}
    with site(root) as engine:
        for entry in ENTRIES:
            drop(root, entry)
            engine.run()
            found[entry] = done(root, entry, checks(entry))
    return found


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Path:
    """A site to which all entries have been applied in one run."""
    assert on_both.kind
    return all_applied(tmp_path_factory.mktemp("at_once") / "site")


@pytest.mark.parametrize("entry", ENTRIES)
def test_packages_one_by_one(one_by_one: dict[str, Done], entry: str) -> None:
    """P7, P9, section 6: each package ends as it must, with these findings and no others."""
    want, got = expected(entry), one_by_one[entry]
    assert got.packages == want.packages
    assert list(got.packages) == list(want.packages)
    assert (got.status, got.findings) == (want.status, want.findings)


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry_leaves_the_stack(one_by_one: dict[str, Done], entry: str) -> None:
    """P5: an entry ends in processed/, or in failed/ when any of its packages failed."""
    succeeded = expected(entry).status == "succeeded"
    assert one_by_one[entry].folder == ("processed" if succeeded else "failed")


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        pytest.param(entry, number, id=f"{entry.removesuffix('.xml')}-{number}")
        for entry in ENTRIES
        for number in range(len(checks(entry)))
    ],
)
def test_rows_one_by_one(one_by_one: dict[str, Done], entry: str, number: int) -> None:
    """catalogue.md: what people ask after a feed is answered by the rows that stand beside it."""
    check = checks(entry)[number]
    assert one_by_one[entry].answers[number] == check.rows, check.asks


@pytest.mark.parametrize("entry", ENTRIES)
def test_packages_all_at_once(at_once: Path, entry: str) -> None:
    """P3: a Stack that waits as a whole is taken in order, with the same end for each package."""
    want, got = expected(entry), done(at_once, entry, [])
    assert got.packages == want.packages
    assert (got.status, got.findings) == (want.status, want.findings)


@pytest.mark.parametrize("check", checks(ENTRIES[-1]), ids=lambda check: check.asks)
def test_rows_all_at_once(at_once: Path, check: Check) -> None:
    """P3: … and with the same catalogue in the end."""
    assert ask(at_once, check.sql) == check.rows


@pytest.mark.parametrize("batch_packages", [1, 3])
def test_batches_make_no_difference(at_once: Path, tmp_path: Path, batch_packages: int) -> None:
    """P7: every table, history and ledger are the same, however packages share transactions."""
    got = tables(all_applied(tmp_path / "site", batch_packages=batch_packages))
    want = tables(at_once)
    assert got.keys() == want.keys()
    assert [name for name in want if got[name] != want[name]] == []


def test_readers_make_no_difference(
    at_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: nor does it matter who has read the packages."""
    monkeypatch.setattr(readers, "SAMPLE", 1)
    monkeypatch.setattr(readers, "MANY", 0)
    got = tables(all_applied(tmp_path / "site", readers=2))
    want = tables(at_once)
    assert [name for name in want if got[name] != want[name]] == []


def test_views_can_be_read_again(at_once: Path, tmp_path: Path, on_both: Databases) -> None:
    """P24: what the log of a View shows is a package that the engine reads without a finding."""
    root = tmp_path / "site"
    on_both.copied(at_once, root)
    shutil.copytree(at_once, root)
    viewed = ask(
        root,
        "SELECT f.feed_path, p.path FROM package_run p JOIN feed_run f ON f.id = p.feed_run_id"
        " WHERE p.status = 'viewed' ORDER BY p.id",
    )
    feed = new_feed(root, "CatalogueDesk")
    for feed_path, path in viewed:
        [log] = (root / "Feeds" / feed_path / path).parent.glob("*.success.log")
        feed.add(log.read_text("utf-8").partition("\n\n")[2])
    feed.stack()
    with Engine.at(root) as engine:
        run = engine.run().runs[-1]
    assert len(viewed) > 8
    assert ask(root, f"SELECT code, file, message FROM finding WHERE feed_run_id = {run.id}") == []
    assert (run.status, run.packages) == ("succeeded", len(viewed))


def test_logs_lie_beside_what_they_tell_of(at_once: Path) -> None:
    """P8: a log beside each package that ran, each feed that failed as a whole, a bad entry."""
    ran = ask(
        at_once,
        "SELECT f.feed_path || '/' || p.path, p.status FROM package_run p"
        " JOIN feed_run f ON f.id = p.feed_run_id WHERE p.status <> 'already-applied'"
        " UNION ALL SELECT feed_path || '/manifest.xml', status FROM feed_run"
        " WHERE packages = 0 AND feed_path IS NOT NULL",
    )
    want = Counter(
        (path.rpartition("/")[0], "error" if status == "failed" else "success")
        for path, status in ran
    )
    feeds = at_once / "Feeds"
    logs = [log.relative_to(feeds) for log in feeds.rglob("*.log")]
    assert Counter((log.parent.as_posix(), log.name.split(".")[1]) for log in logs) == want
    assert len(list((at_once / "Stack").rglob("*.log"))) == 1
    for log in logs:
        inside = log.parts[4:-1]
        named = "/".join((*inside, "package.xml")) if inside else log.parent.as_posix()
        assert (feeds / log).read_text("utf-8").startswith(f"{named} ")


def test_every_entry_has_its_expectations() -> None:
    """Each Stack entry, its feed, its file of expectations and its line in the README are there."""
    assert sorted(file.stem + ".xml" for file in (SAMPLES / "expected").iterdir()) == ENTRIES
    readme = (SAMPLES / "README.md").read_text("utf-8")
    for entry in ENTRIES:
        want = expected(entry)
        stack = etree.parse(SAMPLES / "Stack" / entry)
        assert (want.entry, stack.findtext("Client")) == (entry, want.client)
        assert f"`{entry}`" in readme
        if want.feed is not None:
            assert stack.xpath("string(Feed/@path)") == f"/{want.feed}"
            assert (SAMPLES / "Feeds" / want.feed / "manifest.xml").is_file()


def test_every_package_says_what_it_shows() -> None:
    """Each package begins with a comment, after its declaration where it has one."""
    for file in (SAMPLES / "Feeds").rglob("package.xml"):
        data = file.read_bytes()
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "iso-8859-1")
        lines = [line for line in text.splitlines() if not line.startswith(("<?xml", "<!DOCTYPE"))]
        assert lines[0].removeprefix("ï»¿").startswith("<!-- "), file
        assert lines[0].endswith(" -->"), file
    assert not list((SAMPLES / "Feeds").rglob("*.log"))
