"""What files are called after their picture."""

from __future__ import annotations

from mpn_cli.sources.kinds import HEIC, PICTURES

_SUFFIXES = (*PICTURES, *HEIC, ".gif")


def without_suffix(place: str) -> str:
    """A picture's path without the ending of a picture format; of other names all is kept.

    A video's frame (``clip.mp4#t=1.480``) has no such ending, and another frame would lose its
    own part of the name.
    """
    lower = place.lower()
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and not lower.endswith(f"/{suffix}") and lower != suffix:
            return place[: -len(suffix)]
    return place
