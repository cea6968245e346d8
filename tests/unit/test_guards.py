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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("word", ["&#68;elete", "&#x20;delete", "D&#101;lete", "de&#x6c;ete"])
def test_a_delete_may_be_written_in_references(word: str, encoding: str) -> None:
    """XML knows characters by number."""
    assert _may_delete(FORM.format(word).encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize(
    "given", ["action='delete'", 'operator = "delete"', 'action\n=\n"\tdelete "']
)
def test_a_delete_may_stand_in_other_quotes_and_blanks(given: str, encoding: str) -> None:
    """P12, and XML's own freedom."""
    assert _may_delete(FORM.replace('action="{}"', given).encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_what_is_clearly_no_delete_is_passed_over(encoding: str) -> None:
    """Most packages are none."""
    text = FORM.format("Upsert").replace("</Track>", "<Title>=delete 'delete'</Title></Track>")
    assert not _may_delete(text.encode(encoding))
