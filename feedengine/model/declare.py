"""The words in which `feedengine.model.tables` declares what is read from where.

A *path* names the XML that fills a column: ``Title``; ``Resolution|Resolutions/Height|Heigth`` (one
element inside another, each under any of its names, P15); ``Resource/@type`` (an attribute).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import LargeBinary
from sqlmodel import Field

from feedengine.model.scalars import ID, INTEGER, TEXT, Scalar


class Read(NamedTuple):
    """What a column is read from; kept in the column's ``info`` under ``read``."""

    path: tuple[tuple[str, ...], ...]
    attribute: str | None
    scalar: Scalar
    required: bool
    derived_from: str | None = None


class Listed(NamedTuple):
    """A collection of an object, declared by the class of its rows.

    ``style``: ``child`` (rows of their own), ``named`` (children with free names, P15), ``link``
    (to another object), ``shared`` (the release–track link, seen from ``owner``).
    """

    owner: str
    name: str
    plural: str
    item: str
    style: str = "child"
    key: tuple[str, ...] = ()
    target: str | None = None
    bare: bool = False
    transparent: str | None = None
    one_of: tuple[str, ...] = ()


def path_of(text: str) -> tuple[tuple[tuple[str, ...], ...], str | None]:
    """``a|b/c/@d`` → ``((("a", "b"), ("c",)), "d")``."""
    steps = text.split("/")
    attribute = steps.pop().removeprefix("@") if steps[-1].startswith("@") else None
    return tuple(tuple(step.split("|")) for step in steps), attribute


def element(path: str, scalar: Scalar = TEXT, *, required: bool = False, key: bool = False) -> Any:
    """A column read from ``path`` as ``scalar``; ``required`` for a complete model."""
    steps, attribute = path_of(path)
    return Field(
        default=... if required else None,
        primary_key=key,
        nullable=not required,
        sa_type=scalar.sql,
        sa_column_kwargs={"info": {"read": Read(steps, attribute, scalar, required)}},
    )


def derived(source: str, scalar: Scalar = TEXT, *, index: bool = False) -> Any:
    """A column computed from the column ``source`` when that is read."""
    read = Read((), None, scalar, False, derived_from=source)
    return Field(
        default=None, index=index, sa_type=scalar.sql, sa_column_kwargs={"info": {"read": read}}
    )


def refers(table: str, *, key: bool = False, index: bool = False, optional: bool = False) -> Any:
    """A column that holds the id of a row of ``table``."""
    return Field(
        default=None if optional else ...,
        foreign_key=f"{table}.id",
        primary_key=key,
        index=index,
        nullable=optional,
        sa_type=ID.sql,
    )


def one(path: str, table: str) -> Any:
    """A single nested model: the column holds its id (P43)."""
    steps, attribute = path_of(path)
    read = Read(steps, attribute, ID, False)
    return Field(
        default=None,
        foreign_key=f"{table}.id",
        index=True,
        sa_type=ID.sql,
        sa_column_kwargs={"info": {"read": read, "one": table}},
    )


def position() -> Any:
    """The place of a row in its owner's list, from 1."""
    return Field(primary_key=True, sa_type=INTEGER.sql)


def column(scalar: Scalar = TEXT, *, key: bool = False, index: bool = False, **more: Any) -> Any:
    """A column the engine fills; ``default=None`` makes it optional."""
    more.setdefault("nullable", "default" in more and not key)
    return Field(primary_key=key, index=index, sa_type=scalar.sql, **more)


def blob() -> Any:
    """A column of bytes, which only the engine writes and reads."""
    return Field(sa_type=LargeBinary, nullable=False)
