"""Which ids have been seen in a run, exactly, in bounded memory.

Ids are 128 bits. Two structures answer: a Bloom filter says "never" or "perhaps" in one read of
memory, and sorted runs of all ids confirm the few "perhaps". Runs are kept in memory up to
`SEALED` ids; then they are sorted into one and laid down in a temporary file, from which only the
pages that a question touches are read.

Costs, n ids: 16 bytes of disk each; memory 2 to 4 bytes each for the filter and at most some 50 MB
for the ids that are not on disk yet. Fewer than one id in 300 is looked up in the runs for nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from feedengine.plays.enrich import hashed, numbered_name
from feedengine.plays.frames import Mask
from feedengine.plays.texts import Ints, Words

_U = np.uint64

SEALED = 2**19
"""So many ids make a run on disk."""

_SMALL, _MANY = 2**14, 16
"""So many runs of fewer ids become one: many files are many runs, and each is asked."""

_FIRST_WORDS = 2**14
_KEYS_A_WORD = 4
_MULTIPLIERS = (_U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB))


class Keys(NamedTuple):
    """Ids, each as a well-mixed number of 64 bits and its lower half; together they are the id."""

    mixed: Words
    low: Words


def keys(high: Words, low: Words) -> Keys:
    """The keys of ids given by their halves. One to one, so that equal keys are equal ids."""
    mixed = high ^ _mix(low)
    return Keys(_mix(mixed), low)


def _mix(values: Words) -> Words:
    """A bijection that spreads every bit over all (the finaliser of SplitMix64)."""
    values = (values ^ (values >> _U(30))) * _MULTIPLIERS[0]
    values = (values ^ (values >> _U(27))) * _MULTIPLIERS[1]
    return values ^ (values >> _U(31))


class Filter:
    """A Bloom filter whose four bits of a key stand in one word."""

    def __init__(self, words: int) -> None:
        """``words``, a power of two, of 64 bits each."""
        self.words = np.zeros(words, _U)
        self.shift = _U(64 - words.bit_length() + 1)
        self.room = words * _KEYS_A_WORD

    def _bits(self, mixed: Words) -> Words:
        one, six = _U(1), _U(63)
        bits = one << (mixed & six)
        for at in (6, 12, 18):
            bits |= one << ((mixed >> _U(at)) & six)
        return bits

    def perhaps(self, mixed: Words) -> Mask:
        """Where a key may have been added; where not, it was not."""
        bits = self._bits(mixed)
        found: Mask = (self.words[mixed >> self.shift] & bits) == bits
        return found

    def add(self, ordered: Words) -> None:
        """Add keys in ascending order."""
        if not len(ordered):
            return
        at, bits = ordered >> self.shift, self._bits(ordered)
        begins = np.flatnonzero(np.concatenate(([True], at[1:] != at[:-1])))
        self.words[at[begins]] |= np.bitwise_or.reduceat(bits, begins)


class Seen:
    """A set of ids that only grows. A context manager: temporary files go with it."""

    def __init__(self, folder: Path | None = None, sealed: int = SEALED) -> None:
        """``folder`` takes the temporary files, the system's own place unless given."""
        self.folder, self.sealed = folder, sealed
        self.filter = Filter(_FIRST_WORDS)
        self.count = self.waiting = 0
        self.recent: list[Keys] = []
        self.files: list[tuple[Path, int]] = []
        self.until = ExitStack()

    def __enter__(self) -> Self:
        """The set itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the temporary files."""
        self.until.close()

    def has(self, asked: Keys) -> Mask:
        """Which of these ids are in the set; fastest in ascending order."""
        found = self.filter.perhaps(asked.mixed)
        at = np.flatnonzero(found)
        if len(at):
            some = Keys(asked.mixed[at], asked.low[at])
            confirmed = np.zeros(len(at), np.bool_)
            for run in self.recent:
                confirmed |= _within(run, some)
            for path, size in self.files:
                confirmed |= _within(_mapped(path, size), some)
            found[at] = confirmed
        return found

    def add(self, ordered: Keys) -> None:
        """Add ids that are not in the set yet, each once, in ascending order of ``mixed``."""
        if not len(ordered.mixed):
            return
        self.recent.append(ordered)
        last = self.recent[-_MANY:]
        if len(last) == _MANY and all(len(run.mixed) < _SMALL for run in last):
            self.recent[-_MANY:] = [_merged(last)]
        self.count += len(ordered.mixed)
        self.waiting += len(ordered.mixed)
        if self.count > self.filter.room:
            self._grow()
        else:
            self.filter.add(ordered.mixed)
        if self.waiting >= self.sealed:
            self._seal()

    def _grow(self) -> None:
        """A filter four times as large, filled anew from all runs."""
        self.filter = Filter(len(self.filter.words) * 4)
        for path, size in self.files:
            self.filter.add(_mapped(path, size).mixed)
        for run in self.recent:
            self.filter.add(run.mixed)

    def _seal(self) -> None:
        """Lay the recent runs down as one sorted file."""
        whole = _merged(self.recent)
        self.recent.clear()
        if not self.files:
            made = tempfile.TemporaryDirectory(prefix="feedengine-ids-", dir=self.folder)
            self.folder = Path(self.until.enter_context(made))
        path = Path(str(self.folder)) / f"{len(self.files)}.ids"
        with path.open("wb") as file:
            whole.mixed.tofile(file)
            whole.low.tofile(file)
        self.files.append((path, len(whole.mixed)))
        self.waiting = 0


