"""Plays on their way out: prepared, delivered, sent again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from feedengine.cli import output
from feedengine.cli.options import (
    NO_DELIVERY,
    AsJson,
    DeliveryFlags,
    Root,
    opened,
    switch,
)
from feedengine.cli.parameters import Number, Parameter
from feedengine.cli.plays import Input, Inputs, NoAvailability, Now, Refused, To, bar, shown
from feedengine.errors import UsageError

if TYPE_CHECKING:
    from feedengine.engine import Engine
    from feedengine.plays.deliver import Delivered, Planned, Site
    from feedengine.plays.frames import Counts, FormatName
    from feedengine.plays.preparing import Logs
    from feedengine.plays.sending import Tally

AnyForm: TypeAlias = Annotated[
    Literal["receipts", "endpoint", "playlist"] | None,
    Parameter(name="--format", help="For which recipient; receipts unless --to says another."),
]

ACCEPTED = "accepted.parquet"

REFUSED_SHOWN = 20


def prepare(
    inputs: Inputs,
    /,
    *,
    out: Annotated[Path, Parameter(help="The folder that takes what would be sent.")],
    to: To = None,
    form: AnyForm = None,
    kind: Input = None,
    now: Now = None,
    no_availability: NoAvailability = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """Judge and encode; nothing is sent."""
    from feedengine.plays import deliver as way_out
    from feedengine.plays.preparing import Logs

    with opened(root, settings) as engine:
        site = _at(now, site_of(engine))
        form = form or ("endpoint" if to == "endpoint" else "receipts")
        to = way_out.way_shown(site.settings, to, form)
        refused = Refused(REFUSED_SHOWN)
        counts = _judged(site, Logs(inputs, kind, not no_availability), form, to, out, refused)
        found = way_out.prepare(site, out / ACCEPTED, out, to, form)
    if as_json:
        output.document({**counts._asdict(), "parcels": [one._asdict() for one in found]})
    else:
        shown(counts, refused)
        _print_planned(found)
        output.line(f"in {out}: what was accepted and refused, with a report of it")
    return 1 if counts.rejected else 0


def deliver(
    inputs: Inputs | None = None,
    /,
    *,
    to: To = None,
    form: AnyForm = None,
    kind: Input = None,
    no_availability: NoAvailability = False,
    dry_run: Annotated[bool, switch("Show keys and counts; send and record nothing.")] = False,
    root: Root = None,
    as_json: AsJson = False,
    settings: DeliveryFlags = NO_DELIVERY,
) -> int:
    """Judge and send, each play once."""
    from feedengine.plays import deliver as way_out
    from feedengine.plays.preparing import Logs

    logs, refused = Logs(inputs or [], kind, not no_availability), Refused(REFUSED_SHOWN)
    with opened(root, settings) as engine:
        site = site_of(engine)
        with _accepted(site, logs, form, to, refused) as (accepted, form_found, counts):
            if dry_run:
                if accepted is None:
                    raise UsageError("--dry-run without IN shows nothing", "see plays status")
                plans = [one for one, _ in way_out.planned(site, accepted, to, form_found)]
                return _show_plans(plans, counts, as_json=as_json)
            with _sending() as told:
                site.told = told
                found = way_out.deliver(site, accepted, to, form_found)
    if counts is not None:
        found = found._replace(already_delivered=found.already_delivered + counts.already_delivered)
    if counts is not None and not as_json:
        shown(counts, refused)
    _show_delivered(found, counts, as_json=as_json)
    return 0 if found.fine and not found.too_old and not (counts and counts.rejected) else 1


def resubmit(
    notice: Annotated[Path, Parameter(help="The recipient's notice; -: standard input.")],
    /,
    *,
    corrected: Annotated[
        Path | None, Parameter(help="A log with better rows, which take the place of their ids.")
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
    from feedengine.plays.preparing import resubmitted

    named = notice_of(_text(notice), row_base=rows_from)
    logs = [] if corrected is None else [_file_of(corrected)]
    with opened(root, settings) as engine, _sending() as told:
        found = resubmitted(site_of(engine, told), named, to=to, corrected=logs)
    if as_json:
        output.document(found._asdict())
    else:
        for key in found.keys:
            output.line(key)
        output.line(
            f"named: {found.named}, sent again: {found.delivered},"
            f" sent again before: {found.already_sent}, rejected: {found.rejected}"
        )
        for rule, many in found.reasons.items():
            output.line(f"rejected by {rule}: {many}")
    return 1 if found.rejected else 0


def site_of(engine: Engine, told: Callable[[Tally], None] = lambda _: None) -> Site:
    """What deliveries need of a site."""
    from feedengine.plays.deliver import Site

    return Site(engine.settings, engine.database, said=output.notice, told=told)


def _at(now: str | None, site: Site) -> Site:
    """The site as if it were that instant."""
    if now is None:
        return site
    from feedengine.plays.checking import micros

    instant = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros(now))
    return replace(site, now=lambda: instant)


def _judged(
    site: Site, logs: Logs, form: FormatName, to: Any, out: Path, refused: Refused
) -> Counts:
    """Judge logs into a folder, and say what was left out."""
    from feedengine.plays.consulting import WITHOUT_AVAILABILITY
    from feedengine.plays.preparing import judge_into

    if not logs.availability:
        output.notice(f"note: {WITHOUT_AVAILABILITY}")
    with bar(refused) as told:
        return judge_into(site, logs, out, form, to, told)


@contextmanager
def _accepted(
    site: Site, logs: Logs, form: FormatName | None, to: Any, refused: Refused
) -> Iterator[tuple[Path | None, FormatName | None, Counts | None]]:
    """The accepted plays of logs: judged now, or by `plays prepare` before."""
    from feedengine.plays.deliver import form_of, way_to

    inputs = logs.inputs
    if not inputs:
        yield None, form, None
    elif len(inputs) == 1 and (ready := Path(inputs[0]) / ACCEPTED).is_file():
        yield ready, form or form_of(ready), None
    else:
        to, form = way_to(site.settings, to, form)
        with TemporaryDirectory(prefix="feedengine-judged-") as folder:
            counts = _judged(site, logs, form, to, Path(folder), refused)
            yield Path(folder) / ACCEPTED, form, counts


def _file_of(folder: Path) -> Path:
    ready = folder / ACCEPTED
    return ready if ready.is_file() else folder


def _text(path: Path) -> str:
    """A notice's text; raises `UsageError`."""
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "name a file") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8", "save it as UTF-8") from None


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
def _sending() -> Iterator[Callable[[Tally], None]]:
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
