"""Delivery as a whole, into a folder: once, resumable, never late, and seen before it happens."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from feedengine.errors import RefusedError, ServiceError, UsageError
from feedengine.model.play_ids import packed
from feedengine.plays import deliver as module
from feedengine.plays import folder as folder_module
from feedengine.plays import recording, sending
from feedengine.plays.carriers import Sent
from feedengine.plays.deliver import (
    Delivered,
    Site,
    deliver,
    left,
    planned,
    prepare,
    way_to,
)
from feedengine.plays.encode import read_receipts
from feedengine.plays.folder import Folder
from feedengine.plays.settling import release, status
from feedengine.store import parcels
from feedengine.store.database import reading
from feedengine.upkeep import check

from .tables import NOW, endpoint, ids, instants, playlist, receipts, saved, site_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from databases import Databases

KEY = "receipts/radio/12345/2026-11-21_12345_NONSUBSTREAM_{:012d}.parquet"


@pytest.fixture
def site(tmp_path: Path, on_both: Databases) -> Iterator[Site]:
    """A site on each kind of database, a hundred plays a file."""
    made = site_at(tmp_path, parcel_rows=100, database_url=on_both.url(tmp_path))
    yield made
    assert check(made.database) == []
    made.database.dispose()


def setting(site: Site, **values: Any) -> None:
    """Change settings between two runs."""
    site.settings = site.settings.but(**values)


def files(site: Site) -> dict[str, bytes]:
    """What lies in the folder that was delivered to."""
    folder = module.folder_of(site.settings)
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}


def sent(site: Site, table: pa.Table) -> Delivered:
    """Deliver plays into the folder."""
    return deliver(site, saved(table, site.settings.root / "a.parquet"), "folder")


def arrived(site: Site) -> list[str]:
    """The ids of all plays in the folder, file by file."""
    return [one for data in files(site).values() for one in read_receipts(data)["id"].to_pylist()]


def test_plays_are_delivered_once(site: Site) -> None:
    """The same input twice, and the same play in two files, whatever else is in them."""
    assert sent(site, receipts(250)).delivered == 250
    mixed = pa.concat_tables([receipts(5, 1), receipts(250), receipts(5, 2)])
    again = sent(site, mixed)
    assert (again.rows, again.delivered, again.already_delivered) == (260, 10, 250)
    assert sorted(arrived(site)) == sorted(ids(250) + ids(5, 1) + ids(5, 2))
    assert sorted(files(site)) == [KEY.format(one) for one in (1, 2, 3, 4)]


def test_a_play_twice_in_one_input_leaves_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging does not let it come so far; delivery does not rely on that."""
    monkeypatch.setattr(recording, "WINDOW", 64)
    monkeypatch.setattr(recording, "BATCH", 32)
    twice = pa.concat_tables([receipts(150), receipts(150)])
    found = sent(site, twice)
    assert (found.delivered, found.already_delivered) == (150, 150)
    assert sorted(arrived(site)) == sorted(ids(150))


