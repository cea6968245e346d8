"""``feedengine watch`` as a process: what it applies, how it ends, what signals do."""

from __future__ import annotations

import os
import pty
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from feedengine.engine import Engine

from .running import COMMAND, DAY, Service, drop, feed, track, until

QUICK = ("--settle-seconds", "0.2", "--poll-seconds", "0.2")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A new site."""
    Engine.init(tmp_path / "site").close()
    return tmp_path / "site"


@pytest.fixture
def locked(root: Path) -> Iterator[sqlite3.Connection]:
    """A session that keeps every writer waiting until it ends its transaction."""
    with closing(sqlite3.connect(root / "catalogue.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        if connection.in_transaction:
            connection.rollback()


def rows(root: Path, sql: str) -> list[Any]:
    """What a query gives."""
    with closing(sqlite3.connect(root / "catalogue.db")) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_applies_what_comes_and_ends_cleanly(root: Path, number: signal.Signals) -> None:
    """What lay there before and what comes later; exit status 0."""
    drop(root, 1, track(1))
    with Service(root) as service:
        service.says("feed ended", entry=f"{DAY + 1}.xml", status="succeeded")
        drop(root, 2, track(2))
        told = service.says("feed ended", entry=f"{DAY + 2}.xml")
        assert service.end(number) == 0
        assert [one["event"] for one in service.lines()][-2:] == ["the turn is over", "stopped"]
    assert (told["client"], told["packages"], told["applied"], told["level"]) == ("A", 1, 1, "info")
    assert rows(root, "SELECT id FROM track ORDER BY id") == [("t1",), ("t2",)]


def test_entries_and_feeds_that_are_still_being_written(root: Path) -> None:
    """P4: half an entry holds back all behind it, a missing feed its client; both may yet come."""
    with Service(root, "--poll-seconds", "0.2", "--settle-seconds", "60") as service:
        service.says("this process takes entries")
        late = feed(root, 1, track(1))
        hidden = late.folder.with_name("hidden")
        late.folder.rename(hidden)
        entry = late.stack()
        whole = entry.read_bytes()
        drop(root, 2, track(2), client="B")
        service.says("feed ended", client="B")
        half = root / "Stack" / f"{DAY}.xml"
        half.write_bytes(whole[:30])
        drop(root, 3, track(3), client="C")
        hidden.rename(late.folder)
        half.write_bytes(whole)
        service.says("feed ended", client="C")
        service.says("feed ended", entry=f"{DAY + 1}.xml", status="succeeded")
        assert service.end() == 0
    assert rows(root, "SELECT count(*) FROM track") == [(3,)]


def test_a_stop_ends_after_the_batch_in_hand(root: Path) -> None:
    """The rest of the feed is applied by the next start, each package once (P9)."""
    more = '<View operator="Increase">1</View>'
    drop(root, 1, track(1), *(track(1, "Update", more) for _ in range(400)))
    with Service(root, "--batch-packages", "1") as service:
        until(lambda: rows(root, "SELECT 1 FROM package_run"))
        assert service.end() == 0
    [(status, packages)] = rows(root, "SELECT status, packages FROM feed_run")
    assert (status, packages < 401) == ("running", True)
    with Service(root) as service:
        service.says("feed ended", packages=401)
        assert service.end() == 0
    assert rows(root, "SELECT view FROM track") == [(400,)]


def test_a_stop_never_takes_long(root: Path, locked: sqlite3.Connection) -> None:
    """A batch that waits for a lock is cut short; that is told, and nothing is lost."""
    with Service(root) as service:
        service.says("this process takes entries")
        assert service.end() == 3
        assert service.lines("the batch in hand takes too long; the next start does it again")
    locked.rollback()
    drop(root, 1, track(1))
    with Service(root) as service:
        service.says("feed ended", status="succeeded")


@pytest.mark.usefixtures("locked")
def test_a_second_interrupt_ends_it_at_once(root: Path) -> None:
    """A person who presses Ctrl-C twice means it."""
    with Service(root) as service:
        service.says("this process takes entries")
        service.tell(signal.SIGINT)
        service.says("stopping after the batch in hand", signal="SIGINT")
        assert service.end(signal.SIGINT) == 130


def test_settings_are_read_again(root: Path) -> None:
    """SIGHUP: new ones hold, what cannot change is told, and invalid ones change nothing."""
    toml = root / "feedengine.toml"
    with Service(root) as service:
        service.says("this process takes entries")
        toml.write_text('log_level = "debug"\npoll_seconds = 0.5\nmetrics_port = 9\n', "utf-8")
        service.tell(signal.SIGHUP)
        told = service.says("settings read again")
        assert set(told["changed"]) == {"log_level", "poll_seconds"}
        fixed = service.says("settings that hold from the next start")
        assert fixed["names"] == ["metrics_port"]
        toml.write_text("poll_second = 3\n", "utf-8")
        service.tell(signal.SIGHUP)
        kept = service.says("settings not read again; the old ones hold")
        assert "poll_second" in kept["because"]
        drop(root, 1, track(1))
        assert service.says("feed begun")["level"] == "debug"
        assert service.end() == 0


def test_a_new_setting_holds_from_the_next_feed_on(root: Path) -> None:
    """A feed that is older than the last is refused (G2) once the settings were read again."""
    with Service(root) as service:
        drop(root, 9, track(1))
        service.says("feed ended", entry=f"{DAY + 9}.xml")
        drop(root, 8, track(1, "Update", "<Title>Older</Title>"))
        service.says("feed ended", entry=f"{DAY + 8}.xml")
        (root / "feedengine.toml").write_text('late_feeds = "refuse"\n', "utf-8")
        service.tell(signal.SIGHUP)
        service.says("settings read again", changed=["late_feeds"])
        drop(root, 7, track(1, "Update", "<Title>Oldest</Title>"))
        assert service.says("feed ended", entry=f"{DAY + 7}.xml")["status"] == "failed"
        assert service.says("package failed")["code"] == "stale"


def test_a_standby_takes_over(root: Path) -> None:
    """It says once that it stands by, also when it reads settings; its turn comes by itself."""
    with Service(root) as first:
        first.says("this process takes entries")
        with Service(root) as second:
            second.says("standing by")
            second.tell(signal.SIGHUP)
            second.says("settings read again")
            drop(root, 1, track(1))
            first.says("feed ended", status="succeeded")
            first.process.kill()
            second.says("this process takes entries")
            drop(root, 2, track(2))
            second.says("feed ended", status="succeeded")
            assert second.end() == 0
            assert len(second.lines("standing by")) == 1


def test_a_standby_ends_when_told(root: Path) -> None:
    """It need not have had the turn."""
    with Service(root) as first, Service(root) as second:
        until(lambda: first.lines("standing by") or second.lines("standing by"))
        waiting = first if first.lines("standing by") else second
        assert waiting.end() == 0


def test_the_stack_may_go_and_come_back(root: Path) -> None:
    """An unmounted share: told once, and work goes on when it is back."""
    stack, away = root / "Stack", root / "away"
    with Service(root, *QUICK) as service:
        service.says("this process takes entries")
        stack.rename(away)
        told = service.says("trying again")
        # It may go between a look and the next, or during one.
        assert "no Stack" in told["error"] or "Stack is gone" in told["error"]
        away.rename(stack)
        drop(root, 1, track(1))
        service.says("all is well again")
        service.says("feed ended", status="succeeded")
        assert service.end() == 0
        assert len(service.lines("trying again", level="error")) == 1


def test_a_stack_made_anew_is_watched(root: Path) -> None:
    """Another folder under the same name; events of the old one come no more."""
    with Service(root, "--poll-seconds", "0.3") as service:
        service.says("this process takes entries")
        for number in range(1, 4):
            (root / "Stack").rename(root / f"old{number}")
            (root / "Stack").mkdir()
            drop(root, number, track(number))
            service.says("feed ended", entry=f"{DAY + number}.xml", status="succeeded")
        assert service.end() == 0


def test_where_there_is_no_site_it_ends(tmp_path: Path) -> None:
    """Exit status 2, as of any command: nobody waits for what was never there."""
    for where in (tmp_path, tmp_path / "nowhere"):
        done = subprocess.run([*COMMAND, "watch", where], capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(b"error: ")


def test_a_catalogue_that_goes_and_comes_back(root: Path) -> None:
    """It is not made anew: an empty one in its place would hide the real one."""
    stored, away = root / "catalogue.db", root / "away.db"
    with Service(root, *QUICK) as service:
        service.says("this process takes entries")
        stored.rename(away)
        (root / "Stack/.lock").unlink()  # the next attempt opens everything anew

        def missed() -> bool:
            told = service.lines("trying again")  # maybe first that the lock has gone
            return any("no catalogue" in line["error"] for line in told)

        until(missed, service)
        assert not stored.exists()
        away.rename(stored)
        drop(root, 1, track(1))
        service.says("feed ended", status="succeeded")
        assert service.end() == 0


def test_polling_alone_is_enough(root: Path) -> None:
    """Where a file system sends no events."""
    with Service(root, "--poll-only", "--poll-seconds", "0.1") as service:
        assert service.says("watching the Stack")["by"] == "polling"
        service.says("this process takes entries")
        drop(root, 1, track(1))
        service.says("feed ended", status="succeeded")


def test_a_person_at_a_terminal_reads_lines(root: Path) -> None:
    """No JSON there, and nothing in a feed is an order to the terminal."""
    drop(root, 1, track(1), client="\x9b31m[red]Evil")
    master, slave = pty.openpty()
    with subprocess.Popen([*COMMAND, "watch", str(root)], stderr=slave) as process:
        os.close(slave)
        said = b""

        def read() -> bool:
            nonlocal said
            said += os.read(master, 65536)
            return b"feed ended" in said and b"\n" in said.partition(b"feed ended")[2]

        until(read)
        process.terminate()
        assert process.wait() == 0
    os.close(master)
    text = said.decode()
    assert "{" not in text.partition("feed ended")[0]
    assert "\\u009b31m[red]Evil" in text
    assert "\x9b" not in text


@pytest.mark.parametrize("where", ["log", "stderr"])
def test_a_log_that_nobody_takes_stops_nothing(root: Path, where: str) -> None:
    """A full disk under the log file, or a pipe whose reader has gone."""
    if where == "log":
        with Path("/dev/full").open("wb") as full:
            process = subprocess.Popen([*COMMAND, "watch", str(root)], stderr=full)
    else:
        process = subprocess.Popen([*COMMAND, "watch", str(root)], stderr=subprocess.PIPE)
        assert process.stderr is not None
        process.stderr.close()
    drop(root, 1, track(1))
    try:
        until(lambda: rows(root, "SELECT 1 FROM feed_run WHERE filed_at IS NOT NULL"))
    finally:
        process.terminate()
    assert process.wait() == 0
