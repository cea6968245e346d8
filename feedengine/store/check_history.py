"""What holds of history: its numbering, and that each row can follow the one before it.

Each check yields a plain sentence for everything that does not hold (`feedengine.upkeep.check`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from feedengine.catalogue.asof import LINK
from feedengine.catalogue.objects import from_json, link_document, link_ends, to_json
from feedengine.errors import quoted
from feedengine.model.entities import kinds
from feedengine.store.ledger import CHANGE
from feedengine.store.pages import asked, pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection


def numbering(connection: Connection) -> Iterator[str]:
    """H1: ``seq`` without gaps on SQLite, one instant a package, and none before the last."""
    gapless = connection.dialect.name == "sqlite"
    last_seq, last_package, last_at = 0, 0, ""
    for page in pages(connection, CHANGE, ("seq", "package_id", "changed_at")):
        for seq, package, at in page:
            if gapless and seq != last_seq + 1:
                yield f"change {seq} follows {last_seq}: numbers are missing"
            if at < last_at:
                yield f"change {seq} has an earlier changed_at than the one before"
            if package < last_package:
                yield f"change {seq} is of an earlier package than the one before"
            if package == last_package and at != last_at:
                yield f"change {seq} has another changed_at than its package"
            last_seq, last_package, last_at = seq, package, at


def packages(connection: Connection) -> Iterator[str]:
    """P9: every change belongs to a package that was applied."""
    text = (
        "SELECT c.seq, c.package_id, p.status FROM change c"
        " LEFT JOIN package_run p ON p.id = c.package_id"
        " WHERE p.status IS NULL OR p.status <> 'applied' ORDER BY c.seq"
    )
    for seq, package, status in asked(connection, text):
        what = f"which is {status}" if status is not None else "which is not there"
        yield f"change {seq} belongs to package_run {package}, {what}, not applied"


_STORY = ("entity", "entity_id", "seq")
_COLUMNS = (*_STORY, "action", "document")


def stories(connection: Connection) -> Iterator[str]:
    """H1: each object is created, updated with a difference, deleted, and created anew."""
    before: tuple[str, str, str | None] = ("", "", None)
    for page in pages(connection, CHANGE, _COLUMNS, key=_STORY):
        for entity, name, seq, action, document in page:
            who = f"change {seq} of {entity} {quoted(name)}"
            earlier = before[2] if before[:2] == (entity, name) else None
            wanted = "delete" if document is None else "create" if earlier is None else "update"
            if action != wanted:
                yield f"{who} says {quoted(action)}, where {wanted} would follow"
            if document == earlier:
                yield f"{who} makes no difference"
            if document is not None and document != _canonical(entity, name, document):
                yield f"{who} holds no canonical document of it"
            before = (entity, name, document)


def _canonical(entity: str, name: str, document: str) -> str | None:
    """The document as it should be written; None where it is none of this object."""
    try:
        if entity == LINK:
            return link_document(*link_ends(name), json.loads(document)["position"])
        thing = from_json(kinds()[entity], document)
        return to_json(thing) if thing.value("id") == name else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


HISTORY_CHECKS: tuple[Callable[[Connection], Iterator[str]], ...] = (numbering, packages, stories)
"""In the order in which they are told."""
