"""The flags that many commands share; those for settings follow from `Settings` itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from feedengine.cli.parameters import Number, Parameter, SettingFlags
from feedengine.config import DELIVERY, PLAYS, SECRETS, declared, settings
from feedengine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedengine.config import Settings
    from feedengine.engine import Engine

PLACES = ("feeds_path", "stack_path", "database_url")
"""The settings that say where a site's parts are: all that most commands need."""

KEPT = ("keep_findings_days", "keep_logs_days", "keep_entries_days")
"""The settings that say what is kept, and how long."""

SERVICE = ("poll_seconds", "poll_only", "metrics_port", "log_level", "deliver_at")
"""The settings that only the service knows what to do with."""

_ELSEWHERE = frozenset({"root", *PLAYS, *DELIVERY, *SECRETS})
_CATALOGUE = tuple(name for name in declared() if name not in _ELSEWHERE)
_EVERY = tuple(name for name in declared() if name not in {"root", *SECRETS})
_RUNNING = tuple(name for name in _CATALOGUE if name not in SERVICE)

NONE_GIVEN: Mapping[str, Any] = MappingProxyType({})
NO_FLAGS = EVERY_UNSET = NO_PLACES = NO_PRUNE = NO_PLAYS = NO_DELIVERY = NONE_GIVEN
"""What a command has where no flag of a setting was given."""

Flags: TypeAlias = Annotated[Mapping[str, Any], SettingFlags(_RUNNING)]
EveryFlag: TypeAlias = Annotated[Mapping[str, Any], SettingFlags(_EVERY)]
PlaceFlags: TypeAlias = Annotated[Mapping[str, Any], SettingFlags(PLACES)]
PruneFlags: TypeAlias = Annotated[Mapping[str, Any], SettingFlags((*PLACES, *KEPT))]
PlayFlags: TypeAlias = Annotated[Mapping[str, Any], SettingFlags((*PLACES, *PLAYS))]
DeliveryFlags: TypeAlias = Annotated[Mapping[str, Any], SettingFlags((*PLACES, *PLAYS, *DELIVERY))]


def switch(text: str, name: str | None = None) -> Parameter:
    """A flag that is off unless it is given."""
    return Parameter(name=name, help=text, show_default=False)


Root: TypeAlias = Annotated[
    Path | None,
    Parameter(help="The site's folder; the one that the current folder is in unless given."),
]
AsJson: TypeAlias = Annotated[bool, switch("Print one JSON document and nothing else.", "--json")]
At: TypeAlias = Annotated[
    str | None,
    Parameter(help="As of this instant: 2022-10-30T11:12:00Z, or a date (its 00:00 UTC)."),
]
Limit: TypeAlias = Annotated[
    int, Parameter(help="How many at most.", validator=Number(gte=1, lte=2**63 - 1))
]
RunNumber: TypeAlias = Annotated[
    int, Parameter(help="A run's number.", validator=Number(gte=1, lte=2**63 - 1))
]


def given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among flags that were given."""
    return dict(flags)


def chosen(root: Path | None, flags: Mapping[str, Any]) -> Settings:
    """The settings of the site at ``root``; raises `UsageError` where there is no such folder."""
    found = settings(root, **given(flags))
    if not found.root.is_dir():
        raise UsageError(f"{found.root} is no folder", "name the ROOT of a site")
    return found


@contextmanager
def opened(root: Path | None, flags: Mapping[str, Any]) -> Iterator[Engine]:
    """The site at ``root``, for as long as a command needs it."""
    site = chosen(root, flags)  # a mistake in it needs no engine
    from feedengine.engine import Engine

    with Engine(site) as engine:
        yield engine
