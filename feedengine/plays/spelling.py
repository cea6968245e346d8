"""What two spellings of a title or a name have in common (L6): a whole column at a time.

Stations write titles by ear and by habit. What they change is letters' case, accents, punctuation,
``&`` for ``and``, and whether a guest is named. What is left of a text without these is `plain`,
and texts with the same plain form are taken for one. Nothing else is guessed: a remix stays one.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_GUEST = r"(?:feat|ft|featuring)\b\.?"
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
    (rf"[(\[{{]\s*{_GUEST}[^)\]}}]*[)\]}}]", " "),
    (rf"(\S)\s+{_GUEST}\s.*$", r"\1"),
    (r"['’`´ʼ]", ""),  # don't and dont
    (r"[^\p{L}\p{N}]+", " "),
    (r"\band\b", " "),  # & is gone by now
    (r"\s+", " "),
)
"""What is replaced by what, in this order (RE2)."""


def plain(column: pa.Array) -> pa.Array:
    """What is compared of each text; NULL stays NULL.

    A text that is nothing but punctuation stays as it is, in lower case and without its blanks at
    the ends, since ``???`` and ``!!!`` differ.
    """
    lower = pc.utf8_trim_whitespace(pc.utf8_lower(pc.utf8_normalize(column, "NFKD")))
    found = lower
    for pattern, instead in _STEPS:
        found = pc.replace_substring_regex(found, pattern, instead)
    found = pc.utf8_trim_whitespace(found)
    return pc.if_else(pc.equal(found, ""), lower, found)


def plain_isrc(column: pa.Array) -> pa.Array:
    """An ISRC as it is compared: capital letters and digits, without the word ISRC before them."""
    bare = pc.replace_substring_regex(pc.ascii_upper(column), r"[^0-9A-Z]+", "")
    return pc.replace_substring_regex(bare, r"^ISRC([A-Z]{2})", r"\1")
