"""The command ``feedengine``: its subcommands, and what becomes of everything that goes wrong.

A subcommand's module is imported when it is used, so that ``feedengine --help`` brings neither the
database nor the XML parser with it.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from feedengine.cli import output
from feedengine.errors import FeedengineError, UsageError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
"""What shells say of a command that Ctrl-C has ended."""

PIPE_CLOSED = 141
"""What shells say of a command whose reader has gone."""


class Command(NamedTuple):
    """A subcommand: its words, where its function is, and its help, whose first line is listed."""

    words: str
    place: str
    help: str


COMMANDS = (
    Command(
        "init",
        "site:init",
        """Make a site: Feeds/, Stack/, feedengine.toml and the catalogue.

        ROOT is the current folder unless given. What is there already stays as it is.""",
    ),
    Command(
        "run",
        "site:run",
        """Apply what is on the Stack, then end.

        Waits for entries and feeds that are still being written. Ends with a table of the feeds,
        and exits 1 when a feed failed in part or whole, is held, or still waits.""",
    ),
    Command(
        "watch",
        "service:watch",
        """The service: apply what comes on the Stack, for ever.

        Wakes at once when an entry is dropped, and looks by itself besides. SIGTERM and Ctrl-C end
        it after the batch in hand; SIGHUP has it read its settings again. Waits out failures of
        database and disk. The log goes to standard error.""",
    ),
    Command(
        "validate",
        "validating:validate",
        """Check packages, feeds or Stack entries; nothing is applied.

        A PATH is a package.xml, a feed's folder or a Stack entry. With --against-catalogue the
        actions are also tried on the catalogue, dry, and the plan is printed.""",
    ),
    Command(
        "status",
        "site:status",
        "How things stand: the queue, what is held, the last run, the catalogue.",
    ),
    Command("feeds", "runs:feeds", "The feed runs, newest first."),
    Command(
        "findings",
        "runs:findings",
        """What was wrong or doubtful in feeds, and how to cure it.

        The newest run's findings come first. --summary counts them by code and client.""",
    ),
    Command(
        "show",
        "catalogue:show",
        """One object of the catalogue, now or as of an instant; or its history.

        KIND is label, genre, artist, release or track. Put -- before an ID that begins with a
        hyphen.""",
    ),
    Command(
        "available",
        "catalogue:available",
        """May this country use this track at this instant? Exits 0 for yes, 1 for no.

        Without --release: on any release that holds the track. The answer says why, and in which
        window.""",
    ),
    Command(
        "export",
        "catalogue:export",
        """The whole catalogue in canonical order: equal catalogues give equal bytes.

        jsonl goes to standard output or the file --out; xml (a feed that rebuilds the catalogue)
        and parquet go to the folder --out.""",
    ),
    Command(
        "feed new", "runs:feed_new", "Begin a feed; prints its path, which add and stack want."
    ),
    Command(
        "feed add",
        "runs:feed_add",
        """Add packages to a feed, in the order given.

        With --as the one FILE is not a package but stands in the feed under that name, for others
        to refer to by src. - is standard input.""",
    ),
    Command(
        "feed stack",
        "runs:feed_stack",
        """Put a finished feed on the Stack: from now on it may be taken.

        It is validated first, and refused when that finds errors, unless --force is given.""",
    ),
    Command(
        "feed release",
        "runs:feed_release",
        "Let a held feed through; the next run applies it.",
    ),
    Command(
        "feed retry",
        "repair:feed_retry",
        """Put feeds that failed back on the Stack: their failed packages are taken again.

        Without RUN every feed whose last attempt failed in part or whole. With --code only the
        packages that failed with it: once the missing artist is there, reference-unknown.""",
    ),
    Command(
        "feed undo",
        "repair:feed_undo",
        """Take back every change of a run: the catalogue is as it was before it.

        Refused, with a list, where later changes depend on it. The feed's packages then count as
        applied no longer, so the same feed or a corrected one can be put on the Stack again.""",
    ),
    Command(
        "db upgrade",
        "database:upgrade",
        "Bring the catalogue to the tables and views of this version.",
    ),
    Command(
        "db check",
        "database:check",
        "Check that the catalogue keeps every rule; exits 1 when it does not.",
    ),
    Command("db rebuild", "database:rebuild", "Make the catalogue anew from its history."),
    Command(
        "db copy",
        "database:copy",
        "Copy the catalogue, history and ledger into another, empty database.",
    ),
    Command(
        "db prune",
        "database:prune",
        """Remove what is old: findings, packages not applied, logs, processed entries.

        By the settings keep_findings_days, keep_logs_days and keep_entries_days; unset, nothing is
        removed. What was applied, history and feeds stay. It may run beside everything else.""",
    ),
    Command(
        "plays check",
        "plays:check",
        """Judge play logs before they are sent; nothing is sent.

        An IN is a file (.jsonl .json .csv .tsv .txt .parquet, also .gz or .zst), a folder, or -.
        Every broken rule of every row is counted; the first refused rows are listed. Exits 1 when
        a row is refused.""",
    ),
    Command(
        "plays prepare",
        "plays_out:prepare",
        """Judge plays and write into the folder --out what would be sent; nothing is sent.

        Leaves accepted.parquet, rejected.parquet, summary.json, and parcels/ with each file under
        its key. Numbers are the next ones, and are not taken. Exits 1 when a row is refused.""",
    ),
    Command(
        "plays deliver",
        "plays_out:deliver",
        """Judge plays and send them, each once; what waits from before goes first.

        An IN is what `plays check` takes, or a folder that `plays prepare` has left. Without IN
        only what waits is sent. Exits 1 when plays are refused, in doubt, or still wait.""",
    ),
    Command(
        "plays inbox",
        "plays_inbox:inbox",
        """Judge and deliver what lies in Plays/inbox, now: what the service does once a day.

        Logs move to Plays/done, their rows and reports to Plays/judged; what waits is sent. Exits
        1 when plays are refused, in doubt or wait, or a log stays; 3 when a recipient fails.""",
    ),
    Command(
        "plays resubmit",
        "plays_out:resubmit",
        """Send again what the recipient reports as failed, to the failures path.

        NOTICE is the recipient's notice: files, their rows, or ids of plays (docs/
        plays-delivery.md has its forms); - is standard input.""",
    ),
    Command(
        "plays status",
        "parcels:status",
        """What was delivered, what waits, what is in doubt or in conflict, what was refused.

        And what lies in the inbox, and when the service delivers next.""",
    ),
    Command(
        "plays release",
        "parcels:release",
        """Settle by hand a parcel that is in doubt or in conflict (`plays status` has its number).

        --as arrived: it counts as delivered. --as missing: it is sent again. --as drop: it is
        given up, and its plays may leave in other parcels.""",
    ),
    Command("config", "site:config", "Each setting, its value, and where that came from."),
)

