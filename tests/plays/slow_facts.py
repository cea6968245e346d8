"""The catalogue rules of plays, one row after the other, from the rows of ``change``.

Slow and obvious: for every instant at which something changed there is the whole catalogue as it
stood then, and a fact is looked for in each of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from feedengine.catalogue.availability import judge
from feedengine.catalogue.objects import link_ends
from feedengine.catalogue.territories import Validity
from feedengine.store.load import load_sets
from feedengine.store.pages import asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from feedengine.catalogue.territories import TerritorySet

T = TypeVar("T")
Standing = dict[tuple[str, str], dict[str, Any]]

NOW = "~"
"""Behind every instant."""


class Play(NamedTuple):
    """A play; ``at`` is canonical text."""

    track: str | None
    release: str | None
    country: str
    at: str
    seconds: int = 0


class Told(NamedTuple):
    """What becomes of a play."""

    track: str | None
    release: str | None
    rules: frozenset[str]


@dataclass(frozen=True)
class SlowFacts:
    """Everything that ever was."""

    moments: tuple[tuple[str, Standing], ...]
    sets: dict[str, TerritorySet]

    def __hash__(self) -> int:
        """By identity: it is a cache's key."""
        return id(self)

    @cached_property
    def objects(self) -> set[tuple[str, str]]:
        """Every object and link that ever stood."""
        return {key for _, standing in self.moments for key in standing}

    def then(self, fact: Callable[[Standing], T | None], at: str) -> T | None:
        """H3: a fact as it stood; before it first appeared, as it was first seen."""
        before = [fact(standing) for moment, standing in self.moments if moment <= at]
        if any(value is not None for value in before):
            return before[-1]
        after = [fact(standing) for moment, standing in self.moments if moment > at]
        return next((value for value in after if value is not None), None)

    @cache  # noqa: B019 - a test's facts live as long as the test
    def object_then(self, kind: str, name: str, at: str) -> dict[str, Any] | None:
        """An object's document."""
        return self.then(lambda standing: standing.get((kind, name)), at)

    @cache  # noqa: B019 - the same
    def column_then(self, kind: str, name: str, column: str, at: str) -> Any:
        """What an object says in one column."""
        return self.then(lambda standing: standing.get((kind, name), {}).get(column), at)

    @cache  # noqa: B019 - the same
    def link_then(self, release: str, track: str, at: str) -> int | None:
        """The number of the change that made the link."""
        key = ("release_track", f"{escaped(release)}/{escaped(track)}")
        found = self.then(lambda standing: standing.get(key), at)
        return None if found is None else int(found["made"])

    @cache  # noqa: B019 - the same
    def meant(self, kind: str, provider: str, ref: str, at: str) -> frozenset[str]:
        """The objects that a provider's id means."""

        def holders(standing: Standing) -> frozenset[str] | None:
            found = {
                name
                for (entity, name), document in standing.items()
                if entity == kind and references(document).get(provider) == ref
            }
            return frozenset(found) or None

        return self.then(holders, at) or frozenset()

    @cache  # noqa: B019 - the same
    def reference_then(self, kind: str, name: str, provider: str, at: str) -> str | None:
        """An object's id at a provider."""
        return self.then(lambda it: references(it.get((kind, name), {})).get(provider), at)

    def providers(self) -> set[str]:
        """Every provider that was ever referred to."""
        found: set[str] = set()
        for _, standing in self.moments:
            for document in standing.values():
                found |= references(document).keys()
        return found

    @cache  # noqa: B019 - the same
    def find(self, kind: str, name: str, provider: str, at: str) -> frozenset[str]:
        """L2: the objects that an id means: none, one, or several."""
        if provider and (found := self.meant(kind, provider, name, at)):
            return found
        if self.object_then(kind, name, at) is not None:
            return frozenset({name})
        others = self.providers() - {provider}
        return frozenset().union(*(self.meant(kind, other, name, at) for other in others))

    def set_then(self, kind: str, name: str, at: str) -> TerritorySet | None:
        """An owner's territory list."""
        found = self.column_then(kind, name, "territory_set_id", at)
        return None if found is None else self.sets[found]

    @cache  # noqa: B019 - the same
    def permitted(self, track: str, release: str | None, country: str, at: str, as_of: str) -> bool:
        """A1 to A3, by the lists that stood at ``as_of``."""
        document = self.object_then("track", track, as_of) or {}
        own = [Validity(*map(one.get, FIELDS)) for one in document.get("validity", ())]
        on_release = None if release is None else self.set_then("release", release, as_of)
        of_track = self.set_then("track", track, as_of)
        return judge(on_release, of_track, own, country, "streaming", at).available

    def available(self, track: str, release: str | None, play: Play, *, or_now: bool) -> bool:
        """L12."""
        if self.permitted(track, release, play.country, play.at, play.at):
            return True
        if not or_now or self.object_then("track", track, NOW) is None:
            return False
        if release is not None and not self.holds(track, release, NOW):
            return False
        return self.permitted(track, release, play.country, play.at, NOW)

    def holds(self, track: str, release: str, at: str) -> bool:
        """L11."""
        there = self.object_then("release", release, at) is not None
        return there and self.link_then(release, track, at) is not None

    def releases_of(self, track: str, at: str) -> list[str]:
        """The releases that held a track, the first linked first."""
        ever = [name for kind, name in self.objects if kind == "release"]
        return sorted(
            (name for name in ever if self.holds(track, name, at)),
            key=lambda name: self.link_then(name, track, at) or 0,
        )


