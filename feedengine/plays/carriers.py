"""What every way out has in common: how a parcel is sent, and what may come of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from feedengine.errors import PassingError, ServiceError
from feedengine.store.parcels import Parcel

Outcome = Literal["delivered", "in-doubt", "refused", "conflict"]


class Refusal(NamedTuple):
    """An item that the recipient does not take: its row in the parcel from 0, code and reason."""

    row: int
    code: str
    reason: str


class Sent(NamedTuple):
    """What became of a parcel; refused without ``refusals``: the whole of it, for ``message``."""

    outcome: Outcome
    message: str = ""
    refusals: tuple[Refusal, ...] = ()


class NotSentError(ServiceError):
    """It is certain that nothing has arrived."""


class NotSentYetError(NotSentError, PassingError):
    """Nothing has arrived, and trying again within seconds may help."""


class Carrier(Protocol):
    """A way out.

    ``way`` names it in the ledger. ``repeatable``: to send a parcel twice does no harm, so one that
    may have arrived is simply sent again.
    """

    way: str
    repeatable: bool

    def begin(self, waiting: Sequence[Parcel], /) -> None:
        """Make ready before the first parcel; ``waiting`` may have been begun by a run before."""

    def send(self, parcel: Parcel, content: bytes, /) -> Sent:
        """Send a parcel, trying again where that may help.

        Raises `NotSentError` when it is certain that nothing has arrived, `ServiceError` else.
        """

    def there(self, parcel: Parcel, /) -> bool | None:
        """Whether a parcel has arrived; None when that cannot be told."""
