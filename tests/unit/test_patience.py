"""Trying again: for how long, and what is said."""

from __future__ import annotations

import pytest

from feedengine import patience
from feedengine.errors import PassingError, ServiceError
from feedengine.patience import patiently


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        """It is some time."""
        self.now = 100.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that nobody waits for."""
    made = Clock()
    monkeypatch.setattr(patience.time, "monotonic", made.monotonic)
    monkeypatch.setattr("tenacity.nap.time.sleep", made.sleep)
    return made


class Failing:
    """Fails as often as it is told to, each time after some seconds and some packages."""

    def __init__(self, clock: Clock, times: int, *, lasting: float = 0.0, done: int = 0) -> None:
        """Fail so many times."""
        self.clock = clock
        self.left = times
        self.lasting = lasting
        self.each = done
        self.done = 0

    def __call__(self) -> str:
        """Fail, or answer."""
        self.clock.sleep(self.lasting)
        self.done += self.each
        if self.left:
            self.left -= 1
            raise PassingError("gone")
        return "here"


def test_what_passes_is_waited_for(clock: Clock) -> None:
    """Failures are borne for the seconds given, and told of once."""
    heard: list[str] = []
    failing = Failing(clock, 5)
    assert patiently(failing, 30, lambda: 0, heard.append) == "here"
    assert heard == ["gone; trying again for 30 seconds"]


def test_what_lasts_is_raised(clock: Clock) -> None:
    """After the seconds given the failure goes to whoever asked."""
    with pytest.raises(PassingError, match="gone"):
        patiently(Failing(clock, 10**6), 30, lambda: 0, lambda _: None)
    assert 130 <= clock.now <= 130 + patience.LONGEST_WAIT_SECONDS


def test_each_spell_has_its_own_time(clock: Clock) -> None:
    """A run of hours that loses its database now and then goes on: something was done between."""
    heard: list[str] = []
    failing = Failing(clock, 9, lasting=3600, done=1)
    assert patiently(failing, 30, lambda: failing.done, heard.append) == "here"
    assert len(heard) == 9


def test_what_does_not_pass_is_not_tried_again(clock: Clock) -> None:
    """A full disk is the operator's at once."""

    def full() -> None:
        raise ServiceError("disk full")

    with pytest.raises(ServiceError, match="disk full"):
        patiently(full, 30, lambda: 0, lambda _: None)
    assert clock.now == 100.0
