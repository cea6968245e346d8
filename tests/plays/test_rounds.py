"""A round: what lies in the inbox is judged, entered, filed; what waits is sent, each play once."""

from __future__ import annotations

import errno
import json
import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.cli import main
from feedengine.errors import ServiceError
from feedengine.plays import filing, rounds
from feedengine.plays.diary import read_diary
from feedengine.plays.encode import read_receipts
from feedengine.plays.folder import Folder
from feedengine.plays.news import (
    Ending,
    Failure,
    Judgement,
    Kept,
    News,
    Said,
    Sending,
    Standing,
    line_of,
    news_of,
)
from feedengine.plays.rounds import EndedError, go_round
from feedengine.plays.settling import status

from .bucket_server import BUCKET, BucketServer
from .dropping import NOW, WEEK, drop, ids, log, made, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Databases

    from feedengine.plays.deliver import Site

    from .proxy import Proxy

DAY = timedelta(days=1)
FIRST = "receipts/radio/12345/2026-11-21_12345_NONSUBSTREAM_000000000001.parquet"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that delivers into a folder."""
    found = made(tmp_path / "site")
    yield found
    found.database.dispose()


@pytest.fixture
def either(tmp_path: Path, on_both: Databases) -> Site:
    """The same, on each kind of database."""
    assert on_both.kind
    return made(tmp_path / "either")


def told(site: Site, **more: Any) -> list[News]:
    """What a round tells."""
    news: list[News] = []
    go_round(site, news.append, **more)
    return news


def of(news: list[News], kind: Any) -> list[Any]:
    """The news of a kind."""
    return [one for one in news if isinstance(one, kind)]


def plays(site: Site) -> Path:
    """The folder of plays."""
    return site.settings.plays


def delivered(site: Site) -> list[str]:
    """The ids of all plays that lie in the folder of receipts, in order."""
    files = (plays(site) / "delivered").rglob("*.parquet")
    return sorted(
        one for path in files for one in read_receipts(path.read_bytes())["id"].to_pylist()
    )


def test_a_log_is_judged_delivered_and_filed(either: Site) -> None:
    """Its good plays leave, its rows and counts lie beside it, and the inbox is empty again."""
    text = log(ids(3)) + log(["no uuid"])
    drop(either.settings.root, "shop/a.jsonl", text)
    news = told(either)
    [judged] = of(news, Judgement)
    assert (judged.files, judged.rows, judged.accepted, judged.rejected) == (1, 4, 3, 1)
    assert judged.reasons == {"id-invalid": 1}
    assert of(news, Sending) == [Sending("receipts folder", 3, 1)]
    assert news[-1] == Ending(done=True)
    assert delivered(either) == sorted(ids(3))
    assert tree(plays(either) / "inbox") == []
    assert tree(plays(either) / "done") == ["2026-11-21/shop/a.jsonl"]
    assert (plays(either) / "done/2026-11-21/shop/a.jsonl").read_text() == text
    assert judged.folder == "judged/2026-11-21/120000-receipts"
    assert {"accepted.parquet", "rejected.parquet", "summary.json"} <= set(
        tree(plays(either) / judged.folder)
    )
    diary = read_diary(plays(either))
    assert diary is not None
    assert diary.last == NOW


def test_each_format_and_stream_by_itself(site: Site) -> None:
    """Two stations may play the same song at the same second: two plays, of two files."""
    started = f"{NOW - DAY:%Y-%m-%d %H:%M:%S} +0000"
    for stream in ("main", "night/x"):
        drop(site.settings.root, f"playlist/{stream}/week.txt", WEEK.format(started))
    drop(site.settings.root, "endpoint/b.json", log(ids(2)))
    drop(site.settings.root, "c.jsonl", log(ids(1)))
    drop(site.settings.root, "d.jsonl", log(ids(2)[1:]))
    news = told(site)
    assert [(one.form, one.stream, one.files) for one in of(news, Judgement)] == [
        ("endpoint", None, 1),
        ("playlist", "main", 1),
        ("playlist", "night", 1),
        ("receipts", None, 2),
    ]
    kinds = {name.partition("/")[0] for name in tree(plays(site) / "delivered")}
    assert {"playlists", "receipts"} <= kinds
    lists = tree(plays(site) / "delivered" / "playlists")
    assert lists == ["main/2026-11-20_main.txt", "night/2026-11-20_night.txt"]


def test_a_playlist_without_a_stream_stays_alone(site: Site) -> None:
    """It is told, with what to do; those that name theirs leave."""
    started = f"{NOW - DAY:%Y-%m-%d %H:%M:%S} +0000"
    drop(site.settings.root, "playlist/a.txt", WEEK.format(started))
    named = WEEK.format(started).replace("Duration\n", "Duration\tstream\n")
    drop(site.settings.root, "playlist/b.txt", named.replace("03:00\n", "03:00\tmain\n"))
    news = told(site)
    [kept] = of(news, Kept)
    assert kept.name == "playlist/a.txt"
    assert "names no stream" in kept.because
    assert tree(plays(site) / "inbox") == ["playlist/a.txt"]
    assert tree(plays(site) / "delivered") == ["playlists/main/2026-11-20_main.txt"]
    assert not [name for name in tree(plays(site) / "judged") if ".part" in name]


def test_the_same_plays_again_leave_once(site: Site) -> None:
    """Another day, another name, or beside new ones; names in done are never taken twice."""
    drop(site.settings.root, "a.jsonl", log(ids(3)))
    told(site)
    drop(site.settings.root, "a.jsonl", log(ids(4)))
    [judged] = of(told(site), Judgement)
    assert (judged.accepted, judged.already_delivered) == (1, 3)
    assert delivered(site) == sorted(ids(4))
    assert tree(plays(site) / "done") == ["2026-11-21/a-2.jsonl", "2026-11-21/a.jsonl"]


def test_a_recipient_who_is_away_keeps_no_log_and_no_other_waiting(
    either: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plays are in the ledger and the log is filed; the next round sends them."""
    drop(either.settings.root, "a.jsonl", log(ids(3)))
    with monkeypatch.context() as patch:

        def away(*_: object) -> None:
            raise ServiceError("nobody answers", "wait")

        patch.setattr(Folder, "send", away)
        news = told(either)
    assert of(news, Failure) == [Failure("environment", "nobody answers", "wait")]
    assert of(news, Standing) == [Standing(waiting=3)]
    assert news[-1] == Ending(done=False)
    assert tree(plays(either) / "inbox") == []
    assert read_diary(plays(either)) is None
    news = told(either)
    assert of(news, Sending) == [Sending("receipts folder", 3, 1)]
    assert news[-1] == Ending(done=True)


