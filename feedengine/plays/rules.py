"""The table of rules: the name, column, meaning and cure of everything a row can break.

The rules of a column follow from its declaration in `reports`; the others are written here.
"""

from __future__ import annotations

from typing import NamedTuple

from feedengine.plays.reports import FORMATS, Column


class Rule(NamedTuple):
    """A rule that a row can break, or a warning: its stable name, where it looks, what it says."""

    name: str
    column: str
    says: str
    cure: str
    warning: bool = False


_FAULTS = (
    Rule("row-not-json", "", "The line is no JSON object.", "Write one object a line."),
    Rule("row-not-utf8", "", "The row is not text in UTF-8.", "Write the file in UTF-8."),
    Rule(
        "row-fields",
        "",
        "The row has not as many fields as its header.",
        "Look for a separator inside a value, or quote the value.",
    ),
    Rule(
        "row-quotes",
        "",
        "A quote is opened and not closed, or text follows a closed one.",
        "Write a quote inside a value twice.",
    ),
    Rule(
        "row-too-large",
        "",
        "The row is larger than a row can be (1 MiB).",
        "Look for a missing line end.",
    ),
    Rule(
        "row-nested",
        "",
        "A column holds a list or an object where a value is wanted.",
        "Write text or a number.",
    ),
    Rule("row-column-twice", "", "The row has the same column twice.", "Leave one of them out."),
    Rule(
        "file-damaged",
        "",
        "The file ends early or cannot be decoded; what came before it is read.",
        "Copy or write the file again.",
    ),
    Rule(
        "file-columns",
        "",
        "The file's header has no known column, or one of them twice.",
        "Name columns as the reference does, or map them with play_columns.",
    ),
)

FAULTS = frozenset(rule.name for rule in _FAULTS)
"""What `intake` says of rows that it cannot read."""

_CATALOGUE = (
    Rule(
        "L2",
        "trackid",
        "An ID names two objects, or an object that the configured provider has no reference to.",
        "Log the provider's own IDs, or the catalogue's.",
    ),
    Rule(
        "L3",
        "releaseid",
        "No releaseid, and several releases hold the track there and then.",
        "Log the releaseid, or choose a policy with release_policy.",
    ),
    Rule("L10", "trackid", "The track is not known.", "Log the ID of a track in the catalogue."),
    Rule(
        "L11",
        "releaseid",
        "The release is not known, or did not hold the track.",
        "Log the release that was played from.",
    ),
    Rule(
        "L12",
        "country",
        "The track was not available for streaming in the country when it was played.",
        "Ask why it was played; a licence delivered late counts with judge = then-or-now.",
    ),
)

_WARNINGS = (
    Rule(
        "L13",
        "totaltimeplayed",
        "Played longer than the track lasts.",
        "Look at the player's clock.",
        warning=True,
    ),
    Rule(
        "L6",
        "title",
        "The station's text differs from the catalogue's; it stays.",
        "Compare both.",
        warning=True,
    ),
    Rule(
        "useragent-cut",
        "useragent",
        "The useragent was too long and is cut.",
        "Send a shorter one.",
        warning=True,
    ),
    Rule(
        "country-alias",
        "country",
        "A customary code was read as ISO's: UK as GB.",
        "Write GB.",
        warning=True,
    ),
)

AFTER_LOGGED = Rule(
    "datetimeplayed-after-datetimelogged",
    "datetimeplayed",
    "The play began after it was logged.",
    "Look at the clocks of player and log.",
)

DUPLICATE = Rule(
    "id-duplicate",
    "id",
    "An earlier good row of the run has this id.",
    "Give every play an id of its own, or none.",
)

_WANTED = {
    "uuid": ("no UUID", "e9fcaaa9-854b-44b7-bbd8-6a5072f286e2"),
    "instant": ("no instant", "2024-02-21T13:13:15.674Z"),
    "whole": ("no whole number that may stand there", "145213707"),
    "length": ("no time in whole seconds", "194"),
    "country": ("no ISO 3166-1 alpha-2 code", "GB"),
    "starttime": ("no time of a playlist", "2009-06-25 14:05:05 -0400"),
    "endtime": ("no time of a playlist", "2009-06-25 14:08:43 -0400"),
    "duration": ("no time in minutes and seconds", "4:38"),
}
"""Kind or column → what an invalid value is not, and a value that would do."""


def _rules_of(column: Column) -> list[Rule]:
    """The rules that follow from a column's declaration."""
    name, made = column.name, []

    def rule(kind: str, says: str, cure: str) -> None:
        made.append(Rule(f"{name}-{kind}", name, says, cure))

    if column.required:
        rule("missing", f"There is no {name}.", f"Log {name}, or set what stands in for it.")
    rule("empty", f"{name} is there and empty.", "Write a value, or NULL where that may stand.")
    if (wanted := _WANTED.get(name, _WANTED.get(column.kind))) is not None:
        rule("invalid", f"{name} is {wanted[0]}.", f"Write it as {wanted[1]}.")
    if column.oldest:
        rule("too-old", f"{name} is older than the recipient takes.", "Deliver every day.")
    if column.future:
        rule("in-future", f"{name} lies more than 5 minutes ahead.", "Look at the clock and zone.")
    if column.longest or column.kind == "length":
        rule("too-long", f"{name} is longer than permitted.", "Write a shorter one.")
    if column.permitted or column.choices:
        rule("not-permitted", f"{name} is not among the permitted ones.", "Look at the settings.")
    return made


def _table() -> tuple[Rule, ...]:
    """Every rule once: faults, columns in the order of the formats, the catalogue's, warnings."""
    made: dict[str, Rule] = {rule.name: rule for rule in _FAULTS}
    for form in FORMATS.values():
        for column in form.columns:
            for rule in _rules_of(column):
                made.setdefault(rule.name, rule)
    made[AFTER_LOGGED.name] = AFTER_LOGGED
    made[DUPLICATE.name] = DUPLICATE
    for rule in (*_CATALOGUE, *_WARNINGS):
        made[rule.name] = rule
    return tuple(made.values())


RULES: dict[str, Rule] = {rule.name: rule for rule in _table()}
"""Every rule and warning by name, in the order in which reasons are listed."""

RULE_ORDER: dict[str, int] = {name: order for order, name in enumerate(RULES)}
