"""Help and mistakes: how they look. All that ``--help`` needs, so little is imported here."""

from __future__ import annotations

from argparse import ArgumentParser, HelpFormatter
from typing import TYPE_CHECKING, Any, NoReturn

from feedengine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HELP = "Show this and exit."


class Formatter(HelpFormatter):
    """Paragraphs stay paragraphs, and options have room for their names."""

    def __init__(self, prog: str) -> None:
        """For the command of this name."""
        super().__init__(prog, max_help_position=32)

    def add_usage(
        self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None
    ) -> None:
        """Begin with a capital letter."""
        super().add_usage(usage, actions, groups, prefix or "Usage: ")

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = text.split("\n\n")
        return "\n\n".join(super(Formatter, self)._fill_text(p, width, indent) for p in parts)


class Parser(ArgumentParser):
    """Raises `UsageError` where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        """Say what cannot be meant."""
        raise UsageError(message.removeprefix("argument "), f"see `{self.prog} --help`")


def listing(words: str, text: str, commands: Mapping[str, str], *, versioned: bool) -> str:
    """The help of the command itself, or of a group: its text, and its commands with theirs."""
    parser = Parser(words, f"{words} COMMAND", text, add_help=False, formatter_class=Formatter)
    group = parser.add_argument_group("Commands")
    for word, meaning in commands.items():
        group.add_argument(word, help=meaning.replace("%", "%%"))
    options = parser.add_argument_group("Options")
    options.add_argument("-h", "--help", action="store_true", help=HELP)
    if versioned:
        options.add_argument("--version", action="store_true", help="Show the version and exit.")
    return parser.format_help()


def nearest(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a question, or nothing."""
    from difflib import get_close_matches  # where something is wrong

    found = get_close_matches(word, list(known), 1)
    return f"; did you mean {found[0]}?" if found else ""
