"""What is loaded for a batch is enough: all at once, and one by one, come to the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from feedengine.model.entities import table_of
from feedengine.model.ledger import Change
from feedengine.upkeep import check

from .sites import applied, deleted, edited, exported, listed, named, rows, site

if TYPE_CHECKING:
    from pathlib import Path

    from feedengine.engine import Engine

pytestmark = pytest.mark.usefixtures("on_both")

BASE = (
    named("Artist", "a"),
    named("Artist", "b"),
    named("Artist", "c"),
    named("Track", "t1"),
    named("Track", "t2"),
    named("Track", "t3", listed("Artists", "a", "b", "c")),
    named("Release", "r", listed("Tracks", "t1", "t2")),
    named("Release", "s"),
)

BATCHES: dict[str, tuple[str, ...]] = {
    "a track joins at the end": (edited("Track", "t3", listed("Releases", "r")),),
    "a track joins behind one that leaves for another release": (
        edited("Track", "t2", listed("Releases", "s")),
        edited("Track", "t3", listed("Releases", "r")),
    ),
    "a track joins before the last one leaves": (
        edited("Track", "t3", listed("Releases", "r")),
        edited("Track", "t2", listed("Releases", "s")),
    ),
    "a track joins behind one that is pulled": (
        edited("Track", "t2", "<Releases operator='Pull'><Release><ID>r</ID></Release></Releases>"),
        edited("Track", "t3", listed("Releases", "r")),
    ),
    "a track joins behind one that is deleted": (
        deleted("Track", "t2"),
        edited("Track", "t3", listed("Releases", "r")),
    ),
    "a track leaves and comes back": (
        edited("Track", "t1", listed("Releases", "s")),
        edited("Track", "t1", listed("Releases", "s", "r")),
    ),
    "a release's tracks are replaced before one joins": (
        edited("Release", "r", listed("Tracks", "t2")),
        edited("Track", "t3", listed("Releases", "r")),
    ),
    "an artist is deleted whom an object in the batch had": (
        edited("Track", "t3", "<Title>New</Title>"),
        deleted("Artist", "a"),
        edited("Track", "t1", listed("Artists", "a")),
    ),
    "an artist is named whom another object in the batch has": (
        edited("Track", "t3", "<Title>New</Title>"),
        edited("Track", "t1", listed("Artists", "b", "nobody")),
        edited("Track", "t2", listed("Artists", "c")),
    ),
    "a list loses its first item": (edited("Track", "t3", listed("Artists", "b", "c")),),
    "a list is turned around and grows": (
        edited("Track", "t3", listed("Artists", "c", "b", "a")),
        edited("Track", "t1", listed("Artists", "a")),
        edited("Track", "t1", listed("Artists", "b", "a", "c")),
    ),
}


def _told(engine: Engine) -> tuple[dict[str, list[Any]], bytes]:
    assert check(engine.database) == []
    found = rows(engine)
    tables = ("release_track", "track_artist")
    at = [column.name for column in table_of(Change).columns].index("changed_at")
    history = [(*row[:at], *row[at + 1 :]) for row in found["change"]]
    return {"change": history, **{name: found[name] for name in tables}}, exported(engine)


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_finds_what_each_of_its_packages_needs(tmp_path: Path, name: str) -> None:
    """P7: positions, links and refusals are those of packages that come one by one."""
    found = []
    for size in (1, 1000):
        engine = site(tmp_path / str(size), ("A", BASE), batch_packages=size)
        applied(engine, "A", *BATCHES[name])
        found.append(_told(engine))
    assert found[0] == found[1]


def test_what_is_delivered_again_leaves_no_trace_but_in_the_ledger(tmp_path: Path) -> None:
    """H1, P22: no difference, no row; not even the instant of the last change moves."""
    things = [thing.replace('"Create"', '"Upsert"') for thing in BASE]
    engine = site(tmp_path, ("A", things))
    before = rows(engine)
    run = applied(engine, "A", *things)
    assert (run.status, run.applied) == ("succeeded", len(things))
    assert rows(engine) == before


def test_another_client_that_says_the_same_becomes_the_last_writer(tmp_path: Path) -> None:
    """An Upsert sets ``client``, so this is a difference, and in history."""
    engine = site(tmp_path, ("A", BASE), ("B", [named("Track", "t1", action="Upsert")]))
    assert [row for row in rows(engine)["change"] if "B" in row and "t1" in row]


def test_a_nested_model_is_carried_out_where_all_else_is_the_same(tmp_path: Path) -> None:
    """P26: the track says nothing new, the artist inside it does."""
    nested = '<Artists><Artist action="Upsert"><ID>a</ID><Name>{}</Name></Artist></Artists>'
    engine = site(tmp_path, ("A", [named("Track", "t", nested.format("old"))]))
    applied(engine, "A", named("Track", "t", nested.format("new"), action="Upsert"))
    changes = [row for row in rows(engine)["change"] if '"name":"new"' in str(row)]
    assert len(changes) == 1
