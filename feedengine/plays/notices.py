"""A recipient's failure notice, as it comes: which files, rows or plays are to be sent again.

The recipient says that it will notify, and not in which form. Taken are

- JSON, or a JSON document a line: objects with ``file`` (or ``key``, ``filename``), ``row`` or
  ``rows``, ``id`` or ``ids``; whatever else they hold is left alone;
- a table with a header (comma or tab) that has one of the columns ``file``, ``row``, ``id``;
- plain lines: a file, a file and its rows (``….parquet 3, 7-9``), or a play's id.

A file stands for all its rows where none are named. Lines that begin with ``#`` are passed over.
Whatever is of no such form is refused: a notice that is half understood sends half again.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from feedengine.errors import UsageError, quoted

_FILES = ("file", "key", "filename", "path")
_ROWS = ("rows", "row")
_IDS = ("ids", "id")
_LINE = re.compile(r"(\S.*?\.parquet)(?:[\s:,;]+(?:rows?\s+)?([0-9][0-9,;\s-]*))?", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")
MOST_ROWS = 10_000_000


class Notice(NamedTuple):
    """Files with their rows from 0 (None: all of them), and ids of plays in lower case.

    ``within`` has the ids that are named beside a file: those of its rows.
    """

    files: dict[str, frozenset[int] | None]
    ids: frozenset[str] = frozenset()
    within: dict[str, frozenset[str]] = {}  # noqa: RUF012 - a tuple's default; nobody changes it


def notice_of(text: str, *, row_base: int = 1) -> Notice:
    """What a notice names; raises `UsageError` where it cannot be understood.

    ``row_base`` is the number of a file's first row, as the recipient counts.
    """
    named = list(_named(text))
    files: dict[str, frozenset[int] | None] = {}
    within: dict[str, frozenset[str]] = {}
    ids: frozenset[str] = frozenset()
    for file, rows, plays in named:
        those = frozenset(map(_id, plays))
        if file is None:
            if rows:
                raise UsageError("the notice names rows of no file", "name the file beside them")
            ids |= those
            continue
        if those:
            within[file] = within.get(file, frozenset()) | those
        numbers = frozenset(number - row_base for number in rows)
        if numbers and min(numbers) < 0:
            raise UsageError("the notice names row 0", "say --rows-from 0 if it counts from 0")
        if not numbers and plays:
            continue  # the ids say which
        before = files.get(file, frozenset())
        files[file] = None if before is None or not numbers else before | numbers
    if not (files or ids or within):
        raise UsageError("the notice names nothing", "see docs/plays-delivery.md for its forms")
    return Notice(files, ids, within)


def _named(text: str) -> Iterator[tuple[str | None, list[int], list[str]]]:
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped[:1] in {"{", "["}:
        for one in _documents(stripped):
            yield from _objects(one)
        return
    lines = [line for line in stripped.splitlines() if line.strip() and not line.startswith("#")]
    header = _columns(lines[0]) if lines else []
    if header:
        for row in _table(lines, header):
            yield from _objects(row)
        return
    for line in lines:
        yield _plain(line.strip())


def _documents(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the notice is no JSON: {error}", "correct it") from None


def _objects(tree: Any) -> Iterator[tuple[str | None, list[int], list[str]]]:
    """Every object in a tree that names something."""
    if isinstance(tree, list):
        for one in tree:
            yield from [_plain(one)] if isinstance(one, str) else _objects(one)
    elif isinstance(tree, dict):
        low = {str(name).strip().lower(): value for name, value in tree.items()}
        file = next((str(low[name]) for name in _FILES if low.get(name)), None)
        rows = [n for name in _ROWS if name in low for n in _numbers(low[name])]
        ids = [str(one) for name in _IDS if low.get(name) for one in _many(low[name])]
        if file or rows or ids:
            yield file, rows, ids
        for value in tree.values():
            if isinstance(value, list | dict) and not _scalars(value):
                yield from _objects(value)


def _scalars(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(one, list | dict) for one in value)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _numbers(value: Any) -> list[int]:
    """Rows given as a number, a list of them, or text such as ``3, 7-9``."""
    found: list[int] = []
    for one in _many(value):
        if one is None or (isinstance(one, str) and not one.strip()):
            continue
        for part in re.sub(r"\s*-\s*", "-", str(one)).replace(",", " ").replace(";", " ").split():
            bounds = _RANGE.fullmatch(part)
            if bounds is None:
                raise UsageError(f"{quoted(part)} is no row", "write rows as 3, 7-9")
            first, last = int(bounds[1]), int(bounds[2] or bounds[1])
            if not first <= last < first + MOST_ROWS:
                raise UsageError(f"{quoted(part)} are no rows", "write rows as 3, 7-9")
            found += range(first, last + 1)
    return found


def _columns(line: str) -> list[str]:
    """The columns of a header; none when the line is no header."""
    names = [name.strip().strip('"').lower() for name in re.split(r"[,\t;]", line)]
    known = {*_FILES, *_ROWS, *_IDS}
    return names if known & set(names) else []


def _table(lines: list[str], header: list[str]) -> Iterable[dict[str, str]]:
    mark = next((one for one in "\t;" if one in lines[0]), ",")
    try:
        rows = list(csv.reader(lines[1:], delimiter=mark, strict=True))
    except csv.Error as error:
        raise UsageError(f"the notice is no table: {error}", "correct it") from None
    for row in rows:
        if len(row) != len(header):
            raise UsageError(f"a line of the notice has {len(row)} fields", "quote its commas")
        yield dict(zip(header, row, strict=True))


def _plain(line: str) -> tuple[str | None, list[int], list[str]]:
    found = _LINE.fullmatch(line)
    if found is not None:
        return found[1], _numbers(found[2]) if found[2] else [], []
    return None, [], [_id(line)]


def _id(text: str) -> str:
    try:
        if len(text.strip()) == 36:
            return str(UUID(text.strip()))
    except ValueError:
        pass
    raise UsageError(f"{quoted(text)} is neither a file nor a play's id", "correct the notice")
