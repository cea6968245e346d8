"""The documentation is true: its commands run, its links lead somewhere, nothing has drifted."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import SQLModel

from feedengine.cli import main
from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.model.codes import CODES

from .pages import DOCS, README, Save, Shell, Typed, calls, masked, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = DOCS.parent
PAGES = sorted(
    [README, ROOT / "CHANGELOG.md", ROOT / "sample_feeds" / "README.md", *DOCS.rglob("*.md")]
)
GUIDE = DOCS / "producers-guide.md"
GENERATE = (sys.executable, str(DOCS / "generate.py"))

CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
"""Fenced blocks: what stands in them is no Markdown."""

_XML = re.compile(
    r"(?:^In the feed, as `([^`]+)`:\n\n)?^```xml\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    """A page's path, as tests are named by it."""
    return page.relative_to(ROOT).as_posix()


# Commands


@cache
def options_of(command: str) -> frozenset[str]:
    """The options that a command has, by its own help."""
    help_text = Shell(Path.cwd()).type(f"feedengine {command} --help")
    assert "Usage: feedengine" in help_text, command
    return frozenset(re.findall(r"--[a-z][a-z-]*", help_text))


def command_of(words: str) -> str:
    """The longest command that the words begin with; empty for the command itself."""
    known = {""} | {one.words for one in main.COMMANDS} | set(main.GROUPS)
    found = words.split()
    return next(
        " ".join(found[:size])
        for size in range(min(2, len(found)), -1, -1)
        if " ".join(found[:size]) in known
    )


