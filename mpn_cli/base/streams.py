"""Standard output and standard error in whatever state they are: ASCII only, full, or closed."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from mpn_cli.base.errors import InputError, PipeClosedError

_PLAIN = {"µ": "u", "²": "^2", "…": "..."}
"""Replacements for characters that the terminal's encoding lacks."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    written = error.object[error.start : error.end]
    return "".join(map(_shown, written)), error.end


def _shown(letter: str) -> str:
    byte = ord(letter) - 0xDC00  # how Python keeps bytes of a name that are not UTF-8
    if 0x80 <= byte <= 0xFF:
        return f"\\x{byte:02x}"
    return _PLAIN.get(letter, letter.encode("ascii", "backslashreplace").decode())


class _Output:
    """Standard output whose system errors are reported to the user as such, not as a bug."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # The rest of the buffer must not fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno == errno.EPIPE:
            raise PipeClosedError("nobody reads standard output") from None
        raise InputError(f"standard output can't be written: {error.strerror}") from None


def prepare() -> None:
    """Make standard output and standard error take whatever is written to them."""
    codecs.register_error("mpn-plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="mpn-plain")
    if sys.stdout is not None:
        sys.stdout = _Output(sys.stdout)
