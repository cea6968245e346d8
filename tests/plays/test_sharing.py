"""Plays read and judged by several processes: the same in every way, and a clean end."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from feedengine.beside import running
from feedengine.config import settings
from feedengine.errors import UsageError
from feedengine.plays import others, row_groups, sharing
from feedengine.plays.alone import Alone
from feedengine.plays.checking import How, summarise
from feedengine.plays.frames import PLAY_COLUMNS, FormatName, Looked
from feedengine.plays.job import Consulted, Job, job_for
from feedengine.plays.judging import Judged, Sum, judged
from feedengine.plays.moments import micros_of
from feedengine.plays.others import COUNTED_MOST, WHOLE_MOST
from feedengine.plays.portions import portions
from feedengine.plays.results import accepted_rows, rejected_places, rejected_rows
from feedengine.plays.sharing import Inputs, Sharing
from feedengine.plays.sources import Meter, sources

from .batches import play
from .slow import NOW
from .test_judge import plays

SCHEMA = pa.schema([(name, pa.string()) for name in PLAY_COLUMNS])
ROWS: list[dict[str, Any]] = [
    play(id=f"{number:08x}-0000-4000-8000-000000000000", trackid=str(number % 7))
    for number in range(60)
]
LACKING = [play(id=None, userid=f"{number % 9}") for number in range(60)]


class InThread:
    """Instead of another process a thread of this one, which is started at once."""

    def __init__(self, _: object) -> None:
        """Start it."""
        self.socket, self._there = socket.socketpair()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        with self._there:
            try:
                others.work(self._there)
            except Exception:  # noqa: BLE001 - as in `others.main`
                return

    def close(self) -> None:
        """Let it end."""
        self.socket.close()
        self._thread.join(60)
        assert not self._thread.is_alive()


SMALL = "from feedengine.plays import others, row_groups; row_groups._READ_ROWS = 3; others.main()"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few plays are many; here and in other processes three rows are a stretch."""
    monkeypatch.setattr(sharing, "MANY", 1)
    monkeypatch.setattr(row_groups, "_READ_ROWS", 3)
    monkeypatch.setattr(others, "_COMMAND", (sys.executable, "-c", SMALL))


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are threads: there is no time to start a process for each example."""
    monkeypatch.setattr(others, "Beside", InThread)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The other processes that are started."""
    found: list[subprocess.Popen[bytes]] = []
    real = others.Beside

    def started(command: Any) -> Any:
        made = real(command)
        found.append(made.process)
        return made

    monkeypatch.setattr(others, "Beside", started)
    return found


def written(path: Path, rows: list[dict[str, Any]], group: int = 3) -> Path:
    """A file of plays, as its name says; of Parquet a row group has so many rows."""
    kept = [{column: row[column] for column in PLAY_COLUMNS} for row in rows]
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(kept, SCHEMA), path, row_group_size=group)
    else:
        text = "".join(json.dumps(row) + "\n" for row in kept).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def told(one: Judged, job: Job, *, rows: bool) -> tuple[Any, ...]:
    """All that a batch says."""
    places = rejected_places(one.verdict)
    if not rows:
        return (places,)
    return places, accepted_rows(one.verdict, job.form), rejected_rows(one.verdict)


def verdicts(
    files: list[Path], form: FormatName, many: int, *, rows: bool = True, then: Any = None
) -> tuple[Any, ...]:
    """All that a run says, ``many`` others taking part; ``then`` is called after each batch."""
    found = sources([str(one) for one in files], None)
    job = job_for(settings(Path()), form, micros_of(NOW))
    total, batches, meter = Sum(job.terms.now), [], Meter(found)
    for number, one in enumerate(judged(found, job, meter, many, rows=rows)):
        total.add(one)
        batches.append(told(one, job, rows=rows))
        if then is not None:
            then(number)
    return total.summary(), batches


