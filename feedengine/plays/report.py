"""What the page of a run says: the sum of the run as sentences, rows of tables and lengths of bars.

Pure: `page` only puts it into HTML. Lengths are percents, written so that equal sums give equal
bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from feedengine.model.identifiers import COUNTRIES
from feedengine.plays.examples import Example, cut
from feedengine.plays.judge import oldest
from feedengine.plays.moments import text_of
from feedengine.plays.plotting import Chart, Part, chart, parts, percent, share
from feedengine.plays.reports import Format
from feedengine.plays.rules import RULES
from feedengine.plays.sums import EARLIER, LATER, OUTCOMES, UNKNOWN, Came, Summary

MOST_INPUTS = 5
"""So many inputs are named."""

MOST_LINES, FEW_MORE = 20, 5
"""So many rules or countries are shown at once; more than a few others are folded away."""

FEW_DAYS = 14
"""Up to so many days are not folded away."""

NO_CATALOGUE = "no catalogue was asked (L2, L3, L6, L10-L13)"

_SAID = {"accepted": "accepted", "rejected": "rejected", "already_delivered": "already delivered"}

_MEANS = {
    "accepted": "They break no rule and are what is sent.",
    "rejected": "They break at least one rule and stay here.",
    "already_delivered": "This way out sent them before; they are not sent again.",
}

_OTHER_DAYS = {
    EARLIER: "Earlier than a year before",
    LATER: "Later",
    UNKNOWN: "No readable instant",
}

_BASES = {
    "isrc": "The ISRC is the track's.",
    "title-artist-album": "Title, artist and album are the track's.",
    "title-artist": "Title and artist are the track's; the station names no album.",
    "uncertain": "Something fitted, but not certainly enough; the row is left as it came.",
}
"""What a match rests on (L6)."""


class About(NamedTuple):
    """What was judged, and how: ``now`` in microseconds since 1970 UTC.

    ``seq`` is the catalogue's last change, None where no catalogue was asked; ``notes`` say what
    was not judged.
    """

    form: Format
    now: int
    inputs: tuple[str, ...] = ()
    seq: int | None = None
    notes: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What can come of a row: its name, how people say it, rows, their share, what it means."""

    name: str
    said: str
    rows: int
    share: str
    means: str


class Line(NamedTuple):
    """A rule, warning, column or kind of match: rows, their share and bar, words, examples."""

    name: str
    rows: int
    share: str
    percent: str
    says: str = ""
    cure: str = ""
    examples: tuple[Example, ...] = ()


class Place(NamedTuple):
    """A day or country: its name, what came of its rows, how many of them are rejected, its bar."""

    name: str
    title: str
    came: Came
    share: str
    parts: tuple[Part, ...]


class Report(NamedTuple):
    """The page of a run."""

    form: Format
    now: str
    seq: int | None
    inputs: tuple[str, ...]
    more_inputs: int
    notes: tuple[str, ...]
    rows: int
    rejected: int
    outcomes: tuple[Outcome, ...]
    parts: tuple[Part, ...]
    rules: tuple[Line, ...]
    more_rules: tuple[Line, ...]
    days: tuple[Place, ...]
    chart: Chart | None
    countries: tuple[Place, ...]
    more_countries: tuple[Place, ...]
    filled: tuple[Line, ...]
    warnings: tuple[Line, ...]
    matched: tuple[Line, ...]

    @property
    def few_days(self) -> bool:
        """Whether the days fit on a screen as a table."""
        return len(self.days) <= FEW_DAYS

    @property
    def shows_delivered(self) -> bool:
        """Whether some row was delivered before."""
        return any(one.name == "already_delivered" for one in self.outcomes)


