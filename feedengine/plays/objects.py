"""A ``.json`` file: an array of objects, the endpoint's ``{"playLogItem": […]}``, or objects."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice

import msgspec
import pyarrow as pa

from feedengine.plays.frames import BATCH_ROWS
from feedengine.plays.gather import LONGEST_ROW, Bad, Naming, Row, batch_of, by_place, row_of, shown
from feedengine.plays.json_rows import DECODER, Pairs, plain
from feedengine.plays.jsonl import Lines
from feedengine.plays.sources import DamagedError, Stream

_CHUNK = 1024 * 1024
_BRACKETS = 3
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
_IN_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_OPENING = re.compile(r'\s*(?:\{\s*"playLogItem"\s*:\s*)?\[', re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]*")
_WORD_END = re.compile(r"[,\]}\s]")
_LINE_BEGIN = re.compile(r"\n\s*\{")
_MARKS = re.compile(r'["{}\[\]]')
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def read_json(stream: Stream, source: str, naming: Naming) -> Iterator[pa.RecordBatch]:
    """Raw batches; a row's place is its number in the file, from 1."""
    found = enumerate(_Objects(stream, naming), 1)
    lines = Lines(source, naming)
    while some := list(islice(found, BATCH_ROWS // 4)):
        quick = [(place, one) for place, one in some if isinstance(one, bytes)]
        rows = [(place, one) for place, one in some if not isinstance(one, bytes)]
        made = [lines.batch([line for _, line in quick], [place for place, _ in quick])]
        yield by_place([*made, batch_of(source, rows)]) if rows else made[0]


class _Objects:
    """The objects of a stream, one after the other; memory holds one and a chunk."""

    def __init__(self, stream: Stream, naming: Naming) -> None:
        self.stream, self.naming = stream, naming
        # What is no UTF-8 is found again in the object that holds it.
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self.text, self.at, self.ended = "", 0, False
        self.damaged: str | None = None

    def more(self) -> bool:
        """Read on; whether there was more."""
        if self.ended:
            return False
        try:
            data = self.stream.read(_CHUNK)
        except DamagedError as error:
            self.ended, self.damaged = True, str(error)
            return False
        self.ended = not data
        self.text = self.text[self.at :] + self.decoder.decode(data, final=self.ended)
        self.at = 0
        return True

    def __iter__(self) -> Iterator[Row | bytes]:
        """Each object, or what is wrong with it."""
        self.more()
        opening = _OPENING.match(self.text)
        array = opening is not None
        self.at = opening.end() if opening else 0
        while self._forward():
            if array and self.text[self.at] == "]":
                break
            row = self._whole() or self._one()
            if row is not None:
                yield row
        closed = not array or self.at < len(self.text)
        if self.damaged is not None or not closed:
            yield Bad("file-damaged", self.damaged or "the array is not closed")

    def _forward(self) -> bool:
        """Go to the next thing; whether there is one."""
        while True:
            found = _BETWEEN.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return True
            if not self.more():
                return False

    def _whole(self) -> bytes | None:
        """The object that begins here, in one line, if there is all of it and it is JSON.

        It ends with one of the next brackets: no other beginning of it is a whole object.
        """
        end = self.at
        for _ in range(_BRACKETS if self.text[end] == "{" else 0):
            end = self.text.find("}", end) + 1
            if not end or end - self.at > LONGEST_ROW:
                return None
            try:
                line = self.text[self.at : end].encode()
                _WHOLE.decode(line)
            except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
                continue
            self.at = end
            return line.translate(_IN_ONE_LINE)
        return None

    def _one(self) -> Row | None:
        """The object that begins here; None where damage cuts it off."""
        while True:
            try:
                found, end = DECODER.raw_decode(self.text, self.at)
            except (ValueError, RecursionError):
                if len(self.text) - self.at < LONGEST_ROW and self.more():
                    continue
                return self._skipped()
            break
        whole = self.text[self.at : end]
        self.at = end
        if not isinstance(found, Pairs):
            return Bad("row-not-json", shown(whole))
        if len(whole) > LONGEST_ROW:
            return Bad("row-too-large", shown(whole))
        pairs = [(name, plain(value)) for name, value in found]
        return row_of(pairs, self.naming, shown(whole))

    def _skipped(self) -> Row | None:
        """Pass over what is no JSON: to the end of its brackets, else to the next line's ``{``."""
        begin = self.at
        end = _balanced(self.text, begin)
        large = end is None and len(self.text) - begin >= LONGEST_ROW
        whole = shown(self.text[begin:end])
        if end is None:
            next_ = self._next_line(begin)
            if next_ is None and self.damaged is not None:
                self.at = len(self.text)
                return None
            end = len(self.text) if next_ is None else next_
        self.at = max(end, begin + 1)
        return Bad("row-too-large" if large else "row-not-json", whole)

    def _next_line(self, begin: int) -> int | None:
        """Where a line begins with ``{`` after this place, read on for as long as it takes."""
        while True:
            found = _LINE_BEGIN.search(self.text, begin)
            if found is not None:
                return found.end() - 1
            self.at = max(begin, len(self.text) - 1)
            begin = 0
            if not self.more():
                return None


def _balanced(text: str, begin: int) -> int | None:
    """The end of the brackets that begin here; of a word, where nothing is opened. None: no end."""
    depth, at = 0, begin
    if text[begin] not in '{["':
        found = _WORD_END.search(text, begin + 1)
        return found.start() if found else None
    while (mark := _MARKS.search(text, at)) is not None:
        at = mark.end()
        if mark[0] == '"':
            quoted = _TEXT.match(text, mark.start())
            if quoted is None:
                return None
            at = quoted.end()
        else:
            depth += 1 if mark[0] in "{[" else -1
        if depth <= 0:
            return at
    return None
