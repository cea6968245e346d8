"""The page of the tables and views, from their declarations."""  # noqa: INP001 - no package

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from picture import type_of
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from feedengine.model import ledger, parcels, tables
from feedengine.model.entities import DERIVATIONS
from feedengine.model.scalars import ID, INSTANT, INTEGER, TEXT
from feedengine.store.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Column, Table

    from feedengine.model.shapes import Read

WORDS = {
    "client": "the client that wrote it last",
    "changed_at": "when the engine last changed it",
    "position": "the place in its owner's list, from 1",
    "territory_set_id": "its territory list; NULL where it never declared one",
    "release_track.position": "orders the tracks of a release, from 1; may have gaps",
    "release_track.linked_seq": "the `seq` of the change that made the link",
    "territory_set.id": "a hash of what is in it",
    "country_group.id": "a hash of what is in it",
    "validity_set.id": "a hash of what is in it",
    "usage": "a usage, such as `streaming`; `*` for any",
    "country.code": "ISO 3166-1 alpha-2",
    "country.name": "its English name",
    "usage.name": "the usage, such as `streaming`",
    "feed_run.id": "the run's number; ascends in the order of entries",
    "feed_run.stack_entry": "the name of the Stack entry's file",
    "feed_run.entry_signature": "tells the entry's file from a later one of the same name",
    "feed_run.feed_path": "the feed's folder below `Feeds/`",
    "feed_run.client": "the client that the entry names",
    "feed_run.started_at": "when the run began",
    "feed_run.finished_at": "when it ended; NULL while it runs",
    "feed_run.status": "`running`, `succeeded`, `partial`, `failed` or `held`",
    "feed_run.packages": "how many packages were dealt with",
    "feed_run.applied": "how many were applied or viewed",
    "feed_run.failed": "how many failed",
    "feed_run.skipped": "how many an earlier run had applied already",
    "feed_run.released_at": "when an operator let a held feed, or a retry, through",
    "feed_run.filed_at": "when its logs were written and its entry had left the Stack",
    "feed_run.retry_of": "the run whose failed packages it takes again",
    "feed_run.retry_code": "the one finding that the retry is about; NULL for all",
    "feed_run.undoes": "the run whose changes it took back",
    "feed_run.pruned_at": "when retention removed findings and failed packages of it",
    "package_run.id": "ascends in the order of packages",
    "package_run.path": "the package's path in its feed",
    "package_run.digest": "SHA-256 of everything it read",
    "package_run.entity": "the table of its object",
    "package_run.entity_id": "the id of its object",
    "package_run.action": "what was asked: `create`, `update`, `upsert`, `delete` or `view`",
    "package_run.status": "`applied`, `already-applied`, `viewed` or `failed`",
    "package_run.started_at": "when it began",
    "package_run.finished_at": "when it ended",
    "finding.id": "ascends in the order of packages and findings",
    "finding.severity": "`error` or `warning`",
    "finding.code": "one of the [findings](findings.md)",
    "finding.rule": "the rule that raised it",
    "finding.file": "the file it was found in, relative to the feed",
    "finding.line": "the line, from 1; 0 where there is none",
    "finding.col": "the column, from 1; 0 where there is none",
    "finding.xpath": "the element, as an XPath; empty where there is none",
    "finding.message": "what is wrong",
    "finding.hint": "what to do about it",
    "change.seq": "counts the changes in the order of commit",
    "change.entity": "the table of the object",
    "change.entity_id": "the id of the object; of a link `release/track`",
    "change.action": "what happened: `create`, `update` or `delete`",
    "change.client": "the client whose package did it",
    "change.changed_at": "one for each package, never before the last",
    "change.document": "the whole object after the change, as JSON; NULL once deleted",
    "stack_lease.id": "always 1",
    "stack_lease.holder": "the host, the process and a word that no other has",
    "stack_lease.fence": "grows with every holder; a write shows that it is still its own",
    "stack_lease.taken_at": "since when",
    "stack_lease.expires_at": "when it runs out unless it is renewed, by the server's clock",
    "parcel.id": "the parcel's number here; ascends in the order of record",
    "parcel.way": "the way out: format and place, such as `receipts s3://bucket/prefix`",
    "parcel.series": "the key without its number",
    "parcel.number": "counts within way and series, from 1; NULL where it was given back unused",
    "parcel.key": "the file's name, or the request's, at the recipient",
    "parcel.status": "`prepared`, `sending`, `delivered`, `in-doubt`, `refused`, "
    "`conflict`, `expired` or `dropped`",
    "parcel.plays": "how many plays it carries",
    "parcel.digest": "SHA-256 of its content, in hexadecimal digits",
    "parcel.size": "bytes of its content",
    "parcel.content": "the file in `Plays/parcels/`; empty once that is not kept any more",
    "parcel.begins": "where in that file its content begins",
    "parcel.oldest_at": "the oldest instant in it whose age is limited; NULL where none is",
    "parcel.measured_at": "from when ages are measured, of what is sent again; NULL: the sending",
    "parcel.recorded_at": "when it was given its number",
    "parcel.attempts": "how often it was begun to be sent",
    "parcel.attempted_at": "when last",
    "parcel.delivered_at": "when the recipient had it",
    "parcel.message": "what went wrong last",
    "parcel.rest_of": "the parcel of whose plays it carries what is left",
    "parcel_plays.part": "counts the rows of a parcel, from 0",
    "parcel_plays.origin": "the parcel that carried these plays before; NULL the first time",
    "parcel_plays.plays": "how many",
    "parcel_plays.ids": "their ids in the order of the file's rows, 16 bytes each",
    "play_refusal.at_row": "the play's row in the parcel, from 0",
    "play_refusal.play_id": "the play's id",
    "play_refusal.code": "the recipient's code, such as `1008`, or the rule",
    "play_refusal.reason": "in the recipient's own words",
    "play_refusal.at": "when it was taken out",
}
"""What the engine's own columns mean: ``table.column``, or the name alone wherever it stands.

The declarations say what is read from a feed; these columns are not. `tables_page` refuses to make
the page when a column has no words here, or words have no column.
"""

