"""Small sites for tests: feeds in, a catalogue out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from feedengine.engine import Engine
from feedengine.exporting import export_jsonl
from feedengine.feeds.author import new_feed
from feedengine.model.entities import table_of
from feedengine.model.ledger import Change
from feedengine.store.database import open_database, reading
from feedengine.store.pages import pages
from feedengine.store.standing import catalogue_tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy import Engine as Database

    from feedengine.store.ledger import Run

GENRES = """<Genres action="Create">
<Genre><ID>rock</ID><Name>Rock &amp; Roll</Name><Source>7</Source></Genre>
<Genre><ID>pop</ID><Name>Pop</Name></Genre></Genres>"""

ARTIST = """<Artist action="Create"><ID>ad/ele</ID><Name>Adele</Name><Popularity>0.25</Popularity>
<Genres><Genre><ID>rock</ID></Genre><Genre><ID>pop</ID></Genre></Genres>
<Images><Image><Value>x.jpg</Value><Resource type="FilePath" mimeType="image/*">/x.jpg</Resource>
<Resolution><Width>8</Width><Height>9</Height></Resolution></Image></Images>
<MetaData><BirthDay type="ISO-YMD">1988-05-05</BirthDay><Nil/></MetaData>
<CreatedAt>2021-03-04T12:04:21.5Z</CreatedAt></Artist>"""

RELEASE = """<Release action="Create"><ID>r1</ID><Title>25</Title>
<ReleaseDate>2015-11-20</ReleaseDate><ProductNumber>634904074012</ProductNumber>
<Duration>PT48M</Duration><Label><ID>xl</ID><Name>XL</Name></Label>
<Artists><Artist><ID>ad/ele</ID></Artist></Artists>
<Reference><Provider>7digital</Provider><ID>9</ID></Reference>
<Territories><Territory><Country>GB</Country><Validities><Validity>
<Name>StreamingValidity</Name><Type>Allow</Type><StartDate>2015-11-20</StartDate></Validity>
</Validities></Territory><Territory><Country>WW</Country></Territory></Territories>
<Tracks><Track><ID>t/1</ID><Title>Hello</Title></Track>
<Track><ID>t2</ID><Title>Héllo 2</Title></Track></Tracks></Release>"""

TRACK = """<Track action="Update"><ID>t2</ID><Territories/><Validities>
<Validity><Name>RingtoneValidity</Name><Type>Allow</Type><EndDate>2030-01-01</EndDate></Validity>
<Validity><Name>Freeze</Name><Type>Deny</Type><StartDate>2020-01-01T00:00:00Z</StartDate>
<EndDate>2020-02-01T00:00:00Z</EndDate></Validity></Validities></Track>"""

SINGLE = """<Release action="Create"><ID>r-1</ID><Title>Single</Title>
<Tracks><Track><ID>t2</ID></Track><Track><ID>t/1</ID></Track></Tracks></Release>"""

LIVE = """<Release action="Create"><ID>r1!</ID><Title>Live</Title>
<Tracks><Track><ID>t2</ID></Track></Tracks></Release>"""

RICH = (GENRES, ARTIST, RELEASE, TRACK, SINGLE, LIVE)
"""Something of everything, with ids that need escaping, and ids that sort before a ``/``."""


def named(element: str, name: str, inside: str = "", action: str = "Create") -> str:
    """An object with its required fields and whatever ``inside`` holds besides."""
    title = "Title" if element in {"Release", "Track"} else "Name"
    return (
        f'<{element} action="{action}"><ID>{name}</ID><{title}>{name}</{title}>{inside}</{element}>'
    )


def edited(element: str, name: str, inside: str) -> str:
    """An Update of an object."""
    return f'<{element} action="Update"><ID>{name}</ID>{inside}</{element}>'


def deleted(element: str, name: str) -> str:
    """A Delete of an object."""
    return f'<{element} action="Delete"><ID>{name}</ID></{element}>'


def listed(plural: str, *names: str) -> str:
    """A plain list of links, such as ``Tracks``."""
    item = plural.removesuffix("s")
    inside = "".join(f"<{item}><ID>{name}</ID></{item}>" for name in names)
    return f"<{plural}>{inside}</{plural}>"


def package(thing: str) -> str:
    """A package that holds this object."""
    return f"<xml><Schema>{thing}</Schema></xml>"


def applied(engine: Engine, client: str, *things: str) -> Run:
    """Apply one feed whose packages hold these objects; returns its run."""
    feed = new_feed(engine.settings.root, client)
    for thing in things:
        feed.add(package(thing))
    feed.stack()
    return engine.run().runs[-1]


def site(root: Path, *feeds: tuple[str, Iterable[str]], **flags: Any) -> Engine:
    """A new site that has applied these feeds, each ``(client, objects of its packages)``.

    Raises `AssertionError` when a package fails.
    """
    engine = Engine.init(root, **flags)
    for client, things in feeds:
        run = applied(engine, client, *things)
        assert run.status == "succeeded", run
    return engine


def exported(engine: Engine, *, at: str | None = None, history: bool = False) -> bytes:
    """The export of a catalogue."""
    return exported_from(engine.database, at=at, history=history)


def exported_from(database: Database, *, at: str | None = None, history: bool = False) -> bytes:
    """The export of a database."""
    out = io.BytesIO()
    with reading(database) as connection:
        export_jsonl(connection, out, at=at, history=history)
    return out.getvalue()


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the catalogue's tables and of history, engine columns included."""
    with reading(engine.database) as connection:
        return {
            table.name: [row for page in pages(connection, table) for row in page]
            for table in (*catalogue_tables(), table_of(Change))
        }


def instants(engine: Engine) -> list[str]:
    """When each change was made, by ``seq``."""
    at = [column.name for column in table_of(Change).columns].index("changed_at")
    return [row[at] for row in rows(engine)["change"]]


def damage(engine: Engine, *statements: str) -> None:
    """Change the database behind the engine's back, foreign keys off."""
    sqlite = engine.database.dialect.name == "sqlite"
    off = "PRAGMA foreign_keys = OFF" if sqlite else "SET session_replication_role = replica"
    other = open_database(engine.settings.database)
    pooled = other.raw_connection()
    driver: Any = pooled.driver_connection
    try:
        if not sqlite:
            driver.autocommit = True
        for statement in (off, *statements):
            driver.execute(statement)
    finally:
        pooled.close()
        other.dispose()
