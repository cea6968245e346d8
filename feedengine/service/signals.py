"""Signals, heard by a thread of their own: no handler breaks into what the loop is doing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_DONE = signal.SIGUSR2
"""What the thread is woken with when nobody wants to hear any more."""


@contextmanager
def heard(by: Callable[[signal.Signals], None], *wanted: signal.Signals) -> Iterator[None]:
    """Pass the signals ``wanted`` to ``by``, in another thread, until the end.

    Entered by the main thread before it starts any other: they inherit that the signals are kept
    back for whoever waits for them.
    """
    signals = {*wanted, _DONE}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    ended = threading.Event()

    def listen() -> None:
        while True:
            number = signal.sigwait(signals)
            if ended.is_set():
                return
            if number != _DONE:
                by(signal.Signals(number))

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        if thread.ident is not None:
            signal.pthread_kill(thread.ident, _DONE)
        thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
