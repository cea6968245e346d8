"""The service's metrics, for Prometheus: on this machine alone, and never by asking the database.

Labels have few values, all of them this program's: no client or feed is a label.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, MetricsHandler, ProcessCollector

from feedengine import __version__
from feedengine.model.codes import CODES
from feedengine.service.hearing import ServiceListener, Trouble
from feedengine.telling import Steps

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.errors import Finding
    from feedengine.service.pulse import Pulse
    from feedengine.store.ledger import Outcome, Run

HOST = "127.0.0.1"

FEEDS = ("succeeded", "partial", "failed", "held")
PACKAGES = ("applied", "already-applied", "viewed", "failed")


class Metrics(ServiceListener):
    """Counts and measures."""

    def __init__(self, registry: CollectorRegistry, settings: Settings, pulse: Pulse) -> None:
        """Keep the numbers in ``registry``."""
        self._stack = settings.stack
        self._entries: dict[str, float] = {}
        self._lock = threading.Lock()
        ProcessCollector(registry=registry)
        made = Maker(registry)
        made.gauge("build_info", "Which version runs", "version", "python", "database").labels(
            __version__, platform.python_version(), settings.database.partition(":")[0]
        ).set(1)
        self._queue = made.gauge("queue_entries", "Entries on the Stack")
        oldest = made.gauge(
            "queue_oldest_seconds", "Age of the oldest entry on the Stack, by mtime"
        )
        oldest.set_function(self._age)
        self._held = made.gauge("held_feeds", "Feeds that an operator has to look at (G1)")
        self._turn = made.gauge("turn", "1 while this process takes entries from the Stack")
        self._trouble = made.gauge("trouble", "1 while attempts fail and are made again")
        self._success = made.gauge("last_success_timestamp_seconds", "When a feed last succeeded")
        alive = made.gauge("loop_silent_seconds", "How long the loop has not told that it goes on")
        alive.set_function(lambda: time.monotonic() - pulse.beaten())
        self._feeds = made.counter("feeds", "Feeds ended or held", "status", FEEDS)
        self._packages = made.counter("packages", "Packages dealt with", "outcome", PACKAGES)
        self._findings = made.counter("findings", "Findings", "code", (code.name for code in CODES))
        self._steps = made.counter("step_seconds", "Wall time of a step", "step", Steps._fields)
        self._errors = made.counter(
            "errors", "Attempts that failed", "kind", ("environment", "defect")
        )
        self._unlogged = made.counter("unlogged", "Logs that could not be written (P8)")

    def _age(self) -> float:
        """Asked by a scrape, in a thread of its own."""
        with self._lock:
            oldest = min(self._entries.values(), default=None)
        return 0.0 if oldest is None else max(0.0, time.time() - oldest)

    def found(self, names: Sequence[str], held: int) -> None:
        """The queue as a walk through the Stack begins."""
        there = set(names)
        fresh = {name: _mtime(self._stack / name) for name in there - self._entries.keys()}
        with self._lock:
            for name in self._entries.keys() - there:
                del self._entries[name]
            self._entries.update(fresh)
        self._queue.set(len(names))
        self._held.set(held)

    def batch(self, run: Run, outcomes: Sequence[Outcome], steps: Steps) -> None:
        """Packages, their findings, and where the time went."""
        del run
        for outcome in outcomes:
            self._packages.labels(outcome.status).inc()
            self._count(outcome.findings)
        for name, seconds in steps._asdict().items():
            self._steps.labels(name).inc(seconds)

    def _count(self, findings: Sequence[Finding]) -> None:
        for one in findings:
            self._findings.labels(one.code).inc()

    def ended(self, run: Run, findings: Sequence[Finding]) -> None:
        """A feed."""
        self._count(findings)
        self._feeds.labels(run.status).inc()
        with self._lock:
            self._entries.pop(run.stack_entry, None)
        self._queue.set(len(self._entries))
        if run.status == "held":
            self._held.inc()
        if run.status == "succeeded":
            self._success.set_to_current_time()

    def unlogged(self, run: Run, what: str, reason: str) -> None:
        """A log that is missing."""
        del run, what, reason
        self._unlogged.inc()

    def turn(self, *, taken: bool) -> None:
        """Whether this process takes entries."""
        self._turn.set(taken)

    def troubled(self, trouble: Trouble) -> None:
        """One more attempt that failed."""
        self._trouble.set(1)
        self._errors.labels(trouble.kind).inc()

    def recovered(self, tries: int, seconds: float) -> None:
        """All is well again."""
        del tries, seconds
        self._trouble.set(0)


class Maker:
    """Makes metrics in a registry; every value of a label is there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make them in ``registry``."""
        self._registry = registry

    def gauge(self, name: str, says: str, *labels: str) -> Gauge:
        """A number that goes up and down."""
        return Gauge(f"feedengine_{name}", says, labels, registry=self._registry)

    def counter(self, name: str, says: str, label: str = "", values: Iterable[str] = ()) -> Counter:
        """A number that goes up, one for each of the values that are known before."""
        labels = (label,) if label else ()
        made = Counter(f"feedengine_{name}", says, labels, registry=self._registry)
        for value in values:
            made.labels(value)
        return made


def _mtime(path: Path) -> float:
    """When a file was written; now, where that cannot be said."""
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return time.time()


class _Server(ThreadingHTTPServer):
    """Serves scrapes; keeps silent about those who hang up, and asks no name server."""

    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address


@contextmanager
def served(registry: CollectorRegistry, port: int) -> Iterator[str]:
    """Serve ``registry`` until the end; gives the address. Raises `OSError` for a port in use."""
    with _Server((HOST, port), MetricsHandler.factory(registry)) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()
