"""Pages of the documentation, carried out: their files saved, their commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"

HOME = "/home/me"
"""Stands in pages for the folder in which the reader begins."""

SHIMS = {
    "feedengine": "from feedengine.cli.main import main\nmain()",
    "sqlite3": """
import sqlite3
import sys
*options, file, sql = sys.argv[1:]
rows = sqlite3.connect(file).execute(sql)
if '-header' in options:
    print('|'.join(column[0] for column in rows.description))
for row in rows:
    print('|'.join('' if value is None else str(value) for value in row))
""",
}
"""Commands that pages use, so that they need not be installed: name → Python."""

MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "INSTANT"),
    (re.compile(r"\d{4}/\d\d/\d\d/1[0-9]{12}\b"), "FEED"),
    (re.compile(r"\b1[0-9]{12}\b"), "MILLISECONDS"),
    (re.compile(r" +"), " "),
)
"""What differs from run to run; the same text in page and output for what no rule decides."""

_STEP = re.compile(
    r"^Save this as `(?P<path>[^`]+)`:\n\n```xml\n(?P<text>.*?)^```$"
    r"|^```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Save(NamedTuple):
    """A file that the reader is told to save."""

    path: str
    text: str


class Typed(NamedTuple):
    """A command that the reader types, and what the page says comes back."""

    command: str
    output: str


def steps(page: Path) -> list[Save | Typed]:
    """What a page tells its reader to do, in its order."""
    found: list[Save | Typed] = []
    for step in _STEP.finditer(page.read_text("utf-8")):
        if step["path"]:
            found.append(Save(step["path"], step["text"]))
            continue
        for block in re.split(r"^\$ ", step["console"], flags=re.MULTILINE)[1:]:
            command, _, output = block.partition("\n")
            found.append(Typed(command, output))
    return found


def commands(page: Path) -> list[str]:
    """Every line of a page's blocks of shell that calls ``feedengine``."""
    blocks = re.findall(r"^```(?:console|sh)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    calls = re.compile(r"(?:^|[\s($])(?:\.venv/bin/)?feedengine\s(?P<words>[^)|>;&]*)")
    found = []
    for line in lines:
        if not line.startswith("#"):
            found += [call["words"].strip() for call in calls.finditer(line)]
    return found


def masked(text: str) -> str:
    """Text without what differs from run to run."""
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def carried_out(todo: list[Save | Typed], home: Path, bin_folder: Path) -> list[str]:
    """Do all steps in one shell that begins in ``home``; the output of each command."""
    bin_folder.mkdir()
    for name, code in SHIMS.items():
        shim = bin_folder / name
        shim.write_text(f"#!{sys.executable}\n{code}\n", "utf-8")
        shim.chmod(0o755)
    lines = []
    for step in todo:
        if isinstance(step, Save):
            lines.append(f"mkdir -p $(dirname {step.path}); cat > {step.path} <<'END'\n{step.text}END")
        else:
            lines.append(f"{step.command} 2>&1; printf '\\001'")
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "COLUMNS": "100"}
    script = "\n".join(lines)
    done = subprocess.run(
        ["sh"], input=script, cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return [text.replace(str(home), HOME) for text in done.stdout.split("\x01")[:-1]]
