"""The faults of one package: so many of each severity are kept, all are counted (section 6).

A hostile package has a fault in every element. Who reads it stops collecting where nobody would
read on, but an error behind a thousand warnings still makes the package fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.errors import Fault
from feedengine.model.codes import severity_of

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_FINDINGS = 1000
"""How many findings of a package are told unless the operator says otherwise."""


class Faults(list[Fault]):
    """Faults in the order found: of errors and of warnings the first ``most`` each.

    ``errors`` and ``warnings`` count all of them.
    """

    def __init__(self, found: Iterable[Fault] = (), most: int = MOST_FINDINGS) -> None:
        """Begin with these."""
        self.most = most
        self.errors = 0
        self.warnings = 0
        if found:  # mostly there is nothing to find
            self.extend(found)

    def __reduce__(self) -> tuple[Any, ...]:
        """With its counts: those that were only counted are no items."""
        return _again, (list(self), self.most, self.errors, self.warnings)

    @property
    def total(self) -> int:
        """How many there are, kept or not."""
        return self.errors + self.warnings

    @property
    def full(self) -> bool:
        """Whether further errors are only counted: nobody need find words for them."""
        return self.errors >= self.most

    def append(self, fault: Fault) -> None:
        """Count a fault, and keep it while there is room for its severity."""
        if severity_of(fault) == "error":
            self.errors += 1
            kept = self.errors <= self.most
        else:
            self.warnings += 1
            kept = self.warnings <= self.most
        if kept:
            super().append(fault)

    def extend(self, found: Iterable[Fault]) -> None:
        """Add faults, also those that others have only counted."""
        for fault in found:
            self.append(fault)
        if isinstance(found, Faults):
            kept = sum(severity_of(fault) == "error" for fault in found)
            self.errors += found.errors - kept
            self.warnings += found.warnings - (len(found) - kept)

    def told(self) -> list[Fault]:
        """The first ``most``, errors before warnings; the last says how many are not told."""
        if self.total <= self.most:
            return list(self)
        errors = [severity_of(fault) == "error" for fault in self]
        numbers = sorted(range(len(self)), key=lambda number: not errors[number])[: self.most]
        last = max(numbers)
        told = [self[number] for number in sorted(numbers)]
        more = self.total - self.most
        wrong = self.errors - sum(errors[number] for number in numbers)
        counted = f"{more} findings more, {wrong} of them errors"
        told[-1] = self[last]._replace(message=f"{self[last].message} (and {counted})")
        return told


def _again(kept: list[Fault], most: int, errors: int, warnings: int) -> Faults:
    """What another process has found."""
    found = Faults(most=most)
    list.extend(found, kept)
    found.errors, found.warnings = errors, warnings
    return found
