"""Reading the files that are evaluated."""

from __future__ import annotations

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
