"""The log: what it says, how often, and how safely."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from feedengine.config import Settings
from feedengine.errors import Finding, ServiceError
from feedengine.service import reporting
from feedengine.service.hearing import Trouble
from feedengine.service.logs import Log, libraries_told
from feedengine.service.reporting import MOST_PACKAGES, Reporter
from feedengine.store.ledger import Outcome, Run
from feedengine.telling import Steps, Waiting

EVIL = "a\x1b[2J\x9b31m\u202e\nb"

RUN = Run(*(7, "1.xml", "1:2:3", "2026/1", EVIL, "", None, "partial"), *(30, 5, 25, 0), None, None)


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        """So it says."""
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failed(path: str) -> Outcome:
    """A package that failed: one warning, then two errors."""
    found = [
        Finding(severity, code, "P1", path, 1, 2, "", EVIL, "")
        for severity, code in (("warning", "w"), ("error", "e1"), ("error", "e2"))
    ]
    return Outcome(path, None, None, None, None, "failed", "", "", found, ())


def raised(text: str) -> Exception:
    """An exception with a traceback."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - our own
        int(text)
    return caught.value


@pytest.fixture
def stream() -> io.StringIO:
    """Where the log goes."""
    return io.StringIO()


@pytest.fixture
def reporter(stream: io.StringIO, tmp_path: Path) -> Reporter:
    """Writes there."""
    return Reporter(Log(stream, "info"), Settings(root=tmp_path, grace_seconds=0.0))


def test_a_line_is_json_in_ascii(stream: io.StringIO) -> None:
    """Nothing that a feed says ends a line, or reaches a terminal as an order."""
    Log(stream, "info").write("info", "feed ended", client=EVIL, path=Path("x"))
    [line] = stream.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert list(told) == ["at", "level", "event", "client", "path"]
    assert told["client"] == EVIL
    assert told["at"].endswith("Z")


def test_a_line_for_people_only_shows(tmp_path: Path) -> None:
    """At a terminal, too: of a feed's text nothing but letters is left."""
    stream = Terminal()
    log = Log(stream, "info")
    log.write("warning", "feed ended", client=EVIL)
    log.defect("a defect", raised(EVIL))
    Reporter(log, Settings(root=tmp_path)).batch(RUN, [failed(EVIL)], Steps(0, 0, 0))
    text = stream.getvalue()
    assert "\\u001b[2J" in text
    assert "Traceback" in text
    assert not {"\x1b[2J", "\x9b", "\u202e"} & {
        text[i : i + n] for n in (1, 4) for i in range(len(text))
    }


def test_only_what_is_grave_enough(stream: io.StringIO) -> None:
    """The level may change while the log is in use."""
    log = Log(stream, "warning")
    for level in ("warning", "debug"):
        log.level = level
        for one in ("debug", "info", "warning", "error"):
            log.write(one, f"{one} at {level}")
    assert [line["event"] for line in lines(stream)] == [
        *("warning at warning", "error at warning"),
        *("debug at debug", "info at debug", "warning at debug", "error at debug"),
    ]


def test_a_stream_that_is_closed_is_no_trouble(stream: io.StringIO) -> None:
    """The line is lost."""
    log = Log(stream, "info")
    stream.close()
    log.write("info", "nobody hears")


def test_libraries_speak_through_it(stream: io.StringIO) -> None:
    """As long as it is asked for, in the form of all other lines."""
    with libraries_told(Log(stream, "info")):
        logging.getLogger("watchdog").warning("queue of %s overflowed", EVIL)
    [told] = lines(stream)
    assert (told["event"], told["library"]) == ("a library says", "watchdog")
    assert told["said"] == f"queue of {EVIL} overflowed"


def test_failing_packages_are_told_up_to_a_number(stream: io.StringIO, reporter: Reporter) -> None:
    """With the first error of each; then how many more there are."""
    reporter.begun(RUN, 30)
    for number in range(25):
        reporter.batch(RUN, [failed(f"{number}/package.xml")], Steps(0, 0, 0))
    reporter.ended(RUN, [])
    told = [line for line in lines(stream) if line["event"] == "package failed"]
    assert len(told) == MOST_PACKAGES
    wanted = {"package": "0/package.xml", "code": "e1", "rule": "P1", "feed": "2026/1", "run": 7}
    assert wanted.items() <= told[0].items()
    assert told[0]["level"] == "warning"
    [more] = [line for line in lines(stream) if line["event"] == "more packages failed"]
    assert more["packages"] == 25 - MOST_PACKAGES
    last = lines(stream)[-1]
    assert (last["event"], last["status"], last["failed"]) == ("feed ended", "partial", 25)


def test_a_held_feed_is_a_warning(stream: io.StringIO, reporter: Reporter) -> None:
    """G1: with the finding that says why."""
    why = Finding("error", "feed-held", "G1", "1.xml", 0, 0, "", "deletes much", "")
    reporter.ended(RUN._replace(status="held"), [why])
    assert [(line["event"], line["level"]) for line in lines(stream)] == [
        ("feed refused", "warning"),
        ("feed held", "warning"),
    ]


def test_logs_that_cannot_be_written_are_told_once_a_feed(
    stream: io.StringIO, reporter: Reporter
) -> None:
    """P8."""
    for run in (RUN, RUN, RUN._replace(id=8)):
        reporter.unlogged(run, "1/package.xml", "read-only")
    assert [line["feed"] for line in lines(stream)] == ["2026/1", "2026/1"]


def test_what_waits_for_too_long_is_told_once(
    stream: io.StringIO, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4, G1: a line for each client and reason, and again when it waited anew."""
    monkeypatch.setattr(reporting, "COUNT_SECONDS", 0.0)
    waiting = [Waiting(f"{n}.xml", client, "held") for n in range(3) for client in "AB"]
    for _ in range(4):
        reporter.looked(waiting)
    assert [(line["client"], line["entries"]) for line in lines(stream)] == [("A", 3), ("B", 3)]
    reporter.looked([])
    for _ in range(3):
        reporter.looked(waiting[:1])
    assert [line["client"] for line in lines(stream)] == ["A", "B", "A"]


def test_a_spell_of_trouble_is_told_once(stream: io.StringIO, reporter: Reporter) -> None:
    """Another kind of trouble is told besides; a defect with its traceback."""
    for error in (OSError(28, "full"), OSError(28, "full"), ServiceError("gone", "look")):
        reporter.troubled(Trouble("environment", error, 1, 1.0))
    for tries in (1, 2):
        reporter.troubled(Trouble("defect", raised("unexpected"), tries, 1.0))
    reporter.recovered(5, 1.0)
    reporter.troubled(Trouble("environment", OSError(28, "full"), 1, 1.0))
    told = lines(stream)
    assert [(line["event"], line["level"]) for line in told] == [
        ("trying again", "error"),
        ("trying again", "error"),
        ("a defect of feedengine; trying again", "error"),
        ("all is well again", "info"),
        ("trying again", "error"),
    ]
    assert told[1]["hint"] == "look"
    assert "ValueError: invalid literal" in told[2]["exception"]


def test_python_itself_is_not_set_up_anew() -> None:
    """No global state: whoever uses the watcher from Python keeps their own logging."""
    import structlog

    with libraries_told(Log(io.StringIO(), "info")):
        pass
    assert not structlog.is_configured()
    assert not [one for one in logging.getLogger().handlers if "feedengine" in type(one).__module__]
    assert sys.stderr is not None
