"""The schema is what the declarations say: through migrations alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlmodel import SQLModel

from feedengine.model import ledger, parcels, tables
from feedengine.store.database import open_database
from feedengine.store.upgrade import newest, revision_of, upgrade
from feedengine.store.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Databases, Postgres
    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("on_both")

DECLARED = (ledger, parcels, tables)


def test_all_migrations_together_give_the_declared_tables(
    tmp_path: Path, on_both: Databases
) -> None:
    """A field that is declared and not migrated (or the other way round) is found here."""
    engine = open_database(on_both.url(tmp_path))
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, SQLModel.metadata)
        assert revision_of(connection) == newest()
        names = set(inspect(connection).get_view_names())
    engine.dispose()
    assert differences == []
    assert names == set(VIEWS)


@pytest.mark.sqlite_alone("asked of its own table of tables")
def test_an_upgrade_of_an_upgraded_catalogue_changes_nothing(tmp_path: Path) -> None:
    """Upgrades may be run again at any time."""
    engine = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    upgrade(engine)
    with engine.connect() as connection:
        before = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").fetchall()
    upgrade(engine)
    with engine.connect() as connection:
        after = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").fetchall()
    engine.dispose()
    assert sorted(map(tuple, before)) == sorted(map(tuple, after))


def test_the_first_revision_is_brought_to_the_newest(tmp_path: Path, postgres: Postgres) -> None:
    """Both databases: a catalogue of the first version keeps its rows."""
    for url in (f"sqlite:///{tmp_path / 'old.db'}", postgres.server.new_database()):
        engine = open_database(url)
        upgrade(engine, "0001")
        assert revision_at(engine) == "0001"
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO feed_run (id, stack_entry, entry_signature, started_at, status,"
                " packages, applied, failed, skipped) VALUES"
                " (1, '1.xml', '1:2:3', '2026-01-01T00:00:00.000000Z', 'failed', 0, 0, 0, 0)"
            )
        upgrade(engine)
        assert revision_at(engine) == newest()
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT stack_entry, undoes FROM feed_run").all()
        assert [tuple(row) for row in found] == [("1.xml", None)]
        engine.dispose()


def revision_at(engine: Engine) -> str | None:
    """The revision of a database."""
    with engine.connect() as connection:
        return revision_of(connection)
