"""Reading the files that are evaluated."""

from __future__ import annotations

import re
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
        if _is_no_number(content, str(error)):
            raise InputError(f"{file}: holds NaN or Infinity, which are no numbers") from None
        raise InputError(f"{file}: not {name}: {error}") from None
    except RecursionError:
        raise InputError(f"{file}: not {name}: nested too deeply") from None


def _is_no_number(content: bytes, error: str) -> bool:
    """Whether what msgspec stumbled over is a NaN or an Infinity; texts may hold these words."""
    found = re.search(r"\(byte (\d+)\)", error)
    place = int(found[1]) if found else len(content)
    around = content[max(place - 1, 0) : place + 8]
    return re.match(rb".?-?(nan|inf)", around, re.IGNORECASE | re.DOTALL) is not None


def results_file(place: Path) -> Path:
    """A results file; of a folder that mpn annotate filled, its predictions.json.

    Raises InputError for a folder without one.
    """
    if not place.is_dir():
        return place
    file = place / "predictions.json"
    if not file.is_file():
        raise InputError(f"{place}/ holds no finished run of mpn annotate (no predictions.json)")
    return file
