"""The composition root: the one module that knows feeds and store at once.

`Engine` is the Python API; the command line calls nothing else. What only one of its calls needs is
imported there: a question must not wait for the import of what applies feeds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from feedengine import asking, config
from feedengine.config import CATALOGUE
from feedengine.errors import UsageError
from feedengine.store.database import open_database, reading
from feedengine.store.light import LightDatabase
from feedengine.store.upgrade import check_revision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from types import TracebackType

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from feedengine.answering import Answers
    from feedengine.config import Settings
    from feedengine.retention import Pruned
    from feedengine.retrying import Retried
    from feedengine.runner import Result
    from feedengine.store.ledger import Run
    from feedengine.telling import Progress
    from feedengine.undoing import Undone

_TOML = """\
# Settings of this feedengine site; `feedengine config` shows all of them and their defaults.
# strict = true
# grace_seconds = 30
"""


class Engine:
    """A site: its settings and its catalogue. A context manager."""

    def __init__(self, settings: Settings) -> None:
        """Open the catalogue of ``settings``; raises `UsageError` when there is none."""
        self.settings = settings
        if not settings.has_catalogue:
            raise UsageError("there is no catalogue here", "make one with `feedengine init`")
        self._opened: Database | None = None
        self._light = LightDatabase(settings.root / CATALOGUE) if settings.in_a_file else None
        with self._reading() as connection:
            check_revision(connection)

    @property
    def database(self) -> Database:
        """The catalogue's database, for SQLAlchemy; from then on questions go there, too.

        One way to a file is enough: should it be moved, all that is open fails alike.
        """
        if self._opened is None:
            opened = open_database(self.settings.database)
            with reading(opened) as connection:
                check_revision(connection)
            self._opened, light, self._light = opened, self._light, None
            if light is not None:
                light.close()
        return self._opened

    def _reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads, for a question."""
        light = self._light
        return reading(self.database) if light is None else light.reading()

    @classmethod
    def at(cls, root: Path | str | None = None, **flags: Any) -> Self:
        """The site at ``root``, or the one the current folder is in."""
        return cls(config.settings(None if root is None else Path(root), **flags))

    @classmethod
    def init(cls, root: Path | str, **flags: Any) -> Self:
        """Make a site (Feeds/, Stack/, feedengine.toml, the catalogue); what is there stays."""
        from feedengine.store.upgrade import upgrade

        folder = Path(root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / config.FILE).exists():
                (folder / config.FILE).write_text(_TOML, "utf-8")
            settings = config.settings(folder, **flags)
            settings.feeds.mkdir(parents=True, exist_ok=True)
            settings.stack.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make a site: {error.strerror}", "name another ROOT") from None
        database = open_database(settings.database)
        try:
            upgrade(database)
        finally:
            database.dispose()
        return cls(settings)

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the database."""
        self.close()

    def close(self) -> None:
        """Close the database."""
        if self._light is not None:
            self._light.close()
        if self._opened is not None:
            self._opened.dispose()

    def run(
        self,
        told: Callable[[Progress], None] = lambda _: None,
        said: Callable[[str], None] = lambda _: None,
    ) -> Result:
        """Apply everything on the Stack; ``told`` hears of every batch, ``said`` of waits.

        A database that goes away meanwhile is asked again for ``retry_seconds``; then, and for
        what will not pass by itself, `ServiceError` is raised. Nothing is lost or applied twice.
        """
        import threading

        from feedengine.patience import patiently
        from feedengine.runner import Runner
        from feedengine.telling import Progress
        from feedengine.turn import turn_of

        progress = Progress(told=told)
        runs: dict[int, Run] = {}
        turn, stop = turn_of(self.settings.stack, self.database), threading.Event()

        def once() -> Result:
            with turn.taken(stop, said):
                runner = Runner(self.settings, turn, progress, stop)
                try:
                    return runner.run()
                finally:
                    runs.update((run.id, run) for run in runner.taker.runs)

        result = patiently(once, self.settings.retry_seconds, lambda: progress.done, said)
        return result._replace(runs=list(runs.values()))

    def _stack_there(self) -> None:
        if not self.settings.stack.is_dir():
            raise UsageError("there is no Stack folder", "make it with `feedengine init`")

    def release(self, number: int) -> Run:
        """Let a held feed through (G1)."""
        from feedengine.guards import release

        return release(self.settings, self.database, number)

    def retry(
        self, *runs: int, code: str | None = None, client: str | None = None
    ) -> list[Retried]:
        """Put what failed back on the Stack: of these runs, or of every feed (`Retried`).

        With ``code`` only the packages that failed with it, with ``client`` only its feeds. Raises
        `RefusedError` where a run has nothing to retry, `UsageError` for what is no code.
        """
        from feedengine.retrying import retry

        if code is not None:
            asking.code_named(code)
        self._stack_there()
        return list(retry(self.settings, self.database, runs, code=code, client=client))

    def undo(self, number: int, *, dry: bool = False) -> Undone:
        """H2: take back every change of a run (`Undone`); with ``dry`` only say what that is.

        Raises `DependsError` (a `RefusedError`) where later changes depend on it.
        """
        from feedengine.undoing import undo

        return undo(self.database, number, dry=dry)

    def prune(self, *, dry: bool = False, now: datetime | None = None) -> Pruned:
        """Remove what the settings ``keep_…_days`` say is old; with ``dry`` only count it.

        ``now`` is the present instant unless given. In small transactions: a run goes on meanwhile.
        """
        from feedengine.retention import prune

        return prune(self.settings, self.database, dry=dry, now=now)

    def status(self) -> dict[str, Any]:
        """How things stand (`asking.status`)."""
        with self._reading() as connection:
            return asking.status(self.settings, connection)

    def feeds(
        self, *, client: str | None = None, status: str | None = None, limit: int = 20
    ) -> list[dict[str, Any]]:
        """The feed runs, newest first (`asking.feeds`)."""
        with self._reading() as connection:
            return asking.feeds(connection, client=client, status=status, limit=limit)

    def findings(
        self,
        *,
        run: int | None = None,
        code: str | None = None,
        client: str | None = None,
        severity: str | None = None,
        limit: int = 50,
    ) -> dict[str, Any]:
        """What was found, and how often, by code and client (`asking.findings`)."""
        with self._reading() as connection:
            return asking.findings(
                connection, run=run, code=code, client=client, severity=severity, limit=limit
            )

    def most_frequent(self, runs: Sequence[int], most: int = 5) -> list[dict[str, Any]]:
        """The most frequent codes among the findings of these runs (`asking.most_frequent`)."""
        with self._reading() as connection:
            return asking.most_frequent(connection, runs, most)

    def show(self, kind: str, name: str, at: str | None = None) -> dict[str, Any]:
        """An object, now or as of an instant (`asking.show`, `asking.show_at`)."""
        with self._reading() as connection:
            if at is None:
                return asking.show(connection, kind, name)
            return asking.show_at(connection, kind, name, at)

    def history(self, kind: str, name: str, at: str | None = None) -> list[dict[str, Any]]:
        """The changes of an object, the first first (`asking.history`)."""
        with self._reading() as connection:
            return asking.history(connection, kind, name, at)

    def available(
        self,
        track: str,
        *,
        country: str,
        usage: str = "streaming",
        at: str | None = None,
        release: str | None = None,
    ) -> dict[str, Any]:
        """A3: may the country use the track at the instant, and why (`asking.available`)."""
        with self._reading() as connection:
            return asking.available(
                connection, track, country=country, usage=usage, at=at, release=release
            )

    def answers(self, usage: str = "streaming", *, fresh_seconds: float = 1.0) -> Answers:
        """Availability for programs that ask often: the catalogue in memory (`Answers`).

        An answer is never older than ``fresh_seconds``.
        """
        from feedengine.answering import Answers

        return Answers(self.database, self.settings.plays, usage, fresh_seconds)
