"""Plays beside feeds: dropped, delivered once a day by a child process, whatever happens to it."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from feedengine.config import settings
from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.plays.diary import Diary, read_diary, write_diary
from feedengine.plays.news import Ending, Failure, Said
from feedengine.service import courier
from feedengine.service.courier import Courier
from feedengine.service.handing import read, written
from feedengine.service.hearing import ServiceListener

from .running import LIMIT_SECONDS, Service, drop, track, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from feedengine.config import Settings
    from feedengine.plays.news import Kept, News

ONE_TRACK = """<Release action="Create"><ID>1</ID><Title>Night</Title>
<References><Reference><Provider>7digital</Provider><ID>1</ID></Reference></References>
<Territories><Territory><Country>GB</Country></Territory></Territories>
<Tracks><Track><ID>1</ID><Title>Ferry</Title><References><Reference>
<Provider>7digital</Provider><ID>1</ID></Reference></References></Track></Tracks></Release>"""

NOW = 'deliver_plays = true\ninbox_settle_seconds = 0\ndeliver_at = "00:00"\n'
"""Settings by which a round is due now, where none was made today."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site with one track, whose last round was days ago."""
    made = tmp_path / "site"
    Engine.init(made).close()
    feed = new_feed(made, client="test")
    feed.add(f"<xml><Schema>{ONE_TRACK}</Schema></xml>")
    feed.stack()
    with Engine.at(made) as engine:
        engine.run()
    (made / "Plays" / "inbox").mkdir(parents=True)
    write_diary(made / "Plays", Diary(datetime.now(UTC) - timedelta(days=3)))
    return made


def toml(root: Path, *lines: str) -> None:
    """Set settings."""
    (root / "feedengine.toml").write_text("\n".join(lines) + "\n")


def dropped(root: Path, count: int, name: str = "a.jsonl", **columns: Any) -> None:
    """A player's log of so many plays, an hour old."""
    play = {
        "datetimeplayed": f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "trackid": "1",
        "releaseid": "1",
        "formatid": "26",
        "totaltimeplayed": 30,
        "useragent": "player",
        "partnerid": "12345",
        "shopid": "34",
        "endreason": "other",
        "country": "GB",
        "userid": "somebody",
        **columns,
    }
    rows = (json.dumps({**play, "transactionid": str(at)}) + "\n" for at in range(count))
    path = root / "Plays" / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(rows))


def files(folder: Path) -> list[str]:
    """The names of the files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@contextmanager
def nobody_answers() -> Iterator[tuple[str, socket.socket]]:
    """An endpoint that takes connections, and says nothing: the settings for it, and its socket."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(LIMIT_SECONDS)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/plays"
        names = ("endpoint_consumer_key", "endpoint_consumer_secret")
        keys = "".join(f'{name} = "x"\n' for name in names)
        yield f'endpoint_url = "{url}"\n{keys}', server


def closes(connection: socket.socket) -> None:
    """Wait until the other end is gone."""
    connection.settimeout(LIMIT_SECONDS)
    with closing(connection), suppress(ConnectionResetError):
        while connection.recv(65_536):
            pass


