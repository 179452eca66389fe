"""The unit of work: one picture, perhaps with boxes, or one frame of a video."""

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

    @property
    def place(self) -> str:
        """What messages call the picture."""
        return self.path

    @property
    def folder(self) -> str:
        """What stands before its name in its path."""
        return self.path.removesuffix(self.file_name)


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which frame of a video, and where decoding has to start for it."""

    number: int
    """From 0, in the order in which frames are shown."""
    stamp: int
    """Presentation time in the stream's own units: what tells a frame from others exactly."""
    seconds: float
    """When it is shown, from the start of the video."""
    start: int
    """Stamp of the packet of the key frame before it: decoding starts there."""
    start_number: int
    """Number of that key frame."""


class FrameTask(Task, frozen=True, array_like=True, kw_only=True):
    """One frame of a video to be annotated: ``path`` is the video."""

    frame: Frame
    video: str
    """The video's name, relative to its source root as the ``file_name`` of pictures is."""

    @property
    def place(self) -> str:
        """The video, and when the frame is shown, as media fragments say it."""
        return f"{self.path}#t={self.frame.seconds:.3f}"

    @property
    def folder(self) -> str:
        """What stands before the video's name in its path."""
        return self.path.removesuffix(self.video)


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
    videos: int = 0
    """Videos whose frames are among the tasks."""
