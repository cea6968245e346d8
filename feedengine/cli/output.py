"""The one place that prints: tables for people, JSON for machines, errors for both.

What comes from feeds is shown as plain text: never as markup, never as orders to the terminal.
Results go to standard output; progress, notices and errors to standard error.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from feedengine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import Console

    from feedengine.telling import Progress

UNBOUNDED = 10_000
"""Columns where no terminal sets a limit: lines in files are not broken."""

STYLES = {
    "error": "red",
    "failed": "red",
    "partial": "yellow",
    "held": "yellow",
    "warning": "yellow",
    "succeeded": "green",
}
"""How a word that stands alone in a cell is coloured."""


def safe(value: object) -> str:
    r"""Text that a terminal only shows: whatever is not printable is written ``\uXXXX``."""
    return "" if value is None else printable(str(value))


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=terminal,
        width=None if terminal else UNBOUNDED,
        markup=False,
        emoji=False,
        highlight=False,
    )


def document(value: object) -> None:
    """One JSON document on standard output, in ASCII: safe on every terminal and in every pipe."""
    import json

    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def line(text: object = "") -> None:
    """One line of a result."""
    sys.stdout.write(safe(text) + "\n")


def notice(text: str) -> None:
    """One line beside the result: what a person may want to know, on standard error."""
    sys.stderr.write(safe(text) + "\n")


def error(message: str, hint: str, status: int, *, as_json: bool) -> int:
    """Say what went wrong, and what to do; returns the exit status."""
    sys.stderr.write(f"error: {safe(message)}\n")
    if hint:
        sys.stderr.write(f"hint: {safe(hint)}\n")
    if as_json:
        document({"error": {"message": message, "hint": hint, "status": status}})
    return status


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, head: bool = True) -> None:
    """Rows under their columns; numbers stand to the right."""
    from rich.table import Table
    from rich.text import Text

    found = [list(row) for row in rows]
    made = Table(
        box=None, show_header=head, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for index, name in enumerate(columns):
        number = bool(found) and all(isinstance(row[index], int) for row in found)
        made.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in found:
        cells = [safe(value) for value in row]
        made.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    console = _console(sys.stdout)
    if console.is_terminal:
        console.print(made)
        return
    with console.capture() as captured:
        console.print(made)
    sys.stdout.write("".join(text.rstrip() + "\n" for text in captured.get().splitlines()))


def records(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows given as dictionaries."""
    table(columns, [[row[name] for name in columns] for row in rows])


def pairs(values: Mapping[str, object]) -> None:
    """Names and their values, below one another."""
    table(("", ""), [(name, spoken(value)) for name, value in values.items()], head=False)


def lasting(seconds: float) -> str:
    """A time as people say it: seconds, minutes, hours or days."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def spoken(value: object) -> str:
    """A value as people read it: lists and objects on one line, nothing for NULL."""
    if isinstance(value, dict):
        given = {name: one for name, one in value.items() if one not in (None, [], ())}
        return " ".join(f"{name}={spoken(one)}" for name, one in given.items())
    if isinstance(value, list | tuple):
        apart = "; " if any(isinstance(one, dict) for one in value) else ", "
        return apart.join(spoken(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


@contextmanager
def progress() -> Iterator[tuple[Callable[[Progress], None], Callable[[str], None]]]:
    """A bar on the terminal that standard error is, and nothing elsewhere.

    Gives the two functions that `Engine.run` calls: one hears of every batch, one of waits.
    """
    if not sys.stderr.isatty():
        yield lambda _: None, notice
        return
    from rich import progress as bars

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]:,.0f}/s", markup=False),
        bars.TextColumn("{task.fields[refused]} refused", markup=False),
        bars.TimeElapsedColumn(),
    )
    console = _console(sys.stderr)
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("waiting for feeds", total=None, rate=0.0, refused=0)

        def told(now: Progress) -> None:
            elapsed = bar.tasks[task].elapsed or 0.0
            bar.update(
                task,
                description=safe(f"feed {now.feeds}: {now.feed}"),
                completed=now.done,
                total=now.packages,
                rate=now.done / elapsed if elapsed else 0.0,
                refused=now.failed,
            )

        yield told, lambda text: console.print(safe(text))


@contextmanager
def reading() -> Iterator[Callable[[int, int, int | None], None]]:
    """A bar over bytes that are read, on the terminal that standard error is.

    Gives the function that hears of rows, bytes read, and bytes in all (None: not known).
    """
    if not sys.stderr.isatty():
        yield lambda _rows, _done, _total: None
        return
    from rich import progress as bars

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.fields[rows]:,} rows", markup=False),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=_console(sys.stderr), transient=True) as bar:
        task = bar.add_task("reading", total=None, rows=0)

        def told(rows: int, done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, rows=rows)

        yield told
