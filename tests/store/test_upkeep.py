"""The catalogue rebuilt from history, and copied to another database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feedengine import upkeep
from feedengine.engine import Engine
from feedengine.errors import RefusedError, ServiceError, UsageError
from feedengine.store.database import open_database, reading
from feedengine.store.history import seq_at
from feedengine.store.upgrade import upgrade
from feedengine.upkeep import check, copy, rebuild

from .sites import (
    ARTIST,
    GENRES,
    RELEASE,
    RICH,
    applied,
    damage,
    deleted,
    edited,
    exported,
    exported_from,
    instants,
    listed,
    named,
    rows,
    site,
)

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Postgres

pytestmark = pytest.mark.usefixtures("on_both")

EVENTFUL = (
    RICH,
    (
        edited("Release", "r1", listed("Tracks", "t2") + "<Territories/>"),
        edited("Release", "r1", listed("Tracks", "t2", "t/1")),
        edited("Track", "t2", listed("Releases", "r-1") + "<Validities/>"),
        edited("Track", "t2", listed("Releases", "r-1", "r1")),
        named("Track", "gone", listed("Releases", "r1")),
    ),
    (
        deleted("Genre", "rock"),
        deleted("Release", "r1!"),
        named("Release", "r1!", listed("Artists", "ad/ele")),
        deleted("Track", "gone"),
        deleted("Artist", "ad/ele"),
    ),
)
"""Feeds in which links go and come back, objects go with what hangs on them, lists are emptied."""


def eventful(root: Path) -> Engine:
    """A site with a past."""
    return site(root, *(("AB"[number % 2], feed) for number, feed in enumerate(EVENTFUL)))


@pytest.mark.parametrize("size", [1, 3, 2_000])
def test_replaying_history_gives_the_same_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """H2: every row of every table is as before, engine columns too, however it is divided."""
    monkeypatch.setattr(upkeep, "BATCH_ROWS", size)
    engine = eventful(tmp_path)
    before = rows(engine)
    assert rebuild(engine.database) == len(before["change"])
    assert rows(engine) == before
    assert check(engine.database) == []


def test_what_changes_there_and_back_keeps_its_instant(tmp_path: Path) -> None:
    """H1, H2: `changed_at` is that of the last change, though the object is again what it was."""
    there, back = (edited("Label", "l", f"<Name>{name}</Name>") for name in ("other", "l"))
    engine = site(tmp_path, ("A", [named("Label", "l")]), ("A", [there, back]))
    before = rows(engine)
    assert instants(engine)[-1] in before["label"][0]
    assert rebuild(engine.database) == 3
    assert rows(engine) == before


def test_objects_that_refer_to_each_other_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H2: a release and its label, deleted one after the other, are replayed in one batch."""
    monkeypatch.setattr(upkeep, "BATCH_ROWS", 2)
    label = "<Label><ID>l</ID><Name>L</Name></Label>"
    engine = site(tmp_path, ("A", [named("Release", "r", label)]), ("A", [deleted("Release", "r")]))
    applied(engine, "A", deleted("Label", "l"))
    assert rebuild(engine.database) == 4
    assert rows(engine)["label"] == []
    assert check(engine.database) == []


def test_damage_is_mended_from_history(tmp_path: Path) -> None:
    """H2: whatever was done to the tables behind the engine's back, history has it right."""
    engine = eventful(tmp_path)
    before = rows(engine)
    damage(
        engine,
        "DELETE FROM track_window",
        "UPDATE release SET title = 'wrong', changed_at = '2000-01-01T00:00:00.000000Z'",
        "DELETE FROM release_track WHERE release_id = 'r-1'",
        "INSERT INTO genre (id, client, name, changed_at)"
        " VALUES ('x', 'A', 'x', '2000-01-01T00:00:00.000000Z')",
    )
    assert check(engine.database) != []
    rebuild(engine.database)
    assert rows(engine) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE change SET document = '{' WHERE seq = 2",
        "UPDATE change SET document = '[]' WHERE seq = 2",
        "UPDATE change SET entity = 'gnre' WHERE seq = 2",
        "UPDATE change SET document = NULL WHERE seq = 2",
    ],
)
def test_damaged_history_changes_nothing(tmp_path: Path, statement: str) -> None:
    """H2: what cannot be replayed is told, and the catalogue stays as it was."""
    engine = site(tmp_path, ("A", [GENRES, ARTIST, RELEASE]))
    damage(engine, statement)
    before = rows(engine)
    with pytest.raises(ServiceError, match=r"(?i)cannot be replayed|foreign key"):
        rebuild(engine.database)
    assert rows(engine) == before


def test_a_copy_is_equal_in_everything(tmp_path: Path) -> None:
    """`db copy`: every row of the catalogue, its history and its ledger; sound, and goes on."""
    engine = eventful(tmp_path / "a")
    assert applied(engine, "A", deleted("Genre", "none")).status == "failed"
    other = Engine.init(tmp_path / "b")
    damage(other, "DELETE FROM usage", "UPDATE country SET name = 'otherwise'")
    assert copy(engine.database, other.database) > 300
    assert rows(other) == rows(engine)
    assert exported(other, history=True) == exported(engine, history=True)
    assert check(other.database) == []
    assert applied(other, "A", named("Genre", "new")).status == "succeeded"
    with reading(other.database) as connection:
        assert seq_at(connection, "9") == len(rows(engine)["change"]) + 1


def test_a_catalogue_goes_from_one_database_to_the_other_and_back(
    tmp_path: Path, postgres: Postgres
) -> None:
    """catalogue.md: the same tables and the same meaning, so nothing is lost on the way."""
    engine = eventful(tmp_path / "site")
    there, back = open_database(postgres.empty()), open_database(f"sqlite:///{tmp_path / 'b.db'}")
    upgrade(back)
    try:
        assert copy(engine.database, there) == copy(there, back) > 0
        told = [exported_from(one, history=True) for one in (engine.database, there, back)]
        assert check(there) == check(back) == []
    finally:
        there.dispose()
        back.dispose()
    assert told[0] == told[1] == told[2]


def test_only_an_empty_catalogue_takes_a_copy(tmp_path: Path) -> None:
    """`db copy`: nothing is ever written over; a ledger alone counts too."""
    engine = site(tmp_path / "a", ("A", RICH))
    other = Engine.init(tmp_path / "b")
    assert applied(other, "A", deleted("Genre", "none")).status == "failed"
    before = rows(other)
    with pytest.raises(RefusedError, match="not empty"):
        copy(engine.database, other.database)
    assert rows(other) == before


def test_only_one_revision_takes_a_copy(tmp_path: Path) -> None:
    """`db copy`: both must be at the same revision."""
    engine = site(tmp_path / "a", ("A", RICH))
    bare = open_database(f"sqlite:///{tmp_path / 'bare.db'}")
    with pytest.raises(UsageError, match="revision none"):
        copy(engine.database, bare)
    other = Engine.init(tmp_path / "b")
    damage(other, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(UsageError, match="revision 0000"):
        copy(engine.database, other.database)


def test_a_copy_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`db copy`: it is proven by equal exports before it is committed."""
    engine = site(tmp_path / "a", ("A", RICH))
    other = Engine.init(tmp_path / "b")
    written = upkeep.write

    def lossy(connection: object, text: str, found: list[object]) -> None:
        written(connection, text, found[1:] if "release_track" in text else found)  # type: ignore[arg-type]

    monkeypatch.setattr(upkeep, "write", lossy)
    with pytest.raises(ServiceError, match="differs"):
        copy(engine.database, other.database)
    assert rows(other)["release"] == []
