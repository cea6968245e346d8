"""Columns that are dictionaries: judged once a text, with the verdicts of plain columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from feedengine.config import Settings, settings
from feedengine.plays.checking import How, summarise
from feedengine.plays.columnar import _numbers
from feedengine.plays.examples import Examples
from feedengine.plays.frames import DICTIONARY_COLUMNS, KNOWN_COLUMNS, PLAY_COLUMNS, FormatName
from feedengine.plays.gather import Naming, null_text, text_of
from feedengine.plays.intake import read
from feedengine.plays.job import Job, job_for
from feedengine.plays.judging import Sum, judged_alone
from feedengine.plays.moments import micros_of
from feedengine.plays.repeats import Readings, decoded
from feedengine.plays.results import accepted_rows, rejected_rows
from feedengine.plays.sources import Meter, sources

from .batches import play, raw, repeating
from .slow import NOW
from .test_judge import plays

FILLED = {"partner_id": "9", "format_id": "55", "user_agent": "x" * 300, "shop_ids": {"US": 480}}


def outcome(batch: pa.RecordBatch, job: Job) -> tuple[Any, ...]:
    """All that can be seen of a batch that is judged."""
    one = judged_alone(batch, job)
    total, examples = Sum(job.terms.now), Examples()
    total.add(one)
    examples.add(one.verdict)
    written = accepted_rows(one.verdict, job.form), rejected_rows(one.verdict)
    return (*written, total.summary(), examples.found)


@pytest.mark.parametrize("form", ["receipts", "endpoint", "playlist"])
@given(data=st.data())
def test_dictionaries_and_plain_columns_have_the_same_verdicts(
    form: FormatName, data: st.DataObject
) -> None:
    """Any rows, some of them several times, by themselves and in a part of a batch."""
    some = data.draw(st.lists(plays(), min_size=1, max_size=6))
    rows = data.draw(st.lists(st.sampled_from(some), min_size=1, max_size=12))
    cut = data.draw(st.integers(0, 2))
    how = settings(Path(), **data.draw(st.sampled_from([{}, FILLED])))
    job = job_for(how, form, micros_of(NOW))
    batch = raw(rows)
    assert outcome(repeating(batch)[cut:], job) == outcome(batch[cut:], job)


@given(st.lists(st.none() | st.sampled_from(["null", "a", "NULL", ""])))
def test_the_text_null_is_null_in_a_dictionary(texts: list[str | None]) -> None:
    """And nothing else becomes NULL."""
    column = pa.array(texts, pa.string()).dictionary_encode()
    expected = [None if text == "null" else text for text in texts]
    assert decoded(null_text(column)).to_pylist() == expected


def many() -> list[dict[str, str | None]]:
    """Plays of which much repeats, every hundredth with a fault, NULLs and the text null too."""
    rows = []
    for at in range(300):
        one = play(
            id=f"{at:08x}-854b-44b7-bbd8-6a5072f286e2",
            trackid=str(at + 1),
            totaltimeplayed=str(at % 5),
            transactionid=(None, "null", "7")[at % 3],
            country=("us", "gb", "uk")[at % 3],
            useragent=None if at % 100 == 1 else f"player {at % 4}",
            endreason="stopped" if at % 100 == 2 else "other",
            shopid="7" if at % 100 == 3 else "34",
        )
        rows.append({name: one[name] for name in PLAY_COLUMNS})
    return rows


def kept(folder: Path, name: str, table: pa.Table, **how: Any) -> Path:
    """A Parquet file in a folder of its own, so that its name is the same as others'."""
    path = folder / name / "plays.parquet"
    path.parent.mkdir()
    parquet.write_table(table, path, row_group_size=100, **how)
    return path


