"""The inbox of plays: a round now, and how it stands."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from feedengine.cli import output
from feedengine.cli.options import NO_DELIVERY, AsJson, DeliveryFlags, Root, opened
from feedengine.cli.plays_out import site_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feedengine.plays.news import News

    Heard = Mapping[str, Sequence[Any]]


def inbox(
    root: Root = None, *, as_json: AsJson = False, settings: DeliveryFlags = NO_DELIVERY
) -> int:
    """Make a round now: what the service does once a day."""
    from feedengine.plays.rounds import go_round

    heard: dict[str, list[Any]] = defaultdict(list)

    def hear(news: News) -> None:
        heard[type(news).__name__].append(news)

    with opened(root, settings) as engine:
        done = go_round(site_of(engine), hear)
    if as_json:
        output.document({**_document(heard), "done": done})
    else:
        _print(heard)
    return _exit_status(heard)


def _exit_status(heard: Heard) -> int:
    """3: a recipient or a disk failed; 1: there is something to look at."""
    if heard["Failure"]:
        return 3
    refused = any(one.rejected for one in heard["Judgement"])
    lost = any(one.refused or one.too_old for one in heard["Sending"])
    return int(bool(refused or lost or heard["Kept"] or any(map(any, heard["Standing"]))))


def _document(heard: Heard) -> dict[str, Any]:
    """For ``--json``."""
    [standing] = heard["Standing"]
    failures = [{"error": one.error, "hint": one.hint} for one in heard["Failure"]]
    return {
        "judged": [one._asdict() for one in heard["Judgement"]],
        "stay": [one._asdict() for one in heard["Kept"]],
        "delivered": [one._asdict() for one in heard["Sending"]],
        "undelivered": standing._asdict(),
        "failures": failures,
    }


_COLUMNS = ("form", "stream", "files", "rows", "accepted", "rejected", "already_delivered")


def _print(heard: Heard) -> None:
    """For people: what was judged, what left, what did not."""
    if heard["Judgement"]:
        output.records((*_COLUMNS, "folder"), [one._asdict() for one in heard["Judgement"]])
    for one in heard["Sending"]:
        lost = one.refused + one.too_old
        more = f"; not taken: {lost}" if lost else ""
        output.line(f"delivered: {one.delivered}, by {one.way}, in {one.parcels} parcels{more}")
    if not heard["Judgement"] and not heard["Sending"]:
        output.line("nothing to deliver")
    [standing] = heard["Standing"]
    if any(standing):
        named = (f"{name.replace('_', ' ')}: {n}" for name, n in standing._asdict().items() if n)
        output.line(f"not delivered: {', '.join(named)}; see feedengine plays status")
    for kept in heard["Kept"]:
        output.notice(f"{kept.name} stays in the inbox: {kept.because}")
    for failed in heard["Failure"]:
        output.error(failed.error, failed.hint, 3, as_json=False)


def shown(found: dict[str, Any]) -> str:
    """How the inbox stands (`diary.inbox_status`), in a line for people."""
    oldest = found["oldest_seconds"]
    since = f" (oldest: {output.lasting(oldest)})" if oldest is not None else ""
    stay = f", {len(found['left'])} stay" if found["left"] else ""
    due = "a delivery is due since" if found["overdue"] else "next delivery"
    when = f"{due} {found['next'][:19]}Z" if found["next"] else "the service does not deliver"
    return f"{found['files']} files in the inbox{since}{stay}; {when}"