FIELDS = ("name", "type", "starts_at", "ends_at")


def escaped(name: str) -> str:
    """An end of a link's id."""
    return name.replace("%", "%25").replace("/", "%2F")


def references(document: dict[str, Any]) -> dict[str, str]:
    """Provider → id."""
    found = {one["provider"]: one.get("ref_id") for one in document.get("reference", ())}
    return {provider: ref for provider, ref in found.items() if ref is not None}


def slow_facts(connection: Connection) -> SlowFacts:
    """All of history."""
    moments: list[tuple[str, Standing]] = []
    standing: Standing = {}
    text = "SELECT seq, entity, entity_id, changed_at, document FROM change ORDER BY seq"
    for seq, entity, name, at, document in asked(connection, text):
        key = (entity, name)
        before = standing.get(key)
        if document is None:
            standing.pop(key)
        else:
            standing[key] = json.loads(document)
            standing[key]["made"] = seq if before is None else before["made"]
            if entity == "release_track":
                link_ends(name)
        if moments and moments[-1][0] == at:
            moments.pop()
        moments.append((at, dict(standing)))
    names = {one.get("territory_set_id") for _, it in moments for one in it.values()} - {None}
    return SlowFacts(tuple(moments), load_sets(connection, sorted(names)))


class SlowTerms(NamedTuple):
    """The settings of L2, L3 and L12."""

    provider: str
    policy: str
    or_now: bool


def told(facts: SlowFacts, play: Play, terms: SlowTerms) -> Told:
    """What becomes of a play, and why."""
    rules: set[str] = set()
    track = _one(facts, "track", play.track, play.at, terms, rules)
    release = _one(facts, "release", play.release, play.at, terms, rules)
    if (
        play.track
        and track is None
        and not facts.find("track", play.track, terms.provider, play.at)
    ):
        rules.add("L10")
    if track is not None and facts.object_then("track", track, play.at) is None:
        track = None
        rules.add("L10")
    if play.release and "several releases" not in rules:
        if release is None or (
            facts.object_then("release", release, play.at) is None
            or (track is not None and not facts.holds(track, release, play.at))
        ):
            rules.add("L11")
        elif track is not None and not facts.available(track, release, play, or_now=terms.or_now):
            rules.add("L12")
    elif track is not None and not play.release:
        release = _chosen(facts, track, play, terms, rules)
    if track is not None:
        lasts = facts.column_then("track", track, "duration_seconds", play.at)
        if lasts is not None and play.seconds > lasts + 2:
            rules.add("L13")
    if release is not None and facts.object_then("release", release, play.at) is None:
        release = None
    sent = [
        _sent(facts, kind, found, logged, play.at, terms, rules)
        for kind, found, logged in (
            ("track", track, play.track),
            ("release", release, play.release),
        )
    ]
    return Told(*sent, frozenset(rules - {"several releases", "several tracks"}))


def _one(
    facts: SlowFacts, kind: str, name: str | None, at: str, terms: SlowTerms, rules: set[str]
) -> str | None:
    """The one object of an id."""
    found = facts.find(kind, name, terms.provider, at) if name else frozenset()
    if len(found) > 1:
        rules |= {"L2", f"several {kind}s"}
    return next(iter(found)) if len(found) == 1 else None


def _sent(
    facts: SlowFacts,
    kind: str,
    found: str | None,
    logged: str | None,
    at: str,
    terms: SlowTerms,
    rules: set[str],
) -> str | None:
    """The id to send."""
    if found is None or not terms.provider:
        return logged if found is None else found
    sent = facts.reference_then(kind, found, terms.provider, at)
    if sent is None:
        rules.add("L2")
    return logged if sent is None else sent


def _chosen(
    facts: SlowFacts, track: str, play: Play, terms: SlowTerms, rules: set[str]
) -> str | None:
    """L3."""
    holding = facts.releases_of(track, play.at)
    if not holding:
        if not facts.available(track, None, play, or_now=terms.or_now):
            rules.add("L12")
        return None
    for or_now in (False, True)[: 1 + terms.or_now]:
        able = [one for one in holding if facts.available(track, one, play, or_now=or_now)]
        if able:
            break
    if not able:
        rules.add("L12")
        return None
    if len(able) > 1 and terms.policy == "refuse":
        rules.add("L3")
        return None
    if terms.policy == "earliest-release":
        able.sort(key=lambda one: facts.column_then("release", one, "release_date", play.at) or "~")
    return able[0]
