"""What is drawn: in its ranges, as often as asked, with labels that follow the view."""

from dataclasses import replace

import numpy as np
import pytest

from mpn_cli.base.skeletons import COCO
from mpn_cli.training.pose.augmentation import (
    AUGMENTATIONS,
    STILL,
    Augmentation,
    draw_colours,
    draw_cut_outs,
    draw_pasted,
    draw_views,
)
from mpn_cli.training.pose.cache import MARGIN, cached_size

SIZE = (96, 128)
CACHED = cached_size(SIZE)
PAPER = AUGMENTATIONS["paper"]


def some_people(count: int) -> tuple[np.ndarray, np.ndarray]:
    keypoints = np.random.default_rng(0).uniform((30, 30), (90, 130), (count, 17, 2))
    return keypoints, np.ones((count, 17), dtype=np.float32)


def test_views_are_drawn_from_their_ranges() -> None:
    views = draw_views(np.random.default_rng(0), PAPER, COCO, *some_people(2000), SIZE)
    linear = views.matrices[:, :, :2]
    scales = np.sqrt(np.abs(np.linalg.det(linear)))
    angles = np.degrees(np.arctan2(views.matrices[:, 1, 0], np.abs(views.matrices[:, 0, 0])))
    assert 0.45 < views.mirrored.mean() < 0.55
    assert np.abs(angles).max() < 46
    assert 0.35 < (np.abs(angles) < 1e-6).mean() < 0.45
    assert scales.max() < 1.36
    assert ((np.linalg.det(linear) < 0) == views.mirrored).all()


def test_without_augmentation_the_view_is_the_inference_crop() -> None:
    views = draw_views(np.random.default_rng(0), STILL, COCO, *some_people(2), SIZE)
    corners = np.array([[0, 0, 1], [SIZE[0] - 1, SIZE[1] - 1, 1]]) @ views.matrices[1].T
    middle, reach = (np.array(CACHED) - 1) / 2, (np.array(CACHED) - 1) / 2 / MARGIN
    assert corners == pytest.approx(np.array([middle - reach, middle + reach]), abs=0.3)


def test_half_a_body_fills_the_crop() -> None:
    """The upper joints lie in one square and the lower ones in another, each 20 pixels wide."""
    keypoints = np.zeros((200, 17, 2))
    keypoints[:, :11] = (40, 40)
    keypoints[:, 11:] = (80, 120)
    keypoints[:, [0, 11]] += 20
    halves = Augmentation(
        rotation=0, scale=0, shift=0, flip_probability=0, half_body_probability=0.5
    )
    weights = np.ones((200, 17), dtype=np.float32)
    views = draw_views(np.random.default_rng(0), halves, COCO, keypoints, weights, SIZE)
    middles = views.matrices @ [(SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2, 1]
    kinds, counts = np.unique(middles.round(6), axis=0, return_counts=True)
    whole = (np.array(CACHED) - 1) / 2
    assert kinds == pytest.approx(np.array([(50, 50), whole, (90, 130)]))
    assert counts[1] / 200 == pytest.approx(0.5, abs=0.12)
    # 20 pixels and half as much around them, as wide as the crop's 96 of 128 rows allow.
    upper = views.matrices[np.abs(middles - 50).max(axis=1) < 1e-6]
    assert upper[:, 0, 0] == pytest.approx(20 * 1.5 / (96 / 128) / 127)


def test_left_and_right_are_swapped_where_mirrored() -> None:
    keypoints, weights = some_people(1)
    weights[0] = np.arange(17) / 16
    views = draw_views(
        np.random.default_rng(0), replace(STILL, flip_probability=1.0),
        COCO, keypoints, weights, SIZE,
    )  # fmt: skip
    plain = draw_views(np.random.default_rng(0), STILL, COCO, keypoints, weights, SIZE)
    moved, moved_weights = views.labels(COCO, keypoints, weights)
    there, there_weights = plain.labels(COCO, keypoints, weights)
    for joint, name in enumerate(COCO.keypoints):
        side = {"left": "right", "right": "left"}.get(name.split("_")[0])
        other = COCO.keypoints.index(f"{side}_{name.split('_')[1]}") if side else joint
        x, y = there[0, joint]
        assert moved[0, other] == pytest.approx((SIZE[0] - 1 - x, y), abs=1e-9)
        assert moved_weights[0, other] == there_weights[0, joint] == weights[0, joint]
    assert weights[0, 1] == np.float32(1 / 16)  # the data set's own are left alone


def test_colours_are_drawn_from_their_ranges() -> None:
    colours = draw_colours(np.random.default_rng(0), Augmentation(colour=0.3), 3000)
    for values in (colours.contrast - 1, colours.brightness):
        assert values.shape == (3000, 3)
        assert 0.37 < np.abs(values).max() < 0.4  # 0.3 of the whole and a third of it alone
        within = values - values.mean(axis=1, keepdims=True)
        assert 0.1 < np.abs(within).max() < 0.14


def test_cut_outs_are_drawn_from_their_ranges() -> None:
    rows, left, top, right, bottom = draw_cut_outs(
        np.random.default_rng(0), Augmentation(cut_out_probability=0.25), 4000, SIZE
    ).T
    assert len(set(rows)) == len(rows)
    assert len(rows) / 4000 == pytest.approx(0.25, abs=0.03)
    for first, last, side in ((left, right, 96), (top, bottom, 128)):
        assert first.min() == 0
        assert last.max() in (side - 1, side)
        assert (last - first).min() == side // 8
        assert (last - first).max() == side // 3 - 1
    assert not len(draw_cut_outs(np.random.default_rng(0), STILL, 100, SIZE))


def test_who_is_pasted_where() -> None:
    often = Augmentation(paste_probability=0.25)
    pasted = draw_pasted(np.random.default_rng(0), often, np.array([3, 5]), 4000, SIZE)
    assert len(pasted.over) / 4000 == pytest.approx(0.25, abs=0.03)
    assert len(set(pasted.over)) == len(pasted.over)
    assert set(pasted.people) == {3, 5}
    across, down = np.abs(pasted.offsets / SIZE).T
    assert 0.35 <= across.min() < across.max() <= 0.7
    assert 0.15 < down.max() <= 0.2
    assert (pasted.offsets[:, 0] < 0).mean() == pytest.approx(0.5, abs=0.06)
    nobody = draw_pasted(np.random.default_rng(0), often, np.array([], dtype=int), 100, SIZE)
    assert len(nobody.over) == len(nobody.people) == len(nobody.offsets) == 0
