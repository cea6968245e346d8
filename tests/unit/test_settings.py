"""A setting's value is what its type and bounds say, or it is refused with what is wanted."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from feedengine import config
from feedengine.config import Settings, declared
from feedengine.errors import UsageError
from feedengine.setting import Secret


def made(name: str, value: Any) -> Any:
    """The value of a setting that was given so."""
    return getattr(config.settings(Path("/"), **{name: value}), name)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own settings."""
    monkeypatch.setattr(config, "_from_environment", dict)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("strict", True, True),
        ("strict", "yes", True),
        ("strict", "0", False),
        ("batch_packages", 7, 7),
        ("batch_packages", " 7 ", 7),
        ("batch_packages", 7.0, 7),
        ("keep_logs_days", "0", 0),
        ("grace_seconds", 3, 3.0),
        ("grace_seconds", "0.5", 0.5),
        ("database_url", "x", "x"),
        ("feeds_path", "a/b", Path("a/b")),
        ("feeds_path", Path("a"), Path("a")),
        ("late_feeds", "refuse", "refuse"),
        ("endpoint_index_base", "1", 1),
        ("known_clients", ["A", "B"], ("A", "B")),
        ("permitted_shops", ("1", 2), (1, 2)),
        ("permitted_countries", ["gb", "UK"], ("GB", "GB")),
        ("shop_ids", {"gb": "34"}, {"GB": 34}),
        ("play_columns", {"trackid": "song"}, {"trackid": "song"}),
        ("station_zone", "America/New_York", "America/New_York"),
        ("endpoint_consumer_secret", "hush", Secret("hush")),
        ("endpoint_consumer_secret", Secret("hush"), Secret("hush")),
    ],
)
def test_a_value_is_read_by_its_type(name: str, given: Any, value: Any) -> None:
    """From text, as variables and flags have it, and from what TOML and Python have."""
    found = made(name, given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("strict", "maybe", "true or false is wanted"),
        ("strict", 2, "true or false is wanted"),
        ("batch_packages", 0, "at least 1 is wanted"),
        ("batch_packages", 100_001, "at most 100000 is wanted"),
        ("batch_packages", 1.5, "a whole number is wanted"),
        ("batch_packages", True, "a whole number is wanted"),
        ("batch_packages", "1e3", "a whole number is wanted"),
        ("grace_seconds", "nan", "a number is wanted"),
        ("grace_seconds", "inf", "a number is wanted"),
        ("grace_seconds", True, "a number is wanted"),
        ("grace_seconds", [], "a number is wanted"),
        ("hold_share", 1.5, "at most 1 is wanted"),
        ("database_url", 5, "text is wanted"),
        ("feeds_path", 5, "text is wanted"),
        ("late_feeds", "never", "warn or refuse is wanted"),
        ("endpoint_index_base", True, "0 or 1 is wanted"),
        ("known_clients", "A", "a list is wanted"),
        ("permitted_shops", ["x"], "a whole number is wanted"),
        ("permitted_countries", ["ZZ"], "alpha-2 code is wanted, such as GB; all are permitted"),
        ("permitted_countries", ["WW"], "alpha-2 code is wanted, such as GB; all are permitted"),
        ("shop_ids", ["GB"], "a table of names and values is wanted"),
        ("shop_ids", {"ZZ": 1}, "ISO 3166-1"),
        ("partner_id", "9a", "text like"),
        ("endpoint_country", "G", "at least 2 characters"),
        ("endpoint_country", "GBR", "at most 2 characters"),
        ("user_agent", "", "at least 1 characters"),
        ("station_zone", "Mars/Olympus", "no IANA time zone"),
        ("station_zone", "../../etc/passwd", "no IANA time zone"),
    ],
)
def test_what_cannot_be_is_refused(name: str, given: Any, wanted: str) -> None:
    """The message names the setting and says what is wanted."""
    with pytest.raises(UsageError) as caught:
        made(name, given)
    assert caught.value.message.startswith(f"the setting {name}: ")
    assert wanted in caught.value.message


def test_defaults_are_what_their_types_say() -> None:
    """Every default would be taken if it were given."""
    for name, one in declared().items():
        if name != "root" and one.default is not None:
            assert made(name, one.default) == one.default


def test_settings_are_frozen_and_share_nothing() -> None:
    """Values are made once; a change makes another value."""
    settings, other = Settings(root=Path("a")), Settings(root=Path("b"))
    with pytest.raises(FrozenInstanceError):
        settings.strict = True  # type: ignore[misc]
    assert settings.but(strict=True).strict
    assert not settings.strict
    assert settings.shop_ids is not other.shop_ids


def test_a_secret_is_not_shown() -> None:
    """Neither in a text, nor in what a defect would print."""
    given = {"endpoint_consumer_secret": "hush-hush"}
    settings = config.settings(Path("/"), **given)
    assert settings.endpoint_consumer_secret is not None
    assert settings.endpoint_consumer_secret.reveal() == "hush-hush"
    assert "hush" not in f"{settings} {settings!r} {settings.endpoint_consumer_secret}"
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
