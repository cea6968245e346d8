"""What a command's function says of its parameters, beside their types.

A parameter before ``/`` is an argument, one behind ``*`` an option, any other may be both. An
option is called ``--name`` unless its `Parameter` says otherwise.
"""

from __future__ import annotations

from typing import NamedTuple


class Number(NamedTuple):
    """The least and the greatest number that is taken."""

    gte: int
    lte: int


class Parameter(NamedTuple):
    """A parameter's meaning; its name where that is another than the function's."""

    help: str = ""
    name: str | None = None
    validator: Number | None = None
    show_default: bool = True


class SettingFlags(NamedTuple):
    """A parameter that takes the flags of these settings: a mapping of those that were given."""

    names: tuple[str, ...]
