import cv2
import numpy as np
import pytest

from mpn_cli.base.skeletons import COCO
from mpn_cli.training.pose.augmentation import (
    AUGMENTATIONS,
    STILL,
    apply_view,
    draw_view,
    move_keypoints,
)
from mpn_cli.training.pose.cache import MARGIN, cached_size

SIZE = (96, 128)
CACHED = cached_size(SIZE)


def dots(keypoints: np.ndarray) -> np.ndarray:
    """A cached region with a small white disc at each keypoint."""
    crop = np.zeros((CACHED[1], CACHED[0], 3), dtype=np.uint8)
    for x, y in keypoints:
        cv2.circle(crop, (round(16 * x), round(16 * y)), 48, (255,) * 3, -1, cv2.LINE_AA, 4)
    return crop


@pytest.mark.parametrize("seed", range(12))
def test_pixels_and_labels_move_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    joint = seed % 17
    keypoints = np.zeros((17, 2))
    keypoints[joint] = (60, 80)
    labelled = np.zeros(17, dtype=np.float32)
    labelled[joint] = 1
    view = draw_view(rng, AUGMENTATIONS["paper"], COCO, keypoints, labelled, CACHED, SIZE)
    crop = apply_view(dots(keypoints[joint : joint + 1]), view, SIZE)[..., 0].astype(float)
    moved, weights = move_keypoints(view, COCO, keypoints, labelled)
    now = int(weights.argmax())
    assert now == (COCO.flip_permutation[joint] if view.mirrored else joint)
    v, u = np.mgrid[: SIZE[1], : SIZE[0]]
    middle = ((crop * u).sum() / crop.sum(), (crop * v).sum() / crop.sum())
    assert moved[now] == pytest.approx(middle, abs=0.2)


def test_without_augmentation_the_view_is_the_inference_crop() -> None:
    rng = np.random.default_rng(0)
    keypoints = np.array([[0.0, 0.0]] * 17)
    view = draw_view(rng, STILL, COCO, keypoints, np.zeros(17, np.float32), CACHED, SIZE)
    corners = np.array([[0, 0, 1], [SIZE[0] - 1, SIZE[1] - 1, 1]]) @ view.matrix.T
    middle, reach = (np.array(CACHED) - 1) / 2, (np.array(CACHED) - 1) / 2 / MARGIN
    assert corners == pytest.approx(np.array([middle - reach, middle + reach]), abs=0.3)
