"""Crops cut on the network's device: the torch counterpart of ``geometry.crops``."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mpn_cli.geometry.crops import Regions


def warp_crops(picture: Tensor, regions: Regions, input_size: tuple[int, int]) -> Tensor:
    """Regions of a picture (H, W, 3) uint8 as (N, 3, h, w) uint8: bilinear, black outside.

    The same as :func:`mpn_cli.geometry.crops.warp_crop`, for all boxes at once.
    """
    device, (height, width) = picture.device, picture.shape[:2]
    last = np.asarray(input_size) - 1
    scales = torch.from_numpy(regions.sizes / last).to(device, torch.float32)
    firsts = torch.from_numpy(regions.centres - regions.sizes / 2).to(device, torch.float32)

    def axis(number: int, length: int) -> tuple[Tensor, Tensor]:
        cells = torch.arange(input_size[number], device=device, dtype=torch.float32)
        places = firsts[:, number, None] + scales[:, number, None] * cells
        low = places.floor()
        return low.long(), places - low

    (x, right), (y, below) = axis(0, width), axis(1, height)
    flat = picture.reshape(-1, 3)

    def corner(dx: int, dy: int) -> Tensor:
        """(N, h, w, 3) pixels at one corner around each sample, times their bilinear weights."""
        column, line = x + dx, y + dy
        inside_x = (column >= 0) & (column < width)
        inside_y = (line >= 0) & (line < height)
        index = line.clamp(0, height - 1)[:, :, None] * width + column.clamp(0, width - 1)[:, None]
        near_x = (right if dx else 1 - right) * inside_x
        near_y = (below if dy else 1 - below) * inside_y
        return flat[index] * (near_y[:, :, None] * near_x[:, None])[..., None]

    total = corner(0, 0) + corner(1, 0) + corner(0, 1) + corner(1, 1)
    return total.round_().to(torch.uint8).permute(0, 3, 1, 2)
