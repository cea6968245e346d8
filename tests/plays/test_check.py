"""The command ``plays check``: what it prints, and how it exits."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from feedengine.cli.main import run
from feedengine.plays.frames import KNOWN_COLUMNS
from feedengine.plays.reports import ENDPOINT, PLAYLIST, RECEIPTS

from .batches import GOOD, play

NOW = "2024-04-30T12:00:00Z"


@pytest.fixture
def plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a good play and a bad one, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rows = [play(), play(id=None, trackid="0", country=None)]
    path = tmp_path / "plays.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """The exit status and the document of a command."""
    status = run(["plays", "check", "--json", "--now", NOW, "--no-catalogue", *words])
    return status, json.loads(capsys.readouterr().out)


def test_the_document_has_the_keys_that_are_documented(
    plays: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, and rows by rule, by column filled, by warning; exit 1 where rows are refused."""
    assert as_json(capsys, plays.name) == (
        1,
        {
            "rows": 2,
            "accepted": 1,
            "rejected": 1,
            "already_delivered": 0,
            "reasons": {"trackid-invalid": 1, "country-missing": 1},
            "filled": {"id": 1},
            "warnings": {},
        },
    )


def test_a_table_says_which_rows_are_refused_and_why(
    plays: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """File and line, every rule with its meaning and cure; what was not asked is said aloud."""
    assert run(["plays", "check", plays.name, "--now", NOW]) == 1
    found = capsys.readouterr()
    assert "plays.jsonl:2  trackid-invalid, country-missing" in found.out
    assert "rows: 2, accepted: 1, rejected: 1" in found.out
    assert "no catalogue" in found.err


def test_good_plays_exit_0(tmp_path: Path, capsys: pytest.CaptureFixture[str], plays: Path) -> None:
    """From standard input, too."""
    (tmp_path / "good.jsonl").write_text(plays.read_text("utf-8").splitlines()[0], "utf-8")
    assert as_json(capsys, "good.jsonl")[0] == 0
    stdin = io.TextIOWrapper(io.BytesIO((tmp_path / "good.jsonl").read_bytes()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        status, found = as_json(capsys, "-", "--input", "jsonl")
    assert (status, found["accepted"]) == (0, 1)


@pytest.mark.parametrize(
    "words",
    [
        ["missing.jsonl"],
        ["-"],
        ["plays.jsonl", "--input", "xls"],
        ["plays.jsonl", "--now", "yesterday"],
        ["plays.jsonl", "--format", "tape"],
        ["plays.jsonl", "--station-zone", "Mars/Olympus"],
        ["plays.jsonl", "--permitted-countries", "Mars"],
        ["plays.jsonl", "--partner-id", "x"],
        [],
    ],
)
def test_wrong_usage_exits_2(
    plays: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """With a message and a hint."""
    assert plays.exists()
    assert run(["plays", "check", *words]) == 2
    assert "error: " in capsys.readouterr().err


def test_settings_come_from_file_environment_and_flags(
    plays: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mappings and lists as well: what stands in for missing values, names of columns."""
    text = 'partner_id = "9"\n[play_columns]\ntrackid = "song"\n[shop_ids]\nGB = 34\n'
    Path("feedengine.toml").write_text(text, "utf-8")
    row: dict[str, Any] = {**GOOD, "song": "7", "country": "UK"}
    for name in ("trackid", "partnerid", "shopid", "formatid"):
        del row[name]
    plays.write_text(json.dumps(row), "utf-8")
    monkeypatch.setenv("FEEDENGINE_FORMAT_ID", "55")
    status, found = as_json(capsys, plays.name)
    assert (status, found["filled"]) == (0, {"partnerid": 1, "shopid": 1, "formatid": 1})
    monkeypatch.setenv("FEEDENGINE_PERMITTED_SHOPS", "1,2")
    assert as_json(capsys, plays.name)[1]["reasons"] == {"shopid-not-permitted": 1}
    monkeypatch.setenv("FEEDENGINE_SHOP_IDS", "GB=2")
    assert as_json(capsys, plays.name)[0] == 0
    monkeypatch.setenv("FEEDENGINE_PERMITTED_COUNTRIES", "US")
    assert as_json(capsys, plays.name)[1]["reasons"] == {"country-not-permitted": 1}
    monkeypatch.setenv("FEEDENGINE_PERMITTED_COUNTRIES", "GB,WW")
    assert as_json(capsys, plays.name)[0] == 2


def test_refused_rows_are_kept_as_they_came(plays: Path, tmp_path: Path) -> None:
    """With source, row and reasons; the accepted ones as they will be sent."""
    from feedengine.config import settings
    from feedengine.plays import check

    check([plays], settings(tmp_path), now=NOW, out=tmp_path / "out")
    (refused,) = parquet.read_table(tmp_path / "out" / "rejected.parquet").to_pylist()
    assert {name: refused[name] for name in KNOWN_COLUMNS} == play(
        id=None, trackid="0", country=None
    )
    assert (refused["source"], refused["row"]) == (str(plays), 2)
    assert refused["reasons"] == ["trackid-invalid", "country-missing"]
    (accepted,) = parquet.read_table(tmp_path / "out" / "accepted.parquet").to_pylist()
    assert accepted["datetimeplayed"] == "2024-04-28T13:13:15.674Z"
    assert accepted["totaltimeplayed"] == 194
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert (summary["accepted"], summary["rejected"]) == (1, 1)


def test_the_schema_of_receipts_is_the_recipients() -> None:
    """Fourteen columns in their order; two of them may be NULL, one is a number."""
    schema = RECEIPTS.schema()
    assert schema.names == [
        "id", "datetimelogged", "userid", "trackid", "releaseid", "formatid", "datetimeplayed",
        "totaltimeplayed", "useragent", "transactionid", "partnerid", "shopid", "endreason",
        "country",
    ]  # fmt: skip
    assert [field.name for field in schema if field.nullable] == ["userid", "transactionid"]
    assert [field.name for field in schema if field.type == "int64"] == ["totaltimeplayed"]


def test_endpoint_and_playlist_name_their_fields_as_their_recipients_do() -> None:
    """Nine fields; seven columns."""
    assert set(ENDPOINT.schema().names) == {
        "endReason",
        "userId",
        "userAgent",
        "totalTimePlayed",
        "dateTimePlayed",
        "formatId",
        "releaseId",
        "trackId",
        "country",
    }
    assert PLAYLIST.schema().names == [
        "Title", "Artist", "Album", "Label", "Start Time", "End Time", "Duration",
    ]  # fmt: skip


def test_days_and_countries_are_a_table_where_there_are_several(
    plays: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last days and the largest countries, as many as --list says."""
    rows = [play(id=None, datetimeplayed=f"2024-04-{day}T08:00:00Z") for day in (26, 27, 28)]
    rows += [play(id=None, country=code) for code in ("GB", "GB", "FR")]
    plays.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    words = ["plays", "check", plays.name, "--now", NOW, "--no-catalogue", "--list", "2"]
    assert run(words) == 0
    found = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert found[:9] == [
        ["day", "accepted", "rejected"],
        ["2024-04-28", "4", "0"],
        ["2024-04-27", "1", "0"],
        ["…", "and", "1", "more;", "see", "--list"],
        [],
        ["country", "accepted", "rejected"],
        ["US", "3", "0"],
        ["GB", "2", "0"],
        ["…", "and", "1", "more;", "see", "--list"],
    ]


def test_one_day_and_one_country_are_no_table(
    plays: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would say what the sum says."""
    plays.write_text(json.dumps(play(id=None)), "utf-8")
    assert run(["plays", "check", plays.name, "--now", NOW, "--no-catalogue"]) == 0
    assert "country" not in capsys.readouterr().out


def test_the_same_log_twice_is_found_also_without_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within a file identical rows are plays of their own; another file with them is a copy."""
    rows = [play(id=None)] * 3 + [play(id=None, userid="another")]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(text)
    words = (str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"))
    found = as_json(capsys, "--root", str(tmp_path), *words)[1]
    assert (found["accepted"], found["reasons"]) == (4, {"id-duplicate": 4})
