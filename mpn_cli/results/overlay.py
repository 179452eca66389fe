"""Pictures with poses drawn on them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import cv2
import numpy as np

from mpn_cli.base.arrays import Picture
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.results.poses import Pose

LEFT, RIGHT, MIDDLE = (255, 138, 36), (34, 170, 255), (120, 230, 120)
"""RGB: the person's left side is orange, the right blue, the middle green."""

MARK = (255, 225, 77)
"""Boxes and scores are yellow."""

FAINTEST = 0.15
SURE = 0.3
"""Poses with a lower score are drawn fainter, in proportion."""

_SHIFT = 4
"""Sub-pixel bits of OpenCV's drawing functions."""


_JPEG = (".jpg", ".jpeg")
_OTHERS = (
    ".png",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".gif",
    ".avif",
    ".jpe",
    ".jfif",
    ".heic",
    ".heif",
    ".hif",
)
_UNNAMED = ".picture"
"""Used as the suffix of a picture that has none of the usual ones."""

_LONGEST_NAME = 255
"""Bytes: the limit of most file systems."""


def overlay_name(file_name: str) -> str:
    """The overlay's path under ``overlays/``: always a JPEG, unique like the picture's own.

    photo.jpg stays what it is and photo.png becomes photo.png.jpg; a picture that is itself called
    photo.png.jpg becomes photo.png.jpg.jpg.
    """
    stem = file_name.lower()
    while stem.endswith(_JPEG):
        stem = os.path.splitext(stem)[0]
    if stem != file_name.lower():
        name = f"{file_name}.jpg" if stem.endswith((*_OTHERS, _UNNAMED)) else file_name
    else:
        name = f"{file_name}.jpg" if stem.endswith(_OTHERS) else f"{file_name}{_UNNAMED}.jpg"
    folder, _, last = name.rpartition("/")
    if len(last.encode()) > _LONGEST_NAME:
        digest = hashlib.sha256(last.encode()).hexdigest()[:16]
        start = last.encode()[: _LONGEST_NAME - 32].decode(errors="ignore")
        name = f"{folder}/{start}-{digest}.jpg" if folder else f"{start}-{digest}.jpg"
    return name


def draw_poses(
    picture: Picture, poses: Sequence[Pose], skeleton: Skeleton, kpt_thr: float
) -> Picture:
    """A copy of a picture (H, W, 3) RGB with poses: limbs by side, uncertain ones faint.

    Lines grow with the person, the best pose is drawn last. Joints up to ``kpt_thr`` are left out.
    """
    canvas = picture.copy()
    for pose in reversed(poses):
        _draw_pose(canvas, pose, skeleton, kpt_thr)
    return canvas


def draw_boxes(canvas: Picture, poses: Sequence[Pose]) -> None:
    """Draw each pose's box on a picture (H, W, 3); unlikely ones faint."""
    for pose in reversed(poses):
        x, y, wide, high = pose.bbox
        corners = (round(x), round(y)), (round(x + wide), round(y + high))
        layer = canvas.copy()
        cv2.rectangle(layer, *corners, MARK, _thickness(canvas))
        strength = min(1.0, pose.score / SURE)
        cv2.addWeighted(layer, strength, canvas, 1 - strength, 0, dst=canvas)


def draw_tracks(canvas: Picture, poses: Sequence[Pose]) -> None:
    """Write each pose's track id above its box, on a picture (H, W, 3)."""
    size = max(canvas.shape[:2]) / 800
    for pose in reversed(poses):
        if pose.track_id is not None:
            x, y = max(0, round(pose.bbox[0])), max(round(26 * size), round(pose.bbox[1]) - 4)
            _write(canvas, f"#{pose.track_id}", (x, y), size)


def draw_scores(canvas: Picture, poses: Sequence[Pose]) -> None:
    """Write each pose's score into the corner of its box, on a picture (H, W, 3)."""
    size = max(canvas.shape[:2]) / 1000
    for pose in reversed(poses):
        x, y = max(0, round(pose.bbox[0])), max(0, round(pose.bbox[1]))
        place = (x + 3, y + round(26 * size))
        _write(canvas, f"{pose.score:.2f}", place, size)


def _write(canvas: Picture, text: str, place: tuple[int, int], size: float) -> None:
    """Yellow letters with a black rim; ``place`` is their lower left corner."""
    for colour, width in ((0, 0, 0), 4), (MARK, 1):
        thickness = width * _thickness(canvas)
        font, smooth = cv2.FONT_HERSHEY_SIMPLEX, cv2.LINE_AA
        cv2.putText(canvas, text, place, font, size, colour, thickness, smooth)


def _thickness(canvas: Picture) -> int:
    height, width, _ = canvas.shape
    return max(1, round(int(max(height, width)) / 600))


def _draw_pose(canvas: Picture, pose: Pose, skeleton: Skeleton, kpt_thr: float) -> None:
    joints = list(pose.joints())
    size = max(pose.bbox[2], pose.bbox[3])
    width = max(1, round(size / 90))
    most = min(1.0, pose.score / SURE)
    strengths = [0.0 if c <= kpt_thr else most * min(1.0, FAINTEST + c) for _, _, c in joints]
    strokes = [(min(strengths[a], strengths[b]), a, b) for a, b in skeleton.limbs] + [
        (strength, joint, joint) for joint, strength in enumerate(strengths)
    ]
    region = _region(canvas, joints, width)
    if region is None:
        return
    (left, top), patch = region
    for strength, a, b in strokes:
        if not strength:
            continue
        layer = patch.copy()
        start, end = (_fixed(joints[joint], left, top) for joint in (a, b))
        colour = _side(skeleton, a, b)
        if a == b:
            cv2.circle(
                layer,
                start,
                round(1.6 * width * 2**_SHIFT),
                (255, 255, 255),
                -1,
                cv2.LINE_AA,
                _SHIFT,
            )
            cv2.circle(
                layer, start, round(1.1 * width * 2**_SHIFT), colour, -1, cv2.LINE_AA, _SHIFT
            )
        else:
            cv2.line(layer, start, end, colour, width, cv2.LINE_AA, _SHIFT)
        cv2.addWeighted(layer, strength, patch, 1 - strength, 0, dst=patch)


def _region(
    canvas: Picture, joints: Sequence[tuple[float, float, float]], width: int
) -> tuple[tuple[int, int], Picture] | None:
    """The part of the canvas that a pose touches, as a view, with its corner."""
    points = np.array(joints)[:, :2]
    low = np.floor(points.min(axis=0) - 4 * width).astype(int).clip(0)
    high = np.ceil(points.max(axis=0) + 4 * width).astype(int).clip(0)
    patch = canvas[low[1] : high[1], low[0] : high[0]]
    return ((int(low[0]), int(low[1])), patch) if patch.size else None


def _fixed(joint: tuple[float, float, float], left: int, top: int) -> tuple[int, int]:
    return round((joint[0] - left) * 2**_SHIFT), round((joint[1] - top) * 2**_SHIFT)


def _side(skeleton: Skeleton, a: int, b: int) -> tuple[int, int, int]:
    names = (skeleton.keypoints[a], skeleton.keypoints[b])
    if any(name.startswith("left_") for name in names):
        return MIDDLE if any(name.startswith("right_") for name in names) else LEFT
    return RIGHT if any(name.startswith("right_") for name in names) else MIDDLE
