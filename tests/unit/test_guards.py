"""Which packages the guard against mass deletion looks at (G1)."""

from __future__ import annotations

import pytest

from feedengine.guards import _may_delete

FORM = '<xml><Schema action="{}"><Track><ID>1</ID></Track></Schema></xml>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("word", ["Delete", "delete", "DELETE", "dElEtE"])
def test_a_delete_is_looked_at_however_it_is_written(word: str, encoding: str) -> None:
    """P11, P12: letter case is free, and a package may be UTF-16."""
    assert _may_delete(FORM.format(word).encode(encoding))


def test_a_delete_may_be_written_in_references() -> None:
    """XML knows characters by number."""
    assert _may_delete(FORM.format("&#68;elete").encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_what_is_clearly_no_delete_is_passed_over(encoding: str) -> None:
    """Most packages are none."""
    assert not _may_delete(FORM.format("Upsert").encode(encoding))
