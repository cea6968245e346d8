"""The sample plays are judged as their expected verdicts say."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from feedengine.config import settings
from feedengine.engine import Engine
from feedengine.errors import FeedengineError
from feedengine.plays import check
from feedengine.plays.consulting import consulted
from feedengine.plays.results import ACCEPTED, REJECTED

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parents[2] / "sample_plays"
EXPECTED = sorted((SAMPLES / "expected").glob("*.json"))
EXPECTED.remove(SAMPLES / "expected" / "player-catalogue.json")
CATALOGUE = SAMPLES / "expected" / "player-catalogue.json"


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.stem)
def test_a_sample_is_judged_as_expected(expected: Path, tmp_path: Path) -> None:
    """Counts, and of each refused row the rules it breaks."""
    said = json.loads(expected.read_text("utf-8"))
    found = check(
        [SAMPLES / said["file"]],
        settings(tmp_path, **said.get("settings", {})),
        form=said["format"],
        now=said["now"],
        out=tmp_path / "out",
    )
    refused = parquet.read_table(tmp_path / "out" / REJECTED).to_pylist()
    assert {str(row["row"]): row["reasons"] for row in refused} == said["refused"]
    assert found._asdict() == said["counts"]


def test_judging_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever is written is a function of the input and of the instant of judgement."""
    written = []
    for name in ("one", "two"):
        check(
            [SAMPLES / "player"],
            settings(tmp_path),
            now="2026-02-23T06:00:00Z",
            out=tmp_path / name,
        )
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {
        "accepted.parquet",
        "rejected.parquet",
        "summary.json",
        "report.html",
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The sample feeds, applied."""
    root = tmp_path_factory.mktemp("site")
    Engine.init(root).close()
    for part in ("Feeds", "Stack"):
        shutil.copytree(SAMPLES.parent / "sample_feeds" / part, root / part, dirs_exist_ok=True)
    with Engine.at(root, provider="") as engine:
        engine.run()
        yield engine


def test_a_sample_is_judged_by_the_catalogue_too(site: Engine, tmp_path: Path) -> None:
    """What the format finds stays; what the catalogue knows comes to it."""
    said = json.loads(CATALOGUE.read_text("utf-8"))
    with consulted(site.settings, site.database, said["format"]) as who:
        found = check(
            [SAMPLES / said["file"]],
            site.settings,
            form=said["format"],
            now=said["now"],
            consulted=who,
            out=tmp_path,
        )
    refused = parquet.read_table(tmp_path / REJECTED).to_pylist()
    assert {str(row["row"]): row["reasons"] for row in refused} == said["refused"]
    assert found._asdict() == said["counts"]


def test_l12_is_what_anybody_is_told_who_asks(site: Engine, tmp_path: Path) -> None:
    """Of plays after the last change, row by row: `available` answers as they are judged."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    text = (SAMPLES / "player" / "2026-02-22.jsonl").read_text("utf-8")
    (tmp_path / "log.jsonl").write_text(text.replace("2026-02-22", f"{tomorrow:%Y-%m-%d}"), "utf-8")
    now = f"{tomorrow + timedelta(days=1):%Y-%m-%d}T06:00:00Z"
    with consulted(site.settings, site.database, "receipts") as who:
        check([tmp_path / "log.jsonl"], site.settings, now=now, consulted=who, out=tmp_path)
    judged = {True: 0, False: 0}
    for name in (ACCEPTED, REJECTED):
        for row in parquet.read_table(tmp_path / name).to_pylist():
            if "datetimeplayed-too-old" in row.get("reasons", []):
                continue  # before the last change
            try:
                answer = site.available(
                    row["trackid"] or "",
                    country=(row["country"] or "").upper(),
                    at=(row["datetimeplayed"] or "?").rstrip("Z") + "Z",
                    release=row["releaseid"],
                )
            except FeedengineError:
                continue  # no such track, country or instant: L12 is not asked either
            judged[answer["available"]] += 1
            assert ("L12" in row.get("reasons", [])) is not answer["available"], row
    assert min(judged.values()) >= 5
