"""What a batch asks of SQLite and writes: no more than it takes, in an order that is cheap."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from feedengine.store.database import reading

from .sites import applied, edited, listed, named, site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from feedengine.engine import Engine

pytestmark = pytest.mark.sqlite_alone("its statements and plans")

BASE = (named("Release", "r"), named("Track", "t", listed("Releases", "r")))
AGAIN = edited("Track", "t", listed("Releases", "r"))


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[str]]:
    """The statements that SQLite runs meanwhile, with their values."""
    seen: list[str] = []

    def traced(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(seen.append)

    engine.database.dispose()
    event.listen(engine.database, "connect", traced)
    yield seen
    event.remove(engine.database, "connect", traced)
    engine.database.dispose()


def test_a_tracks_links_are_read_from_their_index_alone(tmp_path: Path) -> None:
    """A track that is delivered again has its releases looked up, and nothing of them is new."""
    with site(tmp_path) as engine:
        applied(engine, "A", *BASE)
        with statements_of(engine) as seen:
            applied(engine, "A", AGAIN)
        asked = [text for text in seen if re.search(r"FROM .*release_track.*track_id = ", text)]
        assert asked
        with reading(engine.database) as connection:
            for text in asked:
                plan = str(list(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")))
                assert "USING COVERING INDEX ix_release_track_track" in plan


def test_a_run_is_kept_before_all_else_of_its_batch(tmp_path: Path) -> None:
    """A page that has left the cache and is written once more costs all that came after it."""
    with site(tmp_path) as engine:
        with statements_of(engine) as seen:
            applied(engine, "A", *BASE)
        kept = [at for at, text in enumerate(seen) if text.startswith("UPDATE feed_run SET stack")]
        rows = [at for at, text in enumerate(seen) if text.startswith("INSERT INTO package_run")]
        assert kept
        assert rows
        assert max(kept) < min(rows)
