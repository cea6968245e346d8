"""Whom a run of plays asks besides the format: the site's catalogue, and what has left already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from feedengine.plays.job import FORMAT_ALONE, Consulted
from feedengine.plays.kept import Kept
from feedengine.plays.loading import load_kept
from feedengine.plays.looking import Looker
from feedengine.plays.remembered import remembered
from feedengine.plays.verdicts import Terms
from feedengine.store.database import reading

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database

    from feedengine.config import Settings
    from feedengine.plays.frames import FormatName

SNAPSHOTS = ".facts"
"""The folder below that of plays that keeps the catalogue's arrays between runs."""

WITHOUT_AVAILABILITY = "availability was not judged (L12)"


@contextmanager
def consulted(
    settings: Settings,
    database: Database,
    form: FormatName,
    *,
    way: str | None = None,
    availability: bool = True,
    catalogue: bool = True,
) -> Iterator[Consulted]:
    """The catalogue as it stands when the run begins, and the ledger of a way out.

    ``way`` is what `deliver.way_name` gives; without it nothing counts as delivered. Without
    ``availability`` L12 is left out, without ``catalogue`` every look-up; `Consulted.notes` say so.
    """
    notes = []
    with ExitStack() as until:
        looker, opened = None, None
        if catalogue:
            looker, opened = _looker(settings, database, form, availability=availability)
        if looker is None:
            notes.append(FORMAT_ALONE)
        elif not availability:
            notes.append(WITHOUT_AVAILABILITY)
        left = until.enter_context(remembered(database, way)) if way else None
        seq = None if looker is None else looker.register.facts.seq
        yield Consulted(looker, left, seq, tuple(notes), opened)


def _looker(
    settings: Settings, database: Database, form: FormatName, *, availability: bool
) -> tuple[Looker, Kept | None]:
    """The catalogue, and how other processes come by it."""
    folder = settings.plays / SNAPSHOTS
    with suppress(OSError):
        # Without the folder, as on a read-only disk, the arrays are made anew for every run.
        folder.mkdir(parents=True, exist_ok=True)
    with reading(database) as connection:
        facts, snapshot = load_kept(connection, folder, words=form == "playlist")
    terms = Terms(settings.provider, settings.release_policy, settings.judge, availability)
    kept = None if snapshot is None else Kept(snapshot, terms, settings.match_threshold)
    return Looker(facts, terms, settings.match_threshold), kept
