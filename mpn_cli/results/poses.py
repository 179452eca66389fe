"""Poses as they are kept in part files and written to COCO files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

import msgspec

from mpn_cli.sources.tasks import FrameTask, Skipped, Task

CONFIDENT = 0.3
"""Joints with at least this confidence are written as visible (v = 2)."""


class Pose(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One person's pose; coordinates rounded to 2 decimals, scores to 4."""

    keypoints: list[float]
    """x, y in pixels and confidence of each joint, flat."""
    score: float
    bbox: list[float]
    """The box it was found in: x, y, width, height."""
    track_id: int | None = None
    """The same for a person in all frames of a video, if people are tracked."""

    @property
    def area(self) -> float:
        """The box's area, pixels squared."""
        return round(self.bbox[2] * self.bbox[3], 2)

    def joints(self) -> Iterator[tuple[float, float, float]]:
        """(x, y, confidence) of each joint."""
        flat = iter(self.keypoints)
        return zip(flat, flat, flat, strict=True)

    def visibilities(self, kpt_thr: float) -> list[int]:
        """COCO's v for each joint: 2 confident, 1 uncertain, 0 not found (up to ``kpt_thr``)."""
        return [
            2 if confidence >= max(CONFIDENT, kpt_thr) else int(confidence > kpt_thr)
            for _, _, confidence in self.joints()
        ]


class PredictedPose(Pose, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A line of predictions.json, read back."""

    image_id: int


class WrittenPicture(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A picture of dataset.json."""

    id: int
    file_name: str
    width: Annotated[int, msgspec.Meta(ge=0)]
    height: Annotated[int, msgspec.Meta(ge=0)]
    video_id: int | None = None
    """Of a frame: the video's id in ``videos``."""
    frame_id: int | None = None
    """Of a frame: its number in the video, from 0."""
    time: float | None = None
    """Of a frame: seconds from the start of the video."""

    @property
    def video_name(self) -> str:
        """Of a frame: the video that it is in, relative to its source root; else ""."""
        return "" if self.frame_id is None else self.file_name.rpartition("/")[0]


class WrittenVideo(msgspec.Struct, frozen=True):
    """A video of dataset.json."""

    id: int
    name: str


class InVideo(msgspec.Struct, frozen=True, gc=False):
    """Where a picture is a frame."""

    video: str
    """The video's name, relative to its source root."""
    number: int
    """From 0."""
    seconds: float
    """From the start of the video."""

    @classmethod
    def of(cls, task: Task) -> InVideo | None:
        """Of a task; None for a picture."""
        if not isinstance(task, FrameTask):
            return None
        return cls(task.video, task.frame.number, task.frame.seconds)


class AnnotatedPicture(msgspec.Struct, frozen=True, omit_defaults=True):
    """One picture and the poses found in it, best first."""

    image_id: int
    file_name: str
    width: int
    height: int
    poses: list[Pose]
    frame: InVideo | None = None
    """None for a picture that is no frame of a video."""

    def likely(self, pose_thr: float) -> list[Pose]:
        """The poses with a score of at least ``pose_thr``, best first."""
        return [pose for pose in self.poses if pose.score >= pose_thr]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one or several shards; ``+`` adds every field."""

    pictures: int = 0
    """Pictures with results, those without people included."""
    people: int = 0
    """Poses in predictions.json."""
    full_image: int = 0
    """Pictures treated as one person who fills the picture."""
    kept_out: int = 0
    """Poses with a score under ``--pose-thr``."""
    other_size: int = 0
    """Pictures of another size than the file with their boxes says."""
    reused: int = 0
    """Pictures whose poses are those of an earlier job."""
    boxes_left_out: dict[str, int] = {}
    """Number of dropped boxes by reason."""
    seconds: dict[str, float] = {}
    """Seconds by stage."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            **{
                name: _sum(getattr(self, name), getattr(other, name))
                for name in self.__struct_fields__
            }
        )


_Summed = TypeVar("_Summed", int, dict[str, Any])


def _sum(a: _Summed, b: _Summed) -> _Summed:
    if isinstance(a, dict):
        return a | {name: a.get(name, 0) + value for name, value in b.items()}
    return a + b


class ShardResult(msgspec.Struct):
    """The result of annotating one shard. Results of two shards can be added."""

    pictures: list[AnnotatedPicture]
    skipped: list[Skipped] = []
    counts: Counts = Counts()
    """``pictures`` and ``people`` in it are counted here."""

    def __post_init__(self) -> None:
        """Count pictures and people."""
        self.counts = msgspec.structs.replace(
            self.counts,
            pictures=len(self.pictures),
            people=sum(len(picture.poses) for picture in self.pictures),
        )

    def __add__(self, other: ShardResult) -> ShardResult:
        return ShardResult(
            self.pictures + other.pictures,
            self.skipped + other.skipped,
            self.counts + other.counts,
        )
