"""Several batches at once: the same verdicts in the same order, and a clean end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from feedengine.config import settings
from feedengine.errors import UsageError
from feedengine.plays import row_groups
from feedengine.plays.checking import How, summarise
from feedengine.plays.frames import PLAY_COLUMNS
from feedengine.plays.judging import FormatName, Sum, job_for, judged
from feedengine.plays.lanes import MOST, NAMED, in_order, lanes
from feedengine.plays.moments import micros_of
from feedengine.plays.results import accepted_rows, rejected_rows
from feedengine.plays.sources import Meter, sources

from .batches import play
from .slow import NOW
from .test_judge import plays

SCHEMA = pa.schema([(name, pa.string()) for name in PLAY_COLUMNS])


def running() -> list[str]:
    """The threads that are left."""
    return [one.name for one in threading.enumerate() if one.name.startswith(NAMED)]


def test_what_is_done_early_waits_for_what_came_before_it() -> None:
    """Here the first item cannot be done before the second one is."""
    second = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second.wait(60)
        if item == 1:
            second.set()
        return item * 10

    assert list(in_order(work, range(5), 3)) == [0, 10, 20, 30, 40]
    assert running() == []


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_more_items_are_taken_than_there_are_threads(threads: int) -> None:
    """So memory follows from their number."""
    taken = []

    def items() -> Iterator[int]:
        for item in range(20):
            taken.append(item)
            yield item

    for done in in_order(lambda item: item, items(), threads):
        assert len(taken) <= done + threads


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_source_that_fails_does_so_behind_what_it_gave(threads: int) -> None:
    """As in a loop."""

    def items() -> Iterator[int]:
        yield from range(3)
        raise UsageError("gone", "look")

    given_: list[int] = []
    with pytest.raises(UsageError, match="gone"):
        given_.extend(in_order(lambda item: item, items(), threads))
    assert given_ == [0, 1, 2]
    assert running() == []


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_work_that_fails_ends_the_run_at_its_place(threads: int) -> None:
    """What follows is not given, and nothing goes on."""

    def work(item: int) -> int:
        if item == 2:
            raise ValueError(item)
        return item

    given_: list[int] = []
    with pytest.raises(ValueError, match="2"):
        given_.extend(in_order(work, range(9), threads))
    assert given_ == [0, 1]
    assert running() == []


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_an_interrupt_ends_it_at_once(threads: int) -> None:
    """Whether it comes while an item is taken, or to whoever asks for what is done."""

    def items() -> Iterator[int]:
        yield from range(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(in_order(lambda item: item, items(), threads))
    assert running() == []
    asked = in_order(lambda item: item, range(9), threads)
    assert next(asked) == 0
    asked.close()  # type: ignore[attr-defined]
    assert running() == []


@pytest.fixture(autouse=True, scope="module")
def small_batches() -> Iterator[None]:
    """Batches of three rows: groups as small as those of `written` would be read together."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(row_groups, "_READ_ROWS", 3)
        yield


def written(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """A file of which a batch has up to three rows."""
    path = folder / name
    kept = [{column: row[column] for column in PLAY_COLUMNS} for row in rows]
    parquet.write_table(pa.Table.from_pylist(kept, SCHEMA), path, row_group_size=3)
    return path


def verdicts(files: list[Path], form: FormatName, threads: int) -> tuple[Any, ...]:
    """All that a run says."""
    found = sources([str(one) for one in files], None)
    job = job_for(settings(Path()), form, micros_of(NOW))
    total, rows = Sum(job.terms.now), []
    for one in judged(found, job, Meter(found), threads):
        total.add(one)
        rows.append((accepted_rows(one.verdict, job.form), rejected_rows(one.verdict)))
    return total.summary(), rows


@pytest.mark.parametrize("form", ["receipts", "endpoint", "playlist"])
@given(data=st.data())
def test_verdicts_do_not_depend_on_the_number_of_threads(
    form: FormatName, data: st.DataObject
) -> None:
    """Rows that are equal, that lack ids or have those of others, in several files and batches."""
    some = data.draw(st.lists(plays(), min_size=1, max_size=4))
    some += [play(id=None), play(id=None, userid="b"), play()]
    rows = data.draw(st.lists(st.sampled_from(some), min_size=1, max_size=24))
    cut = data.draw(st.integers(0, len(rows)))
    with TemporaryDirectory() as folder:
        halves = zip(("a.parquet", "b.parquet"), (rows[:cut], rows[cut:]), strict=True)
        files = [written(Path(folder), name, half) for name, half in halves]
        alone = verdicts(files, form, 1)
        assert verdicts(files, form, 2) == alone
        assert verdicts(files, form, 4) == alone


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_run_that_is_interrupted_leaves_no_files(tmp_path: Path, threads: int) -> None:
    """And no threads; the next run is as if there had been none."""
    path = written(tmp_path, "a.parquet", [play(id=None)] * 20)
    how = settings(tmp_path, play_threads=threads)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        summarise([path], how, How(now=micros_of(NOW), out=tmp_path / "out"), interrupt)
    assert list((tmp_path / "out").iterdir()) == []
    assert running() == []
    found = summarise([path], how, How(now=micros_of(NOW), out=tmp_path / "out"))
    assert found.counts.accepted == 20


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_file_that_goes_away_ends_the_run_with_a_clear_message(
    tmp_path: Path, threads: int
) -> None:
    """What was read before it is judged; nothing is left behind half written."""
    files = [written(tmp_path, name, [play(id=None)] * 20) for name in ("a.parquet", "b.parquet")]
    seen = 0

    def told(one: Any, _: object) -> None:
        nonlocal seen
        seen += one.verdict.raw.num_rows
        files[1].unlink(missing_ok=True)

    how = How(now=micros_of(NOW), out=tmp_path / "out")
    with pytest.raises(UsageError, match="cannot read"):
        summarise(files, settings(tmp_path, play_threads=threads), how, told)
    assert seen == 20
    assert list((tmp_path / "out").iterdir()) == []


def test_one_core_has_one_thread_and_many_have_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """More are of use only to who asks for them."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3}, raising=False)
    assert lanes() == 1
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert lanes() == MOST == 2
