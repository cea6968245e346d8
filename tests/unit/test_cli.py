"""The command ``feedengine``: every subcommand, its text, its JSON, its exit status."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from feedengine.cli import main, output
from feedengine.config import SECRETS, declared
from feedengine.engine import Engine
from feedengine.feeds.author import new_feed

COMMAND = (sys.executable, "-c", "from feedengine.cli.main import main; main()")

HOSTILE = "[red]x[/red]&#x9b;31m&#x202e;"
"""Markup of rich, a terminal's CSI as the one character that XML allows, and a bidi override."""

TERRITORIES = """<xml><Schema><Territories><Territory><Country>US</Country><Validities><Validity>
<Name>StreamingValidity</Name><Type>Allow</Type><StartDate>2020-01-01</StartDate>
</Validity></Validities></Territory></Territories></Schema></xml>"""

TRACKS = "<Tracks><Track><ID>t1</ID><Title>One</Title></Track></Tracks>"
PACKAGES = (
    "<Genre><ID>rock</ID><Name>Rock</Name></Genre>",
    f'<Release><ID>r1</ID><Title>{HOSTILE}</Title><Territories src="terr.xml"/>{TRACKS}</Release>',
)
WRONG = f"<Release><ID>{HOSTILE}</ID><Title>T</Title><Titel>{HOSTILE}</Titel></Release>"


def package(content: str, action: str = "Create") -> str:
    """A package with one object."""
    return f'<xml><Schema action="{action}">{content}</Schema></xml>'


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own settings, and a terminal of one kind."""
    for name in os.environ:
        if name.startswith("FEEDENGINE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site on which one feed was applied, in part; nobody changes it."""
    root = tmp_path_factory.mktemp("made") / "site"
    with Engine.init(root, settle_seconds=0, grace_seconds=0) as engine:
        feed = new_feed(root, "Sony", milliseconds=1_600_000_000_000)
        feed.add(TERRITORIES, "terr.xml")
        for one in (*PACKAGES, WRONG):
            feed.add(package(one))
        feed.stack()
        engine.run()
    return root


@pytest.fixture
def own(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the site to do with as one likes; the current folder."""
    copied = shutil.copytree(site, tmp_path / "site")
    monkeypatch.chdir(copied)
    return copied


class Ran:
    """What a command did."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        """Run it in this process."""
        self.status = main.run(arguments)
        self.out, self.err = capsys.readouterr()

    @property
    def json(self) -> Any:
        """Its one JSON document."""
        return json.loads(self.out)


class Runner:
    """Runs commands on a site."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Take what they print from ``capsys``."""
        self.capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        """Run one."""
        return Ran(self.capsys, *arguments)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    """Runs a command in this process."""
    return Runner(capsys)


@pytest.fixture
def here(site: Path, run: Runner, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Runs a command in the site that nobody changes."""
    monkeypatch.chdir(site)
    return run


def stack(root: Path, *packages: str, client: str = "Sony", at: int = 1_700_000_000_000) -> None:
    """Put a feed of these packages on the Stack."""
    feed = new_feed(root, client, milliseconds=at)
    for one in packages:
        feed.add(one)
    feed.stack()


def quick(*more: str) -> tuple[str, ...]:
    """`run` without waiting for writers."""
    return ("run", "--settle-seconds", "0", "--grace-seconds", "0", *more)


# --- help and usage ---------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["", *main.GROUPS, *(one.words for one in main.COMMANDS)])
def test_help_of_everything(run: Runner, words: str) -> None:
    """``--help`` works on the command, every group and every subcommand, and says what for."""
    found = run(*words.split(), "--help")
    texts = {**main.GROUPS, **{one.words: one.help for one in main.COMMANDS}}
    first = texts.get(words, "Music catalogue feeds in").splitlines()[0]
    assert (found.status, found.err) == (0, "")
    assert f"Usage: feedengine {words}".rstrip() in found.out
    assert first in " ".join(found.out.split())


def test_help_lists_exactly_the_commands(run: Runner) -> None:
    """The commands of catalogue.md, and none that is not there yet."""
    words = {one.words for one in main.COMMANDS}
    assert words == {
        *("init", "run", "watch", "validate", "status", "feeds", "findings", "show", "available"),
        *("export", "config", "feed new", "feed add", "feed stack", "feed release"),
        *("feed retry", "feed undo", "db prune"),
        *("db upgrade", "db check", "db rebuild", "db copy"),
        *("plays check", "plays prepare", "plays deliver", "plays resubmit", "plays status"),
        *("plays release", "plays inbox"),
    }
    listed = run("--help").out
    assert all(word.split()[0] in listed for word in words)


def test_help_brings_neither_database_nor_parser() -> None:
    """The help of the command imports none of the heavy libraries."""
    code = (
        "import sys; from feedengine.cli import main; main.run(['--help']);"
        " print(*sys.modules, file=sys.stderr)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "sqlmodel", "lxml", "pydantic", "alembic", "pyarrow", "xmlschema"}
    assert not heavy & set(made.stderr.split())
    assert "available" in made.stdout


def test_version(run: Runner) -> None:
    """``--version`` prints the version alone."""
    from feedengine import __version__

    found = run("--version")
    assert (found.status, found.out.strip(), found.err) == (0, __version__, "")


@pytest.mark.parametrize(
    "words",
    [
        "bogus",
        "feed bogus",
        "run --strcit",
        "show track",
        "show trak t1",
        "show track t1 --at soon",
        "show track t1 t2",
        "available t1",
        "available t1 --country ZZ",
        "available t1 --country WW",
        "available t1 --country US --usage *",
        "available t1 --country US --at 2022-10-30T11:12:00:0400x",
        "feeds --limit 0",
        "feeds --limit many",
        "feeds --limit 99999999999999999999",
        "feeds --status good",
        "findings --severity bad",
        "findings --code field-requird",
        "findings --run 0",
        "feed release x",
        "feed release",
        "feed retry x",
        "feed retry 0",
        "feed retry --code field-requird",
        "feed undo",
        "feed undo x",
        "feed new",
        "feed add",
        "feed add nothing.here terr.xml",
        "feed add ../../.. feedengine.toml",
        "feed add Feeds feedengine.toml",
        "feed stack nothing.here",
        "export --format csv",
        "export --format xml",
        "export --format xml --out x --at 2020-01-01",
        "export --format parquet --out x --history",
        "export --client Sony",
        "config --batch-packages 0",
        "config --late-feeds never",
        "config --database-url nonsense",
        "status --database-url nonsense",
        "status /nowhere/at/all",
        "db copy",
        "status . --root .",
        "status . .",
        "status --json=yes",
        "feeds --limit",
        "feeds --lim 3",
        "plays check x --shop-ids GB",
        "plays check x --shop-ids ZZ=3",
        "plays check",
        "--strict",
        "feed --strict",
    ],
)
def test_wrong_usage_exits_2(here: Runner, words: str) -> None:
    """What cannot be meant exits 2, with one line that says why and one that helps."""
    found = here(*words.split())
    lines = found.err.splitlines()
    assert (found.status, found.out) == (2, "")
    assert lines[0].startswith("error: ")
    assert [line[:6] for line in lines[1:]] == ["hint: "]


@pytest.mark.parametrize(
    "words",
    [
        "show track nothing",
        "show release r1 --at 2001-01-01",
        "show track nothing --history",
        "findings --run 99",
        "feed release 1",
        "feed release 99",
        "feed retry 99",
        "feed undo 99",
        "available nothing --country US",
        "available t1 --country US --release r9",
    ],
)
def test_refused_exits_1(here: Runner, words: str) -> None:
    """What is not there, or not held, exits 1 and says so."""
    found = here(*words.split())
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("error: ")


def test_an_outside_service_that_fails_exits_3(here: Runner) -> None:
    """A database that does not answer is nobody's wrong usage."""
    found = here("status", "--database-url", "sqlite:////nowhere/at/all/catalogue.db")
    assert found.status == 3
    assert found.err.startswith("error: the database failed")
    assert "Traceback" not in found.err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("show track nothing --json", 1),
        ("feeds --limit 0 --json", 2),
        ("bogus --json", 2),
        ("status --json --database-url sqlite:////nowhere/at/all/catalogue.db", 3),
    ],
)
def test_errors_are_documents_too(here: Runner, words: str, status: int) -> None:
    """With ``--json`` an error is the one document on standard output."""
    found = here(*words.split())
    assert found.status == status
    assert set(found.json) == {"error"}
    assert set(found.json["error"]) == {"message", "hint", "status"}
    assert found.json["error"]["status"] == status


