"""May this country use this track now? The rules A1 to A3, written once.

An instant is canonical text (``YYYY-MM-DDTHH:MM:SS.ffffffZ``), which compares as text. Windows are
``[start, end)``; a window that ends before it starts covers nothing.

`windows` and `track_windows` say when something is open and are what the catalogue keeps (A4);
`judge` answers for one instant and says why.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from feedengine.catalogue.territories import TerritorySet, Validity
from feedengine.errors import quoted
from feedengine.model.identifiers import WORLDWIDE

ANY_USAGE = "*"
"""Stands for every usage that is not named beside it."""

_USAGE_SUFFIX = "Validity"


class Window(NamedTuple):
    """``[starts_at, ends_at)``; None is open for ever."""

    starts_at: str | None
    ends_at: str | None


ALWAYS = Window(None, None)

Windows: TypeAlias = tuple[Window, ...]
"""Sorted, disjoint, neither empty nor touching each other."""


class Answer(NamedTuple):
    """What `judge` found: the rule that decided (``A1``, ``A2``, ``A3``) and why, for people.

    ``window`` is the one that covers the instant, None when not available.
    """

    available: bool
    rule: str
    reason: str
    window: Window | None


def usage_of(name: str) -> str | None:
    """The usage a validity belongs to (``StreamingValidity`` → ``streaming``); None: a condition.

    ``Validity`` alone names no usage and ``*Validity`` not `ANY_USAGE`: both are conditions.
    """
    stem = name.removesuffix(_USAGE_SUFFIX)
    return None if stem in (name, "", ANY_USAGE) else stem.lower()


# Windows as pairs of text that compare: "" is before and "~" behind every instant.
_Span: TypeAlias = tuple[str, str]
_BEFORE_ALL, _AFTER_ALL = "", "~"


def _spans(found: Iterable[Window | Validity]) -> list[_Span]:
    """What these cover together: sorted, disjoint, without empty ones."""
    spans: list[_Span] = []
    given = sorted((one.starts_at or _BEFORE_ALL, one.ends_at or _AFTER_ALL) for one in found)
    for start, end in given:
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        elif start < end:
            spans.append((start, end))
    return spans


def _outside(found: Iterable[Window | Validity]) -> Windows:
    """Everything that none of these covers."""
    spans = _spans(found)
    starts = [_BEFORE_ALL, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), _AFTER_ALL]
    return tuple(
        Window(start or None, None if end == _AFTER_ALL else end)
        for start, end in zip(starts, ends, strict=True)
        if start < end
    )


def intersect(*lists: Iterable[Window | Validity]) -> Windows:
    """What every list covers (of no list at all: everything): the outside of all their outsides."""
    return _outside(window for one in lists for window in _outside(one))


class _Rules(NamedTuple):
    """The validities that concern one usage: its own and the conditions.

    ``allows`` by what has to be covered: a condition's name, or None for the usage itself.
    """

    allows: Mapping[str | None, Sequence[Validity]]
    denies: Sequence[Validity]


def _rules(validities: Iterable[Validity], usage: str) -> _Rules:
    allows: dict[str | None, list[Validity]] = {}
    denies: list[Validity] = []
    for validity in validities:
        belongs = usage_of(validity.name)
        if belongs not in (usage, None):
            continue
        if validity.type == "Allow":
            what = validity.name if belongs is None else None
            allows.setdefault(what, []).append(validity)
        else:
            denies.append(validity)
    return _Rules(allows, denies)


class _ByUsage:
    """Validities by the usage that they belong to, looked through once for all usages."""

    def __init__(self, validities: Iterable[Validity]) -> None:
        conditions: list[Validity] = []
        own: dict[str, list[Validity]] = {}
        for validity in validities:
            usage = usage_of(validity.name)
            (conditions if usage is None else own.setdefault(usage, [])).append(validity)
        rules = _rules(conditions, ANY_USAGE)
        self.common = intersect(*rules.allows.values(), _outside(rules.denies))
        self.own = own
        self._ends = [window.ends_at or _AFTER_ALL for window in self.common]

    def left_open(self, usage: str) -> Windows:
        """Where (ii) and (iii) hold, and (i) if there is any Allow of the usage."""
        own = self.own.get(usage)
        if own is None:
            return self.common
        rules = _rules(own, usage)
        found = intersect(*rules.allows.values(), _outside(rules.denies))
        return tuple(window for one in found for window in self._within(one))

    def _within(self, one: Window) -> Iterator[Window]:
        """What of a window the conditions leave open: a search, and a step for each piece."""
        start, end = one.starts_at or _BEFORE_ALL, one.ends_at or _AFTER_ALL
        for at in range(bisect_right(self._ends, start), len(self.common)):
            first = max(start, self.common[at].starts_at or _BEFORE_ALL)
            if first >= end:
                break
            last = min(end, self._ends[at])
            yield Window(first or None, None if last == _AFTER_ALL else last)


def windows(validities: Sequence[Validity]) -> Mapping[str, Windows]:
    """A1 for one entry: usage → the windows in which it permits; only usages that it ever permits.

    An entry without validities permits `ANY_USAGE` always.
    """
    if not validities:
        return {ANY_USAGE: (ALWAYS,)}
    by_usage = _ByUsage(validities)
    allowed = {usage_of(one.name) for one in validities if one.type == "Allow"}
    found = {usage: by_usage.left_open(usage) for usage in sorted(filter(None, allowed))}
    return {usage: spans for usage, spans in found.items() if spans}


def track_windows(validities: Sequence[Validity]) -> Mapping[str, Windows]:
    """A2: usage → the windows that a track's own validities leave open to it, empty for none.

    Every usage that they name is there; `ANY_USAGE` is for all others.
    """
    by_usage = _ByUsage(validities)
    named = {usage_of(one.name) or ANY_USAGE for one in validities}
    return {usage: by_usage.left_open(usage) for usage in sorted(named | {ANY_USAGE})}


MOST_WINDOWS = 100_000
"""Windows of one entry or track: every usage may have those of every condition."""


CROWDED = f"the usages and conditions that these validities name make over {MOST_WINDOWS} windows"
"""What is told of validities of which there are `too_many`."""


def too_many(validities: Sequence[Validity]) -> bool:
    """Whether these could make more than `MOST_WINDOWS` windows, which are all kept (A4)."""
    if len(validities) * len(validities) <= MOST_WINDOWS:
        return False
    usages = [usage_of(one.name) for one in validities]
    conditions = usages.count(None)
    return (len(set(usages)) + 1) * (conditions + 1) + len(usages) > MOST_WINDOWS


def open_to(found: Mapping[str, Windows], usage: str) -> Windows:
    """The windows of one usage, out of what `windows` or `track_windows` found."""
    return found.get(usage, found.get(ANY_USAGE, ()))


def governing(territories: TerritorySet, country: str) -> tuple[Validity, ...] | None:
    """A1: the validities of the country's entry, else of the one for ``WW``, else None."""
    own = territories.get(country)
    return territories.get(WORLDWIDE) if own is None else own


