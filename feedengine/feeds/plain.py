"""A document's text in its plainest spelling, to be read at a glance (`feedengine.feeds.skim`).

What is changed means the same to every reader of XML: the declaration goes, comments and
instructions between tags go, so do the names of schemas at the root; CDATA becomes text, a
reference its character. Whatever is written in another way stays, and is refused there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedengine.feeds.encodings import EncodingError, utf8
from feedengine.feeds.reading import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN_ID = "\x02"
"""Stands behind an element's name where its ``id=`` was; the ID follows as first child (P14)."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_IN_UTF_8 = (
    *(b'<?xml version="1.0" encoding="UTF-8"?>', b'<?xml version="1.0" encoding="utf-8"?>'),
    *(b"<xml", b"<Package", b'<?xml version="1.0"?>'),
)
"""How documents begin that need no second look at what they say of their encoding."""

_NEVER = r"\x00-\x08\x0b-\x1f"
"""Characters that no document may have, but for the end of a line that becomes ``\\n``."""

_DECLARATION = re.compile(
    r"""<\?xml[ \t\n]+version=(["'])1\.0\1"""
    r"""(?:[ \t\n]+encoding=(["'])[A-Za-z][A-Za-z0-9._-]*\2)?"""
    r"""(?:[ \t\n]+standalone=(["'])(?:yes|no)\3)?[ \t\n]*\?>"""
)
"""What a document begins with; that the encoding is one that is read has been seen before."""

_ASIDE = re.compile(
    rf"<!--(?:[^-{_NEVER}]|-[^-{_NEVER}])*-->"
    rf"|<!\[CDATA\[(?P<text>(?:[^<{_NEVER}]|<(?!!))*?)\]\]>"
    rf"|<\?(?![Xx][Mm][Ll][ \t\n?])[A-Za-z_][A-Za-z0-9_.-]*"
    rf"(?:[ \t\n](?:[^?<{_NEVER}]|\?(?!>)|<(?!\?))*)?\?>"
)
"""A comment, CDATA without ``<!``, a processing instruction without ``<?``; read from the left, so
that none is met in another, and never far beyond where the next may begin."""

_HINT = r"""[ \t\n]+(xmlns:xs[di]?|xsi:(?:noNamespaceS|s)chemaLocation)="""
_QUOTED = r"""(?:"[A-Za-z0-9_.:/?=%# -]*"|'[A-Za-z0-9_.:/?=%# -]*')"""
_ROOT_HINTS = re.compile(rf"(<(?:xml|Package))((?:{_HINT}{_QUOTED})+)(?=[ \t\n>])")
_ONE_HINT = re.compile(rf"{_HINT}({_QUOTED})")
"""Where a root element says which schema it follows: a hint, of which nothing is made."""

_SCHEMA = "http://www.w3.org/2001/XMLSchema"
_PREFIXES = {"xmlns:xsi": f"{_SCHEMA}-instance", "xmlns:xsd": _SCHEMA, "xmlns:xs": _SCHEMA}

_HEAD = 500
"""So many characters from the beginning a root element's hint is looked for."""

_FIVE = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
_NAMED = {reference[1:-1]: character for reference, character in _FIVE}
_REFERENCE = re.compile(r"&([a-z]+|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")
_OTHER_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")


def plain_text(data: bytes) -> str | None:
    """The characters of a document, with XML's ends of lines; None for what is refused."""
    try:
        text = (data if data.startswith(_IN_UTF_8) else utf8(data)).decode()
    except (EncodingError, UnicodeDecodeError):
        return None
    if "\0" in text or OWN_ID in text:
        return None
    if not text.isascii() and ("\ufffe" in text or "\uffff" in text):
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    declaration = _DECLARATION.match(text)
    if declaration is not None:
        text = text[declaration.end() :]
    if ("!" in text and "<!" in text) or "<?" in text:  # one character is found sooner than two
        text = _ASIDE.sub(_text_of, text)
    if text.find("xmlns:", 0, _HEAD) >= 0:
        text = _ROOT_HINTS.sub(_without_hints, text, count=1)
    return text


def _text_of(aside: re.Match[str]) -> str:
    """Nothing of what stands between two tags to no effect; of CDATA its text.

    Blank CDATA stays what it is where it may stand between tags, where only blanks may stand.
    """
    inside: str | None = aside["text"]
    text, (start, end) = aside.string, aside.span()
    if inside is None:
        return "" if _between_tags(text, start, end) else aside[0]
    if not inside.strip(BLANK):
        return inside if _alone_in_element(text, start, end) else aside[0]
    if text.rfind(">", 0, start) < text.rfind("<", 0, start):  # in a tag
        return aside[0]
    return inside.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _between_tags(text: str, start: int, end: int) -> bool:
    """Whether only blanks stand around, up to the next tags or to the ends of the document."""
    before, behind = text.rfind(">", 0, start) + 1, text.find("<", end)
    rest = text[end:] if behind < 0 else text[end:behind]
    return not text[before:start].strip(BLANK) and not rest.strip(BLANK)


_IN_TAG = re.compile(r"""<[A-Za-z]+(?:[ \t\n][^<>]*["' \t\n])?>""")


def _alone_in_element(text: str, start: int, end: int) -> bool:
    """Whether a tag begins an element right before, and it ends right behind."""
    tag = text.rfind("<", 0, start)
    return (
        text.startswith("</", end) and tag >= 0 and _IN_TAG.fullmatch(text, tag, start) is not None
    )


def _without_hints(root: re.Match[str]) -> str:
    """A root element without hints; as it is where one of them may mean something else."""
    given = [(name, value[1:-1]) for name, value in _ONE_HINT.findall(root[2])]
    hints = dict(given)
    known = all(value == _PREFIXES.get(name, value) for name, value in given)
    declared = "xmlns:xsi" in hints or not any(name.startswith("xsi:") for name in hints)
    return root[1] if known and declared and len(hints) == len(given) else root[0]


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