def test_into_a_bucket(tmp_path: Path, bucket_server: BucketServer, proxy: Proxy) -> None:
    """Receipts and playlists by S3; a lost answer loses and doubles nothing."""
    site = made(tmp_path / "s3", s3_bucket=BUCKET, deliver_plays=None, send_retry_seconds=0)
    drop(site.settings.root, "a.jsonl", log(ids(3)))
    proxy.plan = ["lost"]
    assert told(site)[-1] == Ending(done=False)
    assert told(site)[-1] == Ending(done=True)
    [(key, content)] = bucket_server.objects().items()
    assert key == FIRST
    assert sorted(read_receipts(content)["id"].to_pylist()) == sorted(ids(3))
    site.database.dispose()


def test_a_log_that_is_written_to_meanwhile_is_judged_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays; the next round takes what came. It is waited for an hour, then it is told."""
    path = drop(site.settings.root, "a.jsonl", log(ids(2)))
    real = rounds.judge_into

    def slow(*given: Any) -> Any:
        found = real(*given)
        with path.open("a") as file:
            file.write(log(ids(3)[2:]))
        return found

    early = replace(site, now=lambda: NOW.replace(hour=3, minute=10))
    with monkeypatch.context() as patch:
        patch.setattr(rounds, "judge_into", slow)
        news = told(early)
        assert (news[-1], of(news, Kept)) == (Ending(done=False), [])
        assert tree(plays(site) / "inbox") == ["a.jsonl"]
        path.write_text(log(ids(2)))
        news = told(site)
        assert news[-1] == Ending(done=True)
        assert of(news, Kept) == [Kept("a.jsonl", "it was changed while it was read")]
    told(site)
    assert delivered(site) == sorted(ids(3))
    assert tree(plays(site) / "inbox") == []


def test_a_full_disk_loses_nothing_and_leaves_no_debris(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told as the disk's trouble; the log stays, and the next round takes it."""
    drop(site.settings.root, "a.jsonl", log(ids(2)))
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

        patch.setattr("feedengine.plays.checking.write_summary", full)
        news = told(site)
    [failure] = of(news, Failure)
    assert (failure.kind, failure.error) == ("environment", "somewhere: No space left on device")
    assert tree(plays(site) / "judged") == []
    assert tree(plays(site) / "inbox") == ["a.jsonl"]
    told(site)
    assert delivered(site) == sorted(ids(2))


def test_one_bad_log_keeps_no_other_waiting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be judged together is judged one by one; the defect is told with its trace."""
    for name in ("a", "bad", "c"):
        drop(site.settings.root, f"{name}.jsonl", log(ids(1, seed=ord(name[0]))))
    real = rounds.judge_into

    def poisoned(one: Site, logs: Any, *more: Any) -> Any:
        if any(path.name == "bad.jsonl" for path in logs.inputs):
            raise ZeroDivisionError
        return real(one, logs, *more)

    monkeypatch.setattr(rounds, "judge_into", poisoned)
    news = told(site)
    [failure] = of(news, Failure)
    assert failure.kind == "defect"
    assert "ZeroDivisionError" in failure.trace
    assert len(delivered(site)) == 2
    assert tree(plays(site) / "inbox") == ["bad.jsonl"]


def test_an_inbox_on_another_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs are copied, and removed when the copy is whole."""
    text = log(ids(2))
    drop(site.settings.root, "a.jsonl", text)
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if "inbox" in path.parts:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    assert told(site)[-1] == Ending(done=True)
    assert (plays(site) / "done/2026-11-21/a.jsonl").read_text() == text
    assert tree(plays(site) / "inbox") == []


