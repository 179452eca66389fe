"""PCK, the percentage of correct keypoints, for COCO results.

Yang and Ramanan 2013, "Articulated Human Detection with Flexible Mixtures of Parts", section 6.2: a
joint is correct if it lies within a share of the longer side of the person's bounding box from its
label. MMPose's ``PCKAccuracy`` with ``norm_item="bbox"`` measures the same.
"""

from __future__ import annotations

import numpy as np

from mpn_cli.base.arrays import Float64Array, IntArray
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.results import Results

SHARE = 0.2
"""Of the box's longer side."""


def pck_by_joint(truth: GroundTruth, results: Results, matched: IntArray) -> Float64Array:
    """(K,) shares in 0..1 of the labelled joints that are correct; -1 where nobody has a label.

    matched: (P, 2) rows of ``truth.scored`` and of ``results`` that belong together; the joints of
    people without a result are not correct.
    """
    labelled = truth.keypoints[..., 2] > 0
    people, rows = matched.T
    away = results.keypoints[rows, :, :2] - truth.keypoints[people, :, :2]
    near = np.hypot(away[..., 0], away[..., 1]) <= SHARE * _lengths(truth)[people, None]
    correct = (near & labelled[people]).sum(axis=0)
    count = labelled.sum(axis=0)
    return np.where(count > 0, correct / np.maximum(count, 1), -1.0)


def _lengths(truth: GroundTruth) -> Float64Array:
    """(S,) the longer side of each person's box, or of the rectangle around their labelled joints
    where the annotation has no box, in pixels.
    """
    boxes = truth.columns.boxes[truth.scored_rows, 2:].max(axis=1, initial=0.0)
    places, seen = truth.keypoints[..., :2], truth.keypoints[..., 2:] > 0
    low = np.where(seen, places, np.inf).min(axis=1)
    high = np.where(seen, places, -np.inf).max(axis=1)
    return np.asarray(np.where(boxes > 0, boxes, (high - low).max(axis=1, initial=0.0)))
