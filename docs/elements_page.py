"""The page of the elements that packages are made of, from the declarations."""  # noqa: INP001

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine.model.entities import kinds, validity_list
from feedengine.model.scalars import COUNTRY, SCALARS
from feedengine.model.xsd import ACTIONS, PLURALS, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from feedengine.model.entities import Kind, ListKind
    from feedengine.model.shapes import Column, Listed, Read

INTRODUCTION = """\
# Elements

What may stand in a package, object by object. The [producer's guide](../producers-guide.md) says
how packages are written; the same rules are in [package.xsd](../../schemas/package.xsd).

Elements may stand in any order; names are case-sensitive. *Required* holds where an object must be
complete: under Create and Upsert, and where a nested object is created on the way. An element that
is absent says nothing; an empty one sets NULL. *Counts* marks the numbers that take Increase and
Decrease.
"""

LISTS = """\
A list stands in an element of its own, its items inside. *Key* is what tells items apart: a Push
replaces the item with the same key.
"""

AROUND = """\
## Around the object

`<xml>` or `<Package>`, inside it one `<Schema>`, inside it exactly one object:
{objects},
`ReleaseSetting`, `Territory` or `Territories`.

| where | attribute | meaning |
| --- | --- | --- |
| `Schema` | `version` | absent or `1.0` |
| `Schema`, the object | `action`, also `operator` | the primary action; View unless given |
| any object | `id` | the ID, instead of `<ID>` |
| a nested object, `Territories`, `Territory` | `src` | a file of the feed, read in this place |
| the same | `ref` | which one, where that file holds several |
| nested objects, items, collections, numbers | `action`, also `operator` | the sub-action |

`ReleaseSetting` has an `ID` and `Territories`: the territory list of the release with that ID.
"""


def elements_page() -> str:
    """The page."""
    names = [kind.element for kind in kinds().values()]
    objects = ", ".join(f"`{name}`" for name in [*names, *PLURALS.values()])
    parts = [INTRODUCTION, AROUND.format(objects=objects)]
    parts += ["\n".join(_kind(kind)) for kind in kinds().values()]
    parts += ["\n".join(part) for part in (_territories(), _types(), _units(), _actions())]
    return "\n".join(parts)


def _kind(kind: Kind) -> Iterator[str]:
    yield f"## {kind.element}\n"
    yield f"Kept in [`{kind.name}`](tables.md#{kind.name}).\n"
    yield from _fields(kind.table.columns)
    if kind.lists or kind.shared or kind.territory_index is not None:
        yield f"\n### Lists of {kind.element}\n"
        yield LISTS
        yield "| list | item | what stands in an item | key | kept in |"
        yield "| --- | --- | --- | --- | --- |"
        if kind.territory_index is not None:
            view = f"{kind.name}_territory"
            yield _row(
                "`Territories`", "`Territory`", "[see below](#territories)", "`Country`", _to(view)
            )
        yield from (_list(one) for one in kind.lists)
        yield from (_shared(one) for one in kind.shared)
    yield ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _to(table: str) -> str:
    return f"[`{table}`](tables.md#{table})"


def _fields(columns: Iterable[Column]) -> Iterator[str]:
    yield "| element | type | required | column | counts |"
    yield "| --- | --- | --- | --- | --- |"
    for column in columns:
        read = column.read
        if read is None or not read.path:
            continue
        kind = f"[{read.scalar.name}](#types)"
        if column.one:
            kind = f"a nested [{read.path[0][0]}](#{read.path[0][0].lower()})"
        counts = "yes" if read.scalar.numeric else ""
        required = "yes" if read.required else ""
        yield _row(_element(read), kind, required, f"`{column.name}`", counts)


def _element(read: Read) -> str:
    path = "/".join(names[0] for names in read.path)
    path += f"/@{read.attribute}" if read.attribute else ""
    others = [name for names in read.path for name in names[1:]]
    return f"`{path}`" + (f", also {', '.join(f'`{name}`' for name in others)}" if others else "")


def _list(one: ListKind) -> str:
    listed = one.listed
    item = f"`{listed.item}`"
    if listed.style == "named":
        item, content = "any name", "text; `@type`"
    elif one.is_link:
        content = f"a nested [{listed.item}](#{listed.item.lower()}); its ID is enough"
    else:
        content = _content(one)
    if listed.bare:
        item += ", also bare"
    if listed.transparent:
        item += f", with one `{listed.transparent}` or several inside, or none"
    key = "ID" if one.is_link else ", ".join(_name_of(one, column) for column in listed.key)
    return _row(f"`{listed.plural}`", item, content, key, _to(one.table.name))


def _name_of(one: ListKind, column: str) -> str:
    read: Read = one.table.column(column).read
    if one.listed.style == "named":
        return "name"
    return f"`{'/'.join(names[0] for names in read.path)}`"


def _content(one: ListKind) -> str:
    parts = []
    for column in one.columns:
        read: Read = one.table.column(column).read
        parts.append(_element(read) + (" (required)" if read.required else ""))
    text = "; ".join(parts)
    if one.listed.one_of:
        text += f"; {' or '.join(_name_of(one, name) for name in one.listed.one_of)} required"
    return text


def _shared(one: Listed) -> str:
    content = f"a nested [{one.item}](#{one.item.lower()}); its ID is enough"
    return _row(f"`{one.plural}`", f"`{one.item}`", content, "ID", _to("release_track"))


def _territories() -> Iterator[str]:
    yield "## Territories\n"
    yield (
        "`Territories` holds `Territory` elements, or bare `Country` elements, each a territory"
        " without\nvalidities. A `Territory` has:\n"
    )
    yield "| element | type | required |"
    yield "| --- | --- | --- |"
    yield _row("`Country`", f"[{COUNTRY.name}](#types)", "yes")
    yield _row("`Validities`", "a list of `Validity`", "")
    yield "\nA `Validity`, here and in a track's own list, has:\n"
    columns = validity_list().table.columns
    yield from _fields(column for column in columns if column.read)
    yield ""


def _types() -> Iterator[str]:
    yield "## Types\n"
    yield "| type | meaning | `type=` may say | written as |"
    yield "| --- | --- | --- | --- |"
    for one in SCALARS:
        units = ", ".join(f"`{unit}`" for unit in one.units)
        form = f"`{one.pattern}`".replace("|", "\\|") if one.pattern else "any text"
        yield _row(one.name, one.meaning, units, form)
    yield "\nText is trimmed. Without `type=`, instants and dates are ISO 8601.\n"


def _units() -> Iterator[str]:
    yield "The words of `type=`:\n"
    yield "| word | meaning |"
    yield "| --- | --- |"
    for word, meaning in UNITS.items():
        yield _row(f"`{word}`", meaning)
    yield ""


def _actions() -> Iterator[str]:
    yield "## Actions\n"
    yield "`action` and `operator` are two names of one attribute; letter case is free.\n"
    yield "| word | what it does |"
    yield "| --- | --- |"
    for word, meaning in ACTIONS.items():
        yield _row(word.capitalize(), meaning)
    yield ""
