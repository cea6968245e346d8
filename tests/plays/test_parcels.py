"""The ledger of what has left, on both databases: numbers, claims, and what is remembered."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.engine import Engine
from feedengine.errors import ServiceError
from feedengine.model import keys
from feedengine.model.keys import Series
from feedengine.model.play_ids import Among, kept, packed, repeated, unpacked
from feedengine.store import parcels
from feedengine.store.database import reading, writing
from feedengine.store.parcels import New, Refused
from feedengine.upkeep import check

from .tables import ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from databases import Databases
    from sqlalchemy import Engine as Database

WAY = "receipts folder"
AT = "2026-11-21T12:00:00.000000Z"
DAY = keys.receipts("12345", "2026-11-21")


@pytest.fixture
def database(tmp_path: Path, on_both: Databases) -> Iterator[Database]:
    """An empty catalogue on each kind of database."""
    with Engine.init(tmp_path, database_url=on_both.url(tmp_path)) as engine:
        yield engine.database


def packed_ids(count: int, seed: int = 0) -> bytes:
    """So many ids, 16 bytes each."""
    return packed(pa.array(ids(count, seed)))


def new(plays: bytes, series: Series = DAY, **more: object) -> New:
    """A parcel to be recorded."""
    return New(series, "00" * 32, 10, "content", 0, plays, AT)._replace(**more)


def record(database: Database, *news: New) -> list[parcels.Parcel]:
    """Record parcels in a transaction."""
    with writing(database) as connection:
        return parcels.record(connection, WAY, AT, news)


def left(database: Database, plays: bytes, way: str = WAY) -> list[bool]:
    """Which plays have left."""
    with reading(database) as connection:
        found: list[bool] = parcels.left(connection, way, plays).tolist()
        return found


def test_numbers_count_from_one_in_each_series(database: Database) -> None:
    """A partner and day have a series; another day, partner, path or way has its own."""
    other = keys.failures("12345", "2026-11-21")
    made = record(
        database, new(packed_ids(1, 1)), new(packed_ids(1, 2), other), new(packed_ids(1, 3))
    )
    made += record(database, new(packed_ids(1, 4)))
    assert [one.number for one in made] == [1, 1, 2, 3]
    assert made[3].key.endswith("/2026-11-21_12345_NONSUBSTREAM_000000000003.parquet")
    assert made[1].key.endswith("/2026-11-21/2026-11-21_000000000001.parquet")
    assert check(database) == []


def test_a_number_that_was_given_back_is_given_again(database: Database) -> None:
    """So that the series has no gap."""
    made = record(database, *(new(packed_ids(1, seed)) for seed in range(3)))
    with writing(database) as connection:
        values = {"status": "expired", "number": None}
        assert parcels.change(connection, made[1].id, ("prepared",), values)
        assert not parcels.change(connection, made[1].id, ("prepared",), values)
    assert [
        one.number for one in record(database, new(packed_ids(1, 7)), new(packed_ids(1, 8)))
    ] == [2, 4]


def test_a_transaction_that_fails_takes_no_number(database: Database) -> None:
    """Number, content and plays are recorded together, or not at all."""
    record(database, new(packed_ids(2)))
    broken = new(packed_ids(3, 1))._replace(digest=None)  # type: ignore[arg-type]
    with pytest.raises(ServiceError):
        record(database, new(packed_ids(1, 2)), broken)
    assert not any(left(database, packed_ids(1, 2)))
    assert not any(left(database, packed_ids(3, 1)))
    assert record(database, new(packed_ids(3, 1)))[0].number == 2


def test_plays_leave_by_one_way_at_a_time(database: Database) -> None:
    """What has left by one way has not by another; what was refused or dropped is free."""
    (parcel,) = record(database, new(packed_ids(5000)))
    mixed = packed_ids(5000)[16 * 4000 :] + packed_ids(10, 1)
    assert left(database, mixed) == [True] * 1000 + [False] * 10
    assert not any(left(database, mixed, "endpoint https://a"))
    for status in parcels.STATUSES:
        with writing(database) as connection:
            parcels.change(connection, parcel.id, parcels.STATUSES, {"status": status})
        assert all(left(database, packed_ids(5000))) == (status in parcels.HOLDING)


def test_only_newer_parcels_are_looked_at_when_that_is_enough(database: Database) -> None:
    """The last check, under the writer's lock, need not read everything again."""
    first, second = record(database, new(packed_ids(3)), new(packed_ids(3, 1)))
    with reading(database) as connection:
        assert parcels.last_id(connection) == second.id
        both = packed_ids(3) + packed_ids(3, 1)
        found = parcels.left(connection, WAY, both, after=first.id)
    assert found.tolist() == [False] * 3 + [True] * 3


