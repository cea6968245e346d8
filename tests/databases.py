"""One suite for both databases: whoever uses ``on_both`` runs on SQLite, then on PostgreSQL.

On PostgreSQL every site that names no database of its own gets one, made from an upgraded template.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
from servers import PostgresServer
from sqlalchemy.engine import make_url

from feedengine import config, engine
from feedengine.store import postgres
from feedengine.store.database import open_database
from feedengine.store.upgrade import upgrade

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pytest
    from sqlalchemy import Engine

KINDS = ("sqlite", "postgresql")


class Postgres:
    """The server of a test session, and the databases of its sites."""

    def __init__(self) -> None:
        """Start the server, and make the template."""
        self.server = PostgresServer()
        self.template = self.server.new_database()
        database = open_database(self.template)
        upgrade(database)
        database.dispose()

    def empty(self, template: str | None = None) -> str:
        """The URL of a new database that holds an empty catalogue, or what ``template`` holds."""
        return self.server.new_database(name_of(template or self.template))


class Databases:
    """Where sites have their catalogues: SQLite's in the site, PostgreSQL's on the server."""

    def __init__(self, kind: str, postgres: Postgres | None) -> None:
        """For databases of one kind."""
        self.kind = kind
        self.postgres = postgres
        self.opened: list[Engine] = []
        self._urls: dict[Path, str] = {}

    def close(self) -> None:
        """Close all sessions of the engines that were opened."""
        for one in self.opened:
            one.dispose()

    def drop(self) -> None:
        """Close everything, and remove the databases of all sites."""
        self.close()
        if self.postgres is not None:
            for url in self._urls.values():
                self.postgres.server.drop(name_of(url))

    def url(self, root: Path) -> str:
        """The catalogue of the site at ``root``."""
        if self.postgres is None:
            return f"sqlite:///{root / 'catalogue.db'}"
        if root not in self._urls:
            self._urls[root] = self.postgres.empty()
        return self._urls[root]

    def copied(self, source: Path, root: Path) -> None:
        """Let the site at ``root`` have what the one at ``source`` has; its files are copied."""
        if self.postgres is not None:
            self._urls[root] = self.postgres.empty(self.url(source))


def name_of(url: str) -> str:
    """The database that a URL names."""
    return str(make_url(url).database)


class Asking:
    """Whether the test that runs is one of those that are for both kinds of database."""

    both = False


def redirected(databases: Databases, patch: pytest.MonkeyPatch) -> None:
    """Let every site that names no database have the one of ``databases``.

    A module's other tests, which may run between those on both, keep SQLite.
    """
    real = config.settings

    def settings(root: Path | None = None, **flags: Any) -> config.Settings:
        found = real(root, **flags)
        if found.database_url is not None or databases.postgres is None or not Asking.both:
            return found
        return found.but(database_url=databases.url(found.root))

    patch.setattr(config, "settings", settings)


def asked_as_people_do(url: str, sql: str, given: dict[str, Any] | None = None) -> list[Any]:
    """The rows of a query, asked of the database itself with nothing of ours between.

    Parameters are written ``:name``. PostgreSQL's instants, dates and decimals come as canonical
    text, so that both can be expected alike.
    """
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(str(make_url(url).database))) as catalogue:
            return catalogue.execute(sql, given or {}).fetchall()
    with closing(psycopg.connect(url)) as session:
        postgres.prepare(session, None)
        marked = re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", sql.replace("%", "%%"))
        return session.execute(marked, given or {}).fetchall()  # type: ignore[arg-type]


def kept_open(patch: pytest.MonkeyPatch) -> list[Engine]:
    """The engines that sites open from now on, whoever forgets to close them."""
    opened: list[Engine] = []

    def open_and_keep(url: str) -> Engine:
        opened.append(open_database(url))
        return opened[-1]

    patch.setattr(engine, "open_database", open_and_keep)
    return opened
