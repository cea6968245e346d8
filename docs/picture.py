"""The tables and their foreign keys as an SVG picture, laid out by rules of our own.

Three bands: the objects with their lists and links, territories, ledger and history. In each, lanes
from left to right, so placed that most lines join neighbours. A table that no lane names comes last
in the middle band: the picture never lacks one.
"""  # noqa: INP001 - a folder of pages, no package

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from xml.sax.saxutils import escape

from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from feedengine.model import ledger, parcels, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Column, ForeignKey, Table

ROW, HEAD, FOOT, CHARACTER = 17, 24, 6, 6.7
"""Pixels: a column's row, a box's head and foot, a character's width."""

LANE_GAP, BOX_GAP, BAND_GAP, EDGE, TITLE, SPACE = 84, 22, 76, 36, 34, 100
"""Pixels between lanes, boxes and bands; around all; under a band's title; an empty place."""

PALETTE = (
    "#b3541e",
    "#2f6f4f",
    "#2b5c9e",
    "#8a3d74",
    "#6b6213",
    "#1f7a8c",
    "#a3283c",
    "#55509c",
    "#4d7a22",
    "#7a4a2b",
)
"""A colour for each table that others refer to, in turn."""

WORDS = {
    "VARCHAR": "text",
    "TEXT": "text",
    "BIGINT": "integer",
    "NUMERIC": "decimal",
    "TIMESTAMP": "instant",
    "DATE": "date",
    "BYTEA": "bytes",
}
"""How PostgreSQL calls a type → the word for it here."""

LEGEND = "bold: primary key · ?: may be NULL · a line ends with a dot at the table it refers to"

FONT = 'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="11"'

Lane: TypeAlias = "Sequence[type[SQLModel] | None]"
"""Tables from top to bottom; None leaves a place empty, for lines to pass."""

OBJECTS: tuple[Lane, ...] = (
    (tables.Label, tables.ReleaseImage, tables.ReleaseResource, tables.ReleaseReference),
    (tables.Release,),
    (
        None,
        tables.ReleaseArtist,
        tables.ReleaseGenre,
        tables.ArtistGenre,
        tables.ArtistMetadata,
        tables.ArtistImage,
    ),
    (tables.ReleaseTrack, tables.Genre, tables.Artist),
    (None, tables.TrackGenre, tables.TrackArtist, tables.ArtistResource, tables.ArtistReference),
    (tables.Track,),
    (
        tables.TrackImage,
        tables.TrackResource,
        tables.TrackReference,
        tables.TrackValidity,
        tables.TrackWindow,
    ),
)
TERRITORIES: tuple[Lane, ...] = (
    (tables.Country, tables.Usage),
    (tables.CountryGroupMember,),
    (tables.CountryGroup,),
    (tables.TerritorySet, tables.TerritoryPart),
    (tables.ValiditySet,),
    (tables.ValidityRow, tables.ValidityWindow),
)
DONE: tuple[Lane, ...] = (
    (ledger.FeedRun, ledger.StackLease),
    (ledger.PackageRun,),
    (ledger.Change, ledger.FindingRow),
    (parcels.Parcel,),
    (parcels.ParcelPlays, parcels.PlayRefusal),
)


class Box(NamedTuple):
    """A table in its place; pixels from the picture's upper left corner."""

    table: Table
    band: int
    x: float
    y: float
    width: float
    height: float

    def row(self, column: str) -> float:
        """The middle of a column's row."""
        at = [one.name for one in self.table.columns].index(column)
        return self.y + HEAD + ROW * at + ROW / 2


class Line(NamedTuple):
    """A foreign key: where it begins and ends, and by how much it first goes on from there."""

    begin: tuple[float, float]
    away: tuple[float, float]
    end: tuple[float, float]
    towards: tuple[float, float]
    colour: str


def type_of(column: Column[object]) -> str:
    """A column's type in one word: text, integer, decimal, date or instant."""
    return WORDS[column.type.compile(dialect=postgresql.dialect()).split()[0]]


def picture() -> str:
    """The whole picture."""
    bands = (
        ("Objects, their lists and links", OBJECTS),
        ("Territories, shared by content", (*TERRITORIES, *_unplaced())),
        ("Ledger, history, and what has left", DONE),
    )
    boxes: dict[str, Box] = {}
    titles: list[tuple[str, float]] = []
    top = float(EDGE)
    for number, (title, lanes) in enumerate(bands):
        titles.append((title, top))
        placed = list(_placed(lanes, number, top + TITLE))
        boxes |= {box.table.name: box for box in placed}
        top = max(box.y + box.height for box in placed) + BAND_GAP
    width = max(box.x + box.width for box in boxes.values()) + EDGE
    return _svg(boxes, titles, width, top - BAND_GAP + EDGE)


