"""Poses as they are kept in part files and written to COCO files."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mpn_cli.sources.tasks import Skipped

CONFIDENT = 0.3
"""From this confidence on a joint is written as visible (2)."""


class Pose(msgspec.Struct, frozen=True, gc=False):
    """One person's pose; coordinates rounded to 2 decimals, scores to 4."""

    keypoints: list[float]
    """x, y in pixels and confidence of each joint, flat."""
    score: float
    bbox: list[float]
    """The box it was found in: x, y, width, height."""

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


class AnnotatedPicture(msgspec.Struct, frozen=True):
    """One picture and the poses found in it, best first."""

    image_id: int
    file_name: str
    width: int
    height: int
    poses: list[Pose]

    def likely(self, pose_thr: float) -> list[Pose]:
        """The poses with a score of at least ``pose_thr``, best first."""
        return [pose for pose in self.poses if pose.score >= pose_thr]


class ShardResult(msgspec.Struct):
    """What one shard gives: the pure function's value."""

    pictures: list[AnnotatedPicture]
    skipped: list[Skipped]
    boxes_left_out: dict[str, int]
    full_image: int
    """Pictures taken as one person filling them."""
    seconds: dict[str, float]
    """By stage."""
    kept_out: int = 0
    """Poses with a score under ``--pose-thr``."""
    other_size: int = 0
    """Pictures of another size than the file with their boxes says."""
