"""Signals that ask a command to stop: Ctrl-C, SIGTERM, and a terminal that was closed."""

from __future__ import annotations

import os
import signal
import stat
from types import FrameType

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""SIGHUP is not known on Windows."""


def heard_signals() -> list[int]:
    """The stop signals that are not ignored (``nohup`` has SIGHUP ignored)."""
    return [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def leave_terminal(number: int) -> None:
    """If the signal means that the terminal is gone, discard all output: writing would fail."""
    if number != getattr(signal, "SIGHUP", None):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        if stat.S_ISCHR(os.fstat(stream).st_mode):
            os.dup2(nowhere, stream)
    os.close(nowhere)


class Interruption:
    """Turns stop signals into KeyboardInterrupt, and remembers that one came.

    Libraries that are being loaded turn a KeyboardInterrupt into errors of their own.
    """

    def __init__(self) -> None:
        self.came = False

    def listen(self) -> None:
        """Answer the stop signals."""
        for number in heard_signals():
            signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        leave_terminal(number)
        self.came = True
        raise KeyboardInterrupt
