"""The nearest known word to one that a feed has written: for hints."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_WORD = 64
"""Longer words are slips of no known one; to compare them would cost time without end."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that differs least from ``word``, letter case aside; None where none is near.

    ``known`` are the few words of a declaration, never a feed's own.
    """
    return _nearest(word, tuple(known)) if len(word) <= LONGEST_WORD else None


@lru_cache(maxsize=1024)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    """The same; a producer repeats its mistakes."""
    lower = {one.lower(): one for one in known}
    near = get_close_matches(word.lower(), lower, 1)
    return lower[near[0]] if near else None
