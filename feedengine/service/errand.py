"""A round of plays as a process of its own: ``python -m feedengine.service.errand``.

The service's child. Its first line of standard input is the settings as JSON, its standard output
what the round tells (`feedengine.plays.news`), a line each. Judging a large log takes memory, which
goes with the process; whatever ends it, the service goes on. When its standard input ends, the
service is gone, and so is this at once; on SIGTERM it ends where nothing is under way.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from feedengine.plays.news import Ending, News, Said, line_of
from feedengine.service.handing import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedengine.config import Settings

DONE, AGAIN, ENDED, ORPHANED = 0, 1, 3, 4
"""Exit statuses: all done, to be made again, ended by a signal, without a parent."""


def main() -> int:
    """Make one round, if it is due; returns the exit status."""
    faulthandler.enable()
    settings = read(sys.stdin.buffer.readline())
    threading.Thread(target=_orphaned, name="parent", daemon=True).start()
    called = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: called.set())
    # The service keeps signals back for a thread of its own, and its child has inherited that.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    return _round(settings, called)


def _round(settings: Settings, called: threading.Event) -> int:
    from feedengine.plays.rounds import EndedError, failure_of  # brings pyarrow

    def pause(seconds: float) -> None:
        if called.wait(seconds):
            raise EndedError("the service ends")

    try:
        return DONE if _made(settings, pause) else AGAIN
    except EndedError:
        return ENDED
    except Exception as error:  # noqa: BLE001 - told, whatever it is
        _tell(failure_of(error))
        _tell(Ending(done=False))
        return AGAIN


def _made(settings: Settings, pause: Callable[[float], None]) -> bool:
    from feedengine.engine import Engine
    from feedengine.plays.deliver import Site
    from feedengine.plays.rounds import go_round

    with Engine(settings) as engine:
        said = _say
        site = Site(settings, engine.database, said=said, pause=pause)
        return go_round(site, _tell, only_due=True)


def _tell(news: News) -> None:
    os.write(1, line_of(news).encode() + b"\n")


def _say(text: str) -> None:
    _tell(Said(text))


def _orphaned() -> None:
    """Wait until the parent is gone. Not by `sys.stdin`, which would be locked at the end."""
    os.read(0, 1)
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main())
