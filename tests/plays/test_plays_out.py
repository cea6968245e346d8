"""The commands of delivery: what they print, and how they exit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from feedengine.cli import main
from feedengine.engine import Engine
from feedengine.model.play_ids import packed
from feedengine.plays import deliver as module
from feedengine.plays.remembered import remembered
from feedengine.plays.seen import ids_of

from .dropping import PLAY
from .tables import NOW, ONE_TRACK, catalogued, ids, receipts, saved, site_at

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site, and a player's log of three good plays and a bad one."""
    monkeypatch.chdir(tmp_path)
    Engine.init(tmp_path).close()
    catalogued(tmp_path, ONE_TRACK)
    played = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    rows = [
        {**PLAY, "id": one, "datetimeplayed": played, "trackid": "0" if at == 3 else "1"}
        for at, one in enumerate(ids(4))
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "log.jsonl").write_text(text)
    (tmp_path / "good.jsonl").write_text("".join(text.splitlines(keepends=True)[:3]))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """Exit status and JSON of a command."""
    status = main.run([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_prepared_plays_are_delivered(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`prepare` shows, `deliver` takes; a refused row is exit 1, a second run has nothing to do."""
    status, found = said(capsys, "plays", "prepare", "log.jsonl", "--out", "out")
    assert (status, found["accepted"], found["rejected"]) == (1, 3, 1)
    (parcel,) = found["parcels"]
    prepared = (home / "out" / "parcels" / parcel["key"]).read_bytes()
    assert sorted(path.name for path in (home / "out").iterdir()) == [
        "accepted.parquet",
        "parcels",
        "rejected.parquet",
        "report.html",
        "summary.json",
    ]
    status, found = said(capsys, "plays", "deliver", "out", "--to", "folder")
    assert (status, found["delivered"], found["keys"]) == (0, 3, [parcel["key"]])
    assert (home / "Plays" / "delivered" / parcel["key"]).read_bytes() == prepared
    status, found = said(capsys, "plays", "deliver", "good.jsonl", "--to", "folder")
    assert (status, found["delivered"], found["already_delivered"]) == (0, 0, 3)


def test_a_check_asks_the_sites_catalogue_and_what_has_left(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """L12, which `--no-availability` leaves out and says so; `--to` tells what has left apart."""
    log = home / "good.jsonl"
    log.write_text(log.read_text().replace('"GB"', '"US"'))
    assert said(capsys, "plays", "check", "good.jsonl")[1]["reasons"] == {"L12": 3}
    assert main.run(["plays", "check", "good.jsonl", "--no-availability"]) == 0
    assert "availability was not judged (L12)" in capsys.readouterr().err
    assert main.run(["plays", "check", "good.jsonl", "--no-catalogue"]) == 0
    capsys.readouterr()
    words = ("plays", "deliver", "good.jsonl", "--to", "folder", "--no-availability")
    assert said(capsys, *words)[1]["delivered"] == 3
    status, found = said(capsys, "plays", "check", "good.jsonl", "--to", "folder")
    assert (status, found["already_delivered"], found["reasons"]) == (0, 3, {})


def test_a_dry_run_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys and counts."""
    words = ("plays", "deliver", "good.jsonl", "--to", "folder", "--dry-run")
    assert said(capsys, *words) == said(capsys, *words)
    status, found = said(capsys, *words)
    assert (status, [one["plays"] for one in found["parcels"]]) == (0, [3])
    assert not (home / "Plays" / "delivered").exists()
    assert said(capsys, "plays", "status")[1]["ways"] == []
    assert main.run(list(words)) == 0
    assert "1 parcels, 3 plays" in capsys.readouterr().out
    assert main.run(["plays", "deliver", "--dry-run", "--to", "folder"]) == 2


@pytest.mark.usefixtures("home")
def test_people_are_told_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables instead of JSON."""
    assert main.run(["plays", "status"]) == 0
    assert "nothing was delivered yet" in capsys.readouterr().out
    assert main.run(["plays", "prepare", "log.jsonl", "--out", "out"]) == 1
    assert "NONSUBSTREAM_000000000001.parquet" in capsys.readouterr().out
    assert main.run(["plays", "deliver", "log.jsonl", "--to", "folder"]) == 1
    assert "delivered: 3" in capsys.readouterr().out
    assert main.run(["plays", "deliver", "--to", "folder"]) == 0
    assert "nothing to deliver" in capsys.readouterr().out
    assert main.run(["plays", "status"]) == 0
    assert "receipts folder" in capsys.readouterr().out


@pytest.mark.usefixtures("home")
def test_failed_plays_are_sent_again(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    """A notice names them; the failures path takes them."""
    key = said(capsys, "plays", "deliver", "good.jsonl", "--to", "folder")[1]["keys"][0]
    (home / "notice").write_text(f"{key} 2\n")
    status, found = said(capsys, "plays", "resubmit", "notice", "--to", "folder")
    assert (status, found["delivered"]) == (0, 1)
    assert found["keys"][0].startswith("failures/nonsubstream/12345/")
    assert main.run(["plays", "resubmit", "notice", "--to", "folder"]) == 0
    assert "sent again before: 1" in capsys.readouterr().out
    (home / "notice").write_text("what?")
    assert said(capsys, "plays", "resubmit", "notice", "--to", "folder")[0] == 2
    assert said(capsys, "plays", "resubmit", "nowhere", "--to", "folder")[0] == 2
    (home / "notice").write_bytes(b"\xff")
    assert said(capsys, "plays", "resubmit", "notice", "--to", "folder")[0] == 2


def test_what_needs_a_person_is_settled_by_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A conflict is exit 1; given up, its plays leave under the next number."""
    plan = said(capsys, "plays", "deliver", "good.jsonl", "--to", "folder", "--dry-run")[1]
    taken = home / "Plays" / "delivered" / plan["parcels"][0]["key"]
    taken.parent.mkdir(parents=True)
    taken.write_text("theirs")
    assert said(capsys, "plays", "deliver", "good.jsonl", "--to", "folder")[0] == 1
    (shown,) = said(capsys, "plays", "status")[1]["open"]
    assert main.run(["plays", "status"]) == 0
    assert "holds something else" in capsys.readouterr().out
    assert main.run(["plays", "release", str(shown["id"]), "--as", "drop"]) == 0
    assert "is dropped" in capsys.readouterr().out
    assert said(capsys, "plays", "release", "99", "--as", "drop")[0] == 1
    status, found = said(capsys, "plays", "deliver", "good.jsonl", "--to", "folder")
    assert (status, found["delivered"]) == (0, 3)


@pytest.mark.usefixtures("home")
def test_usage_and_outside_failures_have_their_status(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 for what is not set, 3 for a bucket that cannot be used."""
    assert said(capsys, "plays", "deliver", "good.jsonl")[0] == 2
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    status, found = said(capsys, "plays", "deliver", "good.jsonl", "--s3-bucket", "plays")
    assert status == 3
    assert "no AWS credentials" in found["error"]["message"]


def test_the_secret_is_never_shown(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by `config`, not as a flag, not in an error."""
    monkeypatch.setenv("FEEDENGINE_ENDPOINT_CONSUMER_SECRET", "hush-hush")
    monkeypatch.setenv("FEEDENGINE_ENDPOINT_CONSUMER_KEY", "key")
    assert main.run(["config"]) == 0
    assert main.run(["config", "--json"]) == 0
    assert main.run(["plays", "deliver", "good.jsonl", "--endpoint-url", "x", "--to", "endpoint"])
    assert main.run(["plays", "deliver", "--help"]) == 0
    printed = capsys.readouterr()
    assert "hush" not in printed.out + printed.err
    assert "consumer-secret" not in printed.out
    (home / "feedengine.toml").write_text("endpoint_consumer_secret = 5\n")
    monkeypatch.delenv("FEEDENGINE_ENDPOINT_CONSUMER_SECRET")
    assert main.run(["config"]) == 2


def test_the_format_is_told_by_the_columns(tmp_path: Path) -> None:
    """Of what `prepare` has left."""
    from .tables import endpoint, playlist

    for table, form in (
        (receipts(1), "receipts"),
        (endpoint(1), "endpoint"),
        (playlist(1), "playlist"),
    ):
        assert module.form_of(saved(table, tmp_path / "a")) == form


def test_whoever_judges_asks_what_has_left(tmp_path: Path) -> None:
    """Batch by batch, by ids in the order of their keys; and each way out by itself."""
    site = site_at(tmp_path, parcel_rows=1000)
    site.now = lambda: NOW
    module.deliver(site, saved(receipts(3000), tmp_path / "a"), "folder")
    data = packed(pa.array(ids(50) + ids(50, 1)))
    halves = np.frombuffer(data, ">u8").astype(np.uint64)
    for way, expected in (
        ("receipts folder", [True] * 50 + [False] * 50),
        ("other", [False] * 100),
    ):
        with remembered(site.database, way) as left:
            found = ids_of(halves[::2], halves[1::2], np.ones(100, np.bool_))
            assert left(found.keys)[np.argsort(found.rows)].tolist() == expected
    site.database.dispose()
