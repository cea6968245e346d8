"""What comes from a feed is shown and never obeyed: not by rich, not by SQL, not by a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from feedengine.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
"""What rich itself may say to a terminal, once the progress bar is gone."""

BAR = re.compile(rb"\x1b\[\?25[lh]|\x1b\[[12]?K|\x1b\[[0-9]*A|\r")

ESCAPES = "\x1b]0;title\x07\x1b[2J"
"""A terminal's title, and its screen: colours would not be told from rich's own."""

MARKUP = "[red]x[/red] [link=http://x]y[/link] [/] :smile:"
SQL = "'; DROP TABLE artist; --"
TURNED = "a\u202egpj.\u2066exe"
C1 = "\x9b31mx\x9d0;title\x9c"
"""CSI and OSC as one character each: XML lets them pass, and some terminals obey them."""

LINES = "x\u2028error faked \x85error faked too"
HOSTILE = f"{MARKUP} {SQL} {TURNED} {C1} {LINES} %s {{0}} \\"
NAMES = ["-rf", "--help", "[bold]", SQL, TURNED, C1, "$(id)", "a/b%2F"]
FORBIDDEN = [text.encode() for text in ("\u202e", "\u2066", "\x9b", "\x9d", "\x85", "\u2028")]

CLIENT = f"[red]C[/red] {SQL} {TURNED}"
FEED = "[red]f[bold]/-x\u202e"
FOLDER = f"pk{ESCAPES}\n\x07\u202e"
BYTES = b"\xff\xfe.xml"


def package(kind: str, name: str, title: str, more: str = "") -> bytes:
    """A package, made by a library: the texts are what they are."""
    root = etree.Element("xml")
    model = etree.SubElement(etree.SubElement(root, "Schema", action="Upsert"), kind)
    for element, text in (("ID", name), ("Name" if kind == "Artist" else "Title", title)):
        etree.SubElement(model, element).text = text
    if more:
        etree.SubElement(model, "MetaData").append(etree.Element(more))
        etree.SubElement(model, more).text = title
    return etree.tostring(root, encoding="utf-8")


def view(name: str) -> bytes:
    """A package that views an artist."""
    root = etree.Element("xml")
    model = etree.SubElement(etree.SubElement(root, "Schema"), "Artist")
    etree.SubElement(model, "ID").text = name
    return etree.tostring(root, encoding="utf-8")


def form(**elements: str | tuple[str, str]) -> bytes:
    """A Stack entry or a manifest."""
    root = etree.Element("xml")
    for name, value in elements.items():
        if isinstance(value, tuple):
            etree.SubElement(root, name, {value[0]: value[1]})
        else:
            etree.SubElement(root, name).text = value
    return etree.tostring(root, encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose names are all meant to do harm; nothing on its Stack is taken yet."""
    root = tmp_path_factory.mktemp("hostile")
    Engine.init(root, grace_seconds=0, settle_seconds=0).close()
    (root / "feedengine.toml").write_text("grace_seconds = 0\nsettle_seconds = 0\n")
    feed = root / "Feeds" / FEED
    feed.mkdir(parents=True)
    (feed / "manifest.xml").write_bytes(form(Client=CLIENT, Packages=("path", "**/*.xml")))
    contents = [package("Artist", name, HOSTILE) for name in NAMES]
    contents += [view(name) for name in NAMES]
    contents += [
        package("Artist", "x", HOSTILE, "Unknown\u0378"),
        view(HOSTILE),
        b"<xml>\x1b</xml>",
    ]
    contents += [b'<xml action="\xc2\x9b31m"><Schema/></xml>', package("Track", C1, HOSTILE)]
    for number, data in enumerate(contents):
        folder = feed / f"{number} {FOLDER}"
        folder.mkdir()
        (folder / "package.xml").write_bytes(data)
    (feed / "0 -odd").mkdir()
    (feed / "0 -odd" / os.fsdecode(BYTES)).write_bytes(package("Artist", "b", HOSTILE))
    stack = root / "Stack"
    entry = form(Client=CLIENT, Feed=("path", FEED))
    (stack / "1.xml").write_bytes(entry)
    (stack / f"2 {ESCAPES}\n\u202e[red].xml").write_bytes(form(Client="x", Feed=("path", "../x")))
    (stack / os.fsdecode(b"3 \xff.xml")).write_bytes(form(Client=CLIENT, Feed=("path", "gone\x9b")))
    return root


