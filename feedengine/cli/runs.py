"""Feeds: what became of them, and writing new ones."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from feedengine.cli import output
from feedengine.cli.options import (
    NO_PLACES,
    AsJson,
    Limit,
    PlaceFlags,
    Root,
    RunNumber,
    chosen,
    opened,
    switch,
)
from feedengine.cli.parameters import Parameter
from feedengine.errors import UsageError, quoted

if TYPE_CHECKING:
    from feedengine.config import Settings
    from feedengine.feeds.author import FeedWriter

KINDS_SHOWN = 40
"""So many lines of counted findings; the most frequent come first."""

CURES_SHOWN = 12

Client: TypeAlias = Annotated[str | None, Parameter(help="Of this client alone.")]
FeedPath: TypeAlias = Annotated[
    str, Parameter(help="A feed's path as `feed new` prints it, or its folder.")
]


def feeds(
    root: Root = None,
    *,
    client: Client = None,
    status: Annotated[
        Literal["running", "succeeded", "partial", "failed", "held"] | None,
        Parameter(help="With this status alone."),
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """The feed runs, newest first."""
    with opened(root, settings) as engine:
        found = engine.feeds(client=client, status=status, limit=limit)
    if as_json:
        output.document({"feeds": found})
        return 0
    columns = (
        "run",
        "feed",
        "client",
        "status",
        "packages",
        "applied",
        "failed",
        "skipped",
        "began",
        "note",
    )
    rows = (
        {
            **one,
            "run": one["id"],
            "feed": one["feed_path"] or one["stack_entry"],
            "began": f"{one['started_at'][:19]}Z",
            "note": _note(one),
        }
        for one in found
    )
    output.records(columns, rows)
    return 0


def _note(run: dict[str, Any]) -> str:
    """What else is to be known of a run: what it retries or undoes, and what undid it."""
    code = f" ({run['retry_code']})" if run["retry_code"] else ""
    said = (
        ("retry_of", f"retries {run['retry_of']}{code}"),
        ("undoes", f"undoes {run['undoes']}"),
        ("undone_by", f"undone by {run['undone_by']}"),
        ("pruned_at", "findings or logs removed"),
    )
    return ", ".join(text for name, text in said if run[name] is not None)


def findings(
    root: Root = None,
    *,
    run: Annotated[RunNumber | None, Parameter(help="Of this run alone.")] = None,
    code: Annotated[str | None, Parameter(help="With this code alone.")] = None,
    client: Client = None,
    severity: Annotated[
        Literal["error", "warning"] | None, Parameter(help="Of this severity alone.")
    ] = None,
    limit: Limit = 50,
    summary: Annotated[bool, switch("Count them by code and client; list none.")] = False,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """What was wrong or doubtful, and how to cure it."""
    with opened(root, settings) as engine:
        found = engine.findings(
            run=run, code=code, client=client, severity=severity, limit=0 if summary else limit
        )
    if as_json:
        output.document(found)
        return 0
    _print_findings(found["findings"])
    shown, total = len(found["findings"]), found["total"]
    if not total:
        output.line("no findings")
    elif shown < total:
        if shown:
            output.line()
            output.line(f"{shown} of {total} findings; all by code and client:")
        _print_counts(found["by_code"])
    return 0


def _print_counts(counted: list[dict[str, Any]]) -> None:
    """How often, by code and client, and below what to do about each code."""
    columns = ("findings", "severity", "code", "client", "runs", "last_run")
    output.records(columns, counted[:KINDS_SHOWN])
    if len(counted) > KINDS_SHOWN:
        output.line(f"… and {len(counted) - KINDS_SHOWN} more; all: --json")
    cures = {one["code"]: one["cure"] for one in counted}
    output.line()
    for code, cure in list(cures.items())[:CURES_SHOWN]:
        output.line(f"{code}: {cure}")
    if any(one["severity"] == "error" for one in counted):
        output.line()
        output.line("which they are: --code CODE; once cured: feedengine feed retry --code CODE")


def _print_findings(found: list[dict[str, Any]]) -> None:
    """As compilers do: under each package its findings, a line each."""
    from feedengine.errors import Finding
    from feedengine.feeds.outcome import line_of

    columns = [name if name != "column" else "col" for name in Finding._fields]

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["feed_run_id"], row["client"], row["feed_path"], row["package"]

    for (run, *where), rows in groupby(found, place):
        output.line(" ".join((f"run {run}", *(one for one in where if one is not None))))
        for row in rows:
            output.line(f"  {line_of(Finding(*(row[name] for name in columns)))}")


def feed_new(
    *,
    client: Annotated[str, Parameter(help="The client whose feed it is.")],
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """Begin a feed: its folder and its manifest."""
    from feedengine.feeds.author import new_feed
    from feedengine.feeds.entries import LONGEST_CLIENT
    from feedengine.feeds.paths import CONTROL

    plain = client and client == client.strip() and not CONTROL.search(client)
    if not plain or len(client) > LONGEST_CLIENT:
        raise UsageError(f"{quoted(client)} cannot be a client's name", "give it as plain text")
    site = chosen(root, settings)
    made = new_feed(site.root, client, feeds=site.feeds, stack=site.stack)
    if as_json:
        output.document({"feed": made.path, "folder": str(made.folder), "client": client})
    else:
        output.line(made.path)
    return 0


def feed_add(
    feed: FeedPath,
    file: Annotated[
        list[Path],
        Parameter(help="Packages to add; - is standard input."),
    ],
    /,
    *,
    name: Annotated[
        str | None, Parameter(name="--as", help="Its name in the feed, such as genres/rock.xml.")
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """Add packages to a feed, or with --as one file that others refer to."""
    if name is not None and len(file) != 1:
        raise UsageError("--as names one FILE", "add the others by themselves")
    contents = [_content(one) for one in file]
    writer = _writer(chosen(root, settings), feed)
    added = [str(writer.add(one, name).relative_to(writer.folder)) for one in contents]
    if as_json:
        output.document({"feed": writer.path, "added": added})
    else:
        for one in added:
            output.line(one)
    return 0


def _content(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {quoted(str(file))}: {error.strerror}", "name a file"
        ) from None


def feed_stack(
    feed: FeedPath,
    /,
    *,
    force: Annotated[bool, switch("Without validating it first.")] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """Write the feed's Stack entry: the commit marker (P4)."""
    from feedengine.cli.validating import refused

    site = chosen(root, settings)
    writer = _writer(site, feed)
    if not force and refused([writer.folder], site, as_json=as_json):
        output.notice(
            "hint: the feed is not stacked; cure it, or stack it all the same with --force"
        )
        return 1
    entry = writer.stack()
    if as_json:
        output.document({"feed": writer.path, "entry": entry.name})
    else:
        output.line(entry.name)
    return 0


def feed_release(
    run: RunNumber,
    /,
    *,
    root: Root = None,
    as_json: AsJson = False,
    settings: PlaceFlags = NO_PLACES,
) -> int:
    """G1: let a held feed through."""
    from feedengine.asking import run_row

    with opened(root, settings) as engine:
        released = run_row(engine.release(run))
    if as_json:
        output.document(released)
    else:
        output.line(f"run {run} is released; `feedengine run` applies {released['feed_path']}")
    return 0


def _writer(settings: Settings, feed: str) -> FeedWriter:
    """The writer of a feed given by its path below Feeds/ or by its folder."""
    from feedengine.feeds.author import open_feed

    feeds = settings.feeds.resolve()
    below = (settings.feeds / feed.strip("/")).resolve()
    folder = below if below.is_dir() else Path(feed).resolve()
    if folder == feeds or not folder.is_relative_to(feeds):
        raise UsageError(f"there is no feed {quoted(feed)}", "begin one with `feedengine feed new`")
    path = folder.relative_to(feeds).as_posix()
    return open_feed(settings.root, path, feeds=settings.feeds, stack=settings.stack)
