"""A feed that is taken again: what was applied is skipped, whatever else came or changed (P9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feedengine.applying import FeedApplier
from feedengine.engine import Engine
from feedengine.feeds.author import FeedWriter, new_feed
from feedengine.store import earlier
from feedengine.store.database import reading

from .sites import named, package

if TYPE_CHECKING:
    from pathlib import Path

    from feedengine.applying import Read

pytestmark = pytest.mark.usefixtures("on_both")


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the ledger come two at a time."""
    monkeypatch.setattr(earlier, "_ROWS", earlier._ROWS.replace(f"LIMIT {earlier.PAGE}", "LIMIT 2"))
    monkeypatch.setattr(earlier, "PAGE", 2)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that are parsed, in their order."""
    found: list[str] = []
    read = FeedApplier._read

    def remembered(applier: FeedApplier, path: str) -> Read:
        found.append(path)
        return read(applier, path)

    monkeypatch.setattr(FeedApplier, "_read", remembered)
    return found


def genre(number: int, name: str = "G") -> str:
    """A package that creates or updates a genre."""
    inside = f"<Source>{name}</Source>"
    return package(named("Genre", f"g{number}", inside, action="Upsert"))


def feed_of(root: Path, *packages: str, size: int = 3) -> tuple[Engine, FeedWriter]:
    """A site that has taken a feed of these packages, in batches of ``size``."""
    engine = Engine.init(root, batch_packages=size)
    feed = new_feed(root, "A")
    for one in packages:
        feed.add(one)
    return engine, taken(engine, feed)


def taken(engine: Engine, feed: FeedWriter) -> FeedWriter:
    """The feed once it was stacked, and all its packages applied or skipped."""
    feed.stack()
    assert engine.run().runs[-1].status == "succeeded"
    return feed


def statuses(engine: Engine) -> list[tuple[str, ...]]:
    """Status, kind, id and action of each package of the last run."""
    text = (
        "SELECT status, entity, entity_id, action FROM package_run"
        " WHERE feed_run_id = (SELECT max(id) FROM feed_run) ORDER BY id"
    )
    with reading(engine.database) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(text)]


def test_what_was_applied_is_skipped_without_being_parsed(
    tmp_path: Path, parsed: list[str]
) -> None:
    """P9: by path and digest; the ledger still says what each package is about."""
    engine, feed = feed_of(tmp_path, *map(genre, range(7)))
    assert len(parsed) == 7
    taken(engine, feed)
    assert len(parsed) == 7
    skipped = [("already-applied", "genre", f"g{number}", "upsert") for number in range(7)]
    assert statuses(engine) == skipped
    assert engine.run().runs == []


def test_what_changed_and_what_is_new_is_applied(tmp_path: Path, parsed: list[str]) -> None:
    """P9: one package is another by now, one stands in front of all others, one behind."""
    engine, feed = feed_of(tmp_path, *map(genre, range(5)))
    (feed.folder / "packages/03/package.xml").write_text(genre(2, "New"))
    feed.add(genre(7), "packages/00/package.xml")
    feed.add(genre(8), "packages/99/package.xml")
    parsed.clear()
    taken(engine, feed)
    assert parsed == [f"packages/{name}/package.xml" for name in ("00", "03", "99")]
    applied, skipped = "applied", "already-applied"
    wanted = [applied, skipped, skipped, applied, skipped, skipped, applied]
    assert [row[0] for row in statuses(engine)] == wanted


def test_any_earlier_run_counts(tmp_path: Path, parsed: list[str]) -> None:
    """P9: a package that went back to what it was is applied already."""
    engine, feed = feed_of(tmp_path, *map(genre, range(3)))
    first = feed.folder / "packages/01/package.xml"
    before = first.read_text()
    for text in (genre(0, "New"), before):
        first.write_text(text)
        parsed.clear()
        taken(engine, feed)
    assert parsed == []
    assert {row[0] for row in statuses(engine)} == {"already-applied"}


def test_what_was_undone_is_applied_anew(tmp_path: Path, parsed: list[str]) -> None:
    """H2: an undone run counts no longer, so its packages are parsed and applied."""
    engine, feed = feed_of(tmp_path, *map(genre, range(4)))
    engine.undo(1)
    parsed.clear()
    taken(engine, feed)
    assert len(parsed) == 4
    assert {row[0] for row in statuses(engine)} == {"applied"}


def test_a_package_that_reads_others_is_skipped_by_the_digest_of_all(
    tmp_path: Path, parsed: list[str]
) -> None:
    """P9: its own bytes do not say whether it is the same."""
    engine = Engine.init(tmp_path)
    feed = new_feed(tmp_path, "A")
    inside = '<Genres><Genre src="one.xml"/></Genres>'
    feed.add(package(named("Artist", "a", inside, action="Upsert")))
    feed.add(genre(1), "one.xml")
    taken(engine, feed)
    taken(engine, feed)
    assert [row[0] for row in statuses(engine)] == ["already-applied"]
    (feed.folder / "one.xml").write_text(genre(1, "New"))
    taken(engine, feed)
    assert [row[0] for row in statuses(engine)] == ["applied"]
    assert len(parsed) == 3