def _merged(runs: Sequence[Keys]) -> Keys:
    """Sorted runs as one."""
    mixed = np.concatenate([run.mixed for run in runs])
    low = np.concatenate([run.low for run in runs])
    order = np.argsort(mixed)
    return Keys(mixed[order], low[order])


def _mapped(path: Path, size: int) -> Keys:
    every = np.memmap(path, _U, "r")
    return Keys(every[:size], every[size:])


def _within(run: Keys, some: Keys) -> Mask:
    """Which of some ids stand in a sorted run."""
    found = np.zeros(len(some.mixed), np.bool_)
    at = np.searchsorted(run.mixed, some.mixed)
    open_ = np.flatnonzero(at < len(run.mixed))
    while len(open_):
        places = at[open_]
        same = run.mixed[places] == some.mixed[open_]
        found[open_] |= same & (run.low[places] == some.low[open_])
        at[open_] += 1
        open_ = open_[same & ~found[open_] & (at[open_] < len(run.mixed))]
    return found


class Ids(NamedTuple):
    """The rows of a batch that have ids, in the order of their keys; of equal ids in their own."""

    rows: Ints
    keys: Keys

    def of(self, wanted: Mask) -> Ids:
        """Those of some rows."""
        kept = wanted[self.rows]
        return Ids(self.rows[kept], Keys(self.keys.mixed[kept], self.keys.low[kept]))


def ids_of(high: Words, low: Words, named: Mask) -> Ids:
    """The ids of a batch, given by their halves, of the rows that are ``named`` by one."""
    rows = np.flatnonzero(named)
    key = keys(high[rows], low[rows])
    order = _ordered(key)
    return Ids(rows[order], Keys(key.mixed[order], key.low[order]))


class Standing:
    """Which rows repeat the id of a row that stands: of equal ids the first good one does."""

    def __init__(self, seen: Seen) -> None:
        """``seen`` holds the ids of the rows that stand; nothing else may add to it."""
        self.seen = seen

    def duplicates(self, ids: Ids, good: Mask) -> Mask:
        """Rows of a batch whose id an earlier good row of the run has; the good others stand.

        ``good`` marks the rows that break no other rule. Batches must come in the order of the run.
        """
        found = np.zeros(len(good), np.bool_)
        rows, key = ids
        before = self.seen.has(key) | _after_good(key, good[rows])
        found[rows] = before
        stands = good[rows] & ~before
        self.seen.add(Keys(key.mixed[stands], key.low[stands]))
        return found


