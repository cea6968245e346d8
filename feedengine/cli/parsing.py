"""From a command's function to its options, its help, and its call, by the standard library.

Only the command that is named is imported; what its arguments are follows from its signature.
"""

from __future__ import annotations

import inspect
from argparse import SUPPRESS, ArgumentTypeError, BooleanOptionalAction
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from feedengine.cli.helping import HELP, Formatter, Parser, nearest
from feedengine.cli.parameters import Parameter, SettingFlags
from feedengine.config import PREFIX, declared
from feedengine.errors import UsageError, quoted

SETTINGS = f"For this run alone. Each may stand in feedengine.toml, or be a variable {PREFIX}NAME."


class _Taken(NamedTuple):
    """A parameter of a function: its name there, its type without None, and what is said of it."""

    name: str
    kind: Any
    said: Parameter
    how: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty


class Called:
    """A command's function as the command line calls it."""

    def __init__(self, words: str, text: str, function: Callable[..., int]) -> None:
        """``words`` are what people type, ``text`` its help."""
        self.function = function
        self.parameters: list[_Taken] = []
        self.flags: tuple[str, tuple[str, ...]] | None = None
        for one in _parameters(function):
            if isinstance(one.said, SettingFlags):
                self.flags = (one.name, one.said.names)
            else:
                self.parameters.append(one)
        self.parser = Parser(
            words, description=text, add_help=False, allow_abbrev=False, formatter_class=Formatter
        )
        self._declare()
        self.parser.usage = " ".join([words, "[OPTIONS]", *map(_shown, self._arguments())])

    def _arguments(self) -> list[_Taken]:
        return [one for one in self.parameters if one.how is not inspect.Parameter.KEYWORD_ONLY]

    def _declare(self) -> None:
        arguments = self.parser.add_argument_group("Arguments")
        options = self.parser.add_argument_group("Options")
        for one in self._arguments():
            many = get_origin(one.kind) is list
            arguments.add_argument(
                f"argument {one.name}",
                nargs=("+" if one.required else "*") if many else (None if one.required else "?"),
                metavar=_named(one),
                **{**_values(one), "default": None},
            )
        for one in self.parameters:
            if one.how is not inspect.Parameter.POSITIONAL_ONLY:
                _option(options, one)
        options.add_argument("-h", "--help", action="store_true", default=SUPPRESS, help=HELP)
        if self.flags is not None:
            group = self.parser.add_argument_group("Settings", SETTINGS)
            for name in self.flags[1]:
                _flag(group, name)

    def __call__(self, words: Sequence[str]) -> int:
        """Call the function with these words; raises `UsageError` for what cannot be meant."""
        found, left = self.parser.parse_known_intermixed_args(list(words))
        if left:
            self.parser.error(self._unknown(left[0]))
        given = vars(found)
        first, named = [], {}
        for one in self.parameters:
            keys = (f"argument {one.name}", f"option {one.name}")
            values = [given[key] for key in keys if given.get(key) not in (None, [])]
            if len(values) > 1:
                self.parser.error(f"{_named(one)} is given twice")
            if one.how is inspect.Parameter.POSITIONAL_ONLY:
                first.append(values[0] if values else one.default)
            elif values:
                named[one.name] = values[0]
        if self.flags is not None:
            flags = {name: given[f"setting {name}"] for name in self.flags[1] if _has(given, name)}
            named[self.flags[0]] = {name: _shaped(name, value) for name, value in flags.items()}
        return self.function(*first, **named)

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"{quoted(word)} is one argument too many"
        known = [name for action in self.parser._actions for name in action.option_strings]
        return f"unknown option {quoted(word)}{nearest(word.partition('=')[0], known)}"


def _has(given: Mapping[str, Any], name: str) -> bool:
    return given.get(f"setting {name}") is not None


def _parameters(function: Callable[..., int]) -> Iterable[_Taken]:
    hints = get_type_hints(function, include_extras=True)
    for name, one in inspect.signature(function).parameters.items():
        kind, notes = _peeled(hints[name])
        yield _Taken(name, kind, _together(notes), one.kind, one.default)


def _peeled(kind: Any) -> tuple[Any, list[Any]]:
    """A type without its notes and without None, and its notes, the innermost first."""
    notes: list[Any] = []
    while True:
        inner = get_args(kind)
        if hasattr(kind, "__metadata__"):
            kind, notes = inner[0], [*inner[1:], *notes]
        elif type(None) in inner:
            kind = next(one for one in inner if one is not type(None))
        else:
            return kind, notes


