from dataclasses import replace

import numpy as np
import torch

from mpn_cli.base.skeletons import COCO
from mpn_cli.training.pose.augmentation import STILL, Augmentation
from mpn_cli.training.pose.cache import CropCache, cached_size
from mpn_cli.training.pose.crops import CropBatch, CropBatches
from mpn_cli.training.pose.pasting import body_mask, pastable
from tests.training.running import cache_of

SIZE = (96, 128)
WIDTH, HEIGHT = cached_size(SIZE)
STANDING = np.array([
    (48, 20), (50, 18), (46, 18), (53, 20), (43, 20), (58, 34), (38, 34), (62, 50), (34, 50),
    (63, 64), (33, 64), (54, 66), (42, 66), (54, 86), (42, 86), (54, 106), (42, 106),
], dtype=float)  # fmt: skip


def people(brightness: int, labelled: np.ndarray, count: int) -> CropCache:
    keypoints = np.tile(STANDING + (np.array([WIDTH, HEIGHT]) - SIZE) / 2, (count, 1, 1))
    crops = np.full((count, HEIGHT, WIDTH, 3), brightness, dtype=np.uint8)
    weights = np.tile(labelled.astype(np.float32), (count, 1))
    return cache_of(crops, keypoints, weights)


def made(augmentation: Augmentation) -> CropBatch:
    """Eight people without heads on black; four whole ones on white can be pasted over them."""
    headless = np.arange(17) >= 5
    caches = [people(0, headless, 8), people(255, np.ones(17), 4)]
    batches = CropBatches(caches, (1.0, 0.0), COCO, augmentation, SIZE, 8, 3, torch.device("cpu"))
    return batches.make(0, [(0, row) for row in range(8)])


def test_a_mask_covers_the_body_and_nothing_far_from_it() -> None:
    mask = body_mask(STANDING, np.ones(17, np.float32), COCO, SIZE)
    columns, rows = STANDING.round().astype(int).T
    assert mask[rows, columns].min() > 200
    assert mask[50, 48] == 255  # amid the torso, between its limbs
    assert mask[:, :20].max() == mask[:, 76:].max() == mask[118:].max() == 0
    assert 0.1 < (mask > 127).mean() < 0.4


def test_a_mask_of_nobody_is_empty() -> None:
    assert body_mask(STANDING, np.zeros(17, np.float32), COCO, SIZE).max() == 0


def test_whole_people_are_pasted_only() -> None:
    weights = np.ones((5, 17), dtype=np.float32)
    weights[[0, 1, 3], :5] = 0
    assert pastable(weights).tolist() == [2, 4]


def test_somebody_hides_part_of_the_crop_and_labels_stay() -> None:
    alone, crowded = (made(replace(STILL, paste_probability=p)) for p in (0.0, 1.0))
    torch.testing.assert_close(alone.heatmaps, crowded.heatmaps)
    torch.testing.assert_close(alone.weights, crowded.weights)
    bright = (crowded.crops - alone.crops).abs().amax(dim=1) > 1
    hidden = bright.float().mean(dim=(1, 2))  # moved aside, so mostly cut by the crop's edge
    assert 0 < hidden.min() < hidden.max() < 0.35


def test_as_often_as_asked() -> None:
    alone, some = (made(replace(STILL, paste_probability=p)) for p in (0.0, 0.5))
    changed = (some.crops != alone.crops).flatten(1).any(dim=1)
    assert 0 < changed.sum() < 8
