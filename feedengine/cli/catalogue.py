"""The catalogue: one object, availability, the whole of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from feedengine.cli import output
from feedengine.cli.options import NO_PLACES, AsJson, At, PlaceFlags, Root, opened, switch
from feedengine.cli.parameters import Parameter
from feedengine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine as Database

    from feedengine.exporting import Sink

Kind: TypeAlias = Annotated[str, Parameter(help="The table's name, such as track.")]
Id: TypeAlias = Annotated[str, Parameter(name="ID", help="The object's ID.")]
Format: TypeAlias = Annotated[
    Literal["jsonl", "xml", "parquet"],
    Parameter(name="--format", help="jsonl, xml (a feed that rebuilds it) or parquet."),
]
Out: TypeAlias = Annotated[
    Path | None, Parameter(help="A file for jsonl, a folder for xml and parquet.")
]


def show(
    kind: Kind,
    name: Id,
    /,
    *,
    at: At = None,
    history: Annotated[bool, switch("Its changes instead.")] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """One object, now or as of an instant; or its changes."""
    with opened(root, settings) as engine:
        if history:
            changes = engine.history(kind, name, at)
            found: dict[str, Any] = {"kind": kind, "id": name, "history": changes}
        else:
            found = engine.show(kind, name, at)
    if as_json:
        output.document(found)
    elif history:
        columns = ("seq", "changed_at", "action", "client", "package_id", "run", "document")
        rows = (
            {
                **one,
                "run": f"{one['feed_run_id']}, undoes {one['undoes']}"
                if one["undoes"]
                else one["feed_run_id"],
                "document": output.spoken(one["document"]),
            }
            for one in found["history"]
        )
        output.records(columns, rows)
    else:
        _print_object(found)
    return 0


def _print_object(found: dict[str, Any]) -> None:
    """Its fields, then its lists, an item a line."""
    output.pairs({name: one for name, one in found.items() if not isinstance(one, list)})
    for name, items in found.items():
        if isinstance(items, list) and items:
            output.line()
            output.line(f"{name}")
            for item in items:
                output.line(f"  {_item(name, item)}")


def _item(name: str, item: Any) -> str:
    if name != "territories":
        return output.spoken(item)
    windows = "; ".join(
        f"{one['type']} {one['name']} {one['starts_at'] or '…'} to {one['ends_at'] or '…'}"
        for one in item["validities"]
    )
    return f"{item['country']}  {windows or 'always'}"


def available(
    track: Annotated[str, Parameter(help="The track's ID.")],
    /,
    *,
    country: Annotated[str, Parameter(help="ISO 3166-1 code, such as GB; UK is read as GB.")],
    release: Annotated[str | None, Parameter(help="On this release alone.")] = None,
    usage: Annotated[str, Parameter(help="streaming, download or another.")] = "streaming",
    at: At = None,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """A3: exits 0 when the track is available, 1 when it is not."""
    with opened(root, settings) as engine:
        found = engine.available(track, country=country, usage=usage, at=at, release=release)
    if as_json:
        output.document(found)
    else:
        on = f" on the release {found['release']}" if found["release"] is not None else ""
        output.line(f"{'yes' if found['available'] else 'no'} ({found['rule']}){on}")
        output.line(found["reason"])
    return 0 if found["available"] else 1


def export(
    *,
    form: Format = "jsonl",
    out: Out = None,
    at: At = None,
    history: Annotated[bool, switch("Changes and ledger too, without instants (jsonl).")] = False,
    client: Annotated[
        str | None, Parameter(help="One feed in the name of this client (xml).")
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """The whole catalogue, to standard output or --out."""
    from feedengine.asking import instant_of

    options = {"--at": at is not None, "--history": history, "--client": client is not None}
    wrong = [name for name, used in options.items() if used and name not in _OPTIONS[form]]
    if wrong:
        raise UsageError(f"the format {form} has no {wrong[0]}", "see `feedengine export --help`")
    if out is None and (form != "jsonl" or as_json):
        raise UsageError("--out is wanted", "jsonl goes to a file, xml and parquet to a folder")
    instant = None if at is None else instant_of(at)
    with opened(root, settings) as engine:
        if form == "jsonl":
            written = _jsonl(engine.database, out, instant, history=history)
        else:
            written = _folder(engine.database, form, Path(str(out)), client)
    if as_json:
        output.document({"format": form, "written": written})
    else:
        for one in written:
            output.line(one)
    return 0


_OPTIONS = {"jsonl": ("--at", "--history"), "xml": ("--client",), "parquet": ()}
"""What each format can be asked for."""


def _jsonl(database: Database, out: Path | None, at: str | None, *, history: bool) -> list[str]:
    from feedengine.exporting import export_jsonl
    from feedengine.store.database import reading

    with reading(database) as connection, _sink(out) as sink:
        export_jsonl(connection, sink, at=at, history=history)
    return [] if out is None else [str(out)]


def _folder(database: Database, form: str, folder: Path, client: str | None) -> list[str]:
    from feedengine.exporting import export_parquet, export_xml
    from feedengine.store.database import reading

    if form == "xml":
        return [str(feed.folder) for feed in export_xml(database, folder, client)]
    with reading(database) as connection:
        return [str(file) for file in export_parquet(connection, folder)]


class _Shown:
    """A terminal as a sink: what it would take for orders is shown instead."""

    def write(self, data: bytes, /) -> None:
        """Show these lines."""
        for text in data.decode().removesuffix("\n").split("\n"):
            output.line(text)


@contextmanager
def _sink(out: Path | None) -> Iterator[Sink]:
    """Standard output, or a file that takes its name once it is whole."""
    if out is None:
        yield _Shown() if sys.stdout.isatty() else sys.stdout.buffer
        return
    aside = out.with_name(f".{out.name}.part")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
