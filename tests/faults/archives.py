"""The corpora, read from their archives in memory."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("corpora")


@cache
def files(name: str) -> dict[str, bytes]:
    """The files of a corpus by their paths in it, licences among them."""
    found = {}
    with tarfile.open(FOLDER / f"{name}.tar.xz") as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            if content is not None:
                found[entry.name] = content.read()
    return found
