"""What the recipient reports as failed is sent again: found in any form, once, by its own key."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.errors import UsageError
from feedengine.plays import deliver as module
from feedengine.plays.deliver import Site, deliver
from feedengine.plays.encode import read_receipts
from feedengine.plays.job import NOBODY
from feedengine.plays.notices import Notice, notice_of
from feedengine.plays.rejudging import Rejudged, corrected_rows, judge_for
from feedengine.plays.resubmit import Resubmitted, resubmit
from feedengine.upkeep import check

from .tables import NOW, ids, receipts, saved, site_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from databases import Databases

FILE = "2026-11-21_12345_NONSUBSTREAM_{:012d}.parquet"
KEY = "receipts/radio/12345/" + FILE
AGAIN = "failures/nonsubstream/12345/2026-11-22/2026-11-22_{:012d}.parquet"
A, B = ids(2)


@pytest.fixture
def site(tmp_path: Path, on_both: Databases) -> Iterator[Site]:
    """A site that has delivered three files, the day before."""
    made = site_at(tmp_path, parcel_rows=100, database_url=on_both.url(tmp_path))
    deliver(made, saved(receipts(250), tmp_path / "a.parquet"), "folder")
    made.now = lambda: NOW + timedelta(days=1)
    yield made
    assert check(made.database) == []
    made.database.dispose()


def again(site: Site, text: str, **more: Any) -> Resubmitted:
    """Send again what a notice names."""
    judge = judge_for(site.settings, NOBODY)
    return resubmit(site, notice_of(text), **{"judge": judge, "to": "folder", **more})


def sent_in(site: Site, number: int) -> pa.Table:
    """The rows of a file of the failures path."""
    return read_receipts((module.folder_of(site.settings) / AGAIN.format(number)).read_bytes())


def test_a_file_is_sent_again_as_a_whole(site: Site) -> None:
    """Into the failures path, by the day on which it is sent again, in a series of its own."""
    found = again(site, FILE.format(2))
    assert found == Resubmitted(100, 0, 0, 100, [AGAIN.format(1)], {})
    assert sent_in(site, 1)["id"].to_pylist() == ids(250)[100:200]


def test_the_same_notice_twice_sends_nothing(site: Site) -> None:
    """And what overlaps with it only the rest."""
    again(site, f"{FILE.format(1)} 1-10")
    found = again(site, f"{FILE.format(1)} 1-10")
    assert (found.already_sent, found.delivered) == (10, 0)
    found = again(site, f"{FILE.format(1)} 6-15")
    assert (found.already_sent, found.delivered) == (5, 5)
    assert sent_in(site, 2)["id"].to_pylist() == ids(250)[10:15]


def test_what_fails_again_is_sent_again(site: Site) -> None:
    """A notice of the failures file names plays that were reported twice."""
    again(site, f"{FILE.format(1)} 1-10")
    found = again(site, f"{AGAIN.format(1)} 3")
    assert (found.already_sent, found.keys) == (0, [AGAIN.format(2)])
    assert sent_in(site, 2)["id"].to_pylist() == [ids(250)[2]]
    assert again(site, f"{AGAIN.format(1)} 3").already_sent == 1


def test_rows_and_ids_and_files_go_together(site: Site) -> None:
    """Of several files, each play once."""
    text = f"s3://bucket/in/{KEY.format(1)}: rows 2, 4-5\n{KEY.format(3)}\n{ids(250)[120]}\n"
    found = again(site, text)
    assert (found.named, found.delivered) == (54, 54)
    expected = [ids(250)[at] for at in (1, 3, 4, 120, *range(200, 250))]
    assert sent_in(site, 1)["id"].to_pylist() == expected
    assert again(site, text).delivered == 0


def test_ids_are_found_in_the_file_they_are_named_with(site: Site) -> None:
    """An id alone means its first delivery; beside a file, that file."""
    again(site, ids(250)[0])
    assert again(site, ids(250)[0]).already_sent == 1
    found = again(site, f'{{"file": "{AGAIN.format(1)}", "ids": ["{ids(250)[0].upper()}"]}}')
    assert found.delivered == 1


def test_corrected_rows_take_the_place_of_those_that_failed(site: Site, tmp_path: Path) -> None:
    """By their ids; plays that the notice does not name stay away."""
    better = receipts(250).set_column(11, "shopid", pa.array(["480"] * 250))
    path = saved(better.slice(0, 5), tmp_path / "better.parquet")
    rows = corrected_rows([path], site.settings)
    again(site, f"{FILE.format(1)} 4-8", corrected=rows)
    assert sent_in(site, 1)["shopid"].to_pylist() == ["480", "480", "34", "34", "34"]
    assert sent_in(site, 1)["id"].to_pylist() == ids(250)[3:8]


def test_plays_are_judged_again_as_of_their_first_delivery(site: Site) -> None:
    """Whoever judges is given that instant, and what it keeps is sent."""
    heard: list[datetime] = []
    true = judge_for(site.settings, NOBODY)

    def judge(table: pa.Table, now: datetime) -> Rejudged:
        heard.append(now)
        return true(table, now)

    found = again(site, f"{FILE.format(1)} 1-3\n{FILE.format(2)} 1", judge=judge)
    assert (found.rejected, found.delivered) == (0, 4)
    assert heard == [NOW, NOW]


def test_a_correction_that_is_wrong_is_refused_with_its_reasons(site: Site, tmp_path: Path) -> None:
    """The others of the notice go; ids are found in either case, and any kind of log will do."""
    path = tmp_path / "better.csv"
    lines = ["id,endreason,trackid,totaltimeplayed", f"{ids(250)[1].upper()},ended,0,1"]
    path.write_text("\n".join(lines) + "\n")
    found = again(site, f"{FILE.format(1)} 1-3", corrected=corrected_rows([path], site.settings))
    assert (found.named, found.rejected, found.delivered) == (3, 1, 2)
    assert found.reasons["endreason-not-permitted"] == found.reasons["trackid-invalid"] == 1
    assert found.reasons["country-missing"] == 1
    assert sent_in(site, 1)["id"].to_pylist() == [ids(250)[0], ids(250)[2]]
    assert again(site, f"{FILE.format(1)} 1-3").delivered == 1


def test_the_61_days_are_measured_from_the_first_delivery(site: Site) -> None:
    """A play that was young enough then is sent again much later."""
    site.now = lambda: NOW + timedelta(days=80)
    assert again(site, FILE.format(1)).delivered == 100


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (FILE.format(9), "names no file delivered"),
        (f"{FILE.format(1)} 101", "has 100 rows"),
        (ids(1, 9)[0], "was not delivered"),
        (f'{{"file": "{FILE.format(1)}", "id": "{ids(250)[249]}"}}', "does not hold the play"),
    ],
)
def test_what_was_not_delivered_is_refused(site: Site, text: str, told: str) -> None:
    """Nothing is sent: the notice is another partner's, or was misread."""
    with pytest.raises(UsageError, match=told):
        again(site, text)
    assert not (module.folder_of(site.settings) / "failures").exists()


