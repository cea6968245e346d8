"""How deliveries stand, and settling by hand what only people can decide."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from feedengine.errors import RefusedError
from feedengine.model.instants import instant_text
from feedengine.plays.deliver import Site
from feedengine.plays.diary import inbox_status
from feedengine.plays.turn import delivering
from feedengine.store import parcels
from feedengine.store.database import reading, writing
from feedengine.store.pages import asked
from feedengine.store.parcels import Parcel

Release: TypeAlias = Literal["arrived", "missing", "drop"]


def status(site: Site, limit: int = 20) -> dict[str, Any]:
    """By way out what was delivered; what waits, is in doubt or needs people, newest first.

    And how the inbox stands (`diary.inbox_status`).
    """
    with reading(site.database) as connection:
        sums = asked(
            connection,
            "SELECT way, status, count(*), sum(plays), max(delivered_at) FROM parcel"
            " GROUP BY way, status ORDER BY way, status",
        )
        ways = [
            {"way": way, "status": word, "parcels": count, "plays": int(plays), "last": last}
            for way, word, count, plays, last in sums
        ]
        where = "status IN ('prepared', 'sending', 'in-doubt', 'conflict')"
        open_ = parcels.parcels_where(connection, where, order="id DESC", limit=limit)
        where = "status = 'delivered'"
        last = parcels.parcels_where(connection, where, order="id DESC", limit=limit)
        refused = list(
            asked(
                connection,
                "SELECT code, reason, count(*) FROM play_refusal GROUP BY code, reason"
                f" ORDER BY 3 DESC, 1, 2 LIMIT {limit}",
            )
        )
    return {
        "ways": ways,
        "open": [_shown(one) for one in open_],
        "delivered": [_shown(one) for one in last],
        "refused": [{"code": code, "reason": why, "plays": n} for code, why, n in refused],
        "inbox": inbox_status(site.settings, site.now()),
    }


def _shown(parcel: Parcel) -> dict[str, Any]:
    names = ("id", "way", "key", "status", "plays", "size", "recorded_at", "attempted_at")
    return {name: getattr(parcel, name) for name in (*names, "delivered_at", "message")}


def release(site: Site, number: int, word: Release) -> Parcel:
    """Settle by hand a parcel that is in doubt, in conflict, or waits (`status` shows its number).

    ``arrived``: it counts as delivered. ``missing``: it is sent again, as it is. ``drop``: it is
    given up, and its plays may leave in other parcels. Raises `RefusedError` for any other parcel.
    """
    with (
        delivering(site.settings.plays, site.database, site.said, site.pause),
        writing(site.database) as connection,
    ):
        parcel = parcels.parcel_of(connection, number)
        if parcel is None:
            raise RefusedError(f"there is no parcel {number}", "see `feedengine plays status`")
        was = ("in-doubt", "conflict") if word != "drop" else _OPEN
        values: dict[str, Any] = {"status": _RELEASED[word], "message": f"released: {word}"}
        if word == "arrived":
            values["delivered_at"] = instant_text(site.now())
        if not parcels.change(connection, number, was, values):
            message = f"parcel {number} is {parcel.status}: there is nothing to release"
            raise RefusedError(message, "only what is in doubt or in conflict, or waits with drop")
        return parcel._replace(**values)


_OPEN = ("in-doubt", "conflict", "prepared", "sending")
_RELEASED: dict[Release, str] = {"arrived": "delivered", "missing": "prepared", "drop": "dropped"}