def test_plays_are_found_again_by_their_ids(database: Database) -> None:
    """In the parcel and row in which they left first."""
    made = record(database, new(packed_ids(9000)), new(packed_ids(10, 1)))
    again = new(packed_ids(10, 1)[:32], origins=((made[1].id, 2),))
    record(database, again)
    for one in made:
        with writing(database) as connection:
            parcels.change(connection, one.id, ("prepared",), {"status": "delivered"})
    wanted = packed_ids(9000)[16 * 8999 :] + packed_ids(10, 1)[16:32] + packed_ids(1, 9)
    with reading(database) as connection:
        found = parcels.carried_by(connection, WAY, wanted)
        assert b"".join(parcels.sent_again(connection, made[1].id)) == packed_ids(10, 1)[:32]
        assert parcels.origins_of(connection, made[0].id) == (
            (None, 4096),
            (None, 4096),
            (None, 808),
        )
        assert parcels.ids_of(connection, made[0].id) == packed_ids(9000)
    assert found == {wanted[:16]: (made[0].id, 8999), wanted[16:32]: (made[1].id, 1)}


def test_what_is_old_is_forgotten_and_numbers_are_not(database: Database) -> None:
    """Plays whose age nobody limits are remembered for ever."""
    made = record(
        database,
        new(packed_ids(3), content="old"),
        new(packed_ids(3, 1), content="shared"),
        new(packed_ids(3, 2), content="shared"),
        new(packed_ids(3, 3), content="playlist", oldest_at=None),
    )
    with writing(database) as connection:
        for one in (made[0], made[1], made[3]):
            parcels.change(connection, one.id, ("prepared",), {"status": "delivered"})
        parcels.refuse(connection, made[0].id, AT, [Refused(0, ids(1)[0], "1008", "bad")])
        assert parcels.forget(connection, AT) == []
        assert parcels.forget(connection, "2027-01-01T00:00:00.000000Z") == ["old"]
    every = b"".join(packed_ids(3, seed) for seed in range(4))
    assert left(database, every) == [False] * 6 + [True] * 6
    assert record(database, new(packed_ids(1, 9)))[0].number == 5
    with reading(database) as connection:
        assert parcels.contents(connection) == {"", "shared", "playlist", "content"}
    assert check(database) == []


def test_of_two_who_record_the_same_plays_one_does(database: Database) -> None:
    """The check and the record are one transaction of the only writer."""
    plays, taken = packed_ids(100), []

    def claim() -> None:
        with writing(database) as connection:
            if not parcels.left(connection, WAY, plays).any():
                taken.extend(parcels.record(connection, WAY, AT, [new(plays)]))

    claims = [threading.Thread(target=claim) for _ in range(4)]
    for one in claims:
        one.start()
    for one in claims:
        one.join()
    assert [one.number for one in taken] == [1]


# Ids and keys

NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.lists(st.uuids(), max_size=20))
def test_ids_are_packed_and_unpacked(some: list[object]) -> None:
    """In either case of letters."""
    texts = [str(one) for one in some]
    upper = pa.array([text.upper() for text in texts], pa.string())
    assert unpacked(packed(upper)) == texts
    assert packed(pa.chunked_array([upper])) == packed(pa.array(texts, pa.string()))
    for kind in (pa.string(), pa.large_string()):
        assert unpacked(packed(pa.array(["x", *texts], kind).slice(1))) == texts


@pytest.mark.parametrize(
    "text",
    ["", "x", "e9fcaaa9-854b-44b7-bbd8-6a5072f286eg", "e9fcaaa9_854b-44b7-bbd8-6a5072f286e2"],
)
def test_what_is_no_uuid_is_refused(text: str) -> None:
    """Never cut, never guessed."""
    with pytest.raises(ValueError, match="no UUID"):
        packed(pa.array([text]))
    with pytest.raises(ValueError, match="no UUID"):
        packed(pa.array([None], pa.string()))


@given(st.lists(st.integers(0, 30), max_size=40), st.lists(st.integers(0, 30), max_size=40))
def test_among_is_a_set(asked: list[int], shown: list[int]) -> None:
    """Also of ids that differ in one byte, whichever it is."""
    as_bytes = [bytes(at % 16) + bytes([at + 1]) + bytes(15 - at % 16) for at in range(31)]
    among = Among(b"".join(as_bytes[at] for at in asked))
    for at in shown:
        among.show(as_bytes[at])
    assert among.flags().tolist() == [at in shown for at in asked]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_repeated_ids_are_told(some: list[int]) -> None:
    """All but the first."""
    data = b"".join(at.to_bytes(16, "big") for at in some)
    expected = [one in some[:at] for at, one in enumerate(some)]
    assert repeated(data).tolist() == expected
    flags = np.array(expected, np.bool_)
    assert kept(data, ~flags) == b"".join(at.to_bytes(16, "big") for at in dict.fromkeys(some))


@given(NAME, NAME)
def test_streams_never_leave_their_folder(one: str, two: str) -> None:
    """Whatever a stream is called, its key has three steps, and no other stream has it."""
    first, second = (keys.playlist(name, "2026-11-21") for name in (one, two))
    assert first.key(1).count("/") == 2
    assert ".." not in first.key(1).split("/")
    assert (first.key(1) == second.key(1)) == (one == two)
    assert keys.series_of(first.name, first.key(1)) == first


def test_a_second_playlist_of_a_day_has_a_number() -> None:
    """The first has the key of the specification; files are never replaced."""
    series = keys.playlist("main", "2026-11-21")
    assert series.key(1) == "playlists/main/2026-11-21_main.txt"
    assert series.key(2) == "playlists/main/2026-11-21_main_2.txt"
    assert keys.series_of(DAY.name, DAY.key(7)) == DAY
