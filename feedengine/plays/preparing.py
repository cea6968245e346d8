"""Play logs judged for a site's way out: the step that prepare, deliver and resubmit begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from feedengine.plays.checking import check
from feedengine.plays.consulting import consulted
from feedengine.plays.deliver import Site, To, way_known
from feedengine.plays.moments import micros_of
from feedengine.plays.rejudging import corrected_rows, judge_for
from feedengine.plays.resubmit import Resubmitted, resubmit

if TYPE_CHECKING:
    from feedengine.plays.frames import Counts, FormatName
    from feedengine.plays.judging import Judged
    from feedengine.plays.notices import Notice
    from feedengine.plays.sources import Meter


@dataclass(frozen=True, slots=True)
class Logs:
    """What is judged: files, folders or ``-``; ``kind`` stands for their extensions.

    Without ``availability`` L12 is left out.
    """

    inputs: Sequence[str | Path]
    kind: str | None = None
    availability: bool = True


def judge_into(
    site: Site,
    logs: Logs,
    out: Path,
    form: FormatName,
    to: To | None = None,
    told: Callable[[Judged, Meter], None] = lambda _one, _meter: None,
) -> Counts:
    """Judge by format, catalogue and ledger; ``out`` takes what `checking.check` leaves.

    What has left by the way out ``to`` is told apart. Raises `UsageError` and `ServiceError`.
    """
    way = way_known(site.settings, to, form)
    with consulted(
        site.settings, site.database, form, way=way, availability=logs.availability
    ) as who:
        counts = check(
            logs.inputs,
            site.settings,
            form=form,
            kind=logs.kind,
            now=micros_of(site.now()),
            consulted=who,
            out=out,
            told=told,
        )
    # What follows takes memory of its own, and would have to take it beside what lies idle here.
    pa.default_memory_pool().release_unused()
    return counts


def resubmitted(
    site: Site, notice: Notice, *, to: To | None = None, corrected: Sequence[str | Path] = ()
) -> Resubmitted:
    """Judge again and send again what a notice names; ``corrected`` logs hold better rows.

    Raises `UsageError` when the notice names what was not delivered by this way out.
    """
    better = corrected_rows(corrected, site.settings) if corrected else None
    with consulted(site.settings, site.database, "receipts") as who:
        judge = judge_for(site.settings, who)
        return resubmit(site, notice, judge, to=to, corrected=better)
