"""What others do on the same server: their locks, their settings, their mistakes (P7, P9)."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from feedengine.store.locks import WRITER_LOCK

from .proxy import Cut
from .shared import SharedSites, asked, database_of, ends_equal, goes_on
from .violence import LONG, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .forking import Commands
    from .proxy import Message
    from .violence import State, Workers

pytestmark = pytest.mark.timeout(7200 if LONG else 300)

LONGER_THAN_A_LEASE = 20.0 if LONG else 7.0
WRITER_SECONDS = 20.0 if LONG else 2.0
"""Seconds for which something is locked."""

SETTINGS = {
    "statement_timeout": "40ms",
    "lock_timeout": "20ms",
    "idle_in_transaction_session_timeout": "30ms",
    "idle_session_timeout": "100ms",
    "default_transaction_isolation": "repeatable read",
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "SQL, DMY",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "synchronous_commit": "off",
    "client_min_messages": "debug1",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "search_path": "elsewhere",
}
"""What an administrator may have set for a database, and the engine must not depend on."""


class Session:
    """A foreign session that locks something, for some seconds or until it is done."""

    def __init__(self, sites: SharedSites, root: Path) -> None:
        """Begin a transaction."""
        self.connection = psycopg.connect(sites.server.url(database_of(root)))

    def say(self, statement: str) -> None:
        """Say something; what becomes of it is this session's own affair."""
        self.connection.execute(statement.encode())

    def end_in(self, seconds: float) -> None:
        """Let go of everything in so many seconds."""
        threading.Timer(seconds, self.connection.close).start()


def _writer(session: Session) -> None:
    """Somebody else holds the writer's lock; in the long form for longer than a lease lasts."""
    session.say(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    session.end_in(WRITER_SECONDS)


def _lease(session: Session) -> None:
    """The lease cannot be renewed, as under ``ALTER TABLE`` or ``VACUUM FULL``."""
    session.say("LOCK TABLE stack_lease IN ACCESS EXCLUSIVE MODE")
    session.end_in(LONGER_THAN_A_LEASE)


def _table(session: Session) -> None:
    """A table cannot be written for a while."""
    session.say("LOCK TABLE change, package_run IN SHARE ROW EXCLUSIVE MODE")
    session.end_in(0.5)


def _deadlock(session: Session) -> None:
    """Tables are locked in another order than the engine's, which loses or wins."""
    session.say("LOCK TABLE change IN EXCLUSIVE MODE")

    time.sleep(0.3)
    with closing(session.connection), suppress(psycopg.errors.DeadlockDetected):
        session.say("LOCK TABLE package_run IN EXCLUSIVE MODE")


def _ended(session: Session) -> None:
    """An administrator ends every session of the database."""
    session.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip
    session.connection.close()


def _serialization(session: Session) -> None:
    """The database refuses a transaction that lost against another, twice."""
    session.say("CREATE SEQUENCE refused")
    session.say("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF nextval('refused') < 3 THEN RAISE 'lost' USING ERRCODE = '40001'; END IF;"
                " RETURN NEW; END $$")  # fmt: skip
    session.say("CREATE TRIGGER refuse BEFORE INSERT ON package_run"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse()")  # fmt: skip
    session.connection.commit()
    session.connection.close()


DISTURBANCES: tuple[Callable[[Session], None], ...] = (
    _writer, _lease, _table, _deadlock, _ended, _serialization,
)  # fmt: skip


def test_a_run_bears_what_other_sessions_do(
    workers: Workers, shared_sites: SharedSites, undisturbed: State, messages: list[Message]
) -> None:
    """Wherever in the run it happens, the run goes on, and ends as if nothing had been."""
    moments = [len(messages) * n // 10 for n in (range(10) if LONG else (5,))]

    def trial(commands: Commands, what: tuple[Callable[[Session], None], int]) -> str:
        disturb, moment = what
        with ExitStack() as opened:
            roots: list[Path] = []

            def act() -> None:  # in a thread, for it may have to wait for the run itself
                session = Session(shared_sites, roots[0])
                threading.Thread(target=disturb, args=(session,)).start()

            name = f"{disturb.__name__}-{moment}"
            behind = shared_sites.behind(name, Cut(moment + 1, "before"), act)
            roots.append(opened.enter_context(behind).root)
            done = commands("run", roots[0])
            return goes_on(done) or ends_equal(commands, roots[0], undisturbed)

    trials = [(disturb, moment) for disturb in DISTURBANCES for moment in moments]
    wrong = workers.over(trials, trial)
    assert not wrong, told(wrong)


def test_a_run_depends_on_no_setting_of_the_database(
    workers: Workers, shared_sites: SharedSites, undisturbed: State
) -> None:
    """Timeouts, isolation, time zone, encodings, another schema: the catalogue is the same."""
    root = shared_sites.new("settings")
    name = database_of(root)
    asked(
        shared_sites.server,
        name,
        "ALTER SCHEMA public RENAME TO elsewhere",
        *(f"ALTER DATABASE {name} SET {key} = '{value}'" for key, value in SETTINGS.items()
          if key != "search_path"),
        f"ALTER DATABASE {name} SET search_path = elsewhere",
    )  # fmt: skip
    with workers.one() as commands:
        assert not ends_equal(commands, root, undisturbed)