def test_a_log_that_cannot_be_moved_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plays have left; they leave no second time when it is judged tomorrow."""
    drop(site.settings.root, "a.jsonl", log(ids(2)))

    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(filing, "file_away", denied)
    for _ in range(2):
        [kept] = of(told(site), Kept)
        assert kept.because == "it was delivered, and cannot be moved to done: Permission denied"
    assert delivered(site) == sorted(ids(2))


def test_a_round_that_was_made_meanwhile_is_not_made_again(site: Site) -> None:
    """Of two services over one inbox the second finds that there is nothing to do."""
    told(site)
    drop(site.settings.root, "a.jsonl", log(ids(2)))
    assert told(site, only_due=True) == [Ending(done=True)]
    tomorrow = replace(site, now=lambda: NOW + DAY)
    assert of(told(tomorrow, only_due=True), Sending) == [Sending("receipts folder", 2, 1)]


def test_one_round_at_a_time(either: Site) -> None:
    """The second says so and waits; asked to end, it does."""
    said = threading.Event()
    waits = replace(either, said=lambda _: said.set(), pause=lambda _: pause())

    def pause() -> None:
        raise EndedError("the end")

    with rounds.going_round(plays(either), either.database, lambda _: None):
        with pytest.raises(EndedError):
            go_round(waits, lambda _: None)
        assert said.is_set()


def test_asked_to_end_a_round_ends_where_nothing_is_under_way(site: Site) -> None:
    """What is in the ledger stays there; the next round goes on."""
    drop(site.settings.root, "a.jsonl", log(ids(3)))
    for wanted in (1, 2, 2):  # while judging, after entering, after sending
        left = iter(range(wanted - 1))

        def pause(_: float, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise EndedError("the end")

        with pytest.raises(EndedError):
            go_round(replace(site, pause=pause), lambda _: None)
    assert told(site)[-1] == Ending(done=True)
    assert delivered(site) == sorted(ids(3))


def test_old_days_are_removed_if_that_is_wanted(site: Site) -> None:
    """Logs and rows of days before; nothing else that lies there."""
    days = [f"{kind}/{day}" for kind in ("done", "judged") for day in ("2026-11-18", "2026-11-20")]
    for name in (*days, "done/by hand"):
        (plays(site) / name).mkdir(parents=True)
        (plays(site) / name / "x").touch()
    told(site)
    assert len(tree(plays(site) / "done") + tree(plays(site) / "judged")) == 5
    told(replace(site, settings=site.settings.but(keep_plays_days=2)))
    assert tree(plays(site) / "done") == ["2026-11-20/x", "by hand/x"]
    assert tree(plays(site) / "judged") == ["2026-11-20/x"]


def test_status_counts_the_inbox(site: Site) -> None:
    """And says what stays."""
    drop(site.settings.root, "a.jsonl", log(ids(1)))
    drop(site.settings.root, "notes.doc", "x")
    found = status(site)["inbox"]
    assert found["files"] == 2
    assert [one["name"] for one in found["left"]] == ["notes.doc"]
    assert found["next"] == "2026-11-22T03:00:00.000000Z"


def test_by_hand(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """`plays inbox` makes a round now, for people and as JSON; exit status 1 for refused rows."""
    root = str(site.settings.root)
    words = ["plays", "inbox", "--root", root, "--inbox-settle-seconds", "0", "--deliver-plays"]
    os.environ.pop("FEEDENGINE_DELIVER_PLAYS", None)
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    drop(site.settings.root, "a.jsonl", log(ids(2), now) + log(["bad"], now))
    assert main.run([*words, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["done"], found["judged"][0]["rejected"]) == (True, 1)
    assert found["delivered"][0]["delivered"] == 2
    drop(site.settings.root, "a.jsonl", log(ids(2), now))
    drop(site.settings.root, "notes.doc", "x")
    assert main.run(words) == 1
    shown = capsys.readouterr()
    assert "nothing to deliver" not in shown.out
    assert "notes.doc stays in the inbox" in shown.err
    (plays(site) / "inbox" / "notes.doc").unlink()
    assert main.run(words) == 0
    assert "nothing to deliver" in capsys.readouterr().out


@pytest.mark.parametrize(
    "news",
    [
        Judgement("receipts", None, 1, 2, 1, 1, 0, {"L10": 1}, "judged/x"),
        Kept("a\udcff", "b"),
        Sending("receipts folder", 1, 1),
        Standing(1, 2, 3),
        Failure("defect", "x", "y", "z"),
        Said("{"),
        Ending(done=False),
    ],
)
def test_news_pass_as_lines(news: News) -> None:
    """Whatever it holds; and what is no news is what somebody said."""
    line = line_of(news)
    assert "\n" not in line
    assert news_of(line) == news
    for other in ("", "Segmentation fault", "[1]", '{"news": "Word"}', '{"news": []}'):
        assert news_of(other) == Said(other)
