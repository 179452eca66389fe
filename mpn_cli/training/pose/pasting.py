"""Copy-paste (Ghiasi et al. 2021): somebody else, cut out, over a crop.

Data sets of keypoints have no outlines, so people are cut out around their limbs.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mpn_cli.base.arrays import Float32Array, Float64Array, IntArray, Picture
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.training.pose.cache import CropCache

_LABELLED_SHARE = 0.75
"""Of somebody's joints that have to be labelled: those of a body without its head are fewer."""

_LIMB_WIDTH = 0.28
"""A limb's width relative to the longest limb."""

_ASIDE = (0.35, 0.7)
"""How far to the left or right somebody is pasted, relative to the crop's width."""

_UP_OR_DOWN = 0.2
"""At most, relative to the crop's height."""


def pastable(caches: Sequence[CropCache]) -> IntArray:
    """(N, 2) data set and row of everyone who can be cut out."""
    rows = [
        np.flatnonzero((cache.people.weights > 0).mean(axis=1) >= _LABELLED_SHARE)
        for cache in caches
    ]
    data_sets = np.repeat(np.arange(len(caches)), [len(found) for found in rows])
    return np.column_stack([data_sets, np.concatenate(rows)])


def draw_offsets(rng: np.random.Generator, size: tuple[int, int], count: int) -> Float64Array:
    """(N, 2) pixels that people are moved from a crop's middle; size: (width, height)."""
    aside = rng.choice([-1, 1], count) * rng.uniform(*_ASIDE, count)
    down = rng.uniform(-_UP_OR_DOWN, _UP_OR_DOWN, count)
    return np.column_stack([aside, down]) * size


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
