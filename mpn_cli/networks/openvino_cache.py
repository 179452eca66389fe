"""The user's cache of networks, and a temporary one for use if it can't be written."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import platformdirs

from mpn_cli.base.errors import InputError

VARIABLE = "XDG_CACHE_HOME"

_problems: list[str] = []
"""Why the temporary cache is used; empty while it is not."""


def cache_folder() -> Path:
    """The folder for cached networks, which may not exist and may not be writable."""
    return Path(platformdirs.user_cache_dir("mpn"))


def cache_problem() -> str | None:
    """A message for the user if the cache could not be written, else None."""
    return _problems[0] if _problems else None


def use_temporary_cache(error: Exception) -> None:
    """Use a temporary folder as cache until this process ends.

    Processes started from now on share it. Raises InputError if no temporary folder can be made.
    """
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    problem = f"{cache_folder()}/ can't be written ({reason})"
    if not _problems:
        try:
            folder = tempfile.mkdtemp(prefix="mpn-cache-")
        except OSError:
            folder = ""
        if folder:
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            os.environ[VARIABLE] = folder
            _problems.append(
                f"{problem}, so networks are converted anew in each run; set {VARIABLE} to a"
                " folder that can be written"
            )
            return
    raise InputError(
        f"{problem}, and no temporary folder can: set {VARIABLE} or TMPDIR to one that can"
    )


def is_writable(folder: Path) -> bool:
    """Whether files can be created in a folder, or the folder itself if it does not exist."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)
