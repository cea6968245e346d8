"""The words in which `feedengine.model.tables` declares what is read from where.

A *path* names the XML that fills a column: ``Title``; ``Resolution|Resolutions/Height|Heigth`` (one
element inside another, each under any of its names, P15); ``Resource/@type`` (an attribute).
"""

from __future__ import annotations

from typing import Any

from sqlmodel import Field

from feedengine.model.scalars import ID, INTEGER, TEXT, Scalar
from feedengine.model.shapes import Listed, Read
from feedengine.model.sqltypes import SQL_TYPES

__all__ = ["Listed", "Read", "blob", "column", "derived", "element", "one", "position", "refers"]


def path_of(text: str) -> tuple[tuple[tuple[str, ...], ...], str | None]:
    """``a|b/c/@d`` → ``((("a", "b"), ("c",)), "d")``."""
    steps = text.split("/")
    attribute = steps.pop().removeprefix("@") if steps[-1].startswith("@") else None
    return tuple(tuple(step.split("|")) for step in steps), attribute


def _kept(scalar: Scalar, **info: Any) -> dict[str, Any]:
    """What SQLModel is told of a column's type, and what the column remembers of it."""
    return {
        "sa_type": SQL_TYPES[scalar.kept],
        "sa_column_kwargs": {"info": {"scalar": scalar, **info}},
    }


def element(path: str, scalar: Scalar = TEXT, *, required: bool = False, key: bool = False) -> Any:
    """A column read from ``path`` as ``scalar``; ``required`` for a complete model."""
    steps, attribute = path_of(path)
    return Field(
        default=... if required else None,
        primary_key=key,
        nullable=not required,
        **_kept(scalar, read=Read(steps, attribute, scalar, required)),
    )


def derived(source: str, scalar: Scalar = TEXT, *, index: bool = False) -> Any:
    """A column computed from the column ``source`` when that is read."""
    read = Read((), None, scalar, False, derived_from=source)
    return Field(default=None, index=index, **_kept(scalar, read=read))


def refers(table: str, *, key: bool = False, index: bool = False, optional: bool = False) -> Any:
    """A column that holds the id of a row of ``table``."""
    return Field(
        default=None if optional else ...,
        foreign_key=f"{table}.id",
        primary_key=key,
        index=index,
        nullable=optional,
        **_kept(ID),
    )


def one(path: str, table: str) -> Any:
    """A single nested model: the column holds its id (P43)."""
    steps, attribute = path_of(path)
    read = Read(steps, attribute, ID, False)
    return Field(
        default=None, foreign_key=f"{table}.id", index=True, **_kept(ID, read=read, one=True)
    )


def position() -> Any:
    """The place of a row in its owner's list, from 1."""
    return Field(primary_key=True, **_kept(INTEGER))


def column(scalar: Scalar = TEXT, *, key: bool = False, index: bool = False, **more: Any) -> Any:
    """A column the engine fills; ``default=None`` makes it optional."""
    more.setdefault("nullable", "default" in more and not key)
    return Field(primary_key=key, index=index, **_kept(scalar), **more)


def blob() -> Any:
    """A column of bytes, which only the engine writes and reads."""
    return Field(sa_type=SQL_TYPES["bytes"], nullable=False)