def test_two_deliverers_at_once_deliver_each_play_once(site: Site, tmp_path: Path) -> None:
    """Two inputs that share plays; neither run knows of the other."""
    one, two = Site(site.settings, site.database, site.now), site
    shared = [receipts(150, 1), receipts(150, 2), receipts(150, 3)]
    inputs = [
        saved(pa.concat_tables(shared[:2]), tmp_path / "one.parquet"),
        saved(pa.concat_tables(shared[1:]), tmp_path / "two.parquet"),
    ]
    found: list[Delivered] = []
    runs = [
        threading.Thread(
            target=lambda at=at, who=who: found.append(deliver(who, inputs[at], "folder"))
        )
        for at, who in enumerate((one, two))
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sum(run.delivered for run in found) == 450
    assert sorted(arrived(site)) == sorted(ids(150, 1) + ids(150, 2) + ids(150, 3))


def test_a_play_that_leaves_meanwhile_is_left_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look and the record another deliverer, on its own machine, was here."""
    kept_in, once = recording.kept_in, []

    def meanwhile(*given: Any) -> Any:
        if not once:
            once.append(1)
            with monkeypatch.context() as patch:
                patch.setattr(recording, "kept_in", kept_in)
                series, packing = given[1], module.packing_of(site.settings, "receipts")
                news = kept_in(site.outbox, series, list(packing.pack(receipts(30))))
                with module.writing(site.database) as connection:
                    parcels.record(
                        connection, "receipts folder", "2026-11-21T12:00:00.000000Z", news
                    )
        return kept_in(*given)

    monkeypatch.setattr(recording, "kept_in", meanwhile)
    found = sent(site, receipts(90))
    assert (found.delivered, found.already_delivered, found.waiting) == (60, 30, 30)
    assert deliver(site, None, "folder").delivered == 30
    assert sorted(arrived(site)) == sorted(ids(90))


def test_what_has_left_is_told_to_whoever_judges(site: Site) -> None:
    """A flag for each id, by way out."""
    sent(site, receipts(10))
    asked = packed(pa.array(ids(10) + ids(5, 1)))
    assert left(site, asked, "folder").tolist() == [True] * 10 + [False] * 5
    assert not left(site, asked, "folder", "endpoint").any()


def test_partners_and_days_have_their_own_series(site: Site) -> None:
    """By day of play where that is set; otherwise by the UTC day of delivery."""
    played = ["2026-11-20T23:59:59.9Z", "2026-11-19T00:00:00Z"] * 2
    table = receipts(
        4, partnerid=["1", "1", "2", "2"], datetimeplayed=played, datetimelogged=played
    )
    sent(site, table)
    assert len(files(site)) == 2
    setting(site, receipts_day="play")
    more = receipts(4, 1, partnerid=["1", "1", "2", "2"], datetimeplayed=played)
    assert sent(site, more).keys == [
        f"receipts/radio/{partner}/{day}_{partner}_NONSUBSTREAM_000000000001.parquet"
        for partner in "12"
        for day in ("2026-11-19", "2026-11-20")
    ]


def test_many_series_at_once_stay_in_bounds(site: Site) -> None:
    """A file is closed early rather than that all of them are kept in memory."""
    setting(site, parcel_rows=10)
    partners = [str(at % 40) for at in range(400)]
    found = sent(site, receipts(400, partnerid=partners))
    assert found.delivered == 400
    assert sorted(arrived(site)) == sorted(ids(400))


# Too late


def aged(days: float, count: int = 1) -> list[str]:
    """Instants so many days before `NOW`."""
    return [f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%S}Z"] * count


def test_the_61_days_are_checked_when_parcels_are_made(site: Site) -> None:
    """To the second; of both instants the older counts."""
    times = [*aged(61), *aged(61 + 1 / 86400), *aged(60)]
    found = sent(site, receipts(3, datetimeplayed=times, datetimelogged=aged(0, 3)))
    assert (found.delivered, found.too_old) == (2, 1)
    found = sent(site, receipts(3, 1, datetimelogged=times, datetimeplayed=aged(0, 3)))
    assert (found.delivered, found.too_old) == (2, 1)


class Broken(Folder):
    """A folder that cannot be written to, for a while."""

    down = True

    def send(self, parcel: parcels.Parcel, content: bytes, /) -> Sent:
        """Fail, or not."""
        if Broken.down:
            raise ServiceError("the disk is full")
        return super().send(parcel, content)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> type[Broken]:
    """The folder fails until it is told not to."""
    Broken.down = True
    monkeypatch.setattr(module, "Folder", Broken)
    return Broken


def test_what_waited_too_long_leaves_its_number_to_the_rest(
    site: Site, broken: type[Broken]
) -> None:
    """The young plays of a parcel go under its number; the old ones are told of."""
    with pytest.raises(ServiceError, match="disk is full"):
        sent(site, receipts(3, datetimeplayed=[*aged(60), *aged(30), *aged(1)]))
    broken.down = False
    site.now = lambda: NOW + timedelta(days=10)
    found = deliver(site, None, "folder")
    assert (found.delivered, found.too_old, found.keys) == (2, 1, [KEY.format(1)])
    assert arrived(site) == ids(3)[1:]
    (told,) = status(site)["refused"]
    assert told["code"] == "datetimeplayed-too-old"
    assert deliver(site, None, "folder").delivered == 0


def test_what_arrived_after_all_is_not_sent_again_when_it_is_old(
    site: Site, broken: type[Broken]
) -> None:
    """The answer was lost, the file is there: delivered, as it was."""
    with pytest.raises(ServiceError):
        sent(site, receipts(2, datetimeplayed=[*aged(60), *aged(1)]))
    (parcel,) = parcels_of(site)
    path = module.folder_of(site.settings) / parcel.key
    path.parent.mkdir(parents=True)
    path.write_bytes(site.outbox.read(parcel))
    broken.down = False
    site.now = lambda: NOW + timedelta(days=10)
    assert deliver(site, None, "folder").delivered == 2


def test_what_may_have_arrived_and_is_old_is_for_people(
    site: Site, broken: type[Broken], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sent again nor given up."""
    with pytest.raises(ServiceError):
        sent(site, receipts(2, datetimeplayed=[*aged(60), *aged(1)]))
    broken.down = False
    monkeypatch.setattr(broken, "there", lambda *_: None)
    site.now = lambda: NOW + timedelta(days=10)
    assert deliver(site, None, "folder").in_doubt == 2
    assert files(site) == {}


def parcels_of(site: Site) -> list[parcels.Parcel]:
    """Every parcel of the ledger."""
    with reading(site.database) as connection:
        return parcels.parcels_where(connection, "id > 0")


# What is in the way


def test_a_file_that_is_there_is_never_replaced(site: Site) -> None:
    """A conflict, for people; given up, its plays leave under the next number."""
    path = module.folder_of(site.settings) / KEY.format(1)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"theirs")
    found = sent(site, receipts(10))
    assert (found.delivered, found.conflicts) == (0, 10)
    assert path.read_bytes() == b"theirs"
    (shown,) = status(site)["open"]
    release(site, shown["id"], "drop")
    path.unlink()
    again = sent(site, receipts(10))
    assert again.keys == [KEY.format(2)]
    assert arrived(site) == ids(10)