_COMMANDS = {command.words: command for command in COMMANDS}

GROUPS = {
    "feed": "Write feeds; let held ones through, retry and undo them.",
    "plays": "The way out: play logs judged and delivered.",
    "db": "Look after the catalogue's database.",
}

_HELP = """Music catalogue feeds in, a relational catalogue out, with its whole history.

Settings come from flags, then FEEDENGINE_… variables, then feedengine.toml, then defaults. Exit
status: 0 fine; 1 refused, held, not found or "no"; 2 wrong usage or settings; 3 an outside service
failed."""


def _paragraphs(text: str) -> str:
    """A text whose lines are broken where the terminal ends, and not where they are here."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def main() -> None:
    """Run the command that the arguments name, and exit as it says."""
    # pathlib takes longer to import than help takes to print.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        # A stream that the shell has closed is None.
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
        status = run(sys.argv[1:])
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                # What is left in the buffer must not complain once more when the interpreter ends.
                os.dup2(nowhere.fileno(), stream.fileno())
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status. Never a traceback for what can go wrong."""
    as_json = "--json" in takewhile(lambda word: word != "--", arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        found = _carried_out(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if sys.flags.dev_mode and not isinstance(error, FeedengineError):
            raise
        return output.error(*_told(error), as_json=as_json)
    return found


def _carried_out(words: list[str]) -> int:
    """Find the command that the words name, import it, and call it with the others."""
    group = words[0] if words and words[0] in GROUPS else ""
    rest = words[1:] if group else words
    word = rest[0] if rest else "--help"
    if word in {"-h", "--help"}:
        sys.stdout.write(_listed(group))
        return 0
    if word == "--version" and not group:
        from feedengine import __version__

        output.line(__version__)
        return 0
    command = _COMMANDS.get(f"{group} {word}".strip())
    if command is None:
        raise _no_command(group, word)
    return _called(command, rest[1:])


def _called(command: Command, words: list[str]) -> int:
    from feedengine.cli.parsing import Called

    module, _, name = command.place.partition(":")
    function = getattr(import_module(f"feedengine.cli.{module}"), name)
    called = Called(f"feedengine {command.words}", _paragraphs(command.help), function)
    if {"-h", "--help"}.intersection(takewhile(lambda word: word != "--", words)):
        sys.stdout.write(called.parser.format_help())
        return 0
    return called(words)


def _below(group: str) -> dict[str, str]:
    """The words of a group, or the first of all, with the first sentences of their help."""
    found = {}
    for command in COMMANDS:
        where, _, word = command.words.rpartition(" ")
        if where == group:
            found[word] = _paragraphs(command.help.partition("\n\n")[0])
        elif not group:
            found[where] = GROUPS[where]
    return found


def _listed(group: str) -> str:
    from feedengine.cli.helping import listing

    text = GROUPS[group] if group else _paragraphs(_HELP)
    return listing(f"feedengine {group}".strip(), text, _below(group), versioned=not group)


def _no_command(group: str, word: str) -> UsageError:
    from feedengine.cli.helping import nearest

    words = f"feedengine {group}".strip()
    what = "option" if word.startswith("-") else "command"
    near = nearest(word, _below(group))
    return UsageError(f"{words} has no {what} {quoted(word)}{near}", f"see `{words} --help`")


def _told(error: Exception) -> tuple[str, str, int]:
    """Message, hint and exit status of what went wrong."""
    if isinstance(error, FeedengineError):
        return error.message, error.hint, error.exit_status
    if isinstance(error, UnicodeEncodeError):
        return "an argument is not text in UTF-8", "write it in UTF-8", 2
    if isinstance(error, OSError):
        what = ": ".join(str(one) for one in (error.filename, error.strerror or error) if one)
        return what, "look at the path, its permissions and the room on its disk", 3
    if type(error).__name__ in {"ArgumentError", "NoSuchModuleError"}:
        hint = "use sqlite:///PATH or postgresql://USER@HOST/NAME"
        return "database_url names no database", hint, 2
    if type(error).__module__.startswith("sqlalchemy."):
        first = str(error).splitlines()[0]
        return f"the database failed: {first}", "see `feedengine config` for database_url", 3
    hint = "this is a defect of feedengine; PYTHONDEVMODE=1 shows where"
    return f"unexpected {type(error).__name__}: {error}", hint, 3
