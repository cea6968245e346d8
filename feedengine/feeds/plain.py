"""A document's text in its plainest spelling, to be read at a glance (`feedengine.feeds.skim`).

What is changed means the same to every reader of XML: comments between tags go, CDATA becomes text,
a reference its character. Whatever is written in another way stays, and is refused there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedengine.feeds.reading import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN_ID = "\x02"
"""Stands behind an element's name where its ``id=`` was; the ID follows as first child (P14)."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_NEVER = r"\x00-\x08\x0b-\x1f"
"""Characters that no document may have, but for the end of a line that becomes ``\\n``."""

_ASIDE = re.compile(
    rf"<!--(?:[^-{_NEVER}]|-[^-{_NEVER}])*-->"
    rf"|<!\[CDATA\[(?P<text>(?:[^<{_NEVER}]|<(?!!))*?)\]\]>"
)
"""A comment, or CDATA without ``<!``; read from the left, so that neither is met in the other."""

_SCHEMA_HINT = re.compile(
    r"(<(?:xml|Package))[ \t\n]+xmlns:xsi=([\"'])http://www\.w3\.org/2001/XMLSchema-instance\2"
    r"[ \t\n]+xsi:noNamespaceSchemaLocation=([\"'])[A-Za-z0-9_.:/-]*\3(?=[ \t\n>])"
)
"""Where a root element says which schema it follows: a hint, of which nothing is made."""

_HEAD = 500
"""So many characters from the beginning a root element's hint is looked for."""

_FIVE = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
_NAMED = {reference[1:-1]: character for reference, character in _FIVE}
_REFERENCE = re.compile(r"&([a-z]+|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")
_OTHER_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")


def plain_text(data: bytes) -> str | None:
    """The characters of a document in UTF-8, with XML's ends of lines; None for what is refused."""
    try:
        text = data.removeprefix(BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        return None
    if b"\0" in data or OWN_ID in text:
        return None
    if not text.isascii() and ("\ufffe" in text or "\uffff" in text):
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "!" in text and "<!" in text:  # one character is found much sooner than two
        text = _ASIDE.sub(_text_of, text)
    if text.find("xsi:", 0, _HEAD) >= 0:
        text = _SCHEMA_HINT.sub(r"\1", text, count=1)
    return text


def _text_of(aside: re.Match[str]) -> str:
    """Nothing of a comment between two tags; of CDATA its text.

    Blank CDATA stays what it is, since it may stand between tags, where only blanks may stand.
    """
    inside: str | None = aside["text"]
    if inside is None:
        return "" if _between_tags(aside.string, *aside.span()) else aside[0]
    if not inside.strip(BLANK):
        return aside[0]
    return inside.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _between_tags(text: str, start: int, end: int) -> bool:
    before, behind = text.rfind(">", 0, start), text.find("<", end)
    return (
        before >= 0
        and behind >= 0
        and not text[before + 1 : start].strip(BLANK)
        and not text[end:behind].strip(BLANK)
    )


def refers_elsewhere(text: str) -> bool:
    """Whether a document has an ``&`` that begins neither one of XML's five nor a number."""
    return _OTHER_AMPERSAND.search(text) is not None


def dereferenced(values: Sequence[str]) -> list[str] | None:
    """Values with characters in the place of references; None where one must not be."""
    try:
        return [_dereferenced(value) if "&" in value else value for value in values]
    except ValueError:
        return None


def _dereferenced(value: str) -> str:
    if "&#" in value:
        return _REFERENCE.sub(_character, value)
    for reference, character in _FIVE:
        value = value.replace(reference, character)
    return value


def _character(reference: re.Match[str]) -> str:
    """Raises `ValueError` for what is no character of XML, or controls."""
    name = reference[1]
    if not name.startswith("#"):
        return _NAMED[name]
    number = int(name.removeprefix("#x"), 16) if name[1] == "x" else int(name[1:])
    if number < 0x20 or 0xD800 <= number < 0xE000 or number in {0xFFFE, 0xFFFF}:
        raise ValueError(reference[0])
    return chr(number)
