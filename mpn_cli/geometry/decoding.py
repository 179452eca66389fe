"""From heatmaps to joint positions and confidences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from mpn_cli.base.arrays import Float32Array, Float64Array, FloatArray, IntArray
from mpn_cli.base.choices import Decode

DARK_RADIUS = 2
"""DARK's finite differences reach two cells from the maximum."""

SMALLEST_LOGGED = 1e-10
"""Smoothed heatmap values are clipped to at least this before the logarithm, as in DARK's code."""


def heatmap_sigma(heatmap_height: int) -> float:
    """Standard deviation, in cells, of the Gaussians that the network is trained on.

    2 cells at 64x48 and 3 at 96x72 in the paper: a thirty-second of the height.
    """
    return heatmap_height / 32


def average_flipped(
    heatmaps: Float32Array,
    mirrored: Float32Array,
    flip_permutation: Sequence[int],
    *,
    shift: bool = False,
) -> Float32Array:
    """The flip test: heatmaps (N, K, H, W) averaged with those of the mirrored crops.

    shift: move the mirrored heatmaps by one cell to the right, for networks of a biased layout.
    """
    back = mirrored[:, list(flip_permutation), :, ::-1]
    if shift:
        back = np.concatenate([back[..., :1], back[..., :-1]], axis=3)
    return (heatmaps + back) * np.float32(0.5)


def average_flipped_bins(
    bins: Float32Array, mirrored: Float32Array, flip_permutation: Sequence[int], *, reverse: bool
) -> Float32Array:
    """The flip test for SimCC distributions (N, K, bins); ``reverse`` is True for those over x."""
    back = mirrored[:, list(flip_permutation)]
    return (bins + (back[:, :, ::-1] if reverse else back)) * np.float32(0.5)


def decode_bins(x: Float32Array, y: Float32Array) -> tuple[Float64Array, Float64Array]:
    """Decode SimCC distributions: positions (N, K, 2) in bins and confidences (N, K) in 0..1.

    The confidence is the smaller of the two maxima, as in MMPose.
    """
    positions = np.stack([x.argmax(axis=2), y.argmax(axis=2)], axis=2).astype(np.float64)
    return positions, np.clip(np.minimum(x.max(axis=2), y.max(axis=2)), 0, 1).astype(np.float64)


def decode(heatmaps: Float32Array, method: Decode) -> tuple[Float64Array, Float64Array]:
    """Joint positions (N, K, 2) in heatmap cells and confidences (N, K) in 0..1.

    heatmaps: (N, K, H, W). The confidence is the maximum, clipped to 0..1; a heatmap that is
    nowhere positive keeps its argmax as position and gets confidence 0.
    """
    batch, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(batch * joints, height, width)
    cells = flat.reshape(len(flat), -1).argmax(axis=1)
    peaks = np.take_along_axis(flat.reshape(len(flat), -1), cells[:, None], axis=1)[:, 0]
    y, x = np.divmod(cells.astype(np.int64), width)
    positions = np.stack([x, y], axis=1).astype(np.float64)
    offset = _dark_offset if method is Decode.DARK else _quarter_offset
    positive = peaks > 0
    positions[positive] += offset(flat[positive], x[positive], y[positive])
    confidences = np.clip(peaks, 0.0, 1.0).astype(np.float64)
    return positions.reshape(batch, joints, 2), confidences.reshape(batch, joints)


def _quarter_offset(heatmaps: Float32Array, x: IntArray, y: IntArray) -> Float64Array:
    """A quarter cell toward the larger neighbour, along each axis with neighbours on both sides."""
    _, height, width = heatmaps.shape
    rows = np.arange(len(heatmaps))
    inside_x = (x > 0) & (x < width - 1)
    inside_y = (y > 0) & (y < height - 1)
    right = heatmaps[rows, y, np.minimum(x + 1, width - 1)]
    left = heatmaps[rows, y, np.maximum(x - 1, 0)]
    below = heatmaps[rows, np.minimum(y + 1, height - 1), x]
    above = heatmaps[rows, np.maximum(y - 1, 0), x]
    return 0.25 * np.stack(
        [np.sign(right - left) * inside_x, np.sign(below - above) * inside_y], axis=1
    ).astype(np.float64)


@lru_cache(maxsize=8)
def smoothing_band(sigma: float) -> Float64Array:
    """(5, 5 + 2r) matrix: a Gaussian of r = 2.5 sigma for each of five neighbouring cells."""
    radius = round(2.5 * sigma)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    side = 2 * DARK_RADIUS + 1
    band = np.zeros((side, side + 2 * radius))
    for row in range(side):
        band[row, row : row + len(taps)] = taps
    return band


def _dark_offset(heatmaps: Float32Array, x: IntArray, y: IntArray) -> Float64Array:
    """DARK (Zhang et al. 2020, arXiv 1910.06278): one Newton step on the smoothed logarithm.

    Only the 5x5 cells around each maximum are smoothed, since no others are used. No step is made
    at the border, where the Hessian is singular or not that of a maximum, or where the step would
    exceed one cell.
    """
    _, height, width = heatmaps.shape
    offset = np.zeros((len(heatmaps), 2))
    reach = DARK_RADIUS
    inside = (x >= reach) & (x < width - reach) & (y >= reach) & (y < height - reach)
    rows = np.flatnonzero(inside)
    if not len(rows):
        return offset
    around = _neighbourhoods(heatmaps, rows, x[rows], y[rows], heatmap_sigma(height))
    log = np.log(np.maximum(around, SMALLEST_LOGGED))
    along_x, along_y, determinant, dxx = newton_terms(log)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.stack([along_x, along_y], axis=1) / determinant[:, None]
    usable = (determinant > 0) & (dxx < 0) & (np.abs(step) <= 1).all(axis=1)
    offset[rows[usable]] = step[usable]
    return offset


def newton_terms(log: Any) -> tuple[Any, Any, Any, Any]:
    """Terms of the Newton step for (N, 5, 5) logarithms around a maximum, by finite differences.

    Returns, each (N,): the step's x and y times the determinant of the Hessian, the determinant,
    and the Hessian's first entry. Works on numpy arrays and torch tensors.
    """
    c = DARK_RADIUS
    dx = (log[:, c, c + 1] - log[:, c, c - 1]) / 2
    dy = (log[:, c + 1, c] - log[:, c - 1, c]) / 2
    dxx = (log[:, c, c + 2] - 2 * log[:, c, c] + log[:, c, c - 2]) / 4
    dyy = (log[:, c + 2, c] - 2 * log[:, c, c] + log[:, c - 2, c]) / 4
    dxy = (
        log[:, c + 1, c + 1] - log[:, c - 1, c + 1] - log[:, c + 1, c - 1] + log[:, c - 1, c - 1]
    ) / 4
    return dxy * dy - dyy * dx, dxy * dx - dxx * dy, dxx * dyy - dxy * dxy, dxx


def _neighbourhoods(
    heatmaps: FloatArray, rows: IntArray, x: IntArray, y: IntArray, sigma: float
) -> Float64Array:
    """(len(rows), 5, 5) smoothed values around the cells (x, y); zero outside the heatmap."""
    band = smoothing_band(sigma)
    radius = band.shape[1] // 2
    padded = np.pad(heatmaps[rows], ((0, 0), (radius, radius), (radius, radius)))
    window = np.arange(band.shape[1])
    patches = padded[
        np.arange(len(rows))[:, None, None],
        (y[:, None] + window)[:, :, None],
        (x[:, None] + window)[:, None, :],
    ]
    return np.asarray(band @ patches.astype(np.float64) @ band.T)
