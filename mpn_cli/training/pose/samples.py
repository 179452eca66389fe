"""Batches of augmented crops with their heatmap targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mpn_cli.pipeline.crops import normalise
from mpn_cli.skeletons import Skeleton
from mpn_cli.training.batches import Batches
from mpn_cli.training.pose.augmentation import (
    Augmentation,
    apply_view,
    change_colour,
    cut_out,
    draw_view,
    move_keypoints,
)
from mpn_cli.training.pose.cache import CropCache, cached_size
from mpn_cli.training.pose.targets import gaussian_heatmaps


@dataclass(frozen=True, slots=True)
class PoseBatch:
    """What one training step takes."""

    crops: Tensor
    """(B, 3, H, W) float32, normalised RGB."""
    heatmaps: Tensor
    """(B, K, H/4, W/4)."""
    weights: Tensor
    """(B, K)."""


class CropMaker(Batches[PoseBatch]):
    """Makes the batches of a stage."""

    def __init__(
        self,
        caches: Sequence[CropCache],
        mix: Sequence[float],
        skeleton: Skeleton,
        augmentation: Augmentation,
        input_size: tuple[int, int],
        batch: int,
        seed: int,
    ) -> None:
        super().__init__([len(cache) for cache in caches], mix, batch, seed)
        self.caches = caches
        self.skeleton = skeleton
        self.augmentation = augmentation
        self.input_size = input_size

    def make(self, step: int, rows: list[tuple[int, int]]) -> PoseBatch:
        """The batch of some rows; ``step`` seeds its augmentation."""
        width, height = self.input_size
        joints = self.skeleton.joints
        crops = np.empty((len(rows), height, width, 3), dtype=np.uint8)
        keypoints = np.empty((len(rows), joints, 2))
        weights = np.empty((len(rows), joints), dtype=np.float32)
        cached = cached_size(self.input_size)
        for i, (data_set, row) in enumerate(rows):
            cache = self.caches[data_set]
            rng = np.random.default_rng((self.seed, height, step, i))
            labels, labelled = cache.keypoints[row], cache.people.weights[row]
            view = draw_view(
                rng, self.augmentation, self.skeleton, labels, labelled, cached, self.input_size
            )
            crop = apply_view(np.asarray(cache.crops[row]), view, self.input_size)
            crop = change_colour(rng, self.augmentation, crop)
            crops[i] = cut_out(rng, self.augmentation, crop)
            keypoints[i], weights[i] = move_keypoints(view, self.skeleton, labels, labelled)
        heatmap_size = (width // 4, height // 4)
        in_cells = keypoints * ((np.asarray(heatmap_size) - 1) / (np.array([width, height]) - 1))
        heatmaps, weights = gaussian_heatmaps(in_cells, weights, heatmap_size)
        arrays = (normalise(crops), heatmaps, weights)
        return PoseBatch(*(torch.from_numpy(array) for array in arrays))
