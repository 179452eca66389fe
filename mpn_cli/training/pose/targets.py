"""Gaussian heatmaps, the training target."""

from __future__ import annotations

import numpy as np

from mpn_cli.base.arrays import Float32Array, FloatArray
from mpn_cli.geometry.decoding import heatmap_sigma


def gaussian_heatmaps(
    keypoints: FloatArray, weights: Float32Array, heatmap_size: tuple[int, int]
) -> tuple[Float32Array, Float32Array]:
    """Targets (N, K, H, W) with peak 1, and weights (N, K): 0 for joints outside the heatmap.

    keypoints: (N, K, 2) in heatmap cells, not rounded (DARK, Zhang et al. 2020); heatmap_size:
    (width, height).
    """
    width, height = heatmap_size
    factor = -0.5 / heatmap_sigma(height) ** 2
    x, y = keypoints[..., 0], keypoints[..., 1]
    along_x = np.exp(factor * (np.arange(width) - x[..., None]) ** 2)
    along_y = np.exp(factor * (np.arange(height) - y[..., None]) ** 2)
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    heatmaps = (along_y[..., :, None] * along_x[..., None, :]).astype(np.float32)
    return heatmaps, (weights * inside).astype(np.float32)