def test_a_log_leaves_at_its_time(root: Path) -> None:
    """Set by SIGHUP to a moment from now: judged, delivered, filed, told; and not once more."""
    toml(root, "deliver_plays = true", "inbox_settle_seconds = 0", 'deliver_at = "23:59:59"')
    write_diary(root / "Plays", Diary(datetime.now(UTC)))
    dropped(root, 3)
    dropped(root, 1, "bad.jsonl", trackid="0")
    with Service(root) as service:
        service.says("this process takes entries")
        due = datetime.now(UTC) + timedelta(seconds=2)
        (root / "Plays" / ".round").unlink()
        write_diary(root / "Plays", Diary(datetime.now(UTC)))
        toml(
            root,
            "deliver_plays = true",
            "inbox_settle_seconds = 0",
            f'deliver_at = "{due:%H:%M:%S}"',
        )
        service.tell(signal.SIGHUP)
        judged = service.says("plays judged")
        assert (judged["files"], judged["accepted"], judged["rejected"]) == (2, 3, 1)
        assert judged["level"] == "warning"
        assert "trackid-invalid" in judged["reasons"]
        sent = service.says("plays delivered")
        assert (sent["delivered"], sent["way"]) == (3, "receipts folder")
        until(lambda: (read_diary(root / "Plays") or Diary(due)).last)
        assert service.end() == 0
        assert len(service.lines("plays are due")) == 1
    assert datetime.now(UTC) >= due.replace(microsecond=0)
    assert files(root / "Plays" / "done") == ["a.jsonl", "bad.jsonl"]
    assert files(root / "Plays" / "inbox") == []
    assert len(files(root / "Plays" / "delivered")) == 1


def test_a_missed_time_is_made_up_at_the_start(root: Path) -> None:
    """What can never go is told once; two services over one inbox make one round."""
    toml(root, NOW)
    dropped(root, 3)
    dropped(root, 1, "notes.doc")
    with Service(root) as one, Service(root) as other:
        until(lambda: one.lines("plays delivered") or other.lines("plays delivered"))
        until(lambda: (read_diary(root / "Plays") or Diary(datetime.now(UTC))).last)
        for service in (one, other):
            told = service.says("plays stay in the inbox")
            assert (told["file"], told["level"]) == ("notes.doc", "warning")
        assert one.end() == other.end() == 0
        judged = [*one.lines("plays judged"), *other.lines("plays judged")]
        assert [line["rows"] for line in judged] == [3]
        assert len(one.lines("plays stay in the inbox")) == 1
    assert files(root / "Plays" / "inbox") == ["notes.doc"]


def test_feeds_are_applied_while_a_recipient_says_nothing(root: Path) -> None:
    """And SIGTERM ends it in the middle of the upload, in bounded time; the child ends with it."""
    dropped(root, 3, "endpoint/a.jsonl")
    with nobody_answers() as (found, server), Service(root) as service:
        toml(root, NOW, found)
        service.says("this process takes entries")
        service.tell(signal.SIGHUP)
        connection, _ = server.accept()
        with closing(connection):
            drop(root, 2, track(7))
            service.says("feed ended", status="succeeded")
            began = time.monotonic()
            assert service.end() == 0
            assert time.monotonic() - began < 10
            closes(connection)
    assert files(root / "Plays" / "inbox") == []
    with Engine.at(root) as engine, engine.database.connect() as session:
        assert session.exec_driver_sql("SELECT status FROM parcel").fetchall() == [("sending",)]


def test_a_service_that_is_killed_takes_its_round_with_it(root: Path) -> None:
    """No child goes on alone; the next start finds what is in the ledger."""
    dropped(root, 3, "endpoint/a.jsonl")
    with nobody_answers() as (found, server):
        toml(root, NOW, found)
        with Service(root) as service:
            connection, _ = server.accept()
            service.process.kill()
            closes(connection)
    with Service(root) as service:
        told = service.says("plays not delivered yet")
        assert (told["in_doubt"], told["waiting"]) == (3, 0)
        assert service.end() == 0


def test_without_a_way_out_it_is_said_once_and_nothing_is_touched(root: Path) -> None:
    """The default of a site that has set nothing."""
    dropped(root, 1)
    with Service(root) as service:
        told = service.says("plays stay in the inbox")
        assert "nothing says where receipts go" in told["because"]
        assert service.end() == 0
    assert files(root / "Plays") == [".round", "a.jsonl"]


