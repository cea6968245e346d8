"""What a file of plays is, by its name's end."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["jsonl", "json", "csv", "tsv", "parquet"]

_KINDS: dict[str, Kind] = {**{kind: kind for kind in get_args(Kind)}, "txt": "tsv"}
_CODECS = {"gz": "gzip", "zst": "zstd"}

KINDS_SAID = "kinds are " + ", ".join(_KINDS) + ", each also with .gz or .zst"
"""For people whose file is none."""


def kind_of(name: str) -> tuple[Kind, str | None] | None:
    """How a file of this name is written, ``plays.csv.gz`` for instance, or None."""
    parts = name.lower().split(".")
    codec = _CODECS.get(parts[-1])
    if codec is not None:
        parts.pop()
    kind = _KINDS.get(parts[-1])
    return None if kind is None else (kind, codec)
