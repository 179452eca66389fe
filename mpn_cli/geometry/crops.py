"""From a person's box to the network's input and back, without bias.

The mapping is UDP's (Huang et al. 2020, "The Devil is in the Details"): pixel centres count from
0 and sizes are (W - 1, H - 1), so that mirroring an input and its heatmap, and going to the
heatmap and back, are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mpn_cli.base.arrays import Float32Array, Float64Array, FloatArray, Picture

PADDING = 1.25
"""A crop's size relative to its box, after the box is widened to the input's aspect ratio."""

HEATMAP_STRIDE = 4
"""Pixels of a crop per heatmap cell, along each side, in our own networks."""

PIXEL_MEAN = (0.485, 0.456, 0.406)
PIXEL_STD = (0.229, 0.224, 0.225)
"""ImageNet's channel statistics for RGB in 0..1, which the network was trained with."""


@dataclass(frozen=True, slots=True)
class Regions:
    """The rectangles of a picture that crops show."""

    centres: Float64Array
    """(N, 2) pixels of the picture."""
    sizes: Float64Array
    """(N, 2) width and height, pixels of the picture."""

    def __len__(self) -> int:
        return len(self.centres)


def regions_of_boxes(
    boxes: FloatArray, input_size: tuple[int, int], padding: float = PADDING
) -> Regions:
    """The regions for person boxes.

    boxes: (N, 4) x, y, width, height in pixels; input_size: (width, height) of the network.
    The side that is too short for the input's aspect ratio is widened, then both are multiplied by
    ``padding``.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    aspect = input_size[0] / input_size[1]
    width = np.maximum(boxes[:, 2], boxes[:, 3] * aspect)
    sizes = np.stack([width, width / aspect], axis=1) * padding
    return Regions(boxes[:, :2] + boxes[:, 2:] / 2, sizes)


def biased(regions: Regions, grid: tuple[int, int]) -> Regions:
    """Regions of the biased layout, expressed in this module's unbiased mapping.

    In the biased layout, cell 0 of a (width, height) grid lies on a region's left edge and cell w,
    the first one outside, on its right edge (``get_affine_transform`` of SimpleBaseline, HRNet and
    MMPose).
    """
    cell = regions.sizes / np.asarray(grid, dtype=np.float64)
    return Regions(regions.centres - cell / 2, regions.sizes - cell)


def reduced(regions: Regions, reduction: int) -> Regions:
    """The same regions in a copy whose pixels are each the mean of ``reduction``² pixels."""
    return Regions((regions.centres - (reduction - 1) / 2) / reduction, regions.sizes / reduction)


def region_matrix(centre: FloatArray, size: FloatArray, grid: tuple[int, int]) -> Float64Array:
    """(2, 3) affine matrix from a grid of (width, height) cells to the picture's pixels."""
    scale = np.asarray(size, dtype=np.float64) / (np.asarray(grid) - 1)
    matrix = np.zeros((2, 3))
    matrix[0, 0], matrix[1, 1] = scale
    matrix[:, 2] = centre - scale * (np.asarray(grid) - 1) / 2
    return matrix


def warp_crop(
    picture: Picture, centre: FloatArray, size: FloatArray, input_size: tuple[int, int]
) -> Picture:
    """The region of a picture as (H, W, 3) uint8: bilinear, black outside the picture."""
    crop = cv2.warpAffine(
        picture,
        region_matrix(centre, size, input_size),
        input_size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    return np.asarray(crop, dtype=np.uint8)


def heatmap_size(input_size: tuple[int, int]) -> tuple[int, int]:
    """Heatmap size (width, height) in cells of our own networks, for crops of (width, height)."""
    return input_size[0] // HEATMAP_STRIDE, input_size[1] // HEATMAP_STRIDE


def grid_to_picture(positions: FloatArray, regions: Regions, grid: tuple[int, int]) -> Float64Array:
    """Map grid positions (N, K, 2) back to picture pixels, each through its crop's region."""
    last = np.asarray(grid, dtype=np.float64) - 1
    scale = regions.sizes / last
    return np.asarray(
        regions.centres[:, None] + (positions - last / 2) * scale[:, None], dtype=np.float64
    )


def normalise(crops: Picture) -> Float32Array:
    """Convert uint8 crops (N, H, W, 3) to the network's input (N, 3, H, W) float32.

    The memory layout stays channels-last, which is fastest in all runtimes.
    """
    scale = (1.0 / (255.0 * np.asarray(PIXEL_STD))).astype(np.float32)
    shift = (-np.asarray(PIXEL_MEAN) / np.asarray(PIXEL_STD)).astype(np.float32)
    scaled: Float32Array = crops * scale + shift
    return scaled.transpose(0, 3, 1, 2)