def report(
    summary: Summary, about: About, examples: Mapping[str, Sequence[Example]] | None = None
) -> Report:
    """The page of a run, with the first rows of each rule."""
    counts = summary.counts
    came = Came(counts.accepted, counts.rejected, counts.already_delivered)
    shown = examples or {}
    rules = _ruled(counts.reasons, counts.rows, shown)
    countries = _countries(summary.by_country)
    some_rules, some = _at_once(rules), _at_once(countries)
    return Report(
        form=about.form,
        now=text_of(about.now),
        seq=about.seq,
        inputs=tuple(cut(one, end=True) for one in about.inputs[:MOST_INPUTS]),
        more_inputs=max(0, len(about.inputs) - MOST_INPUTS),
        notes=_notes(about),
        rows=counts.rows,
        rejected=counts.rejected,
        outcomes=_outcomes(came),
        parts=parts(came, came.rows),
        rules=rules[:some_rules],
        more_rules=rules[some_rules:],
        days=_days(summary.by_day),
        chart=chart(summary.by_day, _oldest(about)),
        countries=countries[:some],
        more_countries=countries[some:],
        filled=_lines(counts.filled, counts.rows),
        warnings=_ruled(counts.warnings, counts.rows, shown),
        matched=_lines(summary.matched, counts.rows, _BASES),
    )


def _at_once(every: Sequence[object]) -> int:
    """How many of them are not folded away."""
    return len(every) if len(every) <= MOST_LINES + FEW_MORE else MOST_LINES


def _notes(about: About) -> tuple[str, ...]:
    """What was not judged, as sentences; that no catalogue was asked is never passed over."""
    notes = about.notes or ((NO_CATALOGUE,) if about.seq is None else ())
    return tuple(_sentence(one) for one in notes)


def _oldest(about: About) -> date:
    """The first day from which the recipient takes plays."""
    played = about.form.column("datetimeplayed")
    if played is None or played.oldest is None:
        return date.min
    return date.fromisoformat(text_of(oldest(about.now, played.oldest))[:10])


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _outcomes(came: Came) -> tuple[Outcome, ...]:
    """Accepted and rejected, and delivered before where there is such a row."""
    found = zip(OUTCOMES, came, strict=True)
    return tuple(
        Outcome(name, _SAID[name], rows, share(rows, came.rows), _MEANS[name])
        for name, rows in found
        if rows or name != "already_delivered"
    )


def _ruled(
    found: Mapping[str, int], rows: int, examples: Mapping[str, Sequence[Example]]
) -> tuple[Line, ...]:
    """Rules and warnings with their meaning, those that cost most rows first."""
    lines = _lines(found, rows)
    return tuple(
        line._replace(
            says=RULES[line.name].says,
            cure=RULES[line.name].cure,
            examples=tuple(examples.get(line.name, ())),
        )
        for line in lines
    )


def _lines(
    found: Mapping[str, int], rows: int, says: Mapping[str, str] | None = None
) -> tuple[Line, ...]:
    """Names with their rows, the largest first; of equals the first stays so."""
    most = max(found.values(), default=0)
    return tuple(
        Line(name, many, share(many, rows), percent(many, most), (says or {}).get(name, ""))
        for name, many in sorted(found.items(), key=lambda one: -one[1])
    )


def _places(found: Mapping[str, Came], titles: Mapping[str, str]) -> tuple[Place, ...]:
    most = max((came.rows for came in found.values()), default=0)
    return tuple(
        Place(
            name,
            titles.get(name, name),
            came,
            share(came.rejected, came.rows) if came.rejected else "",
            parts(came, most),
        )
        for name, came in found.items()
    )


def _days(found: Mapping[str, Came]) -> tuple[Place, ...]:
    return _places(found, _OTHER_DAYS)


def _countries(found: Mapping[str, Came]) -> tuple[Place, ...]:
    """Those with most rows first; rows of no country last. None at all where no row has one."""
    if set(found) <= {UNKNOWN}:
        return ()
    order = sorted(found.items(), key=lambda one: (one[0] == UNKNOWN, -one[1].rows, one[0]))
    return _places(dict(order), {**COUNTRIES, UNKNOWN: "No country that can be read"})
