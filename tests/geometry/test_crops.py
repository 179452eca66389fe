import cv2
import numpy as np
import pytest
import torch
from mpn_models.registry import MODELS

from mpn_cli.geometry.crops import (
    Regions,
    grid_to_picture,
    heatmap_size,
    normalise,
    regions_of_boxes,
    warp_crop,
)

INPUT = (192, 256)


@pytest.mark.parametrize(
    ("box", "centre", "size"),
    [
        # Too narrow for 3:4: widened to 75, both sides times 1.25.
        ((10, 20, 30, 100), (25, 70), (93.75, 125)),
        # Too wide: heightened to 160.
        ((0, 0, 120, 40), (60, 20), (150, 200)),
        # Already 3:4.
        ((-5, 5, 75, 100), (32.5, 55), (93.75, 125)),
    ],
)
def test_regions(
    box: tuple[float, ...], centre: tuple[float, ...], size: tuple[float, ...]
) -> None:
    regions = regions_of_boxes(np.array([box]), INPUT)
    assert regions.centres[0] == pytest.approx(centre)
    assert regions.sizes[0] == pytest.approx(size)


def test_square_regions_for_mpii() -> None:
    regions = regions_of_boxes(np.array([[0, 0, 50, 100]]), (256, 256))
    assert regions.sizes[0] == pytest.approx((125, 125))


def warp_pixel_by_pixel(
    picture: np.ndarray, centre: np.ndarray, size: np.ndarray, grid: tuple[int, int]
) -> np.ndarray:
    """Bilinear, black outside, straight from the definition of the mapping."""
    height, width = picture.shape[:2]
    result = np.zeros((grid[1], grid[0], 3))
    for v in range(grid[1]):
        for u in range(grid[0]):
            x = centre[0] - size[0] / 2 + u / (grid[0] - 1) * size[0]
            y = centre[1] - size[1] / 2 + v / (grid[1] - 1) * size[1]
            x0, y0 = int(np.floor(x)), int(np.floor(y))
            for row, weight_y in ((y0, 1 - (y - y0)), (y0 + 1, y - y0)):
                for column, weight_x in ((x0, 1 - (x - x0)), (x0 + 1, x - x0)):
                    if 0 <= row < height and 0 <= column < width:
                        result[v, u] += weight_y * weight_x * picture[row, column]
    return result


@pytest.mark.parametrize("box", [(20, 10, 40, 60), (-15, -10, 50, 90), (70, 60, 60, 60)])
def test_warp_is_the_plain_bilinear_one(box: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(small, (100, 120)), dtype=np.uint8)
    grid = (48, 64)
    regions = regions_of_boxes(np.array([box]), grid)
    crop = warp_crop(picture, regions.centres[0], regions.sizes[0], grid)
    expected = warp_pixel_by_pixel(picture, regions.centres[0], regions.sizes[0], grid)
    # OpenCV interpolates in steps of 1/32 pixel.
    assert np.abs(crop.astype(float) - expected).max() <= 3
    assert np.abs(crop.astype(float) - expected).mean() < 0.5


def test_heatmap_corners_are_the_regions_corners() -> None:
    regions = Regions(np.array([[50.0, 60.0]]), np.array([[30.0, 40.0]]))
    corners = np.array([[[0.0, 0.0], [47.0, 63.0], [23.5, 31.5]]])
    found = grid_to_picture(corners, regions, (48, 64))
    assert found[0] == pytest.approx(np.array([[35, 40], [65, 80], [50, 60]]))


def test_a_dot_survives_the_way_to_the_crop_and_back() -> None:
    picture = np.zeros((200, 200, 3), dtype=np.uint8)
    cv2.circle(picture, (120, 90), 5, (255, 255, 255), -1, cv2.LINE_AA)
    regions = regions_of_boxes(np.array([[80, 40, 60, 100]]), INPUT)
    crop = warp_crop(picture, regions.centres[0], regions.sizes[0], INPUT)[:, :, 0].astype(float)
    v, u = np.mgrid[: INPUT[1], : INPUT[0]]
    middle = np.array([[[(crop * u).sum() / crop.sum(), (crop * v).sum() / crop.sum()]]])
    assert grid_to_picture(middle, regions, INPUT)[0, 0] == pytest.approx((120, 90), abs=0.1)


def test_mirrored_picture_gives_the_mirrored_crop() -> None:
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(small, (101, 81)), dtype=np.uint8)
    region = regions_of_boxes(np.array([[20.0, 15.0, 30.0, 40.0]]), INPUT)
    mirrored_centre = np.array([100 - region.centres[0, 0], region.centres[0, 1]])
    crop = warp_crop(picture, region.centres[0], region.sizes[0], INPUT)
    mirrored = warp_crop(
        np.ascontiguousarray(picture[:, ::-1]), mirrored_centre, region.sizes[0], INPUT
    )
    assert np.abs(crop[:, ::-1].astype(int) - mirrored.astype(int)).max() <= 2


def test_normalised_grey() -> None:
    crops = np.full((1, 2, 2, 3), 255, dtype=np.uint8)
    expected = (1 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    normalised = normalise(crops)
    assert normalised.shape == (1, 3, 2, 2)
    assert normalised.dtype == np.float32
    assert normalised[0, :, 1, 1] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["mobileposenet-256x192", "ablation-v1-256x192"])
def test_heatmaps_are_as_large_as_the_network_makes_them(name: str) -> None:
    model = MODELS[name]
    width, height = model.input_size
    with torch.inference_mode():
        found = model.build().eval()(torch.zeros(1, 3, height, width))
    assert heatmap_size(model.input_size) == (found.shape[3], found.shape[2])
