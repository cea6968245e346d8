"""Stack entries that come back to the Stack to be taken once more (P5: an entry is never lost)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from feedengine.feeds.descriptors import move_in
from feedengine.feeds.paths import MissingError
from feedengine.feeds.stack import Stack, _names_for, _side_folder, _signature_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedengine.feeds.entries import Signature

Returned: TypeAlias = Literal["queued", "waiting", "gone"]
"""It is on the Stack again; one of its name was there already; there is nothing to put back."""

_GAP = 5
"""So many numbers in a row that no name has end the search for an entry that was filed."""


def is_waiting(stack: Stack, name: str) -> bool:
    """Whether an entry of this name is on the Stack."""
    try:
        stack.signature(name)
    except MissingError:
        return False
    return True


def put_back(stack: Stack, name: str, signature: Signature | None, data: bytes | None) -> Returned:
    """Put an entry back on the Stack under its name, never over one that is waiting.

    From ``failed/`` where the very file is there that had ``signature`` (None: any of that name),
    under whatever number it was filed; else ``data`` is written anew, if there is any.
    """
    with stack._opened() as folder, _side_folder(folder, "failed") as side:
        for filed in _filed(side, name, signature):
            with suppress(FileNotFoundError):  # somebody else has just taken it
                return "queued" if move_in(side, filed, folder, name, sync=True) else "waiting"
        if data is None:
            return "waiting" if _there(folder, name) else "gone"
        return "queued" if _written(folder, name, data) else "waiting"


def _filed(side: int, name: str, signature: Signature | None) -> Iterator[str]:
    """The names under which the entry may lie in ``failed/``."""
    missed = 0
    for filed in _names_for(name):
        try:
            if signature is None or _signature_in(side, filed) == signature:
                yield filed
            missed = 0
        except MissingError:
            missed += 1
        if signature is None or missed == _GAP:
            return


def _there(folder: int, name: str) -> bool:
    try:
        _signature_in(folder, name)
    except MissingError:
        return False
    return True


def _written(folder: int, name: str, data: bytes) -> bool:
    """Write an entry whole, aside, then under its own name; False where that is taken."""
    aside = f".{os.getpid()}.retry.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(aside, flags, 0o666, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if move_in(folder, aside, folder, name, sync=True):
        return True
    os.unlink(aside, dir_fd=folder)
    return False
