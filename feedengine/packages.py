"""Packages as read, before any catalogue is asked: what applying and validating have in common."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from feedengine.config import Settings
from feedengine.errors import Finding
from feedengine.feeds.changes import Request
from feedengine.feeds.document import Document, Limits, Loader
from feedengine.feeds.parse import parse
from feedengine.model.faults import Faults

FAULT_BYTES = 1_000
"""What a fault with its place, and the finding made of it, takes in memory, about."""


@lru_cache(maxsize=4)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def now_text() -> str:
    """The present instant, canonical."""
    second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second_text(second)}.{nanoseconds // 1000:06d}Z"


class Read(NamedTuple):
    """A package as read, before the catalogue is asked; ``reasons`` say more than its faults."""

    path: str
    document: Document
    request: Request | None
    asked: Request | None
    faults: Faults
    started_at: str
    reasons: Sequence[Finding] = ()

    def findings(self, decided: Faults | None = None) -> list[Finding]:
        """What was found on reading and, after it, on deciding."""
        if not (self.faults or decided or self.reasons):
            return []
        faults = self.faults
        if decided:
            faults = Faults(faults, faults.most)
            faults.extend(decided)
        return [*(self.document.findings(faults) if faults else ()), *self.reasons]


def read_package(loader: Loader, path: str, *, strict: bool) -> Read:
    """Read and parse a package; raises only what is the machine's fault (`OSError`)."""
    started = now_text()
    document = loader.load(path)
    parsed = parse(document, strict=strict)
    document.let_go()
    return Read(path, document, parsed.request, parsed.asked, parsed.faults, started)


class Filling:
    """How full a batch is (``batch_packages``, ``batch_bytes``)."""

    def __init__(self, settings: Settings) -> None:
        """Empty yet."""
        self.settings = settings
        self.packages = 0
        self.bytes = 0
        self._files: set[int] = set()

    def add_all(self, batch: Sequence[Read]) -> bool:
        """Count several in; whether it is full now."""
        return max([self.add(read) for read in batch], default=False)

    def add(self, read: Read) -> bool:
        """Count a package in: the files that it does not share, and its faults; whether it is full.

        Data is told apart by its place in memory: the batch holds all of it.
        """
        self.packages += 1
        for found in read.document.files.values():
            if id(found.data) not in self._files:
                self._files.add(id(found.data))
                self.bytes += len(found.data)
        self.bytes += len(read.faults) * FAULT_BYTES
        most = self.settings
        return self.packages >= most.batch_packages or self.bytes >= most.batch_bytes


def limits_of(settings: Settings) -> Limits:
    """How much a package may be."""
    return Limits(
        settings.max_package_bytes,
        settings.max_depth,
        settings.max_source_files,
        settings.max_source_levels,
        settings.max_findings,
    )
