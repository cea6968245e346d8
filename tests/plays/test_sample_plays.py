"""The sample plays are judged as their expected verdicts say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import parquet

from feedengine.config import settings
from feedengine.plays import check
from feedengine.plays.results import REJECTED

SAMPLES = Path(__file__).parents[2] / "sample_plays"
EXPECTED = sorted((SAMPLES / "expected").glob("*.json"))


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
    assert set(written[0]) == {"accepted.parquet", "rejected.parquet", "summary.json"}