def shown(page: Path) -> list[str]:
    """The words of every call of ``feedengine`` on a page, in blocks of shell and in its text."""
    text = CODE.sub("", page.read_text("utf-8"))
    return [*calls(page), *re.findall(r"`feedengine ([^`]+)`", text.replace("\n", " "))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_exist(page: Path) -> None:
    """Every command that a page shows exists, and has the options that it is shown with."""
    for words in shown(page):
        command = command_of(words)
        first = words.split()[0]
        assert command or first.startswith("-"), f"feedengine {words}"
        options = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", words))
        assert options <= options_of(command), f"feedengine {words}"


def test_every_command_is_described() -> None:
    """docs/command.md has a line for each command and for no other."""
    text = (DOCS / "command.md").read_text("utf-8")
    listed = re.findall(r"^\| `feedengine ([^`]+)`", text, re.MULTILINE)
    assert {command_of(words) for words in listed} == {one.words for one in main.COMMANDS}


def test_a_command_that_is_not_there_is_seen(tmp_path: Path) -> None:
    """The check itself: it reads blocks and text, and knows commands from their arguments."""
    page = tmp_path / "page.md"
    page.write_text("`feedengine nothing` and\n```sh\nfeedengine feed new --x\n```\n", "utf-8")
    assert shown(page) == ["feed new --x", "nothing"]
    assert [command_of(words) for words in shown(page)] == ["feed new", ""]
    assert "--x" not in options_of("feed new")


# Pages, carried out


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to begin in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def sample_site(root: Path) -> None:
    """A site of the sample feeds, all of them applied."""
    for folder in ("Feeds", "Stack"):
        shutil.copytree(ROOT / "sample_feeds" / folder, root / folder)
    with Engine.init(root) as engine:
        engine.run()


def carry_out(page: Path, home: Path) -> Iterator[tuple[Typed, str]]:
    """Do what a page says; each command with what it really gives."""
    shell = Shell(home)
    for step in steps(page):
        if isinstance(step, Save):
            shell.save(step)
        else:
            yield step, shell.type(step.command)


def test_the_tutorial_is_true(home: Path) -> None:
    """docs/tutorial.md: each command gives what stands below it."""
    for step, given in carry_out(DOCS / "tutorial.md", home):
        assert masked(given) == masked(step.output), step.command


def test_the_readme_is_true(home: Path) -> None:
    """README.md: the same, at the site that `make run` has made."""
    sample_site(home / "run")
    for step, given in carry_out(README, home):
        assert masked(given) == masked(step.output), step.command


def test_the_documented_json_is_true(home: Path) -> None:
    """docs/command.md: the same, inside a site of the sample feeds."""
    sample_site(home)
    for step, given in carry_out(DOCS / "command.md", home):
        assert masked(given) == masked(step.output), step.command


def test_the_guide_can_be_applied(tmp_path: Path) -> None:
    """docs/producers-guide.md: its packages, one after the other, without a finding."""
    with Engine.init(tmp_path) as engine:
        feed = new_feed(tmp_path, "HarbourRecords")
        found = [one for one in _XML.findall(GUIDE.read_text("utf-8")) if "<Schema" in one[1]]
        for name, text in found:
            feed.add(text, name or None)
        feed.stack()
        run = engine.run().runs[0]
        assert engine.findings()["findings"] == []
    assert (run.status, run.packages) == ("succeeded", sum(not name for name, _ in found))


def test_the_python_api_page_is_true(home: Path) -> None:
    """docs/python-api.md and README.md: the examples run."""
    package = next(step for step in steps(README) if isinstance(step, Save))
    Shell(home).save(package)
    Engine.init(home / "music").close()
    feed = new_feed(home / "music", "Me")
    feed.add(package.text)
    feed.stack()
    for page in (DOCS / "python-api.md", README):
        names: dict[str, Any] = {}
        for code in _PYTHON.findall(page.read_text("utf-8")):
            exec(compile(code, name_of(page), "exec"), names)  # noqa: S102 - our own pages


# Reference pages


def test_generated_pages_have_not_drifted() -> None:
    """docs/reference is what the declarations say; `make docs` writes it."""
    done = subprocess.run([*GENERATE, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_drift_is_named(tmp_path: Path) -> None:
    """`docs/generate.py --check` names what differs, is missing or is too much, and exits 1."""
    folder = tmp_path / "reference"
    shutil.copytree(DOCS / "reference", folder)
    (folder / "tables.md").write_text("changed\n", "utf-8")
    (folder / "findings.md").unlink()
    (folder / "other.md").write_text("\n", "utf-8")
    asked = [*GENERATE, str(folder), "--check"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    names = [Path(line.removesuffix(" has drifted")).name for line in done.stdout.splitlines()]
    assert (done.returncode, names) == (1, ["findings.md", "other.md", "tables.md"])


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_every_finding_has_its_entry(code: Any) -> None:
    """Section 6: each code is on the page of findings, with severity, rule, example and cure."""
    text = (DOCS / "reference" / "findings.md").read_text("utf-8")
    entry = text.partition(f"\n### {code.name}\n")[2].partition("\n### ")[0]
    assert entry.strip().startswith(f"{code.severity.capitalize()}, rule")
    assert code.rules in entry
    assert f"\n{code.example}\n```" in entry
    assert "\nCure: " in entry


def test_every_rule_of_a_finding_is_explained() -> None:
    """Section 6: whoever looks up the rule of a finding finds it in the producer's guide."""
    text = GUIDE.read_text("utf-8")
    rules = {rule for code in CODES for rule in code.rules.split(", ")}
    assert {rule for rule in rules if not re.search(rf"\b{rule}\b", text)} == set()


def test_the_picture_shows_every_table() -> None:
    """docs/reference/tables.svg: each table with each of its columns."""
    picture = (DOCS / "reference" / "tables.svg").read_text("utf-8")
    for table in SQLModel.metadata.sorted_tables:
        assert f">{table.name}</text>" in picture
        assert all(f">{column.name}</text>" in picture for column in table.columns)


# Links


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text("utf-8")), re.MULTILINE)
    bare = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return set(bare)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to another page, a file or a heading names one that is there."""
    text = CODE.sub("", page.read_text("utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else (page.parent / path).resolve()
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index() -> None:
    """docs/index.md leads to every page of the documentation."""
    links = re.findall(r"\]\(([^)#\s]+)", (DOCS / "index.md").read_text("utf-8"))
    listed = {(DOCS / link).resolve() for link in links}
    assert {page for page in PAGES if page not in listed} == {DOCS / "index.md"}


def test_the_first_run_is_plain_shell() -> None:
    """docs/first_run.sh can be read by any POSIX shell."""
    script = str(DOCS / "first_run.sh")
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
