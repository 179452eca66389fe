"""Pictures that mpn itself drew: no sources, unless they are named.

A folder of photos often holds results folders, and their overlays would be annotated like photos.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

import msgspec

OVERLAYS = "overlays"
PARTS = "parts"
_MARKS = ("run.json", f"{PARTS}/job.json")


class _Job(msgspec.Struct):
    weights_sha256: str


class _Recipe(msgspec.Struct):
    recipe: _Job


class _Run(msgspec.Struct):
    job: _Recipe


def is_results_folder(folder: str) -> bool:
    """Whether a folder holds a job of mpn's, finished or under way."""
    for name, kind in zip(_MARKS, (_Run, _Recipe), strict=True):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                msgspec.json.decode(file.read(), type=kind)
        except (OSError, msgspec.DecodeError):
            continue
        return True
    return False


def own_pictures(out: str | None) -> Callable[[str, str], bool]:
    """A function that tells whether a (path, root of the search) is mpn's own.

    Own is what lies in ``out``, the results folder of the job at hand, and in the overlays of other
    results folders; but not where the search began in there.
    """
    place = os.path.realpath(out) if out else None

    @lru_cache(maxsize=1 << 16)
    def own(folder: str, root: str) -> bool:
        real = os.path.realpath(folder)
        start = os.path.realpath(root)
        if place and _below(real, place):
            if not _below(start, place):
                return True
            if any(_below(real, os.path.join(place, name)) for name in (OVERLAYS, PARTS)):
                return start == place
        above, name = os.path.split(folder)
        if folder == root or not _below(above, root):
            return False
        return (name == OVERLAYS and is_results_folder(above)) or own(above, root)

    return lambda path, root: own(os.path.dirname(path), root)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