@pytest.mark.usefixtures("in_threads")
@pytest.mark.parametrize("form", ["receipts", "endpoint", "playlist"])
@given(data=st.data())
def test_verdicts_do_not_depend_on_who_judges(form: FormatName, data: st.DataObject) -> None:
    """Rows that are equal, that lack ids or have those of others, in several files and groups."""
    some = data.draw(st.lists(plays(), min_size=1, max_size=4))
    some += [play(id=None), play(id=None, userid="b"), play()]
    rows = data.draw(st.lists(st.sampled_from(some), min_size=1, max_size=24))
    cut = data.draw(st.integers(0, len(rows)))
    names = data.draw(st.sampled_from([("a.parquet", "b.parquet"), ("a.jsonl", "b.parquet")]))
    whole = data.draw(st.booleans())
    with TemporaryDirectory() as folder:
        halves = zip(names, (rows[:cut], rows[cut:]), strict=True)
        files = [written(Path(folder) / name, half) for name, half in halves]
        alone = verdicts(files, form, 0, rows=whole)
        assert verdicts(files, form, 1, rows=whole) == alone
        assert verdicts(files, form, 3, rows=whole) == alone


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("many", [1, 3])
def test_processes_judge_what_one_alone_does(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]], many: int, *, rows: bool
) -> None:
    """Parquet by its row groups, other files each as a whole; in their order."""
    files = [
        written(tmp_path / "a.parquet", ROWS + LACKING[:20]),
        written(tmp_path / "b.jsonl", ROWS[30:]),
        written(tmp_path / "c.jsonl.gz", LACKING),
        written(tmp_path / "d.parquet", LACKING + ROWS[:3]),
    ]
    alone = verdicts(files, "receipts", 0, rows=rows)
    assert not processes
    assert verdicts(files, "receipts", many, rows=rows) == alone
    assert len(processes) == many
    assert all(one.poll() is not None for one in processes)


@pytest.mark.usefixtures("in_threads")
def test_others_take_their_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rows are written all of it; else they and this process a like amount."""
    path = written(tmp_path / "a.parquet", ROWS)
    here = []
    real = sharing.alone

    def counted(*given_: Any, **named: Any) -> Any:
        here.append(1)
        return real(*given_, **named)

    monkeypatch.setattr(sharing, "alone", counted)
    verdicts([path], "receipts", 1)
    assert not here
    started: list[others.Other] = []

    class Started(others.Other):
        def __init__(self, order: others.Order) -> None:
            super().__init__(order)
            started.append(self)

    def ready(number: int) -> None:
        while number == 0 and not started[0].is_ready():
            time.sleep(0.01)

    monkeypatch.setattr(sharing, "Other", Started)
    verdicts([path], "receipts", 1, rows=False, then=ready)
    assert 5 <= len(here) <= 15  # of 20 stretches


def test_a_few_plays_are_not_worth_a_process(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what cannot be portioned, or a catalogue that others could not ask."""
    parts, one = written(tmp_path / "a.parquet", ROWS), written(tmp_path / "b.parquet", ROWS, 60)
    verdicts([one], "receipts", 1, rows=False)
    found = sources([str(parts)], None)
    who = Consulted(Nothing())
    job = job_for(settings(Path()), "receipts", micros_of(NOW), who)
    assert len(list(judged(found, job, Meter(found), 1))) == 20
    monkeypatch.setattr(sharing, "MANY", 10**9)
    verdicts([parts], "receipts", 1)
    assert not processes


class Nothing:
    """A catalogue that knows of nothing (`frames.Catalogue`)."""

    def look(self, batch: pa.RecordBatch, _: FormatName, /) -> Looked:
        """Nothing."""
        return Looked(batch, {}, {}, {})


def nothing() -> Nothing | None:
    """How another process comes by it."""
    return Nothing()


def nobody() -> Nothing | None:
    """How another process finds that it is not there any more."""
    return None


