"""What can go wrong, as values and as exceptions.

A *finding* is a value: something wrong (or doubtful) in what a producer sent. It is collected,
never raised, so that every finding of a package is reported and not only the first.

Exceptions are for the operator's side, one class for each exit status::

    FeedengineError
    ├── UsageError       2  wrong flags, settings or root folder
    ├── RefusedError     1  the request was understood and refused (nothing found, held, "no")
    └── ServiceError     3  a database, disk or network did not answer
        └── PassingError    … and is likely to within seconds (a server that starts again)
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]

Place: TypeAlias = "tuple[Place | None, int | str]"
"""Where a thing stands: ``(place of the parent element, index among the parent's child elements)``.

The outermost place of a document is ``(None, file)``; the root element of that file is
``((None, file), 0)``. Cheap to make for everything that is read; turned into line, column and
XPath only when something is found there (`feedengine.feeds.document.locate`).
"""

LONGEST_QUOTE = 200


class FeedengineError(Exception):
    """Anything the engine raises on purpose; ``hint`` says what to do about it."""

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the message for people and the cure beside it."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class RefusedError(FeedengineError):
    """The request was understood, and the answer is no."""

    exit_status = 1


class UsageError(FeedengineError):
    """Flags, settings or the root folder are wrong."""

    exit_status = 2


class ServiceError(FeedengineError):
    """An outside part (database, disk, network) failed; trying again later may help."""

    exit_status = 3


class PassingError(ServiceError):
    """A failure that is likely to pass within seconds, such as a server that starts again."""


class Fault(NamedTuple):
    """Something found at a place, before that place is turned into line and column.

    ``refused`` makes an error of what is a warning elsewhere (the setting ``strict``).
    """

    code: str
    rule: str
    place: Place
    message: str
    hint: str = ""
    refused: bool = False


class Finding(NamedTuple):
    """One finding as people read it and as the table ``finding`` keeps it (protocol, section 6).

    ``line`` and ``column`` count from 1 and are 0 where the file has no such place; ``xpath`` is
    empty there.
    """

    severity: Severity
    code: str
    rule: str
    file: str
    line: int
    column: int
    xpath: str
    message: str
    hint: str


def quoted(text: str) -> str:
    """Text from a feed, safe to show: no control characters, at most 200 characters (section 6)."""
    cut = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
    return f"'{printable(cut)}'"


def printable(text: str) -> str:
    r"""Text that a terminal, or a log, only shows: what is not printable is written ``\uXXXX``.

    That is every control character, C1's too, every end of a line, what turns the direction of
    writing, what has no width, and the stray bytes of names that are not UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(ord(c)) for c in text)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
