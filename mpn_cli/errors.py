"""Errors that a user can act on: one line each, with an exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How the command ends."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    SKIPPED = 3
    STOPPED = 130


class InputError(ValueError):
    """Input or options that can't be used: what happened, where, what to do, in one line."""
