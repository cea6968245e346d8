"""The service as a process of its own: signals, log, metrics and systemd around the watcher."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from prometheus_client import CollectorRegistry

from feedengine.config import Settings
from feedengine.service.logs import Log, libraries_told
from feedengine.service.metrics import Metrics, served
from feedengine.service.notify import Notifier, Socket, patience, sign_of_life, watchdog_seconds
from feedengine.service.plays_log import PlaysReporter
from feedengine.service.plays_metrics import PlaysMetrics
from feedengine.service.pulse import Pulse
from feedengine.service.reporting import Reporter
from feedengine.service.signals import heard
from feedengine.service.watching import Watcher

STOP_SECONDS = 5.0
"""So long may the batch in hand take once the end was asked for; it is then done again later."""

CUT_SHORT = 3
"""The exit status when it took longer: nothing is lost, the next start finishes it."""

INTERRUPTED = 130
"""What shells say of a command that Ctrl-C has ended."""


def serve(settings: Settings, reread: Callable[[], Settings], stream: TextIO | None = None) -> None:
    """Watch until SIGTERM or SIGINT; SIGHUP reads the settings again by ``reread``.

    Called by the main thread. Raises `UsageError` where there is no site to watch.
    """
    log = Log(stream or sys.stderr, settings.log_level)
    watchdog = watchdog_seconds()
    pulse, registry, channel = Pulse(patience(watchdog)), CollectorRegistry(), Socket()
    listeners = (
        Reporter(log, settings),
        PlaysReporter(log),
        Metrics(registry, settings, pulse),
        PlaysMetrics(registry),
        Notifier(channel),
    )
    watcher = Watcher(
        settings,
        listeners,
        reread=reread,
        pulse=pulse,
        broken=lambda error: log.defect("a defect of feedengine; the work goes on", error),
    )
    with ExitStack() as around:
        around.enter_context(heard(_Orders(watcher, log), *_Orders.WANTED))
        around.enter_context(libraries_told(log))
        _offer_metrics(around, registry, settings, log)
        if watchdog is not None:
            around.enter_context(_kept_alive(channel, pulse, watchdog))
        watcher.run()


class _Orders:
    """What signals ask for."""

    WANTED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self, watcher: Watcher, log: Log) -> None:
        self._watcher = watcher
        self._log = log

    def __call__(self, number: signal.Signals) -> None:
        """One signal; the second SIGINT ends it at once, as a person means who sends it."""
        if number == signal.SIGHUP:
            self._watcher.reload()
        elif not self._watcher.stop.is_set():
            self._log.write("info", "stopping after the batch in hand", signal=number.name)
            timer = threading.Timer(STOP_SECONDS, self._cut_short)
            timer.daemon = True
            timer.start()
            self._watcher.end()
        elif number == signal.SIGINT:
            os._exit(INTERRUPTED)

    def _cut_short(self) -> None:
        message = "the batch in hand takes too long; the next start does it again"
        self._log.write("error", message, seconds=STOP_SECONDS)
        os._exit(CUT_SHORT)


def _offer_metrics(
    around: ExitStack, registry: CollectorRegistry, settings: Settings, log: Log
) -> None:
    """Serve metrics, if a port is set; that one is taken does not keep feeds waiting."""
    if settings.metrics_port is None:
        return
    try:
        url = around.enter_context(served(registry, settings.metrics_port))
    except OSError as error:
        log.write(
            "error", "no metrics", port=settings.metrics_port, because=error.strerror or str(error)
        )
    else:
        log.write("info", "metrics are served", url=url)


@contextmanager
def _kept_alive(channel: Socket, pulse: Pulse, watchdog: float) -> Iterator[None]:
    """Send signs of life beside the loop."""
    ended = threading.Event()
    thread = threading.Thread(
        target=sign_of_life, args=(channel, pulse, watchdog, ended), name="watchdog", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
