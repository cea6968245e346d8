"""One frozen `Settings`, from flags, the environment, a file and defaults, in this order.

It is made once and passed on, never imported and never changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_origin

from feedengine.errors import UsageError, quoted
from feedengine.setting import Field, Secret, Setting, read, settings_of

FILE = "feedengine.toml"
CATALOGUE = "catalogue.db"
PREFIX = "FEEDENGINE_"


def _time_of_day(text: str) -> str:
    """A time of day as HH:MM, or HH:MM:SS."""
    if re.fullmatch("([01][0-9]|2[0-3])(:[0-5][0-9]){1,2}", text) is None:
        raise ValueError("a time of day such as 03:00 is wanted")
    return text


def _zone(name: str) -> str:
    """An IANA time zone's name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no IANA time zone, such as America/New_York") from None
    return name


def _countries(given: Any) -> Any:
    """ISO 3166-1 codes in upper case, alone or as the names of a mapping."""
    if isinstance(given, dict):
        return {_country(code): shop for code, shop in given.items()}
    return tuple(map(_country, given))


def _country(given: str) -> str:
    """A country's code; the whole world is none."""
    from feedengine.model.identifiers import WORLDWIDE, UnknownCountryError, country_code

    with suppress(UnknownCountryError):
        code = country_code(given, [])
        if code != WORLDWIDE:
            return code
    raise ValueError(
        "a country's ISO 3166-1 alpha-2 code is wanted, such as GB; all are permitted when none is"
        " named"
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set; the description of each field is its reference.

    Made by `settings`, which reads and checks every value.
    """

    root: Path = Field(description="the folder that holds Feeds, Stack and the catalogue")
    feeds_path: Path | None = Field(None, description="where feeds are; ROOT/Feeds unless set")
    stack_path: Path | None = Field(None, description="where entries are; ROOT/Stack unless set")
    database_url: str | None = Field(
        None, description="the catalogue's database; SQLite at ROOT/catalogue.db unless set"
    )
    settle_seconds: float = Field(
        2.0, ge=0, description="an unreadable Stack entry counts as being written for so long (P4)"
    )
    grace_seconds: float = Field(
        30.0, ge=0, description="a feed that is not there yet is waited for so long (P4)"
    )
    retry_seconds: float = Field(
        30.0, ge=0, description="a run asks a PostgreSQL that went away again for so long"
    )
    batch_packages: int = Field(
        1000, ge=1, le=100_000, description="packages in one transaction, at most"
    )
    batch_bytes: int = Field(
        16 * 1024 * 1024, ge=1, description="bytes of packages in one transaction, about"
    )
    readers: int | None = Field(
        None,
        ge=0,
        le=64,
        description="processes that read packages beside the one that applies them, where reading"
        " takes most of the time; one fewer than there are cores unless set",
    )
    max_package_bytes: int = Field(
        64 * 1024 * 1024, ge=1, description="the largest file that is read (P11)"
    )
    max_depth: int = Field(64, ge=8, le=200, description="the deepest nesting of elements (P11)")
    max_source_files: int = Field(
        10_000, ge=1, description="files that one package may read by src (P42)"
    )
    max_source_levels: int = Field(
        32, ge=1, le=64, description="levels through which files may name each other (P42)"
    )
    max_findings: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="findings of a package that are told, others are counted",
    )
    strict: bool = Field(
        False, description="refuse what is otherwise read leniently (P31, P33), for every client"
    )
    strict_clients: tuple[str, ...] = Field((), description="the clients for whom strict holds")
    known_clients: tuple[str, ...] = Field(
        (), description="the clients whose feeds are taken; everybody's while none is named (G3)"
    )
    ownership: bool = Field(False, description="a client changes only objects it created (G3)")
    late_feeds: Literal["warn", "refuse"] = Field(
        "warn", description="what becomes of a change from a feed older than the last (G2)"
    )
    hold_share: float = Field(
        0.10, ge=0, le=1, description="hold a feed that deletes more than this share (G1)"
    )
    hold_count: int = Field(
        100, ge=0, description="… and more than this many objects of one kind of one client (G1)"
    )
    plays_path: Path | None = Field(
        None, description="where plays lie on their way out; ROOT/Plays unless set"
    )
    s3_bucket: str | None = Field(None, description="the bucket that receipts go to")
    s3_prefix: str = Field("", description="what keys in the bucket begin with, before `receipts/`")
    s3_write_only: bool = Field(
        False, description="the bucket takes files but does not tell what it holds (no HEAD)"
    )
    receipts_day: Literal["delivery", "play"] = Field(
        "delivery", description="the UTC day in a receipts file's name: of delivery, or of play"
    )
    receipts_null: Literal["null", "text"] = Field(
        "null", description="how userid and transactionid say nothing: NULL, or the text `null`"
    )
    parcel_rows: int = Field(
        250_000, ge=1, le=10_000_000, description="plays in one file of receipts, at most"
    )
    parcel_bytes: int = Field(
        128 * 1024 * 1024, ge=1, description="bytes of one file of receipts, at most"
    )
    kept_days: int = Field(
        92, ge=63, description="what was delivered is kept, to be sent again, for so many days"
    )
    keep_plays_days: int | None = Field(
        None, ge=0, le=36_500, description="older days in Plays/done and Plays/judged are removed"
    )
    send_retry_seconds: float = Field(
        120.0, ge=0, description="a recipient that does not answer is asked again for so long"
    )
    inbox_settle_seconds: float = Field(
        60.0, ge=0, description="a log in Plays/inbox is taken once it lay unchanged for so long"
    )
    deliver_plays: bool | None = Field(
        None,
        description="the service delivers Plays/inbox; unset: where s3_bucket or endpoint_url is "
        "set; true: what has no way out goes into Plays/delivered",
    )
    deliver_at: str = Field(
        "03:00",
        check=_time_of_day,
        description="the time of day, in UTC, at which the service delivers",
    )
    endpoint_url: str | None = Field(None, description="the complete address of the endpoint")
    endpoint_consumer_key: str | None = Field(None, description="who we are to the endpoint")
    endpoint_consumer_secret: Secret | None = Field(
        None, description="what proves it (OAuth 1.0a); never shown"
    )
    endpoint_country: str = Field(
        "GB", min_length=2, max_length=2, description="the country in the query, for the signature"
    )
    endpoint_in_doubt: Literal["hold", "retry"] = Field(
        "hold", description="requests whose answer was lost: held for people, or sent again"
    )
    endpoint_index_base: Literal[0, 1] = Field(
        0, description="the `index` by which error 1008 names the first item of a request"
    )
    stream_zone: str = Field(
        "UTC", description="the time zone of streams: days and times in playlists"
    )
    playlist_dates: Literal["yyyy-MM-dd", "MM/dd/yyyy", "MM-dd-yyyy"] = Field(
        "yyyy-MM-dd", description="how playlists write dates"
    )
    playlist_offset: bool = Field(
        True, description="playlists say how far times are from UTC, as in -0400"
    )
    playlist_ending: Literal["duration", "end-time"] = Field(
        "duration", description="the last column of playlists: Duration or End Time"
    )

    @property
    def plays(self) -> Path:
        """Where plays lie on their way out."""
        return self.root / "Plays" if self.plays_path is None else self.root / self.plays_path

    keep_findings_days: int | None = Field(
        None,
        ge=0,
        le=36_500,
        description="`db prune` removes older findings, and packages not applied",
    )
    keep_logs_days: int | None = Field(
        None, ge=0, le=36_500, description="`db prune` removes older logs beside packages (P8)"
    )
    keep_entries_days: int | None = Field(
        None, ge=0, le=36_500, description="`db prune` removes older entries in Stack/processed"
    )
    poll_seconds: float = Field(
        1.0, ge=0.05, le=60, description="how often the service looks by itself"
    )
    poll_only: bool = Field(
        False, description="the service relies on no file events, and only looks by itself"
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="the service's metrics at 127.0.0.1; none unless set, 0 takes any free port",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what the service logs: this and what is graver"
    )

    partner_id: str | None = Field(
        None, pattern="^[0-9]+$", description="stands in for a play's missing partnerid (L1)"
    )
    provider: str = Field(
        "7digital",
        description="whose references outgoing IDs are; empty sends the catalogue's own (L2)",
    )
    release_policy: Literal["refuse", "earliest-release", "first-linked"] = Field(
        "refuse", description="which of several releases a play without releaseid was from (L3)"
    )
    judge: Literal["then", "then-or-now"] = Field(
        "then",
        description="availability as the catalogue stood at the play, or also as it stands (L12)",
    )
    match_threshold: int = Field(
        80, ge=1, le=100, description="a station's row is matched from this certainty on, in % (L6)"
    )
    format_id: str | None = Field(
        None, pattern="^[0-9]+$", description="stands in for a play's missing formatid (L1)"
    )
    user_agent: str | None = Field(
        None, min_length=1, description="stands in for a play's missing useragent (L1)"
    )
    shop_ids: dict[str, int] = Field(
        {},
        check=_countries,
        description="country → shopid, which stands in for a missing one (L1)",
    )
    permitted_shops: tuple[int, ...] = Field(
        (34, 480), description="the shopids that the recipient takes; 34 is UK, 480 is US"
    )
    permitted_countries: tuple[str, ...] = Field(
        (),
        check=_countries,
        description="the countries that the recipient takes; all of ISO 3166-1 when empty",
    )
    endpoint_max_seconds: int | None = Field(
        None, ge=0, description="the longest totaltimeplayed that the endpoint takes, if any"
    )
    play_columns: dict[str, str] = Field(
        {}, description="column of plays → its name in your files, where they have others"
    )
    stream: str | None = Field(
        None, min_length=1, description="stands in for a playlist's missing stream (L1)"
    )
    station_zone: str = Field(
        "UTC",
        check=_zone,
        description="the IANA zone of a station's times without an offset (L4)",
    )

    play_processes: int | None = Field(
        None,
        ge=0,
        le=64,
        description="processes that judge plays beside the one that reads them, where there are"
        " many; one fewer than there are cores unless set",
    )

    @property
    def feeds(self) -> Path:
        """Where feeds are."""
        return self.root / "Feeds" if self.feeds_path is None else self.root / self.feeds_path

    @property
    def stack(self) -> Path:
        """Where Stack entries are."""
        return self.root / "Stack" if self.stack_path is None else self.root / self.stack_path

    @property
    def has_catalogue(self) -> bool:
        """Whether a catalogue is named, or lies in the site."""
        return self.database_url is not None or (self.root / "catalogue.db").is_file()

    @property
    def database(self) -> str:
        """The URL of the catalogue's database."""
        return self.database_url or f"sqlite:///{self.root / CATALOGUE}"

    @property
    def in_a_file(self) -> bool:
        """Whether the catalogue is the SQLite file in the root, since no URL says otherwise."""
        return self.database_url is None

    def but(self, **values: Any) -> Settings:
        """The same settings, but for these values, which are taken as they are."""
        return replace(self, **values)

    def strict_for(self, client: str) -> bool:
        """Whether a client's packages are read strictly."""
        return self.strict or client in self.strict_clients

    def knows(self, client: str) -> bool:
        """G3: whether a client's feeds are taken."""
        return not self.known_clients or client in self.known_clients


PLAYS = (
    "partner_id",
    "provider",
    "release_policy",
    "judge",
    "match_threshold",
    "format_id",
    "user_agent",
    "shop_ids",
    "permitted_shops",
    "permitted_countries",
    "endpoint_max_seconds",
    "play_columns",
    "stream",
    "station_zone",
    "play_processes",
)
"""The settings of the way out."""

DELIVERY = (
    "plays_path",
    "s3_bucket",
    "s3_prefix",
    "s3_write_only",
    "receipts_day",
    "receipts_null",
    "parcel_rows",
    "parcel_bytes",
    "kept_days",
    "keep_plays_days",
    "send_retry_seconds",
    "inbox_settle_seconds",
    "deliver_plays",
    "endpoint_url",
    "endpoint_consumer_key",
    "endpoint_country",
    "endpoint_in_doubt",
    "endpoint_index_base",
    "stream_zone",
    "playlist_dates",
    "playlist_offset",
    "playlist_ending",
)
"""The settings of delivery that may be flags."""

SECRETS = ("endpoint_consumer_secret",)
"""Never flags: every process of the machine may read another one's arguments."""


class Origin(NamedTuple):
    """A setting, its value, and where that came from."""

    name: str
    value: Any
    origin: str
    description: str


def declared() -> Mapping[str, Setting]:
    """Name → setting, in the order in which they are shown; ``root`` is the first."""
    return settings_of(Settings)


def find_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` that holds ``feedengine.toml``.

    Raises `UsageError` when there is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise UsageError(
        "no feedengine.toml here or above", "name the ROOT, or make one with `feedengine init`"
    )


def _from_file(root: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads((root / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE} is not TOML: {error}", "correct the line named") from None


def _from_environment() -> dict[str, Any]:
    found = {}
    for name, text in os.environ.items():
        if name.startswith(PREFIX):
            key = name.removeprefix(PREFIX).lower()
            found[key] = _shaped(key, text)
    return found


def _shaped(key: str, text: str) -> Any:
    """A variable's text: a list is written ``A,B``, a mapping ``A=1,B=2``."""
    setting = declared().get(key)
    kind = get_origin(setting.kind) if setting is not None else None
    if kind not in {tuple, dict}:
        return text
    parts = [one.strip() for one in text.split(",") if one.strip()]
    if kind is tuple:
        return parts
    return {name.strip(): value.strip() for name, _, value in (one.partition("=") for one in parts)}


def settings(root: Path | None = None, **flags: Any) -> Settings:
    """The settings for ``root``, or for the site the current folder is in; None is no flag.

    Raises `UsageError` for unknown keys and impossible values.
    """
    return _gathered(root, flags)[0]


def origins(root: Path | None = None, **flags: Any) -> list[Origin]:
    """Each setting with where its value came from; passwords in URLs are masked."""
    made, sources = _gathered(root, flags)
    found = []
    for name, setting in declared().items():
        origin = next((said for said, values in sources.items() if name in values), "default")
        value = getattr(made, name)
        if name == "database_url":
            value = masked(made.database)
        found.append(Origin(name, value, origin, setting.description))
    return found


def masked(url: str) -> str:
    """A database URL without its password."""
    if url.startswith("sqlite:///") and "?" not in url:
        return url  # a file's path; SQLAlchemy, which reads URLs, takes long to import
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    secret = {name: "***" for name in parsed.query if "pass" in name.lower()}
    return parsed.update_query_dict(secret).render_as_string(hide_password=True)


def _gathered(
    root: Path | None, flags: dict[str, Any]
) -> tuple[Settings, dict[str, dict[str, Any]]]:
    environment = _from_environment()
    where = root or (Path(environment["root"]) if "root" in environment else find_root(Path.cwd()))
    where = where.absolute()
    environment.pop("root", None)
    given = {name: value for name, value in flags.items() if value is not None}
    sources = {"flag": given, "environment": environment, FILE: _from_file(where)}
    for said, values in sources.items():
        for key in values:
            if key not in declared() or key == "root":
                _unknown(said, key)
    merged: dict[str, Any] = {}
    for values in reversed(sources.values()):
        merged.update(values)
    made = Settings(root=where, **{key: _value(key, merged[key]) for key in merged})
    sources["flag"] = {"root": where, **given} if root else given
    return made, sources


def _value(key: str, given: Any) -> Any:
    try:
        return read(declared()[key], given)
    except ValueError as error:
        raise UsageError(f"the setting {key}: {error}", "see `feedengine config`") from None


def _unknown(said: str, key: str) -> None:
    from difflib import get_close_matches

    known = [name for name in declared() if name != "root"]
    near = get_close_matches(key, known, 1)
    hint = f"{near[0]} is the nearest" if near else f"known: {', '.join(known)}"
    where = f"{PREFIX}{key.upper()}" if said == "environment" else quoted(key)
    raise UsageError(f"{where} ({said}) is no setting", hint)
