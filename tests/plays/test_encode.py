"""What is written is read back equal, in the recipient's own form, and no value breaks a row."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from feedengine.plays import encode
from feedengine.plays.encode import EncodeError, Playlist
from feedengine.plays.reports import ENDPOINT, RECEIPTS

from .tables import endpoint, playlist, receipts

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
_WRITTEN = "{:%Y-%m-%dT%H:%M:%S.%f}Z"
INSTANT = st.integers(0, 10**15).map(
    lambda micros: _WRITTEN.format(
        datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    )
)


@st.composite
def plays(draw: st.DrawFn) -> pa.Table:
    """Plays with whatever texts, in all columns that hold text."""
    count = draw(st.integers(1, 8))
    many = lambda one: draw(st.lists(one, min_size=count, max_size=count))  # noqa: E731 - short
    seconds = pa.array(many(st.integers(0, 2**63 - 1)), pa.int64())
    return receipts(
        count,
        userid=pa.array(many(TEXT.filter(lambda one: one != "null") | st.none()), pa.string()),
        useragent=many(TEXT),
        endreason=many(TEXT),
        totaltimeplayed=seconds,
        datetimeplayed=many(INSTANT),
    )


def physical(content: bytes) -> list[tuple[str, str, str, str]]:
    """Name, physical type, logical type and repetition of a file's columns."""
    schema = parquet.ParquetFile(io.BytesIO(content)).schema
    found = []
    for at in range(len(schema)):
        one = schema.column(at)
        repetition = "OPTIONAL" if one.max_definition_level else "REQUIRED"
        found.append((one.name, one.physical_type, one.converted_type, repetition))
    return found


def test_receipts_have_the_columns_of_the_recipient_in_order() -> None:
    """BYTE_ARRAY/UTF8 and INT64; OPTIONAL are userid and transactionid alone."""
    expected = [
        (
            column.name,
            "INT64" if column.name == "totaltimeplayed" else "BYTE_ARRAY",
            "NONE" if column.name == "totaltimeplayed" else "UTF8",
            "OPTIONAL" if column.name in {"userid", "transactionid"} else "REQUIRED",
        )
        for column in RECEIPTS.columns
    ]
    assert physical(encode.receipts(receipts(3))) == expected
    assert len(expected) == 14


def test_nothing_is_optional_where_null_is_written_as_text() -> None:
    """As in the recipient's own sample: "transactionid": "null"."""
    content = encode.receipts(receipts(6), null_text=True)
    assert {repetition for *_, repetition in physical(content)} == {"REQUIRED"}
    table = parquet.read_table(io.BytesIO(content))
    assert set(table["transactionid"].to_pylist()) == {"null"}
    assert table["userid"].to_pylist()[0] == "null"
    assert encode.read_receipts(content)["userid"].to_pylist()[0] is None


@given(plays(), st.booleans())
def test_receipts_are_read_back_equal(table: pa.Table, null_text: bool) -> None:  # noqa: FBT001
    """By pyarrow: every value, whatever its text."""
    content = encode.receipts(table, null_text=null_text)
    names = [column.name for column in RECEIPTS.columns]
    assert encode.read_receipts(content).to_pylist() == table.select(names).to_pylist()
    assert encode.receipts(table, null_text=null_text) == content


def test_duckdb_reads_the_same_receipts(tmp_path: Path) -> None:
    """A reader that shares no code with the writer finds the same rows."""
    odd = ["\x00", "a\tb\nc", "🎵", "null", "'; DROP", "é" * 200, " ", '"', "\\N", "ﬁ"]
    table = receipts(10, useragent=odd)
    path = tmp_path / "file.parquet"
    path.write_bytes(encode.receipts(table))
    with duckdb.connect() as session:
        rows = session.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    names = [column.name for column in RECEIPTS.columns]
    expected = table.select(names).to_pylist()
    assert rows == [tuple(row.values()) for row in expected]


def test_a_null_where_none_may_be_is_refused() -> None:
    """A recipient throws the whole file away for it."""
    table = receipts(2, trackid=pa.array(["1", None]))
    with pytest.raises(EncodeError, match="trackid is NULL in 1 rows"):
        encode.receipts(table)
    with pytest.raises(EncodeError, match="the column shopid is missing"):
        encode.receipts(receipts(2).drop_columns(["shopid"]))


@pytest.mark.parametrize(("rows", "size"), [(7, 1 << 30), (1000, 9000), (1, 1), (50, 6500)])
def test_files_are_cut_by_rows_and_bytes(rows: int, size: int) -> None:
    """Every row is in one file, in order; a file is larger than said only if it holds one row."""
    table = receipts(100)
    pieces = list(encode.cut_receipts(table, rows=rows, size=size))
    assert all(one.rows <= rows for one in pieces)
    assert all(len(one.content) <= size or one.rows == 1 for one in pieces)
    assert [one.first + one.rows for one in pieces] == [two.first for two in pieces[1:]] + [100]
    back = pa.concat_tables([encode.read_receipts(one.content) for one in pieces])
    assert back["id"].to_pylist() == table["id"].to_pylist()
    assert pieces == list(encode.cut_receipts(table, rows=rows, size=size))


def test_items_are_what_the_endpoint_wants() -> None:
    """CamelCase names in the recipient's order, strings throughout, the country in upper case."""
    table = endpoint(1, country=["gb"])
    body = json.loads(encode.endpoint_body(encode.endpoint_items(table)))
    (item,) = body["playLogItem"]
    assert list(item) == [column.written for column in ENDPOINT.sent]
    assert set(item) == {
        *("userId", "country", "trackId", "userAgent", "dateTimePlayed", "totalTimePlayed"),
        *("formatId", "releaseId", "endReason"),
    }
    assert all(isinstance(value, str) for value in item.values())
    assert item["country"] == "GB"


