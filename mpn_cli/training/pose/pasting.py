"""Copy-paste (Ghiasi et al. 2021): who can be cut out of a crop, and along which outline.

Data sets of keypoints have no outlines, so people are cut out around their limbs.
"""

from __future__ import annotations

import cv2
import numpy as np

from mpn_cli.base.arrays import Float32Array, Float64Array, IntArray, Picture
from mpn_cli.base.skeletons import Skeleton

_LABELLED_SHARE = 0.75
"""Of somebody's joints that have to be labelled: those of a body without its head are fewer."""

_LIMB_WIDTH = 0.28
"""A limb's width relative to the longest limb."""


def pastable(weights: Float32Array) -> IntArray:
    """(M,) rows of the people who can be cut out; weights: (N, K), over 0 where labelled."""
    return np.flatnonzero((weights > 0).mean(axis=1) >= _LABELLED_SHARE)


def body_mask(
    keypoints: Float64Array, labelled: Float32Array, skeleton: Skeleton, size: tuple[int, int]
) -> Picture:
    """(H, W) how much each pixel is of a person, 0 to 255: the limbs, broadened and filled.

    keypoints: (K, 2) pixels; labelled: (K,), over 0 where a joint is; size: (width, height).
    """
    mask = np.zeros((size[1], size[0]), dtype=np.uint8)
    limbs = [pair for pair in skeleton.limbs if labelled[list(pair)].all()]
    if not limbs:
        return mask
    ends = keypoints[np.array(limbs)]
    longest = float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).max())
    width = max(2, min(round(_LIMB_WIDTH * longest), max(size)))
    for first, second in np.round(ends).astype(int).tolist():
        cv2.line(mask, first, second, 255, width)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(mask, outlines, -1, 255, cv2.FILLED)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), size[1] / 200), dtype=np.uint8)
