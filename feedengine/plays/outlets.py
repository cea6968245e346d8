"""Where the plays of each format leave, when nobody says it: as the settings do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.plays.deliver import To
    from feedengine.plays.frames import FormatName

FORMS: tuple[FormatName, ...] = ("receipts", "endpoint", "playlist")
"""In the order in which a round takes them."""


def outlet(settings: Settings, form: FormatName) -> To | None:
    """The way out of a format; None where none is set.

    With ``deliver_plays`` what has no other way goes into the folder.
    """
    if form == "endpoint":
        if settings.endpoint_url is not None:
            return "endpoint"
    elif settings.s3_bucket is not None:
        return "s3"
    return "folder" if settings.deliver_plays else None


def outlet_missing(form: FormatName) -> str:
    """What to say of plays that have no way out."""
    needed = "endpoint_url" if form == "endpoint" else "s3_bucket"
    return f"nothing says where {form} go: set {needed}, or deliver_plays = true for a folder"


def delivers(settings: Settings) -> bool:
    """Whether the service delivers: as ``deliver_plays`` says, else where a way out is set."""
    if settings.deliver_plays is not None:
        return settings.deliver_plays
    return settings.s3_bucket is not None or settings.endpoint_url is not None
