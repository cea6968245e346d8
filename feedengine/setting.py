"""How one setting is declared, and how its value is read from text, TOML or Python.

A settings class is a plain dataclass; what stands behind a field's default is its bounds and its
meaning. Values are read by the field's type, so that nothing is listed twice.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import cache
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints


class Secret:
    """A text that is shown nowhere; ``reveal()`` gives it to whoever needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Hide this text."""
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        """Stars."""
        return "**********"

    def __eq__(self, other: object) -> bool:
        """Whether it hides the same text."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """As its text's."""
        return hash(self._text)


class Bounds(NamedTuple):
    """What a value must be besides being of its type; ``check`` may change it, or refuse it."""

    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    check: Callable[[Any], Any] | None = None


class Setting(NamedTuple):
    """A field of a settings class; ``kind`` is its type, without None where it ``may_be_none``."""

    name: str
    kind: Any
    may_be_none: bool
    default: Any
    description: str
    bounds: Bounds


def Field(  # noqa: N802 - reads as the declaration that it is
    default: Any = dataclasses.MISSING, *, description: str, **bounds: Any
) -> Any:
    """A setting's default (none: it must be given), meaning, and `Bounds`."""
    metadata = {"description": description, "bounds": Bounds(**bounds)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@cache
def settings_of(declared: Any) -> Mapping[str, Setting]:
    """Name → setting of every field of a settings class, in their order."""
    hints = get_type_hints(declared)
    found = {}
    for field in dataclasses.fields(declared):
        kinds = [one for one in get_args(hints[field.name]) if one is not type(None)]
        optional = type(None) in get_args(hints[field.name])
        made = field.default_factory
        default = field.default if made is dataclasses.MISSING else made()
        found[field.name] = Setting(
            field.name,
            kinds[0] if optional else hints[field.name],
            optional,
            default,
            field.metadata["description"],
            field.metadata["bounds"],
        )
    return MappingProxyType(found)


def read(setting: Setting, value: Any) -> Any:
    """A setting's value; raises `ValueError` that says what is wanted."""
    if value is None and setting.may_be_none:
        return None
    found = _read(setting.kind, value)
    bounds = setting.bounds
    for wrong, wanted in (
        (bounds.ge is not None and found < bounds.ge, f"at least {bounds.ge}"),
        (bounds.le is not None and found > bounds.le, f"at most {bounds.le}"),
        (_shorter(found, bounds.min_length), f"at least {bounds.min_length} characters"),
        (_shorter(bounds.max_length, found), f"at most {bounds.max_length} characters"),
        (_unlike(bounds.pattern, found), f"text like {bounds.pattern}"),
    ):
        if wrong:
            raise _Wanted(f"{wanted} is wanted")
    return found if bounds.check is None else bounds.check(found)


class _Wanted(ValueError):  # noqa: N818 - it says what is wanted
    """A value is none that the setting takes."""


def _shorter(one: Any, other: Any) -> bool:
    """Whether the first has a smaller length than the second; no bound, no."""
    if one is None or other is None:
        return False
    return bool(_size(one) < _size(other))


def _size(one: Any) -> int:
    return one if isinstance(one, int) else len(one)


def _unlike(pattern: str | None, found: Any) -> bool:
    return pattern is not None and re.search(pattern, found) is None


def _read(kind: Any, value: Any) -> Any:
    if kind in _READERS:
        return _READERS[kind](value)
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return _one_of(inner, value)
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise _Wanted("a list is wanted")
        return tuple(_read(inner[0], one) for one in value)
    if not isinstance(value, Mapping):
        raise _Wanted("a table of names and values is wanted")
    return {_read(inner[0], name): _read(inner[1], one) for name, one in value.items()}


def _one_of(words: tuple[Any, ...], value: Any) -> Any:
    """One of these words or numbers; a number may come as text."""
    found = {str(word): word for word in words}.get(str(value))
    if found is None or isinstance(value, bool):
        raise _Wanted(f"{' or '.join(map(str, words))} is wanted")
    return found


_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def _bool(value: Any) -> bool:
    found = _SWITCH.get(str(value).strip().lower())
    if found is None:
        raise _Wanted("true or false is wanted")
    return found


def _int(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", value):
        return int(value)
    raise _Wanted("a whole number is wanted")


def _float(value: Any) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            found = float("nan")
        if isfinite(found):
            return found
    raise _Wanted("a number is wanted")


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wanted("text is wanted")
    return value


def _path(value: Any) -> Path:
    return value if isinstance(value, Path) else Path(_str(value))


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(_str(value))


_READERS: dict[Any, Callable[[Any], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Path: _path,
    Secret: _secret,
}
"""Type → how its values are read."""
