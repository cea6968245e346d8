"""How parcels of plays stand, and settling by hand what only people can decide."""

from __future__ import annotations

from typing import Annotated, Literal

from feedengine.cli import output
from feedengine.cli.options import (
    NO_DELIVERY,
    AsJson,
    DeliveryFlags,
    Limit,
    Root,
    RunNumber,
    opened,
)
from feedengine.cli.parameters import Parameter
from feedengine.cli.plays_inbox import shown
from feedengine.cli.plays_out import site_of


def status(
    root: Root = None,
    *,
    limit: Limit = 20,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """How deliveries stand."""
    from feedengine.plays.settling import status as standing

    with opened(root, settings) as engine:
        found = standing(site_of(engine), limit)
    if as_json:
        output.document(found)
        return 0
    output.line(shown(found["inbox"]))
    for one in found["inbox"]["left"]:
        output.line(f"{one['name']} stays: {one['because']}")
    output.line()
    if not found["ways"]:
        output.line("nothing was delivered yet")
        return 0
    output.records(("way", "status", "parcels", "plays", "last"), found["ways"])
    if found["open"]:
        output.line()
        output.line("not delivered; settle by hand with: feedengine plays release ID --as …")
        output.records(("id", "status", "plays", "key", "message"), found["open"])
    if found["refused"]:
        output.line()
        output.records(("plays", "code", "reason"), found["refused"])
    if found["delivered"]:
        output.line()
        output.records(("id", "delivered_at", "plays", "key"), found["delivered"])
    return 0


def release(
    parcel: RunNumber,
    /,
    *,
    word: Annotated[
        Literal["arrived", "missing", "drop"], Parameter(name="--as", help="What is known of it.")
    ],
    root: Root = None,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """Settle a parcel by hand."""
    from feedengine.plays.settling import release as settle

    with opened(root, settings) as engine:
        found = settle(site_of(engine), parcel, word)
    if as_json:
        output.document({"id": found.id, "key": found.key, "status": found.status})
    else:
        output.line(f"parcel {found.id} ({found.key}) is {found.status}")
    return 0
