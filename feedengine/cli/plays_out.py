"""Plays on their way out: prepared, delivered, sent again; how they stand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from feedengine.cli import output
from feedengine.cli.options import (
    NO_DELIVERY,
    AsJson,
    DeliveryFlags,
    Limit,
    Root,
    RunNumber,
    opened,
    switch,
)
from feedengine.cli.parameters import Number, Parameter
from feedengine.cli.plays import Input, Inputs
from feedengine.errors import UsageError

if TYPE_CHECKING:
    from feedengine.engine import Engine
    from feedengine.plays.deliver import Delivered, Planned, Site
    from feedengine.plays.frames import Counts, FormatName
    from feedengine.plays.sending import Tally

To: TypeAlias = Annotated[
    Literal["s3", "endpoint", "folder"] | None,
    Parameter(help="The way out; s3 when a bucket is set and nothing is said."),
]
AnyForm: TypeAlias = Annotated[
    Literal["receipts", "endpoint", "playlist"] | None,
    Parameter(name="--format", help="For which recipient; receipts unless --to says another."),
]

ACCEPTED = "accepted.parquet"


def prepare(
    inputs: Inputs,
    /,
    *,
    out: Annotated[Path, Parameter(help="The folder that takes what would be sent.")],
    to: To = None,
    form: AnyForm = None,
    kind: Input = None,
    root: Root = None,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """Judge and encode; nothing is sent."""
    from feedengine.plays import deliver as way_out

    with opened(root, settings) as engine:
        site = _site(engine)
        form = form or ("endpoint" if to == "endpoint" else "receipts")
        counts = _judged(site, inputs, kind, form, to, out)
        found = way_out.prepare(site, out / ACCEPTED, out, to, form)
    if as_json:
        output.document({**counts._asdict(), "parcels": [one._asdict() for one in found]})
    else:
        _print_planned(found)
        output.line(_counted(counts))
    return 1 if counts.rejected else 0


def deliver(
    inputs: Inputs | None = None,
    /,
    *,
    to: To = None,
    form: AnyForm = None,
    kind: Input = None,
    dry_run: Annotated[bool, switch("Show keys and counts; send and record nothing.")] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """Judge and send, each play once."""
    from feedengine.plays import deliver as way_out

    with opened(root, settings) as engine, _bar() as told:
        site = _site(engine, told)
        with _accepted(site, inputs or [], kind, form, to) as (accepted, form_found, counts):
            if dry_run:
                if accepted is None:
                    raise UsageError("--dry-run without IN shows nothing", "see plays status")
                plans = [one for one, _ in way_out.planned(site, accepted, to, form_found)]
                return _show_plans(plans, counts, as_json=as_json)
            found = way_out.deliver(site, accepted, to, form_found)
    _show_delivered(found, counts, as_json=as_json)
    return 0 if found.fine and not found.too_old and not (counts and counts.rejected) else 1


def resubmit(
    notice: Annotated[Path, Parameter(help="The recipient's notice; -: standard input.")],
    /,
    *,
    corrected: Annotated[
        Path | None, Parameter(help="Corrected plays, judged: a folder of `plays prepare`.")
    ] = None,
    rows_from: Annotated[
        int, Parameter(help="The number of a file's first row.", validator=Number(gte=0, lte=1))
    ] = 1,
    to: To = None,
    root: Root = None,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """Send again what failed."""
    from feedengine.plays.notices import notice_of
    from feedengine.plays.resubmit import resubmit as again

    named = notice_of(_text(notice), row_base=rows_from)
    better = None if corrected is None else _file_of(corrected)
    with opened(root, settings) as engine, _bar() as told:
        found = again(_site(engine, told), named, to=to, corrected=better)
    if as_json:
        output.document(found._asdict())
    else:
        for key in found.keys:
            output.line(key)
        output.line(
            f"named: {found.named}, sent again: {found.delivered},"
            f" sent again before: {found.already_sent}, rejected: {found.rejected}"
        )
    return 1 if found.rejected else 0


def status(
    root: Root = None,
    *,
    limit: Limit = 20,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """How deliveries stand."""
    from feedengine.plays.settling import status as standing

    with opened(root, settings) as engine:
        found = standing(_site(engine), limit)
    if as_json:
        output.document(found)
        return 0
    if not found["ways"]:
        output.line("nothing was delivered yet")
        return 0
    output.records(("way", "status", "parcels", "plays", "last"), found["ways"])
    if found["open"]:
        output.line()
        output.line("not delivered; settle by hand with: feedengine plays release ID --as …")
        output.records(("id", "status", "plays", "key", "message"), found["open"])
    if found["refused"]:
        output.line()
        output.records(("plays", "code", "reason"), found["refused"])
    if found["delivered"]:
        output.line()
        output.records(("id", "delivered_at", "plays", "key"), found["delivered"])
    return 0


def release(
    parcel: RunNumber,
    /,
    *,
    word: Annotated[
        Literal["arrived", "missing", "drop"], Parameter(name="--as", help="What is known of it.")
    ],
    root: Root = None,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """Settle a parcel by hand."""
    from feedengine.plays.settling import release as settle

    with opened(root, settings) as engine:
        found = settle(_site(engine), parcel, word)
    if as_json:
        output.document({"id": found.id, "key": found.key, "status": found.status})
    else:
        output.line(f"parcel {found.id} ({found.key}) is {found.status}")
    return 0


def _site(engine: Engine, told: Callable[[Tally], None] = lambda _: None) -> Site:
    from feedengine.plays.deliver import Site

    return Site(engine.settings, engine.database, said=output.notice, told=told)


def _judged(
    site: Site, inputs: list[str], kind: str | None, form: FormatName, to: Any, out: Path
) -> Counts:
    """Judge inputs into a folder."""
    from feedengine.plays.checking import check

    del to
    return check(inputs, site.settings, form=form, kind=kind, out=out)


@contextmanager
def _accepted(
    site: Site, inputs: list[str], kind: str | None, form: FormatName | None, to: Any
) -> Iterator[tuple[Path | None, FormatName | None, Counts | None]]:
    """The accepted plays of inputs: judged now, or by `plays prepare` before."""
    from feedengine.plays.deliver import form_of, way_to

    if not inputs:
        yield None, form, None
    elif len(inputs) == 1 and (ready := Path(inputs[0]) / ACCEPTED).is_file():
        yield ready, form or form_of(ready), None
    else:
        to, form = way_to(site.settings, to, form)
        with TemporaryDirectory(prefix="feedengine-judged-") as folder:
            counts = _judged(site, inputs, kind, form, to, Path(folder))
            yield Path(folder) / ACCEPTED, form, counts


def _file_of(folder: Path) -> Path:
    return folder / ACCEPTED if folder.is_dir() else folder


def _text(path: Path) -> str:
    """A notice's text; raises `UsageError`."""
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "name a file") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8", "save it as UTF-8") from None


