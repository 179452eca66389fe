"""Decoding on the network's device: the torch counterpart of ``geometry.decoding``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from mpn_cli.base.choices import Decode
from mpn_cli.geometry.decoding import (
    DARK_RADIUS,
    SMALLEST_LOGGED,
    heatmap_sigma,
    newton_terms,
    smoothing_band,
)


def decode_on_device(heatmaps: Tensor, method: Decode) -> Tensor:
    """Decode heatmaps (N, K, h, w) float32 on their device: (N, K, 3) x, y in cells, confidence.

    The same as :func:`mpn_cli.geometry.decoding.decode`. Nothing here copies a value back to the
    host, so that it can be captured as a CUDA graph; and only the number of crops may vary where
    it is traced or exported, so that a traced network takes any batch.
    """
    joints, width = int(heatmaps.shape[1]), int(heatmaps.shape[3])
    flat = heatmaps.flatten(0, 1)
    peaks, cells = flat.flatten(1).max(dim=1)
    y, x = cells // width, cells % width
    offset: Callable[[Tensor, Tensor, Tensor], Tensor] = (
        _dark_offset if method is Decode.DARK else _quarter_offset
    )
    moved = torch.stack([x, y], dim=1) + offset(flat, x, y) * (peaks > 0)[:, None]
    return torch.cat([moved, peaks.clamp(0, 1)[:, None]], dim=1).reshape(-1, joints, 3)


def _quarter_offset(heatmaps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = int(heatmaps.shape[1]), int(heatmaps.shape[2])
    rows = torch.arange(heatmaps.shape[0], device=heatmaps.device)
    across = heatmaps[rows, y, (x + 1).clamp(max=width - 1)]
    across = (across - heatmaps[rows, y, (x - 1).clamp(min=0)]).sign()
    down = heatmaps[rows, (y + 1).clamp(max=height - 1), x]
    down = (down - heatmaps[rows, (y - 1).clamp(min=0), x]).sign()
    inside_x, inside_y = (x > 0) & (x < width - 1), (y > 0) & (y < height - 1)
    return 0.25 * torch.stack([across * inside_x, down * inside_y], dim=1)


@lru_cache(maxsize=8)
def _band_on(sigma: float, device: torch.device) -> Tensor:
    """DARK's smoothing matrix on a device; cached, since a graph capture allows no copies to it."""
    return torch.from_numpy(smoothing_band(sigma)).to(device, torch.float32)


def _dark_offset(heatmaps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """DARK (Zhang et al. 2020, arXiv 1910.06278), as on the CPU, for every map at once."""
    height, width = int(heatmaps.shape[1]), int(heatmaps.shape[2])
    reach, device = DARK_RADIUS, heatmaps.device
    band = _band_on(heatmap_sigma(height), device)
    window = torch.arange(band.shape[1], device=device) - band.shape[1] // 2
    lines, columns = y[:, None] + window, x[:, None] + window
    inside_lines, inside_columns = (
        (lines >= 0) & (lines < height),
        (columns >= 0) & (columns < width),
    )
    exists = inside_lines[:, :, None] & inside_columns[:, None]
    rows = torch.arange(heatmaps.shape[0], device=device)[:, None, None]
    patches = heatmaps[
        rows, lines.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None]
    ]
    log = (band @ (patches * exists) @ band.T).clamp(min=SMALLEST_LOGGED).log()
    along_x, along_y, determinant, dxx = newton_terms(log)
    step = torch.stack([along_x, along_y], dim=1) / determinant[:, None]
    inside = (x >= reach) & (x < width - reach) & (y >= reach) & (y < height - reach)
    usable = inside & (determinant > 0) & (dxx < 0) & (step.abs() <= 1).all(dim=1)
    return torch.where(usable[:, None], step, 0.0)
