"""Killed at every step, one after the other, and then run again: each play arrives once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.engine import Engine
from feedengine.plays.diary import Diary, read_diary
from feedengine.plays.encode import read_receipts
from feedengine.upkeep import check

from .bucket_server import BUCKET, WRITER, BucketServer
from .dropping import WEEK, drop, log, made, tree
from .recipient import KEY, SECRET, Recipient
from .tables import NOW, endpoint, ids, receipts, saved, site_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .proxy import Proxy

HERE = Path(__file__).parent
MOST_STEPS = 400

EVERY = 1 if os.environ.get("TORTURE") == "1" else 41
"""A round judges, too, and takes its time: of its 122 steps a few, unless all are wanted."""


class Killed:
    """A process beside this one that delivers from a folder, and is killed when told."""

    def __init__(self, root: Path, more: Mapping[str, str]) -> None:
        """For the site at ``root``."""
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), **more}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "crashing.py"), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def deliver(self, last: int, to: str) -> int:
        """Deliver until the step ``last``; the status of the child, 0 when it came to its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{last} {NOW.isoformat()} {to}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def killed(root: Path, **more: str) -> Iterator[Killed]:
    """One such process, ended at the end."""
    made = Killed(root, {f"FEEDENGINE_{name.upper()}": value for name, value in more.items()})
    try:
        yield made
    finally:
        assert made.process.stdin is not None
        assert made.process.stdout is not None
        made.process.stdin.close()
        made.process.wait(30)
        made.process.stdout.close()


def each_step(
    root: Path,
    runs: Killed,
    to: str,
    again: Callable[[], None],
    judged: Callable[[], None],
    every: int = 1,
) -> int:
    """Kill at every step in turn; then deliver to the end and judge. The steps there were.

    With ``every`` others are left out.
    """
    fresh = root.with_name("fresh")
    shutil.copytree(root, fresh)
    for last in range((every + 1) // 2, MOST_STEPS, every):
        shutil.rmtree(root)
        shutil.copytree(fresh, root)
        again()
        ended = runs.deliver(last, to)
        if ended == 0:
            return last
        assert ended == -9
        if last % 3 == 0:  # the recovery is killed, too
            assert runs.deliver(last // 2 + 1, to) in {0, -9}
        assert runs.deliver(0, to) == 0
        judged()
    raise AssertionError("it never came to its end")


def test_out_of_the_inbox(tmp_path: Path) -> None:
    """A round of two formats: every play in one file, the logs filed, and nothing else is left."""
    root = tmp_path / "site"
    made(root).database.dispose()
    drop(root, "a.jsonl", log(ids(15)))
    drop(root, "playlist/main/b.txt", WEEK.format(f"{NOW:%Y-%m-%d} 10:00:00 +0000"))
    folder = root / "Plays" / "delivered"

    def judged() -> None:
        files = [path for path in folder.rglob("*.parquet") if path.is_file()]
        found = [
            one for path in files for one in read_receipts(path.read_bytes())["id"].to_pylist()
        ]
        assert sorted(found) == sorted(ids(15))
        assert numbers([path.name for path in files]) == [1, 2]
        assert tree(folder / "playlists") == ["main/2026-11-21_main.txt"]
        assert tree(root / "Plays" / "inbox") == []
        assert tree(root / "Plays" / "done") == [
            "2026-11-21/a.jsonl",
            "2026-11-21/playlist/main/b.txt",
        ]
        assert not [name for name in tree(root / "Plays" / "judged") if ".part" in name]
        assert read_diary(root / "Plays") == Diary(NOW, NOW)
        sound(root)

    more = {"parcel_rows": "10", "deliver_plays": "true", "inbox_settle_seconds": "0"}
    with killed(root, **more) as runs:
        assert each_step(root, runs, "inbox", lambda: None, judged, every=EVERY) > 100


def made_site(root: Path, table: Any, **settings: Any) -> Path:
    """A site with plays to deliver."""
    site = site_at(root, **settings)
    site.database.dispose()
    saved(table, root / "a.parquet")
    return root


def sound(root: Path) -> None:
    """The ledger keeps its rules."""
    with Engine.at(root) as engine:
        assert check(engine.database) == []


def numbers(keys: list[str]) -> list[int]:
    """The numbers of keys."""
    return sorted(int(key.rpartition("_")[2].removesuffix(".parquet")) for key in keys)


def test_into_a_folder(tmp_path: Path) -> None:
    """Every play is in one file, every file is whole, and numbers have no gap."""
    root = made_site(tmp_path / "site", receipts(15))
    folder = root / "Plays" / "delivered"

    def judged() -> None:
        files = [path for path in folder.rglob("*") if path.is_file()]
        found = [
            one for path in files for one in read_receipts(path.read_bytes())["id"].to_pylist()
        ]
        assert sorted(found) == sorted(ids(15))
        assert numbers([path.name for path in files]) == [1, 2]
        sound(root)

    with killed(root, parcel_rows="10") as runs:
        assert each_step(root, runs, "folder", lambda: None, judged) > 40


@pytest.mark.parametrize("write_only", [False, True])
def test_into_a_bucket(
    tmp_path: Path,
    bucket_server: BucketServer,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    write_only: bool,  # noqa: FBT001 - a setting
) -> None:
    """The same, also where the bucket cannot be asked what it holds."""
    root = made_site(tmp_path / "site", receipts(15))
    if write_only:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER[0])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRITER[1])

    def again() -> None:
        bucket_server.empty()
        proxy.reset()

    def judged() -> None:
        objects = bucket_server.objects()
        found = [one for data in objects.values() for one in read_receipts(data)["id"].to_pylist()]
        assert sorted(found) == sorted(ids(15))
        assert numbers(list(objects)) == [1, 2]

    more = {"s3_bucket": BUCKET, "parcel_rows": "10", "s3_write_only": str(write_only)}
    with killed(root, **more) as runs:
        assert each_step(root, runs, "s3", again, judged) > 30


@pytest.mark.parametrize("in_doubt", ["hold", "retry"])
def test_to_the_endpoint(tmp_path: Path, in_doubt: str) -> None:
    """Held, a play is saved once or in doubt, never twice; with retry it is saved at least once."""
    root = made_site(tmp_path / "site", endpoint(150))
    recipient = Recipient()

    def again() -> None:
        recipient.saved.clear()
        recipient.plan = []

    def judged() -> None:
        found = Counter(item["userId"] for item in recipient.saved)
        with Engine.at(root) as engine, engine.database.connect() as session:
            text = "SELECT COALESCE(sum(plays), 0) FROM parcel WHERE status = 'in-doubt'"
            doubtful = int(session.exec_driver_sql(text).scalar() or 0)
        if in_doubt == "hold":
            assert max(found.values(), default=0) <= 1
            assert 150 - len(found) <= doubtful <= 200
        else:
            assert len(found) == 150
            assert doubtful == 0
        sound(root)

    more = {
        "endpoint_url": recipient.url,
        "endpoint_consumer_key": KEY,
        "endpoint_consumer_secret": SECRET,
        "endpoint_in_doubt": in_doubt,
    }
    with killed(root, **more) as runs:
        assert each_step(root, runs, "endpoint", again, judged) > 20
    recipient.stop()
