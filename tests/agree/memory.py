"""The engine on packages that lie in memory: everything but the file system is the real thing."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlmodel import SQLModel

from feedengine.applying import FeedApplier
from feedengine.config import Settings
from feedengine.feeds.paths import MissingError
from feedengine.store.database import open_database, reading
from feedengine.store.ledger import Run
from feedengine.store.pages import asked
from feedengine.store.upgrade import upgrade
from feedengine.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

KEPT = {"country", "usage", "alembic_version"}


class MemoryFolder:
    """A feed folder made of a dictionary; keeps the logs it is given."""

    def __init__(self, files: dict[str, bytes]) -> None:
        """Hold these files, by their paths."""
        self.files = files
        self.logs: dict[str, bytes] = {}

    def read(self, path: str, _limit: int) -> bytes:
        """A file's bytes."""
        if path not in self.files:
            raise MissingError(path, "is not there")
        return self.files[path]

    def write_log(self, path: str, milliseconds: int, outcome: str, text: bytes) -> str:
        """Keep a package's log."""
        self.logs[path] = text
        return f"{milliseconds}.{outcome}.log"


class Applied(NamedTuple):
    """What became of one package."""

    status: str
    codes: list[tuple[str, str]]
    changes: list[tuple[str, str, str, dict[str, Any] | None]]


class MemorySite:
    """A catalogue of its own, emptied between examples."""

    def __init__(self, folder: Path, url: str) -> None:
        """Make a catalogue at ``url``; ``folder`` is there for what needs one."""
        self.folder = folder
        self.database: Engine = open_database(url)
        upgrade(self.database)

    def empty(self) -> None:
        """Forget everything but countries and usages."""
        with self.database.connect() as connection, connection.begin():
            if self.database.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for table in reversed(SQLModel.metadata.sorted_tables):
                if table.name not in KEPT:
                    connection.execute(table.delete())

    def apply(
        self,
        documents: Sequence[bytes],
        *,
        batch: int = 1000,
        strict: bool = False,
        ownership: bool = False,
        client: str = "TestClient",
        files: dict[str, bytes] | None = None,
        feed: str = "1",
    ) -> list[Applied]:
        """Apply documents as the packages of one feed."""
        paths = [f"packages/{number}/package.xml" for number in range(len(documents))]
        folder = MemoryFolder(dict(zip(paths, documents, strict=True)) | (files or {}))
        settings = Settings(
            root=self.folder, batch_packages=batch, strict=strict, ownership=ownership
        )
        at = "2026-01-01T00:00:00.000000Z"
        run = Run(0, "1.xml", "0:0:0", feed, client, at, None, "running", 0, 0, 0, 0, None, None)
        turn = Turn(self.folder, self.database)
        with turn.taken(threading.Event(), lambda _: None):
            applier = FeedApplier(settings, turn, run, folder)  # type: ignore[arg-type]
            done = applier.apply(iter(paths))
        return self.outcomes(done.id)

    def outcomes(self, run: int) -> list[Applied]:
        """What the ledger and the history say of a run."""
        with reading(self.database) as connection:
            of_run = "WHERE feed_run_id = ? ORDER BY id"
            text = f"SELECT id, status FROM package_run {of_run}"
            packages = list(asked(connection, text, run))
            text = f"SELECT package_run_id, severity, code FROM finding {of_run}"
            findings = list(asked(connection, text, run))
            changes = connection.exec_driver_sql(
                "SELECT package_id, entity, entity_id, action, document FROM change ORDER BY seq"
            ).fetchall()
        return [
            Applied(
                status,
                sorted((found[1], found[2]) for found in findings if found[0] == number),
                [
                    (row[1], row[2], row[3], json.loads(row[4]) if row[4] else None)
                    for row in changes
                    if row[0] == number
                ],
            )
            for number, status in packages
        ]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the catalogue, without the instants at which it was changed."""
        found = {}
        with reading(self.database) as connection:
            for table in SQLModel.metadata.sorted_tables:
                if table.name in {"feed_run", "package_run", "finding", "change", "country"}:
                    continue
                names = [c.name for c in table.columns if c.name != "changed_at"]
                quoted = ", ".join(f'"{name}"' for name in names)
                rows = connection.exec_driver_sql(f"SELECT {quoted} FROM {table.name}")
                found[table.name] = sorted((tuple(row) for row in rows), key=repr)
        return found

    def history(self) -> list[tuple[Any, ...]]:
        """The history without instants."""
        with reading(self.database) as connection:
            rows = connection.exec_driver_sql(
                "SELECT seq, package_id, entity, entity_id, action, client, document"
                " FROM change ORDER BY seq"
            )
            return [tuple(row) for row in rows]
