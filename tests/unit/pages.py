"""Pages of the documentation, carried out: their files saved, their commands run.

The few words of a shell that pages use are done here, in this process: a shell would start Python
anew for every command.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from feedengine.cli import main

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"

HOME = "/home/me"
"""Stands in pages for the folder in which the reader begins."""

MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "INSTANT"),
    (re.compile(r"\d{4}/\d\d/\d\d/1[0-9]{12}\b"), "FEED"),
    (re.compile(r"\b1[0-9]{12}\b"), "MILLISECONDS"),
    (re.compile(r" +"), " "),
)
"""What differs from run to run, and the word that stands for it when outputs are compared."""

_STEP = re.compile(
    r"^Save this as `(?P<path>[^`]+)`:\n\n```xml\n(?P<text>.*?)^```$"
    r"|^```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SHELL = re.compile(r"^```(?:console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"(?:^|[\s($])(?:\.venv/bin/)?feedengine\s(?P<words>[^)|>;&]*)")


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


def calls(page: Path) -> list[str]:
    """The words of every call of ``feedengine`` in a page's blocks of shell."""
    blocks = "".join(_SHELL.findall(page.read_text("utf-8")))
    lines = [line for line in blocks.replace("\\\n", " ").splitlines() if line[:1] != "#"]
    return [call["words"].strip() for line in lines for call in _CALL.finditer(line)]


def masked(text: str) -> str:
    """Text without what differs from run to run."""
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


class Shell:
    """Does what a page says, beginning in the folder ``home``."""

    def __init__(self, home: Path) -> None:
        """Begin in ``home``, an absolute path and the current folder."""
        self.home = self.folder = home
        self.variables: dict[str, str] = {}

    def save(self, step: Save) -> None:
        """Save a file, its folders with it."""
        target = self.folder / step.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(step.text, "utf-8")

    def type(self, command: str) -> str:
        """Run a command; what it prints, with `HOME` for the folder where all began."""
        assigned = re.fullmatch(r"(\w+)=\$\((.*)\)", command)
        if assigned:
            self.variables[assigned[1]] = self.type(assigned[2]).strip()
            return ""
        words = [re.sub(r"\$(\w+)", self._variable, word) for word in shlex.split(command)]
        does = {"feedengine": self._feedengine, "sqlite3": self._sqlite3, "cat": self._cat}
        does |= {"cd": self._cd, "ls": self._ls, "mkdir": self._mkdir}
        name = words[0].removeprefix(".venv/bin/")
        return does[name](words[1:]).replace(str(self.home), HOME)

    def _variable(self, found: re.Match[str]) -> str:
        return self.variables[found[1]]

    @staticmethod
    def _feedengine(words: list[str]) -> str:
        out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        with redirect_stdout(out), redirect_stderr(out):
            main.run(words)
        out.seek(0)
        return out.read()

    def _sqlite3(self, words: list[str]) -> str:
        *options, file, sql = words
        with closing(sqlite3.connect(self.folder / file)) as catalogue:
            rows = catalogue.execute(sql)
            lines = [[column[0] for column in rows.description]] if "-header" in options else []
            lines += [["" if one is None else str(one) for one in row] for row in rows]
        return "".join("|".join(line) + "\n" for line in lines)

    def _cat(self, words: list[str]) -> str:
        files = [file for word in words for file in sorted(self.folder.glob(word))]
        return "".join(file.read_text("utf-8") for file in files)

    def _cd(self, words: list[str]) -> str:
        self.folder = self.folder / words[0]
        os.chdir(self.folder)
        return ""

    def _ls(self, words: list[str]) -> str:
        names = sorted(one.name for one in (self.folder / words[0]).iterdir())
        return "".join(f"{name}\n" for name in names if not name.startswith("."))

    def _mkdir(self, words: list[str]) -> str:
        (self.folder / words[-1]).mkdir(parents=True)
        return ""
