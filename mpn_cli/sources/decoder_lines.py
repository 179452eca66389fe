"""Captures what C libraries write to stderr while they decode: lines that name no file.

libjpeg, libpng, libtiff and OpenCV's log write to file descriptor 2 themselves. In processes that
the command owns (``listen``) they are kept from the terminal while a picture is decoded, and handed
to whoever decodes it; everywhere else nothing is touched.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

LONGEST = 200
"""Maximum number of characters kept of a line."""


class _Listener:
    """File descriptor 2 leads into a file of its own as long as any thread decodes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: BinaryIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._stderr = os.dup(2)
        self._decoding = 0
        self._shared = False
        self.process = os.getpid()
        if sys.stderr is not None:
            # What Python says, progress and errors, goes the way it always went.
            sys.stderr = open(os.dup(2), "w", buffering=1, errors="backslashreplace")  # noqa: SIM115

    def enter(self) -> int:
        with self._lock:
            if not self._decoding:
                self._lines.truncate(0)
                self._lines.seek(0)
                os.dup2(self._lines.fileno(), 2)
            self._shared = self._decoding > 0
            self._decoding += 1
            return self._lines.tell()

    def leave(self, start: int) -> str:
        """The first line written since ``start``; "" where another thread decoded as well."""
        with self._lock:
            self._decoding -= 1
            if not self._decoding:
                os.dup2(self._stderr, 2)
            if self._shared or self._decoding:
                return ""
            self._lines.seek(start)
            lines = self._lines.read(64 * LONGEST).decode(errors="replace").splitlines()
            return next((line.strip()[:LONGEST] for line in lines if line.strip()), "")


_listener: _Listener | None = None


def listen() -> None:
    """Keep decoders' lines from this process's terminal from now on."""
    global _listener
    if _listener is None or _listener.process != os.getpid():
        try:
            _listener = _Listener()
        except OSError:  # stderr is closed: nothing can be written to it anyway
            _listener = None


@contextmanager
def heard() -> Iterator[Callable[[], str]]:
    """While a picture is decoded; afterwards the first line that a library wrote, or ""."""
    listener, line = _listener, ""
    start = listener.enter() if listener else 0
    try:
        yield lambda: line
    finally:
        if listener:
            line = listener.leave(start)