def permitted(territories: TerritorySet, country: str, usage: str) -> Windows:
    """A1: the windows in which a territory list permits this usage in this country."""
    entry = governing(territories, country)
    if entry is None:
        return ()
    concerned = [one for one in entry if usage_of(one.name) in {usage, None}]
    return open_to(windows(concerned), usage) if concerned or not entry else ()


def _covers(one: Window | Validity, at: str) -> bool:
    starts_at, ends_at = one.starts_at, one.ends_at
    return (starts_at is None or starts_at <= at) and (ends_at is None or at < ends_at)


def _spoken(at: str) -> str:
    return f"{at[:10]} {at[11:-1].removesuffix('.000000')} UTC"


def _lasting(one: Window | Validity) -> str:
    """``from … to …``, for people."""
    if one.starts_at is None:
        return f"until {_spoken(one.ends_at)}" if one.ends_at else "at all times"
    since = f"from {_spoken(one.starts_at)}"
    return f"{since} to {_spoken(one.ends_at)}" if one.ends_at else f"{since} on"


def _around(allows: Iterable[Validity], at: str) -> str:
    """When it was allowed last and will be next, for an instant that none of them covers."""
    spans = _spans(allows)
    last = [f"until {_spoken(end)}" for _, end in spans if end <= at][-1:]
    following = [f"from {_spoken(start)}" for start, _ in spans if start > at][:1]
    return "only " + " and again ".join(last + following) if spans else "at no time"


def _refusal(rules: _Rules, usage: str, at: str) -> str | None:
    """Why (iii), (i) or (ii) fails at the instant, or None: a denial is the best reason."""
    for validity in rules.denies:
        if _covers(validity, at):
            return f"{quoted(validity.name)} denies {_lasting(validity)}"
    for name, allows in rules.allows.items():
        if not any(_covers(validity, at) for validity in allows):
            what = f"{usage} is allowed" if name is None else f"{quoted(name)} allows"
            return f"{what} {_around(allows, at)}"
    return None


def _list_refusal(territories: TerritorySet, country: str, usage: str, at: str) -> str | None:
    """A1: why this list does not permit, or None when it does."""
    if not territories.entries:
        return " is empty and permits nowhere"
    entry = governing(territories, country)
    if entry is None:
        return f" does not name {country}"
    rules = _rules(entry, usage)
    reason = _refusal(rules, usage, at)
    if reason is None and entry and None not in rules.allows:
        reason = f"nothing allows {usage}"
    by_worldwide = " (by its entry WW)" if territories.get(country) is None else ""
    return reason and f" for {country}{by_worldwide}: {reason}"


def _no(rule: str, reason: str) -> Answer:
    return Answer(available=False, rule=rule, reason=reason, window=None)


def judge(
    release_set: TerritorySet | None,
    track_set: TerritorySet | None,
    track_validities: Sequence[Validity],
    country: str,
    usage: str,
    at: str,
) -> Answer:
    """A3: may ``country`` use the track on the release at the instant ``at``, and why.

    A set is None where that level declares no list; for a track on no release ``release_set`` is
    None. ``country`` is an upper-case code, ``usage`` in lower case as `usage_of` gives it.
    """
    levels = {"the release's list": release_set, "the track's list": track_set}
    declared = {level: one for level, one in levels.items() if one is not None}
    if not declared:
        return _no("A3", "no territory list is declared")
    for level, territories in declared.items():
        refusal = _list_refusal(territories, country, usage, at)
        if refusal is not None:
            return _no("A1", level + refusal)
    refusal = _refusal(_rules(track_validities, usage), usage, at)
    if refusal is not None:
        return _no("A2", f"the track's own validities: {refusal}")
    found = [permitted(territories, country, usage) for territories in declared.values()]
    together = intersect(*found, open_to(track_windows(track_validities), usage))
    window = next(one for one in together if _covers(one, at))
    verb = "permit" if len(declared) > 1 else "permits"
    reason = f"{' and '.join(declared)} {verb} {usage} in {country}: available {_lasting(window)}"
    return Answer(available=True, rule="A3", reason=reason, window=window)
