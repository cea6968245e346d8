"""What two spellings of a title or a name have in common (L6): a whole column at a time.

Stations write titles by ear and by habit. What they change is letters' case, accents, punctuation,
``&`` for ``and``, and whether a guest is named. What is left of a text without these is `plain`,
and texts with the same plain form are taken for one. Nothing else is guessed: a remix stays one.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_GUEST = r"(?:feat|ft|featuring)\b\.?"
_GUEST_IN_BRACKETS = rf"[(\[{{]\s*{_GUEST}[^)\]}}]*[)\]}}]"
_GUEST_BEHIND = rf"(\S)\s+{_GUEST}\s.*$"
_STEPS: tuple[tuple[str, str], ...] = (
    (r"\p{M}+", ""),  # the marks that NFKD has set apart
    ("ß", "ss"),
    ("ς", "σ"),
    ("ø", "o"),  # letters with strokes, which NFKD leaves whole
    ("đ", "d"),
    ("ð", "d"),
    ("ł", "l"),
    ("æ", "ae"),
    ("œ", "oe"),
    ("þ", "th"),
    ("ı", "i"),
    (_GUEST_IN_BRACKETS, " "),
    (_GUEST_BEHIND, r"\1"),
    (r"['’`´ʼ]", ""),  # don't and dont
    (r"[^\p{L}\p{N}]+", " "),
    (r"\band\b", " "),  # & is gone by now
    (r"\s+", " "),
)
"""What is replaced by what, in this order (RE2)."""

_ASCII_STEPS = (
    (_GUEST_IN_BRACKETS, " "),
    (_GUEST_BEHIND, r"\1"),
    (r"['`]", ""),
    (r"[^a-z0-9]+", " "),
    (r"\band\b", " "),
    (r"\s+", " "),
)
"""What is left of that where every character is ASCII and no capital letter."""

_ONLY_WITH = {
    _GUEST_IN_BRACKETS: r"feat|ft",
    _GUEST_BEHIND: r"feat|ft",
    r"\band\b": "and",
}
"""What a text holds that such a step changes: looking for it is cheap, and most have none."""


def plain(column: pa.Array) -> pa.Array:
    """What is compared of each text; NULL stays NULL.

    A text that is nothing but punctuation stays as it is, in lower case and without its blanks at
    the ends, since ``???`` and ``!!!`` differ.
    """
    encoded = column.dictionary_encode()
    texts = encoded.dictionary  # a title that is played often is looked at once
    ascii_ = pc.string_is_ascii(texts)
    found = pc.replace_with_mask(texts, ascii_, _plain_ascii(texts.filter(ascii_)))
    other = pc.invert(ascii_)
    found = pc.replace_with_mask(found, other, _plain_any(texts.filter(other)))
    return found.take(encoded.indices)


def _plain_any(texts: pa.Array) -> pa.Array:
    lower = pc.utf8_trim_whitespace(pc.utf8_lower(pc.utf8_normalize(texts, "NFKD")))
    return _stepped(lower, _STEPS)


def _plain_ascii(texts: pa.Array) -> pa.Array:
    return _stepped(pc.utf8_trim_whitespace(pc.ascii_lower(texts)), _ASCII_STEPS)


def _stepped(lower: pa.Array, steps: tuple[tuple[str, str], ...]) -> pa.Array:
    """Every step taken; what nothing is left of stays as it was."""
    found = lower
    for pattern, instead in steps:
        mark = _ONLY_WITH.get(pattern)
        if mark is None:
            found = pc.replace_substring_regex(found, pattern, instead)
            continue
        where = pc.match_substring_regex(found, mark)
        some = pc.replace_substring_regex(found.filter(where), pattern, instead)
        found = pc.replace_with_mask(found, where, some)
    found = pc.utf8_trim_whitespace(found)
    return pc.if_else(pc.equal(found, ""), lower, found)


def plain_isrc(column: pa.Array) -> pa.Array:
    """An ISRC as it is compared: capital letters and digits, without the word ISRC before them."""
    bare = pc.replace_substring_regex(pc.ascii_upper(column), r"[^0-9A-Z]+", "")
    return pc.replace_substring_regex(bare, r"^ISRC([A-Z]{2})", r"\1")
