"""The ledger: feed runs, package runs, findings (catalogue.md, "The ledger"; P5, P8, P9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from feedengine.catalogue.hand import PROVISIONAL, Touched
from feedengine.catalogue.objects import Link, Object, link_document, link_id, to_json
from feedengine.model.entities import table_named
from feedengine.store.pages import asked
from feedengine.store.save import save_hand
from feedengine.store.statements import MOST_IDS, first_row, statements, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from feedengine.catalogue.hand import Hand
    from feedengine.errors import Finding

FEED_RUN = table_named("feed_run")
PACKAGE_RUN = table_named("package_run")
FINDING = table_named("finding")
CHANGE = table_named("change")

RUN_COLUMNS = FEED_RUN.names
PACKAGE_COLUMNS = PACKAGE_RUN.names
FINDING_COLUMNS = FINDING.names
CHANGE_COLUMNS = CHANGE.names

_HEX = re.compile(rb"\\x([0-9a-f]{2})")


class Run(NamedTuple):
    """A row of ``feed_run``."""

    id: int
    stack_entry: str
    entry_signature: str
    feed_path: str | None
    client: str | None
    started_at: str
    finished_at: str | None
    status: str
    packages: int
    applied: int
    failed: int
    skipped: int
    released_at: str | None
    filed_at: str | None
    retry_of: int | None = None
    retry_code: str | None = None
    undoes: int | None = None
    pruned_at: str | None = None


class Outcome(NamedTuple):
    """What became of one package; ``answer`` is what its log shows of a View."""

    path: str
    digest: str | None
    entity: str | None
    entity_id: str | None
    action: str | None
    status: str
    started_at: str
    finished_at: str
    findings: Sequence[Finding]
    touched: Sequence[Touched]
    answer: str = ""


class Numbers(NamedTuple):
    """The last numbers given, and when the last change was."""

    seq: int
    package: int
    finding: int
    changed_at: str


_NUMBERS = (
    "SELECT (SELECT max(seq) FROM change), (SELECT max(id) FROM package_run),"
    " (SELECT max(id) FROM finding),"
    " (SELECT changed_at FROM change WHERE seq = (SELECT max(seq) FROM change))"
)


def numbers(connection: Connection) -> Numbers:
    """The last numbers given; true for as long as the writer's lock is held."""
    row = first_row(connection, _NUMBERS)
    return Numbers(row[0] or 0, row[1] or 0, row[2] or 0, row[3] or "")


def save_batch(
    connection: Connection, run: Run, client: str, outcomes: Sequence[Outcome], hand: Hand
) -> None:
    """P9: changes, history and ledger of a batch, in the transaction that ``connection`` is in."""
    last = numbers(connection)
    made = statements(connection)
    packages: list[tuple[Any, ...]] = []
    findings: list[tuple[Any, ...]] = []
    history: list[tuple[Any, ...]] = []
    changed: dict[tuple[str, str], str] = {}
    linked: dict[int, int] = {}
    seq, at = last.seq, last.changed_at
    for number, outcome in enumerate(outcomes, last.package + 1):
        packages.append((number, run.id, storable(outcome.path), *outcome[1:8]))
        for one in outcome.findings:
            row = one._replace(file=storable(one.file))
            findings.append((last.finding + len(findings) + 1, run.id, number, *row))
        if outcome.touched:
            at = max(at, outcome.finished_at)
        for touched in outcome.touched:
            seq += 1
            if isinstance(touched.after, Link):
                if touched.after.order >= PROVISIONAL:
                    linked.setdefault(touched.after.order, seq)
            else:
                changed[touched.kind, str(touched.id)] = at
            entity, name, action, document = _change(touched)
            history.append((seq, number, entity, name, action, client, at, document))
    write(connection, made.insert(PACKAGE_RUN, PACKAGE_COLUMNS), packages)
    save_hand(connection, hand, changed, linked)
    write(connection, made.insert(CHANGE, CHANGE_COLUMNS), history)
    write(connection, made.insert(FINDING, FINDING_COLUMNS), findings)


def storable(text: str) -> str:
    r"""A file's name for the database: bytes of it that are no UTF-8 are shown as hex (``\xff``).

    A name that holds ``\x`` itself gets ``\x5cx``, so that two names are never stored alike.
    """
    if text.isascii() and "\\x" not in text:
        return text
    plain = text.replace("\\x", "\\x5cx")
    return plain.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def named(text: str) -> str:
    """The file's name that `storable` has stored."""
    if "\\x" not in text:
        return text
    raw = _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    return raw.decode("utf-8", "surrogateescape")


def _change(touched: Touched) -> tuple[str, str, str, str | None]:
    """H1: entity, entity's id, what happened to it, and its document afterwards."""
    action = "create" if touched.before is None else "update"
    after = touched.after
    if isinstance(touched.id, tuple):
        release, track = touched.id
        document = (
            link_document(release, track, after.position) if isinstance(after, Link) else None
        )
        return touched.kind, link_id(release, track), action if document else "delete", document
    if not isinstance(after, Object):
        return touched.kind, touched.id, "delete", None
    return touched.kind, touched.id, action, to_json(after)


def open_run(connection: Connection, run: Run) -> Run:
    """Begin a feed run; its id is the next one."""
    (last,) = next(asked(connection, "SELECT max(id) FROM feed_run"))
    opened = run._replace(id=(last or 0) + 1)
    write(connection, statements(connection).insert(FEED_RUN, RUN_COLUMNS), [_row(opened)])
    return opened


_FIXED = frozenset({"id", "feed_path", "client", "retry_of", "retry_code", "undoes"})
_KEPT = tuple(name for name in RUN_COLUMNS if name not in _FIXED)
"""What may become of a run; the rest, and its indexes, stay as they were when it was opened."""


