"""What may stand where (protocol, sections 3 and 4): tables, no code but the reading of words.

A *mode* says under which action the content of a model is read:

* ``create``: under Create or Upsert, and in a nested model (which may have to be created, P43)
* ``update``: under Update
* ``view``: under View; nothing is done, so no sub-action may stand there (P24)
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

Mode: TypeAlias = Literal["create", "update", "view"]

PRIMARY = frozenset({"create", "update", "upsert", "delete", "view"})
HOLDING = frozenset({"push", "pull"})
ANNOUNCING = frozenset({"update", "transform", "placement"})
COUNTING = MappingProxyType({"increase": 1, "decrease": -1})
WORDS = PRIMARY | HOLDING | ANNOUNCING | COUNTING.keys()
UNKNOWN = "?"
"""Stands for a word that has its finding already."""

MODE_OF: MappingProxyType[str, Mode] = MappingProxyType(
    {"create": "create", "upsert": "create", "refer": "create", "update": "update", "view": "view"}
)

SCHEMA_VERSIONS = frozenset({"1.0"})
ROOTS = ("xml", "Package")
ACTION_ATTRIBUTES = frozenset({"action", "operator"})
SCHEMA_ATTRIBUTES = ACTION_ATTRIBUTES | {"version"}
OBJECT_ATTRIBUTES = ACTION_ATTRIBUTES | {"id"}
NESTED_ATTRIBUTES = OBJECT_ATTRIBUTES | {"src", "ref"}
SOURCED_ATTRIBUTES = ACTION_ATTRIBUTES | {"src", "ref"}


class Verdict(NamedTuple):
    """What becomes of a word in a place: taken, taken with a warning, or refused by a rule."""

    outcome: Literal["take", "lenient", "refuse"]
    rule: str
    hint: str = ""


TAKE = Verdict("take", "")
_UNDER_VIEW = Verdict("refuse", "P24", 'action="Update" on the object carries sub-actions out')
_LENIENT = Verdict("lenient", "P31", "only an Update needs sub-actions")
_NO_PULL = Verdict("refuse", "P31", 'action="Update" on the object allows Pull and Decrease')
_NESTED = Verdict("refuse", "P26", "a nested model may be created, upserted, pushed or pulled")

SUB_ACTIONS: MappingProxyType[tuple[Mode, str], Verdict] = MappingProxyType(
    {
        ("update", "push"): TAKE,
        ("update", "pull"): TAKE,
        ("update", "increase"): TAKE,
        ("update", "decrease"): TAKE,
        ("create", "push"): _LENIENT,
        ("create", "increase"): _LENIENT,
        ("create", "pull"): _NO_PULL,
        ("create", "decrease"): _NO_PULL,
        ("view", "push"): _UNDER_VIEW,
        ("view", "pull"): _UNDER_VIEW,
        ("view", "increase"): _UNDER_VIEW,
        ("view", "decrease"): _UNDER_VIEW,
    }
)
"""Sub-action by the mode around it (P24, P30, P31, P34)."""

NESTED_ACTIONS: MappingProxyType[tuple[Mode, str], Verdict] = MappingProxyType(
    {
        ("update", "create"): TAKE,
        ("update", "upsert"): TAKE,
        ("create", "create"): TAKE,
        ("create", "upsert"): TAKE,
        ("view", "create"): _UNDER_VIEW,
        ("view", "upsert"): _UNDER_VIEW,
    }
)
"""A nested model's own primary action by the mode around it (P26)."""


def verdict_on(mode: Mode, word: str) -> Verdict:
    """What becomes of a nested model's or item's ``word`` under ``mode``."""
    return SUB_ACTIONS.get((mode, word)) or NESTED_ACTIONS.get((mode, word)) or _NESTED