def _counted(counts: Counts) -> str:
    return (
        f"rows: {counts.rows}, accepted: {counts.accepted}, rejected: {counts.rejected},"
        f" already delivered: {counts.already_delivered}"
    )


def _print_planned(found: list[Planned]) -> None:
    if found:
        output.records(("plays", "bytes", "key"), (one._asdict() for one in found))


def _show_plans(plans: list[Planned], counts: Counts | None, *, as_json: bool) -> int:
    if as_json:
        judged = counts._asdict() if counts else None
        output.document({"judged": judged, "parcels": [one._asdict() for one in plans]})
    else:
        _print_planned(plans)
        output.line(f"{len(plans)} parcels, {sum(one.plays for one in plans)} plays")
    return 1 if counts and counts.rejected else 0


def _show_delivered(found: Delivered, counts: Counts | None, *, as_json: bool) -> None:
    if as_json:
        output.document({**found._asdict(), "judged": counts._asdict() if counts else None})
        return
    for key in found.keys[:20]:
        output.line(key)
    if len(found.keys) > 20:
        output.line(f"… and {len(found.keys) - 20} more; all: feedengine plays status")
    if counts is not None:
        output.line(_counted(counts))
    said = found._asdict()
    shown = [f"{name.replace('_', ' ')}: {said[name]}" for name in _SHOWN if said[name]]
    output.line(", ".join(shown) or "nothing to deliver")


_SHOWN = (
    "delivered",
    "already_delivered",
    "too_old",
    "refused",
    "conflicts",
    "in_doubt",
    "waiting",
)


@contextmanager
def _bar() -> Iterator[Callable[[Tally], None]]:
    """What is under way, on the terminal that standard error is, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress as bars

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.fields[plays]:,} plays in {task.fields[parcels]:,} parcels"),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=output._console(sys.stderr), transient=True) as bar:
        task = bar.add_task("delivering", total=None, plays=0, parcels=0)

        def told(now: Tally) -> None:
            bar.update(task, plays=now.delivered, parcels=len(now.keys))

        yield told
