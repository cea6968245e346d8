"""Cases of start-up and of answers: what the command costs at its least, and what a look-up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.cases import Case, Command
from bench.workshop import COMMAND, HERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.workshop import Workshop

_ONCE = (1,)


def starts(shop: Workshop, tracks: int) -> tuple[Case, ...]:
    """The interpreter alone, then the command at its smallest jobs."""

    def package(_: int) -> Command:
        feed = shop.feed("create", 0, 100)
        return COMMAND, "validate", feed.folder / "packages" / "000100" / "package.xml"

    def asked(*words: str) -> Callable[[int], Command]:
        return lambda _: (COMMAND, *words, "--root", shop.kept_site(tracks))

    return (
        Case("python -c pass", lambda _: (sys.executable, "-c", "pass"), _ONCE),
        Case("feedengine --help", lambda _: (COMMAND, "--help"), _ONCE),
        Case("feedengine validate PACKAGE", package, _ONCE),
        Case("feedengine status", asked("status"), _ONCE),
    )


def loops() -> tuple[Case, ...]:
    """What a second core gives to plain Python: the measure of what it can give to anybody."""

    def by(processes: int) -> Callable[[int], Command]:
        return lambda steps: (sys.executable, HERE / "loops.py", processes, steps)

    steps = (1_000_000, 11_000_000)
    return Case("one process", by(1), steps), Case("two at once", by(2), steps)


def answers(shop: Workshop, tracks: int) -> Case:
    """Availability answers from a warm catalogue, one by one, batched, and by the SQL view."""

    def command(many: int) -> Command:
        site = shop.kept_site(tracks)
        return sys.executable, HERE / "answers.py", site, tracks, many, shop.seed, shop.countries

    return Case(f"{tracks:,} tracks", command, (20_000,))
