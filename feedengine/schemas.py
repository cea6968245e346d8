"""The checked-in XML Schemas: written, or compared, by ``python -m feedengine.schemas``.

At run time nothing reads these files: their text comes from `feedengine.model.xsd.schemas`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine.model.xsd import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence


def drifted(folder: Path) -> list[str]:
    """Names of the schemas whose file in ``folder`` is missing or differs from the declarations."""
    texts = {name: text.encode() for name, text in schemas().items()}
    return [
        name
        for name, text in texts.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != text
    ]


def write(folder: Path) -> list[str]:
    """Write the schemas that have drifted into ``folder``; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = drifted(folder)
    for name in names:
        (folder / name).write_bytes(schemas()[name].encode())
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the schemas; with ``--check`` name those that have drifted, and 1 when any has."""
    parser = ArgumentParser(prog="python -m feedengine.schemas", description="The XML Schemas.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("schemas"))
    parser.add_argument("--check", action="store_true", help="write nothing; 1 on drift")
    asked = parser.parse_args(arguments)
    names = drifted(asked.folder) if asked.check else write(asked.folder)
    done = "has drifted" if asked.check else "written"
    sys.stdout.writelines(f"{asked.folder / name} {done}\n" for name in names)
    return 1 if asked.check and names else 0


if __name__ == "__main__":
    sys.exit(main())