def save_run(connection: Connection, run: Run) -> None:
    """Keep what has become of a run so far."""
    text = statements(connection).update(FEED_RUN, _KEPT, ("id",))
    stored = run._replace(stack_entry=storable(run.stack_entry))
    write(connection, text, [(*(getattr(stored, name) for name in _KEPT), run.id)])


def kept(connection: Connection, run: Run) -> Run:
    """The run, kept as it is by now: opened, if it is not yet."""
    if not run.id:
        return open_run(connection, run)
    save_run(connection, run)
    return run


def mark_filed(connection: Connection, runs: Iterable[Run], at: str) -> None:
    """P5: the entries of these runs have left the Stack."""
    text = statements(connection).update(FEED_RUN, ("filed_at",), ("id",))
    write(connection, text, [(at, run.id) for run in runs])


def _row(run: Run) -> tuple[Any, ...]:
    return tuple(run._replace(stack_entry=storable(run.stack_entry)))


def save_findings(connection: Connection, run: Run, found: Iterable[Finding]) -> None:
    """Findings of a feed as a whole."""
    last = numbers(connection).finding
    rows = [
        (last + n, run.id, None, *one._replace(file=storable(one.file)))
        for n, one in enumerate(found, 1)
    ]
    write(connection, statements(connection).insert(FINDING, FINDING_COLUMNS), rows)


def runs_where(connection: Connection, where: str, *values: Any, order: str = "id") -> list[Run]:
    """The runs for which ``where`` (SQL with ``?`` for each of ``values``) holds."""
    made = statements(connection)
    text = f"SELECT {made.names(RUN_COLUMNS)} FROM feed_run WHERE {where} ORDER BY {order}"
    return [run_of(row) for row in asked(connection, text, *values)]


def run_of(row: Iterable[Any]) -> Run:
    """The run of a row of `RUN_COLUMNS`."""
    run = Run(*row)
    return run._replace(stack_entry=named(run.stack_entry))


def feed_paths_of(connection: Connection, client: str) -> list[str]:
    """The paths of the feeds of a client."""
    text = "SELECT DISTINCT feed_path FROM feed_run WHERE client = ? AND feed_path IS NOT NULL"
    return [row[0] for row in asked(connection, text, client)]


def live(run: str) -> str:
    """SQL: of the ``feed_run`` called ``run``, that it is no undo and has not been undone (H2)."""
    undone = f"SELECT 1 FROM feed_run undo WHERE undo.undoes = {run}.id"
    return f"{run}.undoes IS NULL AND NOT EXISTS ({undone})"


def paths_of(connection: Connection, run: Run) -> set[str]:
    """The packages that a run has dealt with."""
    text = "SELECT path FROM package_run WHERE feed_run_id = ?"
    return {named(row[0]) for row in asked(connection, text, run.id)}


def packages_of(connection: Connection, run: int) -> list[dict[str, Any]]:
    """The package runs of a feed run, as dictionaries of columns; paths as the feed names them."""
    made = statements(connection)
    text = (
        f"SELECT {made.names(PACKAGE_COLUMNS)} FROM package_run WHERE feed_run_id = ? ORDER BY id"
    )
    rows = asked(connection, text, run)
    found = (dict(zip(PACKAGE_COLUMNS, row, strict=True)) for row in rows)
    return [{**row, "path": named(row["path"])} for row in found]


def findings_of(connection: Connection, run: int) -> list[dict[str, Any]]:
    """The findings of a feed run, as dictionaries of columns; files as the feed names them."""
    made = statements(connection)
    text = f"SELECT {made.names(FINDING_COLUMNS)} FROM finding WHERE feed_run_id = ? ORDER BY id"
    rows = asked(connection, text, run)
    found = (dict(zip(FINDING_COLUMNS, row, strict=True)) for row in rows)
    return [{**row, "file": named(row["file"])} for row in found]


_UNDOING = (
    "SELECT 1 FROM package_run JOIN feed_run ON feed_run.id = package_run.feed_run_id"
    " WHERE package_run.id = change.package_id AND feed_run.undoes IS NOT NULL"
)


def creators(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """G3: the client who made each of these objects, the last time that it was made.

    An undo that puts a deleted object back has not made it.
    """
    made = statements(connection)
    text = made.select_in(CHANGE, ("entity_id", "client"), "entity_id")
    text += (
        f" AND entity = {made.mark} AND action = 'create' AND NOT EXISTS ({_UNDOING}) ORDER BY seq"
    )
    ids: dict[str, list[str]] = {}
    for kind, name in keys:
        ids.setdefault(kind, []).append(name)
    found = {}
    for kind, names in ids.items():
        for start in range(0, len(names), MOST_IDS):
            chunk = made.ids(names[start : start + MOST_IDS])
            for name, client in connection.exec_driver_sql(text, (chunk, kind)):
                found[kind, name] = client
    return found


def last_feeds(
    connection: Connection, client: str, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """G2: for each object, the path of the feed of this client that last changed it.

    What was undone has not been changed, and an undo brings back what an earlier feed made.
    """
    text = (
        "SELECT r.feed_path FROM change c JOIN package_run p ON p.id = c.package_id"
        " JOIN feed_run r ON r.id = p.feed_run_id"
        " WHERE c.entity = ? AND c.entity_id = ? AND c.client = ?"
        f" AND {live('r')} ORDER BY c.seq DESC LIMIT 1"
    )
    found: dict[tuple[str, str], str] = {}
    for kind, name in keys:
        row = next(asked(connection, text, kind, name, client), None)
        if row is not None:
            found[kind, name] = str(row[0] or "")
    return found
