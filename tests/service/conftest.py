"""What the service's tests share."""

from __future__ import annotations

import pytest

from feedengine.service import patience, watching


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for longer than it must."""
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(watching, "BREATH_SECONDS", 0.05)
