"""Inputs in portions that can be read side by side: stretches of Parquet, or whole files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from feedengine.plays.columnar import read_stretch, stretch_sizes
from feedengine.plays.job import Job
from feedengine.plays.numbering import Numbered, numbered, with_ids
from feedengine.plays.seen import Numbers
from feedengine.plays.sources import Meter, Source, plays_about


class Portion(NamedTuple):
    """A stretch of a source's row groups (None: all of it), and how many plays it has, about."""

    source: Source
    stretch: int | None
    plays: int


def portions(found: Sequence[Source]) -> list[Portion]:
    """All that these sources hold, in its order."""
    return [portion for source in found for portion in _portions(source)]


def _portions(source: Source) -> list[Portion]:
    if source.kind == "parquet" and source.codec is None and source.path is not None:
        sizes = stretch_sizes(source.path)
        if len(sizes) > 1:
            return [Portion(source, number, plays) for number, plays in enumerate(sizes)]
    return [Portion(source, None, plays_about([source]))]


def numbered_portion(
    portion: Portion, job: Job, meter: Meter, numbers: Numbers
) -> Iterator[Numbered]:
    """The batches of a portion; of a stretch raises whatever is wrong with it.

    ``numbers`` are the ids that were given to rows without one in the stretches before it.
    """
    source, stretch = portion.source, portion.stretch
    if stretch is None or source.path is None:
        yield from numbered([source], job, meter)
        return
    for raw in read_stretch(source.path, source.name, job.naming, stretch):
        yield with_ids(raw, job, numbers)
