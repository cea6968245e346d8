"""Values handed from one process to another: the same, whatever they hold, and nothing is left."""

from __future__ import annotations

import fcntl
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.handing import hand, is_there, take


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets, one for each process."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


TEXTS = st.lists(st.none() | st.text(max_size=5), max_size=8)


@given(
    texts=TEXTS,
    cut=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    numbers=st.lists(st.integers(0, 2**64 - 1), max_size=8),
    encoded=st.booleans(),
)
def test_what_is_handed_over_is_what_is_taken(
    texts: list[str | None], cut: tuple[int, int], numbers: list[int], *, encoded: bool
) -> None:
    """Columns of Arrow, slices and dictionaries of them, arrays of numpy, plain values."""
    column = pa.array(texts, pa.string())
    column = (column.dictionary_encode() if encoded else column).slice(*cut)
    batch = pa.record_batch({"a": column, "b": pa.nulls(len(column), pa.int64())})
    value = {"batch": batch, "numbers": np.array(numbers, np.uint64), "text": "ä", "none": None}
    here, there = socket.socketpair()
    with here, there:
        hand(here, value)
        got = take(there)
    assert got["batch"].equals(batch)
    assert got["batch"].schema.equals(batch.schema)
    got["batch"].validate(full=True)
    assert got["numbers"].tolist() == numbers
    assert (got["text"], got["none"]) == ("ä", None)


def test_values_come_one_by_one_and_are_kept_without_being_copied(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """The first stays what it is while others are taken, and cannot be written to."""
    here, there = ends
    for number in range(3):
        hand(here, np.full(100_000, number))
    assert is_there(there)
    first, second, third = (take(there) for _ in range(3))
    assert not is_there(there)
    assert [int(one.sum()) for one in (first, second, third)] == [0, 100_000, 200_000]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 7


def test_of_a_column_of_nothing_its_length_is_handed_over(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """Most columns of a log that others know are not there at all."""
    here, there = ends
    hand(here, pa.nulls(10**9, pa.null()))
    assert len(take(there)) == 10**9


def test_nothing_stays_open(ends: tuple[socket.socket, socket.socket]) -> None:
    """Neither where it was handed over nor where it was taken and let go."""
    here, there = ends
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(50):
        hand(here, np.arange(1000))
        assert take(there)[-1] == 999
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_whoever_is_gone_is_noticed() -> None:
    """By who hands over as by who waits."""
    here, there = socket.socketpair()
    with here:
        there.close()
        assert is_there(here)
        with pytest.raises(EOFError):
            take(here)
        with pytest.raises(ConnectionError):
            hand(here, 1)


def test_a_process_may_have_many_files_open(ends: tuple[socket.socket, socket.socket]) -> None:
    """A service that has more than a thousand asks like any other."""
    here, there = ends
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], 2048), limits[1]))
    try:
        number = fcntl.fcntl(there.fileno(), fcntl.F_DUPFD, 1100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    with socket.socket(fileno=number) as high:
        assert not is_there(high)
        hand(here, 1)
        assert is_there(high)
        assert take(high) == 1


def test_what_was_handed_over_outlives_who_did() -> None:
    """A process may end before its last value is taken."""
    here, there = socket.socketpair()
    with there:
        pid = os.fork()
        if pid == 0:
            hand(here, np.arange(10_000))
            os._exit(0)
        here.close()
        os.waitpid(pid, 0)
        assert int(take(there).sum()) == 49_995_000
        with pytest.raises(EOFError):
            take(there)