def test_a_disk_that_fails_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3, and nothing is lost."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "write_synced", full)
        with pytest.raises(ServiceError, match="No space left"):
            sent(site, receipts(10))
    assert sent(site, receipts(10)).already_delivered == 10
    assert arrived(site) == ids(10)


def test_a_damaged_content_is_never_sent(site: Site, broken: type[Broken]) -> None:
    """It waits, and says why; the other parcels go."""
    with pytest.raises(ServiceError):
        sent(site, receipts(50))
    with pytest.raises(ServiceError):
        sent(site, receipts(50, 1))
    first = parcels_of(site)[0]
    path = site.outbox.folder / first.content
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    broken.down = False
    found = sent(site, receipts(50, 1))
    assert (found.delivered, found.waiting) == (50, 50)
    (shown,) = status(site)["open"]
    assert "cannot be read: it is damaged" in shown["message"]
    path.unlink()
    assert deliver(site, None, "folder").waiting == 50
    release(site, shown["id"], "drop")
    assert sent(site, receipts(50)).delivered == 50


def test_what_a_crash_left_in_the_outbox_is_swept(site: Site) -> None:
    """Contents that no parcel names, whole or half written."""
    sent(site, receipts(10))
    kept = set(site.outbox.folder.iterdir())
    site.outbox.keep(b"nobody's")
    (site.outbox.folder / "half.part").write_bytes(b"")
    deliver(site, None, "folder")
    assert set(site.outbox.folder.iterdir()) == kept


def test_what_is_older_than_anything_that_may_come_is_forgotten(site: Site) -> None:
    """Contents and ids go after ``kept_days``; numbers never do."""
    sent(site, receipts(10))
    site.now = lambda: NOW + timedelta(days=site.settings.kept_days + 1)
    deliver(site, None, "folder")
    assert list(site.outbox.folder.iterdir()) == []
    assert sent(site, receipts(10)).too_old == 10


def test_only_what_needs_a_person_is_released(site: Site) -> None:
    """What was delivered stays delivered."""
    sent(site, receipts(10))
    with pytest.raises(RefusedError, match="parcel 1 is delivered"):
        release(site, 1, "missing")
    with pytest.raises(RefusedError, match="there is no parcel 9"):
        release(site, 9, "drop")


# Before it happens


def test_a_plan_is_what_is_delivered_then(site: Site, tmp_path: Path) -> None:
    """Keys, counts and bytes; numbers are shown and not taken."""
    path = saved(receipts(250), tmp_path / "a.parquet")
    plans = list(planned(site, path, "folder"))
    assert plans == list(planned(site, path, "folder"))
    assert [plan.plays for plan, _ in plans] == [100, 100, 50]
    assert parcels_of(site) == []
    shown = prepare(site, path, tmp_path / "out")
    assert [plan for plan, _ in plans] == shown
    deliver(site, path, "folder")
    delivered = files(site)
    assert delivered == {plan.key: content for plan, content in plans}
    written = {key: (tmp_path / "out" / "parcels" / key).read_bytes() for key in delivered}
    assert written == delivered
    assert list(planned(site, path, "folder")) == []


# Other formats


def test_playlists_are_one_file_a_stream_and_day(site: Site, tmp_path: Path) -> None:
    """By the stream's own clocks; what comes later makes a second file."""
    setting(site, stream_zone="America/New_York")
    starts = ["2026-11-20T04:00:00Z", "2026-11-20T05:00:00Z", "2026-11-20T06:00:00Z"]
    table = playlist(3, starttime=starts, stream=["main", "main", "jazz/late"])
    found = deliver(site, saved(table, tmp_path / "p.parquet"), "folder", "playlist")
    assert sorted(found.keys) == [
        "playlists/jazz%2Flate/2026-11-20_jazz%2Flate.txt",
        "playlists/main/2026-11-19_main.txt",
        "playlists/main/2026-11-20_main.txt",
    ]
    assert b"2026-11-20 00:00:00 -0500" in files(site)["playlists/main/2026-11-20_main.txt"]
    more = pa.concat_tables([table, playlist(1, 5, starttime=["2026-11-20T07:00:00Z"])])
    again = deliver(site, saved(more, tmp_path / "p.parquet"), "folder", "playlist")
    assert (again.keys, again.already_delivered) == (["playlists/main/2026-11-20_main_2.txt"], 3)


