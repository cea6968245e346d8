"""Engines that are broken on purpose, each by one mistake: the suite must see every one of them.

A mutant is a function that breaks the engine of the process it is called in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Mutant: TypeAlias = Callable[[], None]
KILLED: dict[str, Mutant] = {}
"""Mistakes that a kill at the right moment brings to light, and most of them nothing else."""
FAILED: dict[str, Mutant] = {}
"""… that show when the machine refuses something."""
MOVED: dict[str, Mutant] = {}
"""… that show when a producer changes files while they are read."""


def _of(group: dict[str, Mutant]) -> Callable[[Mutant], Mutant]:
    def kept(mutant: Mutant) -> Mutant:
        group[mutant.__name__] = mutant
        return mutant

    return kept


def _committed(connection: Any) -> None:
    """End the transaction in the midst of a batch, and begin another."""
    connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _unchecked() -> None:
    """Let rows of ``change`` stand without their package."""
    from feedengine.store import database

    database._PRAGMAS = tuple(one for one in database._PRAGMAS if "foreign" not in one)


def _wrapped(name: str, around: Callable[..., Any]) -> None:
    """Replace a function of the ledger by one that is given it first."""
    from feedengine.store import ledger

    whole = getattr(ledger, name)
    setattr(ledger, name, lambda *given, **named: around(whole, *given, **named))


def _marks(text: str) -> bool:
    return "INTO package_run" in text


@_of(KILLED)
def marks_first() -> None:
    """The mark that a package was applied is committed before what it changes."""

    def write(whole: Any, connection: Any, text: str, rows: Any) -> None:
        whole(connection, text, rows)
        if _marks(text):
            _committed(connection)

    _wrapped("write", write)


def _without_marks(*, later: bool) -> None:
    _unchecked()
    kept: list[Any] = []

    def write(whole: Any, connection: Any, text: str, rows: Any) -> None:
        if _marks(text):
            kept.append((whole, connection, text, rows))
        else:
            whole(connection, text, rows)

    def save_batch(whole: Any, connection: Any, *given: Any) -> None:
        whole(connection, *given)
        if later:
            _committed(connection)
            for one, *rest in kept:
                one(*rest)
        kept.clear()

    _wrapped("write", write)
    _wrapped("save_batch", save_batch)


@_of(KILLED)
def marks_afterwards() -> None:
    """What a package changes is committed before the mark."""
    _without_marks(later=True)


@_of(KILLED)
def marks_nothing() -> None:
    """There is no mark: the run's status has to do."""
    _without_marks(later=False)


@_of(KILLED)
def moves_entries_first() -> None:
    """An entry leaves the Stack before the database has committed what became of it."""
    from feedengine.feeds.stack import Stack
    from feedengine.taking import Taker

    stacks: list[Stack] = []
    take = Taker.take

    def remembered(taker: Taker, entry: Any) -> Any:
        stacks[:] = [taker.stack]
        return take(taker, entry)

    def save_run(whole: Any, connection: Any, run: Any) -> None:
        if stacks and run.status in {"succeeded", "partial", "failed"} and run.filed_at is None:
            to: Any = "processed" if run.status == "succeeded" else "failed"
            stacks.pop().move(run.stack_entry, to)
        whole(connection, run)

    Taker.take = remembered  # type: ignore[method-assign]
    _wrapped("save_run", save_run)


@_of(KILLED)
def logs_before_commit() -> None:
    """Logs are written before the database has committed what they say."""
    from feedengine.applying import FeedApplier

    appliers: list[FeedApplier] = []
    transaction, write_logs = FeedApplier._transaction, FeedApplier._write_logs

    def remembered(applier: FeedApplier, batch: Any, **named: Any) -> Any:
        appliers[:] = [applier]
        return transaction(applier, batch, **named)

    def save_batch(
        whole: Any, connection: Any, run: Any, client: str, outcomes: Any, hand: Any
    ) -> None:
        whole(connection, run, client, outcomes, hand)
        write_logs(appliers[0], outcomes)

    FeedApplier._transaction = remembered  # type: ignore[method-assign]
    FeedApplier._write_logs = lambda _applier, _outcomes: None  # type: ignore[method-assign]
    _wrapped("save_batch", save_batch)


@_of(KILLED)
def begins_anew() -> None:
    """A run that was cut short is run again from its first package."""
    _wrapped("paths_of", lambda _whole, _connection, _run: set())


@_of(KILLED)
def forgets_runs() -> None:
    """What was cut short is not looked for."""
    from feedengine.taking import Taker

    Taker.recover = lambda _taker: None  # type: ignore[method-assign]


@_of(KILLED)
def forgets_logs() -> None:
    """Logs that were not written any more are never written."""
    from feedengine import taking

    taking.logs_again = lambda *_given: 0


@_of(KILLED)
def forgets_what_is_not_moved() -> None:
    """A run counts as filed as soon as it is finished."""

    def save_run(whole: Any, connection: Any, run: Any) -> None:
        whole(connection, run._replace(filed_at=run.finished_at))

    _wrapped("save_run", save_run)


@_of(KILLED)
def ignores_digests() -> None:
    """A package counts as applied by its path, whatever stands in it now."""
    from feedengine.store.earlier import Earlier, Known

    class Paths(dict[tuple[str, str], Known]):
        """A dictionary that looks at paths alone."""

        def __contains__(self, one: object) -> bool:
            return isinstance(one, tuple) and any(one[0] == path for path, _ in self)

        def __missing__(self, one: tuple[str, str]) -> Known:
            return next(known for (path, _), known in self.items() if path == one[0])

    applied = Earlier.applied
    Earlier.applied = lambda *given: Paths(applied(*given))  # type: ignore[method-assign]
    Earlier.digests = lambda *_: set()  # type: ignore[method-assign]


@_of(FAILED)
def blames_packages() -> None:
    """A disk that fails is taken for a package that cannot be read."""
    import errno

    from feedengine.feeds import descriptors
    from feedengine.feeds.paths import UnreadableError

    for number in (errno.EIO, errno.EMFILE, errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        descriptors._REASONS[number] = (UnreadableError, "may not be read")


@_of(MOVED)
def moves_whatever_is_there() -> None:
    """An entry is moved by its name, whichever file has that now."""
    from feedengine.feeds.stack import Stack

    move = Stack.move
    Stack.move = lambda stack, name, to, _signature=None: move(stack, name, to)  # type: ignore[method-assign]
    Stack.move_all = lambda stack, entries, to: [move(stack, one, to) for one, _ in entries]  # type: ignore[method-assign]


@_of(MOVED)
def reads_twice() -> None:
    """The digest of a package is of a second look at it, not of what is applied."""
    from feedengine.feeds.document import Loader

    load = Loader.load

    def loaded(loader: Loader, path: str) -> Any:
        found = load(loader, path)
        found.digest = load(Loader(loader.folder, loader.limits), path).digest
        return found

    Loader.load = loaded  # type: ignore[method-assign]


MUTANTS = {**KILLED, **FAILED, **MOVED}
