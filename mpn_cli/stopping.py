"""Signals that ask a command to stop: Ctrl-C, SIGTERM, and a terminal that was closed."""

from __future__ import annotations

import signal
from types import FrameType

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""SIGHUP is not known on Windows."""


class Interruption:
    """Turns stop signals into KeyboardInterrupt, and remembers that one came.

    Libraries that are being loaded turn a KeyboardInterrupt into errors of their own.
    """

    def __init__(self) -> None:
        self.came = False

    def listen(self) -> None:
        """Answer every stop signal that is not ignored, as ``nohup`` wants of SIGHUP."""
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        raise KeyboardInterrupt
