"""Settings handed to a child by a pipe: whole, wherever they came from."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from feedengine.config import Settings


def written(settings: Settings) -> bytes:
    """Settings as a line for a child; secrets too, so it is for nobody else."""

    def plain(value: Any) -> str:
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    return json.dumps(settings.model_dump(), default=plain).encode() + b"\n"


def read(line: bytes) -> Settings:
    """What `written` has written."""
    return Settings(**json.loads(line))
