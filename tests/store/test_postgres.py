"""What is true of catalogues on PostgreSQL alone."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from databases import asked_as_people_do

from feedengine.engine import Engine
from feedengine.errors import UsageError
from feedengine.feeds.author import new_feed
from feedengine.store import postgres as store
from feedengine.store.database import changing, open_database, reading, writing
from feedengine.store.statements import FEW_ROWS

from .sites import exported, named, package

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Postgres

BEYOND_AN_INDEX = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(200))
"""More than an index takes, and hardly to be compressed."""


def test_what_is_beyond_the_servers_limits_is_refused_alone(
    tmp_path: Path, postgres: Postgres
) -> None:
    """P7: the package's fault, and no failure that would keep the Stack from going on."""
    with Engine.init(tmp_path, database_url=postgres.empty()) as engine:
        feed = new_feed(tmp_path, "a")
        feed.add(package(named("Track", "t1", f"<ISRC>{BEYOND_AN_INDEX}</ISRC>")))
        feed.add(package(named("Track", "t2")))
        feed.stack()
        (run,) = engine.run().runs
        codes = [one["code"] for one in engine.findings(severity="error")["findings"]]
    assert (run.applied, run.failed) == (1, 1)
    assert codes == ["schema-invalid"]


@pytest.mark.parametrize("packages", [1, FEW_ROWS, FEW_ROWS + 1])
def test_few_and_many_packages_are_written_alike(
    tmp_path: Path, postgres: Postgres, packages: int
) -> None:
    """By statements that are sent together, or by COPY: the catalogue is that of SQLite."""
    exports = []
    for name, url in (("shared", postgres.empty()), ("embedded", None)):
        with Engine.init(tmp_path / name, database_url=url) as engine:
            for at, action in enumerate(("Create", "Update"), 1):
                feed = new_feed(tmp_path / name, "a", milliseconds=at)
                for number in range(packages):
                    genre = f"<Genres><Genre><ID>g{number}</ID><Name>Ж</Name></Genre></Genres>"
                    feed.add(package(named("Track", f"tö{number}", genre, action)))
                feed.stack()
                assert engine.run().runs[-1].status == "succeeded"
            exports.append(exported(engine, history=True))
    assert exports[0] == exports[1]


def test_texts_are_ordered_by_code_point_whatever_the_database_says(postgres: Postgres) -> None:
    """Every column of text says its collation, so that exports are equal everywhere."""
    others = asked_as_people_do(
        postgres.template,
        "SELECT table_name, column_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        " AND data_type = 'text' AND c.collation_name IS DISTINCT FROM 'C'",
    )
    assert others == []


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:hunter@2@db/x", "postgresql://me:h2@db:hunter2/x"],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    """An @ in a password makes the rest of it a host's name."""
    with pytest.raises(UsageError) as told:
        open_database(url)
    assert "2" not in told.value.message + told.value.hint


def test_a_server_that_is_closed_to_writers_stays_closed(postgres: Postgres) -> None:
    """Also for a session that has read before; a reader does not open it."""
    url = postgres.empty()
    name = url.partition("?")[0].rpartition("/")[2]
    with closing(psycopg.connect(url, autocommit=True)) as session:
        session.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    database = open_database(url)
    try:
        for _ in range(2):
            with reading(database) as connection:
                connection.exec_driver_sql("SELECT 1")
            with writing(database) as connection:
                told = connection.exec_driver_sql("SHOW transaction_read_only").scalar()
            assert told == "on"
    finally:
        database.dispose()


def test_a_session_that_was_idle_and_has_ended_is_replaced(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked before it is used, and nobody hears of it."""
    monkeypatch.setattr(store, "ASK_AFTER_SECONDS", 0.0)
    database = open_database(postgres.empty())
    pids = []
    try:
        for _ in range(2):
            with changing(database) as connection:
                pids.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())
            with closing(psycopg.connect(postgres.server.url(), autocommit=True)) as session:
                session.execute("SELECT pg_terminate_backend(%s, 5000)", (pids[-1],))
    finally:
        database.dispose()
    assert len(set(pids)) == 2