def test_a_crash_before_sending_is_made_good(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded waits, and the next delivery sends it; the notice again sends nothing."""
    with monkeypatch.context() as patch:
        patch.setattr("feedengine.plays.resubmit.Sender.send", _crash)
        with pytest.raises(KeyboardInterrupt):
            again(site, FILE.format(1))
    assert again(site, FILE.format(1)).already_sent == 100
    found = deliver(site, None, "folder")
    assert (found.delivered, found.keys) == (100, [AGAIN.format(1)])


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


# Notices

PAIR = Notice({"a/b.parquet": frozenset({2, 6, 7, 8})})
FORMS = [
    ("a/b.parquet 3, 7-9", PAIR),
    ("a/b.parquet: rows 3 7 - 9\n", PAIR),
    ("# what failed\na/b.parquet\t3;7;8;9\n\n", PAIR),
    ('{"file": "a/b.parquet", "rows": [3, 7, 8, 9]}', PAIR),
    ('{"key": "a/b.parquet", "row": "3, 7-9", "reason": "bad shop"}', PAIR),
    ('{"errors": [{"filename": "a/b.parquet", "rows": ["3", "7-9"]}], "count": 4}', PAIR),
    ('{"file": "a/b.parquet", "row": 3}\n{"file": "a/b.parquet", "rows": "7-9"}\n', PAIR),
    ('file,row,reason\na/b.parquet,3,x\na/b.parquet,7-9,"a, b"\n', PAIR),
    ("\ufeffReason\tFile\tRow\nx\ta/b.parquet\t3\ny\ta/b.parquet\t7-9\n", PAIR),
    ("a/b.parquet", Notice({"a/b.parquet": None})),
    ('["a/b.parquet 3", "a/b.parquet"]', Notice({"a/b.parquet": None})),
    ("file\na/b.parquet\n", Notice({"a/b.parquet": None})),
    (f"{A.upper()}\n{B}\n", Notice({}, frozenset({A, B}))),
    (f'{{"ids": ["{A}", "{B}"]}}', Notice({}, frozenset({A, B}))),
    (f"id,reason\n{A},x\n{B},y\n", Notice({}, frozenset({A, B}))),
    (
        f"file,id\nb.parquet,{A}\nb.parquet,{B}\n",
        Notice({}, frozenset(), {"b.parquet": frozenset({A, B})}),
    ),
]


@pytest.mark.parametrize(("text", "expected"), FORMS, ids=[str(at) for at in range(len(FORMS))])
def test_notices_are_read_in_many_forms(text: str, expected: Notice) -> None:
    """Files, rows, ids: as JSON, as a table, as plain lines."""
    assert notice_of(text) == expected


def test_rows_may_count_from_zero() -> None:
    """As the recipient counts."""
    assert notice_of("b.parquet 0", row_base=0) == Notice({"b.parquet": frozenset({0})})
    with pytest.raises(UsageError, match="names row 0"):
        notice_of("b.parquet 0")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n# nothing\n",
        "Three rows of b.parquet failed",
        "b.parquet: 3 rows failed",
        "b.parquet 9-7",
        "b.parquet 1-99999999999",
        "{",
        "{}",
        '{"rows": [1]}',
        '{"file": "b.parquet", "rows": ["x"]}',
        '{"ids": ["x"]}',
        "file,row\nb.parquet,1,2\n",
        "e9fcaaa9-854b-44b7-bbd8-6a5072f286eg",
    ],
)
def test_what_is_half_understood_is_refused(text: str) -> None:
    """Better nothing than the half of it."""
    with pytest.raises(UsageError):
        notice_of(text)


@given(st.text(max_size=200))
def test_no_notice_is_too_strange(text: str) -> None:
    """Understood or refused, never an error of another kind."""
    with suppress(UsageError):
        notice_of(text)
