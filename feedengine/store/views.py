"""THE views: what people query besides the tables (catalogue.md, "Territories", "Availability").

Made anew at every upgrade, so that there is one text of each and no history of them.
"""

from __future__ import annotations

from types import MappingProxyType


def _later(left: str, right: str) -> str:
    """The later of two starts; NULL is open."""
    return (
        f"CASE WHEN {left} IS NULL THEN {right} WHEN {right} IS NULL THEN {left}"
        f" WHEN {left} > {right} THEN {left} ELSE {right} END"
    )


def _earlier(left: str, right: str) -> str:
    """The earlier of two ends; NULL is open."""
    return (
        f"CASE WHEN {left} IS NULL THEN {right} WHEN {right} IS NULL THEN {left}"
        f" WHEN {left} < {right} THEN {left} ELSE {right} END"
    )


def _territories(owner: str) -> str:
    """A territory list as rows; a territory without validities has one row with NULLs."""
    return f"""
SELECT o.id AS {owner}_id, m.country, v.name AS validity, v.type, v.starts_at, v.ends_at
FROM {owner} o
JOIN territory_part p ON p.territory_set_id = o.territory_set_id
JOIN country_group_member m ON m.country_group_id = p.country_group_id
LEFT JOIN validity v ON v.validity_set_id = p.validity_set_id
"""


def _permitting(alias: str, set_column: str) -> str:
    """Joins the windows in which a set permits usage ``u.name`` in country ``c.code`` (A1).

    The entry of the country itself, else that of ``WW``.
    """
    p, m, w = f"{alias}_part", f"{alias}_member", f"{alias}"
    return f"""
JOIN territory_part {p} ON {p}.territory_set_id = {set_column}
JOIN country_group_member {m} ON {m}.country_group_id = {p}.country_group_id
    AND {m}.country IN (c.code, 'WW')
    AND ({m}.country = c.code OR NOT EXISTS (
        SELECT 1 FROM territory_part q
        JOIN country_group_member n
            ON n.country_group_id = q.country_group_id AND n.country = c.code
        WHERE q.territory_set_id = {set_column}))
JOIN validity_window {w} ON {w}.validity_set_id = {p}.validity_set_id
    AND {w}.usage IN (u.name, '*')"""


_OWN_WINDOWS = """
LEFT JOIN track_window v ON v.track_id = t.id
    AND (v.usage = u.name OR (v.usage = '*' AND NOT EXISTS (
        SELECT 1 FROM track_window x WHERE x.track_id = t.id AND x.usage = u.name)))"""
"""A2: the windows that the track's own validities leave open; no row, no validities."""


def _levels(links: str, lists: str, starts: str, ends: str, where: str) -> str:
    """One branch of availability: which of the two levels declare a list (A3)."""
    return f"""
SELECT t.id AS track_id, l.release_id, c.code AS country, u.name AS usage,
    {_later(starts, "v.starts_at")} AS starts_at, {_earlier(ends, "v.ends_at")} AS ends_at
FROM track t
{links}
CROSS JOIN country c
CROSS JOIN usage u{lists}{_OWN_WINDOWS}
WHERE {where}"""


_ON_RELEASE = """JOIN release_track l ON l.track_id = t.id
JOIN release r ON r.id = l.release_id"""
_MAYBE_ON_RELEASE = _ON_RELEASE.replace("JOIN", "LEFT JOIN")
_RELEASE_LIST = _permitting("a", "r.territory_set_id")
_TRACK_LIST = _permitting("b", "t.territory_set_id")
_OPEN = "(s.starts_at IS NULL OR s.ends_at IS NULL OR s.starts_at < s.ends_at)"

_AVAILABILITY = f"""
SELECT s.track_id, s.release_id, s.country, s.usage, s.starts_at, s.ends_at
FROM ({
    _levels(_ON_RELEASE, _RELEASE_LIST, "a.starts_at", "a.ends_at", "t.territory_set_id IS NULL")
}
UNION ALL{
    _levels(
        _MAYBE_ON_RELEASE, _TRACK_LIST, "b.starts_at", "b.ends_at", "r.territory_set_id IS NULL"
    )
}
UNION ALL{
    _levels(
        _ON_RELEASE,
        _RELEASE_LIST + _TRACK_LIST,
        "(" + _later("a.starts_at", "b.starts_at") + ")",
        "(" + _earlier("a.ends_at", "b.ends_at") + ")",
        "1 = 1",
    )
}
) s
WHERE {_OPEN}
"""

VIEWS = MappingProxyType(
    {
        "artist_territory": _territories("artist"),
        "release_territory": _territories("release"),
        "track_territory": _territories("track"),
        "track_availability": _AVAILABILITY,
    }
)
"""Name → definition, in the order in which they build on one another."""
