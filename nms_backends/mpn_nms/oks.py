"""Object keypoint similarity between poses (paper, eq. 9, with COCO's constants)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpn_nms.contract import FloatArray, PoseBatch

TINY = 2.0**-52
"""Added to the mean area, as in COCO's own code."""


def similarity_to(
    batch: PoseBatch, row: int, others: NDArray[np.int64], visible_above: float | None
) -> NDArray[np.float64]:
    """OKS (M,) of the pose ``row`` with each of ``others`` (M,).

    O = mean over joints of exp(-d^2 / (2 A (2 sigma)^2)), A the mean of the two areas. With
    ``visible_above`` only joints more confident than that in both poses count; none: O = 0.
    """
    keypoints = np.asarray(batch.keypoints, dtype=np.float64)
    areas = np.asarray(batch.areas, dtype=np.float64)
    variances = (2 * np.asarray(batch.sigmas, dtype=np.float64)) ** 2
    distances = ((keypoints[others] - keypoints[row]) ** 2).sum(axis=2)
    scale = 2 * ((areas[others] + areas[row]) / 2 + TINY)
    similar = np.exp(-distances / (scale[:, None] * variances))
    if visible_above is None:
        return np.asarray(similar.mean(axis=1))
    counted = (batch.confidences[others] > visible_above) & (batch.confidences[row] > visible_above)
    number = counted.sum(axis=1)
    return np.asarray((similar * counted).sum(axis=1) / np.maximum(number, 1))


def descending(scores: FloatArray) -> NDArray[np.int64]:
    """Row order by descending score; ties stay in input order."""
    return np.argsort(-scores, kind="stable")