def test_playlists_of_any_age_are_delivered(site: Site, tmp_path: Path) -> None:
    """The 61 days are the other recipients'."""
    table = playlist(1, starttime=["2009-06-25T14:05:05Z"])
    assert deliver(site, saved(table, tmp_path / "p"), "folder", "playlist").delivered == 1


def test_a_playlist_without_a_stream_is_refused(site: Site, tmp_path: Path) -> None:
    """It would stand in nobody's file."""
    table = playlist(2, stream=["main", ""])
    with pytest.raises(UsageError, match="names no stream"):
        deliver(site, saved(table, tmp_path / "p"), "folder", "playlist")
    assert parcels_of(site) == []


def test_requests_may_be_looked_at_in_a_folder(site: Site, tmp_path: Path) -> None:
    """What the endpoint would get, as files."""
    path = saved(endpoint(150), tmp_path / "e.parquet")
    found = deliver(site, path, "folder", "endpoint")
    assert found.keys == [f"endpoint/2026-11-21/2026-11-21_{one:012d}.json" for one in (1, 2)]


# Usage


@pytest.mark.parametrize(
    ("settings", "asked", "given"),
    [
        ({"s3_bucket": "b"}, (None, None), ("s3", "receipts")),
        ({"s3_bucket": "b"}, ("folder", None), ("folder", "receipts")),
        ({"s3_bucket": "b"}, ("s3", "playlist"), ("s3", "playlist")),
        ({"endpoint_url": "https://a/"}, (None, "endpoint"), ("endpoint", "endpoint")),
        ({}, ("endpoint", None), ("endpoint", "endpoint")),
        ({}, (None, None), None),
        ({"s3_bucket": "b"}, (None, "endpoint"), None),
        ({"s3_bucket": "b"}, ("s3", "endpoint"), None),
        ({}, ("endpoint", "receipts"), None),
    ],
)
@pytest.mark.sqlite_alone("asked of no database")
def test_the_way_out_follows_from_settings(
    site: Site, settings: dict[str, str], asked: Any, given: Any
) -> None:
    """A bucket that is set is meant when nothing is said."""
    setting(site, **settings)
    if given is None:
        with pytest.raises(UsageError):
            way_to(site.settings, *asked)
    else:
        assert way_to(site.settings, *asked) == given


@pytest.mark.sqlite_alone("asked of no database")
@pytest.mark.parametrize("to", ["s3", "endpoint"])
def test_a_missing_setting_is_named(site: Site, tmp_path: Path, to: Any) -> None:
    """Before anything is recorded."""
    with pytest.raises(UsageError, match="set"):
        deliver(site, saved(receipts(1), tmp_path / "a"), to)
    assert parcels_of(site) == []


@pytest.mark.sqlite_alone("asked of no database")
def test_what_is_no_table_of_plays_is_refused(site: Site, tmp_path: Path) -> None:
    """A file that is not there, no Parquet, or holds something else."""
    (tmp_path / "text").write_text("id\n")
    saved(pa.table({"a": [1]}), tmp_path / "other")
    for name in ("nowhere", "text", "other"):
        with pytest.raises(UsageError, match=r"cannot be read|holds no plays"):
            deliver(site, tmp_path / name, "folder")


@pytest.mark.sqlite_alone("asked of no database")
def test_a_zone_that_is_none_is_refused(site: Site) -> None:
    """With the form that is wanted."""
    with pytest.raises(UsageError, match="is no time zone"):
        module.packing_of(site.settings.but(stream_zone="../x"), "playlist")


@pytest.mark.sqlite_alone("asked of no database")
def test_a_parcel_that_somebody_else_dealt_with_is_left_alone(site: Site) -> None:
    """Every parcel changes hands by a comparison in the ledger."""
    sent(site, receipts(5))
    (parcel,) = parcels_of(site)
    way, packing = (
        Folder(site.settings.root, "receipts folder"),
        module.packing_of(site.settings, "receipts"),
    )
    tally = sending.Tally()
    sender = sending.Sender(site.database, site.outbox, way, packing, site.now, tally)
    sender.send([parcel._replace(status="prepared")])
    assert tally.delivered == 0
    assert instants(1)
