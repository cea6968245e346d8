"""Where feeds and catalogues for measuring are kept, and a fresh copy of them for every run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import feeds
from bench.feeds import Feed

if TYPE_CHECKING:
    from servers import PostgresServer

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
XSD = PROJECT / "schemas" / "package.xsd"
COMMAND = Path(sys.executable).with_name("feedengine")
_MAKERS = ("world.py", "packages.py", "rows.py", "feeds.py", "catalogues.py", "floor_*.sql")


class Workshop:
    """The folder ``.bench``: what was made stays until what it is made by changes."""

    def __init__(
        self,
        folder: Path,
        server: PostgresServer | None = None,
        *,
        seed: int = 1,
        countries: int = 50,
    ) -> None:
        """Keep everything in ``folder``; ``server`` is a PostgreSQL to be measured on, too.

        ``seed`` and ``countries`` say which `World` it is.
        """
        self.folder = folder
        self.seed, self.countries = seed, countries
        self.server = server
        self._world = f"{seed}-{countries}"
        self.made = folder / f"made-{_digest()}"
        self.work = folder / "work"
        for old in folder.glob("made-*"):
            if old != self.made:
                shutil.rmtree(old)
        shutil.rmtree(self.work, ignore_errors=True)
        self.made.mkdir(parents=True, exist_ok=True)
        self.work.mkdir()
        self._queues = 0
        self._templates: dict[tuple[str, int], str] = {}
        self._fresh: list[str] = []

    def _make(self, kind: str, target: Path, *arguments: object) -> Path:
        """Let something be made under another name first, so that a half is never taken."""
        if not target.exists():
            aside = target.with_name(f"{target.name}.part")
            _removed(aside)
            self._prepare(kind, aside, *arguments)
            aside.rename(target)
        return target

    def _prepare(self, kind: str, *arguments: object, url: str = "") -> None:
        """Run `bench.prepare`."""
        env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
        said = [kind, self.seed, self.countries, *arguments, *([url] if url else [])]
        command = [sys.executable, "-m", "bench.prepare", *map(str, said)]
        subprocess.run(command, check=True, env=env, cwd=PROJECT)

    def feed(self, kind: str, tracks: int, many: int) -> Feed:
        """A feed for a catalogue of so many tracks; logs of earlier runs stay beside its packages.

        Nothing is removed while something is measured: for a minute after, ext4 passes by the
        inodes that have become free one by one, and a new file costs ten times as much.
        """
        name = f"feed-{kind}-{tracks}-{many}-{self._world}"
        root = self._make("feed", self.made / name, kind, tracks, many)
        return feeds.known(root, kind, many)

    def clear(self) -> None:
        """Remove what runs have left, for the next time."""
        shutil.rmtree(self.work, ignore_errors=True)
        for root in self.made.glob("feed-*"):
            for log in root.rglob("*.log"):
                log.unlink()

    def floor(self, tracks: int) -> Path:
        """A fresh database for the floor, filled."""
        found = self._make("floor", self.made / f"floor-{tracks}-{self._world}.db", tracks)
        return self._copied(found, "floor.db")

    def kept_site(self, tracks: int) -> Path:
        """A filled site that nothing is to be written to."""
        return self._make("site", self.made / f"site-{tracks}-{self._world}", tracks)

    def site(self, tracks: int) -> Path:
        """A fresh site, filled."""
        return self._copied(self.kept_site(tracks), "site")

    def plays(self, tracks: int, many: int) -> Path:
        """A log of so many plays of the first tracks."""
        target = self.made / f"plays-{tracks}-{many}-{self._world}.parquet"
        return self._make("plays", target, tracks, many)

    def queued(self, many: int) -> Path:
        """A fresh site without catalogue, on whose Stack so many feeds of one package wait."""
        self._queues += 1
        target = self.work / f"queued-{self._queues}"
        self._prepare("queue", target, many)
        return target

    def empty(self, name: str) -> Path:
        """An empty folder for what a case leaves."""
        target = self.work / name
        _removed(target)
        target.mkdir()
        return target

    def sizes(self) -> dict[int, int]:
        """Of every kept site, its tracks and the bytes of its catalogue."""
        found = self.made.glob(f"site-*-{self._world}/catalogue.db")
        sizes = {int(one.parent.name.split("-")[1]): one.stat().st_size for one in found}
        return {tracks: sizes[tracks] for tracks in sorted(sizes) if tracks}

    def _copied(self, found: Path, name: str) -> Path:
        target = self.work / name
        _removed(target)
        subprocess.run(["cp", "-a", "--reflink=auto", found, target], check=True)
        return target

    def database(self, kind: str, tracks: int) -> str:
        """A fresh database on the server, filled, for the ``floor`` or a ``site``."""
        assert self.server is not None
        template = self._templates.get((kind, tracks))
        if template is None:
            template = self._templates[kind, tracks] = self.server.new_database()
            if kind == "floor":
                self._prepare(kind, template, tracks)
            else:
                self._prepare(kind, self.work / "unused", tracks, url=template)
        while self._fresh:
            self.server.drop(_name_of(self._fresh.pop()))
        self._fresh.append(self.server.new_database(_name_of(template)))
        return self._fresh[-1]

    def announced(self, feed: Feed, site: Path, url: str | None = None) -> Path:
        """Put a feed on the Stack of a site, and its feeds where they lie."""
        text = f'feeds_path = "{feed.root / "Feeds"}"\n'
        if url is not None:
            text += f'database_url = "{url}"\n'
        site.mkdir(exist_ok=True)
        (site / "feedengine.toml").write_text(text)
        feeds.entry(site / "Stack", feed.path)
        return site


def _name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _removed(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    for one in path.parent.glob(f"{path.name}*"):
        if one.is_file():
            one.unlink()


def _digest() -> str:
    """Of everything that decides what is made, the catalogue's migrations included."""
    found = hashlib.sha256()
    migrations = PROJECT / "feedengine" / "store" / "migrations" / "versions"
    views = PROJECT / "feedengine" / "store" / "views.py"
    for pattern in _MAKERS:
        for one in sorted(HERE.glob(pattern)):
            found.update(one.read_bytes())
    for one in (*sorted(migrations.glob("*.py")), views):
        found.update(one.read_bytes())
    return found.hexdigest()[:10]
