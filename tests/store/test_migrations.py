"""The schema is what the declarations say: through migrations alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlmodel import SQLModel

from feedengine.model import ledger, tables
from feedengine.store.database import open_database
from feedengine.store.upgrade import newest, revision_of, upgrade
from feedengine.store.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

DECLARED = (ledger, tables)


def test_all_migrations_together_give_the_declared_tables(tmp_path: Path) -> None:
    """A field that is declared and not migrated (or the other way round) is found here."""
    engine = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, SQLModel.metadata)
        assert revision_of(connection) == newest()
        names = set(inspect(connection).get_view_names())
    engine.dispose()
    assert differences == []
    assert names == set(VIEWS)


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
