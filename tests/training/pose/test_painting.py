"""Pixels and targets against their definitions, worked out cell by cell."""

import math

import numpy as np
import pytest
import torch

from mpn_cli.training.pose import painting
from mpn_cli.training.pose.augmentation import Colours


def gradient(width: int, height: int) -> np.ndarray:
    """A region whose levels are 2 x, y and x + y: linear, so that bilinear values are exact."""
    y, x = np.mgrid[:height, :width]
    return np.stack([2 * x, y, x + y], axis=2).astype(np.uint8)


def test_a_warp_is_what_the_matrix_says() -> None:
    region = gradient(80, 100)
    size = (32, 48)
    rotated = np.array([[0.9, -0.4, 20.0], [0.4, 0.9, 11.5]])
    mirrored = np.array([[-1.3, 0.0, 60.25], [0.0, 1.3, 5.0]])
    crops = painting.warp(
        torch.from_numpy(np.stack([region, region])), np.stack([rotated, mirrored]), size
    )
    assert crops.shape == (2, 3, 48, 32)
    for crop, matrix in zip(crops.numpy(), (rotated, mirrored), strict=True):
        for v in range(0, 48, 5):
            for u in range(0, 32, 3):
                x, y = matrix @ (u, v, 1)
                assert 0 <= x <= 79
                assert 0 <= y <= 99
                assert crop[:, v, u] == pytest.approx((2 * x, y, x + y), abs=0.01)


def test_outside_a_region_it_is_black() -> None:
    white = torch.full((1, 20, 20, 3), 255, dtype=torch.uint8)
    shifted = np.array([[[1.0, 0.0, -5.0], [0.0, 1.0, 0.0]]])
    (crop,) = painting.warp(white, shifted, (20, 20))
    assert crop[:, :, :5].max() == 0
    assert crop[:, :, 5:].numpy() == pytest.approx(255, abs=0.01)
    # Half a pixel beyond the edge, half of the colour is left, as in OpenCV's constant border.
    halfway = np.array([[[1.0, 0.0, -0.5], [0.0, 1.0, 0.0]]])
    (crop,) = painting.warp(white, halfway, (20, 20))
    assert crop[:, :, 0].numpy() == pytest.approx(127.5, abs=0.01)


def test_colours_are_levels_around_the_middle() -> None:
    colours = Colours(np.array([[1.5, 1.0, 0.5]]), np.array([[0.0, 0.25, -0.5]]))
    crop = torch.tensor([0.0, 100.0, 228.0]).reshape(1, 1, 1, 3).expand(1, 3, 1, 3)
    (changed,) = painting.change_colours(crop, colours)
    expected = [
        [0, 128 - 28 * 1.5, 255],  # 128 - 192 and 128 + 150 are clipped
        [32, 132, 255],
        [0, 128 - 14 - 64, 128 + 50 - 64],
    ]
    assert changed[:, 0].numpy() == pytest.approx(np.array(expected), abs=1e-4)


def test_cut_outs_are_grey_rectangles() -> None:
    crops = torch.zeros(3, 3, 20, 10)
    painting.cut_out(crops, np.array([[1, 2, 5, 6, 9]]))
    where = torch.nonzero(crops[1, 0]).tolist()
    assert where == [[y, x] for y in range(5, 9) for x in range(2, 6)]
    assert set(crops[1].ravel().tolist()) == {0.0, painting.GREY}
    assert crops[[0, 2]].max() == 0


def test_pasting_blends_by_the_mask() -> None:
    crops = torch.full((3, 3, 2, 2), 100.0)
    others = torch.full((1, 3, 2, 2), 200.0)
    masks = np.array([[[0, 255], [51, 102]]], dtype=np.uint8)
    painting.paste(crops, np.array([2]), others, masks)
    assert crops[2, 1].numpy() == pytest.approx(np.array([[100, 200], [120, 140]]), abs=1e-3)
    assert (crops[:2] == 100).all()


def test_the_input_has_imagenets_statistics() -> None:
    levels = torch.tensor([0.485 * 255, 0.456 * 255, 0.406 * 255 + 0.225 * 255])
    crops = painting.normalise(levels.reshape(1, 3, 1, 1).expand(2, 3, 4, 4))
    assert crops[1, :, 3, 3].tolist() == pytest.approx([0, 0, 1], abs=1e-6)
    assert crops.is_contiguous(memory_format=torch.channels_last)


def test_targets_are_gaussians_around_the_joints() -> None:
    """At 256x192 a heatmap has 64x48 cells, sigma is 2 and cell n shows pixel n * 255 / 63."""
    cells = [(10.3, 20.0), (5.0, 40.5), (90.0, 10.0), (-0.4, 63.4), (20.0, -0.6)]
    keypoints = torch.tensor([[(x * 191 / 47, y * 255 / 63) for x, y in cells]])
    weights = torch.tensor([[1.0, 0.5, 1.0, 1.0, 1.0]])
    heatmaps, found = painting.gaussian_heatmaps(keypoints, weights, (192, 256))
    assert heatmaps.shape == (1, 5, 64, 48)
    assert found.tolist() == [[1, 0.5, 0, 1, 0]]
    for joint, (x, y) in enumerate(cells):
        for row, column in ((0, 0), (20, 10), (41, 5), (40, 5), (63, 47), (19, 13)):
            squared = (column - x) ** 2 + (row - y) ** 2
            expected = math.exp(-squared / (2 * 2**2))
            assert float(heatmaps[0, joint, row, column]) == pytest.approx(expected, abs=1e-5)