VIEW_WORDS = {
    "artist_territory": "The territory lists of artists, a row for each validity.",
    "release_territory": "The territory lists of releases, a row for each validity.",
    "track_territory": "The territory lists of tracks, a row for each validity.",
    "track_availability": "The windows in which a country may use a track on a release (A1 to A4).",
}

VAGUE = (TEXT, ID, INTEGER, INSTANT)
"""Scalars that do not say what a column is about."""

GROUPS: tuple[tuple[str, tuple[type[SQLModel], ...]], ...] = (
    ("Objects", tables.OBJECTS),
    ("Lists and links of objects", (tables.ReleaseTrack, *tables.LISTS)),
    (
        "Territories",
        (
            tables.TerritorySet,
            tables.TerritoryPart,
            tables.CountryGroup,
            tables.CountryGroupMember,
            tables.ValiditySet,
            tables.ValidityRow,
            tables.ValidityWindow,
            tables.TrackWindow,
            tables.Country,
            tables.Usage,
        ),
    ),
    (
        "Ledger and history",
        (ledger.FeedRun, ledger.PackageRun, ledger.FindingRow, ledger.Change, ledger.StackLease),
    ),
    ("What has left", (parcels.Parcel, parcels.ParcelPlays, parcels.PlayRefusal)),
)

INTRODUCTION = """\
# Tables and views

What people query. [A picture of the tables](tables.svg) shows how they hang together;
[querying.md](../querying.md) has queries to begin with.

Types are the same on every database; this is how they are kept:

| type | SQLite | PostgreSQL |
| --- | --- | --- |
"""

KEPT = """
In SQLite an instant is text of fixed width, `YYYY-MM-DDTHH:MM:SS.ffffffZ`, a decimal is plain text
without trailing zeros, and text is compared byte by byte. All foreign keys are enforced.
"""


def tables_page() -> str:
    """The page; raises `ValueError` when the words here and the declarations do not agree."""
    grouped = [one for _, group in GROUPS for one in group]
    _agree("GROUPS", {one.__table__ for one in grouped}, SQLModel.metadata.sorted_tables)
    _agree("VIEW_WORDS", VIEW_WORDS, VIEWS)
    used: set[str] = set()
    parts = [INTRODUCTION + "\n".join(_kept()) + "\n" + KEPT, _contents()]
    for title, group in GROUPS:
        parts.append(f"## {title}\n")
        parts += ["\n".join(_table(one, used)) for one in group]
    _agree("WORDS", WORDS, used)
    parts.append("## Views\n")
    parts += ["\n".join(part) for part in _views()]
    return "\n".join(parts)