def _unplaced() -> list[Lane]:
    """A lane for the tables that no other has."""
    named = {one for lane in (*OBJECTS, *TERRITORIES, *DONE) for one in lane}
    found = {
        one
        for module in (tables, ledger, parcels)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, SQLModel) and hasattr(one, "__table__")
    }
    rest = sorted(found - named, key=lambda one: one.__name__)
    return [rest] if rest else []


def _placed(lanes: Iterable[Lane], band: int, top: float) -> Iterator[Box]:
    left = float(EDGE)
    for lane in lanes:
        width = max(_width(one.__table__) for one in lane if one)
        y = top
        for one in lane:
            height = SPACE if one is None else HEAD + ROW * len(one.__table__.columns) + FOOT
            if one is not None:
                yield Box(one.__table__, band, left, y, width, height)
            y += height + BOX_GAP
        left += width + LANE_GAP


def _width(table: Table) -> float:
    rows = [len(one.name) + len(type_of(one)) + 6 for one in table.columns]
    return round(CHARACTER * max(len(table.name) + 4, *rows, 20))


def _svg(
    boxes: dict[str, Box], titles: list[tuple[str, float]], width: float, height: float
) -> str:
    keys = [(box, key) for box in boxes.values() for key in _keys(box)]
    targets = sorted({key.column.table.name for _, key in keys})
    colours = {name: PALETTE[at % len(PALETTE)] for at, name in enumerate(targets)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {FONT}>',
        "<title>The tables of the catalogue and their foreign keys</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        *_legend(width),
        *(
            f'<text x="{EDGE}" y="{top + 12:.0f}" font-size="16" fill="#555555">'
            f"{escape(title)}</text>"
            for title, top in titles
        ),
        *(_curve(_line(box, key, boxes, colours)) for box, key in keys),
        *(part for box in boxes.values() for part in _drawn(box, colours)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(width: float) -> Iterator[str]:
    place = f'x="{width - EDGE:.0f}" y="{EDGE - 12}" text-anchor="end"'
    yield f'<text {place} fill="#555555">{LEGEND}</text>'


def _keys(box: Box) -> list[ForeignKey]:
    found = (key for one in box.table.columns for key in one.foreign_keys)
    return sorted(found, key=lambda key: str(key.parent.name))


def _line(box: Box, key: ForeignKey, boxes: dict[str, Box], colours: dict[str, str]) -> Line:
    """From row to row by the sides that face each other; from band to band downwards."""
    other = boxes[key.column.table.name]
    colour = colours[other.table.name]
    if box.band != other.band:
        begin = (box.x + box.width / 2, box.y + box.height)
        return Line(begin, (0, 90), (other.x + other.width / 2, other.y), (0, -70), colour)
    own, its = box.row(key.parent.name), other.row(key.column.name)
    to_right = box.x + box.width < other.x
    to_left = other.x + other.width < box.x
    begin = (box.x + (box.width if to_right else 0), own)
    end = (other.x + (other.width if to_left else 0), its)
    far = max(40.0, min(150.0, abs(end[0] - begin[0]) / 2))
    return Line(begin, (far if to_right else -far, 0), end, (far if to_left else -far, 0), colour)


def _curve(line: Line) -> str:
    (x1, y1), (x2, y2) = line.begin, line.end
    bends = (x1 + line.away[0], y1 + line.away[1], x2 + line.towards[0], y2 + line.towards[1])
    through = "{:.0f} {:.1f} {:.0f} {:.1f}".format(*bends)
    return (
        f'<path d="M{x1:.0f} {y1:.1f} C{through} {x2:.0f} {y2:.1f}" fill="none"'
        f' stroke="{line.colour}" stroke-width="1.4" stroke-opacity="0.8"/>'
        f'<circle cx="{x2:.0f}" cy="{y2:.1f}" r="3.5" fill="{line.colour}"/>'
    )


def _drawn(box: Box, colours: dict[str, str]) -> Iterator[str]:
    """A box: its name, and a row for each column; keys bold, what may be NULL with a ``?``."""
    name, colour = box.table.name, colours.get(box.table.name, "#555555")
    size = f'x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}"'
    yield f'<rect {size} height="{box.height:.0f}" rx="4" fill="#fcfcfa" stroke="{colour}"/>'
    yield f'<rect {size} height="{HEAD}" rx="4" fill="{colour}"/>'
    yield (
        f'<text x="{box.x + 8:.0f}" y="{box.y + 16:.0f}" font-size="12" font-weight="bold"'
        f' fill="#ffffff">{escape(name)}</text>'
    )
    for column in box.table.columns:
        y = box.row(column.name) + 4
        bold = ' font-weight="bold"' if column.primary_key else ""
        own = next((colours[key.column.table.name] for key in column.foreign_keys), "#222222")
        yield (
            f'<text x="{box.x + 8:.0f}" y="{y:.1f}"{bold} fill="{own}">{escape(column.name)}</text>'
            f'<text x="{box.x + box.width - 8:.0f}" y="{y:.1f}" text-anchor="end" fill="#888888">'
            f"{type_of(column)}{'?' if column.nullable else ''}</text>"
        )