@pytest.mark.parametrize("opened", [nothing, nobody])
def test_others_open_the_catalogue_themselves(
    tmp_path: Path,
    processes: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    opened: Callable[[], Nothing | None],
) -> None:
    """Where they cannot, this process judges alone."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    found = sources([str(written(tmp_path / "a.parquet", ROWS))], None)
    who = Consulted(Nothing(), opened=opened)
    job = job_for(settings(Path()), "receipts", micros_of(NOW), who)
    assert len(list(judged(found, job, Meter(found), 1))) == 20
    assert len(processes) == 1


@pytest.mark.usefixtures("in_threads")
def test_equal_rows_without_ids_are_told_apart_over_row_groups(tmp_path: Path) -> None:
    """L1: which of them a row is depends on those in the groups before; then one reads alone."""
    rows = [play(id=None)] * 7 + LACKING + [play(id=None)] * 7
    files = [written(tmp_path / "a.parquet", rows), written(tmp_path / "b.parquet", rows)]
    for whole in (True, False):
        summary, batches = verdicts(files, "receipts", 2, rows=whole)
        assert (summary, batches) == verdicts(files, "receipts", 0, rows=whole)
        assert summary.counts.accepted == len(rows)  # the second file's are those of the first


@pytest.mark.usefixtures("in_threads")
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("where", range(200, 5000, 400))
def test_a_damaged_row_group_ends_its_file_where_it_would(
    tmp_path: Path, where: int, *, rows: bool
) -> None:
    """What is before it is judged, the next file too."""
    path = written(tmp_path / "a.parquet", ROWS)
    data = bytearray(path.read_bytes())
    data[where : where + 40] = b"\xff" * 40
    path.write_bytes(data)
    files = [path, written(tmp_path / "b.parquet", ROWS)]
    alone = verdicts(files, "receipts", 0, rows=rows)
    assert verdicts(files, "receipts", 2, rows=rows) == alone


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("after", [0, 3, 11])
def test_a_process_that_is_killed_is_done_without(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]], after: int, *, rows: bool
) -> None:
    """As for want of memory; whatever it has not given is read here."""
    files = [written(tmp_path / name, ROWS) for name in ("a.parquet", "b.jsonl", "c.parquet")]
    alone = verdicts(files, "receipts", 0, rows=rows)

    def kill(number: int) -> None:
        if number == after:
            for one in processes:
                os.kill(one.pid, signal.SIGKILL)

    assert verdicts(files, "receipts", 2, rows=rows, then=kill) == alone
    assert [one.poll() for one in processes] == [-signal.SIGKILL] * 2


@pytest.mark.usefixtures("in_threads")
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("after", range(0, 40, 4))
def test_wherever_another_ends_this_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, *, rows: bool
) -> None:
    """In the midst of a row group, of a file, between two of them; no batch is lost or twice."""
    monkeypatch.setattr(row_groups, "_READ_ROWS", 2)
    differ = [play(id=None, userid=f"{number}") for number in range(60)]
    files = [
        written(tmp_path / "a.parquet", differ[:30], 6),
        written(tmp_path / "b.parquet", differ, 60),
        written(tmp_path / "c.parquet", ROWS[:20], 10),
    ]
    alone = verdicts(files, "receipts", 0, rows=rows)
    given_: list[object] = []
    real = others.hand

    def cut(to: socket.socket, value: object) -> None:
        if isinstance(value, others.Given):
            given_.append(value)
            if len(given_) > after:
                raise OSError("no memory")
        real(to, value)

    monkeypatch.setattr(others, "hand", cut)
    assert verdicts(files, "receipts", 1, rows=rows) == alone


@pytest.mark.parametrize("command", [("/not/there",), (sys.executable, "-c", "")])
def test_a_process_that_cannot_begin_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Whether it cannot be started or ends at once."""
    files = [written(tmp_path / "a.parquet", ROWS)]
    alone = verdicts(files, "receipts", 0)
    monkeypatch.setattr(others, "_COMMAND", command)
    assert verdicts(files, "receipts", 1) == alone


@pytest.mark.usefixtures("in_threads")
@pytest.mark.parametrize(("rows", "most"), [(True, WHOLE_MOST), (False, COUNTED_MOST)])
def test_others_are_ahead_by_a_few_batches_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, *, rows: bool
) -> None:
    """So memory does not grow with what they read."""
    handed: list[object] = []
    real = others.hand

    def counted(to: socket.socket, value: object) -> None:
        real(to, value)
        if isinstance(value, others.Given):
            handed.append(value)

    monkeypatch.setattr(others, "hand", counted)
    path = written(tmp_path / "a.jsonl", ROWS)
    batches = 2 * most
    monkeypatch.setattr(sharing, "portions", lambda _: portions(found) * batches)
    found = sources([str(path)], None)
    job = job_for(settings(Path()), "receipts", micros_of(NOW))
    with closing(Sharing(Inputs(found, Meter(found)), job, 1, rows=rows)) as shared:
        if not rows:
            shared._share(0, 0)  # as if the other had been ready at once
        taking = shared.judged()
        next(taking)
        while len(handed) < most:
            time.sleep(0.01)
        time.sleep(0.5)
        assert len(handed) <= most + 1
        assert len(list(taking)) == batches - 1


