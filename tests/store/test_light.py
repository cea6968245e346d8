"""Questions to a file by the standard library see what SQLAlchemy would show them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from feedengine.engine import Engine
from feedengine.errors import ServiceError
from feedengine.feeds.author import new_feed
from feedengine.store.database import reading, writing
from feedengine.store.light import LightDatabase
from feedengine.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACK = "<xml><Schema action='Create'><Track><ID>t</ID><Title>T</Title></Track></Schema></xml>"
COUNT = "SELECT count(*) FROM country"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with one track; nobody changes it."""
    root = tmp_path_factory.mktemp("light") / "a site, 100% #1"
    with Engine.init(root, settle_seconds=0) as engine:
        feed = new_feed(root, "Sony")
        feed.add(TRACK)
        feed.stack()
        engine.run()
    return root


@pytest.fixture
def engine(made: Path, tmp_path: Path) -> Iterator[Engine]:
    """A copy of the site."""
    with Engine.at(shutil.copytree(made, tmp_path / made.name)) as found:
        yield found


def test_rows_come_as_from_sqlalchemy(engine: Engine) -> None:
    """One by one, all, the first, its first value, as mappings; with and without parameters."""
    light = LightDatabase(engine.settings.root / "catalogue.db")
    few = "SELECT code, name FROM country WHERE code < ? ORDER BY code"
    with light.reading() as ours, reading(engine.database) as theirs:
        for connection in (ours, theirs):
            found = connection.exec_driver_sql(few, ("AG",)).fetchall()
            assert [tuple(row) for row in found] == [
                ("AD", "Andorra"),
                ("AE", "United Arab Emirates"),
                ("AF", "Afghanistan"),
            ]
            assert [row[0] for row in connection.exec_driver_sql(few, ("AE",))] == ["AD"]
            assert connection.exec_driver_sql(few, ("AA",)).first() is None
            assert connection.exec_driver_sql(few, ("AA",)).scalar() is None
            assert connection.exec_driver_sql(COUNT).scalar() == 249 + 1  # and Kosovo's XK
            rows = connection.exec_driver_sql(few, ("AE",)).mappings()
            assert [dict(row) for row in rows] == [{"code": "AD", "name": "Andorra"}]
            assert statements(connection).quote("order") == '"order"'


def test_a_question_sees_one_state(engine: Engine) -> None:
    """What is committed while it reads is for the next."""
    light = LightDatabase(engine.settings.root / "catalogue.db")
    for count in (250, 249):
        with light.reading() as connection:
            assert connection.exec_driver_sql(COUNT).scalar() == count
            with writing(engine.database) as other:
                other.exec_driver_sql("DELETE FROM country WHERE code = 'XK'")
            assert connection.exec_driver_sql(COUNT).scalar() == count


def test_it_cannot_write(engine: Engine) -> None:
    """Whatever writes needs the writer's lock, so it must not come this way."""
    light = LightDatabase(engine.settings.root / "catalogue.db")
    with pytest.raises(ServiceError), light.reading() as connection:
        connection.exec_driver_sql("DELETE FROM country")
    with light.reading() as connection:
        assert connection.exec_driver_sql(COUNT).scalar() == 250


def test_a_file_that_is_not_there_is_not_made(engine: Engine) -> None:
    """The operator is told, and nothing hides that the catalogue is gone."""
    path = engine.settings.root / "elsewhere.db"
    with pytest.raises(ServiceError, match="the database failed"), LightDatabase(path).reading():
        pass
    assert not path.exists()


def test_threads_may_share_it(engine: Engine) -> None:
    """Several ask at once, and each gets its own answer; closed, it opens again."""

    def ask(_: int) -> str:
        return str(engine.show("track", "t")["title"])

    for _ in range(2):
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, range(200))) == {"T"}
        engine.close()
