"""The unit of work: one picture, perhaps with boxes."""

from __future__ import annotations

from collections import Counter

import msgspec

from mpn_cli.base.text import printable


class Box(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A person's box in pixels of the picture, with the detector's score."""

    x: float
    y: float
    width: float
    height: float
    score: float = 1.0


class Task(msgspec.Struct, frozen=True, array_like=True):
    """One picture to be annotated."""

    image_id: int
    path: str
    """Where the picture is read from; absolute."""
    file_name: str
    """Relative to its source root, "/"-separated."""
    boxes: tuple[Box, ...] | None = None
    """None: boxes come from the detector."""
    labelled: bool = False
    """Boxes are a data set's people, not a detector's guesses: none is a duplicate of another."""
    stamp: tuple[int, int] | None = None
    """The file's, where its listing told it; else it is asked for."""
    size: tuple[float, float] | None = None
    """Width and height that the boxes' file says: what orientation they are meant in."""


class Skipped(msgspec.Struct, frozen=True):
    """A picture left out: where, the kind of reason, and the reason itself."""

    path: str
    reason: str
    detail: str

    def __post_init__(self) -> None:
        """Lines of JSON hold these: a path that is not UTF-8 is kept as it can be printed."""
        msgspec.structs.force_setattr(self, "path", printable(self.path))


class Gathered(msgspec.Struct):
    """What the sources hold."""

    tasks: list[Task]
    """By ascending image id."""
    skipped: list[Skipped] = []
    """Pictures known to be unusable before any was read."""
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    """Boxes left out, by reason."""
    other_files: Counter[str] = msgspec.field(default_factory=Counter)
    """Files in the folders that are no pictures, by the ends of their names."""