def test_processes_end_with_whom_they_work_for(tmp_path: Path) -> None:
    """Even where that is killed."""
    path = written(tmp_path / "a.parquet", ROWS * 20)
    script = f"""
import sys, time
from pathlib import Path
from feedengine.config import settings
from feedengine.plays import others, row_groups, sharing
from feedengine.plays.alone import Alone
from feedengine.plays.job import job_for
from feedengine.plays.judging import judged
from feedengine.plays.sources import Meter, sources
sharing.MANY = 1
real = others.Beside
def started(command):
    made = real(command)
    print(made.process.pid, flush=True)
    return made
others.Beside = started
found = sources([{str(path)!r}], None)
for one in judged(found, job_for(settings(Path()), "receipts", 0), Meter(found), 1):
    print("judged", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        other = int(process.stdout.readline())
        assert process.stdout.readline() == b"judged\n"
        process.kill()
    for _ in range(1000):
        if not Path(f"/proc/{other}").exists():
            return
        time.sleep(0.02)
    pytest.fail("it is still there")


@pytest.mark.parametrize("many", [0, 1, 2])
def test_a_run_that_is_interrupted_leaves_nothing(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]], many: int
) -> None:
    """No files and no processes; the next run is as if there had been none."""
    path = written(tmp_path / "a.parquet", [play(id=None)] * 20)
    how = settings(tmp_path, play_processes=many)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        summarise([path], how, How(now=micros_of(NOW), out=tmp_path / "out"), interrupt)
    assert list((tmp_path / "out").iterdir()) == []
    assert len(processes) == many
    assert all(one.poll() is not None for one in processes)
    found = summarise([path], how, How(now=micros_of(NOW), out=tmp_path / "out"))
    assert found.counts.accepted == 20


@pytest.mark.parametrize("many", [0, 1, 2])
def test_a_file_that_goes_away_ends_the_run_with_a_clear_message(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]], many: int
) -> None:
    """Whoever was to read it; what is before it is judged."""
    files = [written(tmp_path / name, ROWS) for name in ("a.parquet", "b.jsonl")]
    found = sources([str(one) for one in files], None)
    job = job_for(settings(Path()), "receipts", micros_of(NOW))
    with closing(Sharing(Inputs(found, Meter(found)), job, many, rows=True)) as shared:
        files[1].unlink()
        batches: list[Alone] = []
        with pytest.raises(UsageError, match="cannot read"):
            batches.extend(shared.judged())
    assert [batch.raw.num_rows for batch in batches] == [3] * 20
    assert len(processes) == many
    assert all(one.poll() is not None for one in processes)


def test_standard_input_is_read_by_whoever_has_it(tmp_path: Path) -> None:
    """Others do not have it."""
    path = written(tmp_path / "a.jsonl", ROWS)
    script = f"""
from pathlib import Path
from feedengine.config import settings
from feedengine.plays import sharing
from feedengine.plays.checking import check
sharing.MANY = 1
asked = settings(Path(), play_processes=2)
print(check([{str(path)!r}, "-"], asked, kind="jsonl", out=Path({str(tmp_path)!r})).rows)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=written(tmp_path / "b.jsonl", ROWS[:5]).read_bytes(),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout == b"65\n"


def test_inputs_are_portioned_by_row_groups_and_files(tmp_path: Path) -> None:
    """What is packed once more, or has one row group, or cannot be read, is one portion."""
    names = ("a.parquet", "b.jsonl", "c.jsonl.gz")
    files = [written(tmp_path / name, ROWS) for name in names]
    files.append(written(tmp_path / "d.parquet", ROWS, 60))
    (tmp_path / "e.parquet").write_bytes(b"PAR1 no such thing PAR1")
    found = portions(sources([*map(str, files), str(tmp_path / "e.parquet")], None))
    groups = [(Path(one.source.name).name, one.stretch, one.plays) for one in found]
    assert groups[:20] == [("a.parquet", group, 3) for group in range(20)]
    assert [one[:2] for one in groups[20:]] == [
        ("b.jsonl", None),
        ("c.jsonl.gz", None),
        ("d.parquet", None),
        ("e.parquet", None),
    ]


def test_the_command_of_a_module_runs_it_under_its_own_name() -> None:
    """What is handed over between two processes is of the same classes in both."""
    assert running("feedengine.plays.others")[-1].startswith("from feedengine.plays.others import")