@given(st.lists(TEXT, min_size=1, max_size=250))
def test_requests_carry_every_item_once(agents: list[str]) -> None:
    """At most 100 a request, in order, with every text as it was."""
    table = endpoint(len(agents), useragent=agents)
    pieces = list(encode.cut_endpoint(table))
    assert all(one.rows <= 100 for one in pieces)
    items = [item for one in pieces for item in encode.read_endpoint(one.content)]
    assert [item["userAgent"] for item in items] == agents
    assert items == encode.endpoint_items(table)


# Playlists

_LINE = re.compile(r"[^\t\n]+(\t[^\t\n]+){5}")


def lines_of(content: bytes) -> list[list[str]]:
    """The fields of a playlist, as a reader of tab-delimited text sees them."""
    return [line.split("\t") for line in content.decode().split("\n")[:-1]]


def test_a_playlist_is_the_recipients_sample() -> None:
    """Header, dates with an offset, durations, order by start."""
    table = playlist(
        2,
        starttime=["2009-06-26T04:45:56Z", "2009-06-25T18:05:05.75Z"],
        duration=["278", "3665"],
    )
    zone = ZoneInfo("America/New_York")
    content, order = encode.playlist(table, Playlist(zone))
    assert order == [1, 0]
    assert lines_of(content) == [
        ["Title", "Artist", "Album", "Label", "Start Time", "Duration"],
        ["Title 1", "Artist 1", "Album 1", "Label 1", "2009-06-25 14:05:05 -0400", "61:05"],
        ["Title 0", "Artist 0", "Album 0", "Label 0", "2009-06-26 00:45:56 -0400", "04:38"],
    ]
    assert encode.playlist_days(table, zone) == ["2009-06-26", "2009-06-25"]


@pytest.mark.parametrize(
    ("dates", "offset", "written"),
    [
        ("yyyy-MM-dd", True, "2009-06-25 14:05:05 +0000"),
        ("yyyy-MM-dd", False, "2009-06-25 14:05:05"),
        ("MM/dd/yyyy", False, "06/25/2009 14:05:05"),
        ("MM-dd-yyyy", False, "06-25-2009 14:05:05"),
    ],
)
def test_dates_have_the_form_that_is_set(
    dates: encode.DateForm,
    offset: bool,  # noqa: FBT001 - a setting
    written: str,
) -> None:
    """All forms of the recipient's list; End Time instead of Duration where that is set."""
    table = playlist(1, starttime=["2009-06-25T14:05:05Z"], duration=["60"])
    content, _ = encode.playlist(table, Playlist(UTC, dates, offset, "end-time"))
    header, row = lines_of(content)
    assert header[4:] == ["Start Time", "End Time"]
    assert row[4] == written
    assert row[5] == written.replace("14:05:05", "14:06:05")


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=20))
def test_no_value_breaks_a_row(values: list[tuple[str, str]]) -> None:
    """Six fields on every line for whatever a title holds; what is blank is refused."""
    table = playlist(
        len(values), title=[one for one, _ in values], album=[two for _, two in values]
    )
    blank = any(
        not re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "", one).strip()
        for pair in values
        for one in pair
    )
    if blank:
        with pytest.raises(EncodeError, match="is blank"):
            encode.playlist(table, Playlist())
        return
    content, order = encode.playlist(table, Playlist())
    text = content.decode()
    assert len(text.splitlines()) == len(values) + 1
    assert all(_LINE.fullmatch(line) for line in text.split("\n")[:-1])
    _, *rows = lines_of(content)
    starts = [row[4] for row in rows]
    assert starts == sorted(starts)
    for row, at in zip(rows, order, strict=True):
        assert row[0] == re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", values[at][0])


def test_a_run_of_tabs_and_line_ends_is_one_blank() -> None:
    """And nothing else is changed."""
    assert encode.plain("a\t\r\n\x0b\u2028b  c", "Title") == "a b  c"


def test_a_playlist_needs_an_end() -> None:
    """A play with neither duration nor end is refused; an end alone gives the duration."""
    table = playlist(1, duration=pa.array([None], pa.string()))
    with pytest.raises(EncodeError, match="neither an end time nor a duration"):
        encode.playlist(table, Playlist())
    start = encode.moment(table["starttime"][0].as_py())
    ends = [f"{start + timedelta(seconds=61):%Y-%m-%dT%H:%M:%S.%f}Z"]
    content, _ = encode.playlist(table.set_column(6, "endtime", [ends]), Playlist())
    assert lines_of(content)[1][5] == "01:01"


@given(st.lists(INSTANT, min_size=2, max_size=20))
def test_playlists_are_ordered_by_start(starts: list[str]) -> None:
    """Whatever the order of the plays."""
    content, order = encode.playlist(playlist(len(starts), starttime=starts), Playlist())
    assert all(starts[one] <= starts[two] for one, two in pairwise(order))
    assert content.count(b"\n") == len(starts) + 1


def test_a_duration_may_be_a_station_s_own() -> None:
    """What is judged keeps it as ``mm:ss`` or ``h:mm:ss``; what players log is in seconds."""
    table = playlist(3, duration=["03:05", "1:00:05", "65"], starttime=["2026-11-20T07:00:00Z"] * 3)
    text, _ = encode.playlist(table, Playlist())
    assert [line.rpartition("\t")[2] for line in text.decode().splitlines()[1:]] == [
        "03:05",
        "60:05",
        "01:05",
    ]