def _ordered(key: Keys) -> Ints:
    """An order by key in which equal ids keep the order of their rows."""
    order = np.argsort(key.mixed)
    mixed = key.mixed[order]
    if (mixed[1:] == mixed[:-1]).any():
        order = np.lexsort((key.low, key.mixed))
    return order


def _after_good(key: Keys, good: Mask) -> Mask:
    """In an ordered batch: rows after a good one with the same id."""
    rows = len(good)
    same = (key.mixed[1:] == key.mixed[:-1]) & (key.low[1:] == key.low[:-1])
    if not same.any():
        return np.zeros(rows, np.bool_)
    before: Ints = np.cumsum(good) - good
    begins = np.flatnonzero(np.concatenate(([True], ~same)))
    first: Ints = np.repeat(before[begins], np.diff(np.append(begins, rows)))
    found: Mask = before > first
    return found


class Numbers:
    """The ids of rows without one (L1), without keeping a count for each row.

    The n-th identical row is remembered as the id it was given. How often a row came before is
    therefore the least n whose id is not there yet, found by doubling and halving, for all rows of
    a batch at once.
    """

    def __init__(self, seen: Seen) -> None:
        """``seen`` holds the ids given so far; nothing else may add to it."""
        self.seen = seen

    def ids(self, names: Sequence[bytes]) -> tuple[Words, Words]:
        """For each row, given as it came, the halves of its id."""
        high, low = hashed(names)
        key = keys(high, low)
        order = _ordered(key)
        key = Keys(key.mixed[order], key.low[order])
        again = self.seen.has(key)
        same = (key.mixed[1:] == key.mixed[:-1]) & (key.low[1:] == key.low[:-1])
        again[1:] |= same
        again[:-1] |= same
        if again.any():
            at = np.sort(order[again])
            high[at], low[at] = self._counted([names[one] for one in at])
            key = keys(high, low)
            order = np.argsort(key.mixed)
            key = Keys(key.mixed[order], key.low[order])
        self.seen.add(key)
        return high, low

    def take(self, high: Words, low: Words) -> bool:
        """Keep ids that were given elsewhere to rows that follow; false where they must not be.

        So it is when one of them was given before: then an equal row came before, too.
        """
        key = keys(high, low)
        order = np.argsort(key.mixed)
        key = Keys(key.mixed[order], key.low[order])
        if self.seen.has(key).any():
            return False
        self.seen.add(key)
        return True

    def _counted(self, names: list[bytes]) -> tuple[Words, Words]:
        """The ids of rows some of which came before or are equal among themselves."""
        different = list(dict.fromkeys(names))
        next_ = dict(zip(different, self._came(different).tolist(), strict=True))
        numbered = []
        for name in names:
            numbered.append(numbered_name(name, next_[name]))
            next_[name] += 1
        return hashed(numbered)

    def _came(self, names: list[bytes]) -> Ints:
        """How often each of different rows came before the batch."""
        upper = np.zeros(len(names), np.int64)
        lower = np.full(len(names), -1, np.int64)
        rising = self._have(names, upper)
        while rising.any():
            lower[rising] = upper[rising]
            upper[rising] = np.maximum(upper[rising] * 2, 1)
            at = np.flatnonzero(rising)
            rising[at] = self._have([names[one] for one in at], upper[at])
        while len(at := np.flatnonzero(upper - lower > 1)):
            middle = (upper[at] + lower[at]) // 2
            there = self._have([names[one] for one in at], middle)
            lower[at[there]] = middle[there]
            upper[at[~there]] = middle[~there]
        return upper

    def _have(self, names: Sequence[bytes], counts: Ints) -> Mask:
        """Whether each row has been given an id with this count."""
        pairs = zip(names, counts.tolist(), strict=True)
        return self.seen.has(keys(*hashed([numbered_name(*pair) for pair in pairs])))
