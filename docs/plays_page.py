"""The reference page of outgoing formats and their rules, from `feedengine.plays`."""  # noqa: INP001 - a folder of pages, no package

from __future__ import annotations

from collections.abc import Iterator

from feedengine.plays.frames import KNOWN_COLUMNS
from feedengine.plays.reports import FORMATS, Column, Format
from feedengine.plays.rules import RULES

_KNOWN = ", ".join(f"`{one}`" for one in KNOWN_COLUMNS)

HEAD = f"""\
# Formats and rules of plays

What is sent to each recipient, and every rule that a row can break. Names of rules are stable:
programs may rely on them. [The guide](../plays.md) explains how to use them.

Columns that are read, in any letter case, blanks not counted: {_KNOWN}.
"""


def plays_page() -> str:
    """The formats, column by column, then the rules."""
    parts = [HEAD]
    parts += ["\n".join(_format(form)) + "\n" for form in FORMATS.values()]
    parts.append("## Rules\n\nReasons are listed in this order.\n")
    parts.append("| rule | column | meaning | cure |\n| --- | --- | --- | --- |")
    for rule in RULES.values():
        kind = " (warning)" if rule.warning else ""
        parts[-1] += f"\n| `{rule.name}`{kind} | {rule.column} | {rule.says} | {rule.cure} |"
    return "\n".join(parts)


def _format(form: Format) -> Iterator[str]:
    yield f"## {form.name}\n\nFor {form.recipient}.\n"
    yield "| column | sent as | type | rules |\n| --- | --- | --- | --- |"
    for column in form.columns:
        sent = f"`{column.written}`" if column.sent else "not sent"
        yield f"| `{column.name}` | {sent} | {_type(column)} | {', '.join(_rules(column))} |"


def _type(column: Column) -> str:
    kinds = {
        "uuid": "UUID",
        "instant": "instant",
        "text": "text",
        "whole": "whole number as text",
        "choice": "one of " + ", ".join(f"`{one}`" for one in column.choices),
        "country": "country",
        "length": "whole seconds as INT64" if column.int64 else "whole seconds",
    }
    return kinds[column.kind]


def _rules(column: Column) -> Iterator[str]:
    if column.unless:
        yield f"required unless there is `{column.unless}`"
    else:
        yield "required" if column.required else "may be NULL"
    yield "not blank" if column.blank else "not empty"
    if column.kind == "whole":
        yield f"at least {column.minimum}"
    if column.longest:
        yield f"at most {column.longest} characters"
    if column.oldest:
        yield f"not older than {column.oldest}"
    if column.future:
        yield "at most 5 minutes ahead"
    if column.permitted:
        yield "among the permitted ones"
