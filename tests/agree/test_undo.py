"""Undo against what would have been: random feeds, taken back (H2)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.errors import RefusedError
from feedengine.exporting import export_jsonl
from feedengine.store.database import reading
from feedengine.undoing import DependsError, undo
from feedengine.upkeep import check, rebuild

from .memory import MemorySite
from .packages import PRELUDE, Package, sequences, to_xml
from .test_model import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from databases import Databases


pytestmark = pytest.mark.usefixtures("on_both")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Iterator[MemorySite]:
    """One catalogue for all examples."""
    folder = tmp_path_factory.mktemp("undo")
    made = MemorySite(folder, on_both.url(folder))
    yield made
    made.database.dispose()


FEEDS = st.lists(sequences(max_size=6), min_size=1, max_size=4)
"""Feeds, each of some packages; the prelude that sequences may begin with is in any of them."""


class Made(NamedTuple):
    """What feeds have come to."""

    export: bytes
    statuses: list[str]


def exported(site: MemorySite) -> bytes:
    """The export of the catalogue."""
    out = io.BytesIO()
    with reading(site.database) as connection:
        export_jsonl(connection, out)
    return out.getvalue()


def made(site: MemorySite, feeds: Sequence[Sequence[Package]]) -> Made:
    """Apply feeds to an empty catalogue."""
    site.empty()
    statuses = []
    for number, feed in enumerate(feeds):
        documents = [to_xml(package) for package in feed]
        statuses += [one.status for one in site.apply(documents, feed=str(number))]
    return Made(exported(site), statuses)


def undone(site: MemorySite, run: int) -> str:
    """Undo a run: "undone", "depends", or "nothing" where it applied nothing."""
    try:
        undo(site.database, run)
    except DependsError as error:
        return "depends" if error.dependents else "no reason"
    except RefusedError as error:
        return "nothing" if "was applied" in error.message else error.message
    return "undone"


@QUIET
@given(feeds=FEEDS)
def test_the_last_feed_leaves_no_trace(site: MemorySite, feeds: list[list[Package]]) -> None:
    """H2: export is that of before, byte for byte; every rule holds; history gives every row."""
    before = made(site, [list(PRELUDE), *feeds[:-1]])
    site.apply([to_xml(package) for package in feeds[-1]], feed="last")
    assert undone(site, len(feeds) + 1) in {"undone", "nothing"}
    assert exported(site) == before.export
    assert check(site.database) == []
    tables = site.tables()
    rebuild(site.database)
    assert site.tables() == tables


@QUIET
@given(feeds=FEEDS, at=st.integers(0, 3))
def test_an_earlier_feed_is_as_if_it_never_was(
    site: MemorySite, feeds: list[list[Package]], at: int
) -> None:
    """H2: refused, or what all the others give, where they come to the same without it."""
    feeds = [list(PRELUDE), *feeds]
    at = min(at + 1, len(feeds) - 1)
    others = [*feeds[:at], *feeds[at + 1 :]]
    without = made(site, others)
    whole = made(site, feeds)
    begin = sum(len(feed) for feed in feeds[:at])
    kept = whole.statuses[:begin] + whole.statuses[begin + len(feeds[at]) :]
    became = undone(site, at + 1)
    assert became in {"undone", "nothing", "depends"}
    assert check(site.database) == []
    if became == "undone" and kept == without.statuses:
        assert exported(site) == without.export
    elif became != "undone":
        assert exported(site) == whole.export
