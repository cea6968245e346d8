"""The tables as values say what the SQLModel classes declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine import declarations
from feedengine.model import ledger, parcels, tables
from feedengine.model.entities import table_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_generated_module_has_not_drifted() -> None:
    """A declaration that is changed is written out anew: `make docs`."""
    assert declarations.PLACE.read_text("utf-8") == declarations.text()


def test_every_column_is_what_sqlalchemy_has() -> None:
    """Names, keys, NULLs and what is referred to, of every table."""
    for module in (tables, ledger, parcels):
        for one in vars(module).values():
            if isinstance(one, type) and hasattr(one, "__table__"):
                real, ours = one.__table__, table_of(one)
                assert ours.names == tuple(real.columns.keys())
                assert ours.key == tuple(column.name for column in real.primary_key.columns)
                nullable = [column.name for column in real.columns if column.nullable]
                assert [column.name for column in ours.columns if column.nullable] == nullable
                for column in ours.columns:
                    targets = {k.column.table.name for k in real.columns[column.name].foreign_keys}
                    assert targets == ({column.refers} if column.refers else set())


def test_drift_is_told_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--check`` writes nothing and fails; without it the module is written."""
    monkeypatch.setattr(declarations, "PLACE", tmp_path / "generated.py")
    assert declarations.main(["--check"]) == 1
    assert not declarations.PLACE.exists()
    assert declarations.main([]) == 0
    assert declarations.main(["--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "generated.py has drifted",
        "generated.py written",
    ]
