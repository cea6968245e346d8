"""What a round of plays tells, as values that also pass from one process to another: lines of JSON.

Counts are of plays (rows) unless they say otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias


class Judgement(NamedTuple):
    """Logs were judged, and what is good is in the ledger; ``folder`` has rows and report."""

    form: str
    stream: str | None
    files: int
    rows: int
    accepted: int
    rejected: int
    already_delivered: int
    reasons: Mapping[str, int]
    folder: str


class Kept(NamedTuple):
    """A log that stays in the inbox; ``name`` is its path there."""

    name: str
    because: str


class Sending(NamedTuple):
    """What a way out has taken so far; ``parcels`` are files or requests."""

    way: str
    delivered: int
    parcels: int
    refused: int = 0
    too_old: int = 0


class Standing(NamedTuple):
    """What has not been delivered after a round, of all ways out."""

    waiting: int = 0
    in_doubt: int = 0
    conflicts: int = 0


class Failure(NamedTuple):
    """Something could not be done; ``kind`` is ``environment`` or ``defect``, as of a `Trouble`."""

    kind: str
    error: str
    hint: str = ""
    trace: str = ""


class Said(NamedTuple):
    """Words for people: what is waited for."""

    text: str


class Ending(NamedTuple):
    """The last of a round; ``done``: nothing of it is to be tried again before the next one."""

    done: bool


News: TypeAlias = Judgement | Kept | Sending | Standing | Failure | Said | Ending
Told: TypeAlias = Callable[[News], None]

_KINDS: dict[str, type[News]] = {
    one.__name__: one for one in (Judgement, Kept, Sending, Standing, Failure, Said, Ending)
}


def line_of(news: News) -> str:
    """One line of JSON in ASCII, without its end."""
    return json.dumps({"news": type(news).__name__, **news._asdict()})


def news_of(line: str) -> News:
    """What a line tells; one that nobody meant for us is what somebody said."""
    try:
        values = json.loads(line)
        return _KINDS[values.pop("news")](**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Said(line)
