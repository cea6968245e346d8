"""The logs beside a package: text for a person, derived from the ledger (P8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from feedengine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feedengine.errors import Finding

Kind: TypeAlias = Literal["success", "error"]
"""The two kinds of logs, as their names have them."""


def line_of(found: Finding) -> str:
    """One finding as one line: severity, code, rule, line:column, XPath, message, hint."""
    where = f"{found.line}:{found.column}" if found.line else "-"
    hint = f" ({found.hint})" if found.hint else ""
    text = (
        f"{found.severity} {found.code} {found.rule} {found.file}:{where}"
        f" {found.xpath or '-'} {found.message}{hint}"
    )
    return printable(" ".join(text.splitlines()))


def log_text(first: str, findings: Iterable[Finding], answer: str = "") -> bytes:
    """A log: what became of it, one finding a line, and after an empty line what View answers."""
    lines = [printable(first), *(line_of(found) for found in findings)]
    if answer:
        lines += ["", answer.rstrip("\n")]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def first_line(
    path: str, status: str, action: str | None, entity: str | None, name: str | None
) -> str:
    """The first line of a package's log: the package, and what became of it."""
    what = " ".join(part for part in (action, entity, name) if part)
    return f"{path} {status}" + (f": {what}" if what else "")
