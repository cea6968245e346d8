"""The reference pages, made from the declarations: ``python docs/generate.py [--check]``.

Tables and views, findings, elements, settings, and a picture of the tables. The same declarations
give the same bytes.
"""  # noqa: INP001 - a folder of pages, no package

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin
from xml.sax.saxutils import escape

from elements_page import elements_page
from picture import picture
from plays_page import plays_page
from tables_page import tables_page

from feedengine.config import FILE, PREFIX, declared
from feedengine.model.codes import CODES
from feedengine.setting import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from feedengine.model.codes import Code
    from feedengine.setting import Setting

REFERENCE = Path(__file__).parent / "reference"

NOTE = (
    "<!-- Made by docs/generate.py from the declarations: change those, then `make docs`. -->\n\n"
)

FINDINGS = """\
# Findings

Everything that can be wrong or doubtful in a feed. Codes are stable: programs may rely on them.
Findings stand in the logs beside the packages, in the table [`finding`](tables.md#finding), in
`feedengine findings` and in what `feedengine validate` says.

An *error* refuses the package, or the feed as a whole: nothing of it is applied. A *warning*
refuses nothing. With the setting `strict`, some warnings are errors. The [producer's
guide](../producers-guide.md) explains the rules, each by its number.
"""

SETTINGS = f"""\
# Settings

A setting is taken from the first of these that has it: a flag of the command, an environment
variable, the file `{FILE}` in the root of the site, the default. `feedengine config` shows
each with its value and where that came from. An unknown name is an error.

A list is written `["A", "B"]` in the file and `A,B` in a variable, a mapping as a table in the file
and `A=1,B=2` in a variable. `feeds_path` and `stack_path`
are seen from the root of the site, unless they are absolute.

| setting | type | default | meaning |
| --- | --- | --- | --- |
"""

SPELLINGS = f"""
The setting `grace_seconds` is `--grace-seconds` as a flag, `{PREFIX}GRACE_SECONDS` as a variable,
and `grace_seconds = 30` in the file. The root itself is the argument ROOT or `--root`,
`{PREFIX}ROOT`, or else the nearest folder at or above the current one that holds `{FILE}`.
"""


def pages() -> dict[str, str]:
    """File name → text of every reference page."""
    made = {
        "elements.md": elements_page(),
        "findings.md": findings_page(),
        "plays.md": plays_page(),
        "settings.md": settings_page(),
        "tables.md": tables_page(),
    }
    texts = {name: NOTE + text.rstrip("\n") + "\n" for name, text in made.items()}
    return {**texts, "tables.svg": picture()}


def findings_page() -> str:
    """Every finding: what it says, an example, its cure."""
    parts = [FINDINGS]
    for severity, title in (("error", "Errors"), ("warning", "Warnings")):
        found = [code for code in CODES if code.severity == severity]
        listed = ", ".join(f"[`{code.name}`](#{code.name})" for code in found)
        parts.append(f"## {title}\n\n{listed}\n")
        parts += ["\n".join(_finding(code)) for code in found]
    return "\n".join(parts)


def _finding(code: Code) -> Iterator[str]:
    yield f"### {code.name}\n"
    rules = "rules" if "," in code.rules else "rule"
    yield f"{code.severity.capitalize()}, {rules} {code.rules}. {_prose(code.says)}\n"
    language = "xml" if code.example.startswith("<") else "text"
    yield f"Example:\n\n```{language}\n{code.example}\n```\n"
    yield f"Cure: {_prose(code.cure)}\n"


def _prose(text: str) -> str:
    """Text whose ``<`` and ``&`` are shown as they stand; what is between backticks is already."""
    parts = text.split("`")
    return "`".join(part if at % 2 else escape(part) for at, part in enumerate(parts))


def settings_page() -> str:
    """Every setting, from the fields of `Settings`."""
    rows = [
        f"| `{name}` | {_type(one)} | {_default(one)} | {one.description} |"
        for name, one in declared().items()
        if name != "root"
    ]
    return SETTINGS + "\n".join(rows) + "\n" + SPELLINGS


TYPES = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path"}
TYPES[Secret] = "text, never shown and never a flag"


def _type(setting: Setting) -> str:
    """A setting's type in words, with its bounds."""
    kind: Any = setting.kind
    if kind in TYPES:
        bounds = [f"{sign} {value}" for sign, value in _bounds(setting)]
        return " ".join([TYPES[kind], " and ".join(bounds)]).strip()
    inner = get_args(kind)
    if get_origin(kind) is tuple:
        return "list of whole numbers" if inner[0] is int else "list of texts"
    if get_origin(kind) is dict:
        return f"mapping of text to {TYPES[inner[1]]}"
    return " or ".join(f"`{one}`" for one in inner)


def _bounds(setting: Setting) -> Iterator[tuple[str, object]]:
    for name, sign in (("ge", "≥"), ("le", "≤")):
        value = getattr(setting.bounds, name)
        if value is not None:
            yield sign, value


def _default(setting: Setting) -> str:
    value = setting.default
    if value is None or value in ((), {}):
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def drifted(folder: Path) -> list[str]:
    """Names of the files in ``folder`` that are missing, differ, or belong to no page."""
    texts = {name: text.encode() for name, text in pages().items()}
    there = {file.name: file.read_bytes() for file in folder.iterdir()} if folder.is_dir() else {}
    return sorted(name for name in texts | there if texts.get(name) != there.get(name))


def write(folder: Path) -> list[str]:
    """Write the pages that have drifted; their names. What belongs to no page stays."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = pages()
    names = [name for name in drifted(folder) if name in texts]
    for name in names:
        (folder / name).write_bytes(texts[name].encode())
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages; with ``--check`` name those that have drifted, and 1 when any has."""
    parser = ArgumentParser(prog="python docs/generate.py", description="The reference pages.")
    parser.add_argument("folder", nargs="?", type=Path, default=REFERENCE)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 on drift")
    asked = parser.parse_args(arguments)
    names = drifted(asked.folder) if asked.check else write(asked.folder)
    done = "has drifted" if asked.check else "written"
    sys.stdout.writelines(f"{asked.folder / name} {done}\n" for name in names)
    return 1 if asked.check and names else 0


if __name__ == "__main__":
    sys.exit(main())