def left(path: Path, how: Settings, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What a run leaves behind."""
    monkeypatch.chdir(path.parent)
    summarise(["plays.parquet"], how, How(now=micros_of(NOW), out=Path("out")))
    return [one.read_bytes() for one in sorted(Path("out").iterdir())]


def dictionaries(path: Path) -> set[str]:
    """Which columns of a file are read as dictionaries."""
    found = sources([str(path)], None)
    batches = list(read(found, Naming({}), Meter(found)))
    return {
        name
        for name in KNOWN_COLUMNS
        for batch in batches
        if pa.types.is_dictionary(batch.schema.field(name).type)
    }


def test_what_a_run_leaves_does_not_depend_on_how_a_file_is_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain texts, Parquet's own dictionaries, a program's categories, numbers as numbers."""
    table = pa.Table.from_pylist(many(), pa.schema([(name, pa.string()) for name in PLAY_COLUMNS]))
    at = table.schema.get_field_index("totaltimeplayed")
    numbers = table.set_column(at, "totaltimeplayed", table["totaltimeplayed"].cast(pa.int64()))
    categories = pa.table({name: table[name].dictionary_encode() for name in table.column_names})
    files = [
        kept(tmp_path, "plain", table, use_dictionary=False),
        kept(tmp_path, "own", table),
        kept(tmp_path, "numbers", numbers, version="1.0"),
        kept(tmp_path, "categories", categories),
    ]
    for path in files:
        assert {"country", "useragent", "shopid", "endreason"} <= dictionaries(path)
        assert dictionaries(path) <= DICTIONARY_COLUMNS - {"trackid"}
    assert "totaltimeplayed" in dictionaries(files[2])
    how = settings(tmp_path)
    first, *others = [left(path, how, monkeypatch) for path in files]
    assert all(other == first for other in others)


def test_a_dictionary_with_a_text_that_is_no_utf8_costs_its_rows_alone(tmp_path: Path) -> None:
    """The file is read to its end."""
    texts = pa.array([b"gb", b"\xff", b"gb", b"gb", b"gb", b"gb"], pa.binary())
    names = pa.DictionaryArray.from_arrays(
        texts.dictionary_encode().indices,
        pa.Array.from_buffers(pa.string(), 2, texts.dictionary_encode().dictionary.buffers()),
    )
    path = kept(tmp_path, "bytes", pa.table({"country": names}))
    found = sources([str(path)], None)
    rows = [row for one in read(found, Naming({}), Meter(found)) for row in one.to_pylist()]
    assert [row["fault"] for row in rows] == [None, "row-not-utf8", None, None, None, None]


def test_each_text_of_a_dictionary_is_read_once() -> None:
    """However many rows have it, and however often it is asked for."""
    column = pa.array(["34", None, "480", "34"] * 1000).dictionary_encode()
    readings = Readings()
    assert readings.wholes(column).values[:4].tolist() == [34, 0, 480, 34]
    assert readings.wholes(column).fits[:4].tolist() == [True, False, True, True]
    assert readings.parts(column).values.to_pylist() == ["34", "480", None]
    assert readings.parts(column) is readings.parts(column)


def rows_read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file as they come in."""
    found = sources([str(path)], None)
    return [one for batch in read(found, Naming({}), Meter(found)) for one in batch.to_pylist()]


def kinds(table: pa.Table) -> dict[str, tuple[pa.Table, dict[str, Any]]]:
    """The same rows in other types and encodings."""
    texts = ("country", "useragent", "shopid", "endreason", "userid")
    ids = pa.array([UUID(one).bytes for one in table["id"].to_pylist()], pa.binary(16))
    at = table.schema.get_field_index("id")
    seconds = table.schema.get_field_index("totaltimeplayed")
    floats = table["totaltimeplayed"].cast(pa.int64()).cast(pa.float64())
    return {
        "small groups": (table, {"row_group_size": 7}),
        "one group": (table, {"row_group_size": 1000}),
        "differences": (
            table,
            {
                "use_dictionary": ["country"],
                "column_encoding": dict.fromkeys(texts[1:], "DELTA_BYTE_ARRAY"),
            },
        ),
        "lengths": (
            table,
            {
                "use_dictionary": False,
                "column_encoding": dict.fromkeys(texts, "DELTA_LENGTH_BYTE_ARRAY"),
            },
        ),
        "large": (table.cast(pa.schema([(n, pa.large_string()) for n in PLAY_COLUMNS])), {}),
        "views": (table.cast(pa.schema([(n, pa.string_view()) for n in PLAY_COLUMNS])), {}),
        "bytes": (table.set_column(at, "id", ids), {}),
        "uuids": (
            table.set_column(at, "id", pa.ExtensionArray.from_storage(pa.uuid(), ids)),
            {},
        ),
        "floats": (table.set_column(seconds, "totaltimeplayed", floats), {}),
    }


def test_types_and_encodings_of_a_file_change_nothing(tmp_path: Path) -> None:
    """Whatever wrote it: its rows come in as plain text would, in their order."""
    schema = pa.schema([(name, pa.string()) for name in PLAY_COLUMNS])
    rows = [{**one, "id": f"{at:08x}-854b-44b7-bbd8-6a5072f286e2"} for at, one in enumerate(many())]
    table = pa.Table.from_pylist(rows, schema)
    parquet.write_table(table, tmp_path / "plays.parquet", use_dictionary=False)
    expected = rows_read(tmp_path / "plays.parquet")
    assert len(expected) == len(rows)
    for name, (one, how) in kinds(table).items():
        parquet.write_table(one, tmp_path / "plays.parquet", **how)
        assert rows_read(tmp_path / "plays.parquet") == expected, name


def test_an_encoding_may_change_within_a_file(tmp_path: Path) -> None:
    """Nothing is lost or read twice where dictionaries cannot be made any more."""
    path = tmp_path / "plays.parquet"
    table = pa.table({"country": ["gb", "us"] * 50_000, "userid": [str(n) for n in range(100_000)]})
    delta = {"use_dictionary": False, "column_encoding": {"country": "DELTA_BYTE_ARRAY"}}
    for how in ({}, delta):
        parquet.write_table(table, path, row_group_size=60_000, **how)
        rows = rows_read(path)
        assert [row["userid"] for row in rows] == table["userid"].to_pylist()
        assert [row["country"] for row in rows] == table["country"].to_pylist()


@given(st.lists(st.none() | st.floats() | st.integers(-(2**60), 2**60).map(float), max_size=6))
def test_numbers_with_a_point_are_texts(values: list[float | None]) -> None:
    """Whole ones without it, and exactly."""
    column = pa.array(values, pa.float64())
    assert _numbers(column).to_pylist() == [text_of(one) for one in values]
    assert _numbers(column[1:]).to_pylist() == [text_of(one) for one in values[1:]]


def test_a_damaged_group_costs_none_of_those_before_it(tmp_path: Path) -> None:
    """Also where groups are small, and read together."""
    path = tmp_path / "plays.parquet"
    table = pa.table({"country": ["gb", "us"] * 50, "userid": [str(n) for n in range(100)]})
    parquet.write_table(table, path, row_group_size=20)
    place = parquet.ParquetFile(path).metadata.row_group(3).column(1).dictionary_page_offset
    data = bytearray(path.read_bytes())
    data[place : place + 20] = b"\xff" * 20
    path.write_bytes(data)
    *rows, last = rows_read(path)
    assert [row["userid"] for row in rows] == [str(n) for n in range(60)]
    assert (last["row"], last["fault"]) == (61, "file-damaged")
