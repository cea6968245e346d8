"""A site that delivers what is dropped into its inbox, and logs to drop there."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .tables import NOW, ONE_TRACK, catalogued, ids, site_at

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from feedengine.plays.deliver import Site

PLAY = {
    "trackid": "1",
    "releaseid": "1",
    "formatid": "26",
    "totaltimeplayed": 30,
    "useragent": "player",
    "userid": "somebody",
    "partnerid": "12345",
    "shopid": "34",
    "endreason": "other",
    "country": "GB",
}
WEEK = "Title\tArtist\tAlbum\tLabel\tStart Time\tDuration\nFerry\tNorth\tNight\tQuay\t{}\t03:00\n"


def made(root: Path, **settings: Any) -> Site:
    """A site with one track, whose clock stands at `NOW`; what has no way out goes to a folder."""
    site = site_at(root, **{"deliver_plays": True, "inbox_settle_seconds": 0, **settings})
    catalogued(root, ONE_TRACK)
    (root / "Plays" / "inbox").mkdir(parents=True)
    return site


def log(some: list[str], now: datetime = NOW, **columns: Any) -> str:
    """A player's log of a play for each id, an hour before ``now``."""
    played = f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    rows = [{"id": one, "datetimeplayed": played, **PLAY, **columns} for one in some]
    return "".join(json.dumps(row) + "\n" for row in rows)


def drop(root: Path, name: str, text: str) -> Path:
    """Put a log into the inbox of the site at ``root``."""
    path = root / "Plays" / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tree(folder: Path) -> list[str]:
    """The files below a folder, by their paths from it."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(found)


__all__ = ["NOW", "WEEK", "drop", "ids", "log", "made", "tree"]
