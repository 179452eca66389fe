"""Kinds of files, by the ends of their names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec

PICTURES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
)
HEIC = (".heic", ".heif", ".hif")
VIDEOS = (
    ".3gp",
    ".avi",
    ".flv",
    ".insv",
    ".m2ts",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".mts",
    ".mxf",
    ".ogv",
    ".webm",
    ".wmv",
)

HEIC_HINT = "HEIC needs pillow-heif; pip install 'mobileposenet[heic]'"
VIDEO_HINT = "a video is no picture; take its frames out first, as with ffmpeg"

NO_SUFFIX = "no suffix"


@lru_cache(maxsize=1)
def reads_heic() -> bool:
    """Whether pillow-heif, the extra ``heic``, is installed."""
    return find_spec("pillow_heif") is not None


@lru_cache(maxsize=1)
def picture_suffixes() -> tuple[str, ...]:
    """The suffixes of picture formats that can be read in this installation."""
    return PICTURES + (HEIC if reads_heic() else ())


def suffix_of(path: str) -> str:
    """A name's end in lower case, as ``.heic``; ``NO_SUFFIX`` where it has none."""
    return os.path.splitext(path)[1].lower() or NO_SUFFIX


def hints(others: Mapping[str, int]) -> list[str]:
    """What can be done about files of some suffixes that were left out."""
    found = []
    if any(suffix in others for suffix in HEIC):
        found.append(HEIC_HINT)
    if any(suffix in others for suffix in VIDEOS):
        found.append(VIDEO_HINT)
    return found


def in_words(others: Mapping[str, int], most: int = 8) -> str:
    """As ``.heic 3, .gif 1``: the commonest first."""
    ranked = sorted(others.items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{suffix} {count}" for suffix, count in ranked[:most])
    return named + (f", {len(ranked) - most} more kinds" if len(ranked) > most else "")
