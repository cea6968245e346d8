"""Settings handed to a child by a pipe: whole, wherever they came from."""

from __future__ import annotations

import json
from typing import Any

from feedengine import setting
from feedengine.config import Settings, declared
from feedengine.setting import Secret


def written(settings: Settings) -> bytes:
    """Settings as a line for a child; secrets too, so it is for nobody else."""

    def plain(value: Any) -> str:
        return value.reveal() if isinstance(value, Secret) else str(value)

    values = {name: getattr(settings, name) for name in declared()}
    return json.dumps(values, default=plain).encode() + b"\n"


def read(line: bytes) -> Settings:
    """What `written` has written."""
    values = json.loads(line)
    return Settings(**{name: setting.read(declared()[name], one) for name, one in values.items()})
