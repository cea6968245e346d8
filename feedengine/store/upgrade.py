"""Bringing a database to the tables and views of this version (alembic)."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from iso3166 import countries_by_alpha2

from feedengine.errors import UsageError
from feedengine.model.entities import table_named
from feedengine.store.database import writing
from feedengine.store.statements import statements, write
from feedengine.store.views import VIEWS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

ALWAYS_USAGES = ("download", "streaming")
PLACE = "feedengine.store.migrations"


def newest() -> str:
    """The newest revision: the number that begins the last migration's file name."""
    names = (entry.name for entry in files(PLACE).joinpath("versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:1].isdigit())


def revision_of(connection: Connection) -> str | None:
    """The revision of a database, None when it has no catalogue."""
    if not _has_revision(connection):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _has_revision(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        text = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
        return bool(connection.exec_driver_sql(text).scalar())
    from sqlalchemy import inspect

    return inspect(connection).has_table("alembic_version")


def upgrade(engine: Engine, revision: str = "head") -> str:
    """Migrate to the newest revision and make the views anew; returns the revision."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files(PLACE)).replace("%", "%%"))
    with writing(engine) as connection:
        for name in reversed(VIEWS):
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for name, text in VIEWS.items():
            connection.exec_driver_sql(f"CREATE VIEW {name} AS {text.strip()}")
        _fill(connection)
    return newest()


def _fill(connection: Connection) -> None:
    """Countries and usages that are always there."""
    made = statements(connection)
    country, usage = table_named("country"), table_named("usage")
    known = {row[0] for row in connection.exec_driver_sql("SELECT code FROM country")}
    rows = [(c, found.name) for c, found in countries_by_alpha2.items() if c not in known]
    write(connection, made.insert(country, ("code", "name")), rows)
    have = {row[0] for row in connection.exec_driver_sql("SELECT name FROM usage")}
    names = [(name,) for name in ALWAYS_USAGES if name not in have]
    write(connection, made.insert(usage, ("name",)), names)


def check_revision(connection: Connection) -> None:
    """Raise `UsageError` when the database is not at this version's revision."""
    found = revision_of(connection)
    if found is None:
        raise UsageError("the database holds no catalogue", "make one with `feedengine init`")
    if found != newest():
        message = f"the catalogue is at revision {found}, this version needs {newest()}"
        raise UsageError(message, "run `feedengine db upgrade` (after a backup)")
