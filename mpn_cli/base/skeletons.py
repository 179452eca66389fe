"""Joint sets: names, left-right pairs, limbs and OKS constants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Skeleton:
    """A set of joints, in the order of the data set that defines it."""

    name: str
    keypoints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    """Pairs of joint indices, counted from 0."""
    sigmas: tuple[float, ...]
    """OKS constants, one per joint, in units of the square root of the person's area."""
    upper_body: frozenset[int]

    @property
    def joints(self) -> int:
        """How many joints the skeleton has."""
        return len(self.keypoints)

    @cached_property
    def flip_permutation(self) -> tuple[int, ...]:
        """For each joint the index of its mirror image (itself, if it has none)."""
        return tuple(self.keypoints.index(mirrored(name)) for name in self.keypoints)


def mirrored(name: str) -> str:
    """The name of the same joint on the other side of the body; its own if it has no side."""
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


def plain_name(joint: str) -> str:
    """A joint's name without case and separators: Left-Eye, left_eye and LeftEye are the same."""
    return "".join(letter for letter in joint.casefold() if letter.isalnum())


COCO = Skeleton(
    name="coco",
    keypoints=(
        "nose", "left_eye", "right_eye", "left_ear", "right_ear",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
        "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
        "left_ankle", "right_ankle",
    ),
    limbs=(
        (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7),
        (6, 8), (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
    ),
    sigmas=(
        0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062,
        0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
    ),
    upper_body=frozenset(range(11)),
)  # fmt: skip
"""COCO's 17 joints; limbs as in its own annotation files (cocodataset.org)."""

MPII = Skeleton(
    name="mpii",
    keypoints=(
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
        "pelvis", "thorax", "upper_neck", "head_top", "right_wrist", "right_elbow",
        "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    ),
    limbs=(
        (0, 1), (1, 2), (2, 6), (3, 6), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9),
        (10, 11), (11, 12), (12, 7), (13, 7), (13, 14), (14, 15),
    ),
    sigmas=(
        0.089, 0.083, 0.107, 0.107, 0.083, 0.089, 0.026, 0.026, 0.026, 0.026, 0.062, 0.072,
        0.179, 0.179, 0.072, 0.062,
    ),
    upper_body=frozenset(range(7, 16)),
)  # fmt: skip
"""MPII's 16 joints. MPII itself has no OKS; these are the constants MMPose uses for it."""

SKELETONS = {skeleton.joints: skeleton for skeleton in (COCO, MPII)}
