"""Geometry of detection: pictures into a network's input, its output into boxes, box NMS."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mpn_cli.arrays import Float32Array, Float64Array, FloatArray, IntArray, Picture

SCORE_FLOOR = 0.02
"""What our detectors give back starts here; ``--bbox-thr`` chooses among it."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture scaled into an input's top left corner; the rest is padding."""

    pixels: Picture
    """(H, W, 3), the input."""
    scale: float
    """Input pixels a picture pixel."""


def letterbox(
    picture: Picture, size: tuple[int, int], padding: int, interpolation: int = cv2.INTER_AREA
) -> Letterbox:
    """Scale a picture to fit (width, height) and fill up with grey level ``padding``.

    interpolation: OpenCV's, for pictures that shrink; others are enlarged bilinearly.
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


def centre_boxes(
    output: Float32Array, stride: int, score_thr: float, limit: int
) -> tuple[Float64Array, Float64Array]:
    """Boxes at the peaks of a centre map.

    output: (5, H, W): centre logits, and reaches in cells (:mod:`models.detector`). A peak is a
    cell that none of its eight neighbours exceeds. Returns boxes (N, 4) x, y, width, height in
    input pixels, and scores (N,), best first, at most ``limit``.
    """
    logits = output[0]
    floor = np.log(score_thr / (1 - score_thr)) if 0 < score_thr < 1 else -np.inf
    peaks = (logits >= cv2.dilate(logits, np.ones((3, 3), np.uint8))) & (logits > floor)
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-logits[rows, columns], kind="stable")[:limit]
    rows, columns = rows[order], columns[order]
    left, top, right, bottom = output[1:, rows, columns].astype(np.float64) * stride
    x, y = (columns + 0.5) * stride, (rows + 0.5) * stride
    boxes = np.stack([x - left, y - top, left + right, top + bottom], axis=1)
    scores = 1 / (1 + np.exp(-logits[rows, columns].astype(np.float64)))
    return boxes, scores


def box_nms(boxes: FloatArray, scores: FloatArray, threshold: float) -> IntArray:
    """Rows of the boxes (N, 4) that greedy NMS by IoU keeps, best first; 1 keeps all."""
    order = np.argsort(-scores, kind="stable")
    if len(boxes) < 2 or threshold >= 1:
        return order
    # OpenCV leaves out scores that are not over its threshold.
    ranks = np.arange(len(boxes), 0, -1, dtype=np.float32)
    kept = cv2.dnn.NMSBoxes(boxes[order].tolist(), ranks.tolist(), 0.0, threshold)
    return order[np.asarray(kept, dtype=np.int64)]


def clip_boxes(boxes: FloatArray, width: int, height: int) -> Float64Array:
    """Boxes (N, 4) x, y, width, height cut off at the picture's border."""
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]], axis=1)
    corners = np.clip(corners, 0, [width, height, width, height])
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
