"""The connection to PostgreSQL is cut, at every message: committed or not is decided right (P9).

The run goes on by itself, and catalogue, history, ledger, Stack and logs end as an undisturbed run
on SQLite leaves them.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from .proxy import CLIENT, SERVER, WAYS, Cut
from .shared import SharedSites, committing, ends_equal, goes_on, plainly_told
from .violence import LONG, spread, told

if TYPE_CHECKING:
    from .forking import Commands
    from .proxy import Message
    from .violence import State, Workers

MOST = {"before": 2, "after": 3, "unnoticed": 2}
"""So many commits, and as many other points, in the short form."""

pytestmark = pytest.mark.timeout(7200 if LONG else 300)


def points(messages: list[Message], way: str) -> list[int]:
    """Where to cut: everywhere in the long form, but for what comes to the same.

    After a message is before the next one, if the same side sends that. In the short form half of
    the points are commits of what a run writes, the others are spread.
    """
    numbers = [
        number
        for number, (one, following) in enumerate(itertools.pairwise(messages), 1)
        if way == "before" or (one.sender, following.sender) == (CLIENT, SERVER)
    ]
    if LONG:
        return numbers
    commits = set(committing(messages)) & set(numbers)
    rest = [number for number in numbers if number not in commits]
    return [*spread(sorted(commits), MOST[way]), *spread(rest, MOST[way])]


@pytest.mark.parametrize("way", WAYS)
def test_a_run_goes_on_when_its_connection_is_cut(
    workers: Workers,
    shared_sites: SharedSites,
    undisturbed: State,
    messages: list[Message],
    way: str,
) -> None:
    """P9: nothing is lost, applied or logged twice, wherever it is cut."""
    turn = next(n for n, one in enumerate(messages, 1) if "current_setting" in one.text)

    def trial(commands: Commands, number: int) -> str:
        with shared_sites.behind(f"{way}-{number}", Cut(number, way)) as (root, _):
            done = commands("run", root)
            # While the catalogue is being opened, a connection that breaks is told at once.
            opening = number < turn and not plainly_told(done.err, done.status)
            wrong = "" if opening else goes_on(done)
            wrong = wrong or ends_equal(commands, root, undisturbed)
        return f"{messages[number - 1]}: {wrong}" if wrong else ""

    wrong = workers.over(points(messages, way), trial)
    assert not wrong, told(wrong)
