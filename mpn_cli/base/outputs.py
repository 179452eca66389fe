"""Single output files named by the user: a file that mpn did not write is never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from mpn_cli.base.errors import InputError


def check_output(file: Path, mark: str, option: str) -> None:
    """Raise InputError if a file can't be written, or exists and was not written by mpn.

    Must be called before the work, not after it.
    mark: text contained in every file of this kind that mpn writes; option: the option that names
    the file, for messages.
    """
    if file.is_dir():
        raise InputError(f"{option} {file}: that is a folder; name a file")
    if not file.parent.is_dir():
        raise InputError(f"{option} {file}: there is no folder {file.parent}/")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InputError(f"{option} {file}: no right to write there")
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{option} {file}: {error.strerror}") from None
    if content and mark.encode() not in content:
        raise InputError(
            f"{option} {file} is there already, and mpn did not write it; give another file"
        )
