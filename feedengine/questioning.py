"""Questions as programs ask them: texts, instants and columns of both, turned into codes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feedengine import asking
from feedengine.errors import UsageError
from feedengine.plays.facts import Facts
from feedengine.plays.permits import PLACES
from feedengine.plays.present import ANY
from feedengine.plays.timeline import Codes, Instants, micros

Texts: TypeAlias = pa.Array | pa.ChunkedArray | Sequence[str | None]
"""A column of text."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLION = 1_000_000
_TEXT = pa.string()


def column(given: Texts) -> pa.Array:
    """A column of text in one piece."""
    if isinstance(given, pa.ChunkedArray):
        given = given.combine_chunks()
    return pc.cast(given, pa.string()) if isinstance(given, pa.Array) else pa.array(given, _TEXT)


def of_length(count: int, found: pa.Array, name: str) -> pa.Array:
    """The column; raises `UsageError` unless it has so many rows."""
    if len(found) != count:
        raise UsageError(f"{name} has {len(found)} rows, tracks has {count}", "give one for each")
    return found


def releases_of(facts: Facts, count: int, on: pa.Array | None) -> Codes:
    """The releases of these ids; NULL, and no column, is `ANY`."""
    if on is None:
        return np.full(count, ANY, np.int32)
    codes = facts.releases.of_id(on)
    codes[on.is_null().to_numpy(zero_copy_only=False)] = ANY
    return codes


def countries_of(count: int, given: str | Texts) -> Codes:
    """One country for all, or one for each; raises `UsageError` for what is none."""
    if isinstance(given, str):
        return np.full(count, country_place(given), np.int32)
    encoded = of_length(count, column(given), "country").dictionary_encode()
    if encoded.null_count:
        raise UsageError("country has rows without one", "give one for each track")
    codes = [country_place(name) for name in encoded.dictionary.to_pylist()]
    found: Codes = np.array(codes, np.int32)[encoded.indices.to_numpy()]
    return found


def country_place(text: str) -> int:
    """The code of a country, however it is spelled; raises `UsageError` for what is none (P18)."""
    place = PLACES.get(text)
    return PLACES[asking.country_of(text)] if place is None else place


def instants_of(count: int, given: Any) -> Instants:
    """One instant for all, or a column of timestamps; raises `UsageError` for what is none."""
    if given is None or isinstance(given, str | datetime):
        return np.full(count, micros_of(given), np.int64)
    moments = given.combine_chunks() if isinstance(given, pa.ChunkedArray) else given
    of_length(count, moments, "at")
    if not pa.types.is_timestamp(moments.type) or moments.null_count:
        raise UsageError("at is no column of instants", "give timestamps, none of them NULL")
    found: Instants = pc.cast(moments.cast(pa.timestamp("us", "UTC")), pa.int64()).to_numpy()
    return found


def micros_of(at: str | datetime | None) -> int:
    """Microseconds since 1970 UTC; None is now."""
    if at is None:
        return time.time_ns() // 1000
    return _of_text(at) if isinstance(at, str) else _of_moment(at)


def _of_moment(at: datetime) -> int:
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * _MILLION + since.microseconds


@lru_cache(maxsize=1024)
def _of_text(at: str) -> int:
    return int(micros(pa.array([asking.instant_of(at)]))[0])


def text_of(at: int) -> str:
    """The canonical text of microseconds since 1970 UTC."""
    return f"{np.datetime64(at, 'us')}Z"
