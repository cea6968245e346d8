"""The protocol by which systemd hears of a service: lines in a datagram (sd_notify(3))."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from feedengine.errors import FeedengineError, printable
from feedengine.service.hearing import ServiceListener, Trouble
from feedengine.service.pulse import PATIENCE_SECONDS, Pulse

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.errors import Finding
    from feedengine.store.ledger import Outcome, Run
    from feedengine.telling import Steps, Waiting

_LONGEST = 512


class Socket:
    """Where messages go; nowhere, when nobody has asked for them."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """By ``NOTIFY_SOCKET``: a path, or ``@`` and an abstract name."""
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name[:1] == "@" else name

    def send(self, *lines: str) -> None:
        """Send lines, if there is somebody to hear; never fails, never waits."""
        if not self._address:
            return
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
        ):
            channel.setblocking(False)
            channel.sendto("\n".join(lines).encode(), self._address)


def watchdog_seconds(environment: Mapping[str, str] = os.environ) -> float | None:
    """How often systemd wants a sign of life, at least; None when it wants none of this process."""
    with suppress(ValueError):
        if int(environment.get("WATCHDOG_PID", os.getpid())) == os.getpid():
            return int(environment.get("WATCHDOG_USEC", "0")) / 1e6 or None
    return None


def patience(watchdog: float | None) -> float:
    """How long the loop may be silent and idle before the watchdog hears no more of it."""
    return PATIENCE_SECONDS if watchdog is None else min(PATIENCE_SECONDS, watchdog)


def sign_of_life(channel: Socket, pulse: Pulse, watchdog: float, ended: threading.Event) -> None:
    """Tell the watchdog that the loop goes on, for as long as it does; ends with ``ended``."""
    while not ended.wait(watchdog / 2):
        if pulse.alive():
            channel.send("WATCHDOG=1")


class Notifier(ServiceListener):
    """Tells systemd how things stand."""

    def __init__(self, channel: Socket) -> None:
        """Tell it to ``channel``."""
        self._channel = channel
        self._said = ""
        self._done = self._packages = 0
        self._last = ""

    def _status(self, text: str, *more: str) -> None:
        """STATUS, when it is another than before."""
        text = printable(text)[:_LONGEST]
        if more or text != self._said:
            self._said = text
            self._channel.send(*more, f"STATUS={text}")

    def starts(self, settings: Settings) -> None:
        """Ready, also to stand by, and to wait for a database that is not up yet.

        From here on nothing ends the service, so nobody need wait for more.
        """
        del settings
        self._status("beginning", "READY=1")

    def stands_by(self, reason: str) -> None:
        """Not in vain: it takes over."""
        self._status(f"standing by: {reason}")

    def begun(self, run: Run, packages: int) -> None:
        """A feed."""
        self._done, self._packages = 0, packages
        self._status(f"applying {run.feed_path}: {packages} packages")

    def batch(self, run: Run, outcomes: Sequence[Outcome], steps: Steps) -> None:
        """How far it is."""
        del steps
        self._done += len(outcomes)
        self._status(f"applying {run.feed_path}: {self._done} of {self._packages} packages")

    def ended(self, run: Run, findings: Sequence[Finding]) -> None:
        """What became of it."""
        del findings
        self._last = f"; last: {run.feed_path or run.stack_entry} {run.status}"

    def looked(self, waiting: Sequence[Waiting]) -> None:
        """Nothing is left to do now."""
        left = f"{len(waiting)} entries wait" if waiting else "the Stack is empty"
        self._status(f"{left}{self._last}")

    def troubled(self, trouble: Trouble) -> None:
        """What is wrong."""
        error = trouble.error
        told = error.message if isinstance(error, FeedengineError) else f"{error}"
        self._status(f"in trouble, trying again: {told or type(error).__name__}")

    def reloads(self) -> None:
        """Busy reading settings; the instant tells systemd which answer belongs to this."""
        at = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._channel.send("RELOADING=1", f"MONOTONIC_USEC={at}")

    def reloaded(self, settings: Settings, changed: Sequence[str], fixed: Sequence[str]) -> None:
        """Ready again."""
        del settings, changed, fixed
        self._channel.send("READY=1")

    def kept(self, reason: str) -> None:
        """Ready again, as before."""
        del reason
        self._channel.send("READY=1")

    def stops(self) -> None:
        """The end."""
        self._status("stopping", "STOPPING=1")
