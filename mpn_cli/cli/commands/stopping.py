"""Ctrl-C, SIGTERM and SIGHUP: the first requests an orderly stop, the second stops immediately."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from mpn_cli.base.stopping import heard_signals, leave_terminal
from mpn_cli.cli import console


@contextmanager
def stoppable(ask: Callable[[], None], message: str) -> Iterator[None]:
    """The first Ctrl-C, SIGTERM or SIGHUP calls ``ask`` and prints ``message``.

    The second raises KeyboardInterrupt in the main thread.
    """
    asked = False

    def heard(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        leave_terminal(number)
        if asked:
            raise KeyboardInterrupt
        asked = True
        ask()
        console.print_note(message)

    before = {number: signal.signal(number, heard) for number in heard_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
