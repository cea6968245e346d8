"""A command whose system calls fail: what it may do then, and what not (P7, P8).

The environment is never blamed on a package: nothing of it stands in the ledger, and the next run,
undisturbed, ends as if nothing had been.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from .violence import finished, unlike

if TYPE_CHECKING:
    from pathlib import Path

    from .forking import Commands, Done
    from .violence import State

ERRORS = {
    "write": ("ENOSPC", "EIO", "EDQUOT"),
    "pwrite64": ("ENOSPC", "EIO", "EDQUOT"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT"),
    "openat": ("EMFILE", "EIO", "EROFS", "ENFILE"),
    "mkdirat": ("EROFS", "ENOSPC", "EDQUOT", "EIO"),
    "linkat": ("EROFS", "ENOSPC", "EDQUOT", "EIO"),
    "unlinkat": ("EROFS", "EIO"),
    "fcntl": ("EIO",),  # after ENOLCK SQLite waits for half a minute, as for another process
    "flock": ("EIO", "ENOLCK"),
}
"""What can go wrong with a call; with all others ``EIO``."""


def error_for(name: str, number: int) -> str:
    """An error that this call can give; they take turns."""
    errors = ERRORS.get(name, ("EIO",))
    return errors[number % len(errors)]


def badly_ended(done: Done) -> str:
    """What is wrong with how a command has ended whose calls failed."""
    said = done.out + done.err
    if done.status not in {0, 1, 3}:
        return f"exit status {done.status}: {said}"
    if "Traceback" in said or "defect" in said or "unexpected" in said:
        return f"no plain message: {said}"
    if done.status == 3 and not done.err.startswith("error: "):
        return f"no reason told: {said}"
    return ""


def after_failure(
    commands: Commands, root: Path, done: Done, wanted: State, mutant: str = ""
) -> str:
    """What is wrong at the end, or was before; the site is used up.

    Logs that could not be written are missing for good, if the run has said so (P8).
    """
    try:
        found = finished(commands, root, mutant)
    except AssertionError as error:
        return str(error)
    finally:
        shutil.rmtree(root)
    if "logs that could not be written" in done.err:
        found = found._replace(logs=_filled(found.logs, wanted.logs))
        found.stack["texts"] = found.stack["texts"] or wanted.stack["texts"]
    return badly_ended(done) or unlike(found, wanted)


def _filled(
    found: dict[str, list[tuple[str, str]]], wanted: dict[str, list[tuple[str, str]]]
) -> dict[str, list[tuple[str, str]]]:
    """The logs that are wanted, where those found are among them."""
    for folder, logs in found.items():
        rest = list(wanted.get(folder, ()))
        for log in logs:
            if log not in rest:
                return found
            rest.remove(log)
    return wanted
