"""Crops and training targets as tensors, on whatever device they are wanted.

Everything here is deterministic; what is random was drawn by
:mod:`mpn_cli.training.pose.augmentation`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from mpn_cli.base.arrays import Float64Array, IntArray
from mpn_cli.geometry.crops import PIXEL_MEAN, PIXEL_STD, heatmap_size
from mpn_cli.geometry.decoding import heatmap_sigma
from mpn_cli.training.pose.augmentation import Colours

GREY = 124.0
"""Level of cut-outs: ImageNet's mean of red."""


def to_device(values: np.ndarray, device: torch.device) -> Tensor:
    """Numbers as a float32 tensor."""
    return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(device, non_blocking=True)


def warp(regions: Tensor, matrices: Float64Array, size: tuple[int, int]) -> Tensor:
    """What views show of regions: (B, 3, H, W) float32, 0 to 255; bilinear, black outside.

    regions: (B, h, w, 3) uint8; matrices: (B, 2, 3) from pixels of the crop to pixels of the
    region; size: (width, height) of the crops.
    """
    to_pixels, to_unit = np.eye(3), np.eye(3)
    for axis, (crop, region) in enumerate(zip(size, regions.shape[2:0:-1], strict=True)):
        # torch counts from -1, the centre of the first pixel, to 1, that of the last.
        to_pixels[axis, [axis, 2]] = (crop - 1) / 2
        to_unit[axis, [axis, 2]] = 2 / (region - 1), -1
    whole = np.concatenate([matrices, np.tile([[[0.0, 0.0, 1.0]]], (len(matrices), 1, 1))], axis=1)
    unit = (to_unit @ whole @ to_pixels)[:, :2]
    grid = affine_grid(
        to_device(unit, regions.device), [len(unit), 3, size[1], size[0]], align_corners=True
    )
    return grid_sample(regions.permute(0, 3, 1, 2).float(), grid, align_corners=True)


def paste(crops: Tensor, over: IntArray, others: Tensor, masks: np.ndarray) -> None:
    """Blend other crops over some crops of a batch, in place.

    crops: (B, 3, H, W); over: (P,) rows of them; others: (P, 3, H, W); masks: (P, H, W) uint8,
    255 where only the other is seen.
    """
    rows = torch.from_numpy(over).to(crops.device)
    shares = to_device(masks, crops.device)[:, None] / 255
    crops[rows] = torch.lerp(crops[rows], others, shares)


def change_colours(crops: Tensor, colours: Colours) -> Tensor:
    """Crops (B, 3, H, W) of levels 0 to 255 with other contrast and brightness."""
    contrast = to_device(colours.contrast, crops.device)[..., None, None]
    shift = to_device(128 * (1 - colours.contrast + colours.brightness), crops.device)
    return torch.addcmul(shift[..., None, None], crops, contrast).clamp_(0, 255)


def cut_out(crops: Tensor, rectangles: IntArray) -> None:
    """Paint rectangles (N, 5), as :func:`draw_cut_outs` draws them, grey in place."""
    for row, left, top, right, bottom in rectangles.tolist():
        crops[row, :, top:bottom, left:right] = GREY


def normalise(crops: Tensor) -> Tensor:
    """Levels 0 to 255 (B, 3, H, W) as the network's input, channels last in memory."""
    mean, deviation = (
        255 * torch.tensor(one, device=crops.device)[:, None, None]
        for one in (PIXEL_MEAN, PIXEL_STD)
    )
    return ((crops - mean) / deviation).contiguous(memory_format=torch.channels_last)


def gaussian_heatmaps(
    keypoints: Tensor, weights: Tensor, input_size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Targets (B, K, H/4, W/4) with peak 1, and weights (B, K): 0 for joints outside the heatmap.

    keypoints: (B, K, 2) pixels of the crop, not rounded (DARK, Zhang et al. 2020); input_size:
    (width, height) of the crop.
    """
    width, height = heatmap_size(input_size)
    x = keypoints[..., 0] * ((width - 1) / (input_size[0] - 1))
    y = keypoints[..., 1] * ((height - 1) / (input_size[1] - 1))
    factor = -0.5 / heatmap_sigma(height) ** 2
    columns = torch.arange(width, device=keypoints.device)
    rows = torch.arange(height, device=keypoints.device)
    along_x = torch.exp(factor * (columns - x[..., None]) ** 2)
    along_y = torch.exp(factor * (rows - y[..., None]) ** 2)
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    return along_y[..., :, None] * along_x[..., None, :], weights * inside
