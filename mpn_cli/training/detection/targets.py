"""What the detector learns (Liu et al. 2020, arXiv 1909.00700, section 4).

A box's centre is a Gaussian as wide and high as the box, in cells, cut off at ``SHARE`` of it.
Every cell under it learns the box's sides, weighed by the Gaussian, so that large people don't
hang on a single cell.
"""

from __future__ import annotations

import numpy as np

from mpn_cli.arrays import Float32Array, Float64Array

SHARE = 0.54
"""Of the box: how far the Gaussian reaches, and three times its standard deviation."""


def centre_targets(
    boxes: Float64Array, ignored: Float64Array, grid: tuple[int, int], stride: int
) -> Float32Array:
    """Targets (7, H, W): centre Gaussian, whether the cell counts, weight, reaches in cells.

    boxes (N, 4) and ignored (M, 4): x, y, width, height in input pixels; grid: (width, height).
    A cell's reaches are to the left, top, right and bottom; smaller boxes go before larger ones.
    """
    width, height = grid
    targets = np.zeros((7, height, width), dtype=np.float32)
    centre, counts, weight, reach = targets[0], targets[1], targets[2], targets[3:]
    counts[:] = 1
    for x, y, wide, high in ignored / stride:
        counts[max(0, int(y)) : int(np.ceil(y + high)), max(0, int(x)) : int(np.ceil(x + wide))] = 0
    columns, rows = np.arange(width), np.arange(height)
    for x, y, wide, high in sorted((boxes / stride).tolist(), key=lambda b: -b[2] * b[3]):
        column, row = min(width - 1, int(x + wide / 2)), min(height - 1, int(y + high / 2))
        along_x = _bump(columns - column, wide)
        along_y = _bump(rows - row, high)
        gaussian = along_y[:, None] * along_x
        np.maximum(centre, gaussian, out=centre)
        inside = gaussian > 0
        # A large person has more cells but is one person: its weights sum up to the logarithm.
        share = np.log1p(wide * high) / gaussian.sum()
        weight[inside] = share * gaussian[inside]
        at_x, at_y = columns + 0.5, rows + 0.5
        sides = np.broadcast_arrays(
            (at_x - x)[None], (at_y - y)[:, None], (x + wide - at_x)[None],
            (y + high - at_y)[:, None],
        )  # fmt: skip
        for side, values in zip(reach, sides, strict=True):
            side[inside] = values[inside]
        counts[row, column] = 1
    return targets


def _bump(distance: np.ndarray[tuple[int], np.dtype[np.int64]], side: float) -> Float64Array:
    sigma = max(SHARE * side / 6, 1e-3)
    values = np.exp(-0.5 * (distance / sigma) ** 2)
    return np.asarray(np.where(np.abs(distance) <= SHARE * side / 2, values, 0.0))
