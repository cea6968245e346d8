"""A player's raw log, seeded: what was played where and when, and some of it wrong.

Of a hundred plays some five are in a country that the track is not for, and three have one of the
faults that players make. Track and release ids are those of the provider.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from bench.world import (
    COUNTRIES,
    FIRST_RELEASE_REF,
    FIRST_TRACK_REF,
    LABEL_TRACKS,
    RELEASE_TRACKS,
    World,
)

NOW = "2025-11-01T00:00:00Z"
"""When plays are judged."""

_DAYS = 30
_GROUP = 100_000
_AGENTS = tuple(
    f"OrbitalTernPlayer/{n % 9}.{n % 7} (Linux; Android {n % 8 + 7})" for n in range(60)
)
_FAULTS = (
    ("userid", ""),
    ("endreason", "stopped"),
    ("datetimeplayed", "2024-01-01T00:00:00Z"),
    ("country", "xx"),
    ("trackid", "0"),
    ("useragent", None),
    ("id", "not-a-uuid"),
    ("shopid", "7"),
)


def make(path: Path, world: World, tracks: int, many: int, seed: int = 1) -> None:
    """Write so many plays of the first ``tracks`` as Parquet."""
    random = np.random.default_rng(seed)
    labels = -(-tracks // LABEL_TRACKS)
    permitted = np.array([world.countries_of(label) for label in range(labels)])
    writer = None
    for start in range(0, many, _GROUP):
        rows = _rows(random, min(_GROUP, many - start), tracks, permitted)
        writer = writer or parquet.ParquetWriter(path, rows.schema, compression="zstd")
        writer.write_table(rows)
    if writer is not None:
        writer.close()


def _rows(random: np.random.Generator, many: int, tracks: int, permitted: np.ndarray) -> pa.Table:
    number = (random.random(many) ** 2 * tracks).astype(
        np.int64
    )  # some are played more than others
    own = permitted[number // LABEL_TRACKS, random.integers(0, permitted.shape[1], many)]
    others = np.array(COUNTRIES)[random.integers(0, len(COUNTRIES), many)]
    country = np.where(random.random(many) < 0.95, own, others)
    now = np.datetime64(NOW[:-1], "ms")
    played = now - random.integers(3_600_000, _DAYS * 86_400_000, many).astype("timedelta64[ms]")
    logged = played + random.integers(0, 3_600_000, many).astype("timedelta64[ms]")
    columns = {
        "id": _uuids(random, many),
        "datetimelogged": np.datetime_as_string(logged, timezone="UTC"),
        "userid": _numbered("listener-", random.integers(0, 1_000_000, many)),
        "trackid": _numbered("", FIRST_TRACK_REF + number),
        "releaseid": _numbered("", FIRST_RELEASE_REF + number // RELEASE_TRACKS),
        "formatid": np.full(many, "55"),
        "datetimeplayed": np.datetime_as_string(played, timezone="UTC"),
        "totaltimeplayed": random.integers(1, 480, many),
        "useragent": np.array(_AGENTS)[random.integers(0, len(_AGENTS), many)],
        "transactionid": np.full(many, None),
        "partnerid": np.full(many, "12345"),
        "shopid": np.array(["34", "480"])[random.integers(0, 2, many)],
        "endreason": np.array(["naturalEnd", "userSkipped", "other"])[random.integers(0, 3, many)],
        "country": np.char.lower(country),
    }
    return _spoilt(random, columns, many)


def _uuids(random: np.random.Generator, many: int) -> list[str]:
    text = random.bytes(16 * many).hex()
    parts = (text[at : at + 32] for at in range(0, len(text), 32))
    return [f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in parts]


def _numbered(begin: str, numbers: np.ndarray) -> list[str]:
    return [f"{begin}{number}" for number in numbers.tolist()]


def _spoilt(random: np.random.Generator, columns: dict[str, object], many: int) -> pa.Table:
    """Three of a hundred rows get a fault each."""
    wrong = np.flatnonzero(random.random(many) < 0.03)
    faults = random.integers(0, len(_FAULTS), len(wrong))
    named = {}
    for name, values in columns.items():
        found = np.array(values, dtype=object)
        for at, (column, value) in enumerate(_FAULTS):
            if column == name:
                found[wrong[faults == at]] = value
        kind = pa.int64() if name == "totaltimeplayed" else pa.string()
        named[name] = pa.array(found, kind)
    return pa.table(named)
