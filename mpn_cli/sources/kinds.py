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
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
"""Videos whose frames are read: their containers can be entered at any key frame."""

OTHER_VIDEOS = (
    ".3gp",
    ".flv",
    ".insv",
    ".m2ts",
    ".mpeg",
    ".mpg",
    ".mts",
    ".mxf",
    ".ogv",
    ".wmv",
)

HEIC_HINT = "HEIC needs pillow-heif; pip install 'mobileposenet[heic]'"
OTHER_VIDEO_HINT = (
    "videos of these kinds are not read; put them into .mkv first: ffmpeg -i VIDEO -c copy x.mkv"
)
VIDEO_HINT = f"a video: mpn annotate takes it under a name that ends in {', '.join(VIDEOS)}"

NO_SUFFIX = "no suffix"


@lru_cache(maxsize=1)
def reads_heic() -> bool:
    """Whether pillow-heif, the extra ``heic``, is installed."""
    return find_spec("pillow_heif") is not None


@lru_cache(maxsize=1)
def picture_suffixes() -> tuple[str, ...]:
    """The suffixes of picture formats that can be read in this installation."""
    return PICTURES + (HEIC if reads_heic() else ())


def is_video(path: str) -> bool:
    """Whether a file is a video whose frames are read, by the end of its name."""
    return path.lower().endswith(VIDEOS)


def suffix_of(path: str) -> str:
    """A name's end in lower case, as ``.heic``; ``NO_SUFFIX`` where it has none."""
    return os.path.splitext(path)[1].lower() or NO_SUFFIX


def hints(others: Mapping[str, int]) -> list[str]:
    """What can be done about files of some suffixes that were left out."""
    found = []
    if any(suffix in others for suffix in HEIC):
        found.append(HEIC_HINT)
    if any(suffix in others for suffix in OTHER_VIDEOS):
        found.append(OTHER_VIDEO_HINT)
    return found


def in_words(others: Mapping[str, int], most: int = 8) -> str:
    """As ``.heic 3, .gif 1``: the commonest first."""
    ranked = sorted(others.items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{suffix} {count}" for suffix, count in ranked[:most])
    return named + (f", {len(ranked) - most} more kinds" if len(ranked) > most else "")
