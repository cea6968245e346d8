"""The service's log on standard error: JSON lines, or lines for a person at a terminal.

A log is never in the way: where it cannot be written, the work goes on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import structlog

from feedengine.errors import printable

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Lines of ``event`` and its values; the level may be changed while it is in use."""

    def __init__(self, stream: TextIO, level: str) -> None:
        """Write to ``stream`` what is at least as grave as ``level``."""
        self.level = level
        self._lines = structlog.wrap_logger(
            _Lines(stream),
            processors=[
                self._grave,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                *(_for_people() if stream.isatty() else _for_machines()),
            ],
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
        )

    def write(self, level: str, event: str, **values: object) -> None:
        """One line."""
        getattr(self._lines, level)(event, **values)

    def defect(self, event: str, error: BaseException) -> None:
        """One line with a traceback: something that ought not to happen."""
        self._lines.error(event, exc_info=error)

    def _grave(
        self, _logger: object, level: str, values: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if LEVELS[level] < LEVELS[self.level]:
            raise structlog.DropEvent
        return values


class _Lines:
    """Whole lines, each by one write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, text: str) -> None:
        """A line; lost, when there is nobody or no room to take it."""
        with suppress(OSError, ValueError):
            self._stream.write(text + "\n")
            self._stream.flush()

    debug = info = warning = error = msg


def _for_machines() -> tuple[Any, ...]:
    """JSON in ASCII: nothing in it is an order to whoever shows it."""

    def dumped(_logger: object, _level: str, values: MutableMapping[str, Any]) -> str:
        first = {name: values.pop(name) for name in ("at", "level", "event")}
        return json.dumps({**first, **values}, default=str)

    return structlog.processors.format_exc_info, dumped


def _for_people() -> tuple[Any, ...]:
    """Text in which what came from feeds is only shown."""

    def shown(
        _logger: object, _level: str, values: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for name, value in values.items():
            if name != "exception" and isinstance(value, str):
                values[name] = printable(value)
        return values

    def trace(
        _logger: object, _level: str, values: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        text = values.get("exception")
        if text is not None:
            values["exception"] = "\n".join(map(printable, text.split("\n")))
        return values

    drawn = structlog.dev.ConsoleRenderer(
        exception_formatter=structlog.dev.plain_traceback, timestamp_key="at"
    )
    return structlog.processors.format_exc_info, shown, trace, drawn


class _Bridge(logging.Handler):
    """What libraries say by the standard library's logging, as lines of ours."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.write(level, "a library says", library=record.name, said=record.getMessage())


@contextmanager
def libraries_told(log: Log) -> Iterator[None]:
    """For as long as the service runs, libraries speak through ``log``."""
    bridge, root = _Bridge(log), logging.getLogger()
    root.addHandler(bridge)
    try:
        yield
    finally:
        root.removeHandler(bridge)
