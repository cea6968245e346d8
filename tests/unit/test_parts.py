"""`make test` runs every folder of tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_folder_of_tests_stands_in_one_part() -> None:
    """A new folder that nobody runs would be green for ever."""
    spec = importlib.util.spec_from_file_location("parts", TESTS / "parts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folders = sorted(
        {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    )
    assert sorted(folder for part in module.PARTS for folder in part) == folders
