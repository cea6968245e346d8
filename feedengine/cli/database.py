"""The catalogue's database: migrations, checks, rebuilding, copying."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import output
from feedengine.cli.options import (
    KEPT,
    NO_PLACES,
    NO_PRUNE,
    AsJson,
    PlaceFlags,
    PruneFlags,
    Root,
    chosen,
    opened,
    switch,
)
from feedengine.cli.parameters import Parameter


def upgrade(root: Root = None, *, as_json: AsJson = False, settings: PlaceFlags = NO_PLACES) -> int:
    """Migrate to this version's revision; a database without a catalogue gets one."""
    from feedengine.config import masked
    from feedengine.store.database import open_database
    from feedengine.store.upgrade import upgrade as migrate

    url = chosen(root, settings).database
    engine = open_database(url)
    try:
        revision = migrate(engine)
    finally:
        engine.dispose()
    if as_json:
        output.document({"database": masked(url), "revision": revision})
    else:
        output.line(f"the catalogue is at revision {revision}")
    return 0


def check(root: Root = None, *, as_json: AsJson = False, settings: PlaceFlags = NO_PLACES) -> int:
    """Every rule that the catalogue must keep; exits 1 when one is broken."""
    from feedengine import upkeep

    with opened(root, settings) as engine:
        problems = upkeep.check(engine.database)
    if as_json:
        output.document({"problems": problems})
    else:
        for problem in problems or ["no problems"]:
            output.line(problem)
    return 1 if problems else 0


def rebuild(root: Root = None, *, as_json: AsJson = False, settings: PlaceFlags = NO_PLACES) -> int:
    """H2: the catalogue anew from its changes."""
    from feedengine import upkeep

    with opened(root, settings) as engine:
        count = upkeep.rebuild(engine.database)
    if as_json:
        output.document({"changes": count})
    else:
        output.line(f"the catalogue is rebuilt from {count} changes")
    return 0


def copy(
    target: Annotated[str, Parameter(help="A database's URL, or a file's path for SQLite.")],
    /,
    *,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """Everything into another database, which gets a catalogue when it has none."""
    from feedengine import upkeep
    from feedengine.config import masked
    from feedengine.store.database import open_database, reading
    from feedengine.store.upgrade import revision_of
    from feedengine.store.upgrade import upgrade as migrate

    url = target if "://" in target else f"sqlite:///{Path(target).absolute()}"
    with opened(root, settings) as engine:
        other = open_database(url)
        try:
            with reading(other) as connection:
                bare = revision_of(connection) is None
            if bare:
                migrate(other)
            rows = upkeep.copy(engine.database, other)
        finally:
            other.dispose()
        source = masked(engine.settings.database)
    if as_json:
        output.document({"source": source, "target": masked(url), "rows": rows})
    else:
        output.line(f"{rows} rows are copied to {masked(url)}")
    return 0


def prune(
    root: Root = None,
    *,
    dry_run: Annotated[bool, switch("Only say what would be removed.")] = False,
    as_json: AsJson = False,
    settings: PruneFlags = NO_PRUNE,
) -> int:
    """What is older than the settings keep is removed."""
    with opened(root, settings) as engine:
        kept = {name: getattr(engine.settings, name) for name in KEPT}
        found = engine.prune(dry=dry_run)
    if as_json:
        output.document({"dry_run": dry_run, **found._asdict(), "settings": kept})
        return 1 if found.unremoved else 0
    if all(days is None for days in kept.values()):
        output.line("everything is kept: none of " + ", ".join(KEPT) + " is set")
        return 0
    output.pairs({name: count for name, count in found._asdict().items() if name != "unremoved"})
    output.line("nothing is removed yet" if dry_run else "removed")
    if found.unremoved:
        output.notice(
            f"warning: feeds whose logs could not be removed: {found.unremoved};"
            " look at the permissions of their folders"
        )
    return 1 if found.unremoved else 0
