"""The bytes of a document as UTF-8, or why they are in none of the encodings that are read (P11).

Whatever a document declares, every parser behind this is given UTF-8 and told so: no parser ever
guesses.
"""

from __future__ import annotations

import codecs
import re
from io import BytesIO

from feedengine.errors import quoted

_CHUNK = 1 << 20
"""Bytes decoded at a time: a text in memory takes up to four times its bytes."""

LONGEST_DECLARATION = 1000

_UTF_8 = frozenset({"utf-8", "utf8"})
_MARKS: dict[bytes, tuple[str, str, frozenset[str]]] = {
    codecs.BOM_UTF32_LE: ("UTF-32", "", frozenset()),
    codecs.BOM_UTF32_BE: ("UTF-32", "", frozenset()),
    codecs.BOM_UTF8: ("UTF-8", "utf-8", _UTF_8),
    codecs.BOM_UTF16_LE: ("UTF-16", "utf-16-le", frozenset({"utf-16", "utf-16le"})),
    codecs.BOM_UTF16_BE: ("UTF-16", "utf-16-be", frozenset({"utf-16", "utf-16be"})),
}
"""Byte order marks, the longer before the shorter: what each says, the codec of what follows (none:
it is not read), and the names that a declaration may give it."""

_ALL_MARKS = tuple(_MARKS)
_UNMARKED = {
    **dict.fromkeys(_UTF_8, "utf-8"),
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
}
_BEGINNING = re.compile(rb"<\?xml[ \t\r\n]")
_NAME = re.compile(rb"""[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)["']""")


class EncodingError(Exception):
    """The bytes cannot be read; ``line`` and ``column`` count from 1 and are 0 for the whole."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        """Keep the parts of the finding."""
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


def utf8(data: bytes) -> bytes:
    """``data`` as UTF-8 without a byte order mark; raises `EncodingError`.

    UTF-8 (where nothing is declared), US-ASCII, ISO-8859-1, and UTF-16 with its mark. A mark and a
    declaration that contradict each other are refused. The declaration itself stays as it is.
    """
    if data.startswith(_ALL_MARKS):
        return _marked(data)
    if b"\0" in data[:2]:
        raise EncodingError("it begins like UTF-16 or UTF-32 without a byte order mark", 1, 1)
    word = declared(data)
    codec = "utf-8" if word is None else _UNMARKED.get(word)
    if codec is None:
        wide = str(word).startswith("utf-16")
        reason = "is declared, but there is no byte order mark" if wide else "is not read"
        raise EncodingError(f"the encoding {quoted(str(word))} {reason}", 1, 1)
    if data.isascii() or (codec == "utf-8" and _is_utf8(data)):
        return data
    return _transcoded(data, codec, 0)


def _is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8; a piece at a time, for the sake of memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), _CHUNK):
            decoder.decode(data[at : at + _CHUNK], at + _CHUNK >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _marked(data: bytes) -> bytes:
    mark = next(mark for mark in _ALL_MARKS if data.startswith(mark))
    name, codec, words = _MARKS[mark]
    if not codec:
        raise EncodingError(f"the byte order mark is that of {name}", 1, 1)
    made = _transcoded(data, codec, len(mark))
    word = declared(made)
    if word is not None and word not in words:
        message = f"the byte order mark says {name}, the declaration {quoted(word)}"
        raise EncodingError(message, 1, 1)
    return made


def declared(data: bytes) -> str | None:
    """The encoding that an XML declaration names, in lower case; None where it names none."""
    if not _BEGINNING.match(data):
        return None
    end = data.find(b"?>", 0, LONGEST_DECLARATION)
    if end < 0 and len(data) >= LONGEST_DECLARATION:
        message = f"the XML declaration does not end within {LONGEST_DECLARATION} bytes"
        raise EncodingError(message, 1, 1)
    found = _NAME.search(data, 0, max(end, 0))
    return None if found is None else found[1].decode("ascii", "replace").lower()


def undeclared(data: bytes) -> bytes:
    """UTF-8 of a document with blanks where its declaration stood: every place stays the same."""
    if not _BEGINNING.match(data):
        return data
    end = data.find(b"?>") + 2
    return re.sub(rb"[^\r\n]", b" ", data[:end]) + data[end:]


def _transcoded(data: bytes, codec: str, start: int) -> bytes:
    """The bytes behind ``start`` as UTF-8; a piece at a time, for the sake of memory."""
    decoder = codecs.getincrementaldecoder(codec)()
    made = BytesIO()
    for at in range(start, len(data), _CHUNK):
        try:
            text = decoder.decode(data[at : at + _CHUNK], at + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            made.write(error.object[: error.start].decode(codec).encode())
            line, column = line_column(made.getvalue(), made.tell())
            wrong = error.object[error.start]
            message = f"the byte 0x{wrong:02X} is no {_SHOWN.get(codec, 'UTF-16')}"
            raise EncodingError(message, line, column) from None
        made.write(text.encode())
    return made.getvalue()


_SHOWN = {"utf-8": "UTF-8", "ascii": "US-ASCII", "iso-8859-1": "ISO-8859-1"}


def line_column(data: bytes, at: int) -> tuple[int, int]:
    """Line and column (in characters) of a byte of UTF-8, both from 1; any line end counts."""
    returns = data.count(b"\r", 0, at) - data.count(b"\r\n", 0, at)
    start = max(data.rfind(b"\n", 0, at), data.rfind(b"\r", 0, at)) + 1
    return (
        data.count(b"\n", 0, at) + returns + 1,
        len(data[start:at].decode("utf-8", "replace")) + 1,
    )


class Lines:
    """Line and column of one byte after the other: each step counts on from the one before."""

    def __init__(self, data: bytes) -> None:
        """Of UTF-8; at its beginning."""
        self.data = data
        self._at = 0
        self._line = 1
        self._column = 1

    def at(self, at: int) -> tuple[int, int]:
        """What `line_column` says of a byte that is not before the last one asked for.

        Nor may it be the second half of a line end.
        """
        passed = self.data[self._at : at]
        line, column = line_column(passed, len(passed))
        self._column = column if line > 1 else self._column + column - 1
        self._line += line - 1
        self._at = at
        return self._line, self._column


_NO_CHARACTERS = re.compile(rb"\xef\xbf[\xbe\xbf]")
_MASK = bytes([*range(0x80), *[ord("x")] * 0x80])
_TAG_NAME = re.compile(rb"</?([^\s/>]*)")


def masked(data: bytes) -> bytes:
    """UTF-8 of a document for a parser that knows the names of XML's older editions only.

    Byte for byte an ``x`` where something else than ASCII stands; what is no character of XML at
    all is a control character there.
    """
    if data.isascii():
        return data
    return _NO_CHARACTERS.sub(b"\x01xx", data).translate(_MASK)


def name_at(data: bytes, at: int) -> str:
    """The name in the tag that begins at a byte of a document."""
    found = _TAG_NAME.match(data, at)
    return found[1].decode("utf-8", "replace") if found else ""
