"""Reading the files that are evaluated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from mpn_cli.errors import InputError

_Content = TypeVar("_Content")


def read_json(file: Path, kind: type[_Content], name: str) -> _Content:
    """A file's content as ``kind``. Raises InputError saying that it is not ``name``, and why."""
    try:
        content = file.read_bytes()
        return msgspec.json.decode(content, type=kind)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        if any(word in content for word in (b"NaN", b"Infinity")):
            raise InputError(f"{file}: holds NaN or Infinity, which are no numbers") from None
        raise InputError(f"{file}: not {name}: {error}") from None


def check_target(file: Path, option: str) -> None:
    """Raise InputError where ``file`` can't be written: said before the work, not after it."""
    if file.is_dir():
        raise InputError(f"{option} {file}: that is a folder; name a file")
    if not file.parent.is_dir():
        raise InputError(f"{option} {file}: there is no folder {file.parent}/")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InputError(f"{option} {file}: no right to write there")
