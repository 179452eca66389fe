"""One root class for every error that the user can correct, and the exit codes of commands."""

from __future__ import annotations

import sys
from enum import IntEnum
from pathlib import Path

OWN_PACKAGES = ("mpn_cli", "mpn_models", "mpn_nms")
"""Our own packages: a file missing from them means a broken installation, not a user error."""


class ExitCode(IntEnum):
    """The exit code of a command."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    SKIPPED = 3
    STOPPED = 130
    PIPE_CLOSED = 141
    """The reader of standard output has gone, as after ``| head``: 128 + SIGPIPE."""


class MpnError(Exception):
    """Root of all errors that the user can correct; the message is one line.

    It says what happened, where, and what to do. Any other exception that reaches the command line
    is a bug.
    """

    exit_code = ExitCode.USAGE


class InputError(MpnError):
    """Input, options or paths that can't be used."""


class PipeClosedError(MpnError):
    """The reader of standard output is gone, so that no message is printed either."""

    exit_code = ExitCode.PIPE_CLOSED


def as_mpn_error(error: Exception) -> MpnError | None:
    """Convert an error that the user can correct to an MpnError; None for a bug.

    ``mpn_nms`` and ``mpn_models`` don't know this package: their errors that are meant for the
    user, and the system's errors about files and memory, are converted here and nowhere else.
    """
    if isinstance(error, MpnError):
        return error
    if isinstance(error, _speaking_errors()):
        return InputError(str(error))
    if isinstance(error, MemoryError):
        return InputError(f"not enough memory: {error}" if str(error) else "not enough memory")
    if isinstance(error, OSError) and error.strerror and not _is_ours(error.filename):
        place = f"{error.filename}: " if error.filename is not None else ""
        return InputError(f"{place}{error.strerror}")
    return None


def _speaking_errors() -> tuple[type[Exception], ...]:
    """The errors of the other packages that are meant for the user.

    Only loaded modules are looked up: one that was never imported can't have raised anything.
    """
    homes = (("mpn_nms.plugins", "PluginError"), ("mpn_models.weights", "WeightsError"))
    return tuple(getattr(sys.modules[home], name) for home, name in homes if home in sys.modules)


def _is_ours(filename: object) -> bool:
    """Whether a file belongs to the packages of this installation."""
    files = [sys.modules[name].__file__ for name in OWN_PACKAGES if name in sys.modules]
    return isinstance(filename, str) and any(
        Path(filename).is_relative_to(Path(file).parent) for file in files if file
    )
