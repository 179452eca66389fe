import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpn_cli.base.choices import Decode
from mpn_cli.base.skeletons import COCO
from mpn_cli.geometry.decoding import average_flipped, decode

HEIGHT, WIDTH = 64, 48


def gaussian(x: float, y: float, sigma: float = 2.0, peak: float = 1.0) -> np.ndarray:
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    values = peak * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma**2))
    return np.asarray(values, dtype=np.float32)


@settings(deadline=None, max_examples=100)
@given(st.floats(6, WIDTH - 7), st.floats(6, HEIGHT - 7))
def test_known_centres(x: float, y: float) -> None:
    heatmap = gaussian(x, y)[None, None]
    dark, _ = decode(heatmap, Decode.DARK)
    quarter, _ = decode(heatmap, Decode.QUARTER)
    assert np.abs(dark[0, 0] - (x, y)).max() < 0.05
    assert np.abs(quarter[0, 0] - (x, y)).max() <= 0.2501


def test_noise_does_not_throw_dark_off() -> None:
    rng = np.random.default_rng(0)
    heatmap = gaussian(20.3, 31.6) + rng.normal(0, 0.02, (HEIGHT, WIDTH)).astype(np.float32)
    dark, _ = decode(heatmap[None, None], Decode.DARK)
    assert np.abs(dark[0, 0] - (20.3, 31.6)).max() < 0.15


@pytest.mark.parametrize("method", Decode)
@pytest.mark.parametrize(
    ("x", "y"), [(0, 0), (WIDTH - 1, HEIGHT - 1), (0, 30), (20, HEIGHT - 1), (1, 1)]
)
def test_joints_at_the_border_stay_in_the_heatmap(method: Decode, x: int, y: int) -> None:
    positions, confidences = decode(gaussian(x, y)[None, None], method)
    assert np.abs(positions[0, 0] - (x, y)).max() <= 0.25
    assert confidences[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("method", Decode)
@pytest.mark.parametrize("value", [0.0, -0.5])
def test_empty_heatmap(method: Decode, value: float) -> None:
    heatmap = np.full((1, 1, HEIGHT, WIDTH), value, dtype=np.float32)
    if value:
        heatmap[0, 0, 10, 12] = -0.1
    positions, confidences = decode(heatmap, method)
    assert confidences[0, 0] == 0
    assert positions[0, 0].tolist() == ([12, 10] if value else [0, 0])


def test_flat_peak_has_a_singular_hessian() -> None:
    heatmap = np.ones((1, 1, HEIGHT, WIDTH), dtype=np.float32)
    positions, _ = decode(heatmap, Decode.DARK)
    assert positions[0, 0].tolist() == [0, 0]
    # A ridge: no curvature along x.
    ridge = np.tile(gaussian(24, 30)[:, 24:25], (1, WIDTH))
    ridge[30, 20] += np.float32(1e-6)
    positions, _ = decode(ridge[None, None], Decode.DARK)
    assert np.isfinite(positions).all()
    assert np.abs(positions[0, 0] - (20, 30)).max() <= 1


def test_confidence_is_clipped() -> None:
    _, confidences = decode(np.stack([gaussian(9, 9, peak=1.3), gaussian(9, 9, peak=0.4)])[None],
                            Decode.DARK)  # fmt: skip
    assert confidences[0] == pytest.approx([1.0, 0.4])


def test_quarter_moves_toward_the_larger_neighbour() -> None:
    positions, _ = decode(gaussian(20.3, 30.8)[None, None], Decode.QUARTER)
    assert positions[0, 0].tolist() == [20.25, 30.75]


def test_flip_average_brings_left_and_right_together() -> None:
    straight = np.zeros((1, 17, HEIGHT, WIDTH), dtype=np.float32)
    mirrored = np.zeros_like(straight)
    left, right = COCO.keypoints.index("left_knee"), COCO.keypoints.index("right_knee")
    straight[0, left] = gaussian(10.4, 20)
    # In the mirrored crop the same knee looks like a right one, mirrored.
    mirrored[0, right] = gaussian(WIDTH - 1 - 10.4, 20)
    averaged = average_flipped(straight, mirrored, COCO.flip_permutation)
    positions, confidences = decode(averaged, Decode.DARK)
    assert positions[0, left] == pytest.approx((10.4, 20), abs=0.05)
    assert confidences[0, left] == pytest.approx(straight[0, left].max())
    assert confidences[0, right] == 0


def test_many_at_once_equal_one_by_one() -> None:
    rng = np.random.default_rng(2)
    heatmaps = rng.random((3, 4, HEIGHT, WIDTH), dtype=np.float32)
    together, _ = decode(heatmaps, Decode.DARK)
    for crop in range(3):
        alone, _ = decode(heatmaps[crop : crop + 1], Decode.DARK)
        assert np.array_equal(alone[0], together[crop])
