"""The flags that many commands share; those for settings follow from `Settings` itself."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from feedengine.config import DELIVERY, PLAYS, PREFIX, SECRETS, Settings, settings
from feedengine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from feedengine.engine import Engine

PLACES = ("feeds_path", "stack_path", "database_url")
"""The settings that say where a site's parts are: all that most commands need."""

KEPT = ("keep_findings_days", "keep_logs_days", "keep_entries_days")
"""The settings that say what is kept, and how long."""

SERVICE = ("poll_seconds", "poll_only", "metrics_port", "log_level", "deliver_at")
"""The settings that only the service knows what to do with."""

EVERY = tuple(name for name in Settings.model_fields if name != "root")
_CATALOGUE = tuple(name for name in EVERY if name not in {*PLAYS, *DELIVERY, *SECRETS})

_GROUP = Group(
    "Settings",
    help=f"For this run alone. Each may stand in feedengine.toml, or be a variable {PREFIX}NAME.",
    sort_key=10,
)


def _or_none(annotation: Any) -> Any:
    return annotation | None


def flags_for(names: Collection[str]) -> Any:
    """A class with a flag for each of these settings; None where it is not given."""
    fields: list[tuple[str, Any, Any]] = []
    for name in names:
        declared = Settings.model_fields[name]
        default = "" if declared.default in (None, (), False) else f" [default: {declared.default}]"
        parameter = Parameter(
            help=f"{declared.description}{default}", group=_GROUP, negative_iterable=""
        )
        fields.append((name, Annotated[_or_none(declared.annotation), parameter], None))
    # Cyclopts takes a class of the module ``types``, make_dataclass's own, for a plain value.
    inside = {"__module__": __name__}
    return make_dataclass("Flags", fields, kw_only=True, frozen=True, namespace=inside)


def switch(text: str, name: str | None = None) -> Parameter:
    """A flag that is off unless it is given."""
    return Parameter(name=name, help=text, negative="", show_default=False)


_Every = flags_for([name for name in EVERY if name not in SECRETS])
_Running = flags_for([name for name in _CATALOGUE if name not in SERVICE])
_Places = flags_for(PLACES)
NO_FLAGS: Any = _Running()
EVERY_UNSET: Any = _Every()
NO_PLACES: Any = _Places()
_Prune = flags_for((*PLACES, *KEPT))
NO_PRUNE: Any = _Prune()
_Plays = flags_for((*PLACES, *PLAYS))
NO_PLAYS: Any = _Plays()
_Delivery = flags_for((*PLACES, *PLAYS, *DELIVERY))
NO_DELIVERY: Any = _Delivery()

if TYPE_CHECKING:
    Flags: TypeAlias = Any
    EveryFlag: TypeAlias = Any
    PlaceFlags: TypeAlias = Any
    PruneFlags: TypeAlias = Any
    PlayFlags: TypeAlias = Any
    DeliveryFlags: TypeAlias = Any
else:
    Flags = Annotated[_Running, Parameter(name="*")]
    EveryFlag = Annotated[_Every, Parameter(name="*")]
    PlaceFlags = Annotated[_Places, Parameter(name="*")]
    PruneFlags = Annotated[_Prune, Parameter(name="*")]
    PlayFlags = Annotated[_Plays, Parameter(name="*")]
    DeliveryFlags = Annotated[_Delivery, Parameter(name="*")]

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


def given(flags: Any) -> dict[str, Any]:
    """The settings among flags that were given."""
    return {name: value for name, value in asdict(flags).items() if value is not None}


def chosen(root: Path | None, flags: Any) -> Settings:
    """The settings of the site at ``root``; raises `UsageError` where there is no such folder."""
    found = settings(root, **given(flags))
    if not found.root.is_dir():
        raise UsageError(f"{found.root} is no folder", "name the ROOT of a site")
    return found


@contextmanager
def opened(root: Path | None, flags: Any) -> Iterator[Engine]:
    """The site at ``root``, for as long as a command needs it."""
    from feedengine.engine import Engine

    with Engine(chosen(root, flags)) as engine:
        yield engine
