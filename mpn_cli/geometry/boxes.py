"""Geometry of detection: from pictures to a network's input, from its output to boxes, box NMS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from mpn_models.architecture import DETECTOR_STRIDES

from mpn_cli.base.arrays import Float32Array, Float64Array, FloatArray, IntArray, Picture

SCORE_FLOOR = 0.02
"""ONNX detectors return boxes from this score on; ``--bbox-thr`` filters them further."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture scaled into the top left corner of a network's input; the rest is padding."""

    pixels: Picture
    """The network's input, (H, W, 3)."""
    scale: float
    """Input pixels per pixel of the picture."""


def letterbox(
    picture: Picture, size: tuple[int, int], padding: int, interpolation: int = cv2.INTER_AREA
) -> Letterbox:
    """Scale a picture to fit (width, height) and fill the rest with grey level ``padding``.

    interpolation: OpenCV's flag for pictures that shrink; others are enlarged bilinearly.
    """
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = cv2.resize(
        picture, inner, interpolation=interpolation if scale < 1 else cv2.INTER_LINEAR
    )
    pixels = np.full((size[1], size[0], 3), padding, dtype=np.uint8)
    pixels[: scaled.shape[0], : scaled.shape[1]] = scaled
    return Letterbox(pixels, scale)


def input_shape(picture: Picture, long_side: int, step: int = 32) -> tuple[int, int]:
    """(width, height) of the smallest input for a picture scaled to ``long_side``.

    Sides are multiples of ``step``.
    """
    height, width = picture.shape[:2]
    longest = max(width, height)
    return tuple(
        max(step, -(-round(side * long_side / longest) // step) * step) for side in (width, height)
    )


@lru_cache(maxsize=64)
def _cells(size: tuple[int, int]) -> Float64Array:
    """(N, 3) centre x, y and stride, in pixels, of all cells of an input (width, height)."""
    levels = []
    for stride in DETECTOR_STRIDES:
        rows, columns = np.mgrid[: size[1] // stride, : size[0] // stride]
        centres = np.stack([columns + 0.5, rows + 0.5, np.ones(rows.shape)], axis=-1) * stride
        levels.append(centres.reshape(-1, 3))
    return np.concatenate(levels)


def cell_boxes(output: Float32Array, size: tuple[int, int]) -> tuple[Float64Array, Float64Array]:
    """The boxes predicted by the cells of :mod:`mpn_models.nanodet`.

    output: (5, N), scores and distances in cells; size: the input's (width, height), multiples of
    32. Returns boxes (N, 4) x, y, width, height in input pixels, and scores (N,).
    """
    cells = _cells(size)
    left, top, right, bottom = output[1:].astype(np.float64) * cells[:, 2]
    boxes = np.stack([cells[:, 0] - left, cells[:, 1] - top, left + right, top + bottom], axis=1)
    return boxes, output[0].astype(np.float64)


def box_nms(boxes: FloatArray, scores: FloatArray, threshold: float) -> IntArray:
    """Rows of the boxes (N, 4) that greedy IoU NMS keeps, best first; threshold 1 keeps all."""
    order = np.argsort(-scores, kind="stable")
    if len(boxes) < 2 or threshold >= 1:
        return order
    # OpenCV drops boxes whose scores are not above its threshold.
    ranks = np.arange(len(boxes), 0, -1, dtype=np.float32)
    kept = cv2.dnn.NMSBoxes(boxes[order].tolist(), ranks.tolist(), 0.0, threshold)
    return order[np.asarray(kept, dtype=np.int64)]


def clip_boxes(boxes: FloatArray, width: int, height: int) -> Float64Array:
    """Boxes (N, 4) x, y, width, height, clipped to the picture."""
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]], axis=1)
    corners = np.clip(corners, 0, [width, height, width, height])
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def box_iou(boxes: FloatArray, others: FloatArray) -> Float64Array:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4), x, y, width, height.

    It is 0 for two boxes without an area.
    """
    first, second = np.asarray(boxes)[:, None], np.asarray(others)[None]
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    shared = (high - low).clip(0).prod(axis=2)
    union = first[..., 2:].prod(axis=2) + second[..., 2:].prod(axis=2) - shared
    return np.asarray(shared / np.where(union > 0, union, 1), dtype=np.float64)
