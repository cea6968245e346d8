"""Sets of territories: immutable values, shared by their content (P36).

A set says for each country that it names which validities it has; ``WW`` stands for every country
that it does not name. "Never declared" is no set at all (``None``) and differs from `EMPTY`, which
permits nowhere. Equal content is one value with one `TerritorySet.id`, whatever order it came in.

Sets are kept in two factors, because most of a set's countries have the same validities and most
sets the same countries: each `Part` is a group of countries and the validities they share.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import msgspec

from feedengine.model.identifiers import WORLDWIDE


class Validity(NamedTuple):
    """A window ``[starts_at, ends_at)`` in which something is allowed or denied.

    ``name`` is ``StreamingValidity`` and the like for a usage, anything else for a condition on all
    usages; ``type`` is ``Allow`` or ``Deny``. Instants are canonical text
    (``YYYY-MM-DDTHH:MM:SS.ffffffZ``), None is open for ever.
    """

    name: str
    type: str
    starts_at: str | None
    ends_at: str | None


Entry: TypeAlias = tuple[str, tuple[Validity, ...]]
"""``(country or WW, its validities)``."""

EXCLUDED = (Validity("Excluded", "Deny", None, None),)
"""P36: what is left for a country that is pulled from a set which has ``WW``."""

_DIGITS = 32
_AFTER_ALL = "~"
"""Sorts behind every instant."""

_encode = msgspec.json.Encoder().encode
_country = itemgetter(0)


def _digest(value: Any) -> str:
    """Of the canonical JSON: tuples, named ones too, are arrays."""
    return sha256(_encode(value)).hexdigest()[:_DIGITS]


@dataclass(frozen=True)
class TerritorySet:
    """A canonical set: entries sorted by country, validities sorted and without repeats.

    Made by `territory_set`, `push`, `pull` and `from_parts`, which see to the canonical form.
    """

    # No slots: the id is kept in the instance's dictionary once somebody has asked for it.
    entries: tuple[Entry, ...]

    @cached_property
    def id(self) -> str:
        """The first 32 hex digits of the SHA-256 of the canonical JSON; computed once."""
        return _digest(self.entries)

    def __hash__(self) -> int:
        """Equal sets have equal ids, and the id is hashed only once."""
        return hash(self.id)

    def get(self, country: str) -> tuple[Validity, ...] | None:
        """The validities of the entry that names this country (or ``WW``), or None."""
        at = bisect_left(self.entries, country, key=_country)
        if at < len(self.entries) and self.entries[at][0] == country:
            return self.entries[at][1]
        return None


EMPTY = TerritorySet(())
"""Declared, and empty: permits nowhere (P36)."""


class Part(NamedTuple):
    """Countries of a set that have the same validities; both in canonical order."""

    countries: tuple[str, ...]
    validities: tuple[Validity, ...]


def _in_time(validity: Validity) -> tuple[str, str, str, str]:
    return (
        validity.name,
        validity.type,
        validity.starts_at or "",
        validity.ends_at or _AFTER_ALL,
    )


def _canonical(validities: Iterable[Validity]) -> tuple[Validity, ...]:
    return tuple(sorted(set(validities), key=_in_time))


def territory_set(entries: Iterable[tuple[str, Iterable[Validity]]]) -> TerritorySet:
    """The set of these entries; of two entries of one country the later wins."""
    named: dict[str, tuple[Validity, ...]] = {}
    seen: dict[tuple[Validity, ...], tuple[Validity, ...]] = {}  # most entries have equal ones
    for country, validities in entries:
        given = tuple(validities)
        known = seen.get(given)
        if known is None:
            known = seen[given] = _canonical(given)
        named[country] = known
    return TerritorySet(tuple(sorted(named.items(), key=_country)))


def _placed(
    entries: tuple[Entry, ...], country: str, instead: tuple[Entry, ...]
) -> tuple[Entry, ...]:
    """The entries with these in the place of the country's own."""
    start = bisect_left(entries, country, key=_country)
    end = bisect_right(entries, country, key=_country)
    return entries[:start] + instead + entries[end:]


def push(
    territories: TerritorySet | None, country: str, validities: Iterable[Validity]
) -> TerritorySet:
    """The set in which the country has just these validities; begins a list where none is (P36)."""
    entry = (country, _canonical(validities))
    return TerritorySet(_placed((territories or EMPTY).entries, country, (entry,)))


def pull(territories: TerritorySet | None, country: str) -> tuple[TerritorySet | None, bool]:
    """The set without the country, and whether there was anything to pull (P33, P36).

    Where ``WW`` would still let the country in, an ``Excluded`` entry is left for it. The last
    country leaves `EMPTY`; a list that was never declared stays so.
    """
    if territories is None:
        return None, False
    under_worldwide = country != WORLDWIDE and territories.get(WORLDWIDE) is not None
    if not under_worldwide and territories.get(country) is None:
        return territories, False
    instead = ((country, EXCLUDED),) if under_worldwide else ()
    return TerritorySet(_placed(territories.entries, country, instead)), True


def parts(territories: TerritorySet) -> tuple[Part, ...]:
    """The set as groups of countries with equal validities, in the order of their first country."""
    groups: dict[tuple[Validity, ...], list[str]] = {}
    for country, validities in territories.entries:
        groups.setdefault(validities, []).append(country)
    return tuple(Part(tuple(countries), validities) for validities, countries in groups.items())


def from_parts(found: Iterable[Part]) -> TerritorySet:
    """The set that these parts make up; `parts` undone, in whatever order they come."""
    return territory_set((country, part.validities) for part in found for country in part.countries)


def group_id(countries: Iterable[str]) -> str:
    """The id of a group of countries: 32 hex digits, the same for every order."""
    return _digest(sorted(set(countries)))


def validity_set_id(validities: Iterable[Validity]) -> str:
    """The id of an entry's validities: 32 hex digits, the same for every order."""
    return _digest(_canonical(validities))
