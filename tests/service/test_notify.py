"""What systemd hears, by real sockets; and whether a sign of life is one."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedengine.engine import Engine
from feedengine.service.notify import Socket, patience, watchdog_seconds
from feedengine.service.pulse import Pulse

from .running import Service, drop, track, until


class Systemd:
    """Listens as systemd does."""

    def __init__(self, address: str) -> None:
        """At a path, or ``@`` and an abstract name."""
        self.name = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address[0] == "@" else address)
        self.socket.setblocking(False)
        self.heard: list[str] = []

    def lines(self) -> list[str]:
        """All lines so far."""
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    def hears(self, line: str) -> None:
        """Wait for a line that begins so."""
        until(lambda: any(one.startswith(line) for one in self.lines()), (line, self.heard))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A new site."""
    Engine.init(tmp_path / "site").close()
    return tmp_path / "site"


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    """Both kinds of sockets."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@feedengine-{os.getpid()}"
    made = Systemd(name)
    yield made
    made.socket.close()


def test_systemd_hears_how_it_goes(root: Path, systemd: Systemd) -> None:
    """READY once, STATUS of each feed, RELOADING and READY again, STOPPING."""
    with Service(root, NOTIFY_SOCKET=systemd.name) as service:
        systemd.hears("READY=1")
        systemd.hears("STATUS=the Stack is empty")
        drop(root, 1, track(1))
        systemd.hears("STATUS=applying 2023/")
        systemd.hears("STATUS=the Stack is empty; last: 2023/")
        assert systemd.lines().count("READY=1") == 1
        service.tell(signal.SIGHUP)
        systemd.hears("RELOADING=1")
        systemd.hears("MONOTONIC_USEC=")
        until(lambda: systemd.lines().count("READY=1") == 2)
        assert service.end() == 0
        systemd.hears("STOPPING=1")
        assert "WATCHDOG=1" not in systemd.lines()


def test_a_standby_is_ready(root: Path, tmp_path: Path) -> None:
    """Its start has succeeded; that it stands by is its status."""
    systemd = Systemd(str(tmp_path / "notify"))
    with Service(root) as first:
        first.says("this process takes entries")
        with Service(root, NOTIFY_SOCKET=systemd.name):
            systemd.hears("READY=1")
            systemd.hears("STATUS=standing by")
    systemd.socket.close()


def test_a_loop_that_hangs_gives_no_sign_of_life(root: Path, tmp_path: Path) -> None:
    """Here behind a lock that nobody lets go of; when it goes on, so do the signs."""
    systemd = Systemd(str(tmp_path / "notify"))
    with Service(root, NOTIFY_SOCKET=systemd.name, WATCHDOG_USEC="200000") as service:
        systemd.hears("WATCHDOG=1")
        service.says("this process takes entries")
        with closing(sqlite3.connect(root / "catalogue.db", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            drop(root, 1, track(1))
            until(lambda: _silent(systemd, 1.0))
            connection.rollback()
        service.says("feed ended", status="succeeded")
        systemd.heard.clear()
        systemd.hears("WATCHDOG=1")
        assert service.end() == 0
    systemd.socket.close()


def _silent(systemd: Systemd, seconds: float) -> bool:
    systemd.lines()
    systemd.heard.clear()
    time.sleep(seconds)
    return "WATCHDOG=1" not in systemd.lines()


def test_without_systemd_nobody_is_told() -> None:
    """And nobody who has gone is waited for."""
    Socket({}).send("READY=1")
    Socket({"NOTIFY_SOCKET": "/nowhere/at/all"}).send("READY=1")
    Socket({"NOTIFY_SOCKET": "@feedengine-nobody"}).send("READY=1")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "nonsense"}, None),
    ],
)
def test_what_the_watchdog_wants(environment: dict[str, str], seconds: float | None) -> None:
    """sd_watchdog_enabled(3): microseconds, for one process."""
    assert watchdog_seconds(environment) == seconds


def test_the_pulse_is_felt_while_it_beats() -> None:
    """Silent and idle for too long, it is not."""
    pulse = Pulse(0.05)
    assert pulse.alive()
    until(lambda: not pulse.alive())
    pulse.beat()
    assert pulse.alive()
    assert patience(None) == patience(1000.0) > patience(5.0) == 5.0


def test_hard_work_is_a_sign_of_life() -> None:
    """A long batch tells nothing for a while, and uses the processor."""
    pulse, ended = Pulse(0.0), threading.Event()

    def work() -> None:
        pulse.beat()
        while not ended.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        until(pulse.alive)
        time.sleep(0.05)
        until(pulse.alive)
    finally:
        ended.set()
        thread.join()
    until(lambda: not pulse.alive())