def _together(notes: Sequence[Any]) -> Any:
    """What several notes say: each later one overrides what it says otherwise than by default."""
    found = notes[0]
    for note in notes[1:]:
        said = {k: v for k, v in note._asdict().items() if v != note._field_defaults.get(k)}
        found = found._replace(**said)
    return found


def _named(one: _Taken) -> str:
    return one.said.name or one.name.rstrip("_").upper()


def _shown(one: _Taken) -> str:
    name = f"{_named(one)}..." if get_origin(one.kind) is list else _named(one)
    return name if one.required else f"[{name}]"


def _option(group: Any, one: _Taken) -> None:
    said = one.said.name or ""
    name = said if said.startswith("--") else "--" + one.name.rstrip("_").replace("_", "-")
    if one.kind is bool:
        group.add_argument(
            name,
            dest=f"option {one.name}",
            action="store_true",
            default=SUPPRESS,
            help=one.said.help,
        )
        return
    group.add_argument(
        name,
        dest=f"option {one.name}",
        required=one.required,
        metavar=_metavar(one.kind),
        **_values(one),
    )


def _values(one: _Taken) -> dict[str, Any]:
    """How a value is read, and what help says of it."""
    kind = get_args(one.kind)[0] if get_origin(one.kind) is list else one.kind
    text = one.said.help
    if get_origin(kind) is Literal:
        text += f" [{', '.join(get_args(kind))}]"
    if not one.required and one.default not in (None, False) and one.said.show_default:
        text += f" [default: {one.default}]"
    return {"type": _reader(kind, one.said), "default": SUPPRESS, "help": text.replace("%", "%%")}


def _metavar(kind: Any) -> str:
    return {int: "NUMBER", float: "NUMBER", Path: "PATH", bool: ""}.get(kind, "TEXT")


def _reader(kind: Any, said: Parameter) -> Callable[[str], Any]:
    if kind is int:
        return lambda text: _number(text, said)
    if get_origin(kind) is Literal:
        return lambda text: _one_of(get_args(kind), text)
    return Path if kind is Path else str


def _number(text: str, said: Parameter) -> int:
    try:
        found = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{quoted(text)} is no whole number") from None
    least, most = said.validator or (found, found)
    if not least <= found <= most:
        wanted = f"at least {least}" if found < least else f"at most {most}"
        raise ArgumentTypeError(f"{wanted} is wanted, not {found}")
    return found


def _one_of(words: Sequence[str], text: str) -> str:
    if text not in words:
        raise ArgumentTypeError(f"{quoted(text)} is none of {', '.join(words)}")
    return text


def _flag(group: Any, name: str) -> None:
    """A setting's flag: its text goes to `feedengine.config`, which knows what it must be."""
    one = declared()[name]
    plain = one.default in (None, (), {}, "", False)
    text = one.description + ("" if plain else f" [default: {_spoken(one.default)}]")
    how: dict[str, Any] = {"metavar": _metavar(one.kind)}
    if one.kind is bool:
        how = {"action": BooleanOptionalAction}
    elif get_origin(one.kind) is tuple:
        how = {"action": "append", "metavar": _metavar(get_args(one.kind)[0])}
        text += " (may be repeated)"
    elif get_origin(one.kind) is dict:
        how = {"action": "append", "metavar": "NAME=VALUE"}
        text += " (may be repeated)"
    elif get_origin(one.kind) is Literal:
        text += f" [{', '.join(map(str, get_args(one.kind)))}]"
    group.add_argument(
        "--" + name.replace("_", "-"),
        dest=f"setting {name}",
        default=None,
        help=text.replace("%", "%%"),
        **how,
    )


def _spoken(default: Any) -> str:
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _shaped(name: str, value: Any) -> Any:
    """A setting's flag as `feedengine.config` takes it; mappings come as ``NAME=VALUE``."""
    if get_origin(declared()[name].kind) is not dict:
        return value
    wrong = [one for one in value if "=" not in one]
    if wrong:
        raise UsageError(f"{quoted(wrong[0])} is not NAME=VALUE", "write it like GB=34")
    return dict(one.split("=", 1) for one in value)
