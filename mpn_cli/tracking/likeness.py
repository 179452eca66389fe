"""How alike poses of neighbouring frames are: by their joints (OKS) and by their boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array
from mpn_cli.geometry.boxes import box_iou

TINY = 2.0**-52


@dataclass(frozen=True, slots=True)
class Poses:
    """Poses of one frame."""

    keypoints: Float64Array
    """(N, K, 2) pixels."""
    confidences: Float64Array
    """(N, K)."""
    boxes: Float64Array
    """(N, 4) x, y, width, height in pixels."""

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: BoolArray) -> Poses:
        """Those that ``rows`` (N,) marks."""
        return Poses(self.keypoints[rows], self.confidences[rows], self.boxes[rows])


def likeness(before: Poses, now: Poses, sigmas: Float64Array) -> Float64Array:
    """(N, M) from 0 to 1: the mean of OKS and the boxes' IoU.

    OKS as between two predictions (Xiao et al. 2018): the area is the mean of the two boxes'.
    Joints count by the smaller of their two confidences, so that guessed ones have little say.
    IoU alone still tells where somebody is whose limbs moved far, as at few frames per second.
    """
    areas = [np.prod(poses.boxes[:, 2:], axis=1) for poses in (before, now)]
    scale = areas[0][:, None] + areas[1] + TINY  # twice the mean
    distances = ((before.keypoints[:, None] - now.keypoints) ** 2).sum(axis=3)
    similar = np.exp(-distances / (scale[..., None] * (2 * sigmas) ** 2))
    weights = np.minimum(before.confidences[:, None], now.confidences) + TINY
    oks = (weights * similar).sum(axis=2) / weights.sum(axis=2)
    return np.asarray((oks + box_iou(before.boxes, now.boxes)) / 2)
