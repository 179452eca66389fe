"""Random views of a cached region: rotation, scale, flip, half body, colour, cut-out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from mpn_cli.base.arrays import Float32Array, Float64Array, Picture
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.training.pose.cache import MARGIN


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far and how often crops are altered."""

    rotation: float = 40.0
    """Degrees, either way."""
    rotation_probability: float = 0.6
    scale: float = 0.3
    """Scale is drawn from 1 - scale to 1 + scale."""
    shift: float = 0.05
    """Of the crop's size, either way."""
    flip_probability: float = 0.5
    half_body_probability: float = 0.3
    colour: float = 0.3
    """Brightness and contrast, either way; each channel a third of it."""
    cut_out_probability: float = 0.3
    paste_probability: float = 0.0
    """That somebody else is pasted over the crop."""


_LIGHT = Augmentation(
    rotation=30.0,
    rotation_probability=0.4,
    scale=0.25,
    half_body_probability=0.12,
    colour=0.2,
    cut_out_probability=0.0,
)

AUGMENTATIONS = {
    "paper": Augmentation(
        rotation=45.0, scale=0.35, half_body_probability=0.3, cut_out_probability=0.3
    ),
    "light": _LIGHT,
    "crowd": replace(_LIGHT, paste_probability=0.25),
}
"""``paper``: the paper's ranges, with colour and cut-out; ``light`` learns faster in short runs;
``crowd`` is that with people pasted in."""

STILL = Augmentation(
    rotation=0.0,
    rotation_probability=0.0,
    scale=0.0,
    shift=0.0,
    flip_probability=0.0,
    half_body_probability=0.0,
    colour=0.0,
    cut_out_probability=0.0,
)
"""No alteration: crops as inference makes them."""

SMALLEST_HALF_BODY = 1.0
"""Cells of the cached region: joints that are all labelled at one point have no extent."""

HALF_BODY_MIN_JOINTS = 8
"""Half-body crops are made of people with at least this many labelled joints (paper's code)."""


@dataclass(frozen=True, slots=True)
class View:
    """A similarity from crop cells to cached cells: turn, scale, perhaps mirror, move."""

    matrix: Float64Array
    """(2, 3) crop -> cached region."""
    mirrored: bool


def draw_view(
    rng: np.random.Generator,
    augmentation: Augmentation,
    skeleton: Skeleton,
    keypoints: Float64Array,
    labelled: Float32Array,
    cached: tuple[int, int],
    size: tuple[int, int],
) -> View:
    """Draw one view. keypoints (K, 2) in cached cells; sizes are (width, height)."""
    centre = (np.asarray(cached) - 1) / 2
    scale = (cached[1] - 1) / (size[1] - 1) / MARGIN
    half = _half_body(rng, augmentation, skeleton, keypoints, labelled, size)
    if half is not None:
        centre, region_height = half
        scale = min(scale, region_height / (size[1] - 1))
    scale *= 1 + rng.uniform(-augmentation.scale, augmentation.scale)
    centre = centre + rng.uniform(-augmentation.shift, augmentation.shift, 2) * size[1] * scale
    angle = 0.0
    if rng.random() < augmentation.rotation_probability:
        angle = math.radians(rng.uniform(-augmentation.rotation, augmentation.rotation))
    mirrored = bool(rng.random() < augmentation.flip_probability)
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if mirrored:
        linear[:, 0] *= -1
    matrix = np.empty((2, 3))
    matrix[:, :2] = linear
    matrix[:, 2] = centre - linear @ ((np.asarray(size) - 1) / 2)
    return View(matrix, mirrored)


def _half_body(
    rng: np.random.Generator,
    augmentation: Augmentation,
    skeleton: Skeleton,
    keypoints: Float64Array,
    labelled: Float32Array,
    size: tuple[int, int],
) -> tuple[Float64Array, float] | None:
    """Centre and height of a region around the upper or the lower joints, or None."""
    if (labelled > 0).sum() < HALF_BODY_MIN_JOINTS:
        return None
    if rng.random() >= augmentation.half_body_probability:
        return None
    upper = np.array([joint in skeleton.upper_body for joint in range(skeleton.joints)])
    chosen = keypoints[(labelled > 0) & (upper if rng.random() < 0.5 else ~upper)]
    if len(chosen) < 3:
        return None
    low, high = chosen.min(axis=0), chosen.max(axis=0)
    extent = (high - low) * 1.5
    height = max(extent[1], extent[0] * size[1] / size[0])
    return (low + high) / 2, max(float(height), SMALLEST_HALF_BODY)


def move_content(matrices: Float64Array, offsets: Float64Array) -> Float64Array:
    """Views (..., 2, 3) whose content is moved by (..., 2) pixels of the crop."""
    moved = matrices.copy()
    moved[..., 2] -= (moved[..., :2] @ offsets[..., None])[..., 0]
    return moved


def apply_view(crop: Picture, view: View, size: tuple[int, int]) -> Picture:
    """The view's pixels, (H, W, 3)."""
    warped = cv2.warpAffine(crop, view.matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(warped, dtype=np.uint8)


def move_keypoints(
    view: View, skeleton: Skeleton, keypoints: Float64Array, weights: Float32Array
) -> tuple[Float64Array, Float32Array]:
    """Keypoints (K, 2) and weights (K,) in the view's cells, left and right swapped if mirrored."""
    solved = np.linalg.solve(view.matrix[:, :2], (keypoints - view.matrix[:, 2]).T).T
    moved = np.asarray(solved, dtype=np.float64)
    if view.mirrored:
        order = list(skeleton.flip_permutation)
        return moved[order], weights[order]
    return moved, weights


def change_colour(rng: np.random.Generator, augmentation: Augmentation, crop: Picture) -> Picture:
    """Contrast and brightness, and a little of each for every channel alone."""
    amount = augmentation.colour
    contrast = 1 + rng.uniform(-amount, amount) + rng.uniform(-amount / 3, amount / 3, 3)
    brightness = rng.uniform(-amount, amount) + rng.uniform(-amount / 3, amount / 3, 3)
    levels = np.arange(256.0)[:, None]
    table = (levels - 128) * contrast + 128 + 128 * brightness
    lookup = np.clip(table, 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(crop, lookup), dtype=np.uint8)


def cut_out(rng: np.random.Generator, augmentation: Augmentation, crop: Picture) -> Picture:
    """Sometimes a grey rectangle of up to a third of the crop's sides (DeVries, Taylor 2017)."""
    if rng.random() >= augmentation.cut_out_probability:
        return crop
    height, width = crop.shape[:2]
    high, wide = rng.integers(height // 8, height // 3), rng.integers(width // 8, width // 3)
    top, left = rng.integers(0, height - high), rng.integers(0, width - wide)
    crop[top : top + high, left : left + wide] = 124
    return crop
