"""The batches of a run, each judged by itself, in their order: here, or by other processes, too.

Whatever goes wrong elsewhere, this process goes on alone from where it has come to; so what comes
out does not depend on how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

from feedengine.plays.alone import Alone, alone
from feedengine.plays.intake import read
from feedengine.plays.job import Job, for_others
from feedengine.plays.numbering import Numbered, numbered, with_ids
from feedengine.plays.others import Order, Other
from feedengine.plays.portions import Portion, numbered_portion, portions
from feedengine.plays.seen import Numbers, Seen
from feedengine.plays.sources import Meter, Source, plays_about

MANY = 500_000
"""Of fewer plays, about, none are given to others: each of them takes some 0.4 s of CPU to begin.
"""

SETTLING = 0.15
"""What this process has to do with each play that is judged elsewhere, beside judging it."""


class Inputs(NamedTuple):
    """What is judged, and how far reading is."""

    found: Sequence[Source]
    meter: Meter


class Sharing:
    """Who reads and judges the inputs of a run, until it is closed.

    With ``rows`` rows are needed as a whole, to be written: then this process does nothing else.
    """

    def __init__(self, inputs: Inputs, job: Job, others: int, *, rows: bool) -> None:
        """So many ``others`` take part where there are `MANY` plays, and they can be portioned."""
        self._inputs, self._job, self._rows = inputs, job, rows
        self._portions: list[Portion] = []
        self._whose: dict[int, Other] = {}
        self._others: list[Other] = []
        self._is_shared = False
        self._numbers = _Numbers()
        if others and plays_about(inputs.found) >= MANY:
            self._portions = portions(inputs.found)
            self._start(min(others, len(self._portions) - (not rows)))

    def close(self) -> None:
        """Let the others end."""
        for other in self._others:
            other.close()
        self._others.clear()
        self._numbers.close()

    def judged(self) -> Iterator[Alone]:
        """The batches, in their order. Raises as `intake.read` does."""
        if not self._others:
            yield from self._alone(self._every(self._inputs.found))
            return
        if self._rows:
            self._share(-1, 0)
        for at in range(len(self._portions)):
            done = 0
            try:
                for batch in self._portion(at):
                    yield batch
                    done += 1
                    del batch  # it is not kept while the next is read
            except _AmissError:
                yield from self._rest(at, done)
                return

    def _start(self, many: int) -> None:
        """As many others as there is room for; none that could not ask the catalogue."""
        job = for_others(self._job)
        if job is not None:
            with suppress(OSError):
                for _ in range(many):
                    self._others.append(Other(Order(job, self._rows)))

    def _share(self, at: int, left: int) -> None:
        """Whose each portion after ``at`` is, of which this one has so many plays ``left``.

        Each is given to whoever has the least to do before it; standard input is for this one.
        """
        loads = [math.inf if self._rows else left, *(0.0 for _ in self._others)]
        asked: list[list[Portion]] = [[] for _ in loads]
        for number, portion in enumerate(self._portions[at + 1 :], at + 1):
            least = loads.index(min(loads)) if portion.source.path else 0
            loads[least] += portion.plays
            loads[0] += SETTLING * portion.plays
            if least:
                self._whose[number] = self._others[least - 1]
                asked[least].append(portion)
        for other, some in zip(self._others, asked[1:], strict=True):
            other.ask(some)
        self._is_shared = True

    def _portion(self, at: int) -> Iterator[Alone]:
        """The batches of a portion; raises `_AmissError`."""
        portion, other = self._portions[at], self._whose.get(at)
        yield from self._here(at, portion) if other is None else self._there(portion, other)

    def _here(self, at: int, portion: Portion) -> Iterator[Alone]:
        left = portion.plays
        for one in self._numbered(portion):
            yield alone(one, self._job)
            left -= one.raw.num_rows
            del one  # it is not kept while the next is read
            if not self._is_shared and all(other.is_ready() for other in self._others):
                self._share(at, max(left, 0))

    def _numbered(self, portion: Portion) -> Iterator[Numbered]:
        numbers = self._numbers.of(portion.source)
        batches = numbered_portion(portion, self._job, self._inputs.meter, numbers)
        if portion.stretch is None:
            yield from batches
            return
        try:
            yield from batches
        except Exception as error:
            raise _AmissError from error

    def _there(self, portion: Portion, other: Other) -> Iterator[Alone]:
        numbers = self._numbers.of(portion.source)
        try:
            for given in other.given():
                if portion.stretch is not None and not numbers.take(*given.ids):
                    raise _AmissError
                self._inputs.meter.done += given.read
                yield given.batch.whole()
        except (EOFError, OSError) as error:
            raise _AmissError from error

    def _rest(self, at: int, done: int) -> Iterator[Alone]:
        """What follows the first batches of a portion, without anybody's help."""
        portion, found = self._portions[at], self._inputs.found
        place = next(place for place, one in enumerate(found) if one is portion.source)
        first: Iterator[Numbered]
        if portion.stretch is None:
            first = islice(numbered([portion.source], self._job, Meter([])), done, None)
        else:
            first = self._stretches(portion.source, portion.stretch, done)
        yield from self._alone(chain(first, self._every(found[place + 1 :])))

    def _stretches(self, source: Source, begin: int, done: int) -> Iterator[Numbered]:
        numbers = self._numbers.of(source)
        for raw in islice(read([source], self._job.naming, Meter([]), begin), done, None):
            yield with_ids(raw, self._job, numbers)

    def _every(self, found: Sequence[Source]) -> Iterator[Numbered]:
        return numbered(found, self._job, self._inputs.meter)

    def _alone(self, batches: Iterator[Numbered]) -> Iterator[Alone]:
        return map(partial(alone, job=self._job), batches)


class _AmissError(Exception):
    """A portion cannot be read, whoever reads it has ended, or it needed those before it."""


class _Numbers:
    """The ids that were given to the rows without one of the file that is read."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self._seen = Seen()
        self._numbers = Numbers(self._seen)

    def of(self, source: Source) -> Numbers:
        """Those of a file; what was kept of the one before goes."""
        if source is not self._source:
            self.close()
            self._source, self._seen = source, Seen()
            self._numbers = Numbers(self._seen)
        return self._numbers

    def close(self) -> None:
        self._seen.until.close()
