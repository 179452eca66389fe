"""Whole batches: pixels, heatmaps and weights of the same person, the same again each time."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from mpn_cli.base.skeletons import COCO
from mpn_cli.geometry.crops import normalise
from mpn_cli.training.pose import crops as crops_module
from mpn_cli.training.pose.augmentation import AUGMENTATIONS, STILL, Augmentation
from mpn_cli.training.pose.cache import CropCache, cached_size
from mpn_cli.training.pose.crops import CropBatch, CropBatches, copy_of
from tests.training.running import cache_of

SIZE = (96, 128)
CACHED = cached_size(SIZE)


def one_dot_each(people: int) -> CropCache:
    """Regions with a white disc at the one labelled joint."""
    rng = np.random.default_rng(0)
    keypoints = np.zeros((people, 17, 2))
    weights = np.zeros((people, 17), dtype=np.float32)
    crops = np.zeros((people, CACHED[1], CACHED[0], 3), dtype=np.uint8)
    for row in range(people):
        joint = row % 17
        keypoints[row, joint] = rng.uniform((50, 65), (75, 100))
        weights[row, joint] = 1
        x, y = keypoints[row, joint]
        cv2.circle(crops[row], (round(16 * x), round(16 * y)), 40, (255,) * 3, -1, cv2.LINE_AA, 4)
    return cache_of(crops, keypoints, weights)


def batches(cache: CropCache, augmentation: Augmentation) -> CropBatches:
    return CropBatches(
        [cache], (1.0,), COCO, augmentation, SIZE, len(cache), 5, torch.device("cpu")
    )


def rows(count: int) -> list[tuple[int, int]]:
    return [(0, row) for row in range(count)]


def test_pixels_and_heatmaps_move_together() -> None:
    augmentation = Augmentation(colour=0, cut_out_probability=0)
    batch = batches(one_dot_each(34), augmentation).make(0, rows(34))
    bright = batch.crops[:, 0] - batch.crops[:, 0].amin(dim=(1, 2), keepdim=True)
    mirrored = 0
    for row in range(34):
        (now,) = torch.nonzero(batch.weights[row]).ravel().tolist()
        mirrored += now != row % 17
        assert now in (row % 17, COCO.flip_permutation[row % 17])
        v, u = torch.meshgrid(torch.arange(128.0), torch.arange(96.0), indexing="ij")
        total = bright[row].sum()
        middle = torch.stack([(bright[row] * u).sum(), (bright[row] * v).sum()]) / total
        # A Gaussian's logarithm is a parabola: its place follows from three values.
        heatmap = batch.heatmaps[row, now].double()
        y, x = divmod(int(heatmap.flatten().argmax()), 24)
        found = [
            cell + (heatmap[after].log() - heatmap[before].log()) / 2 * 1.0  # sigma is 1 cell
            for cell, before, after in ((x, (y, x - 1), (y, x + 1)), (y, (y - 1, x), (y + 1, x)))
        ]
        place = torch.stack(found) * torch.tensor([95 / 23, 127 / 31])
        assert (place - middle).abs().max() < 0.2
    assert 5 < mirrored < 29


def test_without_augmentation_it_is_the_inference_crop() -> None:
    cache = one_dot_each(6)
    batch = batches(cache, STILL).make(0, rows(6))
    plain = normalise(np.stack([cache.plain_crop(row, SIZE) for row in range(6)]))
    # OpenCV's warp rounds places to a 32nd of a pixel, and levels to whole ones.
    assert np.abs(batch.crops.numpy() - plain).mean() < 0.02


def test_a_mirrored_crop_is_the_crop_mirrored() -> None:
    cache = one_dot_each(17)
    plain = batches(cache, STILL).make(0, rows(17))
    mirrored = batches(cache, replace(STILL, flip_probability=1.0)).make(0, rows(17))
    torch.testing.assert_close(mirrored.crops, plain.crops.flip(3), rtol=0, atol=1e-3)
    swapped = list(COCO.flip_permutation)
    assert torch.equal(mirrored.weights, plain.weights[:, swapped])
    labelled = plain.weights[:, swapped] > 0
    torch.testing.assert_close(
        mirrored.heatmaps[labelled], plain.heatmaps.flip(3)[:, swapped][labelled],
        rtol=0, atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_batch_is_the_same_again_and_no_other(name: str) -> None:
    cache = one_dot_each(8)

    def made(step: int, first: int = 0) -> CropBatch:
        return batches(cache, AUGMENTATIONS[name]).make(step, rows(8)[first:], first)

    assert torch.equal(made(3).crops, made(3).crops)
    assert torch.equal(made(3).heatmaps, made(3).heatmaps)
    assert not torch.equal(made(3).crops, made(4).crops)
    # Another process's share of the batch is drawn apart.
    assert torch.equal(made(3, first=4).crops, made(3, first=4).crops)
    assert not torch.equal(made(3).crops[4:], made(3, first=4).crops)


def test_people_of_several_data_sets_are_told_apart() -> None:
    caches = [
        cache_of(
            np.full((count, CACHED[1], CACHED[0], 3), level, dtype=np.uint8),
            np.full((count, 17, 2), 60.0), np.ones((count, 17), dtype=np.float32),
        )
        for count, level in ((2, 10), (3, 200))
    ]  # fmt: skip
    maker = CropBatches(caches, (1.0, 1.0), COCO, STILL, SIZE, 3, 5, torch.device("cpu"))
    batch = maker.make(0, [(1, 2), (0, 1), (1, 0)])
    levels = batch.crops[:, 0, 64, 48] * 0.229 * 255 + 0.485 * 255
    assert levels.tolist() == pytest.approx([200, 10, 200], abs=0.01)


def two_data_sets() -> CropBatches:
    caches = [one_dot_each(5), one_dot_each(4)]
    augmentation = AUGMENTATIONS["crowd"]
    return CropBatches(caches, (1.0, 1.0), COCO, augmentation, SIZE, 3, 5, torch.device("cpu"))


def test_crops_kept_on_a_device_give_the_same_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [(1, 3), (0, 4), (1, 0)]
    wanted = two_data_sets().make(2, drawn)
    monkeypatch.setattr(crops_module, "keep_on", lambda device, caches: copy_of(caches, device))
    monkeypatch.setattr(crops_module, "_COPIED_AT_ONCE", 2)
    kept = two_data_sets()
    found = kept.make(2, drawn)
    assert torch.equal(found.crops, wanted.crops)
    assert torch.equal(found.heatmaps, wanted.heatmaps)


def test_several_threads_make_the_same_batches_in_the_same_order() -> None:
    wanted = [batch.crops for batch in two_data_sets().between(0, 7)]
    several = two_data_sets()
    several.makers = 3
    found = [batch.crops for batch in several.between(0, 7)]
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