class Ear(ServiceListener):
    """Remembers what the courier tells."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.news: list[News] = []
        self.rounds = 0

    def plays(self, news: News) -> None:
        """What a round tells."""
        self.news.append(news)

    def round_begins(self, due: datetime) -> None:
        """One more."""
        del due
        self.rounds += 1

    def inbox(self, files: int, oldest: float | None, left: Sequence[Kept]) -> None:
        """A look."""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for longer than it must."""
    monkeypatch.setattr(courier, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(courier, "LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(courier, "END_SECONDS", 0.5)


@contextmanager
def carried(found: Settings, program: str) -> Iterator[tuple[Courier, Ear]]:
    """A courier at work whose rounds are this Python program, until the end."""
    ear = Ear()
    made = Courier(lambda: found, ear, errand=(sys.executable, "-c", program))
    made.begin()
    try:
        yield made, ear
    finally:
        made.leave()
        assert not made._thread.is_alive()


def due(root: Path) -> Settings:
    """Settings by which a round is due."""
    return settings(root, deliver_plays=True, deliver_at="00:00")


@pytest.mark.usefixtures("soon")
def test_a_round_that_crashes_is_made_again(root: Path) -> None:
    """As one that was killed for want of memory is; the service lives on."""
    program = "import os, signal; print('out of memory', flush=True); os.kill(os.getpid(), 9)"
    with carried(due(root), program) as (_, ear):
        until(lambda: ear.rounds >= 3)
    assert Said("out of memory") in ear.news
    [failure] = {one for one in ear.news if isinstance(one, Failure)}
    assert "signal 9" in failure.error


@pytest.mark.usefixtures("soon")
def test_waits_grow_and_new_settings_end_them(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After trouble it is tried less and less often; whoever has cured it need not wait."""
    monkeypatch.setattr(courier, "AGAIN_SECONDS", 3600.0)
    monkeypatch.setattr(courier, "LONGEST_SECONDS", 3600.0)
    with carried(due(root), "raise SystemExit(1)") as (made, ear):
        until(lambda: ear.rounds == 1)
        time.sleep(0.3)
        assert ear.rounds == 1
        made.call()
        until(lambda: ear.rounds == 2)
    monkeypatch.undo()
    idle = Courier(lambda: due(root), Ear())
    waits = [idle._after(done=False).total_seconds() for _ in range(8)]
    assert 40 < waits[0] <= 60
    assert waits[0] < waits[2] < waits[4] <= 900
    assert 700 < waits[7] <= 900
    assert idle._after(done=True) == timedelta(0)


@pytest.mark.usefixtures("soon")
def test_a_round_that_does_not_listen_is_killed(root: Path) -> None:
    """The end takes no longer than it is given."""
    program = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('{}', flush=True);"
        " signal.pthread_sigmask(signal.SIG_SETMASK, []); time.sleep(600)"
    )
    began = time.monotonic()
    with carried(due(root), program) as (_, ear):
        until(lambda: ear.news)
    assert time.monotonic() - began < 60


@pytest.mark.usefixtures("soon")
def test_a_diary_that_cannot_be_kept_is_told(root: Path) -> None:
    """The thread goes on; the disk may come back."""
    (root / "Plays" / ".round").unlink()
    (root / "Plays" / ".round").mkdir()
    with carried(due(root), "raise SystemExit(0)") as (made, ear):
        until(lambda: ear.news)
        (root / "Plays" / ".round").rmdir()
        made.call()
        until((root / "Plays" / ".round").is_file)
        until(lambda: len(ear.news) > 1)
    [failure, ending] = ear.news
    assert isinstance(failure, Failure)
    assert (failure.kind, ending) == ("environment", Ending(done=True))


def test_settings_pass_whole(root: Path) -> None:
    """Secrets, lists, mappings and paths: what the child reads is what the service has."""
    found = settings(
        root,
        endpoint_consumer_secret="hush",  # noqa: S106 - no secret
        permitted_shops=(1, 2),
        shop_ids={"GB": 34},
        plays_path="else,where",
        play_columns={"trackid": "a = b, c"},
    )
    assert read(written(found)) == found
    assert b"\n" not in written(found)[:-1]