def _agree(name: str, have: Iterable[object], wanted: Iterable[object]) -> None:
    differ = set(have) ^ set(wanted)
    if differ:
        raise ValueError(f"{name} and the declarations differ in {sorted(map(str, differ))}")


def _kept() -> Iterator[str]:
    """How each type is kept; a type has the same words wherever it stands."""
    found = {}
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            kept = [column.type.compile(dialect=one.dialect()) for one in (sqlite, postgresql)]
            found[type_of(column)] = kept
    for name in sorted(found):
        yield f"| {name} | `{found[name][0]}` | `{found[name][1]}` |"


def _contents() -> str:
    lines = []
    for title, group in GROUPS:
        names = (f"[`{one.__table__.name}`](#{one.__table__.name})" for one in group)
        lines.append(f"- {title}: {', '.join(names)}")
    lines.append(f"- Views: {', '.join(f'[`{name}`](#{name})' for name in VIEWS)}")
    return "\n".join(lines) + "\n"


def _table(declared: type[SQLModel], used: set[str]) -> Iterator[str]:
    table = declared.__table__
    yield f"### {table.name}\n"
    yield inspect.cleandoc(declared.__doc__ or "").replace("``", "`") + "\n"
    yield "| column | type | may be NULL | meaning | read from |"
    yield "| --- | --- | --- | --- | --- |"
    for column in table.columns:
        null = "yes" if column.nullable else ""
        cells = (f"`{column.name}`", type_of(column), null, _meaning(column, used), _source(column))
        yield f"| {' | '.join(cells)} |"
    keys = ", ".join(f"`{one.name}`" for one in table.primary_key.columns)
    yield f"\nPrimary key: {keys}."
    yield from _indexes(table)
    yield ""


def _indexes(table: Table) -> Iterator[str]:
    found = sorted(table.indexes, key=lambda one: str(one.name))
    if found:
        named = (f"`{one.name}` ({', '.join(c.name for c in one.columns)})" for one in found)
        yield f"Indexes: {', '.join(named)}."


def _meaning(column: Column[object], used: set[str]) -> str:
    """What a column holds: by its scalar where it is read, by its target, by `WORDS`."""
    read: Read | None = column.info.get("read")
    target = next((key.column.table.name for key in column.foreign_keys), None)
    refers = "" if target is None else f"the id of a row of [`{target}`](#{target})"
    for name in (f"{column.table.name}.{column.name}", column.name):
        if name in WORDS and (read is None or not read.path):
            used.add(name)
            return "; ".join(filter(None, (WORDS[name], refers)))
    if refers:
        return refers
    if read is not None and read.derived_from:
        made = inspect.cleandoc(DERIVATIONS[column.name].__doc__ or "").splitlines()[0]
        return f"from `{read.derived_from}`: {made[0].lower()}{made[1:].rstrip('.')}"
    scalar = read.scalar if read else column.info["scalar"]
    if read is None and scalar in VAGUE:
        raise ValueError(f"WORDS has nothing for {column.table.name}.{column.name}")
    return scalar.meaning


def _source(column: Column[object]) -> str:
    """The element or attribute that fills a column, with its other names."""
    read: Read | None = column.info.get("read")
    if read is None or not read.path:
        return ""
    path = "/".join(names[0] for names in read.path)
    path += f"/@{read.attribute}" if read.attribute else ""
    others = [name for names in read.path for name in names[1:]]
    also = f", also {', '.join(f'`{name}`' for name in others)}" if others else ""
    return f"`{path}`{also}" + (" (required)" if read.required else "")


def _views() -> Iterator[list[str]]:
    """Each view with its columns and its SQL, as SQLite has them."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        SQLModel.metadata.create_all(connection)
        for name, text in VIEWS.items():
            connection.exec_driver_sql(f"CREATE VIEW {name} AS {text.strip()}")
            rows = connection.exec_driver_sql(f"PRAGMA table_info({name})")
            columns = ", ".join(f"`{row[1]}`" for row in rows)
            lines = [line for line in text.strip().splitlines() if line.strip()]
            yield [
                f"### {name}\n",
                VIEW_WORDS[name] + "\n",
                f"Columns: {columns}.\n",
                "```sql",
                *lines,
                "```\n",
            ]
    engine.dispose()