def test_an_id_may_look_like_a_flag(here: Runner) -> None:
    """Behind -- nothing is a flag, and the error is text."""
    found = here("show", "track", "--", "--json")
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("error: there is no track '--json'")


def test_defects_are_told_in_a_line(here: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even what nobody foresaw is no traceback."""

    def broken(_: Engine) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(Engine, "status", broken)
    found = here("status")
    assert found.status == 3
    assert found.err.splitlines()[0] == "error: unexpected ZeroDivisionError: by\\u000azero"


def test_arguments_that_are_no_text(here: Runner) -> None:
    """Bytes that are not UTF-8 are told, or are no object's ID."""
    assert here("findings", "--client", "\udcff").status == 2
    assert here("show", "track", "\udcff").status == 1


# --- the site ---------------------------------------------------------------------------------


def test_init_makes_a_site(run: Runner, tmp_path: Path) -> None:
    """Feeds/, Stack/, feedengine.toml and the catalogue are made; a second time nothing changes."""
    root = tmp_path / "new" / "site"
    found = run("init", str(root), "--json")
    assert (found.status, found.err) == (0, "")
    assert found.json == {
        "root": str(root),
        "feeds": str(root / "Feeds"),
        "stack": str(root / "Stack"),
        "settings": str(root / "feedengine.toml"),
        "database": f"sqlite:///{root / 'catalogue.db'}",
    }
    assert all((root / name).exists() for name in ("Feeds", "Stack", "catalogue.db"))
    (root / "feedengine.toml").write_text("strict = true\n")
    assert run("init", str(root)).status == 0
    assert (root / "feedengine.toml").read_text() == "strict = true\n"


def test_init_takes_the_current_folder(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ROOT it is FEEDENGINE_ROOT, or else the current folder."""
    monkeypatch.chdir(tmp_path)
    assert run("init").status == 0
    assert (tmp_path / "feedengine.toml").exists()
    monkeypatch.setenv("FEEDENGINE_ROOT", str(tmp_path / "other"))
    assert run("init").status == 0
    assert (tmp_path / "other" / "feedengine.toml").exists()


def test_init_where_no_site_can_be(run: Runner, tmp_path: Path) -> None:
    """A ROOT that is a file is wrong usage."""
    (tmp_path / "file").write_text("")
    found = run("init", str(tmp_path / "file"))
    assert found.status == 2
    assert found.err.startswith("error: cannot make a site")


def test_root_is_found_from_inside(
    run: Runner, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a root no ROOT is needed; outside it is named, by flag or variable."""
    monkeypatch.chdir(site / "Feeds")
    assert run("status", "--json").json["root"] == str(site)
    monkeypatch.chdir(tmp_path)
    outside = run("status")
    assert (outside.status, outside.err.splitlines()[0]) == (
        2,
        "error: no feedengine.toml here or above",
    )
    assert run("status", str(site), "--json").json["root"] == str(site)
    assert run("show", "track", "t1", "--root", str(site)).status == 0
    monkeypatch.setenv("FEEDENGINE_ROOT", str(site))
    assert run("status", "--json").json["root"] == str(site)


def setting(found: Ran, name: str) -> tuple[object, str]:
    """A setting's value and origin, as `config` told them."""
    one = next(one for one in found.json["settings"] if one["name"] == name)
    return one["value"], one["origin"]


def test_settings_come_from_flags_then_variables_then_file(
    run: Runner, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flags win over variables, these over feedengine.toml, that over defaults."""
    assert setting(run("config", "--json"), "grace_seconds") == (30.0, "default")
    (own / "feedengine.toml").write_text("grace_seconds = 1\nstrict = true\n")
    assert setting(run("config", "--json"), "grace_seconds") == (1.0, "feedengine.toml")
    monkeypatch.setenv("FEEDENGINE_GRACE_SECONDS", "2")
    assert setting(run("config", "--json"), "grace_seconds") == (2.0, "environment")
    found = run("config", "--grace-seconds", "3", "--no-strict", "--json")
    assert setting(found, "grace_seconds") == (3.0, "flag")
    assert setting(found, "strict") == (False, "flag")


def test_every_setting_is_shown_and_is_a_flag(run: Runner, own: Path) -> None:
    """`config` shows each setting with value, origin and meaning; each is a flag of its command."""
    found = run("config", "--json").json
    assert set(found) == {"settings"}
    assert [one["name"] for one in found["settings"]] == list(declared())
    assert all(set(one) == {"name", "value", "origin", "description"} for one in found["settings"])
    told = run("watch", "--help").out + run("plays", "deliver", "--help").out
    for name in declared():
        assert (f"--{name.replace('_', '-')}" in told) == (name not in SECRETS)
    assert str(own) in run("config").out


def test_flags_of_lists_and_mappings_are_repeated(run: Runner, own: Path) -> None:
    """``--known-clients A --known-clients B``; a mapping is written NAME=VALUE."""
    found = run("config", "--known-clients", "A,1", "--known-clients=B", "--json")
    assert setting(found, "known_clients") == (["A,1", "B"], "flag")
    (own / "plays.csv").write_text("song\n1\n")
    asked = ("plays", "check", "plays.csv", "--no-catalogue", "--json")
    columns = ("--play-columns", "trackid=song", "--play-columns", "isrc=a=b")
    assert "file-columns" in run(*asked).json["reasons"]
    assert "file-columns" not in run(*asked, *columns).json["reasons"]


@pytest.mark.parametrize(
    ("words", "near"),
    [("statsu", "status"), ("feed relaese 1", "release"), ("run --strcit", "--strict")],
)
def test_the_nearest_word_is_named(here: Runner, words: str, near: str) -> None:
    """Who mistypes is told what may have been meant."""
    assert f"did you mean {near}?" in here(*words.split()).err


def test_options_may_stand_anywhere(here: Runner) -> None:
    """Before, between and behind arguments, with a blank or an equals sign."""
    wanted = here("show", "track", "t1", "--at", "2099-01-01", "--json").json
    assert here("show", "--json", "track", "--at=2099-01-01", "t1").json == wanted


@pytest.mark.parametrize("where", ["file", "variable"])
def test_an_unknown_key_is_an_error(
    run: Runner, own: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A setting that there is not is refused, and the nearest named."""
    if where == "file":
        (own / "feedengine.toml").write_text("strcit = true\n")
    else:
        monkeypatch.setenv("FEEDENGINE_STRCIT", "true")
    found = run("status")
    assert found.status == 2
    assert "hint: strict is the nearest" in found.err


def test_secrets_are_masked(here: Runner) -> None:
    """A password in the database's URL is never shown."""
    found = here("config", "--database-url", "postgresql://me:hush-hush@host/db")
    assert found.status == 0
    assert "hush" not in found.out
    assert "postgresql://me:***@host/db" in found.out


def test_status_tells_queue_runs_and_objects(here: Runner) -> None:
    """The text has the numbers of the JSON document, whose parts are always there."""
    found = here("status", "--json").json
    assert set(found) == {
        *("root", "queue", "busy", "turn", "held", "last_run", "objects", "clients"),
        *("last_change", "plays"),
    }
    assert set(found["queue"]) == {"waiting", "oldest"}
    assert set(found["clients"][0]) == {"client", "runs", "last_run", "last_started"}
    assert set(found["last_change"]) == {"seq", "changed_at"}
    text = here("status").out
    assert "1, partial" in text
    assert "label 0, genre 1, artist 0, release 1, track 1" in text


def test_status_names_the_oldest_entry(run: Runner, own: Path) -> None:
    """What waits is counted, and the entry that has waited longest is named with its age."""
    stack(own, package(PACKAGES[0], "Upsert"))
    entry = own / "Stack" / "1700000000000.xml"
    os.utime(entry, (0, 0))
    found = run("status", "--json").json["queue"]
    assert (found["waiting"], found["oldest"]["entry"]) == (1, entry.name)
    assert set(found["oldest"]) == {"entry", "age_seconds"}
    assert f"waiting      1 (oldest: {entry.name}, " in run("status").out


# --- running ----------------------------------------------------------------------------------


def test_run_with_nothing_to_do(run: Runner, own: Path) -> None:
    """An empty Stack is fine."""
    assert own.is_dir()
    found = run("run")
    assert (found.status, found.out, found.err) == (0, "nothing is on the Stack\n", "")


def test_run_that_succeeds(run: Runner, own: Path) -> None:
    """A feed that is applied whole exits 0, with a row in the table."""
    stack(own, package(PACKAGES[0], "Upsert"))
    found = run(*quick())
    header, row, *rest = found.out.splitlines()
    assert found.status == 0
    assert header.split() == [
        *("feed", "client", "status", "packages", "applied", "failed", "skipped")
    ]
    assert row.split() == ["2023/11/14/1700000000000", "Sony", "succeeded", "1", "1", "0", "0"]
    assert rest == []
    assert found.err == ""


def test_run_that_fails_in_part(run: Runner, own: Path) -> None:
    """A refused package exits 1; the codes are counted, and where to look next is named."""
    stack(own, package(PACKAGES[0], "Upsert"), package(WRONG))
    found = run(*quick("--json"))
    assert found.status == 1
    assert set(found.json) == {
        *("packages", "applied", "failed", "skipped"),
        *("runs", "waiting", "unlogged", "most_frequent"),
    }
    numbers = [found.json[name] for name in ("packages", "applied", "failed", "skipped")]
    assert numbers == [2, 1, 1, 0]
    assert set(found.json["runs"][0]) == {
        *("id", "stack_entry", "feed_path", "client", "started_at", "finished_at", "status"),
        *("packages", "applied", "failed", "skipped", "released_at", "filed_at"),
        *("retry_of", "retry_code", "undoes", "pruned_at"),
    }
    assert found.json["runs"][0]["status"] == "partial"
    assert found.json["most_frequent"] == [
        {"severity": "error", "code": "element-unknown", "findings": 1}
    ]
    stack(own, package(WRONG), at=1_700_000_000_001)
    text = run(*quick()).out
    assert "look next: feedengine findings --run 3" in text
    assert "element-unknown" in text


def test_run_tells_bad_entries_and_missing_feeds(run: Runner, own: Path) -> None:
    """P4: what cannot be a feed fails, exits 1, and stands in the table by its entry's name."""
    (own / "Stack" / "1.xml").write_text("<xml>")
    (own / "Stack" / "2.xml").write_text(
        '<xml><Version>1.0</Version><Client>Emi</Client><Feed path="/no/feed"/></xml>'
    )
    found = run(*quick())
    assert found.status == 1
    assert found.out.splitlines()[1].split()[:2] == ["1.xml", "failed"]
    assert found.out.splitlines()[2].split()[:3] == ["no/feed", "Emi", "failed"]


def test_held_feeds_are_released(run: Runner, own: Path) -> None:
    """G1: a held feed exits 1, makes its client wait, and is let through by its number."""
    deletion = package("<Genre><ID>rock</ID></Genre>", "Delete")
    stack(own, deletion)
    stack(own, package(PACKAGES[0], "Upsert"), at=1_700_000_000_001)
    holding = quick("--hold-count", "0", "--hold-share", "0")
    found = run(*holding, "--json")
    assert found.status == 1
    assert [one["status"] for one in found.json["runs"]] == ["held"]
    assert found.json["waiting"][-1] == {
        "name": "1700000000001.xml",
        "client": "Sony",
        "reason": "an earlier feed of its client is held",
    }
    assert "waiting:" in run(*holding).out
    held = run("status", "--json").json["held"]
    assert [one["id"] for one in held] == [2]
    assert "feedengine feed release ID" in run("status").out
    released = run("feed", "release", "2", "--json")
    assert (released.status, released.json["id"]) == (0, 2)
    assert run("feed", "release", "2").status == 1
    assert run(*holding).status == 0
    stack(own, deletion, at=1_700_000_000_002)
    run(*holding)
    told = "run 4 is released; `feedengine run` applies 2023/11/14/1700000000002\n"
    assert run("feed", "release", "4").out == told


def test_logs_that_cannot_be_written_are_told(
    run: Runner, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: the ledger has it all, and the run says so once, beside its result."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("feedengine.applying.write_log", full)
    stack(own, package(PACKAGES[0], "Upsert"))
    found = run(*quick("--json"))
    assert (found.status, found.json["unlogged"]) == (0, 1)
    assert found.err.startswith("warning: logs that could not be written: 1;")


def test_progress_only_on_a_terminal(
    run: Runner, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar is drawn where standard error is a terminal; standard output stays pure."""
    stack(own, package(PACKAGES[0], "Upsert"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    found = run(*quick("--json"))
    assert found.json["applied"] == 1
    assert "2023/11/14/1700000000000" in found.err
    assert "\x1b[" in found.err


def test_the_table_of_many_runs_is_cut(
    run: Runner, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many runs those that did not succeed come first, and the rest is counted."""
    monkeypatch.setattr("feedengine.cli.site.RUNS_SHOWN", 2)
    for number in range(3):
        stack(own, package(PACKAGES[0], "Upsert"), at=1_700_000_000_000 + number)
    stack(own, package(WRONG), at=1_700_000_000_009)
    lines = run(*quick()).out.splitlines()
    assert lines[1].split()[0] == "2023/11/14/1700000000009"
    assert lines[3] == "… and 2 more; all: feedengine feeds"


# --- the ledger -------------------------------------------------------------------------------


def test_feeds_lists_runs(here: Runner) -> None:
    """Text and JSON name the runs; client and status choose."""
    found = here("feeds", "--json").json
    assert set(found) == {"feeds"}
    assert [one["client"] for one in found["feeds"]] == ["Sony"]
    assert here("feeds", "--client", "Emi", "--json").json == {"feeds": []}
    assert here("feeds", "--status", "partial", "--json").json == found
    header, row = here("feeds").out.splitlines()
    assert header.split()[:4] == ["run", "feed", "client", "status"]
    assert row.split()[:4] == ["1", "2020/09/13/1600000000000", "Sony", "partial"]


def test_findings_as_text_and_json(here: Runner) -> None:
    """Findings are told a line each under their package; the document has counts besides."""
    found = here("findings", "--run", "1", "--json").json
    assert set(found) == {"total", "by_code", "findings"}
    (counted,) = found["by_code"]
    assert {**counted, "cure": bool(counted["cure"])} == {
        "severity": "error",
        "code": "element-unknown",
        "client": "Sony",
        "findings": 1,
        "runs": 1,
        "last_run": 1,
        "cure": True,
    }
    assert set(found["findings"][0]) == {
        *("id", "feed_run_id", "package_run_id", "feed_path", "client", "package"),
        *("severity", "code", "rule", "file", "line", "col", "xpath", "message", "hint"),
    }
    head, line = here("findings").out.splitlines()
    assert head == "run 1 Sony 2020/09/13/1600000000000 packages/03/package.xml"
    assert line.startswith("  error element-unknown P15 packages/03/package.xml:1:")
    assert here("findings", "--severity", "warning").out == "no findings\n"


def test_findings_summed_up(here: Runner) -> None:
    """``--summary`` counts by code and client, and lists none."""
    header, row, _, cure, _, then = here("findings", "--summary").out.splitlines()
    assert header.split() == ["findings", "severity", "code", "client", "runs", "last_run"]
    assert row.split() == ["1", "error", "element-unknown", "Sony", "1", "1"]
    assert cure.startswith("element-unknown: ")
    assert then.endswith("feedengine feed retry --code CODE")
    assert here("findings", "--summary", "--json").json["findings"] == []


def test_findings_beyond_the_limit_are_counted(run: Runner, own: Path) -> None:
    """What is not shown is said to be there."""
    stack(own, package(WRONG))
    run(*quick())
    text = run("findings", "--limit", "1").out
    assert "1 of 2 findings; all by code and client:" in text


# --- what an operator does about them ---------------------------------------------------------


def test_a_feed_is_retried(run: Runner, own: Path) -> None:
    """What was queued is listed; a second one says that it waits; run takes it."""
    found = run("feed", "retry", "--code", "element-unknown", "--json")
    assert found.status == 0
    (one,) = found.json["retries"]
    assert {name: one[name] for name in ("retry_of", "run", "packages", "state")} == {
        "retry_of": 1,
        "run": 2,
        "packages": 1,
        "state": "queued",
    }
    text = run("feed", "retry")
    assert "waiting on the Stack already" in text.out
    assert (run(*quick()).status, own.name) == (1, "site")
    text = run("feed", "retry", "1").out
    assert text.splitlines()[-1] == "`feedengine run` takes them"
    assert "retries 1 (element-unknown)" in run("feeds").out
    assert run("feed", "retry", "--client", "Emi").out == "nothing to retry\n"


def test_a_run_is_undone(run: Runner, own: Path) -> None:
    """A dry run first; then it is done, shown in history, and cannot be done twice."""
    before = run("export").out
    stack(own, package("<Track><ID>t1</ID><Title>Two</Title></Track>", "Update"))
    assert run(*quick()).status == 0
    dry = run("feed", "undo", "2", "--dry-run", "--json").json
    assert dry == {
        "undoes": 2,
        "run": None,
        "changes": [{"entity": "track", "action": "update", "count": 1}],
    }
    assert "nothing is done" in run("feed", "undo", "2", "--dry-run").out
    assert "is undone by run 3" in run("feed", "undo", "2").out
    assert run("export").out == before
    assert "3, undoes 2" in run("show", "track", "t1", "--history").out
    text = run("feeds").out
    assert "undoes 2" in text
    assert "undone by 3" in text
    assert run("feed", "undo", "2").status == 1
    assert run("db", "check").status == 0


def test_what_stands_in_the_way_of_an_undo_is_listed(run: Runner, own: Path) -> None:
    """H2: the objects, the later changes, their runs; on standard output, and exit 1."""
    stack(own, package("<Track><ID>t1</ID><Title>Two</Title></Track>", "Update"))
    run(*quick())
    found = run("feed", "undo", "1", "--json")
    assert found.status == 1
    assert set(found.json) == {"error", "dependents", "total"}
    assert found.json["dependents"][0] == {
        "entity": "track",
        "entity_id": "t1",
        "run": 2,
        "why": "it was changed later",
        "seq": found.json["dependents"][0]["seq"],
    }
    text = run("feed", "undo", "1")
    assert text.out.splitlines()[0].split() == ["entity", "entity_id", "seq", "run", "why"]
    assert text.err.startswith("error: run 1 cannot be undone")


def test_what_is_old_is_removed(run: Runner, own: Path) -> None:
    """By the settings, which may be flags; without them everything is kept."""
    assert own.is_dir()
    assert run("db", "prune").out.startswith("everything is kept")
    flags = ("--keep-findings-days", "0", "--keep-logs-days", "0")
    dry = run("db", "prune", *flags, "--dry-run", "--json").json
    assert (dry["dry_run"], dry["findings"], dry["packages"], dry["logs"]) == (True, 1, 1, 3)
    done = run("db", "prune", *flags)
    assert (done.status, done.out.splitlines()[-1]) == (0, "removed")
    assert run("findings").out == "no findings\n"
    assert run("db", "check").status == 0


# --- the catalogue ----------------------------------------------------------------------------


def test_show_an_object(here: Runner) -> None:
    """Its fields, links and territories; the document has the keys of catalogue.md."""
    found = here("show", "release", "r1", "--json").json
    assert set(found) == {
        *("client", "id", "title", "territory_set_id", "changed_at", "track", "territories")
    }
    assert found["territories"][0]["country"] == "US"
    text = here("show", "release", "r1").out
    assert "territories\n  US  Allow StreamingValidity 2020-01-01T00:00:00.000000Z to …" in text
    assert "track\n  t1" in text


def test_show_as_of_and_history(here: Runner) -> None:
    """``--at`` has the form of now; ``--history`` has every change."""
    assert here("show", "track", "t1", "--at", "2999-01-01", "--json").json == (
        here("show", "track", "t1", "--json").json
    )
    found = here("show", "track", "t1", "--history", "--json").json
    assert set(found) == {"kind", "id", "history"}
    assert set(found["history"][0]) == {
        *("seq", "package_id", "entity", "entity_id", "action", "client", "changed_at", "document"),
        *("feed_run_id", "undoes"),
    }
    assert "title=One" in here("show", "track", "t1", "--history").out


@pytest.mark.parametrize(
    "name", ["' OR '1'='1", "t1'; DROP TABLE track; --", "%", "t1\n", "-- x", "[bold]t1[/bold]"]
)
def test_ids_are_only_ids(here: Runner, name: str) -> None:
    """What looks like SQL, markup or a pattern is an ID that there is not."""
    found = here("show", "track", "--", name)
    assert (found.status, found.out) == (1, "")
    assert len(found.err.splitlines()) == 2
    assert here("available", "--country", "US", "--", name).status == 1
    assert here("show", "track", "t1").status == 0


def test_available_yes_and_no(here: Runner) -> None:
    """A3: exit 0 for yes and 1 for no, with the reason; UK is read as GB."""
    found = here("available", "t1", "--country", "us", "--json")
    assert found.status == 0
    assert found.json == {
        "available": True,
        "reason": "the release's list permits streaming in US: available from"
        " 2020-01-01 00:00:00 UTC on",
        "rule": "A3",
        "window": {"starts_at": "2020-01-01T00:00:00.000000Z", "ends_at": None},
        "track": "t1",
        "release": "r1",
    }
    refused = here("available", "t1", "--country", "uk", "--release", "r1")
    assert (refused.status, refused.err) == (1, "")
    assert refused.out == "no (A1) on the release r1\nthe release's list does not name GB\n"
    early = here("available", "t1", "--country", "US", "--at", "2019-12-31", "--json")
    assert (early.status, early.json["available"], early.json["window"]) == (1, False, None)


def test_export_to_standard_output_and_files(
    own: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """JSON Lines are the same bytes in a file and in a pipe."""
    made = subprocess.run([*COMMAND, "export"], capture_output=True, check=True)
    assert [json.loads(line)["entity"] for line in made.stdout.splitlines()] == [
        *("territory_set", "genre", "release", "track", "release_track")
    ]
    assert main.run(["export", "--out", "all.jsonl", "--json"]) == 0
    told = json.loads(capfdbinary.readouterr().out)
    assert told == {"format": "jsonl", "written": ["all.jsonl"]}
    assert (own / "all.jsonl").read_bytes() == made.stdout
    assert not list(own.glob(".*.part"))


@pytest.mark.parametrize("form", ["xml", "parquet"])
def test_export_to_a_folder(run: Runner, own: Path, form: str) -> None:
    """A feed that rebuilds the catalogue, or a Parquet file a table: what was written is named."""
    found = run("export", "--format", form, "--out", str(own / "out"), "--json")
    assert found.status == 0
    assert set(found.json) == {"format", "written"}
    assert all(Path(one).exists() for one in found.json["written"])
    assert run("export", "--format", form, "--out", str(own / "more")).out.startswith(str(own))


# --- writing feeds ----------------------------------------------------------------------------


def test_a_feed_from_new_to_stack(run: Runner, own: Path) -> None:
    """P4: the manifest first, then the packages, the Stack entry last; the engine takes it."""
    begun = run("feed", "new", "--client", "Emi", "--json").json
    assert set(begun) == {"feed", "folder", "client"}
    (own / "genre.xml").write_text(package("<Genre><ID>pop</ID><Name>Pop</Name></Genre>"))
    added = run("feed", "add", begun["feed"], "genre.xml", "genre.xml", "--json").json
    assert added == {
        "feed": begun["feed"],
        "added": ["packages/01/package.xml", "packages/02/package.xml"],
    }
    named = run("feed", "add", begun["folder"], "genre.xml", "--as", "genres/pop.xml")
    assert named.out == "genres/pop.xml\n"
    assert run("feed", "add", begun["feed"], "genre.xml", "genre.xml", "--as", "x").status == 2
    assert run("feed", "add", begun["feed"], "genre.xml", "--as", "../../x").status == 2
    stacked = run("feed", "stack", begun["feed"], "--force", "--json").json
    assert set(stacked) == {"feed", "entry"}
    assert (own / "Stack" / stacked["entry"]).is_file()
    assert run(*quick("--json")).json["applied"] == 1
    assert run("show", "genre", "pop").status == 0


def test_feed_new_prints_the_path_alone(run: Runner, own: Path) -> None:
    """What it prints is what add and stack want."""
    path = run("feed", "new", "--client", "Emi").out.strip()
    assert (own / "Feeds" / path / "manifest.xml").is_file()


def test_feeds_are_written_where_the_engine_looks(run: Runner, own: Path) -> None:
    """A site may keep its feeds and its Stack elsewhere (``feeds_path``, ``stack_path``)."""
    (own / "feedengine.toml").write_text('feeds_path = "fed"\nstack_path = "in/stack"\n')
    (own / "in/stack").mkdir(parents=True)
    (own / "p.xml").write_text(package(PACKAGES[0]))
    path = run("feed", "new", "--client", "Sony").out.strip()
    assert run("feed", "add", path, str(own / "p.xml")).status == 0
    entry = run("feed", "stack", path).out.strip()
    assert (own / "fed" / path / "packages/01/package.xml").is_file()
    assert (own / "in/stack" / entry).is_file()
    assert run(*quick("--json")).json["packages"] == 1


@pytest.mark.parametrize("client", ["", " Sony", "a\nb", "\x9b1m", "x" * 256])
def test_feed_new_refuses_what_the_engine_would(run: Runner, own: Path, client: str) -> None:
    """A client's name that no entry may hold is wrong usage, and nothing is made."""
    assert run("feed", "new", "--client", client).status == 2
    assert not list((own / "Feeds").glob("2*/*/*/2*"))


def test_packages_come_from_standard_input(own: Path) -> None:
    """``-`` is standard input."""
    feed = new_feed(own, "Emi")
    content = package(PACKAGES[0])
    command = [*COMMAND, "feed", "add", feed.path, "-"]
    made = subprocess.run(command, input=content.encode(), capture_output=True, check=True)
    assert made.stdout == b"packages/01/package.xml\n"
    assert (feed.folder / "packages/01/package.xml").read_text() == content


# --- validating -------------------------------------------------------------------------------


def test_validate_needs_no_site(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package is judged wherever it lies; the document has findings and plan of each path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "right.xml").write_text(package(PACKAGES[0]))
    (tmp_path / "wrong.xml").write_text(package(WRONG))
    right = run("validate", "right.xml")
    assert (right.status, right.out) == (0, "packages: 1; errors: 0, warnings: 0\n")
    wrong = run("validate", "right.xml", "wrong.xml", "--json")
    assert wrong.status == 1
    assert set(wrong.json) == {"errors", "warnings", "validated"}
    assert [one["path"] for one in wrong.json["validated"]] == ["right.xml", "wrong.xml"]
    assert all(set(one) == {"path", "kind", "findings", "plan"} for one in wrong.json["validated"])
    assert set(wrong.json["validated"][1]["findings"][0]) == {
        *("severity", "code", "rule", "file", "line", "col", "xpath", "message", "hint")
    }
    text = run("validate", "wrong.xml").out
    assert "package wrong.xml\n  error element-unknown P15 " in text
    assert "\x9b" not in text
    assert run("validate", "nothing.xml").status == 2
    assert run("validate", "right.xml", "--against-catalogue").status == 2


def test_validate_feeds_and_entries(run: Runner, own: Path) -> None:
    """A feed and an entry are judged with all their packages."""
    found = run("validate", "Feeds/2020/09/13/1600000000000", "--json")
    assert found.status == 1
    assert [one["kind"] for one in found.json["validated"]] == ["feed", *["package"] * 3]
    stack(own, package(PACKAGES[0]))
    found = run("validate", "Stack/1700000000000.xml", "--json")
    assert found.status == 0
    assert [one["kind"] for one in found.json["validated"]] == ["entry", "feed", "package"]
    assert run("status", "--json").json["queue"]["waiting"] == 1


def test_validate_against_the_catalogue_prints_the_plan(run: Runner, own: Path) -> None:
    """The actions are tried dry: what they would do is told, and nothing is done."""
    changed = package("<Genre><ID>rock</ID><Name>Loud</Name></Genre>", "Update")
    (own / "changed.xml").write_text(changed)
    (own / "again.xml").write_text(package(PACKAGES[0]))
    found = run("validate", "changed.xml", "--against-catalogue")
    assert found.status == 0
    assert "\n  would update genre rock" in found.out
    assert run("show", "genre", "rock", "--json").json["name"] == "Rock"
    assert run("validate", "again.xml").status == 0
    refused = run("validate", "again.xml", "--against-catalogue", "--json")
    assert refused.status == 1
    codes = [one["code"] for one in refused.json["validated"][0]["findings"]]
    assert codes == ["already-exists"]


def test_validate_finds_the_site(
    run: Runner, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are those of the current folder's site, of the variable, or of the path's."""
    (own / "feedengine.toml").write_text("max_depth = 8\n")
    deep = own / "deep.xml"
    deep.write_text("<xml><Schema>" + "<a>" * 20 + "</a>" * 20 + "</Schema></xml>")

    def codes() -> list[str]:
        found = run("validate", str(deep), "--json").json["validated"]
        return [one["code"] for one in found[0]["findings"]]

    assert codes() == ["too-deep"]
    monkeypatch.chdir(tmp_path)
    assert codes() == ["too-deep"]
    monkeypatch.setenv("FEEDENGINE_ROOT", str(own))
    assert codes() == ["too-deep"]
    monkeypatch.delenv("FEEDENGINE_ROOT")
    deep = deep.replace(tmp_path / "deep.xml")
    assert "too-deep" not in codes()


def test_a_feed_with_errors_is_not_stacked(run: Runner, own: Path) -> None:
    """`feed stack` validates first, and refuses with the findings unless forced."""
    feed = new_feed(own, "Sony")
    feed.add(package(WRONG))
    found = run("feed", "stack", feed.path)
    assert found.status == 1
    assert "error element-unknown" in found.out
    assert "--force" in found.err
    told = run("feed", "stack", feed.path, "--json")
    assert (told.status, told.json["errors"]) == (1, 1)
    assert run("status", "--json").json["queue"]["waiting"] == 0
    assert run("feed", "stack", feed.path, "--force").status == 0
    assert run("status", "--json").json["queue"]["waiting"] == 1


# --- the database -----------------------------------------------------------------------------


def test_db_upgrade_check_rebuild_and_copy(run: Runner, own: Path) -> None:
    """H2: a sound catalogue stays sound when it is rebuilt, and its copy is sound too."""
    upgraded = run("db", "upgrade", "--json").json
    assert set(upgraded) == {"database", "revision"}
    assert run("db", "check", "--json").json == {"problems": []}
    assert run("db", "check").out == "no problems\n"
    rebuilt = run("db", "rebuild", "--json").json
    assert set(rebuilt) == {"changes"}
    assert rebuilt["changes"] >= 4
    copied = run("db", "copy", "copy.db", "--json")
    assert copied.status == 0
    assert set(copied.json) == {"source", "target", "rows"}
    url = f"sqlite:///{own / 'copy.db'}"
    assert run("db", "check", "--database-url", url).status == 0
    assert run("show", "track", "t1", "--database-url", url).status == 0
    assert run("db", "copy", "copy.db").status == 1


def test_db_commands_as_text(run: Runner, own: Path) -> None:
    """Each says in a line what it has done."""
    assert run("db", "upgrade").out.startswith("the catalogue is at revision ")
    assert run("db", "rebuild").out.startswith("the catalogue is rebuilt from ")
    assert run("db", "copy", "copy.db").out.endswith(f" to sqlite:///{own / 'copy.db'}\n")


def test_db_check_finds_damage(run: Runner, own: Path) -> None:
    """A catalogue that its history does not give is a problem, and exits 1."""
    with Engine.at(own) as engine, engine.database.begin() as connection:
        connection.exec_driver_sql("UPDATE track SET title = 'Other' WHERE id = 't1'")
    found = run("db", "check", "--json")
    assert found.status == 1
    assert found.json["problems"]


def test_db_upgrade_makes_what_init_would(run: Runner, own: Path) -> None:
    """A database that holds no catalogue is wrong settings, until it is upgraded."""
    url = f"sqlite:///{own / 'bare.db'}"
    found = run("status", "--database-url", url)
    assert (found.status, "no catalogue" in found.err) == (2, True)
    assert run("db", "upgrade", "--database-url", url).status == 0
    assert run("status", "--database-url", url).status == 0


# --- terminals, pipes, signals ----------------------------------------------------------------


@pytest.mark.parametrize("terminal", [1, 0])
@pytest.mark.parametrize(
    "words",
    [
        "show release r1",
        "show release r1 --history",
        "show release r1 --json",
        "findings",
        "findings --json",
    ],
)
def test_text_of_feeds_is_only_text(
    here: Runner, monkeypatch: pytest.MonkeyPatch, words: str, terminal: int
) -> None:
    """Markup is shown as it stands; what orders terminals about is escaped, there and in pipes."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: bool(terminal))
    monkeypatch.setenv("COLUMNS", "1000")
    found = here(*words.split())
    assert found.status == 0
    assert not {"\x9b", "\u202e"} & set(found.out)
    if "show" in words:
        assert "[red]x[/red]\\u009b31m\\u202e" in found.out


def test_export_on_a_terminal_is_only_text(here: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The raw bytes go to pipes and files; a terminal is shown what it must not carry out."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    found = here("export")
    assert (found.status, "\x9b" in found.out) == (0, False)
    assert "[red]x[/red]\\u009b31m" in found.out


def test_clients_are_only_text(run: Runner, own: Path) -> None:
    """A client's name is shown as plainly as a title."""
    stack(own, package(PACKAGES[0], "Upsert"), client="[b]C[/b]\u202e")
    for words in (quick(), ("feeds",), ("status",)):
        text = run(*words).out
        assert "[b]C[/b]\\u202e" in text
        assert "\u202e" not in text


def test_colour_only_on_a_terminal(here: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets no colour, whatever the environment says."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" not in here("feeds").out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "\x1b[" in here("feeds").out


def test_lines_in_pipes_are_not_broken(run: Runner, own: Path) -> None:
    """A table's row is one line, however long, wherever no terminal sets a width."""
    stack(own, package(PACKAGES[0], "Upsert"), client="a client " * 28)
    assert len(run(*quick()).out.splitlines()) == 2


def test_safe_text() -> None:
    """Everything that is not printable is escaped, and nothing else is touched."""
    assert output.safe("Björk – [b] 東京") == "Björk – [b] 東京"
    assert output.safe("\x1b[31m\n\x9b\u202e\ud800") == "\\u001b[31m\\u000a\\u009b\\u202e\\ud800"
    assert output.safe(None) == ""


def test_a_reader_that_leaves_is_no_error(site: Path) -> None:
    """A closed pipe ends the command quietly."""
    command = subprocess.Popen(
        [*COMMAND, "export"], cwd=site, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    command.stdout.close()
    _, err = command.communicate()
    assert (command.returncode, err) == (main.PIPE_CLOSED, b"")


def test_a_full_disk_is_told(site: Path) -> None:
    """What cannot be printed exits 3, in one line."""
    with Path("/dev/full").open("wb") as full:
        made = subprocess.run(
            [*COMMAND, "status"], cwd=site, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert made.returncode == 3
    assert made.stderr.splitlines()[0] == b"error: No space left on device"
    assert len(made.stderr.splitlines()) == 2


def test_ctrl_c_ends_quietly(own: Path) -> None:
    """A run that waits for another says so; Ctrl-C ends it with 130 and no traceback."""
    import fcntl

    with (own / "Stack" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = subprocess.Popen(  # what a shell runs in the background ignores Ctrl-C
            [*COMMAND, "run"],
            cwd=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        assert command.stderr is not None
        said = command.stderr.readline()
        command.send_signal(signal.SIGINT)
        out, err = command.communicate()
    assert b"another feedengine" in said
    assert (command.returncode, out, err) == (main.INTERRUPTED, b"", b"")