def piped(site: Path, arguments: list[str]) -> bytes:
    """What a command prints into a pipe."""
    command = [sys.executable, "-m", "feedengine", *arguments]
    done = subprocess.run(command, cwd=site, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 1, 2}, done.stderr
    return done.stdout + done.stderr


def on_terminal(site: Path, arguments: list[str]) -> bytes:
    """What a command prints onto a terminal."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "feedengine", *arguments],
        cwd=site,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        close_fds=True,
    )
    os.close(slave)
    said = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        assert ready, said
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux says so when the other side has closed
            break
        if not piece:
            break
        said += piece
    os.close(master)
    assert process.wait() in {0, 1, 2}, said
    return said


def harmless(said: bytes) -> None:
    """Nothing in it is an order: no control but ends of lines, and nothing that turns writing."""
    rest = BAR.sub(b"", COLOURS.sub(b"", said.replace(b"\r\n", b"\n")))
    text = rest.decode()
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert [one for one in FORBIDDEN if one in rest] == []


COMMANDS = {
    "status": ["status"],
    "feeds": ["feeds"],
    "findings": ["findings", "--limit", "500"],
    "summary": ["findings", "--summary"],
    "config": ["config"],
    "export": ["export"],
    "history exported": ["export", "--history"],
    "check": ["db", "check"],
    "not a kind": ["show", f"[red]x[/red]{ESCAPES}", "y"],
    "not there": ["show", "artist", "--", f"-{TURNED}{ESCAPES}"],
    "not a command": [f"[red]x[/red]{ESCAPES}"],
    "not an option": ["feeds", f"--[red]{C1}"],
    "not a feed": ["feed", "add", f"[red]{TURNED}", "x.xml"],
    "not a client": ["feed", "new", "--client", f"{TURNED}{ESCAPES}"],
    "not a file": ["validate", f"[red]{ESCAPES}\u202e.xml"],
    "not a code": ["findings", "--code", f"[red]{C1}"],
    "of a client": ["feeds", "--client", CLIENT],
    **{f"show {name!r}": ["show", "artist", "--", name] for name in NAMES},
    "history": ["show", "artist", "--history", "--", "-rf"],
    "validated": ["validate", "Feeds/" + FEED],
    "against the catalogue": ["validate", "--against-catalogue", "Feeds/" + FEED],
    "an entry validated": ["validate", "Stack/processed/1.xml", "Stack/failed/1.xml"],
}


@pytest.fixture(scope="module")
def ran(site: Path) -> bytes:
    """What `run` says on a terminal."""
    return on_terminal(site, ["run"])


def test_a_run_shows_names_and_obeys_none(ran: bytes) -> None:
    """Names of feeds, clients and entries, in the bar, the table and the findings."""
    harmless(ran)
    assert b"[red]f[bold]" in ran


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_and_does_not_obey(site: Path, ran: bytes, name: str) -> None:
    """On a terminal and in a pipe; export gives a pipe its bytes as they are."""
    del ran
    harmless(on_terminal(site, COMMANDS[name]))
    if "export" not in name:
        harmless(piped(site, COMMANDS[name]))


def test_markup_and_sql_are_text(site: Path, ran: bytes) -> None:
    """What was sent is what is shown, letter by letter where it is printable."""
    del ran
    said = piped(site, ["show", "artist", "--", "-rf"]).decode()
    assert MARKUP in said
    assert SQL in said
    assert "a\\u202egpj" in said
    assert "\\u009b31m" in said
    assert said.count("\n") < 15
    assert CLIENT[:12] in piped(site, ["feeds"]).decode()
    with Engine.at(site) as engine:
        assert engine.status()["objects"]["artist"] == len(NAMES) + 1


def test_logs_can_be_read_on_a_terminal(site: Path, ran: bytes) -> None:
    """P8, P24: also the object that View answers, which the engine reads again as it was."""
    del ran
    logs = [path.read_bytes() for path in site.rglob("*.log")]
    assert len(logs) > 2 * len(NAMES)
    for log in logs:
        harmless(log)
    answers = [log.partition(b"\n\n")[2] for log in logs if b"\n\n" in log]
    titles = [etree.fromstring(one).findtext(".//Name") for one in answers]
    assert set(titles) == {HOSTILE}
