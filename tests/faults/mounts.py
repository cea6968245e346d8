"""File systems of one's own, for as long as a test needs them: full, read-only, without power."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOOLS = ("mount", "umount", "mkfs.ext4")


def refusal(folder: Path) -> str:
    """Why nothing can be mounted here; nothing when it can."""
    if os.geteuid() != 0:
        return "mounting file systems takes root"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_path()) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    try:
        image = formatted(folder / "try.img")
        with mounted(folder / "try", "-o", "loop", str(image)):
            return ""
    except subprocess.CalledProcessError as error:
        return f"{error.cmd[0]} is refused here: {error.stderr.decode(errors='replace').strip()}"


def _path() -> str:
    """Where the tools of an administrator are, too."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def command(*words: str | Path) -> None:
    """Run a tool; raises `CalledProcessError` with what it said."""
    environment = {**os.environ, "PATH": _path(), "LC_ALL": "C"}
    subprocess.run([str(w) for w in words], check=True, capture_output=True, env=environment)


def formatted(image: Path, megabytes: int = 24) -> Path:
    """An empty ext4 in a file."""
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    command("mkfs.ext4", "-q", "-F", image)
    return image


@contextmanager
def mounted(where: Path, *words: str) -> Iterator[Path]:
    """Mount something at a folder, as ``mount`` is told to."""
    where.mkdir(exist_ok=True)
    command("mount", *words, where)
    try:
        yield where
    finally:
        _unmounted(where)


def _unmounted(where: Path) -> None:
    """Unmount; the kernel may be behind with closing what an ended process had open."""
    for _ in range(100):
        try:
            command("umount", where)
        except subprocess.CalledProcessError as error:
            if b"busy" not in error.stderr:
                raise
            time.sleep(0.05)
        else:
            return
    command("umount", where)
